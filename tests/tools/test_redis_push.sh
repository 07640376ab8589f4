#!/bin/bash
# test_redis_push.sh: the cases of push (push_cases.sh), on queues in a private Redis server.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server
# shellcheck source=tests/tools/push_cases.sh
. "$source_folder/tests/tools/push_cases.sh"
end_server
finish
