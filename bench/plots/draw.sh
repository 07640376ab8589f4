#!/bin/sh
# draw.sh: the plots of a folder of results, for each whose data is there, by gnuplot where that
# is. Knows which plots there are and their data; each looks as its .gp says. Prints the names of
# what it drew.
#
# draw.sh FOLDER
set -u

folder=$(cd "${1:?a folder}" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
command -v gnuplot >/dev/null 2>&1 || exit 0
data=$(mktemp)
said=$(mktemp)
trap 'rm -f "$data" "$said"' EXIT

# A plot that cannot be drawn must not leave half of one, nor end the report.
draw() {
    [ -s "$data" ] || return 0
    if gnuplot -e "data = '$data'; out = '$folder/$1.svg'" "bench/plots/$1.gp" \
        >"$said" 2>&1; then
        echo "$1.svg"
    else
        echo "bench: $1.svg could not be drawn" >&2
        cat "$said" >&2
        rm -f "$folder/$1.svg"
    fi
}

if [ -f "$folder/raw.csv" ]; then
    for plot in throughput latency memory length; do
        rm -f "$folder/$plot.svg"
        LC_ALL=C awk -v plot=$plot -f bench/report/figures.awk -f bench/plots/data.awk \
            "$folder/contenders.tsv" "$folder/raw.csv" >"$data"
        draw $plot
    done
fi

# Of the core: "file, exclusive",256,push,reserve,ack,cycle,…; memcpy has a cycle alone.
if [ -f "$folder/cycle.csv" ]; then
    LC_ALL=C awk 'NR > 1 {
        name = $0
        rest = $0
        sub(/^("[^"]*"|[^,]*),/, "", rest)
        name = substr(name, 1, length(name) - length(rest) - 1)
        gsub(/"/, "", name)
        split(rest, field, ",")
        whole = field[2] == "" ? field[5] : field[2] + field[3] + field[4]
        printf "%s%s\t%s\t%s\t%s\t%s\t%s\n", name, field[1] == 1 ? "" : ", " field[1] " a call",
            field[2] == "" ? whole : 0, field[2] + 0, field[3] + 0, field[4] + 0, whole
    }' "$folder/cycle.csv" >"$data"
    draw cycle
fi
