#!/bin/sh
# suites.sh: runs test binaries, shell tests and fuzz replays, JOBS + 1 at a time, prints a line a
# suite as it ends and the sum as the last line. Knows how each kind reports, not what it tests.
#
# OUT=build suites.sh SUITE…    SLOTQ_WRAP: a command that runs each binary (valgrind);
# SLOTQ_EXCEPT: test cases of binaries that are left out, a name, a part with * or a [tag] (where
# slow); or SLOTQ_ONLY: the only ones, a name or a [tag]
set -u

out=${OUT:-build}
here=$(dirname "$0")
# A folder a run, so that two runs at once do not count each other's suites.
logs=$out/test-logs/$$
mkdir -p "$out/test-logs"
find "$out/test-logs" -mindepth 1 -maxdepth 1 -mmin +60 -exec rm -rf {} +
rm -rf "$logs"
mkdir "$logs"
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
# One more than the cores: many suites mostly wait for servers and workers.
printf '%s\n' "$@" | xargs -P $((${JOBS:-2} + 1)) -n 1 sh "$here/suite.sh" "$logs"
# Reasons of what was skipped, "skipped: NAME: REASON" in the logs, each with how often.
cat "$logs"/*.log | awk '
    /^skipped: / { sub(/.*: /, ""); count[$0]++ }
    END { for (reason in count) printf "skipped %d: %s\n", count[reason], reason }' | sort
cat "$logs"/*.count | awk -v wanted=$# '
    { passed += $1; failed += $2; suites++ }
    END {
        failed += wanted - suites # a suite that left no count
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed == 0
    }'
