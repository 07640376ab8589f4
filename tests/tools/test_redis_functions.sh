#!/bin/bash
# test_redis_functions.sh: the scripts as a library of functions: shown, loaded, beside another
# version, and used by a user that may not run scripts.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

start_server
expect 'what must be said' 2 - 'must be load or show' functions run
expect 'a folder has no functions' 2 - 'is for Redis' -u . functions load
"$SLOTQ" functions show >out 2>err
same 'show prints what is installed' '' \
    "$(cmp out "$source_folder/build/lua/slotq.functions.lua" 2>&1)"
name=$(sed -n '1s/#!lua name=//p' out)
expect 'without it, a user of functions is told' 2 - "$name.*slotq functions load" \
    -u "$server_url?functions=always" create q
expect 'load' 0 '' "$name was loaded" functions load
expect 'again' 0 '' "$name was there already" functions load
expect 'in JSON' 0 "\"library\":\"$name\".*\"loaded\":false" - functions load --json
redis function load '#!lua name=slotq_00000000
redis.register_function("slotq_00000000_about", function() return 1 end)' >out
expect 'another version is named, and left' 0 '' 'FUNCTION DELETE slotq_00000000' functions load
holds 'both are there' test "$(redis function list | grep -c 'slotq_.......*[0-9a-f]$')" -ge 2

redis acl setuser worker on '>p' '~q' '&slotq*' +fcall +strlen +getrange +setrange +time \
    +publish +subscribe >out
user_url="$server_url?user=worker&password=p"
redis config resetstat >out
expect 'a user without scripts creates' 0 '' - -u "$user_url" -q create q
expect 'and pushes' 0 '^2$' - -u "$user_url" push q one two
expect 'and works' 0 'one' '2 acked' -u "$user_url" work q --drain -- cat
holds 'by functions' sh -c "! redis-cli -s '${server_url#unix://}' info commandstats |
    grep -E 'cmdstat_(eval|evalsha|evalsha_ro|script.load):calls=[1-9]'"
expect 'but may not load them' 1 - 'lacks a right' -u "$user_url" functions load

# ---- what the doctor says of such rights ----
expect 'the doctor misses nothing' 0 "$name is loaded" - -u "$user_url" doctor q
holds 'and no command of scripts' eval '! grep -E "BAD|may not run (EVALSHA|SCRIPT LOAD)" out'
expect 'by the URL neither' 0 "$name is loaded" - -u "$user_url&functions=always" doctor q
expect 'unless functions are not wanted' 1 'BAD .*may not run EVALSHA' - \
    -u "$user_url&functions=never" doctor q
redis acl setuser scripts on '>p' '~q' '&slotq*' +evalsha '+script|load' +strlen +getrange \
    +setrange +time +publish +subscribe >out
scripts_url="$server_url?user=scripts&password=p"
expect 'a user of scripts needs no functions' 0 '' - -u "$scripts_url" doctor q
holds 'which are not spoken of' eval '! grep -E "FCALL|functions" out'
expect 'unless the URL says so' 1 'BAD .*may not run FCALL' - \
    -u "$scripts_url&functions=always" doctor q
redis acl setuser worker -fcall >out
expect 'neither of both' 1 'BAD .*may not run EVALSHA .*functions load' - -u "$user_url" doctor q
redis acl setuser worker +fcall -setrange >out
expect 'nor without what functions run' 1 'BAD .*may not run SETRANGE' - -u "$user_url" doctor q
redis acl setuser worker +setrange >out
redis function delete "$name" >out
expect 'a missing library' 1 "BAD .*$name.*slotq functions load" - -u "$user_url" doctor q
end_server

# A node that does not know its host: CLUSTER SLOTS has none, which means the node that was asked.
start_node() {
    local port
    for _ in $(seq 10); do
        port=$((20000 + RANDOM % 20000))
        "$server_program" --bind 127.0.0.2 --port "$port" --cluster-enabled yes --save '' \
            --cluster-port "$((port + 20000))" --unixsocket "$server_folder/socket" \
            --dir "$server_folder" >>"$server_folder/log" 2>&1 &
        server=$!
        disown $server
        await 60 eval 'answers || ! kill -0 "$server" 2>.seen'
        answers && node_url=redis://127.0.0.2:$port && return
    done
    return 1
}

if [ "$(uname)" != Linux ] || ! start_node; then
    skip 'a node of a cluster' 'no port of 127.0.0.2 can be had'
    finish
    exit
fi
expect 'a cluster without slots' 1 - 'no node of the cluster serves a slot' -u "$node_url" \
    functions load
redis cluster addslotsrange 0 16383 >out
holds 'the cluster forms' await 60 eval 'redis cluster info | grep -q cluster_state:ok'
expect 'a node with an empty host is the one that was asked' 0 '' "$name was loaded" \
    -u "$node_url" functions load
redis config set cluster-preferred-endpoint-type unknown-endpoint >out
redis function flush >out
expect 'and one without' 0 '' "$name was loaded" -u "$node_url" functions load
holds 'it is there' sh -c "redis-cli -s '$server_folder/socket' function list | grep -q '$name'"
end_server
finish
