#!/bin/bash
# test_cron.sh: the command cron: the next times of a spec, and what it refuses.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
unset TZ TZDIR

from=2026-12-01T10:00:00Z
expect 'five times' 0 "^2026-12-01T10:15:00Z\t2026-12-01T10:15:00\+00:00\$" - \
    cron next '*/15 * * * *' --at $from
same 'and no more' 5 "$(wc -l <out)"
expect 'so many' 0 '^2026-12-02T00:00:00Z' - cron next @daily --at $from -n 2
same 'two' 2 "$(wc -l <out)"
same 'a period' '2026-12-01T10:01:30Z' \
    "$("$SLOTQ" cron next '@every 90s' --at $from -n 1 | cut -f 1)"
json='{"time_ms":1796169600000,"utc":"2026-12-02T00:00:00Z","zone":"UTC",'
same 'as JSON' "$json\"local\":\"2026-12-02T00:00:00+00:00\"}" \
    "$("$SLOTQ" cron next @daily --at $from -n 1 --json)"
expect 'from now on' 0 '^20[0-9-]+T00:00:00Z' - cron next @daily -n 1
holds 'now is not past' test "$(cut -f 1 out)" \> "$(date -u +%FT%TZ -d '-1 day')"

expect 'a field' 2 - '^slotq: cron: minute 60 is out of range: 0 to 59$' cron next '60 * * * *'
expect 'six fields' 2 - 'has 6 fields; it must have 5' cron next '0 0 * * * *'
expect 'a spec without quotes' 2 - '^slotq: cron next takes one argument, not 5: quote the spec' \
    cron next 30 2 '*' '*' '*'
expect 'no time' 3 - 'no time in the next 8 years' cron next '0 0 31 2 *'
expect 'another word' 2 - 'cron last: must be next' cron last @daily
expect 'no such zone' 2 - 'zone Mars/Olympus: .*/Mars/Olympus: No such file or directory' \
    cron next @daily --zone Mars/Olympus
expect 'a way out of the folder' 2 - 'a zone must be a name such as Europe/Berlin' \
    cron next @daily --zone ../../etc/passwd
expect 'a moment' 2 - "\-\-at soon: must be a time such as" cron next @daily --at soon

# A folder of zones is TZDIR, or the system's. No test reads it where it is missing.
mkdir zones
TZDIR=$PWD/zones expect 'another folder' 2 - \
    "zone Europe/Berlin: $PWD/zones/Europe/Berlin: No such" cron next @daily --zone Europe/Berlin
mkfifo zones/Pipe
mkdir zones/Folder
echo 'not a zone' >zones/Text
head -c 70000 /dev/zero >zones/Large
for name in Pipe Folder Large; do
    TZDIR=$PWD/zones expect "$name is not a file of a zone" 2 - \
        "zone $name: $PWD/zones/$name is not a file of at most 65536 bytes" \
        cron next @daily --zone $name
done
TZDIR=$PWD/zones expect 'other bytes' 2 - \
    "zone Text: the file $PWD/zones/Text does not have the header of a zone" \
    cron next @daily --zone Text
TZDIR=/$(printf '%0600d' 0) expect 'a long folder' 2 - 'the path of TZDIR is too long' \
    cron next @daily --zone Europe/Berlin
first() { # ARGUMENT...: the next time, a blank for the tab
    "$SLOTQ" cron next "$@" -n 1 | tr '\t' ' '
}
if [ -f /usr/share/zoneinfo/Europe/Berlin ]; then
    same 'a gap' '2027-03-28T01:00:00Z 2027-03-28T03:00:00+02:00' \
        "$(first '30 2 * * *' --zone Europe/Berlin --at 2027-03-28T00:00:00Z)"
    same 'a fold' '2026-10-25T00:30:00Z 2026-10-25T02:30:00+02:00' \
        "$(first '30 2 * * *' --zone Europe/Berlin --at 2026-10-25T00:00:00Z)"
    same 'west' '2026-12-02T05:00:00Z 2026-12-02T00:00:00-05:00' \
        "$(first @daily --zone America/New_York --at $from)"
    same 'WHEN without a zone is of TZ' '2026-12-01T05:01:00Z 2026-12-01T14:01:00+09:00' \
        "$(TZ=America/New_York first '* * * * *' --zone Asia/Tokyo --at 2026-12-01T00:00)"
    if [ -f /usr/share/zoneinfo/right/Europe/Berlin ]; then
        expect 'leap seconds' 2 - 'right/Europe/Berlin counts leap seconds' \
            cron next @daily --zone right/Europe/Berlin
    fi
else
    skip 'times in zones' 'no zones in /usr/share/zoneinfo (Debian, tzdata)'
fi
finish
