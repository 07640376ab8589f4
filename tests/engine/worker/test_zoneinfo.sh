#!/bin/bash
# test_zoneinfo.sh: all time zones of this machine, 1970 to 2100, are those that Python reads.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tools/cases.sh
. "$here/../../tools/cases.sh"

need python3
unset TZDIR PYTHONTZPATH
if ! python3 -c 'import zoneinfo' 2>err; then
    skip 'zones beside zoneinfo' 'this python3 has no zoneinfo (3.9 and later)'
elif [ ! -f /usr/share/zoneinfo/Europe/Berlin ]; then
    skip 'zones beside zoneinfo' 'no zones in /usr/share/zoneinfo (Debian, tzdata)'
else
    worker=$source_folder/engine/worker
    holds 'a program prints zones' "${CC:-cc}" -std=c11 -O1 -D_GNU_SOURCE -I"$source_folder" \
        -o print_zone "$here/print_zone.c" "$worker/zone.c" "$worker/zone_file.c" \
        "$worker/refuse.c"
    holds 'they are those of Python' python3 "$here/check_zones.py" ./print_zone
fi
finish
