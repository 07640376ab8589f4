#!/bin/bash
# test_adopt.sh: doctor --adopt-journal: a queue that was copied together with its journal while
# that held a step cut short.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or sh reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# What a loss of power may leave under sync=always: the reserve is in the journal alone.
mkdir here there alike
"$SLOTQ" -q -u here create jobs
mkdir early && cp here/jobs.slotq early
"$SLOTQ" -q -u here push jobs a b >out
cp here/jobs.slotq there
"$SLOTQ" -u here --sync always work jobs --lease 1h -- sh -c 'echo $$ >pid; exec sleep 600' 2>said &
worker=$!
holds 'a worker has a message' await 20 test -s pid
{
    kill -KILL $worker
    ends $worker
    kill -KILL "$(cat pid)"
} 2>err
cp here/jobs.slotq-journal there
cp -r there backup
same 'it is not in the copied file' ready \
    "$(mkdir bare && cp there/jobs.slotq bare && "$SLOTQ" -u bare status jobs 1 |
        grep -ow ready)"

# ---- refused ----
expect 'the copy does not open' 1 - 'slotq doctor --adopt-journal jobs ' -u there push jobs c
expect 'the doctor names the way' 1 'BAD +jobs: .*slotq -u there doctor --adopt-journal jobs$' '' \
    -u there doctor
expect 'a whole folder is refused' 2 - 'needs a queue name' -u there doctor --adopt-journal
expect 'a server has no journal' 2 - 'for queue files' -u unix:///none doctor --adopt-journal jobs
"$SLOTQ" -q -u alike create jobs
cp early/jobs.slotq empty # the same queue before its messages: its generation is the journal's
cp alike/jobs.slotq alike/before
for queue in early alike; do cp there/jobs.slotq-journal $queue; done
expect 'a journal that does not fit' 6 'BAD +jobs: .*would be damaged at byte' '' \
    -u early doctor --adopt-journal -y jobs
holds 'that queue is as it was' cmp empty early/jobs.slotq
holds 'so is the journal' cmp backup/jobs.slotq-journal early/jobs.slotq-journal
expect "another queue's journal" 1 'BAD +jobs: .*belongs to another queue, of another generation' \
    '' -u alike doctor --adopt-journal -y jobs
holds 'that other queue is as it was' cmp alike/before alike/jobs.slotq
holds 'so is the journal beside it' cmp backup/jobs.slotq-journal alike/jobs.slotq-journal
if command -v script >out; then
    echo n | script -qec "'$SLOTQ' -u there doctor --adopt-journal jobs" /dev/null >asked
    same 'on a terminal it asks; no: exit 9' 9 $?
    holds 'what it wants one to say yes to' grep -q 'both files were copied together' asked
else
    skip 'the question on a terminal' 'script (bsdutils) is not on the PATH'
fi
holds 'all this left the copy as it was' diff -r there backup

# ---- adopted ----
expect 'adopted' 0 'ok +jobs: adopted its journal: finished .* [0-9]+ patch.* found no fault' '' \
    -u there doctor --adopt-journal --yes jobs
expect 'the reserve is there' 0 ' leased' '' -u there status jobs 1
expect 'work goes on' 0 '^3$' - -u there push jobs c
expect 'nothing is left to adopt' 0 'no journal to adopt: the journal belongs to this queue' '' \
    -u there doctor --adopt-journal jobs
expect 'in JSON, synced' 0 '"kind":"ok","text":"adopted its journal' '' \
    -u backup --sync always --json doctor --adopt-journal -y jobs
expect 'no queue' 1 'BAD +none: there is no such queue' '' -u there doctor --adopt-journal none
finish
