#!/bin/sh
# publish.sh: copies a report with its data and pictures to bench/results, and writes the README's
# part anew. Knows what belongs to a report; without FROM it takes the newest of make bench and
# make bench-all.
#
# publish.sh [FROM]      OUT: build
set -u

cd "$(dirname "$0")/../.." || exit 2
built=${OUT:-build}/bench
from=${1:-}
if [ -z "$from" ]; then
    # shellcheck disable=SC2012 # names that we know
    from=$(dirname "$(ls -t "$built/report.md" "$built/all/report.md" 2>/dev/null | head -n 1)")
fi

refuse() {
    echo "bench-publish: $from: $1" >&2
    exit 1
}

[ -f "$from/report.md" ] || refuse "there is no report; make bench"
[ ! -f "$from/ended.txt" ] || refuse "some measurements ended early; see its report.md"
for family in cycle latency memory growth full; do
    grep -q "^$family," "$from/raw.csv" || refuse "it has no $family: make bench"
done

mkdir -p bench/results
rm -f bench/results/*
for name in machine.txt contenders.tsv raw.csv report.md; do
    cp "$from/$name" bench/results/
done
for picture in "$from"/*.svg; do
    [ ! -f "$picture" ] || cp "$picture" bench/results/
done
echo "published $from to bench/results"
sh tools/checks/tables.sh
