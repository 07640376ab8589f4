#!/bin/bash
# test_redis_keys.sh: keys and other sizes in Redis.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
# shellcheck source=tests/tools/key_cases.sh
. "$source_folder/tests/tools/key_cases.sh"

start_server
"$SLOTQ" create q --slots 8 --payload 16 --later 4 --keys -q
key_cases q

# ---- workers go on when their queue is resized ----
"$SLOTQ" create jobs --slots 400 --payload 16 -q
seq 300 | "$SLOTQ" push jobs -q
"$SLOTQ" work jobs -q -j 2 --drain --backoff 1ms..1ms -- sh -c 'echo "$(cat)" >>worked' &
worker=$!
# shellcheck disable=SC2317 # await calls it
is_begun() { [ -s worked ]; }
holds 'a worker works' await 60 is_begun
expect 'resized under it' 0 - '500 messages of up to 40 bytes' \
    resize jobs --slots 500 --payload 40
holds 'it ends well' wait "$worker"
same 'each message was done once' "$(seq 300)" "$(sort -n worked)"
end_server
finish
