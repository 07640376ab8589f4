#!/bin/bash
# test_client_python.sh: the client of tools/clients/python on a private server: the conformance
# vectors and its own tests. A test of unittest is a case here.
# shellcheck disable=SC2016 # words that eval reads

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/tools/cases.sh
. "$here/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$here/private_server.sh"

python=/usr/bin/python3
if ! "$python" -c 'import redis' 2>.seen; then
    if [ -n "${CI:-}" ]; then
        not_ok 'there is a redis module, as CI is set'
    else
        skip 'the client for Python' 'no redis module for /usr/bin/python3'
    fi
    finish
    exit
fi

start_server
# the offset of the byte that says what clients wait for, as the format has it
SLOTQ_AT_WAKE=$(sed -n 's/^SLOTQ_FIELD(shared, wake, \([0-9]*\), .*/\1/p' \
    "$source_folder/engine/layout/fields/shared.def")
export SLOTQ_AT_WAKE SLOTQ_TEST_SOCKET=$server_folder/socket
export PYTHONPATH=$source_folder/tools/clients/python PYTHONDONTWRITEBYTECODE=1
"$python" -W ignore::ResourceWarning -m unittest -v test_vectors test_slotq >told 2>&1
code=$?
while read -r name; do ok "$name"; done < <(sed -n 's/ \.\.\. ok$//p' told)
while read -r name; do
    not_ok "$name" "$(grep -A 30 -m 1 '^======' told)"
done < <(sed -nE 's/ \.\.\. (FAIL|ERROR)$//p' told)
if [ "$code" != 0 ] && [ "$failed" = 0 ]; then
    not_ok 'the tests run to their end' "$(tail -n 30 told)"
fi
holds 'some tests ran' test "$passed" -gt 5

# ---- the page's example, as it stands there ----

page=$source_folder/tools/clients/python/README.md
redis flushall >flushed
awk '$0 == "```python" { inside = 1; next } $0 == "```" { inside = 0 } inside' "$page" |
    sed "s|redis.Redis()|redis.Redis(unix_socket_path='$server_folder/socket')|" >example.py
holds 'the example runs' eval '"$python" example.py >said'
same 'the example says what it does' "$(printf 'OK [1, 2]\n1 1 to ada\n2 1 to bob')" "$(cat said)"
same 'both are acked' 2 "$("$SLOTQ" stats mail -g 0 --json | sed -E 's/.*"acked":"?([0-9]+).*/\1/')"
finish
