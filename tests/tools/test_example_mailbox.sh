#!/bin/bash
# test_example_mailbox.sh: the example mailbox proves what it says, in a small form; and what all
# examples with a server share: options, a missing server, signals.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/example_cases.sh
. "$source_folder/tests/tools/example_cases.sh"

proves mailbox --mailboxes 2000 --compared 300
holds 'the table has each kind' \
    test "$(grep -cE '^  (LIST|Stream|slotq),.* [0-9,]+ +[0-9,]+ +[0-9.]+ s$' out)" = 4
holds 'a mailbox has the size of the formula' grep -q 'in 1124 bytes$' out
unwritten mailbox --mailboxes 1000 --compared 100

example mailbox --help
same 'help: exit' 0 $?
holds 'help names the options' grep -q -- '--compared  *N .*default 10000' out
refuses mailbox 2 'needs a number, 1000 to' --mailboxes 0
refuses mailbox 2 'needs a number, 1000 to' --mailboxes 5x
refuses mailbox 2 'needs a number, 1000 to' --mailboxes
refuses mailbox 2 'unknown option' --boxes 5

SLOTQ_REDIS_SERVER=$work_folder/nothing refuses mailbox 3 'skipped: there is no redis-server'
# It leaves what a server leaves that is killed as it starts.
cat >broken <<'end'
#!/bin/sh
while [ "$1" != --dir ]; do shift; done
cd "$2" && mkdir appendonlydir
: >temp-rewriteaof-1.aof
: >appendonlydir/temp-appendonly.aof.manifest
echo it cannot
exit 1
end
chmod +x broken
SLOTQ_REDIS_SERVER=$work_folder/broken refuses mailbox 1 'did not start'
holds 'with the log of the server' grep -q 'it cannot' err
same 'no folder is left' '' "$(ls "$TMPDIR")"

ends_with mailbox TERM --mailboxes 1000000 --compared 100000
ends_with mailbox KILL --mailboxes 1000000 --compared 100000
finish
