#!/bin/bash
# test_redis_work_refusals.sh: a worker whose server refuses for a while, or answers and is not
# heard: it waits, and runs nothing twice that it could settle. On a private Redis server.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or commands read
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server

lines() { awk 'END { print NR }' "$1" 2>/dev/null || echo 0; }
token_of() { # queue: of its leased message
    "$SLOTQ" dump "$1" --json | sed -nE 's/.*"id":1,"count":1,"word":([0-9]+).*/1:\1/p'
}

# ---- refusals that pass ----
busy() {
    redis config set busy-reply-threshold 50 >out
    redis eval 'while true do end' 0 >busy.said &
    await 60 eval 'redis ping | grep -q BUSY'
}
not_busy() { redis script kill >out; }
without_replicas() { redis config set min-replicas-to-write 1 >out; }
with_replicas() { redis config set min-replicas-to-write 0 >out; }
demoted() { redis replicaof 127.0.0.1 1 >out; }
promoted() { redis replicaof no one >out; }

refused() { # name, command that begins it, command that ends it
    rm -f go begun handled
    fresh q --max-attempts 5
    "$SLOTQ" push q a b c >out
    "$SLOTQ" work q -j 2 --drain --lease 3s -- sh -c \
        'echo >>begun; until [ -e go ]; do sleep 0.05; done; cat >>handled; echo >>handled' 2>said &
    worker=$!
    await 60 eval '[ "$(lines begun)" = 2 ]'
    $2
    touch go # two end while the server refuses
    holds "$1: the worker waits" await 60 grep -q 'trying again for' said
    sleep 1
    $3
    ends $worker
    same "$1: it ends in order" 0 $?
    holds "$1: all is acked" grep -q '3 acked, 0 failed, 0 died, 0 leases lost, 0 released' said
    same "$1: nothing was run twice" 3 "$(lines begun)"
    holds "$1: it says that it goes on" grep -q 'the server works again' said
    same "$1: it complains once" 1 "$(grep -c 'trying again' said)"
}
refused 'BUSY' busy not_busy
refused 'NOREPLICAS' without_replicas with_replicas
refused 'READONLY' demoted promoted

rm -f begun go
fresh q
"$SLOTQ" push q a >out
"$SLOTQ" work q --drain --lease 900ms -- sh -c \
    'echo >>begun; until [ -e go ]; do sleep 0.05; done' 2>said &
worker=$!
await 60 test -e begun
without_replicas
holds 'an extend that is refused' await 60 grep -q 'trying again' said
with_replicas
holds 'is repeated' await 60 grep -q 'the server works again' said
sleep 1
touch go
ends $worker
holds 'and the lease goes on' grep -q '1 acked, 0 failed, 0 died, 0 leases lost' said
same 'and the command ran once' 1 "$(lines begun)"

fresh q
"$SLOTQ" push q a >out
without_replicas
expect '--patience is the limit' 1 - 'trying again for 300 ms' work q --patience 300ms -- true
with_replicas
end_server

# ---- at start ----
expect '--patience 0: a server that is not there' 5 - 'cannot connect' work q --patience 0 -- true
"$SLOTQ" work q -- true 2>said &
worker=$!
await 60 grep -q 'trying again' said
kill -TERM $worker
ends $worker
same 'waiting at its start it can be told to end' 130 $?
start_server
if [ -n "$(redis config get key-load-delay)" ]; then # from Redis 6 on
    redis eval 'for i = 1, 30 do redis.call("set", "ballast" .. i, ("x"):rep(100000)) end' 0 >out
    redis config set rdbcompression no >out
    fresh q
    "$SLOTQ" push q a >out
    redis save >out
    end_server KILL
    start_server --key-load-delay 80000
    expect 'LOADING at its start is waited for' 0 - '1 acked' work q --drain -- true
fi

# ---- answers that are lost ----
if ! command -v python3 >out; then
    echo 'skipped: answers that are lost: there is no python3'
    end_server
    finish
    exit
fi
cat >proxy.py <<'END'
import os, select, socket, sys, threading
# Passes on between a socket and the server. While the file "drop" is there, the next script is
# run, its answer is dropped, and the connection is closed.
def serve(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[1])
    armed = False
    while True:
        for ready in select.select([client, server], [], [])[0]:
            data = ready.recv(65536)
            if not data or (ready is server and armed):
                if armed:
                    os.remove("drop")
                client.close()
                server.close()
                return
            if ready is client and b"EVALSHA" in data and os.path.exists("drop"):
                armed = True
            (server if ready is client else client).sendall(data)
listener = socket.socket(socket.AF_UNIX)
listener.bind("proxy")
listener.listen(16)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
END
python3 proxy.py "$server_folder/socket" 2>proxy.said &
proxy=$!
await 60 test -S proxy

begin() { # lease
    rm -f go begun
    fresh q
    "$SLOTQ" push q a >out
    "$SLOTQ" -u "unix://$PWD/proxy" work q --drain --lease "$1" -- sh -c \
        'echo >>begun; until [ -e go ]; do sleep 0.05; done' 2>said &
    worker=$!
    await 60 test -e begun
}
for told in '' ' while it ends'; do
    begin 5m
    touch drop
    if [ -n "$told" ]; then
        kill -TERM $worker
        await 60 grep -q finishing said
    fi
    touch go
    ends $worker
    same "an ack without an answer$told: it ends in order" 0 $?
    holds "an ack without an answer$told: was done" \
        grep -q '1 acked, 0 failed, 0 died, 0 leases lost' said
    same "its answer was lost$told" 1 "$(grep -c 'trying again' said)"
    same "the queue says the same$told" 1 "$(number q acked)"
done
begin 5m
"$SLOTQ" nack q --delay 1h "$(token_of q)"
touch drop
kill -TERM $worker
await 60 grep -q finishing said
touch go
ends $worker
holds 'an ack without an answer, after the lease was lost, was not done' \
    grep -q '0 acked, 0 failed, 0 died, 1 leases lost' said
same 'nor in the queue' 0 "$(number q acked)"

begin 3s
touch drop
holds 'an extend without an answer' await 60 grep -q 'trying again' said
sleep 1.5 # the new lease is extended, too
touch go
ends $worker
holds 'keeps the lease' grep -q '1 acked, 0 failed, 0 died, 0 leases lost' said
same 'and its command ran once' 1 "$(lines begun)"
kill $proxy
end_server
finish
