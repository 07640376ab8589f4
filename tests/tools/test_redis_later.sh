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
end_server
finish
