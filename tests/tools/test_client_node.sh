#!/bin/bash
# test_client_node.sh: the client of tools/clients/node on a private server: the conformance
# vectors, its own tests, and the example of its page.
# shellcheck disable=SC2016 # words that eval reads

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tools/cases.sh
. "$here/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$here/private_server.sh"

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs:/usr/lib/nodejs}
need node
if ! node -e 'require("redis").createClient().connect.call' 2>.seen; then
    if [ -n "${CI:-}" ]; then
        not_ok 'there is a redis module of version 4, as CI is set'
    else
        skip 'the client for Node' 'no redis module of version 4 or later for node'
    fi
    finish
    exit
fi

client=$source_folder/tools/clients/node
start_server
# the offset of the byte that says what clients wait for, as the format has it
SLOTQ_AT_WAKE=$(sed -n 's/^SLOTQ_FIELD(shared, wake, \([0-9]*\), .*/\1/p' \
    "$source_folder/engine/layout/fields/shared.def")
export SLOTQ_AT_WAKE SLOTQ_TEST_SOCKET=$server_folder/socket
node "$client/test_slotq.js" >told 2>&1
code=$?
while read -r name; do ok "$name"; done < <(sed -n 's/^ok //p' told)
while read -r name; do
    not_ok "$name" "$(grep -A 20 -m 1 '^not ok' told)"
done < <(sed -n 's/^not ok //p' told)
if [ "$code" != 0 ] && [ "$failed" = 0 ]; then
    not_ok 'the tests run to their end' "$(tail -n 30 told)"
fi
holds 'some tests ran' test "$passed" -gt 5

# ---- the types know every method, and the page's example runs as it stands there ----

node -e 'const slotq = require(process.argv[1]);
    for (const kind of ["Queue", "Worker", "Scripts"]) {
        console.log(Object.getOwnPropertyNames(slotq[kind].prototype).join("\n"));
    }' "$client/slotq.js" >methods
for method in create geometry push schedule reserve ack nack release kill extend status stats find \
    cancel close call run stop; do
    holds "$method is a method and has its type" eval \
        'grep -qx "$method" methods && grep -q "^    $method(" "$client/slotq.d.ts"'
done
redis flushall >flushed
awk '$0 == "```js" { inside = 1; next } $0 == "```" { inside = 0 } inside' "$client/README.md" |
    sed -e "s|createClient()|createClient({ socket: { path: '$server_folder/socket' } })|" \
        -e "s|require('slotq')|require('$client/slotq')|" >example.js
holds 'the example runs' eval 'node example.js >said'
same 'the example says what it does' \
    "$(printf "OK [ 1, 2 ]\n1 1 cat.png\n2 1 dog.png\n[ 'OK', 'OK' ]")" "$(cat said)"
finish
