#!/bin/sh
# install.sh: the packages that package-lock.json names, installed into a folder under build/,
# without their scripts. Knows npm; no peer.
#
# install.sh FOLDER    Where it cannot be done, FOLDER/absent says why, and all else goes on.
set -u

folder=${1:?a folder}
here=$(dirname "$0")
mkdir -p "$folder" || exit 1

skip() {
    echo "$1" >"$folder/absent"
    echo "bench: the peers in Node are left out: $1" >&2
    exit 0
}

cmp -s "$here/package-lock.json" "$folder/installed" && exit 0
rm -f "$folder/absent" "$folder/installed"
command -v node >/dev/null 2>&1 || skip "node is not installed"
command -v npm >/dev/null 2>&1 || skip "npm is not installed"

cp "$here/package.json" "$here/package-lock.json" "$folder" || exit 1
echo "npm: installing the peers of bench/peers/node into $folder"
# Not npm ci, which refuses a lock without the optional packages of other systems.
timeout 50 npm --prefix "$folder" install --no-save --omit=dev --ignore-scripts \
    --no-audit --no-fund --loglevel=error --fetch-timeout=20000 \
    --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 \
    >"$folder/npm.log" 2>&1 </dev/null ||
    skip "npm could not install them: see $folder/npm.log"
cp "$here/package-lock.json" "$folder/installed"
