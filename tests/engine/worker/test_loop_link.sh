#!/bin/bash
# test_loop_link.sh: a worker's loop finds the wake-ups of a server where the program is linked with
# libslotq_redis, and works without it; linked with archives and with shared libraries.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tools/cases.sh
. "$here/../../tools/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
libraries=${SLOTQ_BUILD:-$source_folder/build}/lib

# linked NAME LIBRARY WORD…: a program of print_loop.c
linked() {
    "${CC:-cc}" -std=c11 -O1 -D_GNU_SOURCE -I"$source_folder/engine" -o "$1" \
        "$here/print_loop.c" "${@:2}" -pthread
}
# threads PROGRAM URL NAME: those of a loop that has run a message, and is idle
threads() {
    "$SLOTQ" -u "$2" push "$3" x >/dev/null 2>&1
    LD_LIBRARY_PATH=$libraries "./$1" "$2" "$3" 2>&1
}

case $libraries in
*/build/lib) ;;
*) skip 'a linked loop' 'the libraries have a sanitizer' && finish && exit ;;
esac
start_server
"$SLOTQ" -u . create q --slots 9 --payload 16 >/dev/null 2>&1
"$SLOTQ" -u "$server_url" create q --slots 9 --payload 16 >/dev/null 2>&1
archives=("$libraries/libslotq_worker.a")
shared=(-L"$libraries" -lslotq_worker)
linked near_static "${archives[@]}" "$libraries/libslotq.a"
read -ra tls < <(pkg-config --libs libssl libcrypto 2>/dev/null)
linked far_static "${archives[@]}" "$libraries/libslotq_redis.a" -lhiredis "${tls[@]}"
linked near_shared "${shared[@]}" -lslotq
linked far_shared "${shared[@]}" -lslotq_redis
# has NAME COUNT PROGRAM URL
has() {
    local seen
    seen=$(threads "$3" "$4" q)
    if [ "$seen" = "$2" ]; then ok "$3: $1"; else not_ok "$3: $1" "threads: $seen"; fi
}
for program in near_static near_shared far_static far_shared; do
    has 'a file has a bridge' 2 $program .
done
for program in far_static far_shared; do
    has 'a server wakes the loop' 1 $program "$server_url"
done
end_server
finish
