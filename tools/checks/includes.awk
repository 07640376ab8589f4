# includes.awk: includes go only downwards, tools -> queue -> backend -> core -> layout, and what
# is freestanding leans on no system. Knows where rooms lie, from the path of a file alone.

function finding(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
}

function height(path) {
    if (path ~ /^engine\/(slotq_types\.h|errors\.def|verbs\.def)/) return 0
    if (path ~ /^engine\/layout\//) return 1
    if (path ~ /^engine\/slotq_core\.h/) return 1 # the contract of the two rooms below it
    if (path ~ /^engine\/core\//) return 2
    if (path ~ /^engine\/backend\//) return 3
    if (path ~ /^engine\/slotq[a-z_]*\.h/) return 3 # its types; calls are queue's
    if (path ~ /^engine\/queue\//) return 4
    if (path ~ /^tools\//) return 5
    return 9
}

# The file that "name" means to a file in folder: beside it, or in engine (-Iengine).
function target(folder, name,    parts, count, i, path, depth, kept) {
    path = folder name
    if (height(path) == 9 && height("engine/" name) != 9) {
        path = "engine/" name
    }
    if (name ~ /^(slotq[^\/]*\.h|errors\.def|verbs\.def)$/ && folder !~ /^engine\/$/) {
        path = "engine/" name
    }
    count = split(path, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++) {
        if (parts[i] == "..") {
            depth -= depth > 0
        } else if (parts[i] != ".") {
            kept[++depth] = parts[i]
        }
    }
    path = kept[1]
    for (i = 2; i <= depth; i++) {
        path = path "/" kept[i]
    }
    return path
}

FNR == 1 {
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    own = height(FILENAME)
    freestanding = own <= 2
}

own <= 5 && /^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0
    sub(/^[^"]*"/, "", name)
    sub(/".*/, "", name)
    path = target(folder, name)
    other = height(path)
    if (other > own && !(own == 1 && path == "engine/slotq_core.h")) {
        finding("includes upwards: " name)
    }
    if (own == 5 && path ~ /^engine\/(backend|queue)\//) {
        finding("tools use slotq.h, slotq_core.h and layout, not what is inside: " name)
    }
}

freestanding && /^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0
    sub(/^[^<]*</, "", name)
    sub(/>.*/, "", name)
    if (name !~ /^(stdbool|stddef|stdint|limits|stdalign)\.h$/ &&
        !(name == "xxhash.h" && FILENAME ~ /engine\/layout\/checksum\.c$/)) {
        finding("freestanding code includes <" name ">")
    }
}
