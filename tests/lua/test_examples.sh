#!/bin/bash
# test_examples.sh: the examples of lua/README.md as they stand there, run against a private server:
# sh with redis-cli, Python with redis-py, Node with node-redis. Judges what they leave and print.
# shellcheck disable=SC2016 # words that eval reads

here=$(cd "$(dirname "$0")" && pwd)
source_root=$(cd "$here/../.." && pwd)
page=$source_root/lua/README.md
# shellcheck source=../tools/cases.sh
. "$here/../tools/cases.sh"
# shellcheck source=../tools/private_server.sh
. "$here/../tools/private_server.sh"

start_server
server_socket=$server_folder/socket

# block LANGUAGE: the page's block of code in it, of which there must be one.
block() {
    awk -v mark="\`\`\`$1" '$0 == mark { inside = 1; next }
        $0 == "```" { inside = 0 } inside' "$page"
}

# example NAME LANGUAGE COMMAND...: its output in the file NAME; it must end well.
example() {
    local name=$1 language=$2
    shift 2
    block "$language" >"$name.page"
    # Only the address of the server differs from the page.
    sed -e "s|redis-cli |redis-cli -s $server_socket |" \
        -e "s|redis.Redis()|redis.Redis(unix_socket_path='$server_socket')|" \
        -e "s|createClient()|createClient({ socket: { path: '$server_socket' } })|" \
        "$name.page" >"$name.code"
    holds "$name: it uses a default server" eval '! cmp -s "$name.page" "$name.code"'
    holds "$name: it needs no variable of ours" eval '! grep -q SLOTQ_ "$name.page"'
    holds "$name: the page has it" test -s "$name.code"
    holds "$name: at most 20 lines" test "$(wc -l <"$name.code")" -le 20
    (cd "$source_root" && "$@" <"$work_folder/$name.code") >"$name" 2>"$name.error" ||
        not_ok "$name runs" "$(tail -n 5 "$name" "$name.error")"
    [ -s "$name.error" ] && not_ok "$name is silent" "$(head -n 5 "$name.error")"
}

# acked QUEUE: how many messages of group 0 are acked, from the value itself.
acked() {
    redis --no-raw GETRANGE "$1" 108 108
}

# without NAME WHY: the client is not at hand.
without() {
    if [ -n "${CI:-}" ]; then
        not_ok "$1: $2, and CI is set"
    else
        skip "$1" "$2"
    fi
}

example redis-cli sh sh
holds 'redis-cli: the first job is reserved' grep -q 'attempt 1 at 1: first job' redis-cli
holds 'redis-cli: it is acked' grep -qx OK redis-cli
same 'redis-cli: one is acked in the value' '"\x01"' "$(acked jobs)"
holds 'redis-cli: the second is ready' grep -qx READY redis-cli

if /usr/bin/python3 -c 'import redis' 2>/dev/null; then
    example python python /usr/bin/python3
    holds 'python: both are reserved' test "$(grep -c "^[12] 1 to " python)" = 2
    same 'python: both are acked in the value' '"\x02"' "$(acked mail)"
else
    without python 'no redis module for /usr/bin/python3: apt-get install python3-redis'
fi

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs:/usr/lib/nodejs}
if node -e 'require("redis").createClient().connect.call' 2>/dev/null; then
    example node js node
    holds 'node: one is reserved and acked' grep -q "1 1 cat.png.*OK" node
    same 'node: one is acked in the value' '"\x01"' "$(acked images)"
else
    without node 'no redis module of version 4 or later: apt-get install node-redis'
fi

# ---- a script of the caller, around the text of push ----
block lua >own.page
holds 'own script: it names the file that belongs there' grep -q 'build/lua/plain/push.lua' own.page
sed -e "/build\/lua\/plain\/push.lua/ {
    r $source_root/build/lua/plain/push.lua
    d
}" own.page >own.lua
admit() { redis --eval own.lua '{jobs}admitted' jobs , "$1"; }
redis DEL jobs >seen
"$SLOTQ" -q create jobs --slots 2 --payload 20
same 'own script: a user is admitted' 1 "$(admit ann)"
same 'own script: once' '' "$(admit ann)"
same 'own script: another user' 2 "$(admit bob)"
holds 'own script: a full queue refuses' grep -q SLOTQFULL <(admit cid)
same 'own script: and then the user is not admitted' 2 "$(redis SCARD '{jobs}admitted')"
same 'own script: what was pushed' 'mail to ann' "$("$SLOTQ" reserve jobs | head -n 1 | cut -f 3)"
finish
