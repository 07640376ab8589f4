#!/bin/bash
# test_commands.sh: every command's normal way, and every exit code that a sound queue can give.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/settle_cases.sh
. "$source_folder/tests/tools/settle_cases.sh"

# ---- create, ls ----
expect 'create shows the formula' 0 - '^  ring    1,001 slots x \(2 \+ 4 stamp \+ 256\) +262,262$' \
    create jobs
expect 'create says how many would fit' 0 - '--slots 1010\)$' create jobs
expect 'creating it again is not an error' 0 - 'it existed already' create jobs
expect 'and what messages aside take' 0 - \
    '^  aside   64 x \(7 \+ 4 x 1 \+ 2 \+ 4 stamp \+ 256\) +17,472$' create jobs
expect 'create in JSON' 0 '"bytes":320698,.*"slots_that_fit":1010' - create jobs --json
expect 'another geometry is refused' 9 - \
    'has --slots 1000 instead of 5\. .* it the other sizes: slotq resize jobs --slots 5$' \
    create jobs --slots 5
expect 'what resize cannot give' 9 - 'it has --tick 100 instead of 5, no --keys, push times\. Use' \
    create jobs --keys --tick 5 --no-stamps
expect 'overwrite and aside' 2 - '^slotq: --aside 3 is not for a queue with --overwrite' \
    create odd --overwrite --aside 3
expect 'overwrite and places' 2 - '^slotq: --places 3 is not for a queue with --overwrite' \
    create odd --overwrite --places 3
expect 'too many aside' 2 - '--slots 65500 and --aside 64 are too many: together 65,534 at most' \
    create odd --slots 65500 --aside 64
expect 'less aside than usual is said' 0 - '--aside is 34, not 64: ' \
    create large --slots 65500 --payload 1
expect 'less than is there already' 2 - 'and --aside 34 are .*smaller ones; nothing was changed' \
    resize large --slots 65534
expect 'it can be given with it' 0 - '65,534 messages' resize large --slots 65534 --aside 0
rm large.slotq
same 'the file has the size of the formula' 320698 "$(stat -c %s jobs.slotq)"
expect 'every size is taken' 0 - '' create small --slots 4 --payload 16 --dead 2 --groups 2 \
    --max-attempts 2 --tick 10 --checks --no-stamps
expect 'a drop of the dead must be meant' 2 - 'drop-dead' create odd --dead 0
expect 'and can be' 0 - '' create odd --dead 0 --drop-dead
expect 'attempts without limit need no dead' 0 - '' create endless --dead 0 --max-attempts 0
expect 'ls lists' 0 '^jobs +0 +1,000 +0 +0 +0 +0 +0 +0 +320,698$' - ls
expect 'ls in JSON' 0 '"queue":"small","group":1' - ls --json
long=$(printf 'n%.0s' {1..30})
"$SLOTQ" -q create "$long" --slots 4 --dead 0 --max-attempts 0
"$SLOTQ" ls >out
same 'a long name moves no column' 1 "$(awk '{print length}' out | uniq | wc -l)"
"$SLOTQ" -q rm "$long" -y
mkdir empty
expect 'ls of nothing gives a hint' 0 - 'create' -u empty ls

# ---- push, reserve, settle ----
expect 'push prints ids' 0 '^3$' - push jobs one 'the second' three
expect 'push in JSON' 0 '^\{"id":4\}$' - push jobs --json four
settle_cases jobs
expect 'empty' 3 - 'no message is ready' reserve jobs
expect 'empty after waiting' 3 - '' reserve jobs --wait 200ms
expect 'redrive prints the new id' 0 '^5$' '1 dead message redriven' dead redrive jobs
expect 'no dead left' 3 - 'no dead message' dead ls jobs
expect 'it is back, with a new id' 0 "^5:[0-9]+\t1\tfour$" - reserve jobs --lease 1h
expect 'reserve in JSON' 3 - '' reserve jobs --json
expect 'dead purge' 0 '"purged":0' - dead purge jobs --json
spoil() { # the file, bytes from its end
    printf X | dd of="$1.slotq" bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s "$1.slotq") - $2))
}
damaged_cases
expect 'remove of a leased one is refused' 9 - 'leased' remove jobs 5
expect 'remove of a waiting one' 0 - - remove jobs 2
expect 'removed is gone' 8 - 'already finished' remove jobs 2
expect 'never pushed' 3 - 'ever pushed' remove jobs 77
expect 'status of the never pushed' 3 'never pushed' - status jobs 5 77
expect 'status in JSON' 0 '"id":5,"outcome":"OK","state":"leased","attempts":1' - \
    status jobs 5 --json

# ---- groups ----
expect 'each group sees the message' 0 '^1$' - push small x
expect 'group 0' 0 '^1:' - reserve small -g 0
expect 'group 1' 0 '^1:' - reserve small -g 1
expect 'no group 2' 2 - 'group 2' reserve small -g 2
expect 'stats of both groups' 0 '^      1 +0 +1 +0' - stats small

# ---- looking ----
expect 'create a queue to look at' 0 - '' create look --slots 10 --payload 32
printf 'plain\0\377\376\0tab\there\0' | "$SLOTQ" push look -0 -q
expect 'peek' 0 "^1\tready\t0\tplain$" - peek look
expect 'peek from an id' 0 "^3\tready" - peek look --from 3
expect 'peek at most' 0 '^1' - peek look -n 1
same 'one line of it' 1 "$(wc -l <out)"
expect 'bytes that are no text are base64 in JSON' 0 '"id":2,.*"payload_base64":"//4="' - \
    peek look --json
expect 'records end with NUL on wish' 0 '' - peek look -0
same 'three of them' 3 "$(tr -cd '\0' <out | wc -c)"
fresh finished
"$SLOTQ" push finished a b c >out
"$SLOTQ" reserve finished -n 3 --lease 1h >out
"$SLOTQ" kill finished "$(sed -n 2p out | cut -f 1)"
"$SLOTQ" ack finished "$(sed -n 3p out | cut -f 1)"
expect 'peek knows no attempts of one that died' 0 '^\{"id":2,"state":"done","pushed_ms"' - \
    peek finished --json
expect 'status does' 0 '"id":2,.*"attempts":1,.*"why":"dead"' - status finished 2 --json
expect 'but not of one that was acked' 0 '"state":"done","position"' - status finished 3 --json
rm finished.slotq*
expect 'reserve takes as many as one call' 2 - '--number 0: must be a number, 1 to 4,096$' \
    reserve look -n 0
expect 'and no more' 2 - '--number 4097: must be a number, 1 to 4,096$' reserve look -n 4097
expect 'a bound of others' 2 - '1 to 4,294,967,295$' peek look -n 0
expect 'export to a file' 2 - 'too many .*slotq export QUEUE > FILE$' export look file
expect 'import from one' 2 - 'too many .*slotq import QUEUE < FILE$' import look file
expect 'copy with too much' 2 - 'too many .*URL2 is where the copy goes' copy look . x y
expect 'import of nothing' 6 - '^slotq: stdin is empty; nothing was created' \
    import none < <(true)
expect 'dead takes all groups' 0 'group G +only this consumer group \(default: all\)' - help dead
expect 'rm says when it asks' 0 'A script is not asked' - help rm
expect 'peek of an empty queue' 3 - 'endless: no message to show' peek endless
expect 'peek behind the newest' 3 - 'no message with id 400 or later to show' peek look --from 400
expect 'stats' 0 'slots +3 of 10 in use \(30%\)' - stats look
expect 'stats in JSON' 0 '"used":3,"ready":3,"undelivered":3,"leased":0' - stats look --json
"$SLOTQ" stats look --watch --every 50ms >watched 2>err &
watcher=$!
holds 'stats --watch goes on' await 60 eval '[ "$(grep -c "used=3 ready=3" watched)" -ge 2 ]'
kill -TERM $watcher
ends $watcher
same 'and ends by a signal' 130 $?
expect 'check' 0 'look: sound, [0-9,]+ bytes; 3 ready, 0 leased' - check look
expect 'check in JSON' 0 '"verdict":"sound"' - check look --json

# ---- administration ----
expect 'pause in' 0 - - pause look in
expect 'push is refused' 9 - 'resume' push look x
expect 'pause out' 0 - - pause look out
expect 'reserve is refused' 9 - 'resume' reserve look
expect 'stats say so' 0 'paused: in and out' - stats look
expect 'resume' 0 - - resume look
expect 'close' 0 - - pause look closed
expect 'a push is refused for good' 9 - 'closed: it takes no new messages' push look x
expect 'resume alone does not open it' 0 - - resume look
expect 'stats say that, too' 0 'paused: closed' - stats look
expect 'and in JSON' 0 '"paused":"closed"' - stats look --json
expect 'doctor says it' 1 'is closed' - doctor look
expect 'open it' 0 '"paused":"no"' - resume look closed --json
expect 'push goes' 0 '^4$' - push look x
expect 'a lease of a moment' 0 '^1:' - reserve look --lease 1ms
sleep 0.3
expect 'reclaim' 0 - '1 made ready, 0 died' reclaim look
expect 'it is ready again' 0 '1  ready +1' - status look 1
expect 'purge' 0 - '4 slots freed' purge look
expect 'nothing is left' 3 - '' reserve look
expect 'push fills it' 0 '' - push look 1 2 3 4 5 6 7 8 9 10
expect 'full' 4 - 'full' push look 11
expect 'stats explain it' 0 'full:.* message 5 \(ready in group 0\) holds 10 slots' - stats look
expect 'all or nothing of one call' 0 - '' create two --slots 2
expect 'more DATA than fit: as many as fit' 4 '^2$' 'DATA 3 ' push two a b c
expect 'the dead section is full' 0 - '' create grave --dead 1 --max-attempts 1 \
    --dead-full refuse
"$SLOTQ" push grave a b >out
"$SLOTQ" reserve grave -n 2 >out
expect 'one dies' 0 - - nack grave "$(token | head -n 1)"
cp out leased
"$SLOTQ" status grave 2 >out
expect 'the other finds no room' 4 - 'dead' kill grave "$("$SLOTQ" dump grave --json |
    sed -nE 's/.*"id":2,"count":1,"word":([0-9]+).*/2:\1/p')"

expect 'status of a dead one before the window' 0 \
    '1  dead: no reason given or lease ended, [0-9.]+ m?s ago +1 ' - \
    status grave 1
expect 'in JSON too' 0 \
    '"state":"done","attempts":1,.*"why":"dead","reason":0,"died_at_ms":[0-9]{13}' - \
    status grave 1 --json

# ---- export, import, rm ----
"$SLOTQ" export grave >grave.backup
same 'export is the file' "$(cksum <grave.slotq)" "$(cksum <grave.backup)"
"$SLOTQ" import again <grave.backup 2>err
same 'import' 0 $?
same 'import makes the same bytes, in another generation' \
    "$(bytes_beside_generation grave.slotq)" "$(bytes_beside_generation again.slotq)"
holds 'and it is another one' eval '! cmp -s grave.slotq again.slotq'
"$SLOTQ" import again <grave.backup 2>err
same 'import over a queue is refused' 9 $?
expect 'rm' 0 - 'deleted again' rm again
holds 'nothing is left of it' eval '! ls again.* 2>/dev/null'
expect 'rm of nothing' 3 - 'no queue' rm again
expect 'a name that is part of other words' 0 - '' create q --slots 2
expect 'is said' 3 - '^slotq: q: ' peek q
expect 'an odd name is a name' 0 - '' create 'a b$c'
expect 'and works' 0 '^1$' - push 'a b$c' x

# ---- on a terminal ----
terminal() { script -qec "'$SLOTQ' $*" /dev/null </dev/null | tr -d '\r'; }
if command -v script >out; then
    "$SLOTQ" -q create screen
    printf 'red\033[31m\ntwo\n' | "$SLOTQ" push screen -q
    export TERM=xterm
    terminal peek screen >seen
    holds 'a terminal gets a table' grep -q 'ID *STATE *ATTEMPTS' seen
    holds 'in colour' grep -q "$(printf '\033')\[1m" seen
    holds 'no byte of a payload reaches it raw' grep -qF 'red\x1b[31m' seen
    NO_COLOR=1 terminal peek screen >seen
    holds 'no colour under NO_COLOR' eval '! grep -q "$(printf "\033")" seen'
    "$SLOTQ" -q create "$(printf 'n%.0s' {1..30})" --slots 4
    script -qec "stty cols 80; '$SLOTQ' ls" /dev/null </dev/null | tr -d '\r' >seen
    holds 'a name too wide has its own line' grep -Eq '^n{30}$' seen
    sed -i -E 's/\x1b\[[0-9;]*m//g' seen
    holds 'and no line is wider' awk 'length > 80 {exit 1}' seen
    terminal export screen >seen
    holds 'export does not write to a terminal' grep -q 'slotq export screen > BACKUP' seen
else
    skip 'output on a terminal' 'script (bsdutils) is not on the PATH'
fi

# ---- options, help ----
expect 'SLOTQ_URL' 3 - 'no queue' -u empty stats jobs
SLOTQ_URL=empty expect 'SLOTQ_URL is the folder' 3 - 'jobs in empty; .* slotq ls' stats jobs
expect 'an empty command' 2 - 'slotq help' ''
expect 'help' 0 '^  create +create a queue' - help
expect 'help of a command' 0 '--max-attempts N' - help create
expect 'how times are written' 0 '^times: 500ms, 30s' - help reserve
expect '--help' 0 '^slotq push ' - push --help
expect 'version' 0 '^slotq [0-9.]+, format' - version
expect '--version' 0 '^slotq [0-9.]+, format' - --version
while read -r name; do
    expect "help $name" 0 "^slotq $name" - help "$name"
    cat out >>helps
done < <("$SLOTQ" help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sed '/^slotq$/d' | sort -u)
holds 'help fits 80 columns' eval '! grep -E "^.{81}" helps'
finish
