# push_cases.sh: push from stdin, wherever the queue is: what is a record, batches, a live pipe, and
# ends in mid-stream. Sourced after cases.sh.
# shellcheck shell=bash disable=SC2154,SC2016 # meant so

payloads() { "$SLOTQ" peek "$1" -n 99999 "${@:2}" | cut -f 4-; }

# ---- records ----
fresh q
printf 'one\ntwo\n\nlast' | "$SLOTQ" push q 2>err
same 'lines' 0 $?
holds 'the summary names the ids' grep -q '4 messages pushed, ids 1 to 4' err
printf 'one\ntwo\n\nlast' | "$SLOTQ" push q 2>summary
holds 'of this push' grep -q 'ids 5 to 8' summary
same 'an empty line is an empty message' "$(printf 'one\ntwo\n\nlast')" \
    "$(payloads q | head -n 4)"
fresh q
printf 'a\nb\0c\0\0' | "$SLOTQ" push q -0 -q 2>err
same '-0' 0 $?
holds '-q says nothing' test ! -s err
same '-0: three records' 3 "$(number q used)"
fresh q
printf 'a\nb\0c\n' | "$SLOTQ" push q --whole --json >out
same '--whole: one' '{"pushed":1,"first_id":1,"last_id":1}' "$(cat out)"
"$SLOTQ" peek q >peeked
same 'whole as it was' 'a\nb\0c\n\n' "$(cut -f 4 peeked | od -An -c | tr -d ' \n')"
"$SLOTQ" push q --whole </dev/null 2>err
same '--whole of nothing is an empty message' 2 "$(number q used)"
"$SLOTQ" push q </dev/null 2>nothing
same 'an input without records is not an error' 0 $?
holds 'and said' grep -q 'no messages pushed' nothing
printf 'dash\n' | "$SLOTQ" push q - 2>err
same '- is stdin' 3 "$(number q last_id)"
"$SLOTQ" push q -- - >out
same '-- - is a message' 4 "$(cat out)"
printf 'x' | "$SLOTQ" push q -0 --whole 2>err
same '-0 and --whole exclude each other' 2 $?
"$SLOTQ" push q -0 x 2>err
same '-0 is about stdin' 2 $?

# ---- many, in batches ----
fresh many --slots 20000 --payload 32
seq 1 20000 | "$SLOTQ" push many -q
same 'many' 20000 "$(number many used)"
same 'in order' "$(seq 1 20000 | cksum)" "$(payloads many | cksum)"
fresh big --slots 100 --payload 65535
head -c 65535 /dev/zero | tr '\0' a >line
for _ in $(seq 40); do
    cat line
    echo
done | "$SLOTQ" push big -q
same 'batches keep to the bytes of a call' 40 "$(number big used)"
same 'whole' 65535 "$("$SLOTQ" peek big --from 40 | cut -f 4 | tr -d '\n' | wc -c)"
# DATA that fill more than one call
mapfile -t words < <(seq 1 6000)
"$SLOTQ" push many "${words[@]}" >out 2>err
same 'a full queue' 4 $?
"$SLOTQ" -q purge many
"$SLOTQ" push many "${words[@]}" >out 2>err
same 'six thousand DATA' "$(seq 20001 26000 | cksum)" "$(cksum <out)"

# ---- a live pipe: what was delivered is pushed before the next read blocks ----
fresh live
mkfifo pipe
"$SLOTQ" push live <pipe 2>err &
pusher=$!
exec 7>pipe
printf 'first\nsecond\nhalf' >&7
holds 'records of a live pipe are in at once' \
    await 60 eval '[ "$(number live used)" = 2 ]'
printf ' and half\n' >&7
holds 'a record in two pieces' await 60 eval '[ "$(number live used)" = 3 ]'
same 'is one' 'half and half' "$(payloads live | tail -n 1)"
printf 'cut off' >&7
exec 7>&-
ends $pusher
same 'the last one needs no end' 'cut off' "$(payloads live | tail -n 1)"

# ---- ends in mid-stream ----
fresh tiny --slots 10 --payload 8
seq 1 25 | "$SLOTQ" push tiny 2>said
same 'full in mid-stream' 4 $?
told='tiny is full \(10 of 10 slots in use, 10 unfinished\): record 11 and all after it were not '
told+='pushed; 10 pushed; --block waits for room\. Message 1, ready in group 0, holds it\. Start a '
holds 'one message has the record, the limit, the holder and the cure' grep -Eq "$told" said
same 'and nothing says it again' 2 "$(grep -c . said)" # the sum is the other line
same 'ten are in' 10 "$(number tiny used)"
fresh tiny --slots 10 --payload 8
printf 'ok\nfine\n123456789\nnever\n' | "$SLOTQ" push tiny 2>said
same 'too long in mid-stream' 2 $?
holds 'its number, size and the limit' grep -q 'record 3 has 9 bytes, and tiny takes at most 8' said
holds 'what went in' grep -q '2 messages pushed, ids 1 to 2' said
same 'two are in' 2 "$(number tiny used)"
head -c 100000 /dev/zero | "$SLOTQ" push tiny --whole 2>said
same 'a long whole' 2 $?
holds 'with its size' grep -q '100,000 bytes' said
"$SLOTQ" pause tiny in
echo x | "$SLOTQ" push tiny 2>said
same 'paused' 9 $?
"$SLOTQ" resume tiny
"$SLOTQ" push tiny <. 2>said
same 'stdin that cannot be read' 1 $?
holds 'says why' grep -q 'Is a directory' said

fresh part --slots 5
"$SLOTQ" push part a b c >out
"$SLOTQ" push part d e f g >out 2>said
same 'some find room' '4 4 5' "$? $(xargs <out)"
holds 'full is told of the queue as it is now' \
    grep -q 'full (5 of 5 slots in use, 5 unfinished): DATA 3 and all after it' said
fresh part --slots 3 --aside 0
"$SLOTQ" push part a b c >out
"$SLOTQ" reserve part -n 3 >out
"$SLOTQ" ack part "$(sed -n 2p out | cut -f 1)" "$(sed -n 3p out | cut -f 1)"
expect 'or that one message holds the others' 4 - \
    'full \(3 of 3 slots in use, 1 unfinished\)\. Message 1, leased in group 0, holds it\.' \
    push part d
fresh part --slots 1
"$SLOTQ" push part a >out
expect 'one slot' 4 - 'part is full \(1 of 1 slots in use, 1 unfinished\)\. Message 1, ' push part b
same 'a single DATA: one message' 1 "$(grep -c . err)"

# ---- interrupted ----
fresh live
"$SLOTQ" push live <pipe 2>said &
pusher=$!
exec 7>pipe
printf 'first\nsecond\nhalf' >&7
await 60 eval '[ "$(number live used)" = 2 ]'
kill -TERM $pusher
ends $pusher
same 'interrupted' 130 $?
holds 'it says what went in' grep -q 'interrupted at record 3; 2 pushed' said
exec 7>&-

# ---- --block ----
fresh tiny --slots 4 --payload 8
seq 1 30 | "$SLOTQ" push tiny --block 2>said &
pusher=$!
holds '--block waits' await 60 eval '[ "$(number tiny used)" = 4 ]'
"$SLOTQ" -q work tiny --lease 10m -- sh -c 'cat >>worked; echo >>worked' &
worker=$!
ends $pusher
same '--block gets all in' 0 $?
holds 'and they are worked' await 60 eval '[ "$(number tiny acked)" = 30 ]'
kill -TERM $worker
ends $worker
same 'each once, in order' "$(seq 1 30 | cksum)" "$(cksum <worked)"
fresh tiny --slots 1
"$SLOTQ" -q push tiny x >out
"$SLOTQ" push tiny --block y 2>said &
pusher=$!
holds 'it waits for room' await 60 catches $pusher
sleep 0.3 # it need not, but is asleep by now as a rule
kill -INT $pusher 2>err # ignored by background jobs of a script: then TERM
kill -TERM $pusher
ends $pusher
same '--block can be interrupted' 130 $?

# ---- overwriting, keeping what others push ----
fresh ring --slots 5 --overwrite
seq 1 12 | "$SLOTQ" push ring -q
same 'overwrite keeps the newest' '8 9 10 11 12' "$(payloads ring | xargs)"
expect 'a dropped one' 3 '^ +2  finished or dropped$' - status ring 2
fresh dropped --slots 2 --overwrite --keys
"$SLOTQ" push dropped --key a a >out
seq 2 | "$SLOTQ" push dropped -q
expect 'by its key' 0 '^ +1  finished or dropped$' - find dropped --key a
expect 'pushed once' 0 '^1$' 'by message 1, which is finished or dropped$' \
    push dropped --key a --once a
expect 'stats say what goes next' 0 'full: the next push drops message 8 ' - stats ring
fresh shared --slots 5000 --payload 16
pushers=()
for one in a b c d; do
    seq -f "$one%g" 1 1000 | "$SLOTQ" push shared -q &
    pushers+=($!)
done
ends "${pushers[@]}"
same 'four at once: nothing lost' "$(for one in a b c d; do seq -f "$one%g" 1 1000; done |
    sort | cksum)" "$(payloads shared | sort | cksum)"
for one in a b c d; do
    same "those of $one in their order" "$(seq -f "$one%g" 1 1000 | cksum)" \
        "$(payloads shared | grep "^$one" | cksum)"
done

# ---- SIGKILL: what was said to be in is in ----
fresh killed --slots 60000 --payload 16
seq 1 60000 | "$SLOTQ" push killed -q &
pusher=$!
await 60 eval '[ "$(number killed used)" -gt 2000 ]'
kill -KILL $pusher 2>err
ends $pusher 2>err
count=$(number killed used) # a server may still have a call of it to read
expect 'a killed push leaves a sound queue' 0 'sound' - check killed
payloads killed >in
holds 'with all that was seen in it' test "$(wc -l <in)" -ge "$count"
same 'whole and in order' "$(seq 1 "$(wc -l <in)" | cksum)" "$(cksum <in)"
