#!/bin/bash
# test_aside.sh: one message that fails for ever does not stop a queue as create makes it: ten
# times as many others as it has slots pass it; what it looks like, and how it ends.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

others=10000

# ---- a message that fails for ever ----
"$SLOTQ" -q create q
"$SLOTQ" push q bad >bad_id
seq "$others" | "$SLOTQ" push q --block -q &
pusher=$!
# serve: lease what there is; what is bad fails, and all others are acked.
serve() {
    "$SLOTQ" reserve q -n 300 --wait 1s >got
    awk -F '\t' '$3 == "bad" { print $1 }' got | "$SLOTQ" nack q - --delay 2s -q
    awk -F '\t' '$3 != "bad" { print $1 }' got | "$SLOTQ" ack q - -q
    [ "$(number q acked)" = "$others" ]
}
holds 'all others pass it' await 900 serve
ends "$pusher"
same 'no push failed' 0 "$?"
same 'it has left the ring' 1 "$(number q aside)"
same 'and is the only one left' 1 "$(number q unfinished)"
expect 'status finds it' 0 '(waiting|ready)' - status q "$(cat bad_id)"
expect 'peek shows it' 0 'bad' - peek q
expect 'check counts it' 0 'sound' - check q
expect 'dump shows its place' 0 'slot 0: (waiting|ready)' - dump q
expect 'remove ends it' 0 - - remove q "$(cat bad_id)"
same 'nothing is aside' 0 "$(number q aside)"

# ---- no room aside ----
fresh small --slots 4 --aside 1 --tick 1
seq 2 | "$SLOTQ" push small -q
"$SLOTQ" reserve small -n 2 --lease 1h >leased
seq 2 | "$SLOTQ" push small -q
"$SLOTQ" reserve small -n 2 --lease 1h >>leased
expect 'the first steps aside' 0 '^[0-9]+$' - push small x
"$SLOTQ" reserve small --lease 1h >>leased
expect 'the second holds the ring' 4 - 'Message 2, leased in group 0' push small y
expect 'the first is acked aside' 0 - - ack small "$(head -n 1 leased | cut -f 1)"
expect 'so the second finds room there' 0 '^[0-9]+$' - push small y

# ---- what create takes ----
expect 'no more than a byte can count' 2 - 'aside.*255' create big --aside 256
expect 'not with overwrite' 2 - 'overwrite' create over --overwrite --aside 1
expect 'overwrite alone has none' 0 - - -q create over --overwrite
same 'none' 0 "$(number over aside_capacity)"
expect 'the largest ring leaves room for none' 0 - - -q create wide --slots 65534 --payload 1
same 'none there' 0 "$(number wide aside_capacity)"

finish
