#!/bin/bash
# test_dead.sh: dead messages by id: their notes, where status and dead ls show them, what leaves
# the dead section and what stays; and a full dead section that refuses, with room aside.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

token() { cut -f 1 out; }
ids() { "$SLOTQ" dead ls q | cut -f 1 | xargs; }

# ---- notes ----
fresh q --slots 20 --note-bytes 8 --max-attempts 1 --groups 2
printf '%s\n' a b c d e | "$SLOTQ" push q -q
"$SLOTQ" reserve q -n 5 --lease 1h >out
mapfile -t tokens < <(token)
expect 'kill with a note' 0 - - kill q "${tokens[0]}" --reason 7 --note 'no paper'
expect 'nack with a note, which dies' 0 - - nack q "${tokens[1]}" --note 'sieben ääää'
expect 'a note of control bytes' 0 - - kill q "${tokens[2]}" --note $'a\tb\e[2Jc'
expect 'a note of 300 bytes' 0 - - kill q "${tokens[3]}" --note "$(printf 'x%.0s' {1..300})"
expect 'none' 0 - - kill q "${tokens[4]}"
expect 'dead ls shows it' 0 '^1\t.*\t0\t1\t7\tno paper\ta$' - dead ls q
expect 'cut to its room' 0 '^2\t.*\tsieben \tb$' - dead ls q
expect 'nothing of it moves the cursor' 0 '^3\t.*\ta\\x09b\\x1b\[2Jc\tc$' - dead ls q
expect 'a long one' 0 '^4\t.*\txxxxxxxx\td$' - dead ls q
expect 'or none' 0 '^5\t.*\t\te$' - dead ls q
expect 'in JSON' 0 '"id":1,.*"reason":7,"note":"no paper","payload":"a"' - dead ls q --json
expect 'status tells all of it' 0 '^ +1  dead: reason 7, .* ago +1 ' - status q 1
expect 'with the note' 0 '^ +no paper$' - status q 1
expect 'in JSON too' 0 '"attempts":1,.*"why":"dead","reason":7,.*"note":"no paper"' - \
    status q 1 --json
expect 'not in the other group' 0 '1  ready' - status q 1 -g 1

# ---- by id ----
expect 'dead ls of two' 0 '^4\t' - dead ls q 4 2
same 'in the order asked for' '4 2' "$(cut -f 1 out | xargs)"
expect 'not of one that is not dead' 3 - 'no message 9' dead ls q 9
expect 'nor of another group' 3 - 'no message 4' dead ls q 4 -g 1
expect 'what is there is still shown' 3 '^4\t' 'no message 9' dead ls q 9 4
expect 'remove from between' 0 - '1 dead message removed' dead remove q 3
same 'the others keep their order' '1 2 4 5' "$(ids)"
expect 'gone' 3 - 'no message 3' dead remove q 3
expect 'status: gone too' 3 '3  finished' - status q 3
expect 'check counts the hole as sound' 0 'sound' - check q
expect 'redrive from between prints the new id' 0 '^6$' '1 dead message redriven' dead redrive q 4
same 'and the others stay' '1 2 5' "$(ids)"
expect 'it is ready again' 0 '6  ready' - status q 6
expect 'two, in JSON' 0 '^\{"redriven":2,"damaged":0,"ids":\[7,8\]\}$' - dead redrive q 5 1 --json
expect 'remove needs ids' 2 - 'needs the ids' dead remove q
expect 'which are numbers' 2 - 'not an id' dead remove q x
expect 'purge takes none' 2 - 'dead remove' dead purge q 2
expect 'ids or a number' 2 - 'not both' dead redrive q 2 -n 1
expect 'a group only with ids' 2 - 'only with ids' dead ls q -g 0
expect 'all the rest' 0 '^9$' '1 dead message redriven' dead redrive q
same 'none is left' '' "$(ids)"

# ---- a damaged one stays dead ----
fresh q --slots 8 --payload 16 --dead 3 --checks --no-stamps --aside 0 --places 0 \
    --note-bytes 4
"$SLOTQ" push q a b >ids
"$SLOTQ" reserve q -n 2 --lease 1h >out
mapfile -t tokens < <(token)
"$SLOTQ" kill q "${tokens[@]}" --note why --reason 9
# 22 bytes of slot, 16 + 4 before it; the first payload byte is behind length and check
printf X | dd of=q.slotq bs=1 conv=notrunc status=none \
    seek=$(($(stat -c %s q.slotq) - 3 * 42 + 20 + 6))
expect 'redrive by id tells of it' 0 - \
    '^slotq: q: 1 damaged dead message stays in the dead section$' dead redrive q 1
same 'it keeps its place' '1 2' "$(ids)"
expect 'and its note' 0 '^1\t.*\t9\twhy\t' - dead ls q
expect 'all: the sound one goes' 0 '^3$' '1 dead message redriven, 1 damaged stays' dead redrive q
same 'the damaged one stays' 1 "$(ids)"
expect 'remove ends it' 0 - '1 dead message removed' dead remove q 1

# ---- a full dead section drops its oldest message by default ----
fresh q --slots 8 --dead 2 --max-attempts 1
seq 4 | "$SLOTQ" push q -q
"$SLOTQ" reserve q -n 4 --lease 1h >out
token >tokens
expect 'four die' 0 - - nack q - <tokens
same 'the newest two are kept' '3 4' "$(ids)"
same 'the others are counted' 2 "$(number q dead_dropped)"
expect 'doctor finds it' 1 \
    'BAD +q: the dead section is full \(2\), and 2 dead messages were dropped' - doctor q
seq 5 7 | "$SLOTQ" push q -q
expect 'work tells of it, once' 0 - '3 of its oldest messages were dropped|: 1 of its oldest' \
    work q --drain -- false
same 'once' 1 "$(grep -c 'dropped to make room' err)"
"$SLOTQ" dead purge q -q
expect 'a section with room is only noted' 0 'ok +q: 5 dead messages were dropped' - doctor q
seq 8 9 | "$SLOTQ" push q -q
expect 'two die where there is room' 0 - '0 failed, 2 died' work q --drain -- false
holds 'of which work does not tell' eval '! grep -q dropped err'

# ---- one that refuses stops the queue only when no place aside is left ----
fresh q --slots 4 --aside 1 --dead 1 --dead-full refuse --max-attempts 1 --tick 1
dies() { # push what there is room for; the first lets its lease end, the others are acked
    "$SLOTQ" push q "$@" >ids
    "$SLOTQ" reserve q -n $# --lease 1ms | head -n 1 | cut -f 1 >first
    "$SLOTQ" reserve q --wait 50ms >none 2>err
    "$SLOTQ" reclaim q 2>err
}
dies a
same 'one is dead' 1 "$(number q dead)"
dies b
same 'the next one waits' 1 "$(number q waiting)"
"$SLOTQ" push q c d e >ids
"$SLOTQ" reserve q -n 3 --lease 1h >out
token | "$SLOTQ" ack q - -q
expect 'its place is aside' 0 '^[0-9]+$' - push q f
same 'there it is' 1 "$(number q aside)"
"$SLOTQ" reserve q --lease 1ms >out
sleep 0.05
"$SLOTQ" reclaim q 2>err
"$SLOTQ" push q g h i >ids
"$SLOTQ" reserve q -n 3 --lease 1h >out
token | "$SLOTQ" ack q - -q
cause='cannot die, because the dead section is full'
expect 'then FULL names the cause' 4 - "$cause" push q j
expect 'and the cure' 4 - 'dead purge' push q j
expect 'stats too' 0 "$cause" - stats q
expect 'doctor too' 1 "$cause" - doctor q
same 'none was delivered twice' 0 "$(number q redelivered)"
expect 'the cure' 0 - '1 dead message purged' dead purge q

# ---- damaged messages that it refuses are not leased again and again ----
fresh q --slots 4 --payload 16 --dead 1 --dead-full refuse --checks --aside 0 --no-stamps --places 0
"$SLOTQ" push q a b c sound >ids
"$SLOTQ" reserve q | cut -f 1 | "$SLOTQ" kill q -
stride=22 # of length, check and payload
ring=$(($(stat -c %s q.slotq) - 1 * (16 + 80 + stride) - 5 * stride))
for slot in 1 2; do
    printf X | dd of=q.slotq bs=1 conv=notrunc status=none seek=$((ring + slot * stride + 6))
done
ends_in_time() { # exit code of work --drain, which must not wait for ever
    "$SLOTQ" work q "$@" -- cat >out 2>err &
    ends $!
}
holds 'a drain does what it can' eval '! ends_in_time --drain --quiet; grep -qx sound out'
expect 'and ends, with the cause' 4 - \
    'but 2 that cannot die \(the oldest is 2\): the dead section is full \(1 of 1\) and refuses' \
    work q --drain -- true
expect 'and the cure' 4 - 'slotq dead purge q, or dead redrive, or dead remove' \
    work q --drain -- true
same 'they are not leased' '0 2' "$(number q leased) $(number q waiting)"
"$SLOTQ" push q d e >ids 2>err
expect 'where they hold the ring, FULL names the cause' 4 - \
    'Its bytes are damaged: it cannot die, because the dead section is full' push q f
expect 'one more dies with room' 0 - - dead purge q -q
"$SLOTQ" kick q 2
"$SLOTQ" work q -q -- false 2>err >out &
worker=$!
holds 'as the next reserve finds it' await 60 eval '[ "$(number q dead)" = 1 ]'
kill -TERM $worker
ends $worker
finish
