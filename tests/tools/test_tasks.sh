#!/bin/bash
# test_tasks.sh: tasks on the command line: push --type and --header, how peek, dead ls and later ls
# show them, and what the commands of work are given.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that the commands of work read
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# ---- pushed ----
fresh q --payload 64 --later 4 --keys
expect 'a task' 0 '^1$' - push q --type email:deliver '{"user":42}'
expect 'with headers' 0 '^2$' - push q --type email:deliver --header due=1799000000000 \
    --header eq=a=b --header 'empty=' --header eq=second x
printf 'one\n\nthree' | "$SLOTQ" push q --type ab -q
same 'each line is a body' 5 "$(number q used)"
printf 'a\nb' | "$SLOTQ" push q --type ab --whole -q
expect 'with a key' 0 '^7$' - push q --type ab --key k y
expect 'once' 0 '^7$' 'the key is taken' push q --type ab --key k y
printf 'z' | "$SLOTQ" push q --type ab --key l --whole -q >out
expect 'scheduled' 0 '^1$' 'later id 1' push q --type ab --in 1h later
expect 'scheduled with a key' 0 '^2$' - push q --type ab --in 2h --key m later
expect 'not a task' 0 '^9$' - push q plain
expect 'nor this' 0 '^10$' - push q $'\tab'
"$SLOTQ" export q >image
bytes_of() { grep -aobUP "$1" image | wc -l; }
same 'the bytes of form A' 1 "$(bytes_of 'email:deliver\x00\{"user":42\}')"
same 'the bytes of form B' 1 "$(bytes_of \
    '\x01email:deliver\x00due=1799000000000\x00eq=a=b\x00empty=\x00eq=second\x00\x00x')"
"$SLOTQ" reserve q >out
same 'a worker gets it whole' $'email:deliver\\0{"user":42}' \
    "$(cut -f 3 out | tr -d '\n' | sed 's/\x0/\\0/')"
"$SLOTQ" release q "$(cut -f 1 out)"
expect 'in JSON also its type' 0 '"attempts":1,.*"type":"email:deliver","payload":"email' - \
    reserve q --json
"$SLOTQ" release q "$(sed -E 's/.*"handle":"([^"]*)".*/\1/' out)"

# ---- shown ----
"$SLOTQ" peek q -n 99 >out
same 'peek: type and body' $'email:deliver\t{"user":42}' "$(sed -n 1p out | cut -f 4-)"
same 'peek: no headers' $'email:deliver\tx' "$(sed -n 2p out | cut -f 4-)"
same 'peek: an empty body' $'ab\t' "$(sed -n 4p out | cut -f 4-)"
same 'peek: what is not a task' $'9\tready\t0\tplain' "$(grep '^9' out)"
expect 'in JSON' 0 '"type":"email:deliver","payload":"email:deliver\\u0000\{\\"user\\":42\}"\}$' - \
    peek q --json -n 1
expect 'with headers' 0 \
    '"headers":\{"due":"1799000000000","eq":"a=b","empty":""\},"payload":"\\u0001email' - \
    peek q --json --from 2 -n 1
"$SLOTQ" peek q --json --from 9 -n 1 >out
holds 'JSON of what is not a task has no type' grep -qv '"type"' out
expect 'later ls' 0 $'Z\tab\tlater$' - later ls q
expect 'later ls in JSON' 0 '"type":"ab","payload":"ab' - later ls q --json
"$SLOTQ" push q --type ab --header $'bytes=\xff' x >out
expect 'a header that is not UTF-8' 0 '"headers":\{"bytes_base64":"/w=="\},"payload_base64":' - \
    peek q --json --from 11

# ---- refused ----
expect 'not a type' 2 - '^slotq: --type a b: must be 2 to 64 bytes' push q --type 'a b' x
expect 'too short' 2 - 'must be 2 to 64 bytes' push q --type a x
expect 'too long' 2 - 'must be 2 to 64 bytes' push q --type "$(printf '%065d' 0)" x
expect 'empty' 2 - 'must be 2 to 64 bytes' push q --type '' x
expect 'two types' 2 - 'type is given twice' push q --type ab --type ab x
expect 'a header without a type' 2 - 'give --type TYPE' push q --header a=b x
expect 'with a key neither' 2 - 'give --type TYPE' push q --header a=b --key n x
expect 'a header without =' 2 - '--header ab: must be NAME=VALUE' push q --type ab --header ab x
expect 'a header with a bad name' 2 - 'must be NAME=VALUE' push q --type ab --header A=b x
expect 'a header without a name' 2 - 'must be NAME=VALUE' push q --type ab --header =b x
for value in soon 0 -1 140737488355328 ''; do
    expect "due=$value" 2 - '--header due=.*: must be milliseconds since 1970' \
        push q --type ab --header "due=$value" x
done
for value in many 0 63 007 ''; do
    expect "attempts-most=$value" 2 - '--header attempts-most=.*: must be a number, 1 to 62$' \
        push q --type ab --header "attempts-most=$value" x
done
mapfile -t seventeen < <(seq 17 | sed 's/.*/--header=h&=/')
expect 'too many headers' 2 - 'given 17 times; a task has up to 16' \
    push q --type ab "${seventeen[@]}" x
fresh large --payload 2000
mapfile -t halves < <(printf -- '--header=%s\n' "a=$(printf '%0509d' 0)" "b=$(printf '%0509d' 0)")
expect 'headers of 1024 bytes' 0 '^1$' - push large --type ab "${halves[@]}" x
expect 'and of more' 2 - 'all headers together have at most 1,024' \
    push large --type ab "${halves[@]}" --header c=0 x
expect 'one of 1023 bytes' 0 '^2$' - push large --type ab --header "a=$(printf '%01021d' 0)" x
expect 'one of 1024 and its end' 2 - 'at most 1,024' \
    push large --type ab --header "a=$(printf '%01022d' 0)" x
expect 'one of more' 2 - 'a value of 2,000 bytes' \
    push large --type ab --header "a=$(printf '%02000d' 0)" x
used=$(number q used)
expect 'as large as it may be' 0 '^12$' - push q --type ab "$(printf '%061d' 0)"
expect 'a body that is too large with its frame' 2 - \
    'DATA 1 has 65 bytes with its frame \(--type\), and q takes at most 64' \
    push q --type ab "$(printf '%062d' 0)"
expect 'with a key' 2 - 'more than the 61 bytes that q takes' \
    push q --type ab --key n "$(printf '%062d' 0)"
printf '%062d\n' 0 | "$SLOTQ" push q --type ab 2>err
same 'on stdin' 2 $?
holds 'and says which' grep -q 'record 1 has 65 bytes with its frame' err
expect 'a frame that is too large alone' 2 - 'the frame \(--type, --header\) has 65 bytes' \
    push q --type "$(printf '%064d' 0)" ''
same 'one was pushed' $((used + 1)) "$(number q used)"

# ---- worked ----
fresh jobs --payload 64
"$SLOTQ" push jobs --type email:deliver hello >out
"$SLOTQ" push jobs --type ab --header a=b hello >out
"$SLOTQ" push jobs plain >out
SLOTQ_TYPE=inherited "$SLOTQ" work jobs -q --drain -- \
    sh -c 'echo "${SLOTQ_TYPE-none}|$(tr "\0\1" ",;")"' >out
same 'a command is told the type, and gets the whole payload' \
    'email:deliver|email:deliver,hello ab|;ab,a=b,,hello none|plain' "$(xargs <out)"
"$SLOTQ" push jobs --type email:deliver hello >out
"$SLOTQ" push jobs plain >out
"$SLOTQ" work jobs -q --drain -- sh -c 'exit 100' 2>err
"$SLOTQ" dead ls jobs >out
same 'dead ls' $'email:deliver\thello' "$(sed -n 1p out | cut -f 7-)"
same 'and what is not a task' 'plain' "$(sed -n 2p out | cut -f 7-)"
expect 'in JSON' 0 '"type":"email:deliver","payload":"email' - dead ls jobs --json

fresh bodies --payload 64
"$SLOTQ" push bodies --type email:deliver hello >out
"$SLOTQ" push bodies --type ab --header trace-id=7 --header b= '' >out
"$SLOTQ" push bodies plain >out
SLOTQ_HEADER_X=inherited "$SLOTQ" work bodies -q --drain --arg --body -- sh -c \
    'echo "${SLOTQ_TYPE-}|${SLOTQ_HEADER_TRACE_ID-}|${SLOTQ_HEADER_B-none}|${SLOTQ_HEADER_X-}|$1"' \
    sh >out
same 'under --arg --body the body is the argument, and headers are variables' \
    'email:deliver||none||hello ab|7||| ||none||plain' "$(xargs <out)"
"$SLOTQ" push bodies --type ab --header a=b hello >out
"$SLOTQ" work bodies -q --drain --body -- sh -c 'cat; echo "|$SLOTQ_HEADER_A"' >out
same 'and on stdin' 'hello|b' "$(cat out)"
"$SLOTQ" push bodies --type ab --header a-b=1 --header c=3 --header a-b=2 --header d=4 hello >out
"$SLOTQ" work bodies -q --drain --body -- sh -c 'env | grep SLOTQ_HEADER | sort' >out
same 'of headers with one name the first counts' \
    'SLOTQ_HEADER_A_B=1 SLOTQ_HEADER_C=3 SLOTQ_HEADER_D=4' "$(xargs <out)"
"$SLOTQ" push bodies --type ab hello >out
expect 'without --body a task cannot be an argument: said' 0 - '--body passes its body' \
    work bodies --drain --arg -- true

# ---- on a terminal ----
if command -v script >seen; then
    NO_COLOR=1 script -qec "stty cols 80; '$SLOTQ' dead ls jobs; '$SLOTQ' peek q -n 1" /dev/null \
        </dev/null | tr -d '\r' >seen
    holds 'type, a blank, and what fits of the body' grep -q '100  email:deliver he\.\.\.$' seen
    holds 'a line of a terminal is not longer' test "$(awk '{print length}' seen | sort -n |
        tail -n 1)" -le 80
    holds 'peek' grep -q '  email:deliver {"user":42}$' seen
else
    skip 'tasks on a terminal' 'script (bsdutils) is not on the PATH'
fi
finish
