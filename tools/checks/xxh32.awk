# xxh32.awk: from xxhash.h, preprocessed, keeps what XXH32 needs: the definitions that it reaches
# by name. Knows that C at the top level is a row of things that end in ; or }.

# The names that a top-level thing defines: a function, a typedef, or enumerators.
function note_names(number, text,    head, words, count, i) {
    if (text ~ /^ *typedef /) {
        head = text
        sub(/ *; *$/, "", head)
        sub(/^.*[^A-Za-z0-9_]/, "", head)
        definer[head] = number
        return
    }
    if (text ~ /^[^({]*enum/) {
        count = split(text, words, /[^A-Za-z0-9_]+/)
        for (i = 1; i <= count; i++) {
            if (words[i] !~ /^(typedef|enum|[0-9].*|)$/ && !(words[i] in definer)) {
                definer[words[i]] = number
            }
        }
        return
    }
    if (text !~ /\{/) {
        return # a prototype
    }
    if (text ~ /^ *(struct|union)/) {
        return
    }
    head = text
    sub(/\{.*/, "", head)
    gsub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)/, "", head)
    sub(/ *\(.*/, "", head)
    sub(/^.*[^A-Za-z0-9_]/, "", head)
    definer[head] = number
}

function reach(number,    words, count, i) {
    if (kept[number]) {
        return
    }
    kept[number] = 1
    count = split(things[number], words, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= count; i++) {
        if (words[i] in definer) {
            reach(definer[words[i]])
        }
    }
}

# "# 12 "/usr/include/xxhash.h" 3 4": where the following lines come from.
/^#/ {
    if (/^# [0-9]+ "/) {
        inside = $3 ~ /xxhash\.h"$/
    }
    next
}

inside && NF {
    line = $0
    body = body (body == "" ? "" : "\n") line
    opened = line
    depth += gsub(/\{/, "", opened)
    depth -= gsub(/\}/, "", opened)
    ends = line ~ /;[ \t]*$/ || (line ~ /\}[ \t]*$/ && body !~ /^[ \t]*typedef/)
    if (depth == 0 && ends) {
        things[++total] = body
        flat = body
        gsub(/[ \t\n]+/, " ", flat)
        note_names(total, flat)
        body = ""
    }
}

END {
    start = "XXH_INLINE_XXH32" in definer ? "XXH_INLINE_XXH32" : "XXH32"
    if (!(start in definer)) {
        exit 1
    }
    reach(definer[start])
    for (i = 1; i <= total; i++) {
        if (kept[i]) {
            print things[i]
        }
    }
    if (start != "XXH32") {
        print "#define XXH32 " start
    }
}
