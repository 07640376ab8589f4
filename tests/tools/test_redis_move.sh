#!/bin/bash
# test_redis_move.sh: move and dead redrive --to between queues of one server, in one call, and
# between a server and a folder.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
# shellcheck source=tests/tools/move_cases.sh
. "$source_folder/tests/tools/move_cases.sh"

start_server
mkdir folder
payloads() { "$SLOTQ" "$@" peek to -n 99 | cut -f 4 | xargs; }

fresh from --slots 8 --payload 16
fresh to --slots 4 --payload 8 --keys
move_cases from to
same 'what is there' '101 other a b' "$(payloads)"
holds 'the queues are sound' "$SLOTQ" check from
holds 'both' "$SLOTQ" check to

# ---- one script, not a push and an ack ----
fresh from --slots 8
fresh to --slots 8
echo x | "$SLOTQ" push from -q
handle=$(taken from)
redis config resetstat >reset
expect 'move' 0 '^1$' - move from "$handle" to
same 'one call' 'cmdstat_evalsha:calls=1,' \
    "$(redis info commandstats | grep -o '^cmdstat_evalsha:calls=[0-9]*,')"

# ---- to a folder, and from one ----
fresh from --slots 8 --payload 16
"$SLOTQ" -u folder create to --slots 4 --payload 8 --keys -q
move_cases from to --to-url folder
same 'what is in the folder' '101 other a b' "$(payloads -u folder)"
SLOTQ_URL=folder expect 'back' 0 '^2$' - \
    move to "$(SLOTQ_URL=folder taken to)" to --to-url "$server_url" --sync always
same 'what is on the server' 'x 101' "$(payloads)"

fresh from --slots 8 --payload 16
seq 101 102 | "$SLOTQ" push from -q
"$SLOTQ" -u folder create synced --slots 8 -q
expect '--sync is about the file, also where the source is a server' 0 '^1$' - \
    move from "$(taken from)" synced --to-url folder --sync always
"$SLOTQ" kill from "$(taken from)"
expect 'and for the dead' 0 '^2$' '1 dead message redriven' \
    dead redrive from --to synced --to-url folder --sync always
expect 'it must be one that is' 2 - 'os or always' \
    move from 1:5 to --to-url folder --sync never
for url in "$server_url" "$server_url?db=1"; do
    expect 'not between servers' 2 - 'is for files' move from 1:5 to --to-url "$url" --sync always
    expect 'nor for the dead' 2 - 'is for files' \
        dead redrive from --to to --to-url "$url" --sync always
done

for where in "$server_url" folder; do
    fresh from --slots 8 --payload 16
    seq 101 108 | "$SLOTQ" push from -q
    "$SLOTQ" -u "$where" -q rm to
    "$SLOTQ" -u "$where" create to --slots 4 --payload 8 --keys -q
    dead_move_cases from to --to-url "$where"
    same 'what is there' '101 103 102 104' "$(payloads -u "$where")"
done

# ---- several at once ----
for keys in '' --keys; do
    fresh from --slots 3000 --payload 8 --dead 3000
    # shellcheck disable=SC2086 # none, or one
    fresh to --slots 12000 --payload 8 $keys
    dead_at_once_cases from to "$server_url"
    [ -z "$keys" ] || same 'with keys none is there twice' 3000 "$(number to last_id)"
done

fresh self --slots 8
echo x | "$SLOTQ" push self -q
expect 'onto itself' 2 - 'is the queue that the message is in' move self "$(taken self)" self
"$SLOTQ" push self y -q >id
"$SLOTQ" kill self "$(taken self)"
expect 'nor the dead' 2 - 'is the queue itself' dead redrive self --to self
ln -s "$server_folder/socket" other_socket
expect 'nor by another path to the server' 2 - 'is the queue itself' \
    dead redrive self --to self --to-url "unix://$PWD/other_socket"
same 'nothing was pushed' '2 1' "$(number self last_id) $(number self dead)"
end_server
finish
