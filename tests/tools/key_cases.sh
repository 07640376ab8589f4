# key_cases.sh: messages with keys, from push --key to find, and other sizes for their queue,
# wherever it is. Sourced after cases.sh.
# shellcheck shell=bash disable=SC2154 # set by cases.sh

# key_cases QUEUE: it is fresh, with keys, room for 8 messages of 16 bytes and 4 scheduled ones.
key_cases() {
    local queue=$1 handle
    expect 'push with a key' 0 '^1$' - push "$queue" --key order-17 one
    expect 'again: the id of the one that is there' 0 '^1$' \
        'not pushed: the key is taken by message 1, which is not finished' \
        push "$queue" --key order-17 two
    expect 'in JSON' 0 '^\{"id":1,"outcome":"DUPLICATE"\}$' '' \
        push "$queue" --key order-17 two --json
    same 'one message is there' 1 "$(number "$queue" ready)"
    expect 'another key' 0 '^2$' - push "$queue" --key order-18 two
    expect 'find' 0 '^ +2  ready' - find "$queue" --key order-18
    expect 'find in JSON' 0 '"id":2,"outcome":"OK","state":"ready"' - \
        find "$queue" --key order-18 --json
    expect 'find no such' 3 - 'no message has this key' find "$queue" --key order-19
    expect 'nor in JSON' 3 '^\{"outcome":"NOTFOUND"\}$' '' find "$queue" --key order-19 --json
    expect 'schedule with a key' 0 '^1$' - push "$queue" --key cron --in 1h three
    expect 'again' 0 '^1$' 'not scheduled: .*later id 1, which is not due' \
        push "$queue" --key cron --in 2h three
    expect 'nor now' 0 - 'not pushed: .*later id 1' push "$queue" --key cron three
    expect 'find where it is' 0 '^ +1  scheduled \(this is its later id\)$' - \
        find "$queue" --key cron
    expect 'reserve the first' 0 $'\tone$' - reserve "$queue"
    handle=$(cut -f 1 out)
    expect 'larger, with more groups' 0 - '30 messages of up to 99 bytes; its messages are as' \
        resize "$queue" --slots 30 --payload 99 --groups 2
    expect 'its lease holds' 0 - - ack "$queue" "$handle"
    expect 'find it' 0 '^ +1  ' - find "$queue" --key order-17 -g 1
    expect 'its key is free for a unique one' 0 '^3$' - push "$queue" --key order-17 "$(
        printf '%099d' 0
    )"
    expect 'but not once it was pushed' 0 '^3$' 'which is not finished' \
        push "$queue" --key order-17 --once x
    expect 'too small for what lies there' 2 - 'message 3 has 99 bytes, and a slot would have 98' \
        resize "$queue" --payload 98
    expect 'and for so many' 2 - 'has . messages in its ring, and a ring of 1' \
        resize "$queue" --slots 1
    expect 'groups cannot be taken away' 2 - 'cannot be taken away' resize "$queue" --groups 1
    expect 'the scheduled one is there' 0 'three$' - later ls "$queue"
    expect 'make it due' 0 - - later kick "$queue" 1
    expect 'it comes with its key' 0 $'\tthree' - reserve "$queue" -n 9
    expect 'find it as a message' 0 'leased' - find "$queue" --key cron
    expect 'the whole of stdin' 0 '^5$' - push "$queue" --key whole --whole - < <(printf 'a\nb\n')
    expect 'the queue is sound' 0 'sound' - check "$queue"
}
