#!/bin/sh
# region.sh: what README.md says of the peers, from the published results. Knows where they lie.
# Where none are published it says so.
set -u

cd "$(dirname "$0")/../.." || exit 2
results=bench/results
[ -f $results/raw.csv ] || {
    echo 'Not measured yet: `make bench`, then `make bench-publish`.'
    exit 0
}
drawn=''
[ ! -f $results/throughput.svg ] || drawn=throughput.svg
LC_ALL=C awk -v drawn=$drawn -f bench/report/figures.awk -f bench/report/readme.awk \
    $results/machine.txt $results/contenders.tsv $results/raw.csv |
    LC_ALL=C awk -f bench/report/wrap.awk
