#!/bin/bash
# test_move.sh: move and dead redrive --to between files of one folder and of two; what they refuse,
# and what a kill between the push and the removal leaves.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/move_cases.sh
. "$source_folder/tests/tools/move_cases.sh"

payloads() { "$SLOTQ" "$@" peek to -n 99 | cut -f 4 | xargs; }

fresh from --slots 8 --payload 16
fresh to --slots 4 --payload 8 --keys
move_cases from to
same 'what is there' '101 other a b' "$(payloads)"
holds 'the queues are sound' "$SLOTQ" check from
holds 'both' "$SLOTQ" check to

mkdir other
fresh from --slots 8 --payload 16
"$SLOTQ" -u other create to --slots 4 --payload 8 --keys -q
move_cases from to --to-url other
same 'what is there, in another folder' '101 other a b' "$(payloads -u other)"

for where in . other; do
    fresh from --slots 8 --payload 16
    seq 101 108 | "$SLOTQ" push from -q
    rm -f "$where"/to.slotq*
    "$SLOTQ" -u "$where" create to --slots 4 --payload 8 --keys -q
    dead_move_cases from to --to-url "$where"
    same "what is there, in $where" '101 103 102 104' "$(payloads -u "$where")"
done

# ---- what is damaged stays ----
fresh from --slots 8 --payload 4 --checks --dead 8
fresh to --slots 8 --payload 8
printf '%s\n' aaaa bbbb cccc | "$SLOTQ" push from -q
"$SLOTQ" reserve from -n 3 --lease 1h | "$SLOTQ" kill from -
at=$(grep -abo bbbb from.slotq | tail -n 1 | cut -d : -f 1)
printf X | dd of=from.slotq bs=1 seek="$at" conv=notrunc status=none
expect 'a damaged one stays' 0 '^2$' '2 dead messages redriven, 1 damaged stays' \
    dead redrive from --to to -n 2
same 'the sound ones are there' 'aaaa cccc' "$(payloads)"
same 'and it is still dead' 2 "$("$SLOTQ" dead ls from | cut -f 1)"
for id in '' 2; do
    # shellcheck disable=SC2086 # none, or one
    expect "nor can it go as ${id:-the oldest}" 0 - '1 damaged dead message stays' \
        dead redrive from $id --to to
done

# ---- killed after the push, before the removal: the next one places it once, with keys ----
fresh from --slots 8 --payload 8
fresh to --slots 8 --payload 8 --keys
echo x | "$SLOTQ" push from -q
"$SLOTQ" reserve from --lease 1h | "$SLOTQ" kill from -
cp from.slotq kept
cp from.slotq-journal kept-journal
expect 'redriven' 0 '^1$' '' dead redrive from --to to
cp kept from.slotq # as if the removal had not been
cp kept-journal from.slotq-journal
expect 'again: it is there already' 0 - '^slotq: from: 1 more was in to already$' \
    dead redrive from --to to
same 'it is there once' x "$(payloads)"
expect 'and dead no more' 3 - 'no dead message' dead ls from

# ---- several at once ----
for keys in '' --keys; do
    fresh from --slots 3000 --payload 8 --dead 3000
    # shellcheck disable=SC2086 # none, or one
    fresh to --slots 12000 --payload 8 $keys
    dead_at_once_cases from to .
    [ -z "$keys" ] || same 'with keys none is there twice' 3000 "$(number to last_id)"
done

# ---- a queue that refuses otherwise ----
fresh from --slots 8
fresh to --slots 8 --payload 3
echo long | "$SLOTQ" push from -q
handle=$(taken from)
expect 'too long for the other' 2 - '^slotq: to: the message has 4 bytes' move from "$handle" to
holds 'it says where it is' \
    grep -q '^slotq: message 1 was not moved, and is still leased in from$' err
"$SLOTQ" pause to in
expect 'the other is paused' 9 - '^slotq: to: the queue is paused' move from "$handle" to ok
same 'it is still leased' 1 "$(number from leased)"

# ---- what cannot be ----
fresh from --slots 8
echo x | "$SLOTQ" push from -q
handle=$(taken from)
expect 'onto itself' 2 - 'from is the queue that the.*release or nack it' move from "$handle" from
ln -s . same
expect 'by another name of the folder' 2 - 'from is the queue that the.*or nack it' \
    move from "$handle" from --to-url same
"$SLOTQ" kill from "$handle"
for where in . ./ same "$PWD" other/..; do
    expect "the dead too, in $where" 2 - 'is the queue itself' \
        dead redrive from --to from --to-url "$where"
done
expect 'without a URL' 2 - 'is the queue itself' dead redrive from --to from
expect 'from another name of the folder' 2 - 'is the queue itself' \
    -u same dead redrive from 1 --to from --to-url .
same 'it was not pushed, and is dead' '1 1' "$(number from last_id) $(number from dead)"
expect 'in another folder not' 3 - 'no queue from' dead redrive from --to from --to-url other
expect 'dead ls has no other queue' 2 - 'does not take --to' dead ls from --to to
expect 'nor a URL alone' 2 - 'give --to QUEUE2' dead redrive from --to-url other
expect 'too few operands' 2 - '' move from "$handle"
expect 'too many' 2 - '' move from "$handle" to a b
expect 'an id that is not one' 2 - 'not an id' dead redrive from x --to to
finish
