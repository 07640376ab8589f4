#!/bin/bash
# test_completion.sh: the completion of bash, run as bash runs it, and of zsh and fish.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

"$SLOTQ" -q create jobs
"$SLOTQ" -q create 'two words'
"$SLOTQ" -q create '$(touch trapped)'
mkdir other
"$SLOTQ" -q -u other create mail
expect 'the script' 0 'complete -F _slotq slotq' - completion bash
cp out script
holds 'it is bash' bash -n script
# shellcheck disable=SC1091 # made above
. ./script
expect 'another shell' 2 - 'must be bash, zsh or fish' completion csh
expect 'one shell at a time' 2 - 'too many operands' completion bash zsh
PATH=${SLOTQ%/*}:$PATH

complete_line() { # words; the last is the one to be completed
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _slotq
    printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
}

same 'commands' 'pause peek purge push' "$(complete_line slotq p)"
same 'every command' "$("$SLOTQ" help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sed '/^slotq$/d' |
    sort | xargs)" "$(complete_line slotq '')"
same 'queues' 'jobs' "$(complete_line slotq push j)"
same 'a queue with a blank, quoted' 'two words' "$(complete_line slotq peek t)"
same 'what is in a name is not run' '$(touch trapped)' "$(complete_line slotq peek '$')"
holds 'not at all' test ! -e trapped
same 'queues of another folder' 'mail' "$(complete_line slotq -u other stats '')"
same 'options of a command' '--jobs --json' "$(complete_line slotq work jobs --j)"
same 'only its own' '' "$(complete_line slotq ack jobs --j | tr -d '\n' | sed 's/--json//')"
same 'after an option with a value' 'jobs' "$(complete_line slotq reserve --lease 5s j)"
same 'what an option takes' 'always os' "$(complete_line slotq --sync '')"
same 'dead ls' 'ls purge redrive remove' "$(complete_line slotq dead '')"
same 'its queue' 'jobs' "$(complete_line slotq dead ls j)"
same 'cron next' 'next' "$(complete_line slotq cron '')"
"$SLOTQ" -q create many --shards 2 --slots 2
same 'shards ls' 'add drain ls repair undrain' "$(complete_line slotq shards '')"
same 'a sharded queue, and not each shard' 'many' "$(complete_line slotq shards ls m)"
same 'a shard, if it is begun' 'many{0' \
    "$(complete_line slotq stats 'many{0' | sed 's/\..*//')"
same 'later ls' 'cancel kick ls' "$(complete_line slotq later '')"
same 'its queue, too' 'jobs' "$(complete_line slotq later ls j)"
same 'of a full dead section' 'overwrite refuse' "$(complete_line slotq create x --dead-full '')"
same 'behind an equals sign' 'jobs' "$(complete_line slotq dead redrive jobs --to = j)"
same 'where the dead go' 'jobs' "$(complete_line slotq dead redrive jobs --to j)"
same 'in another folder' 'mail' \
    "$(complete_line slotq dead redrive jobs --to-url other --to '')"
same 'the queue to move to' 'jobs' "$(complete_line slotq move jobs 1 : 5 j)"
same 'elsewhere' 'mail' "$(complete_line slotq move jobs 1 : 5 --to-url other '')"
same 'where it is' 'other' "$(complete_line slotq move jobs 1 : 5 jobs --to-url o)"
same 'pause what' 'closed in out' "$(complete_line slotq pause jobs '')"
holds 'a program to run' grep -qw bash <<<"$(complete_line slotq work jobs -- bas)"
same 'its files' 'script' "$(complete_line slotq work jobs -- cat scr)"
same 'help about' 'reclaim release remove reserve resize resume' "$(complete_line slotq help re)"

# ---- fish and zsh ----
fish_line() {
    XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD HOME=$PWD fish --no-config \
        -c 'source fish-script; complete -C $argv[1]' "$1" | cut -f 1 | xargs
}
fish_cases() {
    "$SLOTQ" completion fish >fish-script
    same 'fish: commands' 'pause peek purge push' "$(fish_line 'slotq p')"
    same 'fish: queues' 'jobs' "$(fish_line 'slotq push j')"
    same 'fish: queues of another folder' 'mail' "$(fish_line 'slotq -u other stats ')"
    same 'fish: options of a command' '--jobs --json' "$(fish_line 'slotq work jobs --j')"
    same 'fish: pause what' 'closed in out' "$(fish_line 'slotq pause jobs ')"
    same 'fish: folders' 'other/' "$(fish_line 'slotq -u oth')"
    holds 'fish: programs' grep -qw bash <<<"$(fish_line 'slotq work jobs -- bas')"
}
tmux_here() { tmux -f /dev/null -S "$PWD/tmux" "$@"; }
zsh_shows() { tmux_here capture-pane -p -t shell | grep -qE "$1"; }
zsh_line() { # what is typed, what the line becomes
    tmux_here send-keys -t shell C-u C-l && tmux_here send-keys -t shell -l "$1"
    tmux_here send-keys -t shell Tab
    holds "zsh: $1" await 20 zsh_shows "$2"
}
zsh_cases() {
    mkdir functions
    "$SLOTQ" completion zsh >functions/_slotq
    holds 'it is zsh' zsh -n functions/_slotq
    printf '%s\n' 'fpath=($PWD/functions $fpath)' 'autoload -U compinit && compinit -u -D' \
        'PS1="ready> "' >.zshrc
    ZDOTDIR=$PWD tmux_here new-session -d -s shell -x 100 -y 30 zsh
    holds 'zsh is ready' await 20 zsh_shows '^ready>'
    zsh_line 'slotq push jo' '^ready> slotq push jobs *$'
    zsh_line 'slotq peek tw' '^ready> slotq peek two\\ words *$'
    zsh_line 'slotq -u other stats ' '^ready> slotq -u other stats mail *$'
    zsh_line 'slotq dead redrive jobs --to=j' '^ready> slotq dead redrive jobs --to=jobs *$'
    zsh_line 'slotq -u oth' '^ready> slotq -u other/'
    zsh_line 'slotq p' '^push +-- push messages: each DATA'
    tmux_here kill-server
}
if command -v fish >/dev/null; then fish_cases; else skip fish 'fish is not installed'; fi
if command -v zsh >/dev/null && command -v tmux >/dev/null; then
    zsh_cases
else
    skip zsh 'zsh or tmux is not installed'
fi

# ---- queues of a server ----
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
start_server
"$SLOTQ" -q create far
"$SLOTQ" -q create 'far away'
"$SLOTQ" -q create far:off
same 'queues of a server by SLOTQ_URL' 'far far:off far away' "$(complete_line slotq push f)"
same 'behind a colon, what bash lacks' 'off' "$(complete_line slotq push far :)"
same 'and has begun' 'off' "$(complete_line slotq push far : o)"
unset SLOTQ_URL
same 'and by -u, whose colons bash breaks' 'far far:off far away' \
    "$(complete_line slotq -u unix : "${server_url#unix:}" stats f)"
same 'which is not where other queues are' 'jobs' "$(complete_line slotq stats j)"
end_server
finish
