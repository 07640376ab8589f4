#!/bin/bash
# test_example_email.sh: the example email proves what it says, in its short form: order and time of
# scheduled tasks, unique tasks, cron once, kills of the server and of workers, pause, groups, stop.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/example_cases.sh
. "$source_folder/tests/tools/example_cases.sh"

proves email --quick
same 'each part proves something' '1 2 3 4 5 6 7 8' \
    "$(awk '/^[1-8]  / { part = $1 } /^  holds / { print part }' out | uniq | xargs)"
same 'the mux finds both types' 5 "$(grep -cE '^  (email:deliver|image:resize) .* ms$' out)"
holds 'scheduled tasks are in order' \
    grep -qF 'holds  60 tasks started in the order of their times, none early' out
holds 'their lateness is printed' \
    grep -qE '^  late by: p50 [0-9.]+ ms, p99 [0-9.]+ ms, most [0-9.]+ ms$' out
holds 'a unique task names its holder' grep -qE \
    '^  task ([0-9]+) has the key .*: DUPLICATE, task \1 has it$' out
same 'the server was killed twice' 2 "$(grep -c '^  server killed: .*; restarted' out)"
same 'and two workers' 2 "$(grep -c '^  worker killed: .*; another one started$' out)"
holds 'the runs of each task are printed' grep -qE '^  runs: [0-9]+ ran 1 x; ' out
holds 'nothing was sent while paused' grep -qF 'sent while paused: 0, after resume: 10' out
holds 'lines are gathered' grep -qE '^  one mail of [0-9]+ lines: ' out
holds 'all mails are there' \
    grep -qE '^  holds  ([0-9]+) mails were asked for, \1 are in the inboxes, once each$' out

proves email --scheduled 1 --over 1 --occurrences 1 --tasks 1 --kills 0
unwritten email --scheduled 1 --over 1 --occurrences 1 --tasks 1 --kills 0
example email --help
same 'help: exit' 0 $?
holds 'help names the flag without a number' grep -qE '^  --quick  +a form' out
same 'help: its texts begin in one column' 1 \
    "$(sed -nE 's/^(  --[a-z]+ +(N +)?).*/\1/p' out | awk '{ print length }' | uniq | wc -l)"
refuses email 2 'needs a number, 0 to 20' --kills 21
refuses email 2 '5: unknown option' --quick 5
SLOTQ_REDIS_SERVER=$work_folder/nothing refuses email 3 'there is no redis-server'
ends_with email TERM --quick
ends_with email KILL --quick
finish
