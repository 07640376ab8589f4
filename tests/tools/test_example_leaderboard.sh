#!/bin/bash
# test_example_leaderboard.sh: the example leaderboard proves what it says: wrong rows in pages read
# by two commands, none by one script, and each option of a page.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/example_cases.sh
. "$source_folder/tests/tools/example_cases.sh"

proves leaderboard --reads 1000
holds 'two commands show wrong rows' \
    grep -qE '^  two commands +[0-9,]+ +[0-9,]+ +[1-9][0-9,]* +[1-9][0-9,]*$' out
holds 'one script shows none' grep -qE '^  one script +[0-9,]+ +[0-9,]+ +0 +0$' out
same 'as many reads in both ways' 1 \
    "$(awk '/^  (two commands|one script) / { print $3 }' out | sort -u | wc -l)"
holds 'the wrong row is shown' \
    grep -qE 'among the gainers: coin-[0-9]+, change (-[0-9.]+|0\.00) %' out
holds 'every page is right' grep -q 'holds  480 of 480 pages are right' out
same 'a page of five' 5 "$(grep -cE '^  coin-[0-9]+ +\+[0-9.]+ %' out)"

proves leaderboard --reads 1 --coins 200
unwritten leaderboard --reads 1 --coins 200
proves leaderboard --reads 100 --coins 10000
refuses leaderboard 2 'needs a number, 200 to 10000' --coins 199
SLOTQ_REDIS_SERVER=$work_folder/nothing refuses leaderboard 3 'there is no redis-server'
finish
