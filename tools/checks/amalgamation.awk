# amalgamation.awk: prints sources with their own includes put in place, each header once, each
# .def each time. What only layout and core know of each other becomes static.
#
# -v public=1: the public header; its .def is expanded to plain enumerators.

function say(line) {
    print line
}

function folder_of(path) {
    return path ~ /\// ? substr(path, 1, match(path, /[^\/]*$/) - 1) : ""
}

function clean(path,    parts, count, i, depth, kept, whole) {
    count = split(path, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++) {
        if (parts[i] == ".." && depth > 0) {
            depth--
        } else if (parts[i] != ".") {
            kept[++depth] = parts[i]
        }
    }
    whole = kept[1]
    for (i = 2; i <= depth; i++) {
        whole = whole "/" kept[i]
    }
    return whole
}

# SLOTQ_CODE(NAME, number, …, "text") and SLOTQ_VERB(NAME, number, …) as enumerators, for people
# who read the header.
function enumerators(path,    line, name, number, text) {
    while ((getline line < path) > 0) {
        if (line !~ /^SLOTQ_(CODE|VERB)\(/) {
            continue
        }
        name = number = text = line
        sub(/^[^(]*\(/, "", name)
        sub(/,.*/, "", name)
        sub(/^[^,]*, */, "", number)
        sub(/,.*/, "", number)
        sub(/^[^"]*"/, "", text)
        sub(/".*/, "", text)
        say("    SLOTQ_" name " = " number "," (line ~ /"/ ? " /* " text " */" : ""))
    }
    close(path)
}

# A function's head, in the first column, that is not static yet.
function is_head(line) {
    return line ~ /^[a-z_][a-z0-9_]*[ *]+([a-z0-9_]+[ *]+)*[a-z0-9_]+\(/ &&
           line !~ /^(static|typedef|return|extern|else|enum)/
}

function name_of(line) {
    sub(/\(.*/, "", line)
    sub(/^.*[ *]/, "", line)
    return line
}

function include(path, line,    name, target) {
    name = line
    sub(/^[^"<]*["<]/, "", name)
    sub(/[">].*/, "", name)
    if (line ~ /</) {
        if (name != "xxhash.h" && !(name in seen_system)) {
            seen_system[name] = 1
            say(line)
        }
        return
    }
    target = clean(folder_of(path) name)
    if (target ~ /\.def$/) {
        if (public) {
            enumerators(target)
        } else {
            copy(target)
        }
    } else if (!public && target ~ /^engine\/slotq_[a-z]*\.h$/) {
        return # the public header is included by the source's first line
    } else if (!(target in done)) {
        done[target] = 1
        copy(target)
    }
}

function copy(path,    line, internal, header, source) {
    internal = path ~ /^engine\/(layout|core)\// && path !~ /\/memory\.h$/
    header = path ~ /\.h$/
    source = path ~ /\.c$/
    say("")
    while ((getline line < path) > 0) {
        if (line ~ /^[ \t]*#[ \t]*include[ \t]/) {
            include(path, line)
        } else if (public && line ~ /^#(define|undef) SLOTQ_(CODE|VERB)/) {
            continue
        } else if (line ~ /^#define XXH_/) {
            continue # checksum.c tells xxhash.h; here it is in place
        } else if (internal && header && is_head(line)) {
            inner[name_of(line)] = 1
            say("static " line)
        } else if (internal && header && line ~ /^[a-z]+_[a-z]+ [a-z_]+;$/) {
            inner[name_of(substr(line, 1, length(line) - 1))] = 1
            say("static " line)
        } else if (internal && source && is_head(line) && (name_of(line) in inner)) {
            say("static " line)
        } else {
            say(line)
        }
    }
    close(path)
}

BEGIN {
    for (i = 1; i < ARGC; i++) {
        copy(ARGV[i])
    }
    exit 0
}
