# text.awk: lines, blanks, tabs, lengths of files. Columns are characters, not bytes: run with
# LC_ALL=C, bytes that go on in UTF-8 are left out of the count.

function finding(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
}

function end_of_file() {
    if (last != "" && code && lines > 520) {
        printf "%s:%d: a file of %d lines; 520 are the limit\n", last, lines, lines
    }
}

FNR == 1 {
    end_of_file()
    last = FILENAME
    code = FILENAME !~ /\.(md|scd|txt)$/
    table = 0
}

{
    lines = FNR
    width = $0
    gsub(/[\200-\277]/, "", width)
    # A table's row in a document cannot be broken.
    if (length(width) > 100 && !(FILENAME ~ /\.md$/ && /^\|/)) {
        finding("a line of " length(width) " columns; 100 are the limit")
    }
    if (/[ \t]$/) {
        finding("blanks at the end of the line")
    }
    if (/\t/ && FILENAME !~ /(^|\/)(Makefile|rules|.*\.mk|.*\.scd)$/) {
        finding("a tab")
    }
    if (/\r/) {
        finding("a carriage return")
    }
}

END {
    end_of_file()
}
