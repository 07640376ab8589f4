# includes.awk: includes go only downwards, tools -> worker -> queue -> backend -> core -> layout; a
# worker uses public calls alone; a kind of
# store knows no other kind; bytes and words of Redis know no store in it; what the command says
# knows no command line; and what is freestanding leans on no system. Knows where rooms lie, from
# the path of a file alone.
#
# A name is looked for as the compiler does: beside the file, then in engine/ and build/gen/ and at
# the top (-Iengine -Ibuild/gen -I.). Where no such file is there, it is judged by its spelling.

function finding(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
}

function height(path) {
    if (path ~ /^engine\/(slotq_types\.h|[a-z]*\.def)$/) return 0
    if (path ~ /^engine\/layout\//) return 1
    if (path ~ /^engine\/slotq_core\.h$/) return 1 # the contract of the two rooms below it
    if (path ~ /^engine\/core\//) return 2
    if (path ~ /^engine\/(backend|module)\//) return 3
    if (path ~ /^engine\/slotq_(worker|cron|frame)\.h$/) return 5
    if (path ~ /^engine\/slotq[a-z_]*\.h$/) return 3 # its types; calls are queue's
    if (path ~ /^engine\/queue\//) return 4
    if (path ~ /^engine\/worker\//) return 5
    if (path ~ /^tools\//) return 6
    return 9
}

# Which kind of store a file of the backend is; "" where it serves all of them.
function kind(path,    parts) {
    split(path, parts, "/")
    return path ~ /^engine\/backend\/(file|memory|redis)\// ? parts[3] : ""
}

# Where in the store of Redis a file lies: wire, call, "." for the store itself; "" elsewhere.
function redis_room(path,    parts, depth) {
    depth = split(path, parts, "/")
    return path !~ /^engine\/backend\/redis\// ? "" : depth == 5 ? parts[4] : "."
}

# The room of the command that a file lies in: line, say, verbs, work …
function command_room(path,    parts) {
    return split(path, parts, "/") == 4 && path ~ /^tools\/slotq\// ? parts[3] : ""
}

function plain(path,    parts, count, i, depth, kept) {
    count = split(path, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++) {
        if (parts[i] == "..") {
            depth -= depth > 0
        } else if (parts[i] != "." && parts[i] != "") {
            kept[++depth] = parts[i]
        }
    }
    path = kept[1]
    for (i = 2; i <= depth; i++) {
        path = path "/" kept[i]
    }
    return path
}

function is_there(path,    line, answer) {
    answer = (getline line <path) >= 0
    close(path)
    return answer
}

function target(folder, name,    path) {
    path = plain(folder name)
    if (is_there(path)) return path
    if (is_there("engine/" name)) return plain("engine/" name)
    if (is_there(plain(name))) return plain(name)
    # Not there: a test's tree, or a slip that the compiler will name.
    if (name ~ /\// && name !~ /^\.\.?\// && height("engine/" name) != 9) return "engine/" name
    return path
}

FNR == 1 {
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    own = height(FILENAME)
    freestanding = own <= 2
}

own <= 6 && /^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0
    sub(/^[^"]*"/, "", name)
    sub(/".*/, "", name)
    path = target(folder, name)
    other = height(path)
    if (other > own && other < 9 && !(own == 1 && path == "engine/slotq_core.h")) {
        finding("includes upwards: " name)
    }
    # Definitions are for anybody to print.
    if (own == 6 && path ~ /^engine\/(backend|queue|worker)\// && path !~ /\.def$/) {
        finding("tools use slotq.h, slotq_core.h and layout, not what is inside: " name)
    }
    if (own == 5 && path !~ /^engine\/(worker\/|slotq[a-z_]*\.h$)/) {
        finding("a worker uses public calls, not what is inside: " name)
    }
    if (own == 3 && other == 3 && path !~ /^engine\/slotq[a-z_]*\.h$/ &&
        (path ~ /^engine\/module\//) != (FILENAME ~ /^engine\/module\//)) {
        finding("the module and the stores know nothing of each other: " name)
    }
    if (kind(FILENAME) != "" && kind(path) != "" && kind(path) != kind(FILENAME)) {
        finding("one kind of store includes another: " name)
    }
    if (redis_room(FILENAME) ~ /^(wire|call)$/ && redis_room(path) != "" &&
        redis_room(path) != redis_room(FILENAME)) {
        finding(redis_room(FILENAME) "/ includes nothing else of redis/: " name)
    }
    if (path ~ /^engine\/backend\// && kind(path) != "" && own == 3 && kind(FILENAME) == "") {
        finding("what serves all stores includes one of them: " name)
    }
    if (command_room(FILENAME) == "say" && command_room(path) !~ /^(say|clock)?$/) {
        finding("say/ prints what it is given and includes no room but clock/: " name)
    }
}

own <= 6 && /^[ \t]*#[ \t]*include[ \t]*<[^>]*\// {
    name = $0
    sub(/^[^<]*</, "", name)
    sub(/>.*/, "", name)
    if (height("engine/" name) != 9 || height(name) != 9) {
        finding("what is ours is included with quotes, so that its direction is judged: " name)
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
