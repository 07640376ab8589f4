# settle_cases.sh: a message's way from reserve to the dead and back, wherever the queue is. Sourced
# after cases.sh. Each of the two begins with a queue that is made by the caller.
# shellcheck shell=bash disable=SC2154 # set by cases.sh

token() { cut -f 1 out; }

# settle_cases QUEUE: holds the messages "one", "the second", "three" and "four", nothing else is
# dead; in the end 1 and 3 are acked, 2 waits for an hour and 4 is dead.
settle_cases() {
    local queue=$1 first again two
    # shellcheck disable=SC2317 # await calls it
    delay_is_over() { "$SLOTQ" status "$queue" 2 | grep -q 'delay over'; }
    expect 'reserve gives the oldest' 0 '^1:[0-9]+\t1\tone$' - reserve "$queue"
    first=$(token)
    expect 'status of a leased one' 0 '1  leased, [0-9.]+ s left +1' - status "$queue" 1
    expect 'status of one that waits its turn' 0 '3  ready .* 1$' - status "$queue" 3
    expect 'ack' 0 - - ack "$queue" "$first"
    expect 'twice: gone' 8 - 'already finished' ack "$queue" "$first"
    expect 'finished' 3 '1  finished' - status "$queue" 1
    expect 'never pushed' 3 '77  never pushed' - status "$queue" 77
    expect 'reserve several' 0 '' - reserve "$queue" -n 2 --lease 10m
    mapfile -t two < <(token)
    expect 'a made-up token is stale' 8 - 'no longer valid' ack "$queue" 2:12345
    expect 'extend prints the new token' 0 '^2:[0-9]+$' - extend "$queue" "${two[0]}" --lease 20m
    again=$(cat out)
    expect 'the old one is void' 8 - 'no longer valid' ack "$queue" "${two[0]}"
    expect 'several ids: the worst code, the rest is done' 8 - '2:1: ' \
        ack "$queue" "${two[1]}" 2:1
    expect 'it was done' 0 'done: acked' - status "$queue" 3
    expect 'release does not count' 0 - - release "$queue" "$again"
    expect 'it is at its first attempt again' 0 '\t1\tthe second$' - reserve "$queue"
    expect 'nack' 0 - - nack "$queue" "$(token)"
    expect 'at its second now' 0 '\t2\tthe second$' - reserve "$queue"
    expect 'release with a delay' 0 - - release "$queue" --delay 1ms "$(token)"
    holds 'its delay ends' await 60 delay_is_over
    expect 'it is at its second again' 0 '\t2\tthe second$' - reserve "$queue"
    expect 'nack with a delay' 0 - - nack "$queue" --delay 1h "$(token)"
    expect 'it waits' 0 '2  waiting (5[0-9] m|1 h)' - status "$queue" 2
    expect 'the next one' 0 '\tfour$' - reserve "$queue"
    expect 'kill puts it to the dead' 0 - - kill "$queue" --reason 7 "$(token)"
    expect 'dead ls' 0 '^4\t20[0-9T:.-]+Z\t0\t1\t7\t\tfour$' - dead ls "$queue"
    expect 'dead ls in JSON' 0 '"id":4,.*"reason":7,"payload":"four"' - dead ls "$queue" --json
    expect 'status of a dead one' 0 '4  dead: reason 7, .* ago +1 ' - status "$queue" 4
}

# damaged_cases: two of five dead messages are damaged. The caller's spoil QUEUE BYTES writes an X
# so many bytes before the end of the image.
damaged_cases() {
    local slot three
    expect 'create one to be damaged' 0 - '' create hurt --slots 8 --payload 16 --dead 5 --checks \
        --no-stamps --aside 0 --note-bytes 0 --places 0
    expect 'push five' 0 '^5$' - push hurt a b c d e
    for slot in 9 8; do # the payloads of the two oldest
        spoil hurt $((190 + 22 * slot - 6))
    done
    expect 'reserve gives the other three' 0 '^3:' - reserve hurt -n 5
    mapfile -t three < <(token)
    expect 'kill them' 0 - - kill hurt "${three[@]}"
    expect 'redrive tells of the damaged' 0 '^8$' \
        '3 dead messages redriven, 2 damaged stay in the dead section' dead redrive hurt
    expect 'and leaves them there' 0 '^1\t' - dead ls hurt
    expect 'redrive in JSON' 0 '^\{"redriven":0,"damaged":2,"ids":\[\]\}$' - \
        dead redrive hurt --json
    expect 'the queue is sound' 0 'sound' - check hurt
}
