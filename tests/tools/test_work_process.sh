#!/bin/bash
# test_work_process.sh: the worker as a process: ignored signals, process 1, terminals, the signals
# of a service manager, the death of the worker. On a queue in a file.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or commands read
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

fill() { # name, first, last
    seq "$2" "$3" | "$SLOTQ" push "$1" -q
}
attempts() { "$SLOTQ" status "$1" "$2" --json | sed -E 's/.*"attempts":([0-9]+).*/\1/'; }
ignored() { # process id, number of the signal
    local mask
    mask=$(sed -n 's/^SigIgn:[[:blank:]]*//p' "/proc/$1/status") && (((0x0$mask >> ($2 - 1)) & 1))
}

# ---- ignored signals ----
fresh ignore
fill ignore 1 1
( # a background job of a script ignores SIGINT
    trap '' HUP INT
    exec "$SLOTQ" work ignore -- sh -c 'echo $$ >pid; until [ -e go ]; do sleep 0.05; done; \
        touch ended' 2>said
) &
worker=$!
await 60 test -s pid
holds 'a command ignores SIGHUP as the worker did' ignored "$(cat pid)" 1
holds 'and SIGINT' ignored "$(cat pid)" 2
holds 'but not SIGTERM' eval '! ignored "$(cat pid)" 15'
holds 'nor SIGXFSZ' eval '! ignored "$(cat pid)" 25'
kill -HUP $worker
kill -INT $worker
touch go
await 60 test -e ended
fill ignore 2 2
holds 'the worker goes on after SIGHUP and SIGINT' \
    await 60 eval '[ "$(number ignore acked)" = 2 ]'
kill -TERM $worker
ends $worker
same 'SIGTERM ends it' 0 $?
holds 'it heard of nothing before' eval '! grep -q finishing said'
rm -f go pid

# ---- process 1 ----
if unshare --pid --fork --mount-proc true 2>err; then
    fresh init
    fill init 1 20
    unshare --pid --fork --mount-proc "$SLOTQ" work init --output none -- sh -c '
        (sleep 0.1 &) # an orphan
        [ "$SLOTQ_ID" -lt 20 ] || until [ -e go ]; do sleep 0.05; done' &
    worker=$!
    await 60 eval '[ "$(number init acked)" = 19 ]'
    inner=$(ps -o pid= --ppid $worker | tr -d ' ')
    # those that sleep still, and those that ended and were not reaped
    orphans() { ps -o comm= --ppid "$inner" | awk '/^sleep|defunct/ { n++ } END { print n + 0 }'; }
    await 10 eval '[ "$(orphans)" = 0 ]'
    same 'as process 1 it reaps orphans' 0 "$(orphans)"
    kill -TERM "$inner"
    touch go
    ends $worker
    same 'and ends in order' 0 $?
    rm -f go
else
    echo "skipped: process 1: PID namespaces cannot be made here: $(cat err)"
fi

# ---- the terminal ----
# In its own session with a terminal: run the words, then print what they exit with.
on_terminal() {
    python3 - "$@" <<'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
END
}
if command -v python3 >out; then
    for output in line none; do
        fresh terminal --max-attempts 1
        fill terminal 1 2
        timeout 60 bash -c "$(declare -f on_terminal); on_terminal \"\$@\"" - \
            "$SLOTQ" work terminal --drain --output $output -- sh -c '
                if [ "$SLOTQ_ID" = 1 ]; then read -r word </dev/tty; else stty tostop; stty sane; fi
                [ -e /dev/tty ]'
        same "--output $output: commands that use the terminal end" 0 $?
        same "--output $output: and are settled" 2 "$(number terminal acked)"
    done
else
    echo 'skipped: terminals: there is no python3'
fi
fresh stopped --max-attempts 1
fill stopped 1 1
expect 'a stopped command gets its SIGTERM' 0 '' '1 died' work stopped --drain --timeout 200ms -- \
    sh -c 'trap "touch told; exit 1" TERM; kill -STOP $$; sleep 600 & wait'
holds 'and can act on it' test -e told

# ---- a service manager signals all processes, the worker a little later ----
fresh all --max-attempts 9
fill all 1 4
tries=0
for ending in 'exec sleep 600' 'trap "exit 143" TERM; sleep 600 & wait'; do
    while [ $tries -lt 20 ]; do
        rm -f pid
        "$SLOTQ" work all -- sh -c "echo \$\$ >pid; $ending" 2>said &
        worker=$!
        await 60 test -s pid
        began=${EPOCHREALTIME/[.,]/}
        kill -TERM "$(cat pid)"
        sleep 0.1
        kill -TERM $worker
        took=$((${EPOCHREALTIME/[.,]/} - began))
        # One that counted a failure runs the next message, and waits for it.
        await 60 eval '! kill -0 $worker 2>err' || kill -TERM $worker
        ends $worker
        [ $took -gt 500000 ] || break # this machine is too busy to tell
        tries=$((tries + 1))
    done
    same "a command that was told to stop before its worker ($ending): released" 4 \
        "$(number all ready)"
    holds 'and so counted' grep -q '0 failed.* 1 released' said
    same 'not as an attempt' 0 "$(attempts all 1)"
    await 60 eval '[ "$(number all leased)" = 0 ]'
done
fresh alone --max-attempts 1
fill alone 1 1
expect 'without a signal for the worker exit 143 is a failure' 0 '' '1 died' \
    work alone --drain -- sh -c 'exit 143'

# ---- the death of the worker ----
fresh orphan
fill orphan 1 2
for option in '' --kill-with-worker; do
    rm -f pid
    # shellcheck disable=SC2086 # an option or none
    "$SLOTQ" work orphan $option -- sh -c 'echo $$ >pid; exec sleep 600' 2>said &
    worker=$!
    await 60 test -s pid
    disown $worker
    kill -KILL $worker
    pid=$(cat pid)
    if [ -n "$option" ]; then
        holds '--kill-with-worker: a command dies with its worker' \
            await 60 eval '! kill -0 $pid 2>err'
    else
        sleep 0.2
        holds 'without it the command goes on' kill -0 "$pid"
        kill -KILL "$pid"
    fi
done
finish
