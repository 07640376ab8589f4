#!/bin/bash
# test_redis_trouble.sh: what goes wrong with servers and workers: no server, passwords, policies,
# replicas, keys of other kinds, damage, and ends in the middle, after which nothing is lost.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

# ---- no server, no such place ----
for verb in 'push q x' 'reserve q' 'stats q' 'ls' 'create q' 'rm q' 'check q' 'export q' \
    'metrics' 'work q --patience 0 -- true' 'dump q'; do
    # shellcheck disable=SC2086 # words
    expect "no server: $verb" 5 '' 'cannot connect' $verb
done </dev/null
expect 'the doctor has it as a finding' 5 'BAD .*cannot connect' - doctor
expect 'a port without a server' 5 - 'cannot connect' -u redis://127.0.0.1:1 push q x
expect 'the password is not shown' 5 - 'cannot connect' -u redis://me:secret@127.0.0.1:1 push q x
holds 'nowhere' eval '! grep -q secret err'
expect 'a server without its scheme' 1 - 'begins with redis://' -u localhost:6379 ls
expect 'a bad port' 2 - 'port' -u redis://localhost:70000 push q x
expect 'a bad database' 2 - 'database' -u redis://localhost/x push q x

# ---- passwords and rights ----
start_server
"$SLOTQ" -q create q --slots 20 --payload 32
redis acl setuser worker on '>right' '~q' resetchannels '&slotq#*:q' +@all -@dangerous >out
as_worker=$server_url'?user=worker&password='
expect 'a wrong password' 5 - 'WRONGPASS|log in|password' -u "${as_worker}wrong" push q x
holds 'which is not shown' eval '! grep -q "password=wrong" err'
expect 'the right one' 0 '^1$' - -u "${as_worker}right" push q x
expect 'another key than its own' 1 - 'NOPERM|permission' -u "${as_worker}right" push other x
expect 'the doctor finds what is missing' 1 'may not run' - -u "${as_worker}right" doctor other
expect 'what is hidden is unknown' 0 'unknown .*may not run CONFIG GET' - \
    -u "${as_worker}right" doctor q
redis acl setuser small on '>word' '~q' resetchannels '&slotq#*:q' '+script|load' +evalsha \
    +strlen +getrange +setrange +time +publish +subscribe >out
as_small=$server_url'?user=small&password=word'
expect 'the least rights of lua/README.md: push' 0 '^[0-9]+$' - -u "$as_small" push q x
expect 'and work' 0 '' ' acked' -u "$as_small" work q --drain -- true
expect 'and look' 0 'newest id' - -u "$as_small" stats q
redis acl setuser monitor on '>word' '%R~q' '+script|load' +evalsha_ro +strlen +getrange +time >out
as_monitor=$server_url'?user=monitor&password=word'
expect 'those of a monitor: look' 0 'newest id' - -u "$as_monitor" stats q
expect 'and no more' 1 - 'NOPERM.* slotq doctor QUEUE names it; man slotq, ACCESS, has the ACL' \
    -u "$as_monitor" push q x
expect 'the doctor asks without them, and knows little' 0 'unknown .*its bytes are sound' - \
    -u "$as_small" doctor q
redis acl setuser small -subscribe resetchannels >out
expect 'without the channel it works, and polls' 0 '^[0-9]+$' - -u "$as_small" push q x
"$SLOTQ" -u "$as_small" work q -q -- true &
worker=$!
holds 'the worker too' await 60 eval '[ "$(number q unfinished)" = 0 ]'
"$SLOTQ" -u "$as_small" push q y >out
holds 'and later' await 60 eval '[ "$(number q unfinished)" = 0 ]'
kill -TERM $worker
ends $worker
same 'to its end' 0 $?
expect 'ls is beyond them' 1 - 'NOPERM' -u "$as_small" ls
redis acl setuser default '>word' >out
redis_words=(--no-auth-warning -a word)
expect 'a password is wanted' 5 - 'NOAUTH|password|log in' push q x
REDISCLI_AUTH=word "$SLOTQ" push q y >out 2>err
same 'it may come from the environment' 0 $?
redis acl setuser default nopass >out
redis_words=()

# ---- keys that are no queue, or not to stay ----
redis rpush list x >out
redis set foreign text >out
expect 'a list' 6 - 'is a list, not a queue' push list x
expect 'another string' 6 - 'byte' push foreign x
expect 'check of it' 6 - 'byte' check foreign
same 'it is as it was' text "$(redis get foreign)"
expect 'create over it' 6 - 'foreign: the queue is damaged at byte 4: shorter than .* Nothing was' \
    create foreign
"$SLOTQ" -q create newer
redis setrange newer 11 2 >out
expect 'create over another version' 6 - 'another version: these scripts read version 1\. Nothing' \
    create newer
redis expire q 1000 >out
expect 'a key that expires' 2 - 'PERSIST' push q x
expect 'the doctor says so' 1 'expires in 1[0-6] m' - doctor q
redis persist q >out
expect 'and well again' 0 '' - push q x

# ---- damage ----
"$SLOTQ" export q | "$SLOTQ" import bad -q
redis setrange bad 12 X >out
expect 'a changed size' 6 - 'byte|geometry' push bad x
expect 'check says what to do' 6 - 'redis-cli RENAMENX bad bad.damaged; slotq import bad' check bad
expect 'dump shows it nevertheless' 6 'damaged at offset' - dump bad
expect 'the doctor too' 1 'check bad' - doctor bad
redis renamenx bad bad.damaged >out
"$SLOTQ" export q | "$SLOTQ" import bad -q
expect 'as it said' 0 'sound' - check bad

# ---- servers on which a queue is not safe ----
redis config set maxmemory-policy allkeys-lru >out
expect 'a policy that evicts' 2 - 'noeviction' push q x
expect 'create too' 2 - 'noeviction' create other
"$SLOTQ" --force export q | "$SLOTQ" import other -q 2>err
same 'import too' 2 $?
holds 'saying why' grep -q noeviction err
same 'it leaves nothing' 0 "$(redis exists other)"
"$SLOTQ" -u . -q create near
expect 'copy to it' 2 - 'noeviction' -u . copy near "$server_url"
expect '--force' 0 '^[0-9]+$' - --force push q x
expect 'looking is not refused' 0 '' - stats q
expect 'the doctor finds it' 1 'BAD .*deletes whole queues' - doctor
redis config set maxmemory-policy noeviction >out
redis config set maxmemory 1 >out
expect 'a full server: push goes on' 0 '^[0-9]+$' - push q x
expect 'work too' 0 '' 'acked' work q --drain -- true
expect 'create does not' 1 - 'OOM|memory' create other
holds 'nor half of it' test "$(redis exists other)" = 0
redis config set maxmemory 0 >out
redis replicaof 127.0.0.1 1 >out
expect 'a replica' 2 - 'replica' push q x
expect 'the doctor says whose' 1 'replica of 127.0.0.1:1' - doctor
redis replicaof no one >out
expect 'master again' 0 '' - push q x
expect 'replicas that are not there' 7 '^[0-9]+$' '0 of 2 replicas confirmed' push q --replicas 2 x
"$SLOTQ" -q create die --slots 9 --payload 32 --later 9
"$SLOTQ" -q create kept --slots 9 --payload 32 --keys
expect 'a schedule waits for them too' 7 '^[0-9]+$' '0 of 1 replicas confirmed' \
    push die --replicas 1 --in 1h x
"$SLOTQ" push die x >out
"$SLOTQ" kill die "$("$SLOTQ" reserve die | cut -f 1)" >out
expect 'a disk that cannot confirm' 2 - 'Redis 7.2 or newer|appendonly' push q --fsynced 1 x
expect 'a dead message stays where its push is not confirmed' 7 '' 'stays in the dead section' \
    dead redrive die --to kept --replicas 1
expect 'nor goes when it is found there' 7 '' 'is in kept already.*stays in the dead section' \
    dead redrive die --to kept --replicas 1
expect 'without --replicas it goes' 0 '' '1 .*already' dead redrive die --to kept
end_server

# ---- a worker killed: nothing lost ----
start_server --appendonly yes --appendfsync always
"$SLOTQ" -q create work --slots 300 --payload 16 --tick 10 --max-attempts 0
seq 1 200 | "$SLOTQ" push work -q
handler='echo "$(cat)" >>handled' # one write a line
"$SLOTQ" work work -j 4 --lease 1s -q -- sh -c 'sleep 0.01; '"$handler" &
worker=$!
await 60 eval '[ "$(number work acked)" -ge 20 ]'
disown $worker # or the shell has a word to say about its end
kill -KILL $worker
expect 'another worker ends what a killed one began' 0 '' '' \
    work work -j 4 --drain --lease 1s -q -- sh -c "$handler"
same 'none is lost' 200 "$(grep -E '^[0-9]+$' handled | sort -un | wc -l)"
same 'all are done' 200 "$(number work acked)"

# ---- the server killed before it answers a push ----
"$SLOTQ" -q create doubt --slots 10 --payload 16
mkfifo pipe
"$SLOTQ" push doubt <pipe 2>said &
producer=$!
exec 7>pipe
echo one >&7
holds 'a live record is in' await 60 eval '[ "$(number doubt used)" = 1 ]'
kill -STOP "$server"
echo two >&7
sleep 0.5 # sent by now as a rule, and never answered
end_server KILL
exec 7>&-
ends $producer
case $? in
7) wanted='not known whether record 2 was pushed; 1 before it and none after it were' ;;
*) wanted='record 2 and all after it were not pushed; 1 pushed' ;; # it was not sent
esac
holds 'one record in doubt is named as one' grep -q "$wanted" said
start_server --appendonly yes --appendfsync always

# ---- the server killed under a push and a worker ----
rm -f handled
# More lines than it comes to, and a queue that never fills up: a push that waits for room rides on.
"$SLOTQ" -q create push --slots 65000 --payload 16 --overwrite
"$SLOTQ" push push --block < <(seq 1 100000000) 2>said &
producer=$!
await 60 eval '[ "$(number push last_id)" -ge 5000 ]'
end_server KILL
ends $producer
code=$?
holds 'a push notices that its server is gone: it fails as unknown or unreachable' \
    test $code = 5 -o $code = 7
holds 'and says how many went in' grep -Eq 'record [0-9]+ .*; [0-9,]+ (pushed|before them)' said
went_in=$(sed -nE 's/.*; ([0-9,]+) (pushed|before them).*/\1/p' said | tail -n 1 | tr -d ,)
in_doubt=$(sed -nE 's/.*whether record ([0-9]+) to ([0-9]+) were.*/\2/p' said)
start_server --appendonly yes --appendfsync always
expect 'the server is back: sound' 0 'sound' - check push
holds 'and has at least what was confirmed' test "$(number push last_id)" -ge "$went_in"
holds 'and at most what was sent' test "$(number push last_id)" -le "${in_doubt:-$went_in}"
"$SLOTQ" peek push -n 99999 >peeked
same 'in order, none twice: each line lies under its number' 0 \
    "$(awk -F '\t' '$1 != $4' peeked | wc -l)"
same 'as many as the queue holds, or all' \
    "$(awk -v newest="$(number push last_id)" 'BEGIN { print newest < 65000 ? newest : 65000 }')" \
    "$(wc -l <peeked)"
"$SLOTQ" -q purge push
seq 1 300 | "$SLOTQ" push work -q 2>said
"$SLOTQ" work work -j 2 --drain --lease 2s -- sh -c '
    [ "$SLOTQ_ID" -le 220 ] || until [ -e go ]; do sleep 0.05; done
    '"$handler" 2>said &
worker=$!
await 60 eval '[ "$(number work acked)" -ge 219 ]' # the rest waits for us
end_server KILL
touch go
holds 'a worker notices that its server is gone' await 60 grep -q 'trying again' said
start_server --appendonly yes --appendfsync always
ends $worker
same 'and goes on when it is back' 0 $?
holds 'and says so' grep -q 'the server works again' said
same 'none is lost' 300 "$(sort -un handled | wc -l)"
same 'nothing is left' 0 "$(number work unfinished)"
expect 'sound' 0 'sound' - check work
end_server

# ---- a server that is back, but has its data to load first ----
start_server
if [ -n "$(redis config get key-load-delay)" ]; then # from Redis 6 on
    redis eval 'for i = 1, 60 do redis.call("set", "ballast" .. i, ("x"):rep(100000)) end' 0 >out
    redis config set rdbcompression no >out
    "$SLOTQ" -q create slow
    "$SLOTQ" work slow -- sh -c 'cat >>slowly' 2>said &
    worker=$!
    "$SLOTQ" -q push slow before >out
    holds 'it works' await 60 eval '[ "$(number slow acked)" = 1 ]'
    redis save >out
    end_server KILL
    start_server --key-load-delay 80000 # microseconds: 5 s, more than one reconnecting takes
    "$SLOTQ" -q push slow behind >out
    holds 'a worker waits while it loads' await 60 eval '[ "$(number slow acked)" = 2 ]'
    kill -TERM $worker
    ends $worker
    same 'and ends in order' 0 $?
    holds 'it said what it waited for' grep -q 'trying again' said
    end_server
fi
finish
