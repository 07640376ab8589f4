#!/bin/bash
# run.sh: runs the programs of the bench and has their figures made into a report. Knows how much
# is measured: by default, in a hurry (--quick), the whole matrix (--all), or each thing once so
# that it is seen to work (--smoke); not what it means.
#
# run.sh [--quick|--all|--smoke] [--into FOLDER] [ROOM…]      OUT: build; CC: its compiler
# ROOM: core, or of it cycle, held, wake, sleepers, worker, locks, shards, growth; redis; peers, and
# behind it the families wanted. Without any: all, but --quick the peers alone. --all goes on where
# it was interrupted.
set -u

cd "$(dirname "$0")/.." || exit 2
PATH=$PATH:/usr/sbin # where Debian has nats-server
out=${OUT:-build}
programs=$out/bench
compiler=${CC:-cc}
mode=standard
results=''
core=() families=()
wants_core='' wants_redis='' wants_peers=''
all_families=(cycle latency memory growth full embedded recovery wire mailboxes)

say() {
    printf '%s\n' "$*" >&2
}

is_among() { # word, words
    local word=$1
    shift
    case " $* " in *" $word "*) return 0 ;; esac
    return 1
}

read_words() {
    while [ $# -gt 0 ]; do
        case $1 in
        --quick | --all | --smoke) mode=${1#--} ;;
        --into)
            results=${2:?a folder}
            shift
            ;;
        core) wants_core=yes ;;
        redis) wants_redis=yes ;;
        peers) wants_peers=yes ;;
        *)
            if [ "$wants_peers" ] && is_among "$1" "${all_families[@]}"; then
                families+=("$1")
            elif is_among "$1" cycle held wake sleepers worker locks shards growth; then
                wants_core=yes
                core+=("$1")
            else
                say "run.sh: unknown word: $1; the head of run.sh lists them"
                exit 2
            fi
            ;;
        esac
        shift
    done
    if [ -z "$wants_core$wants_redis$wants_peers" ]; then
        wants_peers=yes
        [ "$mode" = quick ] || wants_core=yes wants_redis=yes
    fi
    [ ${#families[@]} -gt 0 ] || families=("${all_families[@]}")
}

# ---- how much ----

# What bench_peers is told for a family; nothing: the family is left out.
options_of() {
    case $mode-$1 in
    standard-cycle) echo --rounds 5 --stretch 120 --batches 1,64,256 --flights 8,1 ;;
    standard-embedded) echo --rounds 5 --stretch 120 --batches 1,256 --flights 1 ;;
    standard-latency) echo --rounds 5 --rates 10000 --consumers 1 --seconds 2 ;;
    standard-memory) echo --lengths 10000 ;;
    standard-growth) echo --rounds 5 --lengths 10,1000,65534 --leased 0 ;;
    standard-full) echo --rounds 1 ;;
    standard-wire) echo --batches 1,256 ;;

    quick-cycle) echo --rounds 2 --stretch 15 --batches 1,64,256 --flights 8 ;;
    quick-embedded) echo --rounds 1 --stretch 10 --batches 1,256 --flights 1 ;;
    quick-latency) echo --rounds 1 --rates 10000 --consumers 1 --seconds 1 ;;
    quick-memory) echo --lengths 10000 ;;
    quick-growth) echo --rounds 2 --lengths 10,65534 --leased 0 \
        --only slotq,Streams ;;
    quick-full) echo --rounds 1 --only slotq,Streams,LIST,BullMQ ;;

    all-cycle) echo --rounds 5 --stretch 120 --batches 1,8,64,256,1024 --flights 8,1 \
        --payloads 16,32,128,1024 ;;
    all-embedded) echo --rounds 5 --stretch 120 --batches 1,8,64,256,1024 --flights 1 \
        --payloads 16,32,128,1024 ;;
    all-latency) echo --rounds 5 --rates 1000,10000,50000 --consumers 1,8 --seconds 3 ;;
    all-memory) echo --lengths 100,1000,10000,60000 --payloads 16,32,128,1024 ;;
    all-growth) echo --rounds 5 --lengths 10,100,1000,10000,65534 --leased 0,50,100 ;;
    all-recovery) echo --rounds 5 ;;
    all-wire) echo --batches 1,8,64,256,1024 ;;
    all-mailboxes) echo --lengths 100000 ;;
    all-full) echo --rounds 1 ;;

    smoke-cycle) echo --rounds 1 --stretch 2 --batches 1,64,256 --flights 8 ;;
    smoke-embedded) echo --rounds 1 --stretch 2 --batches 1,64 --flights 1 ;;
    smoke-latency) echo --rounds 1 --rates 1000 --consumers 1 --seconds 1 ;;
    smoke-memory) echo --lengths 100 ;;
    smoke-growth) echo --rounds 1 --lengths 10,65534 --leased 50 ;;
    smoke-wire) echo --batches 64 ;;
    smoke-recovery) echo --rounds 1 --only slotq,Streams ;;
    smoke-mailboxes) echo --lengths 100 ;;
    smoke-full) echo --rounds 1 ;;
    esac
}

# ---- running ----

# A program, which a signal ends with this script, not behind it.
child=''
run_child() {
    "$@" &
    child=$!
    wait "$child"
    set -- $?
    child=''
    return "$1"
}

end_by() { # exit code
    [ -z "$child" ] || kill "$child" 2>/dev/null
    exit "$1"
}

# What a program wrote becomes a part of the report; a run of --all does not measure it again.
run_program() { # name, words
    local name=$1
    shift
    [ ! -f "$results/$name.md" ] || return 0
    say "== $name, after $((SECONDS - started)) s =="
    if ! run_child "$programs/bench_$name" "$results" "$@"; then
        echo "- bench_$name: the last line on stderr says why" >>"$results/ended.txt"
        say "bench: bench_$name failed"
        rm -f "$results/figures.md"
    elif [ -f "$results/figures.md" ]; then
        mv "$results/figures.md" "$results/$name.md"
    fi
}

# The core as one source, as a device would compile it.
footprint() {
    local source=build/amalgamation/slotq_core.c object=$results/slotq_core.o
    [ -f "$source" ] || return 0
    $compiler -std=c11 -Os -ffreestanding -fno-asynchronous-unwind-tables \
        -c -o "$object" "$source" || return 1
    echo "## The amalgamated core"
    echo
    size "$object" | awk 'NR == 2 {
        printf "-Os -ffreestanding: %d bytes of text, %d of data", $1, $2 + $3
        printf " (target: text <= 40960: %s)\n\n", $1 <= 40960 ? "met" : "MISSED"
    }'
    rm -f "$object"
}

run_core() {
    local is_new=''
    [ -f "$results/core.md" ] || is_new=yes
    run_program core "${core[@]}"
    [ -z "$is_new" ] || [ ! -f "$results/core.md" ] || footprint | tee -a "$results/core.md"
}

run_family() { # name
    local options
    read -r -a options <<<"$(options_of "$1")"
    [ ${#options[@]} -gt 0 ] || return 0
    say "== peers: $1, after $((SECONDS - started)) s =="
    run_child "$programs/bench_peers" "$results" "$1" "${options[@]}" && return
    say "bench: $1 failed; trying once more"
    run_child "$programs/bench_peers" "$results" "$1" "${options[@]}" && return
    echo "- $1: the last line on stderr says why" >>"$results/ended.txt"
    say "bench: $1 failed"
}

# Figures of one report are of one commit, as far as it can be told.
begin() {
    local commit
    mkdir -p "$results" || exit 1
    exec 9>"$results/lock" || exit 1
    if command -v flock >/dev/null && ! flock -n 9; then
        say "bench: another run is using $results"
        exit 1
    fi
    rm -f "$results/ended.txt"
    if [ "$mode" = all ] && [ -f "$results/machine.txt" ]; then
        commit=$(sed -n 's/^commit: //p' "$results/machine.txt")
        [ "$commit" = "$(CC=$compiler sh bench/report/machine.sh "$results" |
            sed -n 's/^commit: //p')" ] ||
            say "bench: continuing a run of commit $commit; remove $results to start again"
        return
    fi
    rm -f "$results"/{raw.csv,contenders.tsv,core.md,redis.md,figures.md,report.md} \
        "$results"/*.{csv,svg}
    CC=$compiler sh bench/report/machine.sh "$results" >"$results/machine.txt"
}

read_words "$@"
case $mode in
standard) folder=$programs ;;
*) folder=$programs/$mode ;;
esac
results=${results:-$folder}
trap 'end_by 130' INT
trap 'end_by 143' TERM
started=$SECONDS
begin
if [ "$wants_peers" ]; then
    for family in "${families[@]}"; do
        run_family "$family"
    done
fi
if [ "$wants_core" ]; then
    [ "$mode" != smoke ] || core=(cycle held)
    run_core
fi
if [ "$wants_redis" ]; then
    rounds=()
    [ "$mode" != smoke ] || rounds=(--rounds 1 --small)
    run_program redis "${rounds[@]}"
fi
sed -i "/^settings:$/,\$d; /^measured in: /d" "$results/machine.txt"
echo "measured in: $((SECONDS - started)) s" >>"$results/machine.txt"
python3 bench/report report "$results" || exit 1
sed -n '/^## Targets/,/^## [^T]/{/^## [^T]/!p;}' "$results/report.md"
echo "report.md, CSV and (with gnuplot) SVG files are in $results"
[ ! -f "$results/ended.txt" ]
