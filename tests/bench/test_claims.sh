#!/bin/bash
# test_claims.sh: what README.md and contenders.def say of peers, tried on the peers: what becomes
# of a finished message, and whether a late worker can ack. Judges behaviour, never a speed.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tools/cases.sh
. "$here/../tools/cases.sh"
# shellcheck source=../tools/private_server.sh
. "$here/../tools/private_server.sh"
packages=$source_folder/build/bench/node

start_server

# ---- Streams ----

redis xgroup create stream workers 0 mkstream >made
id=$(redis xadd stream '*' field value)
redis xreadgroup group workers early count 1 streams stream '>' >taken
redis xclaim stream workers late 0 "$id" >taken
same 'Streams: a late worker acks a message that another worker holds' 1 \
    "$(redis xack stream workers "$id")"
same 'Streams: an acked message stays in the stream' 1 "$(redis xlen stream)"
same 'Streams: XDEL removes it' 1 "$(redis xdel stream "$id")"
if redis xackdel stream workers ids 1 1-1 | grep -q 'unknown command'; then
    echo "skipped: XACKDEL: this server is older than Redis 8.2"
else
    id=$(redis xadd stream '*' field value)
    redis xreadgroup group workers early count 1 streams stream '>' >taken
    redis xackdel stream workers ids 1 "$id" >taken
    same 'Streams: XACKDEL acks and removes' 0 "$(redis xlen stream)"
fi

# ---- peers in Node ----

if command -v node >.seen && [ -d "$packages/node_modules/bullmq" ]; then
    # Required from beside their packages.
    cp "$source_folder/bench/peers/node/finished.js" "$packages/finished.js"
    timeout 120 node "$packages/finished.js" "$server_folder/socket" >finished 2>.seen
    same 'BullMQ reports what became of a job that it keeps' 'BullMQ kept completed' \
        "$(grep 'BullMQ kept' finished)"
    same 'BullMQ knows no job that it removed' 'BullMQ removed unknown' \
        "$(grep 'BullMQ removed' finished)"
    same 'bee-queue reports what became of a job that it keeps' 'bee-queue kept succeeded' \
        "$(grep 'bee-queue kept' finished)"
    same 'bee-queue knows no job that it removed' 'bee-queue removed unknown' \
        "$(grep 'bee-queue removed' finished)"
else
    echo 'skipped: peers in Node: their packages are not installed: make bench-packages'
fi

finish
