#!/bin/sh
# install-packages.sh LOCK FOLDER: a virtual environment in FOLDER with what LOCK names, and no pip in it.
# Only wheels whose hash the lock knows: nothing is compiled here, nothing else gets in.
set -eu
lock=$1
folder=$2
python3 -m venv "$folder"
"$folder/bin/python3" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --only-binary :all: --no-compile -r "$lock"
packages=$("$folder/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$folder/bin/python3" -m pip uninstall --quiet --yes setuptools pip
rm -rf "$folder"/bin/[Aa]ctivate* "$packages"/*/tests "$packages"/sqlalchemy/testing
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash "$packages"
