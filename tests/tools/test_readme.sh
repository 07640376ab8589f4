#!/bin/bash
# test_readme.sh: the examples of the README, taken out of it and run as they stand: the C one is
# compiled with warnings as errors. Knows where the fences are, not how slotq works.
set -u

source=${SLOTQ_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SLOTQ_BUILD:-$source/build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PATH=$build/bin:$PATH
passed=0
failed=0
skipped=0

check() { # what, command...
    local what=$1
    shift
    "$@" >output.now 2>&1 # which may read the output before
    local code=$?
    mv output.now output
    if [ "$code" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what (exit $code)"
        sed 's/^/    /' output
    fi
}

# example LANGUAGE: the one block of that language.
example() {
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$source/README.md" | sed '1d;$d'
}

flags() { # what a sanitized library needs to be linked
    case $build in
    *asan) echo -fsanitize=address,undefined ;;
    esac
}

example c >mail.c
example sh >jobs.sh
check 'the README has an example in C' test -s mail.c
check 'the README has an example in shell' test -s jobs.sh

# shellcheck disable=SC2046 # a list of words
check 'the C example compiles' "${CC:-cc}" -std=c11 -Wall -Wextra -Werror \
    -I "$source/engine" mail.c -o mail "$build/lib/libslotq.a" -pthread $(flags)
check 'the C example runs' ./mail
check 'it handled what it pushed' grep -qx hello output
check 'its queue is sound' slotq check letters
check 'nothing is left in it' sh -c 'slotq stats letters --json | grep -Eq "\"unfinished\": ?0"'

example 'c worker' >worker.c
# shellcheck disable=SC2046 # a list of words
check 'the worker compiles' "${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I "$source/engine" \
    worker.c -o worker "$build/lib/libslotq_worker.a" "$build/lib/libslotq.a" -pthread $(flags)
check 'the worker runs' ./worker
check 'and delivered what was pushed' grep -qx 'to ann' output

# A session: its commands, and under each what it prints, to the letter.
session() { # name, language
    example "$2" >"$1"
    sed -n 's/^\$ //p' "$1" >"$1.sh"
    grep -v '^\$ ' "$1" >"$1.wanted"
    check "the README has the session $1" test -s "$1.wanted"
}
session_runs() { # name
    bash "$1.sh" >"$1.output" # its last command may be one that exits 3 or 7
    diff "$1.wanted" "$1.output"
}
session first console
check 'the session runs and prints what it shows' session_runs first

check 'the shell example runs, each command' bash -e -o pipefail jobs.sh
check 'its commands handled the messages' grep -q 'resize dog.png' output
check 'its queue is sound' slotq check shots
check 'nothing is left in it' sh -c 'slotq stats shots --json | grep -Eq "\"unfinished\": ?0"'

# The example for Redis, on a server of our own in place of the one it names.
example bash >redis.sh
check 'the README has an example for Redis' test -s redis.sh
server_program=${SLOTQ_REDIS_SERVER:-redis-server}
if command -v "$server_program" >output; then
    "$server_program" --port 0 --unixsocket "$folder/socket" --save '' --dir "$folder" \
        --appendonly yes --appendfsync always \
        >server.log 2>&1 &
    server=$!
    disown $server
    # shellcheck disable=SC2064 # as they are now
    trap "kill -KILL $server; rm -rf '$folder'" EXIT
    for _ in {1..1200}; do # a minute, where nothing is slow
        slotq -u "unix://$folder/socket" ls >answer 2>&1 && break
        sleep 0.05
    done
    mkdir there
    sed -i "s|^export SLOTQ_URL=redis://localhost\$|export SLOTQ_URL=unix://$folder/socket|" \
        redis.sh
    check 'it names one server' grep -q "^export SLOTQ_URL=unix:" redis.sh
    check 'the example for Redis runs, each command' \
        sh -c 'cd there && bash -e -o pipefail ../redis.sh'
    mv output said
    check 'its last message waited in line' grep -Eq '^ +500  ready' said
    check 'none was lost' grep -qx 500 said
    check 'the doctor spoke' grep -q 'scripts run' said
    check 'the copy is sound' slotq -u there check mail
    session far 'console server'
    check 'the session on a server prints what it shows' \
        env SLOTQ_URL="unix://$folder/socket" bash -c "$(declare -f session_runs); session_runs far"
    session shards 'console shards'
    check 'the session of a sharded queue prints what it shows' env \
        SLOTQ_URL="unix://$folder/socket" bash -c "$(declare -f session_runs); session_runs shards"
    check 'the C example runs where the other one ended' sh -c 'cd there && ../mail'
    sed "s|\"\\.\"|\"unix://$folder/socket\"|" mail.c >far.c
    # shellcheck disable=SC2046 # a list of words
    check 'the C example compiles for Redis' "${CC:-cc}" -std=c11 -Wall -Wextra -Werror \
        -I "$source/engine" far.c -o far "$build/lib/libslotq_redis.a" \
        $(sed -n 's/^Libs.private: //p' "$build/lib/slotq_redis.pc") $(flags)
    check 'it runs there' ./far
    check 'and handled what it pushed' grep -qx hello output
    check 'in Redis' slotq -u "unix://$folder/socket" check letters
elif [ -n "${CI:-}" ]; then
    check 'there is a redis-server: apt-get install redis-server' false
else
    echo "skipped: the example for Redis: $server_program is not on the PATH"
    skipped=1
fi

[ $skipped = 0 ] && echo "$passed passed, $failed failed"
[ $skipped = 0 ] || echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
