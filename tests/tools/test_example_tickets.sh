#!/bin/bash
# test_example_tickets.sh: the example tickets proves what it says in a small form, in Redis and in
# a file.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/example_cases.sh
. "$source_folder/tests/tools/example_cases.sh"

# Five consumers that a busy machine held up begin once more, and are shown again.
shows() { # where
    holds "$1: a bar for each consumer" \
        test "$(grep -cE '^  consumer [1-5]  #+ +[0-9]+ ' out)" -ge 6
    same "$1: both groups before and after" 4 "$(grep -cE '^ +[01]( +[0-9,]+){4}$' out)"
    holds "$1: the last entry" grep -q '^  last  entry   id 300, .* ticket-id 299, ' out
}

proves tickets --tickets 300 --work-ms 5
shows Redis
proves tickets --tickets 300 --work-ms 5 --file 1
shows file
unwritten tickets --tickets 50 --work-ms 1

example tickets --help
same 'help: exit' 0 $?
holds 'help names the options' grep -q -- '--work-ms  *N .*default 10' out
unwritten tickets --help
refuses tickets 2 'needs a number, 50 to 20000' --tickets 49
refuses tickets 2 'needs a number, 0 to 1' --file tickets.slotq
SLOTQ_REDIS_SERVER=$work_folder/nothing refuses tickets 3 'skipped: there is no redis-server'

ends_with tickets TERM --tickets 20000
has_a_file() { compgen -G "$TMPDIR/slotq-example-*/tickets.slotq" >.seen; }
"$SLOTQ_BUILD/examples/tickets" --file 1 >out 2>err &
pid=$!
holds 'the file is there' await 60 has_a_file
: >"$(compgen -G "$TMPDIR/slotq-example-*")/.slotq-new-1-0" # as the end of a create leaves it
kill -TERM $pid
ends $pid
same 'in a file: SIGTERM ends it' 143 $?
same 'in a file: no folder is left' '' "$(ls "$TMPDIR")"
finish
