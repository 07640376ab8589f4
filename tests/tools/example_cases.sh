# example_cases.sh: what the tests of the example programs share: running one, judging its exit and
# what it leaves. Sourced after cases.sh. Knows the examples from outside.
# shellcheck shell=bash disable=SC2154 # work_folder is of cases.sh

SLOTQ_BUILD=${SLOTQ_BUILD:-$source_folder/build}
need "${SLOTQ_REDIS_SERVER:-redis-server}"
export TMPDIR=$work_folder/tmp # where examples put the folders of their servers
mkdir "$TMPDIR"

example() { # name, arguments: its exit code; output in the files out and err
    local name=$1
    shift
    "$SLOTQ_BUILD/examples/$name" "$@" >out 2>err
}

# proves NAME ARGUMENT...: it exits with 0, says that each part of its proof holds, fits a terminal,
# and leaves nothing.
proves() {
    local code
    example "$@"
    code=$?
    if [ $code != 0 ] || ! grep -q '^  holds  ' out || grep -q '^  FAILS  ' out; then
        not_ok "$1: its proof holds" "exit $code" "$(tail -n 30 out)" "$(head -n 5 err)"
    else
        ok "$1: its proof holds"
    fi
    holds "$1: nothing is on stderr without a terminal" test ! -s err
    holds "$1: its lines fit 80 columns" awk 'length > 80 { print; wide = 1 } END { exit wide }' out
    same "$1: no folder is left" '' "$(ls "$TMPDIR")"
}

# unwritten NAME ARGUMENT...: a proof that cannot be printed is a failure.
unwritten() {
    "$SLOTQ_BUILD/examples/$1" "${@:2}" >/dev/full 2>err
    same "$1: exit without space for its output" 1 $?
    holds "$1: it says why" grep -q 'cannot write to stdout: ' err
}

# refuses NAME CODE TEXT ARGUMENT...
refuses() {
    local name=$1 code=$2 text=$3 got
    shift 3
    example "$name" "$@"
    got=$?
    same "$name ${*:-without a server}: exit" "$code" "$got"
    holds "$name ${*:-without a server}: it says why" grep -q -- "$text" err
}

has_started() { compgen -G "$TMPDIR/slotq-example-*/socket" >.seen; }

# ends_with NAME SIGNAL ARGUMENT...: a signal ends it, and its server with it.
ends_with() {
    local name=$1 signal=$2 pid children child code
    shift 2
    "$SLOTQ_BUILD/examples/$name" "$@" >out 2>err &
    pid=$!
    holds "$name: the server starts" await 60 has_started
    read -r -a children <"/proc/$pid/task/$pid/children"
    kill -"$signal" "$pid"
    ends "$pid"
    code=$?
    same "$name: SIG$signal ends it" $((128 + $(kill -l "$signal"))) $code
    holds "$name: it had a server" test ${#children[@]} -gt 0
    for child in "${children[@]}"; do
        holds "$name: its server ends" await 60 eval "! kill -0 $child 2>.ended"
    done
    [ "$signal" = KILL ] || same "$name: no folder is left" '' "$(ls "$TMPDIR")"
    rm -rf "${TMPDIR:?}"/*
}
