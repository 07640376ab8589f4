#!/bin/sh
# footprint.sh: what the amalgamated core costs where it is embedded: text, symbols that it
# wants, stack and context. Fails beyond the limits that the README promises.
#
# footprint.sh FOLDER (of slotq_core.c); CC: gcc, for its call graph.
#
# How measured: text by `size` after -Os -ffreestanding, without the tables that unwinding needs,
# which no freestanding target keeps; with them it is told, too. Stack: the deepest path through
# gcc's own call graph with its frame sizes (-fcallgraph-info=su), a call through a pointer standing
# for the deepest verb, plus a return address a call. Context: sizeof view, call and
# step, which the caller keeps.
set -u

folder=${1:?a folder}
checks=$(dirname "$0")
compiler=${CC:-gcc}
text_limit=40960
memory_limit=8192
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if ! $compiler -std=c11 -Os -ffreestanding -Wall -Wextra -Wconversion -Wshadow -Werror \
    -fcallgraph-info=su -c "$folder/slotq_core.c" -o "$work/core.o" -dumpdir "$work/"; then
    echo "footprint: the amalgamation does not compile"
    exit 1
fi

# text_of FLAGS…: in bytes
text_of() {
    $compiler -std=c11 -Os -ffreestanding -Wall -Wextra -Wconversion -Wshadow -Werror \
        "$@" -c "$folder/slotq_core.c" -o "$work/other.o" || return 1
    size "$work/other.o" | awk 'NR == 2 { print $1 }'
}

no_tables=-fno-asynchronous-unwind-tables
text=$(text_of $no_tables) || failed=1
without_later=$(text_of $no_tables -DSLOTQ_NO_LATER) || failed=1
without_keys=$(text_of $no_tables -DSLOTQ_NO_KEYS) || failed=1
without_both=$(text_of $no_tables -DSLOTQ_NO_LATER -DSLOTQ_NO_KEYS) || failed=1
with_tables=$(size "$work/core.o" | awk 'NR == 2 { print $1 }')
data=$(size "$work/core.o" | awk 'NR == 2 { print $3 }')
[ "$text" -le $text_limit ] || failed=1
[ "$data" = 0 ] || failed=1

wanted=$(nm -u "$work/core.o" | awk '{ print $2 }' | tr '\n' ' ')
for name in $wanted; do
    case $name in
    memcpy | memmove | memset | memcmp) ;;
    *) failed=1 ;;
    esac
done

cat >"$work/context.c" <<'C'
#include "slotq_core.h"
char context[sizeof(slotq_view) + sizeof(slotq_call) + sizeof(slotq_step)];
C
$compiler -std=c11 -I"$folder" -c "$work/context.c" -o "$work/context.o" || failed=1
context=$(($(nm -S "$work/context.o" | awk '/context$/ { print "0x" $2 }')))
stack=$(awk -f "$checks/stack.awk" "$folder/slotq_core.c" "$work"/*.ci)
[ -n "$stack" ] || failed=1
deepest=${stack%% *}
[ $((context + deepest)) -le $memory_limit ] || failed=1

echo "footprint: text $text bytes of $text_limit (-Os), $without_later with SLOTQ_NO_LATER," \
    "$without_keys with SLOTQ_NO_KEYS, $without_both with both; $with_tables with unwind tables;" \
    "bss $data, wants: ${wanted% };" \
    "context $context + stack $deepest = $((context + deepest)) bytes of $memory_limit" \
    "(${stack#* })"
exit $failed
