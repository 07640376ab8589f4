#!/bin/sh
# publish.sh: copies a report, its plots and all that it was made from to bench/results, and updates
# README.md. Knows what belongs to a report; without FROM it takes the newest of make bench and make
# bench-all.
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

[ -f "$from/report.md" ] || refuse "report.md is missing: make bench"
[ ! -f "$from/ended.txt" ] || refuse "some measurements failed; its report.md names them"
for family in cycle latency memory growth full; do
    grep -q "^$family," "$from/raw.csv" || refuse "$family was not measured: make bench"
done

mkdir -p bench/results
rm -f bench/results/*
for name in machine.txt contenders.tsv raw.csv report.md; do
    cp "$from/$name" bench/results/
done
for part in "$from"/*.svg "$from"/core.md "$from"/redis.md "$from"/cycle.csv; do
    [ ! -f "$part" ] || cp "$part" bench/results/
done
echo "published $from to bench/results"
sh tools/checks/tables.sh
