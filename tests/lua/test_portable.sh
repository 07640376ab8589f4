#!/bin/bash
# test_portable.sh: the bundled scripts under every Lua there is: lua5.1, luajit and lua5.4 with a
# shim tell one long story, each the same replies and bytes, and a real server the same again.

here=$(cd "$(dirname "$0")" && pwd)
scripts=$here/../../build/lua/plain
steps=${SLOTQ_STORY_STEPS:-1500}
# shellcheck source=../tools/cases.sh
. "$here/../tools/cases.sh"
# shellcheck source=../tools/private_server.sh
. "$here/../tools/private_server.sh"

need lua5.1 luajit lua5.4 python3

for interpreter in lua5.1 luajit lua5.4; do
    holds "$interpreter tells the story to its end" \
        sh -c "$interpreter '$here/story.lua' '$scripts' $steps >$interpreter.story"
done
holds 'it is a story' grep -q '^reserve_packed ' lua5.1.story
for script in "$scripts"/*.lua; do
    name=$(basename "$script" .lua)
    holds "$name is in it" grep -q "^$name .* = " lua5.1.story
done
for refusal in FULL PAUSED INVALID; do
    holds "SLOTQ$refusal is in it" grep -q " = -SLOTQ$refusal" lua5.1.story
done
# 39 is the limit that only a redrive by id has, 6e6e the beginning of a note
holds 'a dead message is redriven by its id' grep -q '^redrive .* 39 .* = \[+OK,:[1-9]' lua5.1.story
holds 'a key is taken' grep -q '^push_keyed .* = \[+DUPLICATE,' lua5.1.story
holds 'a key is found' grep -q '^find .* = \[+OK,' lua5.1.story
holds 'a message is moved' grep -q '^move .* = :[1-9]' lua5.1.story
holds 'a note is kept' grep -q '^dead_list .*\$6e6e' lua5.1.story
holds 'a shard asks for a nudge' grep -q ' = \[+RING,:' lua5.1.story
holds 'a whole is changed' grep -q '^change .* = +AGAIN' lua5.1.story
holds 'luajit tells the same' cmp lua5.1.story luajit.story
holds 'lua5.4 tells the same' cmp lua5.1.story lua5.4.story

start_server
holds 'a real server tells the same' \
    python3 "$here/replay_story.py" "$server_folder/socket" "$scripts" <lua5.1.story
finish
