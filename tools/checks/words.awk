# words.awk: finds words and phrases that texts for users must not have, because readers in a second
# language stumble over them. In C and C++ it reads string literals and comments, not code; in shell
# comments and the words in quotes, which are names of cases and texts; in Lua comments and strings.
# Knows no grammar.

BEGIN {
    count = split("whoever|whosoever|nobody|somebody|is no |are none|of its own|all the same|" \
        "by itself|has not the|with a word|who |whom ", phrases, "|")
}

FNR == 1 {
    tail = "" # the last two words of the line before: a phrase may go over the end of a line
    is_code = FILENAME ~ /\.(c|h|cpp|hpp)$/
    is_shell = FILENAME ~ /\.sh$/
    is_lua = FILENAME ~ /\.lua$/
    comment = 0
}

{
    look(is_code ? prose_of($0) : is_shell ? quoted_of($0) : is_lua ? said_of($0) : text_of($0))
}

# A line without the signs of a comment or a quotation at its begin.
function text_of(line) {
    sub(/^[ \t]*(\/\*|\*|#|>)? */, "", line)
    return line
}

# The comment of a line of Lua, and its strings.
function said_of(line,    text) {
    text = ""
    while (match(line, /"([^"\\]|\\.)*"|(^|[ \t])--.*/)) {
        text = text " " substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
    }
    gsub(/^[ \t]*--+ ?/, "", text)
    return text
}

# The comment of a line of shell, or what stands in quotes on it. What goes on over the end of a
# line is a program or a document, not a text.
function quoted_of(line,    text) {
    if (line ~ /^[ \t]*#/) {
        return text_of(line)
    }
    text = ""
    while (match(line, /'[^']*'|"([^"\\]|\\.)*"|(^|[ \t])#[ \t].*/)) {
        text = text " " substr(line, RSTART + 1, RLENGTH - 1)
        line = substr(line, RSTART + RLENGTH)
    }
    return text
}

# The string literals and comments of a line of C.
function prose_of(line,    text, end) {
    text = ""
    while (line != "") {
        if (comment) {
            sub(/^[ \t]*\* ?/, "", line)
            end = index(line, "*/")
            if (end == 0) {
                return text line
            }
            comment = 0
            text = text substr(line, 1, end - 1) " "
            line = substr(line, end + 2)
        } else if (!match(line, /"([^"\\]|\\.)*"|\/\*|\/\//)) {
            return text
        } else if (substr(line, RSTART, 2) == "//") {
            return text " " substr(line, RSTART + 3)
        } else if (substr(line, RSTART, 2) == "/*") {
            comment = 1
            text = text == "" ? "" : text " "
            line = substr(line, RSTART + 2)
            sub(/^ /, "", line)
        } else {
            text = text substr(line, RSTART + 1, RLENGTH - 2)
            line = substr(line, RSTART + RLENGTH)
        }
    }
    return text
}

# "who" is for people, and where it is a name in code.
function without_people(low,    people) {
    people = " (users?|people|readers?|authors?|person) whom? "
    while (match(low, people)) {
        low = substr(low, 1, RSTART) "people" substr(low, RSTART + RLENGTH - 1)
    }
    return low
}

function look(line,    text, low, i, at, words, many) {
    if (line == "") {
        return
    }
    text = (tail == "" ? "" : tail " ") line
    low = " " tolower(text) " "
    gsub(/[^a-z -]/, " ", low)
    gsub(/ no (longer|faster|slower|more|less) /, " no-&", low) # these and the next are plain
    gsub(/there is no /, "there is-no ", low)
    low = without_people(low)
    for (i = 1; i <= count; i++) {
        at = index(low, " " phrases[i])
        # not one that lies whole in the line before
        if (at > 0 && at + length(phrases[i]) > length(tail) + 1) {
            printf "%s:%d: not a plain word: \"%s\"; see CONTRIBUTING.md\n", FILENAME, FNR,
                phrases[i]
        }
    }
    many = split(line, words, / +/)
    tail = many > 1 ? words[many - 1] " " words[many] : words[many]
}
