#!/bin/sh
# installed.sh: make install into a folder, programs built against what is there, and make
# uninstall, which must leave no file. Knows the public way to use the library, nothing inside.
#
# installed.sh FOLDER
set -u

folder=${1:?a folder}
make=${MAKE:-make}
rm -rf "$folder"
mkdir -p "$folder"
$make install DESTDIR="$folder" PREFIX=/opt/slotq >/dev/null || exit 1
prefix=$folder/opt/slotq

cat >"$folder/program.c" <<'C'
#include <slotq.h>
#include <stdio.h>

int main(void)
{
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq *queue = NULL;
    slotq_error error;
    static _Alignas(8) unsigned char buffer[1 << 20];
    const uint64_t bytes = slotq_geometry_bytes(&geometry, NULL);
    slotq_outcome outcome = slotq_open_memory(buffer, bytes, &geometry, NULL, &queue, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_push(queue, &(slotq_data){"hello", 5}, 1, NULL);
    }
    slotq_close(queue);
    puts(slotq_outcome_name(outcome));
    return outcome;
}
C
# Both libraries, shared by pkg-config's word, and static by name.
for library in slotq slotq_redis; do
    flags="-I$prefix/include/slotq -L$prefix/lib -l$library"
    if command -v pkg-config >/dev/null 2>&1; then
        flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder \
            pkg-config --cflags --libs $library) || exit 1
    fi
    # shellcheck disable=SC2086 # options
    gcc -std=c11 "$folder/program.c" -o "$folder/shared" $flags || exit 1
    LD_LIBRARY_PATH=$prefix/lib "$folder/shared" | grep -qx OK || exit 1
    also=''
    [ $library = slotq ] || also=-lhiredis
    # shellcheck disable=SC2086 # none or one
    gcc -std=c11 "$folder/program.c" -o "$folder/static" "-I$prefix/include/slotq" \
        "$prefix/lib/lib$library.a" $also -pthread || exit 1
    "$folder/static" | grep -qx OK || exit 1
done

$make uninstall DESTDIR="$folder" PREFIX=/opt/slotq >/dev/null || exit 1
left=$(find "$folder/opt" -type f -o -type l)
[ -z "$left" ] || {
    echo "uninstall left: $left"
    exit 1
}
echo "shared and static programs ran, uninstall left nothing"
