#!/bin/bash
# test_keys.sh: keys and other sizes in files; what create, push, find and resize refuse.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/key_cases.sh
. "$source_folder/tests/tools/key_cases.sh"

expect 'create shows what keys cost' 0 - '^  keys +12 x 9 \+ 16 x 4 \+ 18 x 64 +1,324$' \
    create q --slots 8 --payload 16 --later 4 --keys
key_cases q

fresh none --slots 4
expect 'a queue without keys' 2 - 'no room for keys: create one with them' push none --key k x
expect 'nor can one be found' 2 - 'no room for keys' find none --key k
fresh q --slots 8 --payload 16 --keys
expect 'an empty key' 2 - 'at least one byte' push q --key '' x
expect 'two messages' 2 - 'for one message' push q --key k x y
expect 'lines' 2 - 'whole for all of stdin' push q --key k
expect 'once without a key' 2 - 'give --key KEY' push q --once x
expect 'find without one' 2 - 'find needs --key KEY' find q
expect 'too large' 2 - 'more than the 16 bytes' push q --key k 12345678901234567
expect 'a key as long as an argument may be' 0 '^1$' - push q --key "$(printf '%0100000d' 7)" x
expect 'that is another than a similar one' 0 '^2$' - push q --key "$(printf '%0100000d' 8)" x
expect 'more slots than keys have numbers' 2 - 'together 65,534 at most' \
    create big --slots 65000 --keys --later 600
expect 'as many as there are' 0 - '65,534 messages' create big --slots 65534 --keys --payload 1

expect 'no size' 2 - 'give at least one new size' resize q
expect 'no such queue' 3 - 'no queue nowhere' resize nowhere --slots 9
"$SLOTQ" work q -q -- sleep 600 &
worker=$!
# shellcheck disable=SC2317 # await calls it
is_leased() { [ "$(number q leased)" = 1 ]; }
holds 'a worker has it open' await 60 is_leased
expect 'a file in use' 9 - 'stop its workers .*; nothing was changed$' resize q --slots 20
kill -KILL "$worker"
pkill -KILL -P "$worker"
wait "$worker" 2>/dev/null
expect 'a file that is not open' 0 - '20 messages' resize q --slots 20
expect 'in JSON' 0 '^\{"queue":"q","resized":true,"slots":19,' - resize q --slots 19 --json
expect 'without its journal it is whole' 0 'sound' - check q
finish
