# tables.awk: the tables of report.md, a family of raw.csv after the other. Knows what each
# family's figures mean to a reader; medians and numbers are of figures.awk.

# ---- push, take, finish ----

function put_speed(family, words, metric, who) {
    cell(sample_of(family, who, words, metric) ? rate_text(median()) : "")
}

function put_ratio(family, words, metric, who, base) {
    if (who == base || !sample_of_ratio(family, who, base, words, metric)) {
        cell("")
        cell("")
        return
    }
    if (median() < 1 && !is_bound(who) && !is_ours(who)) {
        faster = faster (faster == "" ? "" : ", ") who
    }
    cell(digits(median()))
    cell(spread())
}

# Of each bound that was measured in that case: how near ours come to it.
function put_shares(family, words, metric, who,    k) {
    for (k = 1; k <= contender_count; k++) {
        if (is_bound(contenders[k]) && has(family, contenders[k], words, metric)) {
            cell(is_ours(who) && sample_of_ratio(family, contenders[k], who, words, metric) ? \
                percent(median()) : "")
        }
    }
}

function share_titles(family, words, metric,    k, titles) {
    for (k = 1; k <= contender_count; k++) {
        if (is_bound(contenders[k]) && has(family, contenders[k], words, metric)) {
            titles = titles "|share of " contenders[k]
        }
    }
    return titles
}

function cycle_row(family, words, who, base) {
    row()
    cell(is_bound(who) ? who " (a bound)" : who)
    put_speed(family, words, "push_ns", who)
    put_speed(family, words, "take_ns", who)
    put_speed(family, words, "cycle_ns", who)
    cell(sample_of(family, who, words, "cycle_ns") ? rate_spread() : "")
    if (family == "embedded") {
        cell(who == base ? "" : base)
    }
    put_ratio(family, words, "cycle_ns", who, base)
    put_shares(family, words, "cycle_ns", who)
}

# beanstalkd beside what has no server at all, as a reader may choose between them.
function with_server_rows(words,    i, k, who) {
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        for (i = 1; who ~ /^beanstalkd/ && i <= case_count["cycle"]; i++) {
            if (part(cases["cycle", i], "batch") == part(words, "batch") && \
                part(cases["cycle", i], "payload") == part(words, "payload") && \
                part(cases["cycle", i], "flight") == 1 && \
                has("cycle", who, cases["cycle", i], "cycle_ns")) {
                row()
                cell(who ", with its server between")
                put_speed("cycle", cases["cycle", i], "push_ns", who)
                put_speed("cycle", cases["cycle", i], "take_ns", who)
                put_speed("cycle", cases["cycle", i], "cycle_ns", who)
                cell(rate_spread())
            }
        }
    }
}

function cycle_table(family, words,    k, who) {
    faster = ""
    head(case_text(words) "|push /s|take + finish /s|full cycle /s|least–most|" \
        (family == "embedded" ? "beside|" : "") "slotq: times as fast|least–most" \
        share_titles(family, words, "cycle_ns"))
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (has(family, who, words, "cycle_ns")) {
            cycle_row(family, words, who, base_of(family, who))
        }
    }
    if (family == "embedded") {
        with_server_rows(words)
    }
    if (print_table() && faster != "") {
        print "Faster here than the slotq beside it: " faster ".\n"
    }
}

function case_text(words) {
    if (part(words, "batch") == 1) {
        return "one at a time, " part(words, "payload") " bytes"
    }
    return "batches of " part(words, "batch") ", " part(words, "flight") " in flight, " \
        part(words, "payload") " bytes"
}

# How many times as fast as each peer slotq is, all cases at a glance.
function overview(family,    i, k, who, titles) {
    titles = "full cycle: slotq is so many times as fast"
    for (i = 1; i <= case_count[family]; i++) {
        titles = titles "|" part(cases[family, i], "batch") " × " \
            part(cases[family, i], "flight") ", " part(cases[family, i], "payload") " B"
    }
    head(titles)
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (!has_any(family, who) || who == base_of(family, who)) {
            continue
        }
        row()
        cell(who)
        for (i = 1; i <= case_count[family]; i++) {
            cell(sample_of_ratio(family, who, base_of(family, who), cases[family, i], \
                "cycle_ns") ? digits(median()) : "")
        }
    }
    if (print_table()) {
        print "Columns: batch × batches in flight, payload.\n"
    }
}

function cycle_tables(family,    i) {
    if (case_count[family] > 2) {
        overview(family)
    }
    for (i = 1; i <= case_count[family]; i++) {
        cycle_table(family, cases[family, i])
    }
}

# ---- latency ----

function latency_tables(    i, k, who, base, words) {
    for (i = 1; i <= case_count["latency"]; i++) {
        words = cases["latency", i]
        faster = behind = ""
        head(part(words, "rate") " messages/s, " part(words, "consumers") " consumer" \
            (part(words, "consumers") == 1 ? "" : "s") \
            "|p50|least–most|p90|p99|least–most|p99.9|p50: times slotq|least–most" \
            share_titles("latency", words, "p50_us"))
        for (k = 1; k <= contender_count; k++) {
            who = contenders[k]
            if (has("latency", who, words, "p50_us")) {
                latency_row(words, who, base_of("latency", who))
            }
        }
        if (print_table() && faster != "") {
            print "Sooner here than slotq: " faster ".\n"
        }
        if (behind != "") {
            print "Fell behind this rate, so that all waited longer the longer it ran: " \
                behind ".\n"
        }
    }
}

function put_delay(words, who, metric) {
    cell(sample_of("latency", who, words, metric) ? time_text(1000 * median()) : "")
}

function latency_row(words, who, base) {
    if (falls_behind(who, words)) {
        behind = behind (behind == "" ? "" : ", ") who
    }
    row()
    cell(is_bound(who) ? who " (a bound)" : who)
    put_delay(words, who, "p50_us")
    cell(time_spread())
    put_delay(words, who, "p90_us")
    put_delay(words, who, "p99_us")
    cell(time_spread())
    put_delay(words, who, "p999_us")
    put_ratio("latency", words, "p50_us", who, base)
    put_shares("latency", words, "p50_us", who)
}

# ---- memory ----

function memory_tables(    i, k, who, words, payload) {
    for (i = 1; i <= case_count["memory"]; i++) {
        words = cases["memory", i]
        payload = part(words, "payload")
        head(part(words, "messages") " messages of " payload " bytes|ready, bytes each|leased|" \
            "ready: times slotq|leased: times slotq|ready: share that is payload")
        for (k = 1; k <= contender_count; k++) {
            who = contenders[k]
            if (has("memory", who, words, "ready_bytes")) {
                memory_row(words, who, payload)
            }
        }
        print_table()
    }
}

function memory_row(words, who, payload,    ready) {
    ready = median_of("memory", who, words, "ready_bytes")
    row()
    cell(is_bound(who) ? who " (a bound)" : who)
    cell(digits(ready))
    cell(has("memory", who, words, "leased_bytes") ? \
        digits(median_of("memory", who, words, "leased_bytes")) : "–")
    cell(who != "slotq" && sample_of_ratio("memory", who, "slotq", words, "ready_bytes") ? \
        digits(median()) : "")
    cell(who != "slotq" && sample_of_ratio("memory", who, "slotq", words, "leased_bytes") ? \
        digits(median()) : "")
    cell(ready > 0 ? percent(payload / ready) : "")
}

# ---- growth ----

function growth_table(metric, percent_leased, title,    i, k, who, first, last, titles) {
    first = last = 0
    titles = title
    for (i = 1; i <= case_count["growth"]; i++) {
        if (part(cases["growth", i], "leased") == percent_leased) {
            first = first ? first : i
            last = i
            titles = titles "|" part(cases["growth", i], "length")
        }
    }
    head(titles "|last / first|least–most")
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (has("growth", who, cases["growth", first], metric) || \
            has("growth", who, cases["growth", last], metric)) {
            growth_row(who, metric, percent_leased, first, last)
        }
    }
    print_table()
}

function growth_row(who, metric, percent_leased, first, last,    i, middle) {
    row()
    cell(who)
    for (i = first; i <= last; i++) {
        if (part(cases["growth", i], "leased") == percent_leased) {
            middle = median_of("growth", who, cases["growth", i], metric)
            cell(middle == "" ? "" : digits(metric ~ /_ns$/ ? middle / 1000 : middle))
        }
    }
    if (first != last && sample_of_growth("growth", who, cases["growth", last], \
        cases["growth", first], metric)) {
        cell(digits(median()))
        cell(spread())
    }
}

function growth_tables(    i, leased, done) {
    for (i = 1; i <= case_count["growth"]; i++) {
        leased = part(cases["growth", i], "leased")
        if (leased in done) {
            continue
        }
        done[leased] = 1
        print "### " leased " % leased\n"
        growth_table("push_ns", leased, "push, µs")
        growth_table("take_ns", leased, "take, µs")
        growth_table("finish_ns", leased, "finish, µs")
        growth_table("server_p999_us", leased, "p99.9 of the server's own time, µs")
        growth_table("server_most_us", leased, "its longest, µs")
    }
}

# ---- measured once, or few ----

function yes(value) {
    return value == "" ? "" : value ? "yes" : "**no**"
}

function full_table(    k, who) {
    head("the server at maxmemory|accepts|hands out|finishes")
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (has_any("full", who)) {
            row()
            cell(who)
            cell(yes(median_of("full", who, cases["full", 1], "pushes")))
            cell(yes(median_of("full", who, cases["full", 1], "takes")))
            cell(yes(median_of("full", who, cases["full", 1], "finishes")))
        }
    }
    print_table()
}

# A metric's name is its title: server_most_us → "server most, µs".
function title_of(metric,    at, title) {
    at = match(metric, /_(ns|us|ms|bytes)$/)
    title = at ? substr(metric, 1, at - 1) ", " substr(metric, at + 1) : metric
    gsub(/_/, " ", title)
    sub(/, us$/, ", µs", title)
    return title
}

function has_rounds(family) {
    return family == "recovery" && rounds_most > 1
}

# Any family: a table a case, a column a metric.
function plain_tables(family,    i, k, m, who, words, titles) {
    for (i = 1; i <= case_count[family]; i++) {
        words = cases[family, i]
        titles = words
        for (m = 1; m <= metric_count[family, words]; m++) {
            titles = titles "|" title_of(metrics[family, words, m]) \
                (has_rounds(family) ? "|least–most" : "")
        }
        head(titles)
        for (k = 1; k <= contender_count; k++) {
            who = contenders[k]
            if (has_any(family, who)) {
                plain_row(family, words, who)
            }
        }
        print_table()
    }
}

function plain_row(family, words, who,    m) {
    row()
    cell(who)
    for (m = 1; m <= metric_count[family, words]; m++) {
        sample_of(family, who, words, metrics[family, words, m])
        cell(sample_count ? digits(median()) : "–")
        if (has_rounds(family)) {
            cell(sample_count ? spread() : "")
        }
    }
}

# ---- who took part ----

function settings_table(    k, who) {
    head("contender|what is called, how it is set up|what it does less than slotq")
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (absent[who] == "") {
            row()
            cell(who)
            cell(settings[who])
            cell(lacks[who])
        }
    }
    print_table("1 2 3")
}

function absent_list(    k, who) {
    for (k = 1; k <= contender_count; k++) {
        who = contenders[k]
        if (absent[who] != "") {
            print "- " who " is left out: " absent[who] "."
            any_absent = 1
        }
    }
    if (any_absent) {
        print ""
    }
}

function section(family, title, text) {
    if (!(family in case_count)) {
        return 0
    }
    print "## " title "\n"
    if (text != "") {
        print text "\n"
    }
    if (family in pictures) {
        print "![" title "](" pictures[family] ")\n"
    }
    return 1
}

function other_families(    i) {
    for (i = 1; i <= family_count; i++) {
        if (!(families[i] in known)) {
            section(families[i], families[i], "Medians.")
            plain_tables(families[i])
        }
    }
}

# drawn: the pictures that there are, "NAME.svg NAME.svg".
BEGIN {
    split("cycle latency memory growth", named, " ")
    split("throughput latency memory length", files, " ")
    for (i = 1; i <= 4; i++) {
        if (index(" " drawn " ", " " files[i] ".svg ")) {
            pictures[named[i]] = files[i] ".svg"
        }
    }
    split("cycle embedded latency memory mailboxes growth full recovery wire", list, " ")
    for (i in list) {
        known[list[i]] = 1
    }
}

END {
    if (section("cycle", "Push, take, finish: closed load, one client", \
        "Messages a second, medians of the rounds. The ratio is taken within a round, from the " \
        "full cycle; where it is below 1, slotq is the slower one.")) {
        cycle_tables("cycle")
    }
    if (section("latency", "Latency: open load", \
        "From when a message is due until a consumer has it; what comes late " \
        "counts from when it was due. Below 1 it is sooner than slotq.")) {
        latency_tables()
    }
    if (section("memory", "Memory", "Bytes a message, all told.")) {
        memory_tables()
    }
    if (section("mailboxes", "Small mailboxes", \
        "Bytes of each of many small queues, of 25 messages of 32 bytes, that drop the oldest.")) {
        plain_tables("mailboxes")
    }
    if (section("growth", "The cost of a verb, by the length of the queue", \
        "One message a call, each a round trip; medians.")) {
        growth_tables()
    }
    if (section("full", "A server at its memory limit", "")) {
        full_table()
    }
    if (section("recovery", "10,000 messages of a dead worker", \
        "From the moment its leases have run out until the first, and all, are handed out again; " \
        "and the longest command of the server meanwhile.")) {
        plain_tables("recovery")
    }
    if (section("wire", "Bytes a message of a full cycle", \
        "On the wire, and in what the server keeps on disk.")) {
        plain_tables("wire")
    }
    if (section("embedded", "No server between", \
        "As above, beside the slotq that comes nearest in what it promises: WAL NORMAL promises " \
        "more than a file without sync=always, as a power loss takes only its newest.")) {
        cycle_tables("embedded")
    }
    other_families()
    print "Messages scheduled for later are not compared: slotq has no verb for them yet.\n"
    print "## Who took part\n"
    settings_table()
    absent_list()
}
