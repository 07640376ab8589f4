#!/bin/bash
# test_report.sh: what the bench's report says of a small raw.csv whose sums are done by hand.
# Judges words and arithmetic, never a speed.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tools/cases.sh
. "$here/../tools/cases.sh"
report=$source_folder/bench/report

# contender case metric value…: a line a round
put() {
    local family=$1 contender=$2 words=$3 metric=$4 round=0 value
    shift 4
    for value in "$@"; do
        round=$((round + 1))
        echo "$family,$contender,$words,$metric,$round,$value"
    done
}

batches='batch=256 flight=8 payload=32'
single='batch=1 flight=1 payload=32'
rate='rate=10000 consumers=1'
weight='messages=10000 payload=32'
short='length=10 leased=0'
long='length=65534 leased=0'
{
    echo family,contender,case,metric,round,value
    # Of ratios 7, 9, 20 the median is 9; of medians it would be 4000 / 250 = 16.
    put cycle slotq "$batches" cycle_ns 1000 250 200
    put cycle Streams "$batches" cycle_ns 7000 2250 4000
    put cycle 'bare SETRANGE' "$batches" cycle_ns 500 125 100
    put cycle beanstalkd "$batches" cycle_ns 24900 6225 4980
    put cycle slotq "$single" cycle_ns 30000 40000 20000
    put cycle LIST "$single" cycle_ns 15000 20000 10000
    put cycle PING "$single" cycle_ns 10000 10000 10000
    put cycle PING "$single" push_ns 20000 20000 20000
    put latency slotq "$rate" p50_us 60 80
    put latency Streams "$rate" p50_us 50 40
    put latency slotq "$rate" p99_us 300 300
    put latency Streams "$rate" p99_us 200 200
    put memory slotq "$weight" ready_bytes 40
    put memory slotq "$weight" leased_bytes 40
    put memory LIST "$weight" ready_bytes 34
    put memory LIST "$weight" leased_bytes -1
    put memory Streams "$weight" ready_bytes 48
    put memory Streams "$weight" leased_bytes 400
    for verb in push take finish; do
        put growth slotq "$short" ${verb}_ns 10000 10000 10000
        put growth slotq "$long" ${verb}_ns 13000 14000 12000
    done
    put growth slotq "$long" server_p999_us 1001 1001 1001
    put full slotq 'at maxmemory' pushes 1
    put full slotq 'at maxmemory' takes 1
    put full slotq 'at maxmemory' finishes 1
    put recovery slotq 'leased=10000' first_ms 1 2
    put wonders slotq 'how=many' told_bytes 7
    printf 'cycle,slotq,%s,cycle_ns,4' "$batches" # a run that was killed
} >raw.csv
{
    printf 'slotq\tits settings\t\t\tours\tserved\tredis-server\tslotq\t\t#d9480f\n'
    printf 'Streams\tXADD\tno limit\t\tpeer\tserved\tredis-server\tslotq\t\t#9c36b5\n'
    printf 'LIST\tLPUSH\tno lease\t\tpeer\tserved\tredis-server\tslotq\t\t#0c8599\n'
    printf 'beanstalkd\t-b\t\t\tpeer\tserved\tbeanstalkd\tslotq\tembedded\t#866118\n'
    printf 'BullMQ\taddBulk\t\tthere is no node\tpeer\tserved\tnode\tslotq\t\t#2f9e44\n'
    printf 'bare SETRANGE\t\ta bound\t\tbound\tserved\tredis-server\tslotq\t\t\n'
    printf 'PING\t\ta bound\t\tbound\tserved\tredis-server\tslotq\t\t\n'
    printf 'Streams\tXADD\tno limit\t\tpeer\tserved\tredis-server\tslotq\t\t#9c36b5\n' # again
} >contenders.tsv
printf '%s\n' 'CPU: a machine' 'kernel: Linux 6.1-cloud x86' 'commit: abc' settings: '- old: gone' \
    >machine.txt
head -c 2600 /dev/zero | tr '\0' 'x' | sed 's/xxxxxxxxx/some wor /g' >core.md
echo >>core.md

holds 'a report is made' python3 "$report" report "$work_folder"

# line EXPRESSION: of the report, its blanks and bars as single ones.
line() {
    tr -s ' |-' <report.md | grep -m 1 -E "$1"
}

says() { # name, expression of the line, the line
    same "$1" "$3" "$(line "$2")"
}

target() { # name, the target's text, the rest of its line
    says "$1" "^\| $2" "| $2 | $3 |"
}

cycle='full cycle, batches of 256, 8 in flight: times as fast as'
target 'a ratio is taken within a round' "$cycle Streams" '>= 8 x | 9.00 x | 7.00–20.0 | met'
target 'what falls short is missed' "$cycle beanstalkd" \
    '>= 25 x | 24.9 x | 24.9–24.9 | **MISSED**'
target 'an absent contender is not measured' "$cycle BullMQ" '>= 100 x | | | not measured'
target 'what is just reached is met' '10,000 leased messages: bytes of Streams per byte of slotq' \
    '>= 10 | 10.0 | | met'
target 'an even count has a median between' \
    'p50 at 10,000 messages/s: slotq / sum of Streams and one PING' \
    '<= 1 x | 1.10 x | 0.86–1.33 | **MISSED**'
target 'p99 beside Streams' 'p99 at 10,000 messages/s: slotq / Streams' \
    '<= 1.5 x | 1.50 x | 1.50–1.50 | met'
target "the server's own time" \
    '65,534 messages: server time per command, p99.9' \
    '<= 1000 µs | 1001 µs | 1001–1001 | **MISSED**'
target 'growth' 'push: cost at 65,534 messages / cost at 10' \
    '<= 1.3 x | 1.30 x | 1.20–1.40 | met'
says 'messages a second, and the share of its bound' '^\| slotq .*M.*%' \
    '| slotq | | | 4.00 M | 1.00–5.00 M | | | 50 % |'
says 'a peer' '^\| Streams .*k .*9\.00' '| Streams | | | 250 k | 143–444 k | 9.00 | 7.00–20.0 | |'
says 'a faster contender is named' '^Faster' 'Faster than the slotq that it is compared with: LIST.'
says 'without a state there is no figure' '^\| LIST .*94 %' '| LIST | 34.0 | – | 0.85 | | 94 % |'
says 'a contender left out is named' 'BullMQ is' '- BullMQ is left out: there is no node.'
says 'settings' '^\| Streams \| XADD' '| Streams | XADD | no limit |'
says 'a family that it does not know' 'told, bytes' '| how=many | told, bytes |'
same 'each contender once' 1 "$(grep -c '^| Streams .*XADD' report.md)"
same 'half a line is none' '' "$(grep -F 'NaN' report.md)"
same 'no line is too long' '' "$(LC_ALL=C awk '!/^[|!#]/ && length($0) > 104' report.md)"
same 'settings are with the machine, once' 'settings: - slotq: its settings' \
    "$(sed -n '/^settings:/,$p' machine.txt | head -n 2 | tr '\n' ' ' | sed 's/ $//')"
cp report.md before.md
python3 "$report" report "$work_folder"
holds 'made again it is the same' cmp report.md before.md

if command -v gnuplot >.seen; then
    for picture in throughput latency memory length; do
        holds "$picture.svg is drawn" grep -q '</svg>' $picture.svg
        holds "$picture.svg is in the report" grep -q "]($picture.svg)" report.md
    done
else
    skip 'the plots are drawn' 'gnuplot is not on the PATH'
fi

# Any subset will do.
draws() { # picture, expression of the lines it has
    mkdir some
    grep -E "^family|$2" raw.csv >some/raw.csv
    cp contenders.tsv some/
    holds "$1 of $2 alone" sh -c "python3 '$report' plots some | grep -qx $1"
    rm -r some
}
if command -v gnuplot >.seen; then
    draws throughput.svg 'batch=1 '
    draws throughput.svg 'Streams,batch=256'
    draws memory.svg 'LIST,messages'
    draws latency.svg 'p50_us'
    draws length.svg 'length=10 '
fi
for family in cycle latency memory growth full recovery wonders; do
    mkdir only
    grep -E "^(family|$family)," raw.csv >only/raw.csv
    cp contenders.tsv machine.txt only/
    holds "$family alone" python3 "$report" report "$work_folder/only"
    same "$family alone has its table" yes \
        "$(sed '/## Targets/,/^## /d; /## Contenders/,$d' only/report.md | grep -q '^| ' &&
            echo yes)"
    rm -r only
done

finish
