#!/bin/bash
# test_top.sh: the live view, driven by keys in a real terminal multiplexer.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

expect 'without a terminal' 2 - 'top needs a terminal; without one: slotq ls' top
if ! command -v tmux >/dev/null; then
    skip top 'tmux is not installed'
    finish
fi
case $("$SLOTQ" top 2>&1 </dev/null) in *'without ncurses'*)
    skip top 'this slotq was built without ncurses'
    finish
    ;;
esac

multiplexer() { tmux -f /dev/null -S "$PWD/tmux" "$@"; }
begin() { # columns, rows, words of the command
    local columns=$1 rows=$2
    shift 2
    multiplexer new-session -d -s view -x "$columns" -y "$rows" "$* 2>view.err; echo \$? >view.code"
}
keys() { multiplexer send-keys -t view "$@"; }
screen() { multiplexer capture-pane -p -t view "$@"; }
has() { screen | grep -qE -- "$1"; }
shows() { # name, what a row is like
    await 30 has "$2" || screen | sed 's/^/    | /'
    holds "$1" has "$2"
    [ "$failed" = 0 ] || { # what follows stands on it
        multiplexer kill-server
        finish
        exit 1
    }
}
ends_with() { # exit code
    await 30 test -s view.code
    same "it ends with $1" "$1" "$(cat view.code)"
    rm -f view.code
}

"$SLOTQ" -q create jobs --slots 20 --later 10
seq 1 12 | "$SLOTQ" -q push jobs - >out
"$SLOTQ" reserve jobs -n 3 --lease 10m >tokens
sed -n 1p tokens | cut -f 1 | "$SLOTQ" -q nack jobs --delay 5m -
sed -n 2p tokens | cut -f 1 | "$SLOTQ" -q kill jobs - --reason 7
"$SLOTQ" -q push jobs --in 1h tomorrow >out
"$SLOTQ" -q create full --slots 4 --aside 0 --payload 20
"$SLOTQ" -q push full a b $'<script>\e[31m' d >out
"$SLOTQ" -q create many --shards 3 --slots 10
seq 1 7 | "$SLOTQ" -q push many - >out
"$SLOTQ" -q create 'two wörds' --groups 3
"$SLOTQ" -q pause 'two wörds'

# ---- the list ----
begin 80 24 "$SLOTQ" top
shows 'a queue' '^jobs +9 +1 +1 +1 +0 +1 '
shows 'a full one with what holds it' '^full +4 .* FULL by 1$'
shows 'a sharded one is one' '^many +7 +0 '
shows 'a paused one' '^two wörds .* paused in'
shows 'the keys' '^Enter look +s sort .* q quit$'
same 'no row is wider' '' "$(screen | awk 'length > 82')"
"$SLOTQ" -q push jobs 13 >out
shows 'a push is seen' '^jobs +10 +1 '
keys s
shows 'sorted' 'by ready'
shows 'by ready messages' '^QUEUE'
same 'the most first' 'jobs' "$(screen | sed -n 4p | cut -d ' ' -f 1)"
keys s s s
shows 'by name again' 'by name'

# ---- a queue ----
keys Home Enter
shows 'its page' '^full  4 of 4 slots'
shows 'why it is full' '^FULL: message 1 \(ready in group 0\) holds 4 slots$'
shows 'control bytes are shown, not sent' '<script>\\x1b\[31m$'
shows 'its place in line' '^message 1: ready, the next in line$'
keys Down
shows 'of the next' '^message 2: ready, behind at most 1$'
keys Escape Down Enter
shows 'another' '^jobs  13 of 20 slots'
shows 'states of messages' '^ +1 waiting +1 '
shows 'and leases' '^ +3 leased +1 '
keys Home k
shows 'kick asks' '^make 1 of jobs due now\? y/n$'
keys n
shows 'another key changes nothing' '^ +1 waiting +1 '
keys k
shows 'asks again' 'y/n$'
keys y
shows 'kicked' '^jobs: 1 is due now$'
shows 'and ready' '^ +1 ready +1 '
keys d y
shows 'removed' '^jobs: 1 is removed$'
keys 2
shows 'scheduled ones' '^ +1 .* in59m.*tomorrow$|^ +1 .* in +59m.*tomorrow$'
keys k y
shows 'due now' '^jobs: 1 is due now$'
keys 3
shows 'dead ones' '^ +2 reason 7 +1 .* 2$'
keys r y
shows 'redriven' '^jobs: 2 was pushed again, as 1[45]$'
shows 'none is dead' '^none$'
keys l
shows 'a limit is asked for' '^limit \('
keys -l 100/s
keys Enter
shows 'and set' '^jobs: group 0 has the limit 100/s$'
shows 'and shown' '^ +0 .* 100/s$'
keys p y
shows 'paused' 'paused: in and out$|paused: in, out$'
keys u y
shows 'and resumed' 'paused: no$'
same 'as the queue says' no "$("$SLOTQ" stats jobs --json | sed -E 's/.*"paused":"([a-z]+)".*/\1/')"

# ---- sizes ----
multiplexer resize-window -t view -x 200 -y 60
shows 'at 200 columns' '^ +0 .* 100/s$'
keys Escape
shows 'the strip is wide' '^jobs .*[.]{20,}$'
multiplexer resize-window -t view -x 40 -y 10
shows 'too small' '^too small: 60 x 12'
multiplexer resize-window -t view -x 80 -y 24
shows 'and well again' '^many +7 '

# ---- a queue that goes ----
keys Home Enter
shows 'inside' '^full  4 of 4'
"$SLOTQ" -q rm full -y
shows 'it is gone' '^this queue is gone$'
"$SLOTQ" -q create full --slots 9
shows 'and there again, made anew' '^full  0 of 9 slots'
cp full.slotq sound
printf '\0' | dd of=full.slotq bs=1 seek=8 conv=notrunc status=none
"$SLOTQ" check full >out 2>&1
shows 'what a damaged one shows is not called live' '^NOT LIVE: '
keys q
ends_with 0
same 'nothing on stderr' '' "$(cat view.err)"
cp sound full.slotq

# ---- no colour ----
begin 80 24 env NO_COLOR=1 "$SLOTQ" top jobs
shows 'a queue by its name' '^jobs  1[0-9] of 20 slots'
same 'without colours' 0 "$(screen -e | grep -cE $'\e\\[(3|4)[0-7]')"
keys q
ends_with 0

# ---- many queues, and a server that goes ----
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server --appendonly yes
for ((i = 1; i <= 130; i++)); do
    echo "create q$i --slots 2 --payload 8 --dead 1 --later 0 --aside 0 -q"
done | xargs -L 1 "$SLOTQ" -u "$server_url"
begin 80 24 "$SLOTQ" -u "$server_url" top --every 200ms
shows 'all are counted' '130 queues, by name'
keys End
shows 'the last' '^q99 +0 '
keys Enter
shows 'its page, over what is kept open' '^q99  0 of 2 slots'
"$SLOTQ" -q -u "$server_url" push q99 there
shows 'with its message' '^ +1 ready .* there$'
end_server
shows 'a server that is away' '^NOT LIVE: '
keys Escape
shows 'said of the list as well' '^NOT LIVE: '
keys q
ends_with 0
multiplexer kill-server 2>/dev/null
finish
