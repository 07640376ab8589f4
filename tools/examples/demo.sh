#!/bin/bash
# demo.sh: five thousand real files through a queue and four workers, one of them killed, and
# whether anything was lost. Knows the slotq command from outside, as its users do.
#
# demo.sh SLOTQ [FOLDER]      SLOTQ: the command; FOLDER: made afresh (default: build/demo)
# With REDIS=1 in the environment the queue is in a private redis-server (the program
# SLOTQ_REDIS_SERVER, where that is given), ended at the end.
set -u
export LC_ALL=C

slotq=$(realpath -- "${1:?the slotq command}") || exit 2
build=$(dirname "$(dirname "$slotq")")
folder=$(realpath -m -- "${2:-$build/demo}")
unset SLOTQ_URL REDISCLI_AUTH
handler=$build/examples/hash_file
acked=0 redelivered=0 dead=0
workers=4
lease_ms=2000
most_messages=5000

fail() {
    printf '%s\n' "demo: $*" >&2
    grep -hv ': acked after ' "$folder"/worker-*.log 2>/dev/null | tail -n 5 >&2
    exit 1
}

bar() { # done, all
    [ -t 2 ] || return 0
    local filled=$(($1 * 40 / $2)) full='########################################'
    printf '\r  [%-40s] %d of %d' "${full:0:filled}" "$1" "$2" >&2
    [ "$1" -lt "$2" ] || printf '\r%60s\r' '' >&2
}

# Sets acked, redelivered and dead to what the queue says.
read_stats() {
    local stats name
    stats=$("$slotq" stats demo --json) || fail "no stats"
    for name in acked redelivered dead; do
        [[ $stats =~ \"$name\":\ ?([0-9]+) ]] || fail "stats has no $name: $stats"
        printf -v "$name" %s "${BASH_REMATCH[1]}"
    done
}

ms() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# ---- the server ----

server='' server_folder='' server_program=${SLOTQ_REDIS_SERVER:-redis-server}

start_server() {
    command -v "$server_program" >/dev/null || fail "there is no redis-server: apt-get install it"
    server_folder=$(mktemp -d) || exit 1 # the path of a socket must be short
    "$server_program" --port 0 --unixsocket "$server_folder/socket" --unixsocketperm 700 \
        --dir "$server_folder" --save '' --appendonly yes --daemonize no \
        >"$server_folder/log" 2>&1 &
    server=$!
    disown "$server"
    export SLOTQ_URL=unix://$server_folder/socket
    local tries=1200
    until "$slotq" ls >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ $tries = 0 ] || ! kill -0 "$server" 2>/dev/null; then
            fail "redis-server did not start: $(tail -n 3 "$server_folder/log")"
        fi
        sleep 0.05
    done
}

end_server() {
    [ -n "$server" ] || return 0
    kill "$server" 2>/dev/null
    while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
    server=''
    rm -rf "$server_folder"
}

# ---- the input ----

make_queue() {
    rm -rf "$folder"
    mkdir -p "$folder" || exit 1
    cd "$folder" || exit 1
    find /usr/include /usr/share/doc -type f -print0 2>/dev/null | sort -z |
        head -z -n "$most_messages" >files
    messages=$(tr -cd '\0' <files | wc -c)
    [ "$messages" -ge 30 ] || fail "only $messages files under /usr/include and /usr/share/doc"
    local longest
    longest=$(tr -c '\0' x <files | tr '\0' '\n' | wc -L)
    local where=$folder
    if [ -n "${REDIS:-}" ]; then
        start_server
        where="a private redis-server ($("$server_program" --version | grep -o 'v=[0-9.]*'))"
    fi
    echo "demo: $messages files under /usr/include and /usr/share/doc; queue in $where"
    "$slotq" -q create demo --slots "$messages" --payload "$longest" --dead 20 \
        --max-attempts 4 >create.log || fail "create: exit $?"
    "$slotq" -q push demo -0 <files || fail "push: exit $?"
}

# ---- the work ----

declare -a worker_pids=()
declare -A survivors=() # the workers that were not killed
killed=''

start_workers() {
    export DEMO_LOG=$folder/handled DEMO_FLAKY_EVERY=$((messages / 20))
    export DEMO_FAILING=$((messages / 2 + 1))
    : >"$DEMO_LOG"
    set -m # a process group each
    local i
    for ((i = 0; i < workers; i++)); do
        "$slotq" -q work demo -v --drain --lease ${lease_ms}ms --backoff 50ms..1s -- "$handler" \
            >"worker-$i.log" 2>&1 </dev/null &
        worker_pids+=($!)
    done
    set +m
}

end_all() {
    local pid
    for pid in "${worker_pids[@]}"; do
        kill -KILL -- "-$pid" 2>/dev/null
    done
    end_server
}
trap end_all EXIT
trap 'exit 130' INT TERM

any_runs() {
    local pid
    for pid in "${worker_pids[@]}"; do
        [ "$pid" != "$killed" ] && kill -0 "$pid" 2>/dev/null && return 0
    done
    return 1
}

run_workers() {
    local started
    started=$(ms)
    start_workers
    while any_runs; do
        sleep 0.05
        read_stats
        bar "$acked" "$messages"
        if [ -z "$killed" ] && [ "$acked" -ge $((messages / 3)) ]; then
            killed=${worker_pids[0]}
            disown "$killed" # or the shell has a word to say about its end
            kill -KILL -- "-$killed" || fail "no worker left to kill at $acked messages"
        fi
        [ $(($(ms) - started)) -lt 600000 ] || fail "not done after ten minutes"
    done
    bar 1 1
    elapsed_ms=$(($(ms) - started))
    [ -n "$killed" ] || fail "the workers ended before a third was done"
    local pid
    for pid in "${worker_pids[@]}"; do
        [ "$pid" != "$killed" ] || continue
        wait "$pid" || fail "a worker ended with exit $?"
        survivors[$pid]=yes
    done
    worker_pids=()
}

# ---- the comparison ----

# Why attempt $2 of message $1 came about, by what is known of the attempt before it.
explain() {
    local before=$1.$(($2 - 1))
    if [ -n "${failed[$before]:-}" ]; then
        on_purpose=$((on_purpose + 1))
    elif [ -z "${survivors[${by[$before]:-none}]:-}" ]; then
        # The killed worker's: it had not begun, or began as an orphan with another parent.
        by_kill=$((by_kill + 1))
    elif [ -n "${lapsed[$before]:-}" ]; then
        by_lease=$((by_lease + 1))
    else
        unexplained=$((unexplained + 1))
    fi
}

# Leases that their workers found to be another worker's.
read_lapsed() {
    local id attempt
    while read -r id attempt; do
        lapsed[$id.$attempt]=yes
    done < <(sed -nE 's/^slotq: demo: message ([0-9]+), attempt ([0-9]+): lease lost.*/\1 \2/p' \
        worker-*.log)
}

read_log() {
    local what id attempt worker hash
    while read -r what id attempt worker _ hash; do
        case $what in
        start) by[$id.$attempt]=$worker ;;
        failed) failed[$id.$attempt]=yes ;;
        done)
            [ "${hashes[id]:-$hash}" = "$hash" ] || wrong=$((wrong + 1))
            hashes[id]=$hash
            ;;
        esac
    done <handled
    for id in "${!by[@]}"; do
        attempt=${id#*.}
        [ "$attempt" = 1 ] || explain "${id%.*}" "$attempt"
    done
}

compare() {
    declare -A by=() failed=() lapsed=()
    declare -a hashes=() expected=()
    on_purpose=0 by_kill=0 by_lease=0 unexplained=0 wrong=0 lost=0
    "$handler" --list <files >expected || fail "the plain run: exit $?"
    mapfile -t -O 1 expected <expected
    read_lapsed
    read_log
    local id
    for ((id = 1; id <= messages; id++)); do # ids are dense: message n is the n-th path
        if [ -z "${hashes[id]:-}" ]; then
            [ "$id" = "$DEMO_FAILING" ] || lost=$((lost + 1))
        elif [ "${hashes[id]}" != "${expected[id]}" ]; then
            wrong=$((wrong + 1))
        fi
    done
}

judge() {
    read_stats
    local explained=$((on_purpose + by_kill + by_lease))
    [ "$lost" = 0 ] || fail "$lost messages were never handled"
    [ "$wrong" = 0 ] || fail "$wrong hashes differ from the plain run"
    [ "$unexplained" = 0 ] || fail "$unexplained repeats are not explained"
    [ "$dead" = 1 ] || fail "$dead dead messages instead of one"
    [ $((acked + dead)) = "$messages" ] || fail "$acked done + $dead dead"
    [ "$redelivered" -ge "$explained" ] || fail "$redelivered redelivered, $explained seen"
    "$slotq" -q check demo >check.log || fail "check: exit $?"
}

# What is left of a queue in Redis is put where that of a file is.
keep() {
    [ -n "$server" ] || return 0
    "$slotq" -q copy demo "$folder" || fail "copy: exit $?"
    end_server
}

tell() {
    local bytes command=$slotq where=$folder left='the queue that is left'
    bytes=$(stat -c %s demo.slotq)
    [ -z "${REDIS:-}" ] || left='a copy of the queue, in a file now'
    [[ $command == "$OLDPWD"/* ]] && command=${command#"$OLDPWD"/}
    [[ $where == "$OLDPWD"/* ]] && where=${where#"$OLDPWD"/}
    echo "
  messages         $messages
  done             $acked, every hash as in a plain run, nothing lost
  redelivered      $redelivered: $on_purpose failed on purpose, $by_kill by the SIGKILL of a \
worker, $by_lease by a lease that ran out
  dead             $dead, which always failed
  messages/s       $((messages * 1000 / (elapsed_ms + 1))) with $workers workers, a process a \
message, one worker killed at a third
  bytes a message  $((bytes / messages)).$((bytes * 10 / messages % 10)), room for the longest \
path included

Try on $left:
  $command -u $where stats demo
  $command -u $where dead ls demo
  $command -u $where dump demo | head -n 60"
}

make_queue
run_workers
compare
judge
keep
tell
