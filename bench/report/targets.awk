# targets.awk: what was promised beside the peers, and whether raw.csv holds it. Knows the targets;
# medians and numbers are of figures.awk.

# Every target by a figure of each round, of which the median is held against it.
function verdict(text, how, limit, unit) {
    row()
    cell(text)
    cell((how == "least" ? ">= " : "<= ") limit unit)
    if (sample_count == 0) {
        cell("")
        cell("")
        cell("not measured")
        return
    }
    cell(digits(median()) unit)
    cell(spread())
    cell((how == "least" ? median() >= limit : median() <= limit) ? "met" : "**MISSED**")
}

function times_as_fast(who, limit,    words) {
    words = cycle_case(256)
    sample_of_ratio("cycle", who, "slotq", words, "cycle_ns")
    verdict("full cycle, batches of 256" (part(words, "flight") > 1 ? ", " part(words, "flight") \
        " in flight" : "") ": times as fast as " who, "least", limit, " x")
}

function leased_bytes(who, limit,    words) {
    words = "messages=10000 payload=32"
    sample_of_ratio("memory", who, "slotq", words, "leased_bytes")
    verdict("10,000 leased messages: bytes of " who " for one of slotq", "least", limit, "")
}

# One PING and its answer, with nothing else on the way: at a rate, a PING that comes late would
# count from when it was due and let us off.
function ping_us() {
    return median_of("cycle", "PING", cycle_case(1), "push_ns") / 1000
}

# Ours against Streams and one PING round trip.
function latency_targets(    words, ours, list, count, i, round, below, ping) {
    words = "rate=10000 consumers=1"
    ping = ping_us()
    ours = base_of("latency", "")
    sample_count = 0 # ping_us has left its own
    count = rounds_of("latency", ours, words, "p50_us", list)
    for (i = 1; i <= count; i++) {
        round = list[i]
        if (ping > 0 && ("latency", "Streams", words, "p50_us", round) in values) {
            below = values["latency", "Streams", words, "p50_us", round] + ping
            take_sample(values["latency", ours, words, "p50_us", round] / below)
        }
    }
    verdict("10,000 messages/s, p50: of Streams' and one PING's together", "most", 1, " x")
    sample_of_ratio("latency", ours, "Streams", words, "p99_us")
    verdict("10,000 messages/s, p99: of Streams'", "most", 1.5, " x")
}

# The worst of all that were leased to some share.
function server_target(    i, words, worst, list, count, r, name) {
    for (i = 1; i <= case_count["growth"]; i++) {
        words = cases["growth", i]
        if (part(words, "length") == 65534) {
            if (sample_of("growth", "slotq", words, "server_p999_us") && median() > worst + 0) {
                worst = median()
                name = words
            }
        }
    }
    sample_of("growth", "slotq", name, "server_p999_us")
    verdict("65,534 messages: p99.9 of the server's own time in one command", "most", 1000, " µs")
}

function growth_target(metric, verb,    i, k, words, other, worst, worst_words, worst_other) {
    for (i = 1; i <= case_count["growth"]; i++) {
        words = cases["growth", i]
        other = "length=10 leased=" part(words, "leased")
        if (part(words, "length") == 65534 && \
            sample_of_growth("growth", "slotq", words, other, metric) && median() > worst + 0) {
            worst = median()
            worst_words = words
            worst_other = other
        }
    }
    sample_count = 0
    if (worst != "") {
        sample_of_growth("growth", "slotq", worst_words, worst_other, metric)
    }
    verdict(verb " at 65,534 messages: of its cost at 10", "most", 1.3, " x")
}

END {
    head("target|aim|measured|least–most|")
    times_as_fast("Streams", 8)
    times_as_fast("beanstalkd", 25)
    times_as_fast("BullMQ", 100)
    leased_bytes("Streams", 10)
    leased_bytes("BullMQ", 6)
    latency_targets()
    server_target()
    growth_target("push_ns", "push")
    growth_target("take_ns", "take")
    growth_target("finish_ns", "finish")
    print_table("1 5")
}
