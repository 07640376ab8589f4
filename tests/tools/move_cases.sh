# move_cases.sh: messages that go to another queue, alive and dead, wherever the two queues are.
# Sourced after cases.sh.
# shellcheck shell=bash disable=SC2154 # set by cases.sh

# taken QUEUE: ID:TOKEN of its next message, leased for an hour.
taken() {
    "$SLOTQ" reserve "$1" --lease 1h | cut -f 1
}

# in_json HANDLE OUTCOME [MORE]: the expression of the line that a command that settles prints.
in_json() {
    echo "^\{\"id\":${1%:*},\"token\":${1#*:},\"handle\":\"$1\",\"outcome\":\"$2\"${3:-}\}\$"
}

# move_cases FROM TO WHERE...: both are fresh, FROM with 8 messages of up to 16 bytes, TO with keys,
# 4 messages, 8 bytes; WHERE are the options that name TO's place.
move_cases() {
    local from=$1 to=$2 handle
    shift 2
    seq 101 108 | "$SLOTQ" push "$from" -q
    handle=$(taken "$from")
    expect 'move' 0 '^1$' - move "$from" "$handle" "$to" "$@"
    expect 'again: it is done' 8 - 'message 1 in .* is already finished; nothing was moved' \
        move "$from" "$handle" "$to" "$@"
    expect 'with other bytes' 0 '^2$' - move "$from" "$(taken "$from")" "$to" "$@" other
    expect 'with those of stdin' 0 '^3$' - \
        move "$from" "$(taken "$from")" "$to" "$@" - < <(printf 'a\nb')
    handle=$(taken "$from")
    expect 'in JSON' 0 "$(in_json "$handle" OK ',"new_id":4')" - \
        move "$from" "$handle" "$to" "$@" --json ''
    expect 'in JSON, again' 8 "$(in_json "$handle" GONE)" 'already finished' \
        move "$from" "$handle" "$to" "$@" --json
    expect 'in JSON, no such message' 3 "$(in_json 99:5 NOTFOUND)" '' \
        move "$from" 99:5 "$to" "$@" --json
    "$SLOTQ" ack "$from" 99:5 --json >acked 2>err
    same 'as ack has it' "$(<acked)" "$(<out)"
    handle=$(taken "$from")
    expect 'a closed stdin is not an empty message' 1 - 'cannot read stdin: .*; nothing was moved' \
        move "$from" "$handle" "$to" "$@" - <&-
    expect 'a full queue' 4 - \
        "$to is full .*: message 5 was not moved, and is still leased in $from\. .*remove $to 1 " \
        move "$from" "$handle" "$to" "$@"
    same 'it is still leased' 1 "$(number "$from" leased)"
    expect 'too large' 2 - 'more than the 8 bytes' move "$from" "$handle" "$to" "$@" 123456789
    expect 'too large on stdin' 2 - 'more than the 8 bytes' \
        move "$from" "$handle" "$to" "$@" - < <(echo 12345678)
    expect 'no JSON of a full queue' 4 - 'is full' \
        move "$from" "$handle" "$to" "$@" --json
    expect 'in JSON, a stale token' 8 "$(in_json "${handle%:*}:5" STALE)" 'no longer valid' \
        move "$from" "${handle%:*}:5" "$to" "$@" --json
    expect 'a wrong token' 8 - "^slotq: the token 5 of message 5 in $from is no longer valid: " \
        move "$from" "${handle%:*}:5" "$to" "$@"
    expect 'no such message' 3 - "no message 99 was ever pushed to $from;" \
        move "$from" 99:5 "$to" "$@"
    expect 'no token' 2 - 'not an ID:TOKEN' move "$from" 5 "$to" "$@"
    expect 'no such queue to move to' 3 - 'no queue nowhere' move "$from" "$handle" nowhere "$@"
    expect 'no such queue to move from' 3 - 'no queue nowhere' move nowhere 1:5 "$to" "$@"
    same 'nothing was lost' '4 done, 1 leased, 3 ready' \
        "$(number "$from" acked) done, $(number "$from" leased) leased, $(
            number "$from" ready) ready"
}

# dead_move_cases FROM TO WHERE...: the same; TO has room for 4 messages.
dead_move_cases() {
    local from=$1 to=$2
    shift 2
    "$SLOTQ" reserve "$from" -n 6 --lease 1h | "$SLOTQ" kill "$from" - --reason 9
    expect 'dead redrive to another queue, one' 0 '^1$' '1 dead message redriven' \
        dead redrive "$from" --to "$to" "$@" -n 1
    expect 'by id' 0 '^2$' '1 dead message redriven' dead redrive "$from" 3 --to "$to" "$@"
    expect 'that is not dead' 3 - 'no message 3' dead redrive "$from" 3 --to "$to" "$@"
    expect 'not for another group' 2 - 'group' dead redrive "$from" 4 --to "$to" "$@" -g 1
    expect 'as many as have room' 4 '^3$' \
        "$to is full .*: message 5 stays in the dead section of $from\. .*remove $to 1 " \
        dead redrive "$from" --to "$to" "$@"
    same 'their new ids' '3 4' "$(xargs <out)"
    same 'the others stay' '5 6' "$("$SLOTQ" dead ls "$from" | cut -f 1 | xargs)"
    expect 'to no such queue' 3 - 'no queue nowhere' dead redrive "$from" --to nowhere "$@"
}

# figures FIELD: its sum over the lines in said.1, said.2, ...
figures() {
    cat said.? | sed -E "s/.*\"$1\":([0-9]+).*/\\1/" | awk '{ sum += $1 } END { print sum }'
}

# dead_at_once_cases FROM TO URL: three commands move the same dead messages. FROM has room for 3000
# and for as many dead, TO for 12000; both are empty.
dead_at_once_cases() {
    local from=$1 to=$2 url=$3 run pushed runs=()
    seq 3000 | "$SLOTQ" push "$from" -q
    "$SLOTQ" reserve "$from" -n 3000 --lease 1h | "$SLOTQ" kill "$from" -
    for run in 1 2 3; do
        "$SLOTQ" --json dead redrive "$from" --to "$to" --to-url "$url" >said.$run 2>err.$run &
        runs+=($!)
    done
    for run in "${runs[@]}"; do
        ends "$run"
        same 'one of three at once succeeds' 0 $?
    done
    pushed=$(SLOTQ_URL=$url number "$to" last_id)
    same 'each message is reported once' 3000 "$(figures redriven)"
    same 'with another id' 3000 \
        "$(sed 's/.*"ids":\[//; s/\].*//' said.? | tr , '\n' | grep . | sort -u | wc -l)"
    same 'others are told apart' "$pushed" $((3000 + $(figures taken)))
    holds "few are there twice, of $pushed" [ "$pushed" -lt 3600 ]
    same 'none is missing' 3000 \
        "$("$SLOTQ" -u "$url" peek "$to" -n 12000 | cut -f 4 | sort -u | wc -l)"
    same 'none is dead' 0 "$(number "$from" dead)"
}
