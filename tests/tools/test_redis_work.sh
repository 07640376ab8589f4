#!/bin/bash
# test_redis_work.sh: the cases of the worker (work_cases.sh), on queues in a private Redis server.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server
# shellcheck source=tests/tools/work_cases.sh
. "$source_folder/tests/tools/work_cases.sh"
end_server
finish
