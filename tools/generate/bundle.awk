# bundle.awk: one script out of its verb file, the shared pieces that it names, and the constants
# of the C core: bundle.awk CONSTANTS lua/NAME.lua > body. Knows includes, comments and names.
#
#   --@include _piece     the piece goes here, once a script
#   ALL_CAPS              a constant's name becomes its value; one that is not known fails
# Comment lines and indentation go away.

FILENAME == ARGV[1] {
    name = $1
    sub(/^[^ ]+ /, "")
    value[name] = $0
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
    } else if (line != "" && line !~ /^--/) {
        print named(line, file, number)
    }
}

function include(path, file, number,    line, at, got) {
    if (path in taken) {
        return
    }
    taken[path] = 1
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
            out = out quote substr(line, 1, end)
            line = substr(line, end + 1)
        } else if (word in value) {
            out = out value[word]
        } else if (word ~ /^[A-Z][A-Z0-9]+(_[A-Za-z0-9]+)*$/ && word != "KEYS" && word != "ARGV") {
            fail(file, number, word " is no constant of the C core")
        } else {
            out = out word
        }
    }
    return out line
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

END { exit failed }
