#!/bin/bash
# test_work_output.sh: what commands of a worker write: whole lines or groups, long ones, processes
# that they leave behind, a stdout that is slow or gone. On a queue in a file.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or commands read
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

fill() { # name, first, last
    seq "$2" "$3" | "$SLOTQ" push "$1" -q
}
# Each command waits until all have begun a line, then ends it, so that lines would mix.
halves='printf "%s-" "$SLOTQ_ID"
    touch begun.$SLOTQ_ID
    until [ "$(ls begun.* | wc -l)" -ge 4 ]; do sleep 0.02; done
    printf "%s\n" "$SLOTQ_ID"'

fresh lines
fill lines 1 4
"$SLOTQ" work lines -j 4 --drain -q -- sh -c "$halves" >out
same 'lines are whole' "$(printf '%s\n' 1-1 2-2 3-3 4-4)" "$(sort out)"
rm -f begun.*
fill lines 5 8
"$SLOTQ" work lines -j 4 --drain -q -- sh -c "{ $halves; } >&2" 2>out
same 'those of stderr too' "$(printf '%s\n' 5-5 6-6 7-7 8-8)" "$(sort out)"
rm -f begun.*
fill lines 9 9
"$SLOTQ" work lines --drain -q -- sh -c 'echo one; echo two >&2; echo three; printf four' \
    >out 2>&1
same 'stdout and stderr in one file keep their order' "$(printf 'one\ntwo\nthree\nfour')" \
    "$(cat out)"

fresh groups
fill groups 1 4
"$SLOTQ" work groups -j 4 --drain -q --output group -- sh -c "$halves; echo end \$SLOTQ_ID" >out
same 'a group is in one piece' 4 "$(paste - - <out |
    awk '{ split($1, part, "-"); if (part[1] == part[2] && $2 == "end" && $3 == part[1]) n++ }
    END { print n + 0 }')"
rm -f begun.*
fill groups 5 8
"$SLOTQ" work groups -j 4 --drain -q --output none -- sh -c "$halves" >out
same '--output none: as they write' 4 "$(head -n 1 out | tr -cd - | wc -c)"
expect 'another word' 2 - 'must be line, group or none' work groups --output all -- true

# ---- long and binary ----
for output in line group none; do
    fresh long
    fill long 1 4
    "$SLOTQ" work long -j 4 --drain -q --output $output -- sh -c \
        'head -c 1000000 /dev/zero | tr "\0" "$SLOTQ_ID"; [ "$SLOTQ_ID" = 4 ] || echo' >out
    same "--output $output: no byte is lost of long lines" 4000003 "$(wc -c <out)"
    [ $output = none ] || same "--output $output: and none is broken" 4 "$(tr -d '\n' <out |
        fold -w 1000000 | tr -s 1234 | grep -cx '[1234]')"
done
fresh binary
head -c 200 /dev/urandom >bytes
"$SLOTQ" push binary --whole -q <bytes
"$SLOTQ" work binary --drain -q -- cat >out
holds 'binary output is unchanged' cmp bytes out
fresh memory
fill memory 1 1
"$SLOTQ" work memory --output group --drain -q -- sh -c 'head -c 100000000 /dev/zero
    grep VmHWM "/proc/$PPID/status" >peak' | tail -c 1 >out
holds 'memory is bounded' test "$(tr -cd 0-9 <peak)" -lt 60000

# ---- a process that a command leaves behind ----
fresh left
fill left 1 3
"$SLOTQ" work left --drain -q -- sh -c '
    (until [ -e go ]; do sleep 0.05; done; echo late) &
    echo early' >out &
worker=$!
holds 'does not hold up the next message' await 60 eval '[ "$(number left acked)" = 3 ]'
holds 'nor the end of the worker' await 60 eval '! kill -0 $worker 2>err'
touch go
ends $worker
same 'what the command wrote is there' 3 "$(grep -c early out)"
rm -f go
fill left 4 5
"$SLOTQ" work left -q -- sh -c '
    [ "$SLOTQ_ID" = 4 ] && { (until [ -e go ]; do sleep 0.05; done; echo late) & }
    echo early' >out &
worker=$!
await 60 eval '[ "$(number left acked)" = 5 ]'
touch go
holds 'what it writes later is passed on while the worker runs' await 60 grep -q late out
kill -TERM $worker
ends $worker

# ---- a stdout that is gone ----
for output in line group none; do
    fresh gone --max-attempts 1
    fill gone 1 200
    "$SLOTQ" work gone -j 2 --output $output -- sh -c 'echo "$SLOTQ_ID"; exec sleep 0.02' 2>said |
        head -n 3 >out
    codes=("${PIPESTATUS[@]}")
    same "--output $output: without a reader the worker stops" 1 "${codes[0]}"
    holds "--output $output: it says why" grep -q 'cannot write the output' said
    same "--output $output: no message died" 0 "$(number gone dead)"
    same "--output $output: nothing is leased" 0 "$(number gone leased)"
    same "--output $output: what was not done is there" 200 \
        $(($(number gone ready) + $(number gone acked)))
    holds "--output $output: what was read was acked" test "$(number gone acked)" -lt 200
done

# ---- a stdout that nothing reads for a while ----
fresh slow --tick 10 --max-attempts 1
fill slow 1 3
"$SLOTQ" work slow --drain --lease 300ms -- sh -c 'head -c 200000 /dev/zero; echo' 2>said |
    { await 60 grep -qs written go; cat >out; } &
reader=$!
sleep 1.5 # many leases
same 'a worker whose stdout is full keeps its leases up' 1 "$(number slow leased)"
echo written >go
ends $reader
same 'and loses no output' 600003 "$(wc -c <out)"
holds 'nor a lease' grep -q '3 acked, 0 failed, 0 died, 0 leases lost' said
finish
