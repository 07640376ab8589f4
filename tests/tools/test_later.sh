#!/bin/bash
# test_later.sh: scheduled messages in files; what create, push, later and kick refuse.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/later_cases.sh
. "$source_folder/tests/tools/later_cases.sh"

expect 'create shows their room' 0 - '^  later +4 x \(12 \+ 2 \+ 4 stamp \+ 16\) +136$' \
    create q --slots 8 --payload 16 --later 4 --tick 1
later_cases q

# ---- what dump shows of them ----
"$SLOTQ" create seen --slots 2 --payload 4 --later 3 --aside 0 --dead 0 --max-attempts 0 \
    --places 0 -q
"$SLOTQ" push seen --at 2099-01-01T00:00Z -q x y >out
expect 'dump lists them' 0 '^ +178  1 +slot 0, due 2099-01-01T00:00:00Z$' - dump seen
expect 'dump in JSON' 0 '"offset":190,"later_id":2,"due_ms":4070908800000,"slot":1' - \
    dump seen --json
printf '\377' | dd of=seen.slotq bs=1 seek=$((178 + 11)) conv=notrunc status=none
expect 'and where one is damaged' 6 '^ +178  1 +slot 65280, .*; slot not below L$' '' dump seen
expect 'make it due' 0 - - later kick seen 1
expect 'it is not delivered' 6 - 'later' reserve seen
rm seen.slotq

# ---- what is refused ----
fresh none --slots 4
expect 'a queue without room for them' 2 - 'to make it: slotq resize none --later N$' \
    push none --in 1h x
expect 'nothing is in it' 3 - 'no scheduled' later ls none
expect 'both' 2 - 'not both' push q --in 1h --at 2099-01-01T00:00Z x
expect 'a day without a time' 2 - 'such as 2026-12-31T18:00:00Z' push q --at 2026-12-31 x
expect 'a day that does not exist' 2 - 'must be a time' push q --at 2026-02-30T00:00Z x
for moment in 9999-01-01T00:00Z @281474976710 1969-12-31T23:59Z; do
    expect "out of range: $moment" 2 - 'from 1970-01-01T00:00:00.000Z to 6429-10-17T02:45:55.327Z' \
        push q --at $moment x
done
expect 'few digits are no moment' 2 - 'seconds since 1970 \(@' push q --at 1000 x
expect 'waiting for room' 2 - '--block is for messages that are pushed now' push q --in 1h --block x
expect 'too large' 2 - '17 bytes' push q --in 1h 12345678901234567
expect 'cancel without ids' 2 - 'needs the ids' later cancel q
expect 'ls with ids' 2 - 'does not take ids' later ls q 1
expect 'another word' 2 - 'must be ls, cancel or kick' later list q
expect 'an id that is none' 2 - 'not an id' later kick q x
expect 'kick needs ids that are numbers' 2 - 'nothing was changed' kick q 1 x
expect 'no such queue' 3 - 'to see which there are: slotq ls' later ls nowhere
expect 'more of them than slots have numbers' 2 - '65,?536' create big --later 65536

# ---- local time is said to be local ----
export TZ=CET-1
fresh q --slots 8 --payload 16 --later 4
expect 'a time without a zone' 0 '^1$' 'at 2099-01-01T17:00:00.000Z; the time had no zone' \
    push q --at '2099-01-01 18:00' x

# ---- the first moment is one like others ----
fresh q --slots 8 --payload 16 --later 4
expect 'at 0' 0 '^1$' 'due now: 1970-01-01T00:00:00.000Z is past' push q --at @0 x
expect 'it is listed' 0 '^1\t1970-01-01T00:00:00.000Z\tx$' - later ls q

# ---- a delay counts from the moment at which a line came ----
fresh q --slots 8 --payload 16 --later 4
(
    echo one
    sleep 0.3
    echo two
) | "$SLOTQ" --sync always push q --in 1h -q
"$SLOTQ" later ls q | cut -f 2 >dues
same 'two lines, two times' 2 "$(sort -u dues | wc -l)"

# ---- pause holds them back ----
fresh q --slots 8 --payload 16 --later 4
"$SLOTQ" pause q in
expect 'a paused queue schedules nothing' 9 - 'paused' push q --in 1h x
"$SLOTQ" resume q
"$SLOTQ" push q --at @1 x -q >out
"$SLOTQ" pause q in
expect 'nor promotes' 3 - 'no message is ready' reserve q
expect 'peek says where it is' 3 - 'no message to show; 1 scheduled: slotq later ls q$' peek q
"$SLOTQ" resume q
expect 'after resume it does' 0 $'\tx$' - reserve q
finish
