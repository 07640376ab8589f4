#!/bin/bash
# test_dump.sh: dump, check and doctor: on sound queues, and on all kinds of damage.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

poke() { # file, offset, bytes for printf
    # shellcheck disable=SC2059 # the bytes are a format
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
spoil() { # a copy of q as bad
    rm -f bad.slotq*
    cp q.slotq bad.slotq
}

"$SLOTQ" -q create q --slots 20 --payload 16 --groups 2 --max-attempts 3 --dead 4 --checks
seq 1 9 | "$SLOTQ" push q -q
"$SLOTQ" reserve q -n 4 --lease 1h >leased # a doctor comes later
"$SLOTQ" ack q "$(sed -n '2s/\t.*//p' leased)"
"$SLOTQ" kill q --reason 9 "$(sed -n '3s/\t.*//p' leased)"

# ---- dump ----
expect 'dump' 0 '^sound: ' - dump q
cp out dumped
holds 'a field: offset, bytes, name, value, verdict' \
    grep -Eq '^       12  15 00 +ring_slots +21 +ok$' dumped
holds 'the second group' grep -Eq '^      136  00 00 +head +0 +ok$' dumped
holds 'ranges of states' grep -Eq '  5 +5  ready, attempts 0$' dumped
holds 'a leased one' grep -Eq '  1 +1  leased to 20.*, attempts 1$' dumped
holds 'a finished one' grep -Eq '  3 +1  done: dead$' dumped
holds 'the dead' grep -Eq '  3 +20.*, group 0, attempts 1, reason 9$' dumped
holds 'fits 80 columns' eval '! grep -E "^.{81}" dumped'
expect 'dump --hex' 0 '^        0  09 00 00 00 00 00 09 00 53 4c 51 31' - dump q --hex
cp out dumped
holds 'fits 80 columns too' eval '! grep -E "^.{81}" dumped'
same 'every field once' "$("$SLOTQ" dump q --json | grep -c '"field"')" \
    "$("$SLOTQ" dump q | grep -Ec ' ok$')"
expect 'dump of many ranges says how many more' 0 - '' create ranges --slots 300
seq 1 200 | "$SLOTQ" push ranges -q
mapfile -t odd < <(seq 1 2 199)
"$SLOTQ" remove ranges "${odd[@]}"
expect 'many ranges' 0 'ranges more \(--hex' - dump ranges

# ---- damage: dump and check say where; nothing is changed ----
bad() { # name, offset to be named, verdict in the row or ''
    local before
    before=$(cksum <bad.slotq)
    expect "dump: $1" 6 "damaged at offset $2 of" '' dump bad
    [ -z "$3" ] || holds "$1: the row says so" grep -Eq "$3" out
    expect "check: $1" 6 - "at byte $2:" check bad
    same "$1: not a byte changed" "$before" "$(cksum <bad.slotq)"
}
spoil && poke bad.slotq 8 'XXXX'
expect 'check says what to do with the file' 6 - \
    'mv \./bad\.slotq \./bad\.slotq\.damaged; .*slotq dump \./bad\.slotq\.damaged then$' check bad
mkdir moved
mv bad.slotq moved/bad.damaged
expect 'dump takes the path of a file that was moved away' 6 'damaged at offset 8 of' '' \
    dump moved/bad.damaged
expect 'with the folder of the queues beside' 6 'damaged at offset 8 of' '' \
    -u . dump "$PWD/moved/bad.damaged"
expect 'a path without a file' 2 - "contains '/'" dump moved/none
rm -r moved
spoil && poke bad.slotq 8 'XXXX'
bad 'the magic' 8 ' magic +XXXX +not SLQ1'
spoil && poke bad.slotq 11 '2'
bad 'the version' 11 ' magic +SLQ2 +other version'
spoil && poke bad.slotq 21 '\023' # stamps, checks and overwrite
expect 'room aside beside overwrite' 6 ' aside_slots +64 +not 0 with overwrite' '' dump bad
spoil && poke bad.slotq 12 '\377\377'
expect 'more room aside than can be named' 6 ' aside_slots +64 +above 65535 - R' '' dump bad
spoil && poke bad.slotq 40 '\0'
bad 'the check of the geometry' 40 ' geometry_check .* no match'
spoil && poke bad.slotq 4 '\377\377'
bad 'head' 4 ' head +65535 +not below R'
spoil && poke bad.slotq 82 '\377\377'
bad 'a cursor' 82 ' cursor +65535 +not below R'
spoil && poke bad.slotq 62 '\005'
bad 'more dead than room' 62 ' dead_count +5 +above D'
spoil && poke bad.slotq 44 '\200'
bad 'paused' 44 ' paused +128 +unknown bits'
spoil && truncate -s 500 bad.slotq
bad 'cut off' 500 ''
spoil && truncate -s 20 bad.slotq
bad 'cut off early' 20 ''
spoil && printf xx >>bad.slotq
bad 'too long' "$(stat -c %s q.slotq)" ''
expect 'dump in JSON' 6 '"verdict":"damaged","offset":[0-9]+' - dump bad --json
expect 'ls goes on' 6 'bad +CORRUPT' 'byte' ls
holds 'with the rest' grep -Eq '^q +0 +20 +9 ' out
# one payload: with checks it is found, and its message alone dies
spoil
offset=$((80 + 2 * 56 + 2 * 21 * 4 + 4 * 26 + 10)) # id 5
poke bad.slotq "$offset" 'X'
expect 'a damaged slot is named' 6 'damaged from here on: they die with reason 255' '' dump bad
expect 'peek shows it' 0 '^5\tdamaged' '' peek bad
expect 'reserve passes over it' 0 '^6:' '' reserve bad
expect 'it is dead, reason 255' 0 '^5\t.*\t0\t1\t255\t' '' dead ls bad
rm -f bad.slotq*

# ---- doctor ----
expect 'doctor finds nothing' 0 '^0 findings$' '' doctor q
expect 'says what is well' 0 'q: the bytes are sound' '' doctor q
expect 'the file system by its name' 0 'file system [a-z][a-z0-9]+, .* free' '' doctor q
expect 'doctor in JSON' 0 '"kind":"ok"' '' doctor q --json
expect 'no folder' 1 'mkdir -p nowhere' '' -u nowhere doctor
expect 'no queue' 1 'no such queue; .* slotq ls' '' doctor none
"$SLOTQ" pause q in
expect 'paused' 1 'BAD +q: is paused \(in\); slotq resume q' '' doctor q
"$SLOTQ" resume q
"$SLOTQ" -q create full --slots 10 --dead 1 --dead-full refuse
seq 1 10 | "$SLOTQ" push full -q
"$SLOTQ" reserve full --lease 1h >out
expect 'full, and the holder' 1 'held by message 1, leased in group 0' '' doctor full
"$SLOTQ" kill full "$(cut -f 1 out | head -n 1)" 2>err
"$SLOTQ" reserve full --lease 1h >leased
"$SLOTQ" kill full "$(cut -f 1 leased)"
expect 'the dead are full' 1 'dead section holds 1 of 1 messages' '' doctor full
"$SLOTQ" -q create late --tick 10
"$SLOTQ" push late x >out
"$SLOTQ" reserve late --lease 1ms >out
sleep 1.3
expect 'a lease that ended' 1 'slotq reclaim late -g 0' '' doctor late
"$SLOTQ" -q reclaim late
expect 'made ready' 0 '' '' doctor late
cp q.slotq copy.slotq
cp q.slotq-journal copy.slotq-journal
expect 'a copied journal' 1 'journal belongs to another file' '' doctor copy
rm -f copy.slotq
expect 'a journal alone' 1 'copy.slotq-journal: the queue of this journal is missing' '' doctor
rm -f copy.slotq-journal
truncate -s 300 late.slotq
expect 'a damaged file' 1 'late: .*byte 300' '' doctor
rm -f late.slotq*
ln full.slotq other.slotq
expect 'two names' 1 'hard links' '' doctor full
rm -f other.slotq
mkfifo gate
"$SLOTQ" push q -q <gate &
pusher=$!
exec 7>gate
holds 'the process that has it open' await 60 \
    eval '"$SLOTQ" doctor q | grep -q "in use (process .*$pusher"'
exec 7>&-
ends $pusher

# ---- check of a path ----
mkdir away
"$SLOTQ" -u away create moved -q
for path in away/moved.slotq ./away/moved.slotq "$PWD/away/moved.slotq"; do
    expect "check $path" 0 '^moved: sound' - check "$path"
done
printf X | dd of=away/moved.slotq bs=1 seek=24 conv=notrunc status=none
expect 'a damaged one' 6 - 'see every field: slotq -u \./away dump moved;' \
    check ./away/moved.slotq
expect 'no such file' 2 - "contains '/'" check away/none.slotq
finish
