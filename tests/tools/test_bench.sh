#!/bin/bash
# test_bench.sh: the command bench in a folder and on a private Redis server: it does its work,
# leaves nothing behind however it ends, and refuses what is not safe. Never judges a speed.
# shellcheck source=tests/tools/cases.sh disable=SC2119 # words that slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

mkdir here
row='^  push +[0-9,]+ +[0-9.]+ [num]?s +([0-9.]+ [num]?s|-) ' # P50: of too few calls, none
wide() { awk '/^In batches|^A message|^With/ { next } length > 80' out; }
all_rows() { grep -Ec '^  (push|reserve|ack|all three) +[0-9]' out; }
nothing_left() { [ -z "$(find here -mindepth 1 ! -name 'jobs.*')" ]; }
begin() { # options: a bench that would run for minutes
    (trap - INT && exec "$SLOTQ" "$@" bench --seconds 600) >out 2>err & # INT is ignored behind &
    measuring=$!
}
stop_by() { # signal, what is true when it is under way; answers its exit code
    holds 'it is under way' await 60 eval "$2"
    sleep 0.3 # it need not, but measures by now as a rule
    kill -"$1" $measuring
    ends $measuring
}

# ---- a folder ----
expect 'in a folder' 0 "$row.* memcpy " - -u here bench --seconds 1
holds 'both ways of calling' grep -q '^256 messages per call$' out
same 'three verbs and their sum each' 8 "$(all_rows)"
holds 'what it means' grep -Eq '^In batches of 256, a message costs .* less than one at a time' out
same 'within 80 columns' '' "$(wide)"
holds 'nothing is left' nothing_left
"$SLOTQ" -q -u here create jobs
"$SLOTQ" -q -u here push jobs one two >out
before=$(cksum here/jobs.slotq)
expect 'one message per call alone' 0 '^A message costs ' - -u here bench --seconds 1 --batch 1
same 'is one way' 4 "$(all_rows)"
same 'a queue beside it is untouched' "$before" "$(cksum here/jobs.slotq)"
expect 'in JSON' 0 '"store":"file","server":"","payload_bytes":1000,"batch":7,' - \
    -u here bench --seconds 1 --payload 1000 --batch 7 --json
same 'one object' 1 "$(wc -l <out)"
holds 'has each verb' grep -q '"batch":7,"in_flight":1,"verb":"reserve","messages_per_s":[1-9]' out
holds 'and its bound' grep -q '"bound":"memcpy","bound_ns":[0-9.e+-]*,"share_of_bound":' out
same 'eight times' 8 "$(grep -o '"verb"' out | wc -l)"
expect 'synced' 0 'write\+sync .*' - -u here --sync always bench --seconds 1 --payload 1 --batch 9
holds 'says what is waited for' grep -q 'each call waits for the disk' out
holds 'nothing is left' nothing_left
for signal in INT TERM HUP; do
    if [ -n "$(trap -p $signal)" ]; then # ignored when this shell began: it cannot undo that
        skip "ended by $signal" "$signal was ignored when the suite began"
        continue
    fi
    begin -u here
    stop_by $signal '[ -n "$(find here -name "slotq-bench-*")" ]'
    same "ended by $signal" 130 $?
    holds 'it says so' grep -q 'interrupted; nothing is left behind' err
    holds 'and that is true' nothing_left
done

# ---- what it does not take ----
expect 'no time' 2 - 'must be a number, 1 to' bench --seconds 0
expect 'no batch' 2 - 'must be a number, 1 to' bench --batch 0
expect 'a batch that no call takes' 2 - 'which is 104 messages of 10,000 bytes' \
    bench --payload 10000 --batch 105
expect 'a queue' 2 - 'too many operands' bench jobs
expect 'no such folder' 1 - 'No such file' -u nowhere bench
expect 'no server' 5 - 'cannot connect' -u redis://127.0.0.1:1 bench
expect 'a wish that servers cannot be asked for' 2 - 'doctor --sync always' \
    -u redis://127.0.0.1:1 --sync always bench

# ---- a server ----
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server
redis set foreign text >out
keys() { redis keys '*' | xargs; }
expect 'on a server' 0 "$row.* SETRANGE " - bench --seconds 1
same 'four ways of calling' 16 "$(all_rows)"
holds 'one at a time' grep -q '^1 message per call, one call per round trip$' out
holds 'in a pipeline' grep -q '^256 messages per call, 8 calls per round trip$' out
holds 'beside the other bounds' eval 'grep -q " GETRANGE " out && grep -q " PING " out'
holds 'says what runs there' grep -Eq '[0-9]+\.[0-9.]+, append-only file: no, replicas: 0$' out
holds 'what it means' grep -q 'a round trip (PING: ' out
same 'within 80 columns' '' "$(sed 1d out >rest && mv rest out && wide)"
same 'nothing is left' foreign "$(keys)"
expect 'large messages, in JSON' 0 '"store":"redis".*"batch":15,"in_flight":8' - \
    bench --seconds 1 --payload 65535 --json
begin
stop_by TERM '[ "$(redis dbsize)" = 3 ]'
same 'ended by a signal' 130 $?
same 'nothing is left' foreign "$(keys)"
redis acl setuser me on '>secret' '~slotq-bench-*' '&*' +@all -@dangerous >out
as_me=$server_url'?user=me&password=secret'
expect 'a user that may use such keys only' 0 "$row" - -u "$as_me" bench --seconds 1
holds 'whose password is not shown' eval '! grep -q secret out'
redis acl setuser me -unlink >out
expect 'a user that could not remove it' 1 - 'nothing was created.*NOPERM' -u "$as_me" bench
redis acl setuser me +unlink -ping >out
expect 'one without the bound' 1 - 'NOPERM' -u "$as_me" bench
same 'nothing is left' foreign "$(keys)"
redis config set maxmemory-policy allkeys-lru >out
expect 'a server that may evict' 2 - 'noeviction' bench
redis config set maxmemory-policy noeviction >out
redis config set maxmemory 1 >out
expect 'a full one' 1 - 'is at maxmemory and has no room for the queue of this bench' bench
redis config set maxmemory 0 >out
redis replicaof 127.0.0.1 1 >out
expect 'a replica' 2 - 'replica' bench
redis replicaof no one >out
same 'nothing is left' foreign "$(keys)"
begin
holds 'it is under way' await 60 eval '[ "$(redis dbsize)" = 3 ]'
for key in $(keys); do
    [ "$key" = foreign ] || holds 'it has a time to live, behind its time' \
        await 60 eval '[ "$(redis ttl "$key")" -gt 700 ]'
done
end_server KILL
ends $measuring
code=$?
holds 'its server dies: it cannot know' test $code = 5 -o $code = 7
holds 'and names what may be left' grep -Eq 'UNLINK slotq-bench-[0-9a-f]+ slotq-bench-' err
finish
