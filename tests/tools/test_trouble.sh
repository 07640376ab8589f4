#!/bin/bash
# test_trouble.sh: trouble from the system under a queue: in use, removed, a full disk, limits,
# what a power loss would need.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# ---- in use ----
"$SLOTQ" -q create used
"$SLOTQ" work used -- true 2>said &
worker=$!
holds 'a worker has it open' await 60 eval '"$SLOTQ" doctor used | grep -q "in use (process"'
expect 'rm of a queue in use is refused' 9 - 'used' rm used
expect 'it is all there' 0 '' '' check used
"$SLOTQ" export used >backup
"$SLOTQ" import used <backup 2>err
same 'import over it too' 9 $?
holds 'export may be made while it is used' test -s backup

# ---- removed while open ----
rm used.slotq
holds 'a worker notices that its queue was removed' await 60 eval '! kill -0 $worker 2>/dev/null'
ends $worker
same 'and fails' 1 $?
holds 'saying so' grep -q 'removed' said

# ---- no room ----
( # a file may not be larger than this: what a full disk is to create
    ulimit -f 64
    "$SLOTQ" create large --slots 10000 >out 2>large.said
    echo $? >code
)
same 'create without room' 1 "$(cat code)"
holds 'it says how much it needs' grep -q '2,\?[0-9]*' large.said
holds 'nothing is left of it' eval '[ -z "$(find . -name "*large.slotq*" -o -name ".slotq-new*")" ]'
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=128k none disk 2>err; then
    expect 'create on a full disk' 1 - 'bytes, and the disk has less' -u disk create large
    expect 'a small one fits' 0 '' '' -u disk create small --slots 10 --dead 10
    expect 'its journal too' 0 '' '' -u disk stats small
    head -c 200k /dev/zero >disk/filler 2>err
    expect 'a full disk does not stop a queue that was opened once' 0 '^1$' - -u disk push small x
    expect 'nor its worker' 0 '' '1 acked' -u disk work small --drain -- true
    expect 'but the doctor speaks of it' 1 'free on the disk' '' -u disk doctor
    umount disk
fi

# ---- sync=always ----
"$SLOTQ" -q create safe
expect 'push, synced' 0 '^1$' - --sync always push safe x
expect 'work, synced' 0 '' '1 acked' --sync=always work safe --drain -- true
expect 'check' 0 'sound' '' check safe

# ---- the journal ----
rm safe.slotq-journal
expect 'a lost journal of an idle queue is made anew' 0 '' '' push safe y
"$SLOTQ" work safe --lease 1h -- sh -c 'until [ -e go ]; do sleep 0.05; done' 2>said &
worker=$!
await 60 eval '[ "$(number safe leased)" = 1 ]' # it does not look at its files meanwhile
rm safe.slotq-journal
expect 'a journal deleted under a worker is found out' 1 - 'journal' push safe z
kill -TERM $worker
touch go
ends $worker
expect 'and well again when it has ended' 0 '^3$' - push safe z
truncate -s 100 safe.slotq-journal
expect 'a cut journal is refused' 6 - 'Move the journal away' push safe z
expect 'check says no more than that' 6 - 'Move the journal away' check safe
rm safe.slotq-journal
expect 'set aside, all is well' 0 'sound' '' check safe
expect 'and nothing lost' 0 '^3:' '' reserve safe
finish
