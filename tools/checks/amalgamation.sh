#!/bin/sh
# amalgamation.sh: writes layout and core as one source and one header that need nothing else,
# XXH32 of the system's xxhash.h included. Knows the order of headers from their includes alone.
#
# CC=cc amalgamation.sh FOLDER
set -u

cd "$(dirname "$0")/../.." || exit 2
folder=${1:?a folder}
checks=tools/checks
version=$(sed -n 's/^#define SLOTQ_VERSION_TEXT "\(.*\)"/\1/p' engine/slotq.h)
mkdir -p "$folder" || exit 1

# Another compiler's builtins would be written into the text: gcc has none that matter here.
preprocessor=${CC:-cc}
command -v gcc >/dev/null 2>&1 && preprocessor=gcc

fail() {
    echo "amalgamation: $1" >&2
    rm -f "$folder/slotq_core.c" "$folder/slotq_core.h"
    exit 1
}

# Byte order is left to a macro that the compilation of the result decides; bytes are read one by
# one, so that nothing depends on alignment.
hash=$(printf '#include <xxhash.h>\n' | "$preprocessor" -E -x c -DXXH_INLINE_ALL \
    -DXXH_NO_LONG_LONG -DXXH_FORCE_MEMORY_ACCESS=3 -DXXH_FORCE_ALIGN_CHECK=0 \
    -DXXH_CPU_LITTLE_ENDIAN=SLOTQ_LITTLE_ENDIAN - | awk -f $checks/xxh32.awk) ||
    fail "no XXH32 in the system's xxhash.h"
header=$(printf '#include <xxhash.h>\n' | "$preprocessor" -M -x c - |
    tr ' ' '\n' | grep 'xxhash\.h$' | head -n 1)
notice=$(awk '{ print } /\*\// { exit }' "$header")

{
    echo "/* slotq_core.h: slotq $version, the embeddable core in one header; its source is"
    echo " * slotq_core.c. Made from the sources by make amalgamation: change those."
    echo " */"
    awk -v public=1 -f $checks/amalgamation.awk engine/slotq_core.h
} >"$folder/slotq_core.h" || fail "the header cannot be put together"

{
    echo "/* slotq_core.c: slotq $version, the embeddable core in one source. Freestanding: it"
    echo " * needs memcpy, memset and memcmp and nothing else. Made from the sources by make"
    echo " * amalgamation: change those."
    echo " *"
    sed -n 's/^\(.*[^ ].*\)$/ * \1/p; s/^$/ */p' LICENSE
    echo " */"
    echo '#include "slotq_core.h"'
    echo
    echo "/* ---- XXH32 of xxHash, reduced to what is used; its notice: ---- */"
    printf '%s\n' "$notice"
    echo "#define SLOTQ_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)"
    printf '%s\n' "$hash"
    awk -f $checks/amalgamation.awk engine/layout/*.c engine/core/*.c
} >"$folder/slotq_core.c" || fail "the source cannot be put together"

echo "amalgamation: $folder/slotq_core.c ($(wc -l <"$folder/slotq_core.c") lines)," \
    "slotq_core.h ($(wc -l <"$folder/slotq_core.h") lines)"
