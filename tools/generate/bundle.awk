# bundle.awk: one script out of its verb file, the shared pieces that it names, and the constants
# of the C core: bundle.awk CONSTANTS lua/NAME.lua > body. Knows includes, comments and names.
#
#   --@include _piece     the piece goes here, once a script
#   --@inner              what follows, to the script's end, is in a function
#   --@begin, --@end      what is between is a separate script, the body of a function of KEYS and
#                         ARGV: its pieces are its own, and --@inner goes to its end
#   ALL_CAPS              a constant's name becomes its value; one that is not known fails
#   '@group.head..due'    a string that begins with @ becomes the format of struct.pack for these
#                         fields of fields.def: single ones and ranges, in the order of their
#                         offsets; the bytes of fields that are left out are skipped; a field of
#                         8 bytes is a string, because no number of Lua holds it
# Comment lines and indentation go away.

BEGIN { script = 0 }

FILENAME == ARGV[1] {
    name = $1
    sub(/^[^ ]+ /, "")
    value[name] = $0
    if (name ~ /^AT_/) {
        place[substr(name, 4)] = ++fields
        field[fields] = substr(name, 4)
    }
    next
}

FNR == 1 && FILENAME != ARGV[1] { folder = FILENAME; sub(/[^\/]*$/, "", folder) }
{ put($0, FILENAME, FNR) }

function put(line, file, number,    piece) {
    sub(/^[ \t]+/, "", line)
    if (line ~ /^--@include /) {
        piece = line
        sub(/^--@include +/, "", piece)
        include(folder piece ".lua", file, number)
    } else if (line == "--@inner") {
        print "return (function()"
        inner[script]++
    } else if (line == "--@begin") {
        script = ++scripts
    } else if (line == "--@end") {
        close_inner()
        script = 0
    } else if (line != "" && line !~ /^--/) {
        print named(line, file, number)
    }
}

function include(path, file, number,    line, at, got) {
    if ((script, path) in taken) {
        return
    }
    taken[script, path] = 1
    at = 0
    while ((got = (getline line < path)) > 0) {
        put(line, path, ++at)
    }
    close(path)
    if (got < 0) {
        fail(file, number, "there is no " path)
    }
}

# Names of three or more capitals, outside of strings, are constants; KEYS and ARGV are Redis's.
function named(line, file, number,    out, word, quote, end) {
    out = ""
    while (match(line, /[A-Za-z_][A-Za-z0-9_]*|'|"/)) {
        out = out substr(line, 1, RSTART - 1)
        word = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        if (word == "'" || word == "\"") {
            quote = word
            end = closing(line, quote)
            if (end == 0) {
                fail(file, number, "a string without an end")
            }
            word = substr(line, 1, end - 1)
            out = out quote (word ~ /^@/ ? format_of(substr(word, 2), file, number) : word) quote
            line = substr(line, end + 1)
        } else if (word in value) {
            out = out value[word]
        } else if (word ~ /^[A-Z][A-Z0-9]+(_[A-Za-z0-9]+)*$/ && word != "KEYS" && word != "ARGV") {
            fail(file, number, word " is not a constant of the C core")
        } else {
            out = out word
        }
    }
    return out line
}

# The field of "part.name", as a number.
function place_of(name, file, number) {
    sub(/\./, "_", name)
    if (!(name in place)) {
        fail(file, number, name " is not a field of fields.def")
    }
    return place[name]
}

function format_of(list, file, number,    items, count, i, ends, to, from, at, out, bytes) {
    count = split(list, items, " ")
    out = "<"
    for (i = 1; i <= count; i++) {
        from = items[i]
        to = from
        if (split(items[i], ends, /\.\./) == 2) {
            from = ends[1]
            to = ends[2] ~ /\./ ? ends[2] : substr(from, 1, index(from, ".")) ends[2]
        }
        to = place_of(to, file, number)
        for (from = place_of(from, file, number); from <= to; from++) {
            bytes = value["BYTES_" field[from]]
            if (out != "<" && at > value["AT_" field[from]] + 0) {
                fail(file, number, field[from] " is not behind the field before it")
            }
            while (out != "<" && at < value["AT_" field[from]] + 0) {
                out = out "x"
                at++
            }
            out = out (bytes == 1 ? "B" : bytes == 2 ? "H" : bytes == 8 ? "c8" : "I" bytes)
            at = value["AT_" field[from]] + bytes
        }
    }
    return out
}

function closing(line, quote,    at) {
    for (at = 1; at <= length(line); at++) {
        if (substr(line, at, 1) == "\\") {
            at++
        } else if (substr(line, at, 1) == quote) {
            return at
        }
    }
    return 0
}

function fail(file, number, what) {
    printf "%s:%d: %s\n", file, number, what > "/dev/stderr"
    failed = 1
    exit 1
}

function close_inner() {
    while (inner[script]-- > 0) {
        print "end)()"
    }
}

END {
    if (!failed) {
        close_inner()
    }
    exit failed
}
