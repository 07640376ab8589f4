#!/bin/bash
# test_first_use.sh: what a new user tries first: no command, a misspelt one, help of a subcommand,
# JSON of every command, output piped into the next command, a narrow terminal.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# ---- no command, a wrong one ----
expect 'slotq alone, or with options only, prints help' 2 '^  create +create a queue' - -q
expect 'wrok' 2 - 'unknown command wrok; did you mean work\?' wrok
expect 'list' 2 - 'did you mean ls\?' list
expect 'delete' 2 - 'did you mean rm\?' delete jobs
expect 'pussh' 2 - 'did you mean push\?' pussh jobs x
expect 'help of a wrong one' 2 - 'did you mean reserve\?' help reseve
expect 'nothing is near' 2 - 'unknown command frobnicate; slotq help' frobnicate
expect 'one letter is not like another' 2 - 'unknown command x; slotq help' x

# ---- help ----
expect 'help dead ls' 0 \
    '^slotq dead .*ls\|redrive\|remove\|purge QUEUE \[ID\.\.\.\]$' - help dead ls
expect 'help dead redrive' 0 '^slotq dead ' - help dead redrive
expect 'help pause in' 0 '^slotq pause ' - help pause in
expect 'help dead nothing' 2 - 'dead has no command nothing' help dead nothing
"$SLOTQ" help create >help.create
holds 'create does not tell the default of bench' eval '! grep -q bench help.create'
"$SLOTQ" help peek >help.peek
holds 'peek tells its own number' grep -q 'at most N messages (default 10)$' help.peek
holds 'and of no other command' eval '! grep -Eq "reserve|dead all" help.peek'
"$SLOTQ" help stats >help.stats
holds 'stats takes all groups' grep -q 'only this consumer group (default: all)$' help.stats
"$SLOTQ" help work >help.work
holds 'work takes group 0' grep -q 'consumer group (default 0)$' help.work

# ---- create reports on stderr ----
expect 'the report of create is not data' 0 - '^  total .* 320,698$' create jobs
expect 'it is quiet on wish' 0 - - create jobs -q
expect 'JSON is data' 0 '^\{"queue":"jobs","made":false' - create jobs --json
holds 'the sum fits 60 columns' \
    eval '"$SLOTQ" create jobs 2>&1 | grep "^  " | awk "length > 60 {exit 1}"'

# ---- from one command into the next ----
seq 6 | "$SLOTQ" push jobs -q
expect 'a handle in JSON' 0 '"id":1,"token":([0-9]+),"handle":"1:[0-9]+"' - reserve jobs --json
handle=$(sed -E 's/.*"handle":"([^"]*)".*/\1/' out)
expect 'it is what ack takes' 0 - - ack jobs "$handle"
"$SLOTQ" reserve jobs -n 2 | "$SLOTQ" ack jobs -
same 'ack reads what reserve prints' '0 0 3' "${PIPESTATUS[*]} $(number jobs acked)"
"$SLOTQ" reserve jobs | cut -f 1 | "$SLOTQ" extend jobs - --lease 1h --json >out
holds 'extend has a handle too' grep -Eq '"handle":"4:[0-9]+","outcome":"OK"' out
printf '5:1\nwrong\n' | "$SLOTQ" ack jobs - 2>err
same 'a wrong line on stdin' 2 $?
holds 'is named, and nothing was done' grep -q 'wrong: not an ID:TOKEN.*nothing was changed' err
"$SLOTQ" ack jobs - </dev/null 2>err
same 'an empty stdin' 3 $?
expect 'a dash after -- is a token, and a wrong one' 2 - 'not an ID:TOKEN' ack jobs -- -

# ---- ls ----
"$SLOTQ" -q create pair --slots 9 --groups 2
"$SLOTQ" push pair a b c >out
"$SLOTQ" reserve pair -n 2 --lease 1h >leased
"$SLOTQ" nack pair "$(head -n 1 leased | cut -f 1)" --delay 1h
expect 'ls has a line per group, and waiting messages' 0 \
    '^pair +0 +9 +3 +1 +1 +1 +0 +0 +[0-9,]+$' - ls
holds 'groups are not added up' grep -Eq '^pair +1 +9 +3 +3 +0 +0 +0 +0 +[0-9,]+$' out
holds 'the heading says what is what' \
    grep -Eq '^QUEUE +GROUP +SLOTS +USED +READY +LEASED +WAITING +LATER +DEAD +BYTES$' out
holds 'ls fits 80 columns' awk 'length > 80 {exit 1}' out

# ---- JSON where only a message was ----
expect 'pause' 0 '^\{"queue":"pair","paused":"in"\}$' - pause pair in --json
expect 'resume' 0 '^\{"queue":"pair","paused":"no"\}$' - resume pair --json
expect 'purge' 0 '^\{"queue":"pair","freed":3\}$' - purge pair --json
"$SLOTQ" export pair >backup
expect 'rm' 0 '^\{"queue":"pair","deleted":true\}$' - rm pair --json
expect 'rm of nothing' 3 '^\{"queue":"pair","deleted":false\}$' 'no queue pair' rm pair --json
"$SLOTQ" import pair --json <backup >out
same 'import' "{\"queue\":\"pair\",\"bytes\":$(stat -c %s backup)}" "$(cat out)"
expect 'dead purge takes no number' 2 - 'does not take --number' dead purge jobs -n 1

# ---- a narrow terminal ----
if command -v script >out; then
    "$SLOTQ" -q create deep --payload 200
    printf 'd%.0s' {1..200} | "$SLOTQ" push deep -q
    "$SLOTQ" kill deep "$("$SLOTQ" reserve deep | cut -f 1)"
    script -qec "stty cols 60; NO_COLOR=1 '$SLOTQ' dead ls deep" /dev/null </dev/null |
        tr -d '\r' >seen
    holds 'a long payload is cut on 60 columns' eval '! grep -q ddddddddddddd seen'
    script -qec "stty cols 60; NO_COLOR=1 '$SLOTQ' help create" /dev/null </dev/null |
        tr -d '\r' | sed -n '/^options/,$p' >seen
    holds 'options fit 60 columns' awk 'length > 60 {exit 1}' seen
fi
finish
