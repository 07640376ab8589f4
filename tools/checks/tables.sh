#!/bin/sh
# tables.sh: writes the tables that repeat the .def files, the heads of lua/ and bench/results into
# the marked regions of the documents, or with --check says which have drifted. The tables are
# made by tools/generate/tables.c; tests/golden/vectors.jsonl, made by tools/generate/vectors from
# the core, is held or written likewise. Knows the marks:
#   <!-- generated: NAME --> … <!-- end generated -->   in Markdown
#   ; generated: NAME … ; end generated                 in man page sources
set -u

cd "$(dirname "$0")/../.." || exit 2
check=no
[ "${1:-}" = --check ] && check=yes

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
new=$made/new
# A .region is a region's text as it is, under its name.
python3 bench/report readme >"$made/peers.region" || exit 1
"${CC:-cc}" -std=c11 -Wall -Wextra -Iengine -o "$made/tables" tools/generate/tables.c || exit 1
drifted=0
seen=0
for document in README.md engine/*.md lua/*.md tools/man/*.scd; do
    [ -f "$document" ] || continue
    grep -qE '^(<!--|;) generated: ' "$document" || continue
    seen=$((seen + 1))
    "$made/tables" "$document" lua/[a-z]*.lua "$made"/*.region >"$new" || exit 1
    cmp -s "$new" "$document" && continue
    if [ "$check" = yes ]; then
        echo "$document: its tables are not what they are made from: make tables"
        drifted=$((drifted + 1))
    else
        cat "$new" >"$document"
        echo "tables: wrote $document"
    fi
done

# shellcheck disable=SC2046 # no name of ours has a blank
"${CC:-cc}" -std=c11 -O1 -Wall -Wextra -Iengine -o "$made/vectors" tools/generate/vectors/*.c \
    $(find engine/layout engine/core -name '*.c') && "$made/vectors" >"$new" || exit 1
vectors=tests/golden/vectors.jsonl
if ! cmp -s "$new" "$vectors"; then
    if [ "$check" = yes ]; then
        echo "$vectors: not what the core gives: make tables, and tell authors of clients"
        drifted=$((drifted + 1))
    else
        cat "$new" >"$vectors"
        echo "tables: wrote $vectors"
    fi
fi
[ "$drifted" = 0 ] || exit 1
echo "tables: $seen documents agree with the definitions"
