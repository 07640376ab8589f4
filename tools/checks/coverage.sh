#!/bin/sh
# coverage.sh: every line and branch of layout and core is run by the suites given, or named in
# coverage-exceptions. Knows gcovr's way to ask; assertions are compiled out by the Makefile.
#
# OUT=build/coverage coverage.sh BINARY…
set -u

out=${OUT:-build/coverage}
here=$(dirname "$0")
[ $# -gt 0 ] || {
    echo "no suites of layout and core"
    exit 1
}
find "$out/obj" -name '*.gcda' -exec rm -f {} +
OUT=$out SLOTQ_STEPS=${SLOTQ_STEPS:-300000} SLOTQ_EXCEPT='[long]' sh "$here/suites.sh" "$@"
suites=$?
gcovr --root . --object-directory "$out/obj" --filter 'engine/(layout|core)/' \
    --exclude-throw-branches --exclude-unreachable-branches --json "$out/coverage.json" \
    "$out/obj/engine" || exit 1
python3 "$here/coverage.py" "$out/coverage.json" "$here/coverage-exceptions" || exit 1
[ $suites = 0 ] || echo "coverage: every line, but a suite failed"
exit $suites
