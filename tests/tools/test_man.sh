#!/bin/bash
# test_man.sh: the manual page speaks of every command and every option that there is.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

page=$source_folder/tools/man/slotq.1.scd
commands() { "$SLOTQ" help | sed -nE 's/^  ([a-z]+)  .*/\1/p' | sed '/^slotq$/d'; }

holds 'there is a page' test -s "$page"
for command in $(commands); do
    holds "it has the command $command" grep -Eq "\*$command( ls| bash)?\*" "$page"
    "$SLOTQ" help "$command" | sed -nE 's/^ +(-[a-z0-9], )?(--[a-z-]+) .*/\2/p' >options
    while read -r option; do
        grep -q -- "$option\b" "$page" || echo "$option of $command" >>missing
    done <options
done
holds 'and every option' test ! -e missing
[ ! -e missing ] || cat missing
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
if command -v scdoc >out; then
    for source in "$page" "${page%/*}/slotq-format.5.scd"; do
        scdoc <"$source" >made 2>err
        same "${source##*/} is good scdoc" 0 $?
    done
fi
finish
