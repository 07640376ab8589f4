#!/bin/sh
# suite.sh: runs one suite with its output in a log, counts what passed and failed, prints one
# line, and the log's end when something failed. Called by suites.sh.
#
# suite.sh LOGS SUITE
set -u

logs=$1
suite=$2
name=$(printf '%s' "$suite" | sed -e "s|^${OUT:-build}/||" -e 's|^tests/||')
log=$logs/$(printf '%s' "$name" | tr '/' '-')
limit="timeout -k 10 ${SUITE_SECONDS:-1200}"
started=$(date +%s)

run() {
    set -- "$suite"
    case $suite in
    # A command that ends need not give back its memory.
    *.sh) set -- env ASAN_OPTIONS=detect_leaks=0 bash "$suite" ;;
    */replay/*)
        for folder in "fuzz/seeds/$(basename "$suite")" "$OUT/seeds/$(basename "$suite")"; do
            [ -d "$folder" ] && set -- "$@" "$folder"
        done
        ;;
    *) [ -z "${SLOTQ_EXCEPT:-}" ] || set -- "$@" "~$SLOTQ_EXCEPT" ;;
    esac
    # shellcheck disable=SC2086 # lists of words
    $limit ${SLOTQ_WRAP:-} "$@"
}

run >"$log.log" 2>&1 </dev/null
code=$?
seconds=$(($(date +%s) - started))

# Catch2 says "All tests passed (… in 3 test cases)" or "test cases: 3 | 2 passed | 1 failed";
# the others end with "N passed, N failed". No such line is a failure: the suite died.
count=$(awk -v code=$code '
    /^All tests passed \(/ { passed = $(NF - 2); failed = 0; seen = 1 }
    /^test cases: / {
        passed = failed = 0; seen = 1
        for (i = 4; i < NF; i++) {
            if ($(i + 1) == "passed") passed += $i
            if ($(i + 1) == "failed") failed += ($(i + 2) == "as" ? 0 : $i)
        }
    }
    /^[0-9]+ passed, [0-9]+ failed$/ { passed = $1; failed = $3; seen = 1 }
    END {
        if (!seen) { passed = 0; failed = 1 }
        if (code != 0 && failed == 0) failed = 1
        if (passed + failed == 0) failed = 1
        print passed + 0, failed + 0
    }' "$log.log")
echo "$count" >"$log.count"
line=$(printf '%s\n' "$count" | awk -v name="$name" -v seconds=$seconds \
    '{ printf "%-34s %6d passed, %d failed %6d s", name, $1, $2, seconds }')
case $count in
*' 0') printf '%s\n' "$line" ;;
*)
    printf '%s  (exit %d; %s)\n%s\n' "$line" "$code" "$log.log" \
        "$(tail -n "${SLOTQ_LOG_LINES:-60}" "$log.log" | sed 's/^/    | /')"
    ;;
esac
exit 0
