#!/bin/bash
# test_vectors.sh: the conformance vectors, which the C core made, on a real server: each reply and
# each value must be the same, by the scripts of both variants.
# shellcheck disable=SC2016 # words that eval reads

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/lua
vectors=$here/../golden/vectors.jsonl
# shellcheck source=../tools/cases.sh
. "$here/../tools/cases.sh"
# shellcheck source=../tools/private_server.sh
. "$here/../tools/private_server.sh"

need python3

start_server
replay() { # scripts
    redis flushall >flushed
    python3 "$here/replay_vectors.py" "$server_folder/socket" "$1"
}
for variant in redis7 plain; do
    holds "$variant gives what the core gave" replay "$build/$variant" <"$vectors"
done

# What would leave all as it was would pass, too, if nothing looked.
sed '40s/"reply":.*,"changed"/"reply":77,"changed"/' "$vectors" >wrong_reply
sed '0,/"changed":\[\[\([0-9]*\),"../s//"changed":[[\1,"ee/' "$vectors" >wrong_byte
for wrong in wrong_reply wrong_byte; do
    holds "$wrong: it is another text" eval '! cmp -s "$wrong" "$vectors"'
    holds "$wrong: it is found" eval '! replay "$build/redis7" <"$wrong"'
done

# Every queue and the outcomes that a client must tell apart.
for queue in plain keys later aside groups overwrite checks; do
    holds "the queue $queue is in it" grep -q "^{\"queue\":\"$queue\",\"script\":\"create\"" \
        "$vectors"
done
for word in FULL TOOBIG PAUSED INVALID DUPLICATE STALE GONE NOTFOUND DEADFULL LIMITED LEASED; do
    holds "$word is in it" grep -q "\"reply\":.*$word.*\"changed\"" "$vectors"
done
finish
