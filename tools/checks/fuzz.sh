#!/bin/sh
# fuzz.sh: runs libFuzzer targets, two at a time, each for SECONDS_EACH; a crash is kept with its
# input. Knows where seeds and found inputs lie, not what a target tries.
#
# OUT=build/fuzz fuzz.sh TARGET…
set -u

out=${OUT:-build/fuzz}
logs=$out/logs
mkdir -p "$logs" "$out/crashes"
rm -f "$logs"/*
[ $# -gt 0 ] || {
    echo "no fuzz targets"
    exit 1
}

printf '%s\n' "$@" | OUT=$out LOGS=$logs SECONDS_EACH=${SECONDS_EACH:-60} xargs -P 2 -n 1 sh -c '
    name=$(basename "$1")
    found=$OUT/corpus/$name
    mkdir -p "$found"
    set -- "$1" "$found"
    for folder in "fuzz/seeds/$name" "fuzz/seeds/${name#fuzz_}"; do
        [ -d "$folder" ] && set -- "$@" "$folder"
    done
    # a gate is repeatable; SLOTQ_SEED=0 takes another way each time
    if "$@" -seed="${SLOTQ_SEED:-1}" -max_total_time="$SECONDS_EACH" -timeout=120 \
        -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="$OUT/crashes/$name-" >"$LOGS/$name.log" 2>&1; then
        printf "%-20s passed, %s inputs tried, %s of %s edges\n" "$name" \
            "$(sed -n "s/^stat::number_of_executed_units: *//p" "$LOGS/$name.log")" \
            "$(sed -n "s/^#.* cov: \([0-9]*\) .*/\1/p" "$LOGS/$name.log" | tail -n 1)" \
            "$(sed -n "s/^INFO: Loaded 1 modules *(\([0-9]*\) .*/\1/p" "$LOGS/$name.log")"
        echo "1 0" >"$LOGS/$name.count"
    else
        printf "%-20s FAILED\n" "$name"
        grep -v "^#[0-9]" "$LOGS/$name.log" | tail -n 40 | sed "s/^/    | /"
        echo "0 1" >"$LOGS/$name.count"
    fi' fuzz
cat "$logs"/*.count | awk '
    { passed += $1; failed += $2 }
    END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }'
