#!/bin/bash
# test_work.sh: the cases of the worker (work_cases.sh), on queues in files.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/work_cases.sh
. "$source_folder/tests/tools/work_cases.sh"
finish
