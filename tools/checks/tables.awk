# tables.awk: reads fields.def, errors.def, the heads of scripts and regions that are made
# elsewhere, then a document, and prints the document with its marked regions made anew. Knows the
# shape of the definitions and of tables, no meaning.

# The text between the parentheses of a one-line macro call, split at commas outside quotes.
function arguments(line, out,    inside, count, i, c, quoted) {
    inside = line
    sub(/^[^(]*\(/, "", inside)
    sub(/\)[ \t]*$/, "", inside)
    count = 1
    out[1] = ""
    quoted = 0
    for (i = 1; i <= length(inside); i++) {
        c = substr(inside, i, 1)
        if (c == "\"") {
            quoted = !quoted
        } else if (c == "," && !quoted) {
            out[++count] = ""
        } else if (!(c == " " && out[count] == "")) {
            out[count] = out[count] c
        }
    }
    return count
}

function cell(table, text) {
    cells[table, rows[table], ++columns] = text
}

function row(table) {
    rows[table]++
    columns = 0
}

function fail(text) {
    print FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

function heads(table, list) {
    width[table] = split(list, names, " ")
    for (i = 1; i <= width[table]; i++) {
        head[table, i] = names[i]
    }
}

function markdown(table,    r, c, line, rule) {
    line = rule = "|"
    for (c = 1; c <= width[table]; c++) {
        line = line " " head[table, c] " |"
        rule = rule "---|"
    }
    print line
    print rule
    for (r = 1; r <= rows[table]; r++) {
        line = "|"
        for (c = 1; c <= width[table]; c++) {
            line = line " " cells[table, r, c] " |"
        }
        print line
    }
}

# Man pages: a literal block of aligned columns, the last one wrapped, for pages 80 wide.
function padded(text, columns,    shown) {
    shown = text
    gsub(/[\200-\277]/, "", shown)
    return text substr("                                ", 1, columns - length(shown))
}

function wrapped(before, text, columns,    words, count, i, line) {
    count = split(text, words, " ")
    line = words[1]
    for (i = 2; i <= count; i++) {
        if (length(before) + length(line) + 1 + length(words[i]) > columns) {
            print before line
            gsub(/./, " ", before)
            line = words[i]
        } else {
            line = line " " words[i]
        }
    }
    print before line
}

function scdoc(table,    r, c, text, wide, line) {
    for (c = 1; c < width[table]; c++) {
        wide[c] = length(head[table, c])
        for (r = 1; r <= rows[table]; r++) {
            if (length(cells[table, r, c]) > wide[c]) {
                wide[c] = length(cells[table, r, c])
            }
        }
    }
    print "```"
    for (r = 0; r <= rows[table]; r++) {
        line = ""
        for (c = 1; c < width[table]; c++) {
            text = r ? cells[table, r, c] : head[table, c]
            line = line padded(text == "–" ? "-" : text, wide[c]) "  "
        }
        wrapped(line, r ? cells[table, r, c] : head[table, c], 68)
    }
    print "```"
}

BEGIN {
    types["1"] = "u8"
    types["2"] = "u16"
    types["4"] = "u32"
    types["6"] = "u48"
    types["8"] = "u64"
    heads("outcomes", "outcome number exit meaning")
    heads("exits", "exit meaning")
    heads("scripts", "script ARGV reply errors")
}

# The head of a verb's script: -- FIELD: text
function script(field) {
    return $0 ~ "^-- " field ": " ? substr($0, length(field) + 6) : ""
}

FILENAME ~ /\.lua$/ {
    if (FNR == 1) {
        name = FILENAME
        sub(/.*\//, "", name)
        sub(/\.lua$/, "", name)
    }
    if (script("args") != "") {
        row("scripts")
        cell("scripts", name)
        cell("scripts", script("args"))
    } else if (script("reply") != "" || script("errors") != "") {
        cell("scripts", script("reply") script("errors"))
    }
    next
}

FILENAME ~ /\.region$/ {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.region$/, "", name)
    region[name] = region[name] $0 "\n"
    next
}

/^SLOTQ_FIELD\(/ && FILENAME ~ /fields\.def$/ {
    if (arguments($0, a) != 5 || !(a[4] in types)) {
        fail("not a field in one line: part, name, offset, bytes, meaning")
    }
    table = "fields-" a[1]
    if (!(table in rows)) {
        heads(table, "offset type field meaning")
    }
    row(table)
    cell(table, a[3])
    cell(table, types[a[4]])
    cell(table, a[2] ~ /^reserved_/ ? "–" : a[2])
    cell(table, a[5])
}

/^SLOTQ_EXIT\(/ && FILENAME ~ /errors\.def$/ {
    if (arguments($0, a) != 3) {
        fail("not an exit code in one line: name, number, text")
    }
    row("exits")
    cell("exits", a[2])
    cell("exits", a[3])
    exit_number[a[1]] = a[2]
}

/^SLOTQ_CODE\(/ && FILENAME ~ /errors\.def$/ {
    if (arguments($0, a) != 5) {
        fail("not an outcome in one line: name, number, kind, exit code, text")
    }
    row("outcomes")
    cell("outcomes", a[1])
    cell("outcomes", a[2])
    cell("outcomes", a[4])
    cell("outcomes", a[5])
}

FILENAME ~ /\.def$/ {
    next
}

# Exit codes are named in errors.def before their numbers are.
!numbered {
    for (r = 1; r <= rows["outcomes"]; r++) {
        if (!(cells["outcomes", r, 3] in exit_number)) {
            fail("errors.def has no exit code " cells["outcomes", r, 3])
        }
        cells["outcomes", r, 3] = exit_number[cells["outcomes", r, 3]]
    }
    numbered = 1
}

/^(<!--|;) generated: / {
    print
    name = $3
    if (!(name in rows) && !(name in region)) {
        fail("no table is called " name)
    }
    if (name in region) {
        printf "%s", region[name]
    } else if (FILENAME ~ /\.scd$/) {
        scdoc(name)
    } else {
        markdown(name)
    }
    skipping = FNR
    next
}

/^(<!--|;) end generated/ {
    skipping = 0
}

!skipping {
    print
}

END {
    if (!failed && skipping) {
        print FILENAME ":" skipping ": this mark has no end" > "/dev/stderr"
        exit 1
    }
}
