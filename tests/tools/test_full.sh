#!/bin/bash
# test_full.sh: a full queue: push, stats and doctor name the message that holds it, the true cause
# and the command that ends it; the command is run and does end it.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# advised WHAT EXPRESSION: stats, doctor and push, with a key too, give this advice for the queue q.
advised() {
    expect "$1: stats" 0 "$2" - stats q
    expect "$1: doctor" 1 "$2" - doctor q
    expect "$1: push" 4 - "$2" push q x
    expect "$1: push with a key" 4 - "$2" push q --key new x
}
pushes() { expect "$1: then push goes on" 0 '^[0-9]+$' - push q x; }

# ---- ready ----
"$SLOTQ" -q create q --keys --slots 3 --groups 2 --tick 1
seq 3 | "$SLOTQ" push q -q
advised ready 'Start a worker for group 0, or remove the message: slotq remove q 1 -g 0'
# The other group's lease of the same message must not stand in the way of the advice.
"$SLOTQ" reserve q -g 1 --lease 1h >leased
expect 'ready: the advice works' 0 - - remove q 1 -g 0
"$SLOTQ" ack q -g 1 "$(cut -f 1 leased)"
"$SLOTQ" reclaim q 2>err
pushes ready

# ---- in JSON ----
fresh q --keys --slots 1
expect 'one goes in, one not' 4 '^\{"outcome":"FULL"\}$' '' push q --json x y
same 'both are told' '{"id":1}' "$(head -n 1 out)"
expect 'one with a key' 4 '^\{"outcome":"FULL"\}$' '' push q --json --key new x
echo x | "$SLOTQ" push q --json >out 2>err
same 'one on stdin' '{"pushed":0,"first_id":0,"last_id":0,"outcome":"FULL"}' "$(cat out)"

# ---- leased ----
fresh q --keys --slots 3 --tick 1
seq 3 | "$SLOTQ" push q -q
"$SLOTQ" reserve q --lease 1h >leased
advised leased \
    'Its worker must settle it, or its lease must end \(.* left\)\. See: slotq status q 1'
"$SLOTQ" stats q >out
holds 'leased: no advice that is refused' eval '! grep -q remove out'
"$SLOTQ" ack q "$(cut -f 1 leased)"
pushes leased

# ---- leased, and the lease has ended ----
fresh q --keys --slots 3 --tick 1
seq 3 | "$SLOTQ" push q -q
"$SLOTQ" reserve q --lease 1ms >out
sleep 0.05
advised 'lease over' \
    'Its lease ended .* ago\. Start a worker for group 0, or make it ready: slotq reclaim q -g 0'
expect 'lease over: the advice works' 0 - '1 made ready' reclaim q -g 0
expect 'lease over: ready again' 0 'ready in group 0' - stats q

# ---- waiting for a retry ----
fresh q --keys --slots 3 --tick 1
seq 3 | "$SLOTQ" push q -q
"$SLOTQ" reserve q --lease 1h >out
"$SLOTQ" nack q --delay 1h "$(cut -f 1 out)"
advised waiting 'It waits for its retry\. To remove it: slotq remove q 1 -g 0'
expect 'waiting: the advice works' 0 - - remove q 1 -g 0
pushes waiting

# ---- the dead section is full: nothing else is the cause, and no worker can end it ----
fresh q --keys --slots 3 --aside 0 --dead 1 --dead-full refuse --max-attempts 1 --tick 1
seq 4 | "$SLOTQ" push q -q 2>err
"$SLOTQ" reserve q -n 2 --lease 1ms >out
sleep 0.05
"$SLOTQ" reclaim q 2>err
same 'dead full: one died' 1 "$(number q dead)"
"$SLOTQ" push q 4 >out
cause='It has used all its attempts \(1\) and cannot die, '
cause+='because the dead section is full \(1 of 1\)\. '
cause+='List the dead messages with dead ls, then delete them: slotq dead purge q'
advised 'dead full' "$cause"
expect 'dead full: redrive has no room either' 4 - 'full' dead redrive q
same 'dead full: and says only that' 1 "$(grep -c . err)"
expect 'dead full: the advice works' 0 - '1 dead message purged' dead purge q
expect 'dead full: what waited for room dies next' 0 'and dies when its delay ends' - stats q
finish
