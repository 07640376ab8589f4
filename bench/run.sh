#!/bin/bash
# run.sh: runs bench_core and bench_redis, puts the machine's facts before their figures, draws
# them where gnuplot is. Knows where results go (build/bench), not what is measured.
#
# run.sh [cycle] [wake] [growth] [redis]      OUT: build; CC: the compiler it was built with
set -u

cd "$(dirname "$0")/.." || exit 2
out=${OUT:-build}
results=$out/bench
compiler=${CC:-cc}
mkdir -p "$results"

facts() {
    local commit
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit, changed"
    echo "# slotq bench"
    echo
    echo "- CPU: $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(nproc) cores"
    echo "- kernel: $(uname -srm)"
    echo "- compiler: $($compiler --version | head -n 1), -O2"
    echo "- files on: $(df --output=fstype "$results" | tail -n 1), sync=os"
    echo "- commit: $commit"
    ! command -v redis-server >/dev/null 2>&1 ||
        echo "- redis-server: $(redis-server --version | cut -d ' ' -f 3), unix socket, no disk"
    echo "- load at the start: $(cut -d ' ' -f 1-3 /proc/loadavg)"
    echo
}

# The core as one source, as a device would compile it.
footprint() {
    local source=build/amalgamation/slotq_core.c object=$results/slotq_core.o
    [ -f "$source" ] || return 0
    $compiler -std=c11 -Os -ffreestanding -c -o "$object" "$source" || return 1
    echo "## The amalgamated core"
    echo
    size "$object" | awk 'NR == 2 {
        printf "-Os -ffreestanding: %d bytes of text, %d of data", $1, $2 + $3
        printf " (target: text <= 32768: %s)\n", $1 <= 32768 ? "met" : "MISSED"
    }'
    echo
}

draw() {
    command -v gnuplot >/dev/null 2>&1 || return 0
    [ -f "$results/cycle.csv" ] || return 0
    gnuplot <<P || echo "gnuplot failed" >&2
set terminal svg size 900,420 background 'white'
set output '$results/cycle.svg'
set datafile separator ','
set style data histograms
set style histogram rowstacked
set style fill solid 0.8 border -1
set boxwidth 0.7
set key outside
set ylabel 'ns a message'
set title 'push, reserve, ack: 32-byte payloads, R = 4097, one core'
set xtics rotate by -25
set grid ytics
plot '$results/cycle.csv' using 3:xtic(stringcolumn(1).' x'.stringcolumn(2)) every ::1 \
    title 'push', '' using 4 every ::1 title 'reserve', '' using 5 every ::1 title 'ack'
P
}

# run PROGRAM WORDS: its figures go to the report.
run() {
    local program=$1
    shift
    "$results/$program" "$results" "$@" || exit 1
    [ -f "$results/figures.md" ] || return 0
    cat "$results/figures.md" >>"$results/report.md"
    rm -f "$results/figures.md"
}

wants_core=$([ "$*" = redis ] || echo yes)
wants_redis=$([ $# -gt 0 ] || echo yes)
for word in "$@"; do
    shift
    if [ "$word" = redis ]; then
        wants_redis=yes
    else
        set -- "$@" "$word"
    fi
done

facts | tee "$results/report.md"
if [ "$wants_core" ]; then
    run bench_core "$@"
    footprint | tee -a "$results/report.md"
    draw
fi
[ -z "$wants_redis" ] || run bench_redis
echo "report.md, CSV and (with gnuplot) SVG files are in $results"
