#!/bin/bash
# test_copy.sh: copies of a queue between folders: whole, with leases in flight, and never over
# another queue. Between folders and Redis: test_redis_copy.sh.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

mkdir there
"$SLOTQ" -q create jobs --slots 20 --payload 16 --max-attempts 3
seq 1 6 | "$SLOTQ" push jobs -q
"$SLOTQ" reserve jobs -n 3 --lease 10m >leased
mapfile -t tokens < <(cut -f 1 leased)
"$SLOTQ" kill jobs --reason 9 "${tokens[0]}"
expect 'copy' 0 - 'created jobs in there: 3 ready, 2 leased, 0 waiting, 1 dead' copy jobs there
holds 'it says that one should be worked' grep -q 'only one of the two' err
same 'the same bytes, in another generation' "$(bytes_beside_generation jobs.slotq)" \
    "$(bytes_beside_generation there/jobs.slotq)"
holds 'and it is another one' eval '! cmp -s jobs.slotq there/jobs.slotq'
expect 'sound' 0 'sound' - -u there check jobs
expect 'a lease in flight is settled there' 0 - - -u there ack jobs "${tokens[1]}"
expect 'and stands here' 0 'leased' - status jobs 2
expect 'over another: refused' 9 - 'exists' copy jobs there
holds 'nothing was copied' grep -q 'nothing was copied' err
expect 'under another name, in JSON' 0 '"queue":"more","url":"there","bytes":[0-9]+,"ready":3' - \
    copy jobs there more --json
expect 'beside itself' 0 '' '' copy jobs . jobs2
expect 'to a folder that is not there' 1 - 'No such file' copy jobs nowhere
expect 'of a queue that is not there' 3 - 'no queue none in .*slotq ls' copy none there
expect 'under a bad name' 2 - "'/'" copy jobs there a/b
expect 'without a target' 2 - 'too few .*URL2 is a folder, or redis' copy jobs
expect 'to a server that is not there' 5 - 'cannot connect' copy jobs rediss://127.0.0.1:1
printf x >>jobs2.slotq
expect 'of a damaged one' 6 - 'byte' copy jobs2 there
holds 'nothing is made of it' test ! -e there/jobs2.slotq
expect 'paused before, paused there' 0 - - pause jobs
expect 'as when a queue is moved' 0 '' '' copy jobs there moved
expect 'it is' 9 - 'paused' -u there push moved x
expect 'resumed, it goes on' 0 - - -u there resume moved
expect 'there' 0 '^7$' - -u there push moved x

# ---- what import takes for a newline of redis-cli, and what it does not ----
"$SLOTQ" export jobs >backup
imports() { # name, expected code: of stdin
    "$SLOTQ" import made 2>err
    same "$1" "$2" $?
    rm -f made.slotq*
}
{ cat backup && echo; } | imports 'one newline behind the bytes' 0
{ cat backup && echo && echo; } | imports 'two newlines' 6
{ cat backup && printf '\r\n'; } | imports 'a carriage return too' 6
{ head -c -1 backup && echo; } >almost
"$SLOTQ" import made <almost 2>err
same 'a newline that is the last byte of the queue' 0 $?
same 'stays' "$(bytes_beside_generation almost)" "$(bytes_beside_generation made.slotq)"
rm made.slotq*
{ head -c -2 backup && echo; } | imports 'a newline behind too few bytes' 6
echo | imports 'nothing but a newline' 6
finish
