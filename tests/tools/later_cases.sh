# later_cases.sh: scheduled messages, from push --in and --at to reserve, wherever the queue is.
# Sourced after cases.sh.
# shellcheck shell=bash disable=SC2154 # set by cases.sh

later_ids() { "$SLOTQ" later ls "$1" | cut -f 1 | xargs; }

# later_cases QUEUE: it is fresh, with room for 8 messages, 4 scheduled ones and a tick of 1 ms.
later_cases() {
    local queue=$1 begun_ms handle
    expect 'later ls of none' 3 - 'no scheduled message' later ls "$queue"
    expect 'push --in prints the later id' 0 '^1$' 'later id 1, due in (59 m|1 h)' \
        push "$queue" --in 1h a
    expect 'push --at' 0 '^3$' 'at 2099-01-01T00:00:00.000Z$' \
        push "$queue" --at 2099-01-01T01:00:00+01:00 b c
    expect 'no message is ready' 3 - 'no message is ready' reserve "$queue"
    expect 'more than it has room for: none of them' 4 - 'DATA 1 and all after it were not sch' \
        push "$queue" --in 1m d e
    same 'the soonest comes first' '1 2 3' "$(later_ids "$queue")"
    expect 'one that is sooner' 0 '^4$' 'due in' push "$queue" --in 30m d
    same 'is before it' '4 1 2 3' "$(later_ids "$queue")"
    expect 'later ls gives time and payload' 0 $'^2\t2099-01-01T00:00:00.000Z\tb$' - \
        later ls "$queue"
    expect 'as many as asked for' 0 '^4' 'the soonest 1 of 4 scheduled' later ls "$queue" -n 1
    expect 'in JSON' 0 '^\{"later_id":2,"due_ms":4070908800000,"payload":"b"\}$' - \
        later ls "$queue" --json
    expect 'ls counts them' 0 "^$queue( +[0-9,]+){6} +4 +" - ls
    expect 'check too' 0 'dead, scheduled: 4$' - check "$queue"
    same 'stats counts them' 4 "$(number "$queue" later)"
    expect 'cancel' 0 - - later cancel "$queue" 1
    expect 'cancel it again' 3 - 'no scheduled message 1' later cancel "$queue" 1
    expect 'nor one with a larger id than they have' 3 - 'message 4294967298' \
        later cancel "$queue" 4294967298
    expect 'make one due' 0 '"later_id":3,"outcome":"OK"' - later kick "$queue" 3 --json
    expect 'it is delivered, with an id' 0 $'^1:[0-9]+\t1\tc$' - reserve "$queue" --wait 20s
    handle=$(cut -f 1 out)
    expect 'its later id is gone' 3 - 'no scheduled message 3' later kick "$queue" 3
    expect 'ack' 0 - - ack "$queue" "$handle"
    expect 'a time that is past' 0 '^5$' 'due now: 1970-01-01T00:00:01.000Z is past' \
        push "$queue" --at @1 now
    expect 'is delivered at once' 0 $'\tnow$' - reserve "$queue" --wait 20s
    handle=$(cut -f 1 out)
    begun_ms=$(date +%s%3N)
    expect 'soon' 0 '^6$' 'due' push "$queue" --in 400ms soon
    expect 'a reserve that waits gets it' 0 $'\tsoon$' - reserve "$queue" --wait 60s
    holds 'not before its time' test "$(($(date +%s%3N) - begun_ms))" -ge 400
    expect 'a delay of none' 0 '' 'later id 7, due now$' push "$queue" --in 0s none
    expect 'the first moment of all' 0 '' 'due now: 1970-01-01T00:00:00.000Z is past' \
        push "$queue" --at @0 zero
    same 'both are delivered' 2 "$("$SLOTQ" reserve "$queue" -n 2 | grep -Ec 'none|zero')"
    expect 'lines of stdin' 0 - '2 messages scheduled, later ids 9 to 10$' \
        push "$queue" --in 2h - < <(printf 'x\ny\n')
    expect 'the queue is sound' 0 'sound' - check "$queue"

    # kick of a message that waits
    expect 'kick of a leased one' 9 - 'nack ends the lease' kick "$queue" "${handle%%:*}"
    expect 'nack with a delay' 0 - - nack "$queue" --delay 1h "$handle"
    expect 'kick ends it' 0 - - kick "$queue" "${handle%%:*}"
    expect 'it is ready' 0 $'\t2\tnow$' - reserve "$queue"
    expect 'ack it' 0 - - ack "$queue" "$(cut -f 1 out)"
    expect 'kick of a finished one' 8 - 'already finished' kick "$queue" "${handle%%:*}"
    expect 'kick of one never pushed' 3 - 'no message' kick "$queue" 77
}
