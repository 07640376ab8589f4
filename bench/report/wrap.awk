# wrap.awk: paragraphs and list items broken at 96 columns; tables, pictures and headings stay as
# they are. Knows Markdown's lines, not what they say.

function columns(text) {
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

/^[|#!]/ || columns($0) <= 96 {
    print
    next
}

{
    indent = /^- / ? "  " : ""
    count = split($0, words, " ")
    line = words[1]
    for (i = 2; i <= count; i++) {
        if (columns(line " " words[i]) > 96) {
            print line
            line = indent words[i]
        } else {
            line = line " " words[i]
        }
    }
    print line
}
