#!/bin/bash
# test_redis_survival.sh: what create and doctor say that an acknowledged push survives, and that it
# does: servers of each kind are killed by SIGKILL and started again on what they left.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

written() { # nothing, where there is no log
    redis info persistence | tr -d '\r' | grep -Eq '^aof_(buffer_length|enabled):0$'
}

begin() { # options: an empty server, with a queue and one message
    rm -rf "$server_folder/appendonlydir" "$server_folder/dump.rdb"
    start_server "$@"
    "$SLOTQ" create q --slots 9 --payload 16 2>said
    "$SLOTQ" push q x >out
}

again() { # signal, options
    end_server "$1"
    shift
    start_server "$@"
    "$SLOTQ" stats q --json 2>.seen | grep -c '"last_id":1'
    end_server
}

# The options that a line is for; what it says; messages after SIGKILL.
kill_it() { # name, expression, messages, options
    local name=$1 said=$2 kept=$3
    shift 3
    begin "$@"
    holds "$name: create says it" grep -Eq "$said" said
    "$SLOTQ" doctor >told 2>err
    holds "$name: the doctor says it" grep -Eq "$said" told
    holds "$name: it is written" await 60 written
    same "$name: and so it is" "$kept" "$(again KILL "$@")"
}

kill_it 'always' 'survives SIGKILL of the server, a crash of its machine and power loss' 1 \
    --appendonly yes --appendfsync always
kill_it 'everysec' 'survives SIGKILL of the server while its disk keeps up; power loss' 1 \
    --appendonly yes --appendfsync everysec
kill_it 'no' 'survives SIGKILL of the server; power loss loses .*\(appendfsync no\)' 1 \
    --appendonly yes --appendfsync no
kill_it 'nothing' 'survives while the server runs: it keeps nothing on disk' 0
kill_it 'snapshots' 'survives a planned stop of the server; SIGKILL .* lose all since' 0 \
    --save '3600 1'
begin --save '3600 1'
same 'snapshots: a planned stop keeps it' 1 "$(again TERM --save '3600 1')"

# ---- what only a part of may be known ----
begin --appendonly yes
redis acl setuser default -config >out
"$SLOTQ" doctor >told 2>err
holds 'without CONFIG it is unknown' \
    grep -q 'is unknown: this user may not run CONFIG GET; it has an append-only file' told
redis acl setuser default +@all >out
redis config set min-replicas-to-write 0 no-appendfsync-on-rewrite yes >out
"$SLOTQ" doctor >told 2>err
holds 'a log that is not synced while it is rewritten' grep -q 'during rewrites power loss' told
redis config set min-replicas-to-write 1 >out
"$SLOTQ" doctor >told 2>err
holds 'replicas that are demanded' grep -q 'with fewer than 1 replicas it refuses pushes' told
end_server

# ---- files ----
"$SLOTQ" -u . create file 2>said
holds 'a file' grep -q 'survives SIGKILL of every process; not power loss' said
"$SLOTQ" -u . --sync always create synced 2>said
holds 'a file that is synced' grep -q 'a crash of the machine and power loss (--sync always)' said
finish
