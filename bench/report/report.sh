#!/bin/sh
# report.sh: report.md and the pictures of a folder of results, from what lies there: machine.txt,
# core.md and redis.md as the programs wrote them, raw.csv and contenders.tsv of the peers. Knows
# the order of the parts; measures nothing and can be run again.
#
# report.sh FOLDER
set -u

folder=$(cd "${1:?a folder}" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
here=bench/report

from_raw() { # program and its words: of raw.csv
    program=$1
    shift
    LC_ALL=C awk "$@" -f $here/figures.awk -f "$here/$program" \
        "$folder/contenders.tsv" "$folder/raw.csv"
}

# Who took part, how set up, goes to the machine's facts; it may have been there before.
settings() {
    sed '/^settings:$/,$d' "$folder/machine.txt"
    [ -f "$folder/contenders.tsv" ] || return 0
    echo "settings:"
    LC_ALL=C awk -F '\t' '{
        if (!($1 in text)) {
            order[++count] = $1
        }
        said = $4 == "" ? $2 : "left out, " $4
        text[$1] = "- " $1 (said == "" ? "" : ": " said)
    }
    END {
        for (i = 1; i <= count; i++) {
            print text[order[i]]
        }
    }' "$folder/contenders.tsv" | LC_ALL=C awk -f $here/wrap.awk
}

parts() {
    echo "# slotq bench"
    echo
    sed '/^settings:$/,$d; s/^/- /' "$folder/machine.txt"
    echo
    [ ! -f "$folder/ended.txt" ] || {
        echo "**Some measurements ended early:**"
        echo
        cat "$folder/ended.txt"
        echo
    }
    if [ -f "$folder/raw.csv" ]; then
        echo "## Targets beside the peers"
        echo
        echo "Medians of the rounds; a ratio is taken within a round."
        echo
        from_raw targets.awk
        from_raw tables.awk -v drawn="$drawn"
    fi
    case " $drawn " in
    *' cycle.svg '*) printf '![Push, reserve, ack with no server](cycle.svg)\n\n' ;;
    esac
    for part in core redis; do
        [ ! -f "$folder/$part.md" ] || cat "$folder/$part.md"
    done
}

drawn=$(sh bench/plots/draw.sh "$folder" | tr '\n' ' ')
if [ -f "$folder/machine.txt" ]; then
    settings >"$folder/machine.new" && mv "$folder/machine.new" "$folder/machine.txt"
fi
parts >"$folder/report.new" || exit 1
LC_ALL=C awk -f $here/wrap.awk "$folder/report.new" | cat -s >"$folder/report.md"
rm -f "$folder/report.new"
