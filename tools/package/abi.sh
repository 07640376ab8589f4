#!/bin/sh
# abi.sh: what programs that are linked with the libraries rely on, functions and public types, held
# against the lists in tools/package/abi. Knows libraries with debug information, no source file.
#
# abi.sh write|compare LIBRARIES VERSION    the folder of libslotq_redis.so, which has all of
#                                           libslotq.so, and of libslotq_worker.so
set -u

what=${1:?write or compare}
libraries=${2:?a folder}
version=${3:?a version}
lists=tools/package/abi
public=$libraries/public

refuse() {
    echo "abi.sh: $1" >&2
    exit 1
}

list() { # library, file
    abidw --headers-dir "$public" --drop-private-types --exported-interfaces-only \
        --no-elf-needed --no-show-locs --no-comp-dir-path --no-corpus-path \
        "$libraries/lib$1.so.$version" >"$2" || refuse "abidw: $1"
}

command -v abidw >/dev/null || refuse "abidw is missing (Debian: apt-get install abigail-tools)"
rm -rf "$public"
mkdir -p "$public" "$lists"
cp engine/slotq*.h engine/*.def "$public"
different=
for library in slotq_redis slotq_worker; do
    if [ "$what" = write ]; then
        list $library "$lists/$library.abi"
    else
        list $library "$libraries/$library.abi"
        abidiff "$lists/$library.abi" "$libraries/$library.abi" || different=1
    fi
done
[ -z "$different" ] || refuse "the libraries differ from $lists. While MAJOR is 0 a new MINOR may \
change them: say it in CHANGELOG.md, run make abi, and commit the lists"
