#!/bin/bash
# test_shards.sh: sharded queues in a folder.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/shard_cases.sh
. "$source_folder/tests/tools/shard_cases.sh"

# shellcheck disable=SC2317 # shard_cases.sh calls them
damage_descriptor() { printf '\0\0\0\0' | dd of=jobs.slotq bs=1 seek=16 conv=notrunc status=none; }
# shellcheck disable=SC2317
damage_value() { printf '\377' | dd of="$1.slotq" bs=1 seek=33 conv=notrunc status=none; }
# shellcheck disable=SC2317
lose_shard() { rm -f "$1".slotq*; }
# shellcheck disable=SC2317
save_value() { cp "$1.slotq" saved; }
# shellcheck disable=SC2317
restore_value() { rm -f "$1".slotq* && cp saved "$1.slotq"; }

shard_cases
same 'no file is left' '' "$(find . -maxdepth 1 -name 'jobs*')"
finish
