#!/bin/bash
# test_redis_riding.sh: the command on servers that refuse for a while, or that are not what their
# URL seems to name: a node of a cluster, a Sentinel. Knows private servers alone. What takes its
# time is begun early and looked at late.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
need python3

others=()
leave_all() {
    [ ${#others[@]} = 0 ] || kill -KILL "${others[@]}" 2>/dev/null
    leave_server
}
trap leave_all EXIT

at() { # name of another server, command...
    local socket=$work_folder/$1/socket
    shift
    redis-cli -s "$socket" "$@" 2>&1
}

start_other() { # name, options of redis-server
    local name=$1
    shift
    mkdir "$work_folder/$name"
    "$server_program" "$@" --unixsocket "$work_folder/$name/socket" --dir "$work_folder/$name" \
        --save '' >>"$work_folder/$name/log" 2>&1 &
    others+=($!)
    disown $!
    holds "the server $name starts" await 60 eval "at $name ping | grep -q PONG"
}

# ---- a stream that must outlast more than a single call does ----
# shellcheck disable=SC2034 # await evaluates it
begun=$SECONDS
start_other stream --port 0
stream=unix://$work_folder/stream/socket
"$SLOTQ" -u "$stream" -q create jobs --slots 100
at stream config set min-replicas-to-write 1 >out
seq 1 50 | "$SLOTQ" -u "$stream" push jobs --block -q 2>said.stream &
pusher=$!

# ---- two nodes of a cluster that meet, and a Sentinel ----
first=$(free_port)
second=$(free_port)
bus=$(free_port)
start_other first --port "$first" --cluster-enabled yes --cluster-port "$(free_port)" \
    --appendonly yes
start_other second --port "$second" --cluster-enabled yes --cluster-port "$bus" --appendonly yes
at first cluster addslotsrange 0 8191 >out
at second cluster addslotsrange 8192 16383 >out
at first cluster meet 127.0.0.1 "$second" "$bus" >out
sentinel=$(free_port)
mkdir "$work_folder/watcher"
printf 'port %s\ndir %s\n' "$sentinel" "$work_folder/watcher" >"$work_folder/watcher/conf"
"$server_program" "$work_folder/watcher/conf" --sentinel >>"$work_folder/watcher/log" 2>&1 &
others+=($!)
disown $!

# ---- the bench, whose bound goes past the library ----
start_server
refused() { # how often a server refused a write for its replicas
    redis info errorstats | sed -n 's/^errorstat_NOREPLICAS:count=\([0-9]*\).*/\1/p'
}
redis config set min-replicas-to-write 1 >out
"$SLOTQ" bench --seconds 1 >bench.out 2>bench.err &
bench=$!
# shellcheck disable=SC2016 # await evaluates it
await 60 eval '[ -n "$(refused)" ]'
redis config set min-replicas-to-write 0 >back
ends $bench
same 'a bench waits for replicas at its start' 0 $?
holds 'and measures' grep -q push bench.out
redis config resetstat >back
"$SLOTQ" bench --seconds 3 >bench.out 2>bench.err &
bench=$!
# shellcheck disable=SC2016 # await evaluates it
await 60 eval '[ "$(redis dbsize)" = 2 ]'
redis config set min-replicas-to-write 1 >back
# shellcheck disable=SC2016 # await evaluates it
holds 'its writes are refused' await 60 eval '[ -n "$(refused)" ]'
redis config set min-replicas-to-write 0 >back

# ---- URLs that are misspelt ----
for url in REDIS://u:S3cret@127.0.0.1:1 valkey://u:S3cret@127.0.0.1:1 'redis:/:S3cret@h' \
    ' redis://u:S3cret@h' valkeys://u:S3cret@h http://u:S3cret@h u:S3cret@h:6379 redis://:S3cret \
    unix:///s:S3cret 'unix:///s#S3cret'; do
    for command in 'stats q' 'create q' 'push q x' 'doctor' 'doctor --json' 'ls' 'bench -s 1' \
        'metrics' 'dump q' 'check q' 'export q' 'copy q .'; do
        # shellcheck disable=SC2086
        SLOTQ_URL=$url "$SLOTQ" $command >out 2>&1 </dev/null
        holds "<$url> $command keeps the password" eval '! grep -q S3cret out'
        # shellcheck disable=SC2086
        "$SLOTQ" -u "$url" $command >out 2>&1 </dev/null
        holds "-u <$url> $command keeps the password" eval '! grep -q S3cret out'
    done
done

# ---- URLs in the place of a queue or a command ----
for url in redis://u:S3cret@127.0.0.1:1 unix:///s:S3cret 'unix:///s#S3cret'; do
    for words in "push $url x" "create $url" "work $url -- true" "doctor $url" "metrics q $url" \
        "dump $url" "dead ls $url" "later ls $url" "ack $url 1:5" "copy $url ." "$url push q" \
        "help $url" "completion $url" "status q $url" "ack q $url" "pause q $url" "kick q $url" \
        "remove q $url" "dead remove q $url" "dead $url q" "later cancel q $url" \
        "reserve q --lease $url" "reserve q -n $url" "push q --in $url x" \
        "create q --payload $url" "create q --dead-full $url" "work q --backoff $url -- true" \
        "limit q --rate $url" "peek q --from $url" "-x$url ls" "--$url ls" "ls --url$url"; do
        # shellcheck disable=SC2086
        expect "slotq $words keeps the password" 2 - '\*\*\*' $words
        holds 'all of it' eval '! grep -q S3cret out err'
    done
done
expect 'an unknown scheme' 2 - 'unknown scheme' -u http://127.0.0.1:1 stats q

# ---- and the ends of what was begun ----
ends $bench
same 'a bench waits in the middle' 0 $?
same 'without a complaint' '' "$(cat bench.err)"
redis config set busy-reply-threshold 20 >out
"$SLOTQ" -q create jobs
redis eval 'local t = redis.call("TIME") local e = t[1] * 1000000 + t[2] + 500000
    repeat t = redis.call("TIME") until t[1] * 1000000 + t[2] > e' 0 >out &
busy=$!
await 60 eval 'redis ping | grep -q BUSY'
expect 'a push outlasts a busy server' 0 '^1$' - push jobs x
wait $busy
end_server

# ---- a node of a cluster ----
export SLOTQ_URL=redis://127.0.0.1:$first
if await 60 eval 'at first cluster info | grep -q cluster_state:ok &&
    at second cluster info | grep -q cluster_state:ok'; then
    # "foo" is in slot 12182, "bar" in 5061
    expect 'a key of this node' 0 - 'bar: 1,000 messages' create bar
    expect 'a key of the other' 0 - 'foo: 1,000 messages' create foo
    expect 'and a message in it' 0 '^1$' - push foo x
    expect 'both are listed' 0 '^foo ' - ls
    expect 'the doctor follows too' 0 'is a node of a cluster' - doctor foo
    holds 'and looks at both nodes' eval "grep -q ':$first: serves 8,\?192 slots' out"
    holds 'also at the other' eval "grep -q ':$second: serves 8,\?192 slots' out"
    holds 'all slots are served' eval 'grep -q "2 primaries, 0 replicas, 16384 of 16384 slots" out'
    expect 'all queues are measured' 0 '"foo"' - metrics
    expect 'the bench finds its node' 0 'push' - bench --seconds 1
    expect 'so does a dump' 0 'header' - dump foo
    rights() { # rules: a user of both nodes may do all but this
        at first acl setuser some on '>p' '~*' '&*' +@all "$@" >out
        at second acl setuser some on '>p' '~*' '&*' +@all "$@" >out
    }
    as_some="redis://some:p@127.0.0.1:$first"
    rights
    expect 'the doctor misses no right' 0 'may run every command' - -u "$as_some" doctor foo
    rights -asking
    expect 'without ASKING' 1 'BAD +foo: .*may not run ASKING .*while the slot moves' - \
        -u "$as_some" doctor foo
    rights +asking -readonly
    expect 'without READONLY' 0 'ok +foo: .*may not run READONLY; needed for: replica=1' - \
        -u "$as_some" doctor foo
    rights +readonly '-cluster|slots'
    expect 'without CLUSTER SLOTS' 0 'ok +foo: .*may not run CLUSTER SLOTS' - \
        -u "$as_some" doctor foo
    holds 'nor are other nodes looked at' grep -q 'unknown .*the other nodes: .*cluster.slots' out
    at first config set cluster-require-full-coverage no >out
    at second config set cluster-require-full-coverage no >out
    at first cluster delslots 0 >out
    at second cluster delslots 0 >out
    expect 'a slot without a node' 1 'BAD .*no node serves 1 of the 16384 slots' - doctor foo
else
    not_ok 'two nodes make a cluster' "$(at first cluster info)"
fi

# ---- a Sentinel ----
# shellcheck disable=SC2016 # await evaluates it
await 60 eval 'redis-cli -p "$sentinel" ping 2>.seen | grep -q PONG'
for command in 'create q' 'push q x' 'ls'; do
    # shellcheck disable=SC2086
    expect "a Sentinel: $command" 2 - 'this is a Sentinel' \
        -u "redis://127.0.0.1:$sentinel" $command
done
expect 'the doctor too' 2 'BAD .*this is a Sentinel' - -u "redis://127.0.0.1:$sentinel" doctor

# ---- the stream ----
# shellcheck disable=SC2016 # await evaluates it
await 60 eval '[ $((SECONDS - begun)) -ge 12 ]' # a call gives up after 10 s
at stream config set min-replicas-to-write 0 >back
ends $pusher
same 'push --block waits for replicas' 0 $?
same 'all went in once' 50 \
    "$("$SLOTQ" -u "$stream" stats jobs --json | sed 's/.*"last_id":\([0-9]*\).*/\1/')"
finish
