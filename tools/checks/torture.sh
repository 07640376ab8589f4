#!/bin/sh
# torture.sh: the random tests of each test binary for so many minutes, two binaries at a time,
# each with its seed printed; SLOTQ_SEED=n repeats a run. Knows by which tags and
# names the random tests are told, and the environment that they read.
#
# torture.sh MINUTES BINARY…
set -u

minutes=${1:?minutes}
shift
out=${OUT:-build}
logs=$out/torture-logs
mkdir -p "$logs"
rm -f "$logs"/*
SLOTQ=$(pwd)/$out/bin/slotq
export SLOTQ
random='[torture],*torture*,[total],[power]'

for binary in "$@"; do
    # "1 test case" or more: has it any such test?
    count=$("$binary" --list-tests "$random" 2>/dev/null | awk '/test case/ { n = $1 } END {
        print n + 0 }')
    [ "$count" -gt 0 ] && echo "$binary $count"
done >"$logs/list"
[ -s "$logs/list" ] || {
    echo "no random test in these binaries"
    exit 1
}

export SECONDS_ALL=$((minutes * 60)) LOGS="$logs" SEED="${SLOTQ_SEED:-}" RANDOM_TESTS="$random"
xargs -P 2 -n 2 sh -c '
    name=$(echo "$1" | tr / -)
    SLOTQ_SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d " ")}
    SLOTQ_TORTURE_SECONDS=$((SECONDS_ALL / $2))
    export SLOTQ_SEED SLOTQ_TORTURE_SECONDS
    echo "$1: $2 tests, $SLOTQ_TORTURE_SECONDS s each, SLOTQ_SEED=$SLOTQ_SEED"
    if "$1" "$RANDOM_TESTS" >"$LOGS/$name.log" 2>&1; then
        word=passed
        # "N passed, N failed, N skipped": what was skipped is in neither sum.
        awk "/^[0-9]+ passed, / { print \$1, \$3 }" "$LOGS/$name.log" >"$LOGS/$name.count"
    else
        word=FAILED
        echo "0 1" >"$LOGS/$name.count"
    fi
    echo "$1: $word, SLOTQ_SEED=$SLOTQ_SEED"
    tail -n 40 "$LOGS/$name.log" | sed "s/^/    | /"' torture <"$logs/list"
cat "$logs"/*.count | awk '
    { passed += $1; failed += $2 }
    END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }'
