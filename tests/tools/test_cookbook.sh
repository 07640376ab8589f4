#!/bin/bash
# test_cookbook.sh: the recipes of tools/examples/README.md, taken out of it and run as they stand,
# each in an empty folder and an empty server. Knows where the fences are, and what must come of it.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

page=$source_folder/tools/examples/README.md
recipe() { sed -n "/^\`\`\`bash $1\$/,/^\`\`\`\$/p" "$page" | sed '1d;$d'; }

start_server
mkdir words
printf '#!/bin/sh\nexec %s -s %s "$@"\n' "$(command -v redis-cli)" "$server_folder/socket" \
    >words/redis-cli
chmod +x words/redis-cli
export PATH=$PWD/words:${SLOTQ%/*}:$PATH
export LUA=${SLOTQ_BUILD%/asan}/lua
here=$PWD
tried=''

# try NAME: runs it; its end is in tail.
try() {
    tried="$tried $1"
    redis flushall >.seen
    rm -rf "$here/recipe" && mkdir "$here/recipe" && cd "$here/recipe" || exit 1
    recipe "$1" >run.sh
    if bash -eu -o pipefail run.sh >log 2>err; then ok "$1 runs"; else
        not_ok "$1 runs" "$(tail -n 5 log err)"
    fi
}
last() { # how many of its last lines
    tail -n "$1" log
}

try outbox
same 'outbox: one mail' 1 "$("$SLOTQ" stats mail --json | sed -E 's/.*"used":([0-9]+).*/\1/')"
holds 'outbox: for the order' grep -q 'mail for order 17$' log
holds 'outbox: the second is known' grep -qx known log

try spool
same 'spool: both, once each' 'm1 to ann;m2 to bob;' \
    "$(last 2 | grep -oE 'm[12] to .*' | tr '\n' ';')"
same 'spool: nothing is left in the file' 0 \
    "$("$SLOTQ" -u spool stats mail --json | sed -E 's/.*"unfinished":([0-9]+).*/\1/')"

try tenants
same 'tenants: all' 'ann: one;ann: three;ann: two;bob: four;' "$(last 4 | tr '\n' ';')"

if unshare --pid --fork true 2>.seen; then
    try containers
    same 'containers: each once' 100 "$(last 1)"
else
    tried="$tried containers"
    skip containers 'no PID namespace can be made here'
fi

try backup
same 'backup: the copy has all' 'one two three' "$(last 3 | awk '{ print $NF }' | xargs)"
same 'backup: the restored one too' 3 \
    "$("$SLOTQ" stats restored --json | sed -E 's/.*"used":([0-9]+).*/\1/')"

try list
same 'list: in order' 'one two three' "$(last 3 | awk '{ print $NF }' | xargs)"
same 'list: it is empty' 0 "$(redis llen old)"
try streams
same 'streams: in order' 'one two' "$(last 2 | awk '{ print $NF }' | xargs)"
same 'streams: it is empty' 0 "$(redis xlen old)"
try bullmq
same 'bullmq: the data' '{"to":"ann"}' "$(last 1 | awk '{ print $NF }')"
same 'bullmq: nothing is left' 0 "$(redis exists bull:mail:7 bull:mail:wait)"

cd "$here" || exit 1
same 'each recipe was tried' "$(sed -nE 's/^```bash (.*)/\1/p' "$page" | sort | xargs)" \
    "$(echo "$tried" | tr ' ' '\n' | sort | xargs)"
end_server
finish
