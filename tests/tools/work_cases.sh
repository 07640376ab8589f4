# work_cases.sh: the worker, wherever its queue is: exit codes of commands, backoff, time-outs,
# leases kept up, draining, signals, and SIGKILL, after which nothing is lost. Sourced after
# cases.sh.
# shellcheck shell=bash disable=SC2154,SC2016,SC2002,SC2094 # meant so

fill() { # name, first, last
    seq "$2" "$3" | "$SLOTQ" push "$1" -q
}
lines() { cat "$1" 2>/dev/null | wc -l; }
nap=600.$$ # found again among the processes
naps() { cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -q "[s]leep $nap "; }
state() { "$SLOTQ" status "$1" "$2" | tail -n 1; }

# ---- what a command gets ----
fresh q --groups 2
printf 'a b\nc' | "$SLOTQ" push q -q
expect 'payload on stdin' 0 '^1 1 q 0 a b$' '2 acked, 0 failed, 0 died, 0 leases lost, 0 released' \
    work q --drain -- sh -c 'echo "$SLOTQ_ID $SLOTQ_ATTEMPT $SLOTQ_QUEUE $SLOTQ_GROUP $(cat)"'
expect 'in the other group too, as an argument' 0 '^1 got a b$' '' \
    work q -g 1 --drain --arg -- sh -c 'echo "$SLOTQ_GROUP got $1"' handler
expect 'nothing left: at its end at once' 0 - '0 acked' work q --drain -- false
"$SLOTQ" push q x >out
expect 'options behind the queue, none of the command read' 0 '^<-q><x>' - \
    work q --json --drain --arg -q -- printf '<%s>' -q
same 'the summary in JSON' '"acked":1' "$(grep -o '"acked":1' out)"
head -c 60000 /dev/zero | tr '\0' z >large
fresh large --payload 65535
for _ in 1 2 3 4 5 6; do "$SLOTQ" push large --whole -q <large; done
expect 'a command that reads nothing neither blocks nor kills us' 0 - '6 acked' \
    work large --drain -j 3 -- true
"$SLOTQ" push large --whole -q <large
expect 'a large payload, whole' 0 '^ *60000$' '' work large --drain -- wc -c
fresh q --max-attempts 1
printf 'a\0b' | "$SLOTQ" push q --whole -q
expect '--arg cannot carry a NUL: dead' 0 - 'NUL' work q --drain --arg -- echo
expect 'dead, and why' 0 '\t126\tcontains a NUL byte and cannot be an argument\t' - dead ls q

# ---- backoff ----
fresh fixed
fill fixed 1 12
"$SLOTQ" work fixed -q --backoff 1h -- false 2>err >out &
worker=$!
while [[ $(number fixed waiting) != 12 ]] && kill -0 $worker; do sleep 0.05; done
kill $worker
wait $worker || true
"$SLOTQ" status fixed {1..12} >out
same 'a backoff of one time is that time, for each message' \
    12 "$(grep -cE 'waiting .*(5[5-9] m|1 h)' out)"

# ---- exit codes ----
fresh codes --max-attempts 3
fill codes 1 4
expect 'fails twice, then goes' 0 '' '4 acked, 8 failed, 0 died' \
    work codes -j 4 --drain --backoff 10ms -- sh -c 'exit $((SLOTQ_ATTEMPT < 3 ? 5 : 0))'
fill codes 1 1
expect 'fails to the end' 0 '' '0 acked, 2 failed, 1 died' \
    work codes --drain --backoff 0 -- sh -c 'exit 5'
expect 'the reason is the exit code' 0 '\t3\t5\t\t1$' '' dead ls codes
"$SLOTQ" dead purge codes -q
fill codes 1 1
expect 'exit 100: dead at once' 0 '' '0 acked, 0 failed, 1 died' \
    work codes --drain -- sh -c 'exit 100'
expect 'with that reason' 0 '\t1\t100\t\t1$' '' dead ls codes
"$SLOTQ" dead purge codes -q
fill codes 1 1
expect 'ended by a signal: 128 and its number' 0 '' '1 died' \
    work codes --drain --backoff 0 -- sh -c 'kill -SEGV $$'
expect 'as the reason' 0 '\t3\t139\t\t1$' '' dead ls codes
for code in 126 127; do
    "$SLOTQ" dead purge codes -q
    fill codes 1 1
    expect "exit $code of a command is a failed attempt" 0 '' '0 acked, 2 failed, 1 died' \
        work codes --drain --backoff 0 -- sh -c "exit $code"
    expect "exit $code is its reason" 0 "\\t3\\t$code\\t\\t1\$" '' dead ls codes
done
fresh codes --max-attempts 3
fill codes 1 3
printf 'no program' >script
chmod +x script
expect 'a file that is not a program stops the worker' 1 - 'cannot be run .*format' \
    work codes --drain -- ./script
same 'its message is released' 0 "$(number codes leased)"
same 'uncounted' '0' \
    "$("$SLOTQ" status codes 1 --json | sed -E 's/.*"attempts":([0-9]+).*/\1/')"
expect 'a command that does not exist' 1 - \
    'no-such-command cannot be run.*no message was reserved' work codes -- no-such-command
"$SLOTQ" work codes --drain -v -- true 2>err >out
holds '-v tells of each' grep -Eq '^slotq: codes: message 2, attempt [0-9]+: acked after' err
fresh codes --max-attempts 2
fill codes 1 1
"$SLOTQ" work codes --drain --backoff 0 -- sh -c 'exit 5' 2>err >out
holds 'what failed is told without -v' \
    grep -Eq '^slotq: codes: message 1, attempt 1: failed \(exit 5\) after [0-9]' err
holds 'and what died' grep -Eq '^slotq: codes: message 1, attempt 2: died \(exit 5\) after' err
fill codes 1 1
"$SLOTQ" work codes --drain --backoff 0 -- sh -c 'kill -SEGV $$' 2>err >out
holds 'a signal by its number' grep -Eq ': failed \(signal 11\) after' err
fill codes 1 1
"$SLOTQ" work codes --drain -- true 2>err >out
same 'not what went well' 1 "$(wc -l <err)"
fill codes 1 1
expect 'and with -q nothing' 0 - - work codes --drain -q --backoff 0 -- sh -c 'exit 5'

# ---- the last words of a command that dies are the note of its message ----
note() { "$SLOTQ" dead ls notes | cut -f 6; }
died() { # options of work, -- command
    fresh notes --max-attempts 1 --note-bytes 12
    fill notes 1 1
    "$SLOTQ" work notes --drain -q "$@" 2>said >out
}
died -- sh -c 'echo no; echo out; printf "first\n bad disk \n\n" >&2; exit 3'
same 'the last line of stderr that is not blank' 'bad disk' "$(note)"
died --output group -- sh -c 'echo grouped >&2; exit 3'
same 'of a group too' grouped "$(note)"
died --output none -- sh -c 'echo unseen >&2; exit 3'
same 'not where the worker does not see it' '' "$(note)"
died -- sh -c 'printf "slow" >&2; sleep 0.1; printf "ly" >&2; exit 100'
same 'in pieces, without a newline, by exit 100' slowly "$(note)"
died -- sh -c 'printf "elf Zeichen\303\244\303\244\n" >&2; exit 3'
same 'cut before a character that does not fit' 'elf Zeichen' "$(note)"
died -- sh -c 'printf "\033[31mred\033[0m\n" >&2; exit 3'
same 'no byte of it reaches a terminal as it is' '\x1b[31mred\x1b[0m' "$(note)"
died -- sh -c 'echo fine >&2'
same 'a message that is acked has none' 0 "$(number notes dead)"
died -- sh -c 'head -c 100000 /dev/zero | tr "\\0" x >&2; echo; kill -KILL $$'
same 'the beginning of a long line' xxxxxxxxxxxx "$(note)"
expect 'status shows it' 0 '^ +xxxxxxxxxxxx$' - status notes 1
fresh notes --max-attempts 2
fill notes 1 1
"$SLOTQ" work notes --drain -q --backoff 0 -- \
    sh -c 'echo "attempt $SLOTQ_ATTEMPT" >&2; exit 3' 2>said
same 'that of the last attempt' 'attempt 2' "$(note)"

# ---- a message that crashes its command takes no other along ----
fresh poison --max-attempts 2
fill poison 1 8
expect 'the others are acked, at their first attempt' 0 '' '7 acked, 1 failed, 1 died' \
    work poison -j 4 --drain --backoff 0 -- sh -c \
    '[ "$(cat)" != 3 ] || kill -KILL $$; [ "$SLOTQ_ATTEMPT" = 1 ] || touch again'
holds 'none of them had to come again' test ! -e again
expect 'it alone is dead' 0 '^3\t.*\t2\t137\t' - dead ls poison

# ---- time-outs, with their whole process group ----
fresh slow --max-attempts 1
fill slow 1 2
expect '--timeout ends a command' 0 '' '0 acked, 0 failed, 2 died' \
    work slow -j 2 --drain --timeout 200ms -- sh -c "sleep $nap & wait"
expect 'with reason 124' 0 '\t1\t124\t\t1$' '' dead ls slow
holds 'and all its processes' await 60 eval '! naps'
fresh slow --max-attempts 1
fill slow 1 1
expect 'a command that exits 0 after its time is over has failed' 0 '' '1 died' \
    work slow --drain --timeout 100ms -- sh -c 'trap "exit 0" TERM; sleep 600 & wait'

# ---- leases ----
fresh lease --tick 10 --max-attempts 9
fill lease 1 1
expect 'a lease is kept up while the command runs' 0 '' '1 acked, 0 failed, 0 died, 0 leases lost' \
    work lease --drain --lease 600ms -- sleep 2
same 'no other worker got it' 0 "$(number lease redelivered)"
fill lease 1 1
"$SLOTQ" work lease --drain --lease 6s -- sh -c \
    'trap "echo told >told; exit 0" TERM; touch runs; sleep 600 & wait' 2>said &
worker=$!
await 60 test -e runs
token=$("$SLOTQ" dump lease --json | sed -nE 's/.*"id":2,"count":1,"word":([0-9]+).*/2:\1/p')
until "$SLOTQ" ack lease "$token" 2>err; do # it may be extended in between
    token=$("$SLOTQ" dump lease --json |
        sed -nE 's/.*"id":2,"count":1,"word":([0-9]+).*/2:\1/p')
done
ends $worker
same 'a lost lease ends the worker in order' 0 $?
holds 'its command is told' test -e told
holds 'and not acked again' grep -q '0 acked, 0 failed, 0 died, 1 leases lost' said

# ---- draining ----
fresh drain --tick 10
fill drain 1 3
"$SLOTQ" reserve drain -n 1 --lease 900ms >out
expect '--drain waits for the leases of others' 0 '' '3 acked' work drain --drain -- true
fill drain 1 1
"$SLOTQ" nack drain --delay 900ms "$("$SLOTQ" reserve drain | cut -f 1)"
expect '--drain waits for delays' 0 '' '1 acked' work drain --drain -- true
"$SLOTQ" work drain -- sh -c 'cat >>handled; echo >>handled' 2>said &
worker=$!
fill drain 1 5
holds 'without --drain it waits for more' await 60 eval '[ "$(lines handled)" = 5 ]'
"$SLOTQ" pause drain out
fill drain 6 6
holds 'a pause is said' await 60 grep -q 'slotq resume drain out' said
same 'and kept' 5 "$(lines handled)"
"$SLOTQ" resume drain
holds 'then it goes on' await 60 eval '[ "$(lines handled)" = 6 ]'
kill -TERM $worker
ends $worker
same 'SIGTERM when idle: an orderly end' 0 $?
fresh stuck --dead 1 --dead-full refuse --max-attempts 1 --tick 10
fill stuck 1 2
"$SLOTQ" work stuck --drain --lease 300ms -- false 2>said &
worker=$!
ends $worker
same '--drain ends when what is left cannot die' 4 $?
holds 'and says so' grep -q 'no message is left but 1 that cannot die (the oldest is 2)' said
"$SLOTQ" work stuck -- true 2>said &
worker=$!
holds 'without --drain it says so' await 60 grep -q 'but 1 that cannot die' said
fill stuck 3 3
holds 'and goes on' await 60 eval '[ "$(number stuck acked)" = 1 ]'
kill -TERM $worker
ends $worker
fill drain 1 20
expect 'as many at a time as told' 0 '' '20 acked' work drain --drain -j 5 -- sh -c \
    'echo + >>level
    for try in $(seq 1200); do # until five have begun, for a minute
        [ "$(grep -c + level)" -ge 5 ] && break
        sleep 0.05
    done
    sleep 0.2; echo - >>level'
same 'never more than five' 5 "$(awk '/[+]/ { if (++n > most) most = n } /-/ { n-- }
    END { print most }' level)"

# ---- signals ----
fresh sig --max-attempts 5
fill sig 1 6
"$SLOTQ" work sig -j 2 -- sh -c 'echo >>begun; until [ -e go ]; do sleep 0.05; done; echo >>ended' \
    2>said &
worker=$!
await 60 eval '[ "$(lines begun)" = 2 ]'
kill -TERM $worker
holds 'SIGTERM: it says that it finishes what runs' await 60 grep -q 'finishing what runs (2)' said
touch go
ends $worker
same 'and ends in order' 0 $?
same 'what ran is finished' 2 "$(lines ended)"
same 'and acked' 2 "$(number sig acked)"
same 'the rest is ready' 4 "$(number sig ready)"
same 'nothing is leased' 0 "$(number sig leased)"
"$SLOTQ" work sig -j 2 -- sh -c "echo >>more; sleep $nap" 2>said &
worker=$!
await 60 eval '[ "$(lines more)" = 2 ]'
kill -TERM $worker
await 60 grep -q 'finishing' said
kill -TERM $worker
ends $worker
same 'a second signal ends it at once' 130 $?
same 'what ran is released' 4 "$(number sig ready)"
same 'nothing is leased' 0 "$(number sig leased)"
holds 'no command is left' await 60 eval '! naps'
state sig 3 >out
holds 'and uncounted' grep -Eq 'ready +0 ' out

"$SLOTQ" work sig -j 1 -- sh -c "echo \$\$ >pid; exec sleep $nap" 2>said &
worker=$!
await 60 test -s pid
kill -STOP $worker
kill -TERM $worker "$(cat pid)"
kill -CONT $worker
ends $worker
same 'a signal for the worker and its commands: an orderly end' 0 $?
same 'what ran is released, not failed' 4 "$(number sig ready)"

# ---- no stdout ----
fresh mute
fill mute 1 1
for output in line group none; do
    "$SLOTQ" work mute --drain --output $output -- cat >&- 2>err
    same "a closed stdout, --output $output" 1 $?
    holds 'is said' grep -q 'cannot write to stdout: Bad file descriptor; no message was res' err
done
same 'and nothing was taken' 1 "$(number mute ready)"

# ---- SIGKILL loses nothing ----
fresh kill --slots 400 --tick 10 --max-attempts 0
fill kill 1 300
for round in 1 2 3; do
    "$SLOTQ" -q work kill -j 4 --lease 300ms -- sh -c 'read -r n; echo "$n" >>killed' &
    worker=$!
    await 60 eval "[ \"\$(lines killed)\" -gt $((round * 40)) ]"
    kill -KILL $worker
    ends $worker 2>err
done
expect 'after SIGKILL the queue is sound' 0 'sound' '' check kill
expect 'the next worker does the rest' 0 '' '' work kill -j 4 --drain -- \
    sh -c 'read -r n; echo "$n" >>killed'
same 'nothing is lost' "$(seq 1 300 | cksum)" "$(sort -nu killed | cksum)"
same 'all is acked' 300 "$(number kill acked)"
