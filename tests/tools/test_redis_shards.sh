#!/bin/bash
# test_redis_shards.sh: sharded queues in Redis.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
# shellcheck source=tests/tools/shard_cases.sh
. "$source_folder/tests/tools/shard_cases.sh"

# shellcheck disable=SC2317 # shard_cases.sh calls them
damage_descriptor() {
    redis eval "return redis.call('setrange', KEYS[1], 16, '\0\0\0\0')" 1 jobs >.seen
}
# shellcheck disable=SC2317
lose_shard() { redis del "$1" >.seen; }
# shellcheck disable=SC2317
damage_value() { redis setrange "$1" 24 $'\377\377' >.seen; }
# shellcheck disable=SC2317
save_value() { redis copy "$1" saved replace >.seen; }
# shellcheck disable=SC2317
restore_value() { redis copy saved "$1" replace >.seen; }

start_server --appendonly yes --appendfsync always
shard_cases
redis del saved >.seen
same 'no key is left' '' "$(redis keys '*')"
end_server
finish
