#!/bin/sh
# suite.sh: runs one suite with its output in a log, counts what passed, failed and was skipped,
# prints one line, and the log's end when something failed. Called by suites.sh.
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
    *)
        if [ -n "${SLOTQ_ONLY:-}" ]; then
            set -- "$@" "$SLOTQ_ONLY"
        elif [ -n "${SLOTQ_EXCEPT:-}" ]; then
            set -- "$@" "~$SLOTQ_EXCEPT"
        fi
        ;;
    esac
    # shellcheck disable=SC2086 # lists of words
    $limit ${SLOTQ_WRAP:-} "$@"
}

# What a log counts to. A suite ends with "N passed, N failed" and, where it skipped something,
# ", N skipped". A suite without such a line died, which is a failure.
count_of() { # code; the log comes in
    awk -v code="$1" '
        /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
            passed = $1; failed = $3; skipped = $5; seen = 1
        }
        END {
            if (!seen) { passed = skipped = 0; failed = 1 }
            if (code != 0 && failed == 0) failed = 1
            print passed + 0, failed + 0, skipped + 0, code
        }'
}

# A suite whose test cases mostly wait runs in parts, side by side (tests/support/main.cpp).
parts=1
case $suite in */tests/engine/worker) parts=3 ;; esac
part=0
while [ "$part" -lt "$parts" ]; do
    [ "$parts" = 1 ] || export SLOTQ_PART="$part/$parts"
    (
        run >"$log.part$part" 2>&1 </dev/null
        count_of $? <"$log.part$part" >"$log.sum$part"
        # The end of the log is shown when something failed.
        grep -q ' 0 [0-9]* 0$' "$log.sum$part" || mv "$log.part$part" "$log.part9$part"
    ) &
    part=$((part + 1))
done
wait
seconds=$(($(date +%s) - started))
cat "$log".part* >"$log.log"
count=$(cat "$log".sum* | awk '
    { passed += $1; failed += $2; skipped += $3; code = $4 > code ? $4 : code }
    END {
        if (passed + failed + skipped == 0) failed = 1
        print passed, failed + 0, skipped, code + 0
    }')
code=${count##* }
count=${count% *}
rm -f "$log".part* "$log".sum*
echo "$count" >"$log.count"
line=$(printf '%s\n' "$count" | awk -v name="$name" -v seconds=$seconds \
    '{ printf "%-34s %6d passed, %d failed%s %6d s", name, $1, $2,
        ($3 > 0 ? ", " $3 " skipped" : ""), seconds }')
case $count in
*' 0 '*) printf '%s\n' "$line" ;;
*)
    printf '%s  (exit %d; %s)\n%s\n' "$line" "$code" "$log.log" \
        "$(tail -n "${SLOTQ_LOG_LINES:-60}" "$log.log" | sed 's/^/    | /')"
    ;;
esac
exit 0
