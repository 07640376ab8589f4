#!/bin/sh
# suites.sh: runs test binaries, shell tests and fuzz replays, JOBS at a time, prints a line a
# suite as it ends and the sum as the last line. Knows how each kind reports, not what it tests.
#
# OUT=build suites.sh SUITE…    SLOTQ_WRAP: a command that runs each binary (valgrind)
set -u

out=${OUT:-build}
here=$(dirname "$0")
logs=$out/test-logs
rm -rf "$logs"
mkdir -p "$logs"
SLOTQ=$(pwd)/$out/bin/slotq
SLOTQ_BUILD=$(pwd)/$out
SLOTQ_SOURCE_DIR=$(pwd)
export SLOTQ SLOTQ_BUILD SLOTQ_SOURCE_DIR
export OUT="$out"

if [ $# = 0 ]; then
    echo "no suites to run" >&2
    echo "0 passed, 0 failed"
    exit 1
fi
printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -n 1 sh "$here/suite.sh" "$logs"
cat "$logs"/*.count | awk -v wanted=$# '
    { passed += $1; failed += $2; suites++ }
    END {
        failed += wanted - suites # a suite that left no count
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed == 0
    }'
