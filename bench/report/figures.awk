# figures.awk: what raw.csv and contenders.tsv hold, for the programs beside it: medians, spreads,
# ratios within a round, numbers as people read them. Knows who is a bound and who has no server; no
# table, no target.

function is_bound(who) {
    return who == "bare SETRANGE" || who == "PING" || who == "memcpy"
}

function has_no_server(who) {
    return who ~ /^(slotq (memory|file)|SQLite|memcpy)/
}

function is_ours(who) {
    return who ~ /^slotq/
}

# Whom a contender is measured against: the slotq that does the same work.
function base_of(family, who,    base) {
    if (family != "embedded") {
        return family == "latency" && !has_any(family, "slotq") ? "slotq library" : "slotq"
    }
    base = who ~ /memory|memcpy/ ? "slotq memory" : "slotq file shared"
    if (who ~ /FULL|always/) {
        base = "slotq file sync=always"
    }
    return has_any(family, base) ? base : "slotq memory"
}

# ---- what was read ----

function remember_contender(line,    fields, name) {
    split(line, fields, "\t")
    name = fields[1]
    if (name == "") {
        return
    }
    if (!(name in settings)) {
        contenders[++contender_count] = name
    }
    settings[name] = fields[2]
    lacks[name] = fields[3]
    absent[name] = fields[4]
}

function add(family, who, words, metric, round, value) {
    if (!(who in settings)) {
        contenders[++contender_count] = who
        settings[who] = lacks[who] = absent[who] = ""
    }
    if (!((family, words) in case_known)) {
        case_known[family, words] = 1
        cases[family, ++case_count[family]] = words
        if (case_count[family] == 1) {
            families[++family_count] = family
        }
    }
    if (!((family, words, metric) in metric_known)) {
        metric_known[family, words, metric] = 1
        metrics[family, words, ++metric_count[family, words]] = metric
    }
    if (!((family, who, words, metric, round) in values)) {
        round_list[family, who, words, metric] = \
            round_list[family, who, words, metric] " " round
    }
    values[family, who, words, metric, round] = value
    any[family, who] = 1
    rounds_most = round > rounds_most ? round : rounds_most
}

function has_any(family, who) {
    return (family, who) in any
}

function has(family, who, words, metric) {
    return (family, who, words, metric) in round_list
}

# "64" of "batch=64 payload=32"; "" where there is none.
function part(words, name,    list, count, i) {
    count = split(words, list, " ")
    for (i = 1; i <= count; i++) {
        if (index(list[i], name "=") == 1) {
            return substr(list[i], length(name) + 2)
        }
    }
    return ""
}

# Which there are, in list.
function rounds_of(family, who, words, metric, list) {
    if (!has(family, who, words, metric)) {
        return 0
    }
    return split(round_list[family, who, words, metric], list, " ")
}

# Of the full cycle with that batch and 32 bytes: the case with the most batches in flight.
function cycle_case(batch,    i, words, best) {
    for (i = 1; i <= case_count["cycle"]; i++) {
        words = cases["cycle", i]
        if (part(words, "batch") == batch && part(words, "payload") == 32 && \
            part(words, "flight") > part(best, "flight") + 0) {
            best = words
        }
    }
    return best
}

# ---- medians and spreads: of sample[1] to sample[sample_count], in order ----

function take_sample(value,    i) {
    for (i = ++sample_count; i > 1 && sample[i - 1] > value; i--) {
        sample[i] = sample[i - 1]
    }
    sample[i] = value
}

function least() {
    return sample[1]
}

function most() {
    return sample[sample_count]
}

function median(    middle) {
    middle = int((sample_count + 1) / 2)
    return sample_count % 2 ? sample[middle] : (sample[middle] + sample[middle + 1]) / 2
}

# The measurements of all rounds; 0 of them: false.
function sample_of(family, who, words, metric,    list, count, i) {
    sample_count = 0
    count = rounds_of(family, who, words, metric, list)
    for (i = 1; i <= count; i++) {
        take_sample(values[family, who, words, metric, list[i]])
    }
    return count
}

function median_of(family, who, words, metric) {
    return sample_of(family, who, words, metric) ? median() : ""
}

# One figure by another of the same rounds, so that what else the machine did falls on both.
function sample_of_quotient(family, who, words, other, other_words, metric,    list, count, i,
    below) {
    sample_count = 0
    count = rounds_of(family, who, words, metric, list)
    for (i = 1; i <= count; i++) {
        if ((family, other, other_words, metric, list[i]) in values) {
            below = values[family, other, other_words, metric, list[i]]
            if (below > 0) {
                take_sample(values[family, who, words, metric, list[i]] / below)
            }
        }
    }
    return sample_count
}

# who / other in the same case.
function sample_of_ratio(family, who, other, words, metric) {
    return sample_of_quotient(family, who, words, other, words, metric)
}

# The same contender in two cases.
function sample_of_growth(family, who, words, other_words, metric) {
    return sample_of_quotient(family, who, words, who, other_words, metric)
}

# A contender that takes fewer than come has no latency: its backlog grows until the run ends. That
# half of the messages wait for more than a tenth of the run tells it. Samples lack the first tenth.
function falls_behind(who, words,    taken, seconds) {
    taken = median_of("latency", who, words, "samples")
    if (taken == "" || !part(words, "rate")) {
        return 0
    }
    seconds = taken / 0.9 / part(words, "rate")
    return median_of("latency", who, words, "p50_us") > 1e5 * seconds
}

# ---- numbers for people ----

function digits(value) {
    return sprintf(value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value)
}

function unit_of_rate(rate) {
    return rate >= 999500 ? "M" : rate >= 999.5 ? "k" : ""
}

function scaled(rate, unit) {
    return digits(unit == "M" ? rate / 1e6 : unit == "k" ? rate / 1e3 : rate)
}

# Messages a second of so many nanoseconds each.
function rate_text(ns,    unit) {
    if (ns <= 0) {
        return ""
    }
    unit = unit_of_rate(1e9 / ns)
    return scaled(1e9 / ns, unit) (unit == "" ? "" : " " unit)
}

# Of the sample: least to most messages a second.
function rate_spread(    unit) {
    if (sample_count < 2) {
        return ""
    }
    unit = unit_of_rate(1e9 / least())
    return scaled(1e9 / most(), unit) "–" scaled(1e9 / least(), unit) \
        (unit == "" ? "" : " " unit)
}

function time_text(ns) {
    if (ns >= 999500000) {
        return digits(ns / 1e9) " s"
    }
    if (ns >= 999500) {
        return digits(ns / 1e6) " ms"
    }
    return ns >= 999.5 ? digits(ns / 1e3) " µs" : digits(ns) " ns"
}

# Of the sample, in µs: both ends in the unit of the upper.
function time_spread(    unit) {
    if (sample_count < 2) {
        return ""
    }
    unit = most() >= 999.5 ? "ms" : "µs"
    return digits(least() / (unit == "ms" ? 1000 : 1)) "–" \
        digits(most() / (unit == "ms" ? 1000 : 1)) " " unit
}

function spread() {
    return sample_count < 2 ? "" : digits(least()) "–" digits(most())
}

function percent(share) {
    return sprintf(share < 0.0995 ? "%.1f %%" : "%.0f %%", 100 * share)
}

# ---- tables in Markdown, columns lined up ----

function width_of(text) {
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

function row() {
    row_count++
    column = 0
}

function cell(text) {
    cells[row_count, ++column] = text
    column_count = column > column_count ? column : column_count
    if (width_of(text) > widths[column]) {
        widths[column] = width_of(text)
    }
}

function padded(text, wide, is_number,    blanks) {
    blanks = sprintf("%" (wide - width_of(text) + 1) "s", "")
    return is_number ? blanks text " " : " " text blanks
}

function head(list,    names, count, i) {
    row_count = column_count = 0
    split("", widths)
    split("", cells)
    row()
    count = split(list, names, "|")
    for (i = 1; i <= count; i++) {
        cell(names[i])
    }
}

# text_columns: "1 3" are text, the rest numbers. A table of its head alone is not printed: false.
function print_table(text_columns,    list, count, is_text, r, c, line, rule) {
    if (row_count < 2) {
        return 0
    }
    count = split(text_columns == "" ? "1" : text_columns, list, " ")
    for (c = 1; c <= count; c++) {
        is_text[list[c]] = 1
    }
    for (r = 1; r <= row_count; r++) {
        line = rule = "|"
        for (c = 1; c <= column_count; c++) {
            line = line padded(cells[r, c], widths[c], !(c in is_text)) "|"
            rule = rule substr(padded("", widths[c]), 2) (c in is_text ? "-" : ":") "|"
        }
        print line
        if (r == 1) {
            gsub(/ /, "-", rule)
            print rule
        }
    }
    print ""
    return 1
}

# Bounds come last in every table.
function order_contenders(    k, ordered, last) {
    for (k = 1; k <= contender_count; k++) {
        if (is_bound(contenders[k])) {
            last[++last[0]] = contenders[k]
        } else {
            ordered[++ordered[0]] = contenders[k]
        }
    }
    for (k = 1; k <= contender_count; k++) {
        contenders[k] = k <= ordered[0] ? ordered[k] : last[k - ordered[0]]
    }
}

# ---- reading ----

FILENAME ~ /contenders\.tsv$/ {
    remember_contender($0)
    next
}

FNR > 1 {
    # Less than 0 stands for what a contender cannot tell.
    if (split($0, raw, ",") == 6 && raw[6] + 0 >= 0 && raw[6] != "") {
        add(raw[1], raw[2], raw[3], raw[4], raw[5] + 0, raw[6] + 0)
        if (raw[1] == "growth" && raw[4] == "finish_ns") {
            add("growth", raw[2], raw[3], "verbs_ns", raw[5] + 0, raw[6] + \
                values["growth", raw[2], raw[3], "push_ns", raw[5] + 0] + \
                values["growth", raw[2], raw[3], "take_ns", raw[5] + 0])
        }
    }
}

# Before the END of the program that this is read with.
END {
    order_contenders()
}
