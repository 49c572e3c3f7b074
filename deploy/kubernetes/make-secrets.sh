#!/bin/sh
# make-secrets.sh NAMESPACE: the secrets of a development environment, with passwords made here and kept nowhere else.
# Everything logs in as the owner of the database; staging and production get theirs from a vault.
set -eu
namespace=$1
kubectl="kubectl --namespace $namespace"
if $kubectl get secret doko-redis >/dev/null 2>&1; then
    echo "The secrets are there already; delete them first to make new ones: they must fit the stored data." >&2
    exit 1
fi
redis=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
postgres=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
dashboard=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
urls=""
databases="--from-literal=owner=postgresql://doko:$postgres@postgres:5432/doko"
for process in gateway scheduler whatsapp credit routing reminders reports orders; do
    urls="$urls --from-literal=$process=redis://:$redis@redis:6379/0"
    databases="$databases --from-literal=$process=postgresql://doko:$postgres@postgres:5432/doko"
done
# Words of letters, digits and :/@.= only: they may be split.
$kubectl create secret generic doko-redis --from-literal=password="$redis" $urls
$kubectl create secret generic doko-database --from-literal=password="$postgres" $databases
$kubectl create secret generic doko-dashboard --from-literal=signing="$dashboard"
