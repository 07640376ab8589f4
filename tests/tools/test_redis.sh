#!/bin/bash
# test_redis.sh: every command on a queue in a private Redis server: the normal way, exit codes,
# names of any bytes. What goes wrong with servers: test_redis_trouble.sh.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
# shellcheck source=tests/tools/settle_cases.sh
. "$source_folder/tests/tools/settle_cases.sh"

start_server

# ---- create, ls ----
expect 'ls of nothing gives a hint' 0 - 'slotq create NAME' ls
expect 'no such queue: the line that makes it' 3 - "slotq -u $server_url create none\$" \
    -u "$server_url" push none x
expect 'create shows the formula' 0 - '^  total .* 320,698$' create jobs
expect 'creating it again is not an error' 0 - 'it existed already' create jobs
expect 'create in JSON' 0 '"made":false,"slots":1000,"bytes":320698' - create jobs --json
expect 'another geometry is refused' 9 - \
    'jobs exists with another geometry: it has --' \
    create jobs --slots 5
same 'the key has the size of the formula' 320698 "$(redis strlen jobs)"
expect 'every size is taken' 0 - '' create small --slots 4 --payload 16 --dead 2 --groups 2 \
    --max-attempts 2 --tick 10 --checks --no-stamps
redis set foreign text >out
expect 'ls lists what is a queue' 0 '^jobs +0 +1,000 +0 +0 +0 +0 +0 +0 +320,698$' - ls
holds 'and nothing else' eval '! grep -q foreign out'
expect 'ls in JSON' 0 '"queue":"small","group":1' - ls --json

# ---- push, reserve, settle ----
expect 'push prints ids' 0 '^3$' - push jobs one 'the second' three
printf 'four\nfive\n' | "$SLOTQ" push jobs 2>err
holds 'push of stdin' grep -q '2 messages pushed, ids 4 to 5' err
expect 'too big' 2 - 'DATA 1 has 17 bytes' push small 12345678901234567
settle_cases jobs
expect 'redrive prints the new id' 0 '^6$' '1 dead message redriven' dead redrive jobs
expect 'no dead left' 3 - 'no dead message' dead ls jobs
expect 'dead purge' 0 '"purged":0' - dead purge jobs --json
spoil() { redis setrange "$1" $(($(redis strlen "$1") - $2)) X >out; } # bytes from the end
damaged_cases
expect 'create one for a kill in parts' 0 - '' create parts --slots 1200 --payload 4 --dead 1200
seq 1 1100 | "$SLOTQ" -q push parts -
"$SLOTQ" reserve parts -n 1100 --lease 10m >tokens
redis setrange parts 86 $'\1' >out # group 0 claims too few leased ones, 0x0401
"$SLOTQ" kill parts - --json <tokens >killed 2>err
same 'a part that fails: exit 6' 6 $?
same 'the parts before it are printed' 1024 "$(grep -c '"outcome":"OK"' killed)"
same 'and nothing else' 1024 "$(grep -c . killed)"
holds 'the text says what was done' grep -q '1024 messages were settled before this: ' err
same 'and so it is' 1024 "$("$SLOTQ" stats parts --json | sed 's/.*"died":\([0-9]*\).*/\1/')"
redis del parts >out
expect 'remove of a waiting one' 0 - - remove jobs 2
expect 'a group that does not exist' 2 - 'group 3' reserve jobs -g 3
expect 'peek' 0 '^5\tready\t0\tfive$' - peek jobs
expect 'stats' 0 'newest id +6$' - stats jobs
expect 'stats in JSON' 0 '"ready":2,"undelivered":2,"leased":0' - stats jobs --json
expect 'check' 0 'sound' - check jobs
expect 'dump' 0 '^sound: 320,698 bytes' - dump jobs
expect 'pause' 0 - - pause jobs
expect 'paused' 9 - 'paused' push jobs x
expect 'paused out' 9 - 'paused' reserve jobs
expect 'resume' 0 - - resume jobs
expect 'reclaim' 0 - '0 made ready' reclaim jobs
expect 'purge' 0 - 'freed' purge jobs
expect 'empty' 3 - 'no message is ready' reserve jobs
expect 'empty after waiting' 3 - '' reserve jobs --wait 200ms
expect 'full' 0 '^4$' - push small a b c d
expect 'full is told' 4 - 'Message 1, ready in group 0, holds it' push small e
expect 'stats names the holder' 0 'full: message 1' - stats small
expect 'a checks queue is reserved' 0 '^1:[0-9]+\t1\ta$' - reserve small
"$SLOTQ" ack small "$(token)"
"$SLOTQ" work small -g 1 -q -- true &
first_worker=$!
"$SLOTQ" work small -q -- true &
second_worker=$!
seq 1 9 | timeout 300 "$SLOTQ" push small --block -q
same 'a blocked push goes on as there is room' 0 $?
holds 'its messages are worked in both groups' await 60 \
    eval '[ "$(number small unfinished)" = 0 ]'
kill -TERM $first_worker $second_worker
ends $first_worker $second_worker
same 'workers end by a signal' 0 $?
expect 'metrics' 0 '^slotq_pushed_total\{queue="small"\} 13$' - metrics
expect 'rm' 0 - 'deleted' rm small
same 'it is gone' 0 "$(redis exists small)"
expect 'rm of a key that is not a queue' 6 - '' rm foreign
same 'which stays' text "$(redis get foreign)"

# ---- waiting ----
somebody_listens() { [ -n "$(redis pubsub channels 'slotq#*:jobs')" ]; }
nobody_listens() { ! somebody_listens; } # the server has seen that the one before has ended
wake() { # sets took_us
    await 60 nobody_listens
    timeout 300 "$SLOTQ" reserve jobs --wait 10m --lease 1h >waited &
    waiter=$!
    holds 'a waiting reserve listens' await 60 somebody_listens
    "$SLOTQ" push jobs wake >out
    local begun=${EPOCHREALTIME/[.,]/}
    wait $waiter
    same 'and is woken' 0 $?
    took_us=$((${EPOCHREALTIME/[.,]/} - begun))
    holds 'with the message' grep -q 'wake$' waited
}
for _ in 1 2 3 4 5; do # unwoken it looks after 5 s; a busy machine may hold it up
    wake
    [ "$took_us" -ge 4000000 ] || break
done
holds 'at once' test "$took_us" -lt 4000000
holds 'none listens any more' await 60 nobody_listens
"$SLOTQ" reserve jobs --wait 10m >waited 2>err &
waiter=$!
holds 'another listens' await 60 somebody_listens
kill -TERM $waiter
ends $waiter
same 'a signal ends it' 130 $?

# ---- names ----
for name in 'two words' 'käse/übung' '-dash' '.dot' $'tab\there' "it's" '$(touch trapped)'; do
    expect "create of <$name>" 0 - '' create -- "$name"
    expect "push to <$name>" 0 '^1$' - push -- "$name" x
    expect "work on <$name>" 0 "x" '1 acked' work --drain -- "$name" cat
    expect "metrics of <$name>" 0 '^slotq_acked_total' - metrics -- "$name"
done
holds 'names are not run' test ! -e trapped
expect 'no byte of a name reaches a terminal raw' 0 'tab\\x09here' - ls
expect 'a suggested command quotes the name' 3 - "create 'no such'\$" push 'no such' x
long=$(printf 'n%.0s' {1..201})
expect 'a name of 201 bytes' 2 - '1 to 200 bytes' create "$long"
expect 'of 200' 0 - '' create "${long:1}" --slots 2 --payload 1

# ---- doctor ----
redis config set appendonly yes >out
redis config set appendfsync always >out
expect 'doctor' 0 'the version that slotq is tested with|not tested with each change' - doctor
holds 'says what is kept' grep -q 'appendfsync always: acknowledged' out
holds 'says what the policy is' grep -q 'noeviction' out
holds 'says what our user may do' grep -q 'may run every command that slotq needs' out
holds 'knows which scripts are there' grep -Eq '[1-9][0-9]* of the [0-9]+ scripts' out
holds 'looks at queues' grep -q 'jobs: the bytes are sound' out
expect 'doctor in JSON' 0 '"about":"jobs","kind":"ok"' - doctor jobs --json
expect 'of a queue that is not there it says so once' 1 \
    'BAD      none: there is no such queue; to see which there are: slotq ls$' - doctor none
expect 'doctor holds it against the promise wanted' 0 '' - doctor --sync always
redis config set appendfsync everysec >out
expect 'and finds that it is less' 1 'BAD .*appendfsync is everysec' - doctor --sync always
expect 'but enough without it' 0 'appendfsync everysec' - doctor
redis config set appendonly no >out
expect 'keeps nothing at all' 1 'BAD .*keeps nothing on disk' - doctor
redis config set save '900 1' >out
expect 'snapshots only' 1 'BAD .*snapshots only' - doctor --sync always
expect 'a push cannot have --sync always' 2 - 'doctor --sync always' --sync always push jobs x
end_server
finish
