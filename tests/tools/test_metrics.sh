#!/bin/bash
# test_metrics.sh: the metrics as Prometheus would read them: a small parser of the text format
# holds every line against its rules, and the values against stats.
# shellcheck source=tests/tools/cases.sh disable=SC2016 # words that eval or awk reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# The rules of text format 0.0.4 that matter: HELP and TYPE once and before the samples, all
# samples of a metric together, names, labels with their escapes, a number; no sample twice.
cat >parser.awk <<'AWK'
function bad(why) { print "line " NR ": " why ": " $0; failed = 1 }
/^# HELP / {
    if ($3 in helped) bad("HELP twice")
    if (NF < 4) bad("HELP without a text")
    helped[$3] = 1
    next
}
/^# TYPE / {
    if ($3 in kind) bad("TYPE twice")
    if (!($3 in helped)) bad("TYPE before HELP")
    if ($4 != "gauge" && $4 != "counter") bad("no such type")
    kind[$3] = $4
    current = $3
    next
}
/^$/ { next }
{
    name = $0
    sub(/[{ ].*/, "", name)
    if (name !~ /^[a-zA-Z_:][a-zA-Z0-9_:]*$/) bad("no name")
    if (name != current) bad("a sample apart from its metric")
    rest = substr($0, length(name) + 1)
    if (substr(rest, 1, 1) == "{") {
        rest = substr(rest, 2)
        while (substr(rest, 1, 1) != "}") {
            if (!match(rest, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["n\\])*"/)) bad("no label")
            rest = substr(rest, RLENGTH + 1)
            if (substr(rest, 1, 1) == ",") rest = substr(rest, 2)
        }
        rest = substr(rest, 2)
    }
    if (rest !~ /^ -?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?$/) bad("no value")
    key = $0
    sub(/ [^ ]*$/, "", key)
    if (key in seen) bad("a sample twice")
    seen[key] = 1
    if (kind[name] == "counter" && name !~ /_total$/) bad("a counter's name")
    samples++
}
END { exit failed || samples == 0 }
AWK
parses() { awk -f parser.awk "$1"; }
value() { # metric, labels
    grep -F "$1{$2} " out | sed 's/.* //'
}

"$SLOTQ" -q create jobs --slots 20 --payload 16 --groups 2 --max-attempts 2 --dead 4
seq 1 6 | "$SLOTQ" push jobs -q
"$SLOTQ" reserve jobs -n 4 --lease 1h >leased
mapfile -t tokens < <(cut -f 1 leased)
"$SLOTQ" ack jobs "${tokens[0]}"
"$SLOTQ" nack jobs --delay 1h "${tokens[1]}"
"$SLOTQ" kill jobs "${tokens[2]}"
"$SLOTQ" -q create 'a "b" \c'
"$SLOTQ" -q create $'new\nline'
"$SLOTQ" -q create $'caf\xc3\xa9 \xff'

expect 'metrics of all queues' 0 '^# TYPE slotq_up gauge$' - metrics
holds 'Prometheus can read them' parses out
same 'ready' 2 "$(value slotq_ready_messages 'queue="jobs",group="0"')"
same 'of the other group' 6 "$(value slotq_ready_messages 'queue="jobs",group="1"')"
same 'leased' 1 "$(value slotq_leased_messages 'queue="jobs",group="0"')"
same 'waiting' 1 "$(value slotq_waiting_messages 'queue="jobs",group="0"')"
same 'unfinished' 4 "$(value slotq_unfinished_messages 'queue="jobs",group="0"')"
same 'acked' 1 "$(value slotq_acked_total 'queue="jobs",group="0"')"
same 'died' 1 "$(value slotq_died_total 'queue="jobs",group="0"')"
same 'dead' 1 "$(value slotq_dead_messages 'queue="jobs"')"
same 'capacity' 20 "$(value slotq_capacity_slots 'queue="jobs"')"
same 'used' 6 "$(value slotq_used_slots 'queue="jobs"')"
same 'pushed' 6 "$(value slotq_pushed_total 'queue="jobs"')"
same 'bytes' "$(stat -c %s jobs.slotq)" "$(value slotq_size_bytes 'queue="jobs"')"
holds 'an age' test "$(value slotq_oldest_age_seconds 'queue="jobs",group="0"')" != ''
same 'quotes and backslashes are escaped' 1 "$(value slotq_up 'queue="a \"b\" \\c"')"
same 'newlines too' 1 "$(value slotq_up 'queue="new\nline"')"
same 'bytes that are not UTF-8 are shown' 1 "$(value slotq_up $'queue="caf\xc3\xa9 \\\\xff"')"
expect 'of those named, once each' 0 '' - metrics jobs jobs
holds 'Prometheus can read that' parses out
same 'no other' 1 "$(grep -c '^slotq_up' out)"
"$SLOTQ" pause jobs in
expect 'paused' 0 '^slotq_paused_in\{queue="jobs"\} 1$' - metrics jobs
expect 'not out' 0 '^slotq_paused_out\{queue="jobs"\} 0$' - metrics jobs
same 'no limit' 0 "$(value slotq_limit_leased_messages 'queue="jobs",group="1"')"
same 'not limited' 0 "$(value slotq_limited 'queue="jobs",group="1"')"
"$SLOTQ" limit jobs -g 1 --in-flight 2 --rate 4/s --burst 3
"$SLOTQ" reserve jobs -g 1 -n 2 >out2
expect 'limits' 0 '^slotq_limit_leased_messages\{queue="jobs",group="1"\} 2$' - metrics jobs
same 'the rate as an interval' 0.25 "$(value slotq_limit_interval_seconds 'queue="jobs",group="1"')"
same 'limited' 1 "$(value slotq_limited 'queue="jobs",group="1"')"
same 'the other group is not' 0 "$(value slotq_limited 'queue="jobs",group="0"')"
printf 'x' >>$'caf\xc3\xa9 \xff.slotq'
expect 'a damaged one is down, the rest is told' 6 '^slotq_ready_messages' 'caf' metrics
holds 'and still they can be read' parses out
same 'down' 0 "$(value slotq_up $'queue="caf\xc3\xa9 \\\\xff"')"
expect 'one that is not there' 3 '^slotq_up\{queue="none"\} 0$' 'slotq ls' metrics none
expect 'JSON is elsewhere' 2 - 'ls --json' metrics --json

# ---- as other programs read them ----
timeless() { grep -v '^#' "$1" | grep -v oldest_age | cksum; }

expect 'OpenMetrics' 6 '^# TYPE slotq_pushed counter$' 'caf' metrics --openmetrics
cp out open.txt
same 'ends with EOF' '# EOF' "$(tail -n 1 open.txt)"
holds 'has units' grep -qx '# UNIT slotq_oldest_age_seconds seconds' open.txt
"$SLOTQ" metrics >text.txt 2>err
same 'both formats have the same samples' "$(timeless text.txt)" "$(timeless open.txt)"
if command -v promtool >out; then
    promtool check metrics <text.txt >linted 2>&1
    same 'promtool check metrics finds nothing' '0 ' "$? $(cat linted)"
else
    skip 'promtool check metrics' 'no promtool (apt-get install prometheus)'
fi
python=/usr/bin/python3 # where the package manager puts its modules
if "$python" -c 'import prometheus_client.openmetrics.parser' 2>err; then
    cat >parse.py <<'PYTHON'
import sys
import prometheus_client.openmetrics.parser as open_parser
import prometheus_client.parser as text_parser
parse = {"text": text_parser, "open": open_parser}[sys.argv[1]]
for family in parse.text_fd_to_metric_families(open(sys.argv[2], encoding="utf-8")):
    for sample in family.samples:
        print(family.type, sample.name, sorted(sample.labels.items()), float(sample.value))
PYTHON
    "$python" parse.py open open.txt >open.parsed 2>err
    same 'an OpenMetrics parser reads them' '0 ' "$? $(tail -n 1 err)"
    "$python" parse.py text text.txt >text.parsed 2>err
    same 'a parser of the text format too' '0 ' "$? $(tail -n 1 err)"
    same 'both find the same' "$(timeless text.parsed)" "$(timeless open.parsed)"
    same 'every sample' "$(grep -vc '^#' text.txt)" "$(wc -l <open.parsed)"
    holds 'counters as counters' grep -q "^counter slotq_acked_total .*'jobs'.* 1.0$" open.parsed
    holds 'names as they are' grep -qF "('queue', 'a \"b\" \\\\c')" open.parsed
else
    skip 'the OpenMetrics parser' \
        'no prometheus_client (apt-get install python3-prometheus-client)'
fi
mkdir empty
expect 'no queue, no sample' 0 '^# HELP slotq_up' - -u empty metrics
finish
