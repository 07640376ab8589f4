#!/bin/bash
# test_push.sh: the cases of push (push_cases.sh), on queues in files.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/push_cases.sh
. "$source_folder/tests/tools/push_cases.sh"
finish
