# data.awk: one plot's data from raw.csv, columns between tabs, in the order they are drawn. Knows
# which figures a plot shows; medians are of ../report/figures.awk, looks of the .gp files.
#
# -v plot=throughput|memory|latency|length     nothing is printed where there is nothing to draw

function kind(who) {
    return is_bound(who) ? 2 : is_ours(who) ? 1 : 0
}

function number(value) {
    return value == "" ? "NaN" : sprintf("%.6g", value)
}

# Lines by their keys: the least first, or with sign = -1 the most; a key of "" is last.
function put(key, line, sign,    i) {
    key = key == "" ? 1e300 : sign * key
    for (i = ++line_count; i > 1 && keys[i - 1] > key; i--) {
        keys[i] = keys[i - 1]
        lines[i] = lines[i - 1]
    }
    keys[i] = key
    lines[i] = line
}

# "least\tmost" of two of which one may be unknown.
function range(first, second) {
    first = first == "" ? second : first
    second = second == "" ? first : second
    return first < second ? number(first) "\t" number(second) : number(second) "\t" number(first)
}

function rate_of(who, words,    ns) {
    ns = words == "" ? "" : median_of("cycle", who, words, "cycle_ns")
    return ns > 0 ? 1e9 / ns : ""
}

function shown_rate(rate) {
    return rate == "" ? "" : rate_text(1e9 / rate)
}

# name, kind, messages/s in batches, the same one at a time, both as text, least and most
function throughput(    k, who, batched, single) {
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        batched = rate_of(who, cycle_case(256))
        single = rate_of(who, cycle_case(1))
        if (batched != "" || single != "") {
            put(batched, who "\t" kind(who) "\t" number(batched) "\t" number(single) "\t" \
                shown_rate(batched) "\t" shown_rate(single) "\t" range(batched, single), -1)
        }
    }
}

# Of those with a server. name, kind, bytes ready, bytes leased, both as text, least and most
function memory(    k, who, words, ready, leased) {
    words = "messages=10000 payload=32"
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        ready = median_of("memory", who, words, "ready_bytes")
        leased = median_of("memory", who, words, "leased_bytes")
        if (ready != "" && !has_no_server(who)) {
            put(leased == "" ? ready : leased, who "\t" kind(who) "\t" number(ready) "\t" \
                number(leased) "\t" digits(ready) "\t" (leased == "" ? "" : digits(leased)) "\t" \
                range(ready, leased), 1)
        }
    }
}

# name, kind, p50, p99, p99.9, p50 as text, the last that is known
function latency(    k, who, words, p50, p99, p999, last) {
    words = "rate=10000 consumers=1"
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        p50 = median_of("latency", who, words, "p50_us")
        p99 = median_of("latency", who, words, "p99_us")
        p999 = median_of("latency", who, words, "p999_us")
        last = p999 != "" ? p999 : p99 != "" ? p99 : p50
        if (p50 != "") {
            put(p50, who "\t" kind(who) "\t" number(p50) "\t" number(p99) "\t" \
                number(p999) "\t" time_text(1000 * p50) \
                (falls_behind(who, words) ? ", falls behind" : "") "\t" number(last), 1)
        }
    }
}

# A block a contender that has a server: its name, then length and µs of push, take and finish
# together.
function lengths(    k, i, who, words, block, middle) {
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        block = ""
        for (i = 1; !has_no_server(who) && i <= case_count["growth"]; i++) {
            words = cases["growth", i]
            middle = part(words, "leased") == part(cases["growth", 1], "leased") ? \
                median_of("growth", who, words, "verbs_ns") : ""
            if (middle != "") {
                block = block part(words, "length") "\t" number(middle / 1000) "\n"
            }
        }
        if (block != "") {
            put(k, "\"" who "\"\n" block "\n", 1)
        }
    }
}

END {
    if (plot == "throughput") {
        throughput()
    } else if (plot == "memory") {
        memory()
    } else if (plot == "latency") {
        latency()
    } else if (plot == "length") {
        lengths()
    }
    for (i = 1; i <= line_count; i++) {
        print lines[i]
    }
}
