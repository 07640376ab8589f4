# cases.sh: what the tests of the command share: a folder of their own, one case a line, the sum.
# Sourced. SLOTQ names the binary.
# shellcheck shell=bash

source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SLOTQ=${SLOTQ:-$source_folder/build/bin/slotq}
work_folder=$(mktemp -d)
leave() { # what a failed test left running goes too
    local left
    mapfile -t left < <(jobs -p)
    [ ${#left[@]} = 0 ] || kill -KILL "${left[@]}" 2>/dev/null
    rm -rf "$work_folder"
}
trap leave EXIT
cd "$work_folder" || exit 1
unset SLOTQ_URL NO_COLOR
passed=0
failed=0
skipped=0

ok() { # name
    passed=$((passed + 1))
    echo "ok $1"
}

not_ok() { # name, why...
    failed=$((failed + 1))
    echo "not ok $1"
    shift
    printf '    %s\n' "$@"
}

# skip NAME REASON: cannot be tried here, and is not counted as passed. A reason has no colon.
skip() {
    skipped=$((skipped + 1))
    echo "skipped: $1: $2"
}

# need PROGRAM...: skips the rest of the suite when a program is missing; with CI set, that fails.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >.seen && continue
        if [ -n "${CI:-}" ]; then
            not_ok "$program is on the PATH, as CI is set"
        else
            skip "what needs $program" "$(basename "$program") is not on the PATH"
        fi
        finish
        exit
    done
}

# expect NAME CODE STDOUT STDERR ARGUMENT...: run slotq; its exit code must be CODE, and its
# output match the extended regular expressions: '' anything, - nothing at all,
# \t a tab.
expect() {
    local name=$1 code=$2 out=$3 err=$4 got
    shift 4
    "$SLOTQ" "$@" >out 2>err
    got=$?
    if [ "$got" != "$code" ]; then
        not_ok "$name" "exit $got, not $code" "$(head -n 20 out)" "$(head -n 5 err)"
    elif ! matches out "$out" || ! matches err "$err"; then
        not_ok "$name" "output is not as expected" "$(head -n 20 out)" "$(head -n 5 err)"
    else
        ok "$name"
    fi
}

matches() { # file, expression
    case $2 in
    '') true ;;
    -) [ ! -s "$1" ] ;;
    *) grep -Eq -- "${2//\\t/$'\t'}" "$1" ;;
    esac
}

# same NAME WANTED GOT
same() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "wanted: $2" "got:    $3"
    fi
}

# holds NAME COMMAND...: it must answer true.
holds() {
    local name=$1
    shift
    if "$@" >.seen 2>&1; then
        ok "$name"
    else
        not_ok "$name" "false: $*" "$(head -n 5 .seen)"
    fi
}

# number QUEUE FIELD: one figure of its stats (group 0).
number() {
    "$SLOTQ" stats "$1" -g 0 --json | sed -E "s/.*\"$2\":\"?([a-z0-9]+).*/\\1/"
}

# bytes_beside_generation FILE: the sum of its bytes but generation and geometry_check (FORMAT.md,
# geometry): a queue made of another one's bytes is equal in all others.
bytes_beside_generation() {
    { head -c 28 "$1" && tail -c +33 "$1" | head -c 8 && tail -c +45 "$1"; } | cksum
}

# fresh NAME OPTION...: a queue made anew, in the folder or in the server of private_server.sh.
fresh() {
    if [ -n "${SLOTQ_URL:-}" ]; then
        redis del "$1" >deleted
    else
        rm -f "$1".slotq*
    fi
    "$SLOTQ" -q create "$@"
}

# await SECONDS COMMAND...: until it answers true; a safety, not a measure.
await() {
    local tries=$(($1 * 20))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

# ends PID...: the exit code of the last. One that does not end is killed, so that no test hangs.
ends() {
    local pid code=0
    for pid in "$@"; do
        await 120 eval "! kill -0 $pid 2>.ended" || kill -KILL "$pid"
        wait "$pid"
        code=$?
    done
    return $code
}

# catches PID: it has said by now what a signal that ends it does.
catches() {
    local mask
    mask=$(sed -n 's/^SigCgt:[[:blank:]]*//p' "/proc/$1/status") && (((0x0$mask >> 14) & 1)) # TERM
}

finish() {
    if [ "$skipped" = 0 ]; then
        echo "$passed passed, $failed failed"
    else
        echo "$passed passed, $failed failed, $skipped skipped"
    fi
    [ "$failed" = 0 ]
}
