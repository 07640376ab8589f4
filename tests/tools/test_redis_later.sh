#!/bin/bash
# test_redis_later.sh: scheduled messages in Redis.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
# shellcheck source=tests/tools/later_cases.sh
. "$source_folder/tests/tools/later_cases.sh"

start_server
"$SLOTQ" create q --slots 8 --payload 16 --later 4 --tick 1 -q
later_cases q

# ---- a worker at work knows the time: its own rest would be 10 s ----
"$SLOTQ" create jobs --slots 8 --payload 16 --later 4 --tick 1 -q
"$SLOTQ" push jobs --in 700ms -q job >out
: >order
"$SLOTQ" work jobs -q -- sh -c 'cat >>order' &
worker=$!
# shellcheck disable=SC2317 # await calls it
is_run() { [ "$(wc -c <order)" = 3 ]; }
# shellcheck disable=SC2317
is_late() {
    sleep 6
    echo late >>order
}
is_late &
late=$!
holds 'it runs' await 60 is_run
same 'and before 6 s are over' 'job' "$(cat order)"
kill "$worker" "$late" 2>/dev/null
wait "$worker" "$late" 2>/dev/null
end_server
finish
