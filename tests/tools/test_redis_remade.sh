#!/bin/bash
# test_redis_remade.sh: a queue is deleted and made anew while commands have it open: restored with
# the same ids, tokens and leases, so that only its generation differs. On a private Redis server.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or commands read
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server

# restore QUEUE: the same bytes as another queue, in one step: there is no moment without a queue,
# in which a worker's extend would be told so and the worker would end.
restore() {
    "$SLOTQ" export "$1" | "$SLOTQ" -q import "$1".restored
    redis rename "$1".restored "$1" >out
}
state() { "$SLOTQ" status "$1" "$2" --json | sed -nE 's/.*"state":"([a-z]+)".*/\1/p'; }
has() { [ -e "$1" ]; }

# ---- it is seen ----
fresh q
first=$(number q generation)
holds 'a queue has a generation' test "$first" -gt 0
expect 'dump shows it' 0 "generation.* $first( |$)" - dump q
"$SLOTQ" doctor q >out
holds 'doctor shows it' grep -q "generation $first" out
restore q
holds 'a restored queue has another one' test "$(number q generation)" != "$first"
expect 'create is content with a queue of any generation' 0 '' '' create q

# ---- a worker ----
# remade NAME LEASE [PAUSE]: a worker has messages 1 and 2 when the queue is made anew; its command
# for 1 ends well then, and that for 2 runs on. With PAUSE it cannot take them from the new queue.
remade() {
    rm -f go done.1 said began.*
    fresh q
    "$SLOTQ" push q a b >out
    "$SLOTQ" work q -j 2 --lease "$2" -- sh -c \
        'touch began.$SLOTQ_ID.$(cat); until [ -e go.$SLOTQ_ID ]; do sleep 0.05; done' 2>said &
    worker=$!
    await 60 eval 'has began.1.a && has began.2.b'
    [ -z "${3:-}" ] || "$SLOTQ" pause q out
    restore q
}
rm -f go.*
remade 'an ack' 60s
touch go.1
holds 'an ack finds it: the worker says so' await 60 grep -q 'was made anew' said
holds 'the acked message is among those that are gone' grep -q '2 messages that it worked on' said
holds 'message 1 of the new queue is not acked' test "$(state q 1)" = leased
"$SLOTQ" push q c >out
holds 'the worker goes on with the new queue' await 60 has began.3.c
touch go.2 go.3
holds 'it acks there' await 60 eval '[ "$(number q acked)" = 1 ]'
holds 'message 2, which it ended, is not acked' test "$(state q 2)" = leased
kill -TERM $worker
ends $worker
same 'it ends in order' 0 $?
holds 'two leases were lost, one message acked' \
    grep -q '1 acked, 0 failed, 0 died, 2 leases lost' said
same 'it said it once' 1 "$(grep -c 'was made anew' said)"

rm -f go.*
remade 'an extend' 1s paused
holds 'an extend finds it: both commands are ended' \
    await 60 grep -q '2 messages that it worked on' said
kill -TERM $worker
ends $worker
same 'it ends in order' 0 $?
holds 'nothing was settled' grep -q '0 acked, 0 failed, 0 died, 2 leases lost, [0-9]* released' said

fresh q --groups 2
"$SLOTQ" work q -g 1 -- true 2>said &
worker=$!
await 60 eval 'redis client list | grep -q "sub=1"'
fresh q
"$SLOTQ" push q a >out
ends $worker
same 'a worker whose group is missing in the new queue ends' 2 $?
holds 'and says why' grep -q 'has no group 1: it has 1' said

# ---- a producer that waits for room ----
waits_for_room() { # bit 1 of wake
    case $(redis --raw getrange q 72 72 | od -An -tu1 | awk '{ print int($1 / 2) % 2; exit }') in
    1) true ;;
    *) false ;;
    esac
}
fresh q --slots 2
printf '%s\n' a b c d | "$SLOTQ" push q --block >out 2>said &
producer=$!
holds 'a push waits for room' await 60 waits_for_room
fresh q --slots 4
redis publish slotq:q wake >out
ends $producer
same 'push --block goes on with the new queue, and its code says that messages are gone' 9 $?
holds 'it says how many' grep -q 'q was made anew.* The 2 messages pushed before are gone' said
same 'the rest is in the new queue' 2 "$(number q last_id)"
fresh q --slots 1
"$SLOTQ" push q a >out
"$SLOTQ" push q --block b >pushed 2>said &
producer=$!
holds 'another waits' await 60 waits_for_room
fresh q --slots 1
redis publish slotq:q wake >out
ends $producer
same 'it lost nothing' 0 $?
same 'its id is that in the new queue' 1 "$(cat pushed)"

end_server
finish
