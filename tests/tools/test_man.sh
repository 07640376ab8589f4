#!/bin/bash
# test_man.sh: the manual page speaks of every command and every option that there is.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

page=$source_folder/tools/man/slotq.1.scd
commands() { "$SLOTQ" help | sed -nE 's/^  ([a-z]+)  .*/\1/p' | sed '/^slotq$/d'; }

holds 'there is a page' test -s "$page"
for command in $(commands); do
    holds "it has the command $command" grep -Eq "\*$command( ls| bash| next)?\*" "$page"
    "$SLOTQ" help "$command" | sed -nE 's/^ +(-[a-z0-9], )?(--[a-z-]+) .*/\2/p' >options
    while read -r option; do
        grep -q -- "$option\b" "$page" || echo "$option of $command" >>missing
    done <options
done
holds 'and every option' test ! -e missing
[ ! -e missing ] || cat missing
# section COMMAND: what the page says of it.
section() {
    awk -v command="$1" '
        /^\*[a-z]/ || /^# / {inside = 0}
        index($0, "*" command "*") == 1 || index($0, "*" command " ") == 1 {inside = 1}
        inside' "$page"
}
# The help's defaults, as in (default 30s), stand in the page as in (30s); -g is always 0.
for command in $(commands); do
    section "$command" >described
    "$SLOTQ" help "$command" | sed -nE '/--group/d
        s/^ +(-[a-z0-9], )?(--[a-z-]+) .*\(default ([0-9][^,)]*)[,)].*/\2 \3/p' >options
    while read -r option usual; do
        compared=$((${compared:-0} + 1))
        grep -qE "\(${usual}[);]" described ||
            echo "default $usual of $option is not in the section of $command" >>other
    done <options
done
holds 'its defaults are those of the help' test ! -e other -a "${compared:-0}" -ge 18
[ ! -e other ] || cat other
# So do the ranges of create, which a refusal names.
section create | sed -nE 's/^.*\*(--[a-z-]+)\* .*, ([0-9]+ to [0-9]+).*/\1 \2/p' >ranges
same 'create has eleven ranges' 11 "$(wc -l <ranges | xargs)"
while read -r option range; do
    "$SLOTQ" create none "$option" 999999999999 2>err
    tr -d , <err | grep -qE "[^0-9]$range([^0-9]|\$)" ||
        echo "$option: $range; $(cat err)" >>outside
done <ranges
holds 'and they are those that the command keeps to' test ! -e outside
[ ! -e outside ] || cat outside
same 'and all the exit codes' "$("$SLOTQ" help | sed -nE 's/^ +([0-9]+)  .*/\1/p' | xargs)" \
    "$(sed -nE '/generated: exits/,/end generated/ s/^([0-9]+) .*/\1/p' "$page" | xargs)"
# A line of an indented paragraph begins with a tab, but behind a break (++).
same 'no paragraph falls back to the margin' '' "$(awk '
    /```/ {literal = !literal}
    literal {next}
    /^$/ {inside = 0}
    inside && !/^\t/ && before !~ /\+\+$/ {print FILENAME ": " FNR}
    /^\t/ {inside = 1}
    {before = $0}' "${page%/*}"/*.scd)"
# make_without_scdoc TARGET...: make with a PATH in which scdoc is not found.
mkdir without
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do # of two programs of one name the first stays
    ln -s "$folder"/* without/ 2>err
done
rm -f without/scdoc
make_without_scdoc() {
    env -u MAKEFLAGS -u MAKELEVEL PATH="$PWD/without" make -C "$source_folder" "$@" 2>&1
}
make_without_scdoc man >said
same 'make man without scdoc goes on' 0 $?
holds 'and says which package is missing' grep -q '^no man pages were made: .*install scdoc' said
make_without_scdoc -n install DESTDIR="$PWD/installed" >said
holds 'so does make install, at its end' eval 'tail -n 2 said | grep -q "no man pages were made"'
if command -v scdoc >out; then
    env -u MAKEFLAGS -u MAKELEVEL make -C "$source_folder" man >said 2>&1
    holds 'with scdoc nothing is missing' eval '! grep -q "no man pages" said'
    holds 'and the page is there' test -s "$source_folder/build/man/slotq.1"

    for source in "$page" "${page%/*}/slotq-format.5.scd"; do
        scdoc <"$source" >made 2>err
        same "${source##*/} is good scdoc" 0 $?
    done
else
    skip 'the man pages are good scdoc' 'scdoc is not on the PATH'
fi
# ---- what both say alike ----
says() { # name, words, COMMAND of the help; line breaks do not count
    holds "the page: $1" eval "tr -s '\n\t ' ' ' <\"\$page\" | sed 's/[*_]//g' | grep -qF -- '$2'"
    [ -z "${3:-}" ] ||
        holds "help $3: $1" eval "'$SLOTQ' help $3 | tr -s '\n ' ' ' | grep -qF -- '$2'"
}
says 'reason 0 is also that of none' 'given, or the lease ended; 255' dead
says 'when a token ends' 'it is made ready again: after its lease has ended'
says 'move takes no key along' 'it was pushed with (push --key) is not taken along' move
finish
