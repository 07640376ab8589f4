# stack.awk: the deepest path through gcc's call graph (.ci files). Prints its bytes and its
# functions. Reads the source first: slotq_core_step calls through a pointer what is declared there
# as verb_step; another call through a pointer may go to any function that is never called by name.

function quoted(line, key,    rest) {
    if (!match(line, key ": \"")) {
        return ""
    }
    rest = substr(line, RSTART + RLENGTH)
    return substr(rest, 1, match(rest, /"/) - 1)
}

function depth(name,    count, list, i, below, best, bestname) {
    if (name in known) {
        return known[name]
    }
    if (name in walking) {
        print "recursion at " name > "/dev/stderr"
        recursive = 1
        return 0
    }
    walking[name] = 1
    best = 0
    bestname = ""
    count = split(substr(calls[name], 2), list, SUBSEP)
    for (i = 1; i <= count; i++) {
        below = depth(list[i])
        if (below > best) {
            best = below
            bestname = list[i]
        }
    }
    delete walking[name]
    next_of[name] = bestname
    known[name] = frame[name] + (name ~ /^a / ? 0 : 8) + best
    return known[name]
}

/^static verb_step [a-z_]+;$/ {
    verb[substr($3, 1, length($3) - 1)] = 1
}

/^node:/ {
    name = quoted($0, "title")
    label = quoted($0, "label")
    if (match(label, /[0-9]+ bytes \(/)) {
        frame[name] = substr(label, RSTART) + 0
        nodes[++total] = name
    }
    if (label ~ /dynamic/ && label !~ /bounded/) {
        print "unbounded frame: " name > "/dev/stderr"
        recursive = 1
    }
}

/^edge:/ {
    from = quoted($0, "sourcename")
    to = quoted($0, "targetname")
    called[to] = 1
    if (to == "__indirect_call") {
        to = from == "slotq_core_step" ? "a verb" : "a callback"
    }
    calls[from] = calls[from] SUBSEP to
}

END {
    for (i = 1; i <= total; i++) {
        short = nodes[i]
        sub(/^.*:/, "", short)
        if (short in verb) {
            calls["a verb"] = calls["a verb"] SUBSEP nodes[i]
        } else if (!(nodes[i] in called) && short != nodes[i]) {
            calls["a callback"] = calls["a callback"] SUBSEP nodes[i]
        }
    }
    for (i = 1; i <= total; i++) {
        if (depth(nodes[i]) > depth(deepest)) {
            deepest = nodes[i]
        }
    }
    if (recursive || !total) {
        exit 1
    }
    path = ""
    for (name = deepest; name != ""; name = next_of[name]) {
        short = name
        sub(/^.*:/, "", short)
        path = path (path == "" ? "" : " > ") short
    }
    print known[deepest], path
}
