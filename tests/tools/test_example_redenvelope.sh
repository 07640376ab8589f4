#!/bin/bash
# test_example_redenvelope.sh: the example redenvelope proves what it says: the split to the cent,
# one share for each user, one payment for each share while workers are killed, what users are told.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/example_cases.sh
. "$source_folder/tests/tools/example_cases.sh"

proves redenvelope --rounds 2 --grabs 2000
row='  70 %  30.00  41.11  52.22  63.33  74.44 125.56 136.67 147.78 158.89 170.00'
holds 'the row of 70 %' grep -qxF "$row" out
holds 'the cent that is left' grep -qF '70 %:   1.01   3.33   5.66' out
same 'six rates' 6 "$(grep -cE '^  [0-9]{2} %( +[0-9]+\.[0-9]{2}){10}$' out)"
for text in '9 cents for 10 shares: each needs at least 1 cent' 'a rate of 0 %' 'a rate of 100 %' \
    '1 share: '; do
    holds "refused: $text" grep -qF "  refused: $text" out
done
holds 'all shares are taken' grep -q 'holds  3000 grabs: 100 users have a share, 1000.00 in' out
holds 'six workers were killed' grep -q 'holds  each share was paid once.* 6 workers were' out
same 'three of them with a share that was paid' 3 "$(grep -c 'killed after it paid' out)"
holds 'a user waits in line' grep -qE '^  user [0-9]+: waiting, 99 before you$' out
holds 'one is in hand' grep -qE '^  user [0-9]+: in hand$' out
holds 'and is paid' grep -qE '^  user [0-9]+: paid$' out
holds 'the rates are printed' grep -qE 'with the queue.* ratio [0-9.]+ \([0-9.]+ to' out

proves redenvelope --users 2 --shares 2 --processes 1 --workers 1 --killed 3 --rounds 0
unwritten redenvelope --users 2 --shares 2 --rounds 0
proves redenvelope --users 500 --shares 500 --processes 7 --workers 8 --killed 20 --rounds 0
refuses redenvelope 1 'must be at least --shares' --users 10 --shares 11
refuses redenvelope 2 'needs a number, 0 to 1000' --killed 1001
SLOTQ_REDIS_SERVER=$work_folder/nothing refuses redenvelope 3 'there is no redis-server'
finish
