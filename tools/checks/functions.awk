# functions.awk: functions of more than 70 lines, in C, C++, shell and Lua. It knows the layout of
# our sources (a function ends with a closing brace or `end` in the first column, or indented as
# its opening), not their grammars.

function finding(start, name, count) {
    printf "%s:%d: a function of %d lines; 70 are the limit (%s)\n", FILENAME, start, count, name
}

function type_or_scope(line) {
    return line ~ /^(struct|enum|union|namespace|extern|typedef|class)/
}

function shown(line) {
    sub(/^[ \t]+/, "", line)
    return substr(line, 1, 50)
}

FNR == 1 {
    open = 0
    head = ""
    shell = FILENAME ~ /\.sh$/ || FILENAME ~ /(^|\/)run$/
    lua = FILENAME ~ /\.lua$/
    inside = 0
}

# C and C++: a line in the first column that opens a parenthesis is a head; the body is from the
# next "{" in the first column to "}" there. A class or namespace is not a body.
!shell && !lua && !inside && /^[A-Za-z_]/ {
    if (/\(/) {
        head = shown($0)
        head_line = FNR
    } else if (type_or_scope($0)) {
        head = ""
    }
}
!shell && !lua && !inside && head != "" && (/^\{$/ || /^[A-Za-z_ ].*\).*\{$/ && !/^    /) {
    inside = 1
    start = head_line
}
!shell && !lua && inside && /^\}/ {
    if (FNR - start + 1 > 70) {
        finding(start, head, FNR - start + 1)
    }
    inside = 0
    head = ""
}

# C++ inside a class or namespace: the same, four blanks in.
!shell && !lua && !inside && /^    [A-Za-z_~].*\(/ && !/;$/ {
    member_head = shown($0)
    member_line = FNR
}
!shell && !lua && !inside && (/^    \{$/ || /^    [A-Za-z_~].*\).*\{$/) {
    member = member_line
}
!shell && !lua && !inside && member && /^    \}/ {
    if (FNR - member + 1 > 70) {
        finding(member, member_head, FNR - member + 1)
    }
    member = 0
}

shell && /^[a-z_A-Z0-9-]+ ?\(\)/ {
    open = FNR
    head = shown($0)
}
shell && open && /^[})]/ {
    if (FNR - open + 1 > 70) {
        finding(open, head, FNR - open + 1)
    }
    open = 0
}

lua && /^(local )?function / {
    open = FNR
    head = shown($0)
}
lua && open && /^end/ {
    if (FNR - open + 1 > 70) {
        finding(open, head, FNR - open + 1)
    }
    open = 0
}
