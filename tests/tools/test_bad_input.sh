#!/bin/bash
# test_bad_input.sh: what is wrong from outside: each gets a message that names the limit or the
# offset and the remedy, its exit code, and changes nothing.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

long_name=$(printf 'n%.0s' {1..300})
sum() { cksum <jobs.slotq; }

# unchanged NAME CODE STDERR ARGUMENT...: refused, without a byte changed and without output.
unchanged() {
    local name=$1 code=$2 err=$3 before
    shift 3
    before=$(sum)
    expect "$name" "$code" - "$err" "$@"
    same "$name: nothing changed" "$before" "$(sum)"
}

expect 'a queue' 0 - '' create jobs --slots 4 --payload 16 --groups 2
expect 'with a message' 0 '' - push jobs hello

# ---- options ----
for twice in '--key a --key b' '-u . --url=.' '-g0 -g 0'; do
    # shellcheck disable=SC2086 # words
    unchanged "twice: $twice" 2 '^slotq: --[a-z]+ is given twice; give it once$' \
        push jobs $twice x
done
expect 'a flag may be repeated' 0 '^jobs ' - -q ls -q

# ---- names and sizes ----
for verb in create 'push' reserve stats check export rm; do
    expect "$verb: empty name" 2 '' '1 to 200 bytes' $verb ''
    expect "$verb: ../x" 2 '' "contains '/'" $verb ../x
    expect "$verb: 300 bytes" 2 '' '1 to 200 bytes' $verb "$long_name"
    expect "$verb: a leading dot" 2 '' "'\.'" $verb .x
done </dev/null
expect 'a leading dash' 2 - "'-'" create -- -x
expect '0 slots' 2 - '1 to 65,534' create q --slots 0
expect '65535 slots' 2 - '1 to 65,534' create q --slots 65535
expect 'over 512 MiB' 2 - '512 MiB' create q --slots 65534 --payload 65535
expect 'payload 0' 2 - '1 to 65,535' create q --payload 0
expect 'payload 64k' 2 - '1 to 65,535' create q --payload 64k
expect '17 groups' 2 - '1 to 16' create q --groups 17
expect '63 attempts' 2 - '0 to 62' create q --max-attempts 63
expect 'tick 0' 2 - '1 to 60,000' create q --tick 0
expect 'no number' 2 - 'must be a number, 1 to 65,534' create q --slots 12x
expect 'a negative number' 2 - '1 to 65,534' create q --slots -5
expect 'nothing of all that was made' 3 - '' stats q
same 'no file either' './jobs.slotq' "$(find . -name '*.slotq')"

# ---- arguments of verbs ----
unchanged 'one byte too long' 2 'DATA 2 has 17 bytes, and jobs takes at most 16' \
    push jobs fits 12345678901234567
unchanged 'lease 0' 2 '1 ms to' reserve jobs --lease 0
unchanged 'lease too long' 2 \
    '--lease 99d: must be at most 9 d 17 h \(838,860,700 ms\) in jobs, whose tick is 100 ms' \
    reserve jobs --lease 99d
unchanged 'by one' 2 '838,860,700 ms' reserve jobs --lease 838860701ms
unchanged 'extended too far' 2 '--lease 99d: must be at most 9 d 17 h' extend jobs --lease 99d 1:5
unchanged 'a worker with too long a lease' 2 '--lease 99d: must be at most 9 d 17 h' \
    work jobs --lease 99d -- true
unchanged 'a lease that is not a time' 2 'a number with a unit' reserve jobs --lease 5
unchanged 'group 2 of 2' 2 'group 2' reserve jobs -g 2
unchanged 'group 16' 2 '0 to 15' reserve jobs -g 16
unchanged 'a token that is none' 2 'not an ID:TOKEN' ack jobs 1
unchanged 'a token with a tail' 2 'not an ID:TOKEN' ack jobs 1:5x
unchanged 'a token over 32 bits' 2 'not an ID:TOKEN' ack jobs 1:4294967296
unchanged 'id 0' 2 'not an ID:TOKEN' ack jobs 0:5
unchanged 'an id over 47 bits' 2 'not an ID:TOKEN' ack jobs 140737488355328:5
unchanged 'a made-up token' 8 'no longer valid' ack jobs 1:5
unchanged 'an id never issued' 3 'ever pushed' nack jobs 9:5
unchanged 'kill with a made-up token' 8 'no longer valid' kill jobs 1:4294967295
unchanged 'delay too long' 2 '--delay 20d: must be at most 9 d 17 h' nack jobs --delay 20d 1:5
unchanged 'release too late' 2 '--delay 20d: must be at most 9 d 17 h' release jobs --delay 20d 1:5
unchanged 'reason 255' 2 '0 to 254' kill jobs --reason 255 1:5
unchanged 'status of no id' 2 'not an id' status jobs x
unchanged 'remove of no id' 2 'not an id' remove jobs 1 x
unchanged 'reserve too many' 2 '1 to 4,096' reserve jobs -n 4097
unchanged 'pause sideways' 2 'in .* out .* or closed' pause jobs up
unchanged 'unknown option' 2 'unknown option --nosuch; slotq help push' push jobs --nosuch=5 x
unchanged 'unknown letter' 2 'unknown option -x' push jobs -x
unchanged 'an option of another command' 2 'does not take --slots' push jobs --slots 5 x
unchanged 'an option without its value' 2 'needs a value' reserve jobs --lease
unchanged 'a flag with a value' 2 'does not take a value' push jobs --block=1 x
unchanged 'too few operands' 2 'too few' ack jobs
unchanged 'too many operands' 2 'too many' stats jobs more
unchanged 'unknown command' 2 'unknown command' frobnicate jobs
unchanged 'a command of a later version' 2 'unknown command' cluster jobs
unchanged 'replicas of a file' 2 '--replicas is for Redis' push jobs --replicas 1 x
unchanged 'disks of a file' 2 '--fsynced is for Redis.*--sync always' push jobs --fsynced 1 x
unchanged 'no disk' 2 '1 to 1,?000' push jobs --fsynced 0 x
unchanged 'replicas of the queue itself' 2 'give --to QUEUE2' dead redrive jobs --replicas 1
unchanged 'sync of no kind' 2 'os or always' --sync never push jobs x
unchanged 'work with a command that is not there' 1 'no such command; no message was reserved' \
    work jobs --drain -- /nonexistent/command
unchanged 'work with a folder for a command' 1 'no message was reserved' work jobs --drain -- /tmp
unchanged 'work without a command' 2 'too few' work jobs
unchanged 'work for no group' 2 'group 7' work jobs -g 7 -- true
expect 'the attempt was not counted' 0 '\t1\thello$' - reserve jobs

# ---- where the queue is ----
expect 'a port without a server' 5 - 'cannot connect' -u redis://127.0.0.1:1 push jobs x
expect 'a TLS port without a server' 5 - 'cannot connect' -u rediss://127.0.0.1:1 push jobs x
expect 'TLS without its scheme' 2 - 'nothing would be encrypted' -u 'redis://127.0.0.1:1?sni=x' ls
expect 'a bench over TLS without a server' 5 - 'cannot connect' -u rediss://127.0.0.1:1 bench
expect 'a certificate without its key' 2 - 'key is missing' -u 'rediss://127.0.0.1:1?cert=x' ls
expect 'another scheme' 2 - '' -u ftp://localhost push jobs x
for command in 'create jobs' 'push jobs x' 'rm jobs -y' ls metrics; do
    # shellcheck disable=SC2086 # a command and its operands
    expect "no such folder: $command" 1 - '^slotq: nowhere: the folder .*No such file' \
        -u nowhere $command
done
for command in 'push jobs x' 'stats jobs' 'create jobs' ls; do
    # shellcheck disable=SC2086 # a command and its operands
    expect "a file in place of the folder: $command" 1 - \
        '^slotq: jobs.slotq is not a folder: -u takes the folder .* without .slotq$' \
        -u jobs.slotq $command
done
expect 'no such folder to copy to' 1 - '^slotq: nowhere: the folder .*No such' copy jobs nowhere
expect 'no such queue: the line that makes it' 3 - \
    '^slotq: there is no queue none in \.; create it: slotq -u \. create none$' -u . push none x
for command in 'stats none' 'dump none' 'dead ls none' 'purge none' 'check none'; do
    # shellcheck disable=SC2086 # a command and its operands
    expect "nor is one to be made: $command" 3 - \
        '^slotq: there is no queue none in \.; to see which there are: slotq ls$' $command
done
expect 'the name of its file' 3 - 'did you mean jobs\? A queue is named without .slotq$' \
    stats jobs.slotq
expect 'of a file that is not there' 3 - 'to see which there are: slotq ls$' stats none.slotq
"$SLOTQ" doctor none >out
same 'no such queue: the doctor says it once' \
    'BAD      none: there is no such queue; to see which there are: slotq ls' "$(grep none out)"
mkdir folder.slotq
expect 'a folder of that name' '1' - '' push folder x
rmdir folder.slotq

# ---- a file that is not as it should be ----
spoil() { # name: a copy without its journal
    rm -f "$1.slotq" "$1.slotq-journal"
    cp jobs.slotq "$1.slotq"
}
damaged() { # what, stderr expression
    local before verb
    before=$(cksum <bad.slotq)
    for verb in 'push bad x' 'reserve bad' 'stats bad' 'check bad' 'export bad'; do
        # shellcheck disable=SC2086 # words
        expect "$1: $verb" 6 '' "$2" $verb
    done
    same "$1: not a byte changed" "$before" "$(cksum <bad.slotq)"
    "$SLOTQ" import made <bad.slotq 2>err
    same "$1: import refuses" 6 $?
    holds "$1: import made nothing" test ! -e made.slotq
}
size=$(stat -c %s jobs.slotq)
spoil bad && truncate -s 100 bad.slotq
damaged 'cut to 100 bytes' 'byte 100:'
spoil bad && truncate -s -1 bad.slotq
damaged 'one byte cut' "byte $((size - 1)):"
"$SLOTQ" check bad 2>err
same 'check says once that nothing was written' 1 "$(grep -cE 'Nothing was|nothing was' err)"
spoil bad && printf x >>bad.slotq
damaged 'one byte more' "byte $size:"
spoil bad && head -c "$size" /dev/zero >bad.slotq
damaged 'zeroed' 'magic'
spoil bad && printf 2 | dd of=bad.slotq bs=1 seek=11 conv=notrunc status=none
damaged 'another version' 'version'
spoil bad && printf '\377' | dd of=bad.slotq bs=1 seek=12 conv=notrunc status=none
damaged 'a size changed' 'geometry_check'
spoil bad && printf '\377\377' | dd of=bad.slotq bs=1 seek=6 conv=notrunc status=none
damaged 'tail out of range' 'byte 6:'
spoil bad && : >bad.slotq
damaged 'empty file' 'byte 0:'
spoil bad && printf '\100' | dd of=bad.slotq bs=1 seek=136 conv=notrunc status=none
expect 'a state that cannot be: check names it' 6 - 'byte' check bad
expect 'check says what to do' 6 - 'slotq import bad < BACKUP' check bad
rm -f bad.slotq*

# ---- rights; root may do everything, so it steps down ----
as_another_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}
chmod 755 .
mkdir closed
"$SLOTQ" -q -u closed create jobs
"$SLOTQ" -q -u closed push jobs x >out
chmod 444 closed/*
chmod 555 closed
if as_another_user "$SLOTQ" version >out 2>err; then
    as_another_user "$SLOTQ" -u closed push jobs x >out 2>denied
    same 'push without the right to write' 1 $?
    holds 'it says so' grep -qi 'permission' denied
    as_another_user "$SLOTQ" -u closed create more >out 2>err
    same 'create without the right to write' 1 $?
    as_another_user "$SLOTQ" -u closed peek jobs >out 2>err
    same 'peek needs no right to write' 0 $?
    as_another_user "$SLOTQ" -u closed rm jobs >out 2>err
    same 'rm without the right to write' 1 $?
fi
if [ "$(id -u)" = 0 ] && as_another_user "$SLOTQ" version >out 2>err; then # another user may write
    mkfifo hold
    "$SLOTQ" -q -u closed push jobs <hold &
    writer=$!
    exec 8>hold
    holds 'a writer is there' await 20 eval \
        '! as_another_user "$SLOTQ" -u closed stats jobs >out 2>err'
    holds 'why it keeps others from looking' grep -q \
        'another process has jobs.slotq open for writing' err
    exec 8>&-
    ends $writer
fi
chmod 755 closed

# ---- input that cannot be read: a payload that never came is not an empty one ----
fresh keyed --slots 4 --payload 16 --keys --later 4
fresh moved --slots 4 --payload 16
echo kept | "$SLOTQ" -q push moved
held=$("$SLOTQ" reserve moved --lease 1h | cut -f 1)
# refuse_input NAME WHY: every command that reads stdin, with the one that is fd 7, or a closed one.
refuse_input() {
    local name=$1 why="cannot read stdin: $2" line
    while read -r line; do
        line=${line/HELD/$held}
        # shellcheck disable=SC2086 # words
        if [ "$name" = closed ]; then
            expect "$line, stdin $name" 1 - "$why" $line <&-
        else
            expect "$line, stdin $name" 1 - "$why" $line <&7
        fi
    done <<'END'
push keyed
push keyed -
push keyed -0
push keyed --whole
push keyed --whole --key k
push keyed --whole --key k --in 1h
push keyed --whole --in 1h
move moved HELD keyed -
ack moved -
nack moved -
release moved -
extend moved -
kill moved -
import brought
END
}
refuse_input closed 'Bad file descriptor'
exec 7<.
refuse_input 'a folder' 'Is a directory'
exec 7>written
refuse_input 'only to be written' 'Bad file descriptor'
exec 7>&-
same 'nothing was pushed' 0 "$(number keyed last_id)"
same 'nothing was settled or moved' 1 "$(number moved leased)"
expect 'nothing was imported' 3 - 'no queue brought' stats brought
expect 'an empty stdin is an empty payload' 0 '^1$' - move moved "$held" keyed - </dev/null

# ---- output that cannot be written ----
"$SLOTQ" stats jobs >&- 2>err
same 'a closed stdout' 1 $?
holds 'is said' grep -q 'cannot write to stdout: Bad file descriptor' err
"$SLOTQ" pause jobs in >&- 2>err
same 'a command that prints nothing does not need it' 0 $?
"$SLOTQ" resume jobs
if [ -w /dev/full ]; then
    "$SLOTQ" stats jobs >/dev/full 2>err
    same 'a full disk under stdout' 1 $?
    "$SLOTQ" export jobs >/dev/full 2>err
    same 'and under export' 1 $?
    "$SLOTQ" peek jobs >/dev/full 2>>err
    "$SLOTQ" push jobs x >/dev/full 2>>err
    same 'each says it once, and why' 3 \
        "$(grep -c '^slotq: cannot write to stdout: No space left on device' err)"
    fresh full --later 9 --max-attempts 1
    lost() { # what was done though it could not be printed, command...
        local said=$1
        shift
        "$SLOTQ" "$@" >/dev/full 2>err
        same "$1 $2 $3: its output is lost" 1 $?
        holds "$1 $2 $3: what was done is said" \
            grep -Eq "^slotq: cannot write to stdout: No space left on device; $said\$" err
    }
    lost 'what was pushed has the ids 1 to 2' push full a b
    lost 'what was pushed has the ids 3 to 3' push full c --json
    lost 'what was scheduled has the later ids 1 to 2' push full d e --in 1h
    lost 'what was leased \(2\) comes back when the lease ends, in 1 h 0 m' \
        reserve full -n 2 --lease 1h
    lost 'what was leased \(1\) comes back .*, in 30.0 s' reserve full --json
    same 'all of it was done' '3 2' "$(number full leased) $(number full later)"
    token=$("$SLOTQ" dump full --json | sed -nE 's/.*"id":3,"count":1,"word":([0-9]+).*/3:\1/p')
    lost 'the leases were extended: .*' extend full "$token"
    token=$("$SLOTQ" dump full --json | sed -nE 's/.*"id":3,"count":1,"word":([0-9]+).*/3:\1/p')
    lost 'what was asked for was done' kill full "$token" --json
    lost 'what was pushed again \(1\) has ids up to 4' dead redrive full
    lost 'what was asked for was done' remove full 4 --json
    lost 'what was asked for was done' purge full --json
    lost 'what was asked for was done' create full2 --json
    fresh keyed2 --keys --later 9
    lost 'what was pushed has the id 1' push keyed2 --key k1 a
    lost 'what was pushed has the id 2' push keyed2 --key k2 a --json
    lost 'what was scheduled has the later id 1' push keyed2 --key k3 a --in 1h
fi
finish
