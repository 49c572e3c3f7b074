#!/bin/sh
# Take what can install or build out of the final image, and make the user that runs it.
set -eu
rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/lib/python3*/ensurepip \
    /usr/share/python-wheels /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/bin/idle* /usr/local/bin/pydoc*
groupadd --gid 10001 doko
useradd --uid 10001 --gid 10001 --home-dir /var/lib/doko --no-create-home --shell /usr/sbin/nologin doko
mkdir -p /var/lib/doko
chown 10001:10001 /var/lib/doko
rm -f /tmp/strip-base.sh
