#!/bin/bash
# test_redis_sentinel.sh: the command with a URL of Sentinels: three real ones watch a primary. What
# a failover does stands in tests/engine/backend/redis/test_sentinel.cpp.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
need python3

sentinels=()
leave_all() {
    [ ${#sentinels[@]} = 0 ] || kill -KILL "${sentinels[@]}" 2>/dev/null
    leave_server
}
trap leave_all EXIT

id_of() { printf "%040d" "$1"; }

sentinel() { # number command...
    local number=$1
    shift
    redis-cli -s "$work_folder/sentinel$number/socket" "$@" 2>&1
}

start_sentinel() { # number, and in whose place
    local folder=$work_folder/sentinel$1 is=${2:-$1} other
    mkdir -p "$folder"
    [ -f "$folder/conf" ] || {
        echo "port ${ports[$1]}"
        echo "bind 127.0.0.1"
        echo "dir $folder"
        echo "unixsocket $folder/socket"
        echo "sentinel myid $(id_of "$is")"
        echo "sentinel monitor main 127.0.0.1 $primary 2"
        echo "sentinel down-after-milliseconds main 60000"
        for other in 1 2 3; do
            [ "$other" = "$is" ] ||
                echo "sentinel known-sentinel main 127.0.0.1 ${ports[$other]} $(id_of "$other")"
        done
    } >"$folder/conf"
    "$server_program" "$folder/conf" --sentinel >"$folder/log" 2>&1 &
    sentinels[$1]=$!
    disown "${sentinels[$1]}"
    await 60 eval "sentinel $1 ping | grep -q PONG"
}

primary=$(free_port)
ports=(0 "$(free_port)" "$(free_port)" "$(free_port)" "$(free_port)")
start_server --port "$primary" --bind 127.0.0.1 --appendonly yes --appendfsync always
for number in 1 2 3; do
    holds "Sentinel $number starts" start_sentinel $number
done
export SLOTQ_URL=redis+sentinel://127.0.0.1:${ports[1]},127.0.0.1:${ports[2]}/main

expect 'a queue is created at the primary' 0 '' '' create q --slots 20 --payload 32
expect 'and pushed to' 0 '^1$' - push q one
holds 'it is there' eval 'redis exists q | grep -q 1'
expect 'a worker' 0 '' ' acked' work q --drain -- true
expect 'the list' 0 '^q' - ls
expect 'the doctor tells the Sentinels' 0 \
    "ok +redis.*: main is at 127.0.0.1 port $primary, found by 3 of 3 Sentinels, quorum 2" - \
    doctor q
holds 'and what an isolated primary does' eval 'grep -q "min-replicas-to-write is 0" out'

for verb in 'push q x' 'stats q' 'ls' 'create other' 'rm q' 'metrics'; do
    # shellcheck disable=SC2086 # words
    expect "another name: $verb" 5 - 'no primary named other: correct the name' \
        -u "redis+sentinel://127.0.0.1:${ports[1]}/other" $verb
done </dev/null
expect 'nothing happened by them' 0 '^q' - ls
expect 'no name' 2 - 'names no primary' -u "redis+sentinel://127.0.0.1:${ports[1]}" push q x
expect 'not a Sentinel' 5 - 'not those of a Sentinel|refuses SENTINEL commands' \
    -u "redis+sentinel://127.0.0.1:$primary/main" push q x
expect 'a Sentinel as a server' 2 - 'write redis\+sentinel://HOST/NAME' \
    -u "redis://127.0.0.1:${ports[1]}" push q x
expect 'no Sentinel there' 5 - 'no Sentinel of main answered: cannot connect' \
    -u redis+sentinel://127.0.0.1:1/main push q x
expect 'a password where none is wanted' 5 - 'refused the login: check sentinel_user' \
    -u "$SLOTQ_URL?sentinel_password=secret" push q x
holds 'which is not shown' eval '! grep -q "=secret" err'

# ---- the least rights at the Sentinels, as the man page has them ----
sed -n 's/^ACL SETUSER finder //p' "$source_folder/tools/man/slotq.1.scd" >rules
same 'lua/README.md has the same' "$(cat rules)" \
    "$(sed -n 's/^ *ACL SETUSER finder //p' "$source_folder/lua/README.md")"
holds 'the man page has them' test "$(grep -o '[+&][^ ]*' rules | wc -l)" = 8
at_all() { # rules: of the user finder
    for number in 1 2 3; do
        sentinel $number acl setuser finder "$@" >>said
    done
}
as_finder="$SLOTQ_URL?sentinel_user=finder&sentinel_password=secret"
# shellcheck disable=SC2046 # words
at_all $(cat rules)
expect 'a user with them' 0 '^2$' - -u "$as_finder" push q two
expect 'the doctor misses nothing' 0 'found by 3 of 3 Sentinels' - -u "$as_finder" doctor q
for right in myid master sentinels get-master-addr-by-name; do
    right="+sentinel|$right"
    at_all "-${right#+}"
    expect "without $right" 5 - 'refuses SENTINEL commands: .*may its user run' \
        -u "$as_finder" push q x
    at_all "$right"
done
expect 'nothing came of these' 0 '^3$' - push q three

kill -KILL "${sentinels[3]}"
expect 'one Sentinel is away' 0 '^4$' - push q four
expect 'which the doctor finds' 1 'BAD .*1 of 3 Sentinels do not answer' - doctor q
holds 'without the advice to make the others forget it' eval '! grep -qi reset out'
holds 'another comes in its place' start_sentinel 4 3
holds 'as the doctor advised' await 60 eval '"$SLOTQ" doctor q 2>err | grep -q "found by 3 of 3"'
kill -KILL "${sentinels[4]}" "${sentinels[2]}"
expect 'two are away' 5 - '1 of 3 Sentinels of main answered, and a majority must' push q x
expect 'by two names one of them stays one' 5 - '1 of 3 Sentinels of main answered' \
    -u "redis+sentinel://127.0.0.1:${ports[1]},localhost:${ports[1]}/main" push q x
expect 'looking goes on' 0 'newest id' - stats q
holds 'they come back' start_sentinel 2
expect 'and it goes on' 0 '^5$' - push q five

finish
