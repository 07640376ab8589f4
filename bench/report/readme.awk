# readme.awk: the part of README.md on peers, from machine.txt, contenders.tsv and raw.csv of
# bench/results. Knows what a reader who chooses wants to see; medians are of figures.awk.
#
# drawn: "throughput.svg" where there is that picture

# Figures of column c: kept as numbers too, so that the least can be told.
function put(c, who, number, text) {
    shown[c, who] = text == "" ? "–" : text
    if (number != "" && !(best[c] != "" && best[c] <= number)) {
        best[c] = number
        best_who[c] = who
    }
}

# slotq is one line, whichever way it was called: through its library where nothing else was.
function median_for(family, who, words, metric,    middle) {
    middle = median_of(family, who, words, metric)
    return middle == "" && who == "slotq" ? median_of(family, "slotq library", words, metric) : \
        middle
}

function speed(c, who, batch,    ns) {
    ns = median_for("cycle", who, cycle_case(batch), "cycle_ns")
    put(c, who, ns, ns == "" ? "" : rate_text(ns))
}

function bytes(c, who, metric,    middle) {
    middle = median_for("memory", who, "messages=10000 payload=32", metric)
    put(c, who, middle, middle == "" ? "" : digits(middle))
}

function delay(c, who, metric,    words, middle) {
    words = "rate=10000 consumers=1"
    middle = median_for("latency", who, words, metric)
    if (falls_behind(who, words)) {
        put(c, who, "", "behind")
        any_behind = 1
    } else {
        put(c, who, middle, middle == "" ? "" : time_text(1000 * middle))
    }
}

function at_limit(c, who,    words) {
    words = cases["full", 1]
    if (!has("full", who, words, "pushes")) {
        put(c, who, "", "")
    } else if (!median_of("full", who, words, "takes") || \
        !median_of("full", who, words, "finishes")) {
        put(c, who, "", "stops")
    } else {
        put(c, who, "", median_of("full", who, words, "pushes") ? "goes on" : "no push")
    }
}

FILENAME ~ /machine\.txt$/ && /^settings:$/ {
    in_settings = 1
}

FILENAME ~ /machine\.txt$/ && !in_settings {
    at = index($0, ": ")
    machine[substr($0, 1, at - 1)] = substr($0, at + 2)
}

function fact(name, before) {
    sub(/^v/, "", machine[name])
    return machine[name] != "" ? before machine[name] : ""
}

# A server's version where one of its clients took part.
function version(name, before, client,    k) {
    for (k = 1; k <= contender_count; k++) {
        if (contenders[k] ~ client && has_any("cycle", contenders[k])) {
            return fact(name, before)
        }
    }
    return ""
}

function caption(    kernel, k, left) {
    split(machine["kernel"], kernel, /[ -]/)
    print "Push, take and finish: batches with " part(cycle_case(256), "flight") \
        " in flight, or each verb of each message a round trip; medians of " rounds_most \
        " rounds in which all take turns, on " \
        fact("CPU", "") ", " kernel[1] " " kernel[2] \
        version("redis-server", ", Redis ", "^Streams") \
        version("beanstalkd", ", beanstalkd ", "^beanstalkd") \
        version("nats-server", ", nats-server ", "^NATS") \
        version("node", ", Node ", "^(BullMQ|bee-queue|RSMQ)") "; commit " machine["commit"] \
        ". p50 and p99: from when a message is due until a consumer has it" \
        (any_behind ? "; behind: it takes fewer than come" : "") ". Bold: the best of a column."
    for (k = 1; k <= contender_count; k++) {
        if (absent[contenders[k]] != "") {
            left = left (left == "" ? "" : "; ") contenders[k] " (" absent[contenders[k]] ")"
        }
    }
    if (left != "") {
        print "Left out: " left "."
    }
}

END {
    titles = "32-byte payloads|batches of 256, messages/s|one at a time|p50 at 10 k/s|p99|" \
        "bytes ready|leased|at `maxmemory`|does less"
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (!is_bound(who) && who != "slotq library" && \
            (has_any("cycle", who) || has_any("latency", who))) {
            chosen[++count] = who
            speed(1, who, 256)
            speed(2, who, 1)
            delay(3, who, "p50_us")
            delay(4, who, "p99_us")
            bytes(5, who, "ready_bytes")
            bytes(6, who, "leased_bytes")
            at_limit(7, who)
        }
    }
    head(titles)
    for (k = 1; k <= count; k++) {
        row()
        cell(chosen[k])
        for (c = 1; c <= 7; c++) {
            cell(best_who[c] == chosen[k] ? "**" shown[c, chosen[k]] "**" : shown[c, chosen[k]])
        }
        cell(lacks[chosen[k]])
    }
    print_table("1 9")
    caption()
    if (drawn != "") {
        print "\n![Messages a second through push, take and finish](bench/results/" drawn ")"
    }
}
