#!/bin/bash
# test_redis_copy.sh: queues that move between a folder and Redis, both ways, with leases in
# flight: the bytes are the same, and work goes on where it was.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

start_server
key_bytes() { redis --raw get "$1" | head -c -1; } # redis-cli ends it with a newline
key_sum() { # but the generation
    key_bytes "$1" >key
    bytes_beside_generation key
}
near() { "$SLOTQ" -u . "$@"; }

# ---- filled offline, worked in Redis ----
near -q create jobs --slots 50 --payload 16 --max-attempts 3 --tick 10 --groups 2
seq 1 20 | near push jobs -q
near reserve jobs -n 4 --lease 10m >leased
mapfile -t tokens < <(cut -f 1 leased)
near ack jobs "${tokens[0]}"
near kill jobs --reason 9 "${tokens[1]}"
near nack jobs --delay 1h "${tokens[2]}"
expect 'a file goes into Redis' 0 - 'created jobs in .*: 36 ready, 1 leased, 1 waiting, 1 dead' \
    -u . copy jobs "$server_url"
same 'byte by byte' "$(bytes_beside_generation jobs.slotq)" "$(key_sum jobs)"
expect 'sound there' 0 'sound' - check jobs
expect 'not over another' 9 - '' -u . copy jobs "$server_url"
expect 'the lease in flight is settled there' 0 - - ack jobs "${tokens[3]}"
expect 'the dead are there' 0 '^2\t.*\t1\t9\t\t2$' - dead ls jobs
expect 'the waiting too' 0 'waiting' - status jobs 3
"$SLOTQ" remove jobs 3 -g 0
expect 'it is worked to its end' 0 '' '16 acked' work jobs -j 4 --drain -- true
expect 'in the other group, too' 0 '' '20 acked' work jobs -g 1 -j 4 --drain -- true
expect 'and filled again' 0 '^23$' - push jobs x y z

# ---- and back, leases in flight again ----
"$SLOTQ" reserve jobs -n 2 --lease 10m >leased
mapfile -t tokens < <(cut -f 1 leased)
expect 'back into a file' 0 - '2 leased' copy jobs . back
expect '--sync is about the file' 0 - '2 leased' copy jobs . synced --sync always
expect 'and must be one that is' 2 - 'os or always' copy jobs . never --sync maybe
same 'byte by byte again' "$(key_sum jobs)" "$(bytes_beside_generation back.slotq)"
expect 'a lease of Redis is settled in the file' 0 - - -u . ack back "${tokens[0]}"
expect 'extended too' 0 '^22:[0-9]+$' - -u . extend back --lease 1s "${tokens[1]}"
expect 'sound' 0 'sound' - -u . check back
expect 'the file goes on' 0 '' '2 acked' -u . work back --drain --lease 1s -- true

# ---- export, import ----
"$SLOTQ" export jobs >backup
same 'export is the key' "$(key_bytes jobs | cksum)" "$(cksum <backup)"
"$SLOTQ" import again <backup 2>err
same 'import' 0 $?
same 'the same bytes' "$(bytes_beside_generation backup)" "$(key_sum again)"
"$SLOTQ" import again <backup 2>err
same 'not over another' 9 $?
"$SLOTQ" -u . import fromredis <backup 2>err
same 'import into a file' 0 $?
expect 'sound' 0 'sound' - -u . check fromredis
redis get jobs >printed # redis-cli writes a newline behind the value
same 'redis-cli GET adds a byte' $(($(stat -c %s backup) + 1)) "$(stat -c %s printed)"
"$SLOTQ" -u . import fetched <printed 2>err
same 'GET of the key is a backup' 0 $?
same 'the same bytes, without the newline' "$(bytes_beside_generation backup)" \
    "$(bytes_beside_generation fetched.slotq)"
redis copy jobs snapshot >out
expect 'COPY of the key is a snapshot' 0 'sound' - check snapshot
printf x | redis -x append again >out
"$SLOTQ" export again >out 2>err
same 'a damaged one is not exported' 6 $?
head -c 1000 backup | "$SLOTQ" import cut 2>err
same 'a cut backup is refused' 6 $?
same 'and nothing made' 0 "$(redis exists cut)"

# ---- between databases, and under way with a producer ----
expect 'to another database of the server' 0 - 'created jobs in' copy jobs "$server_url?db=3" jobs
expect 'it is there' 0 '^jobs ' - -u "$server_url?db=3" ls
expect 'a server that is not there' 5 - 'cannot connect' copy jobs unix:///nonexistent/socket
seq 1 20000 >many
"$SLOTQ" -q create live --slots 20000 --payload 16
"$SLOTQ" push live -q <many &
producer=$!
"$SLOTQ" -q copy live . live
ends $producer
same 'a copy while it is filled' 0 $?
expect 'is sound' 0 'sound' - -u . check live
end_server
finish
