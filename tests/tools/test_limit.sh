#!/bin/bash
# test_limit.sh: the command limit: what it sets, shows and refuses, and what limits let a worker
# and a reserve take. Times are judged by outcomes, never by a clock.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

tab=$'\t'
shown() { "$SLOTQ" limit "$@"; }

# ---- in flight ----
fresh q --slots 100 --groups 2
seq 10 | "$SLOTQ" push q -q
same 'a new queue has none' "0$tab-$tab-$tab-" "$(shown q -g 0)"
same 'of every group' 2 "$(shown q | grep -c .)"
expect 'setting one says nothing' 0 - - limit q --in-flight 3
same 'it is shown' "0${tab}3$tab-$tab-" "$(shown q -g 0)"
same 'the other group has none' "1$tab-$tab-$tab-" "$(shown q -g 1)"
"$SLOTQ" reserve q -n 10 --lease 1h >leased
same 'a reserve takes three' 3 "$(grep -c . leased)"
expect 'and then none' 3 - 'limits of group 0' reserve q
expect 'another group takes what it wants' 0 '10$' - reserve q -g 1 -n 10
"$SLOTQ" ack q "$(head -n 1 leased | cut -f 1)"
expect 'an ack lets one go' 0 '4$' - reserve q -n 10 --lease 1h
expect 'which is all' 3 - 'limits of group 0' reserve q
"$SLOTQ" reserve q --wait 1m --lease 1h >waited &
waiter=$!
"$SLOTQ" nack q "$(tail -n 1 leased | cut -f 1)"
ends "$waiter"
same 'one that waits goes on when a lease ends' 1 "$(grep -c . waited)"

# ---- rate ----
fresh r --slots 100
seq 10 | "$SLOTQ" push r -q
"$SLOTQ" limit r --rate 1/d --burst 2
same 'rate and burst are shown' "0$tab-${tab}1/d${tab}2" "$(shown r)"
expect 'two go at once' 0 '2$' - reserve r -n 10
expect 'the third does not' 3 - 'limits of group 0' reserve r
expect 'stats tell' 0 'limit' - stats r
"$SLOTQ" limit r --in-flight 7
same 'a limit that is not given stays' "0${tab}7${tab}1/d${tab}2" "$(shown r)"
"$SLOTQ" limit r --off --in-flight 9
same 'except with --off' "0${tab}9$tab-$tab-" "$(shown r)"
expect 'then the rest goes' 0 '9$' - reserve r -n 10
expect 'in JSON' 0 '"max_leased": ?9' - limit r --json

# ---- a worker takes no more ----
fresh w --slots 100
seq 40 | "$SLOTQ" push w -q
"$SLOTQ" limit w --in-flight 2
mkdir running
"$SLOTQ" work w -j 8 --drain -- sh -c \
    'mkdir running/$$ && ls running | wc -l >>most && rmdir running/$$' >/dev/null 2>&1
same 'a worker runs all jobs' 40 "$(number w acked)"
holds 'never more than two at a time' test "$(sort -n most | tail -n 1)" -le 2

# ---- what is refused changes nothing ----
expect 'a rate without a time' 2 - 'rate 5: must be' limit r --rate 5
expect 'a rate of nothing' 2 - 'must be' limit r --rate 0/s
expect 'none in flight' 2 - 'in-flight' limit r --in-flight 0
expect 'more than 65,535 in flight' 2 - '65,?535' limit r --in-flight 65536
expect 'a group that is not there' 2 - 'group' limit r -g 5 --in-flight 1
expect 'a queue that is not there' 3 - 'slotq ls' limit none --in-flight 1
same 'all is as before' "0${tab}9$tab-$tab-" "$(shown r)"

finish
