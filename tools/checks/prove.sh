#!/bin/sh
# prove.sh: the checks of make prove; each prints one line as it ends and counts once. Knows which
# checks there are and which may run beside which; how each works stands in its own script.
#
# prove.sh [CHECK…]    no name = all; MAKE, SECONDS_EACH (of fuzzing) from the environment
set -u

cd "$(dirname "$0")/../.." || exit 2
make=${MAKE:-make}
here=tools/checks
logs=build/prove
mkdir -p "$logs"
export WERROR=1
wanted=" $* "
rm -f "$logs"/*.end

is_wanted() {
    case $wanted in "  " | *" $1 "*) return 0 ;; esac
    return 1
}

# try NAME COMMAND…: leaves what it said and how it ended: the word, its seconds, those of cores.
# A check is a function as often as not: in a subshell it cannot write over the names used here.
try() {
    name=$1
    shift
    started=$(date +%s)
    word=passed
    (
        ("$@")
        code=$?
        times >"$logs/$name.times"
        exit $code
    ) >"$logs/$name.log" 2>&1 </dev/null || word=FAILED
    echo "$word $(($(date +%s) - started)) $(awk 'NR == 2 {
        split($1 "m" $2, part, "[ms]+")
        print int(part[1] * 60 + part[2] + part[3] * 60 + part[4])
    }' "$logs/$name.times")" >"$logs/$name.end"
}

# tell NAME: one line; the last line of what the check said is the news when it passed, its end
# when it failed. How many cores it kept busy shows what may run beside it.
tell() {
    name=$1
    word=FAILED # also when it left no end
    read -r word seconds busy <"$logs/$name.end"
    awk -v name="$name" -v word="$word" -v seconds="$seconds" -v busy="$busy" -v news="$(
        grep -v '^make' "$logs/$name.log" | tail -n 1)" 'BEGIN {
            printf "%-14s %s %4d s %3.1f cores  %s\n", name, word, seconds,
                busy / (seconds > 0 ? seconds : 1), news
        }'
    [ "$word" = passed ] || {
        grep -E -A 4 ' (error|warning): |FAILED|not ok ' "$logs/$name.log" | head -n 40
        echo "…"
        tail -n 30 "$logs/$name.log"
    } | sed 's/^/    | /'
}

check() {
    is_wanted "$1" || return 0
    echo "FAILED 0 0" >"$logs/$1.end"
    try "$@"
    tell "$1" >"$logs/$1.told" # in one piece: another lane may print as well
    cat "$logs/$1.told"
}

# beside COMMAND…: checks in a lane of their own, beside all that follow up to `join`, on what
# those leave of the cores. Two checks that make in the same folder may not run beside each other.
beside() {
    (
        # shellcheck disable=SC2016 # for the shell that looks
        sh -c 'renice -n 5 -p $PPID' >/dev/null 2>&1
        export JOBS=1
        "$@"
    ) &
}

join() {
    wait
}

skip() {
    is_wanted "$1" || return 0
    printf '%-14s skipped: %s\n' "$1" "$2"
}

# ---- the checks ----

# gcc's is the tree that the other checks run.
strict() {
    $make "$@" && echo "no warning"
}

headers() {
    for header in engine/slotq*.h; do
        for language in "gcc -std=c11 -x c" "gcc -std=c17 -x c" "g++ -std=gnu++17 -x c++" \
            "clang -std=c11 -x c" "clang++ -std=gnu++17 -x c++"; do
            # shellcheck disable=SC2086 # a command and its options
            printf '#include "%s"\n' "$(basename "$header")" | $language -Iengine -Wall -Wextra \
                -Wconversion -Werror -fsyntax-only - || return 1
        done
    done
    echo "each header stands alone, in C11, C17 and C++17"
}

# exported LIBRARY HEADER…: what it shows is what the headers declare; where $below is set, without
# what the library of that name shows.
exported() {
    library=build/lib/$1.so
    shift
    shown=$(nm -D --defined-only "$library" | awk '$2 != "w" { print $3 }' | sort -u)
    declared=$(for header in "$@"; do gcc -E -P -x c -Iengine "$header"; done | tr '\n' ' ' |
        tr ';' '\n' | grep 'visibility("default")' |
        sed 's/.*visibility("default"))) *//; s/ *(.*//; s/.*[ *]//' | sort -u)
    [ -z "${below:-}" ] || declared=$({
        nm -D --defined-only "build/lib/$below.so" | awk '{ print $3 "\n" $3 }'
        echo "$declared"
    } | sort | uniq -u)
    [ "$shown" = "$declared" ] || {
        echo "$library and its headers differ in:"
        printf '%s\n%s\n' "$shown" "$declared" | sort | uniq -u
        return 1
    }
    echo "$(basename "$library"): $(echo "$shown" | wc -l) public symbols, all declared"
}

# closed LIBRARY: an archive with no global name that a program could have as well.
closed() {
    taken=$(nm -g --defined-only "build/lib/$1.a" | awk 'NF == 3 && $3 !~ /^slotq_/ { print $3 }')
    [ -z "$taken" ] || {
        echo "$1.a has global symbols without the prefix slotq_: $taken"
        return 1
    }
    echo "$1.a: no global symbol but slotq_*"
}

symbols() {
    $make built && closed libslotq && closed libslotq_redis &&
        closed libslotq_worker &&
        exported libslotq engine/slotq.h engine/slotq_files.h &&
        exported libslotq_redis engine/slotq.h engine/slotq_files.h engine/slotq_redis_tls.h \
            engine/slotq_redis_route.h &&
        below=libslotq exported libslotq_worker engine/slotq_worker.h
}

# What Redis will run: the pieces by themselves do not know each other's names.
luachecked() {
    $make lua && luacheck --quiet --no-color build/lua/plain && echo "nothing found"
}

shells() {
    find . -path ./build -prune -o -path ./.git -prune -o -name '*.sh' -print >"$logs/scripts"
    [ -f .ci/run ] && echo .ci/run >>"$logs/scripts"
    xargs shellcheck -x -P SCRIPTDIR -e SC2016 <"$logs/scripts" &&
        echo "$(wc -l <"$logs/scripts") scripts"
}

cppchecked() {
    cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j 2 \
        --enable=warning,performance,portability --suppress=missingIncludeSystem \
        --suppressions-list=$here/cppcheck-suppressions -Iengine -Ibuild/gen \
        -D__GNUC__ -DSLOTQ_NO_ASSERT -itools/examples/device/arm \
        engine tools && echo "nothing found"
}

# One file a run: the analyzer carries state from one to the next. checksum.c is xxHash's code.
linted() {
    find engine tools fuzz bench -name '*.c' |
        grep -vE '/checksum.c|/device/arm/' >"$logs/lint-files"
    xargs -P 2 -n 1 sh -c 'clang-tidy --quiet "$1" -- -std=c11 -D_GNU_SOURCE= -Iengine \
        -Ibuild/gen -Itests/support -I. -Ifuzz 2>&1' clang-tidy \
        <"$logs/lint-files" >"$logs/lint" || {
        grep -E 'error:|warning:' "$logs/lint" | sort -u
        echo "$(grep -E 'error:|warning:' "$logs/lint" | sort -u | wc -l) findings"
        return 1
    }
    echo "$(wc -l <"$logs/lint-files") files, nothing found"
}

sanitized() {
    $make FLAVOUR=asan tests-built || return 1
    SLOTQ_STEPS=50000 SLOTQ_EXCEPT='[long]' $make FLAVOUR=asan suites
}

# Threads that share a worker; what they stand on is compiled so, too.
threaded() {
    $make FLAVOUR=tsan build/tsan/tests/engine/worker || return 1
    SUITES=build/tsan/tests/engine/worker $make FLAVOUR=tsan suites
}

# What runs beside other checks finds its binaries made: to make them is not its business.
made_tests() {
    $make tests-built >"$logs/made" 2>&1 && echo made >"$logs/made"
}

are_made() {
    [ "$(cat "$logs/made")" = made ] || {
        cat "$logs/made"
        return 1
    }
}

valgrinded() {
    are_made || return 1
    rooms=''
    for room in layout core queue; do
        [ -x build/tests/engine/$room ] && rooms="$rooms build/tests/engine/$room"
    done
    SLOTQ_STEPS=3000 SLOTQ_EXCEPT='closure*' SLOTQ_WRAP="valgrind -q \
--error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite" \
        $make SUITES="$rooms" suites
}

embedded() {
    $make amalgamation && sh $here/embedded.sh build/amalgamation "$logs/embedded"
}

big_endian() {
    $make FLAVOUR=powerpc endian-built || return 1
    SLOTQ_STEPS=50000 SLOTQ_EXCEPT='[long]' SLOTQ_WRAP=qemu-ppc \
        $make FLAVOUR=powerpc endian-suites
}

# The test cases that try more with SLOTQ_PROVE; the others would only repeat make test.
deep() {
    left=$(grep -rlE 'SLOTQ_PROVE|how_many\(|each_of\(' tests --include='test_*.cpp' |
        grep -v test_crash_world | xargs grep -L '\[deep\]')
    [ -z "$left" ] || {
        echo "no test case tagged [deep] in: $left"
        return 1
    }
    are_made || return 1
    SLOTQ_PROVE=1 SLOTQ_ONLY='[deep]' $make suites \
        SUITES="build/tests/engine/core build/tests/engine/backend-file build/tests/engine/worker \
            build/tests/lua build/tests/protocol"
}

# The tests of the scripts on the module's commands, but for what is about scripts alone: the rights
# and calls that they need, EVALSHA, checks that they cannot compute, the server's limit of strings.
# And its own tests, and a storm of random commands, on a server with the module built with
# sanitizers.
moduled() {
    are_made || return 1
    SLOTQ_TEST_MODULE=1 build/tests/lua '~access*' '~costs*' '~parity: core*' \
        '~parity: a replica*' '~arguments: the number*' '~move: a server*' \
        '~redrive: messages that left*' '~redrive: by id*' '~server: SCRIPT*' || return 1
    # the library on servers that have it, where a test does not wait for an EVALSHA
    SLOTQ_TEST_MODULE=1 build/tests/engine/backend-redis \
        'module*,cluster*,failover*,remade*,no verb*,what only reads*' || return 1
    SLOTQ_TEST_MODULE=1 build/tests/shards '*Redis*' || return 1
    $make FLAVOUR=asan build/asan/slotq.so || return 1
    rm -f "$logs"/module-asan.*
    SLOTQ_REDIS_SERVER=$PWD/$here/asan_server.sh build/tests/module &&
        SLOTQ_REDIS_SERVER=$PWD/$here/asan_server.sh build/tests/lua 'parity: core and module*' &&
        python3 $here/module_storm.py "$PWD/$here/asan_server.sh" "$PWD/build/slotq.so" \
            "$(date +%s)" 60000 && return
    cat "$logs"/module-asan.*
    return 1
}

# Real servers that replace each other while messages flow: too long for make test.
replaced() {
    are_made || return 1
    SLOTQ_ONLY='[failover]' $make suites \
        SUITES='build/tests/engine/backend-redis build/tests/shards'
}

# Each measurement once, so that none of them rots; nothing is judged by its speed.
smoked() {
    $make built benches-built bench-packages || return 1
    bash bench/run.sh --smoke --into "$logs/bench" || return 1
    for word in 'Push, reserve, ack' 'Latency' 'Memory' 'The cycle' 'In Redis' 'Contenders'; do
        grep -q "^## $word" "$logs/bench/report.md" || {
            echo "its report has no $word"
            return 1
        }
    done
    echo "$(wc -l <"$logs/bench/raw.csv") measurements; $(grep -c 'is left out' \
        "$logs/bench/report.md") contenders left out"
}

# A machine without OpenSSL: the command neither links it nor is silent about it, and what tests a
# server links too.
without_tls() {
    command=build/no-tls/bin/slotq
    tests="build/no-tls/tests/engine/backend-redis build/no-tls/tests/engine/queue"
    # shellcheck disable=SC2086 # a list
    $make FLAVOUR=no-tls $command $tests || return 1
    ! ldd $command | grep -E 'lib(ssl|crypto)' || return 1
    for url in rediss://127.0.0.1:1 valkeys://127.0.0.1:1; do
        told=$($command -u $url push jobs x 2>&1)
        [ $? = 2 ] && echo "$told" | grep 'this build has no TLS' || return 1
    done
    for binary in $tests; do
        ! ldd "$binary" | grep -E 'lib(ssl|crypto)' || return 1
    done
}

packaged() {
    bash $here/packages.sh build/package "$(sed -n \
        's/^#define SLOTQ_VERSION_TEXT "\(.*\)"/\1/p' engine/slotq.h)"
}

kept() {
    $make abi-compare && echo "programs that are linked with the libraries find what they know"
}

installed() {
    sh $here/installed.sh "$(pwd)/$logs/installed"
}

# ---- which beside which ----

# A suite that runs beside others takes longer than it would alone.
export SUITE_SECONDS=2700

# These read the tree, each on one core.
quick() {
    check tidy sh $here/tidy.sh
    check tables sh $here/tables.sh --check
    check shellcheck shells
    check headers headers
}

# These take long, mostly on one core.
long() {
    check deep deep
    check coverage "$make" coverage
}

sh $here/need.sh prove || exit 1
beside quick
check gcc strict tests-built benches-built
check clang strict FLAVOUR=clang objects-built
join
check symbols symbols
check luacheck luachecked
if is_wanted deep || is_wanted valgrind || is_wanted failover || is_wanted module; then
    made_tests
fi
beside long
check cppcheck cppchecked
check clang-tidy linted
check embedded embedded
check install installed
if [ "$(id -u)" = 0 ] && command -v dh >/dev/null && command -v lintian >/dev/null; then
    check packages packaged
else
    skip packages "not root, or no debhelper or no lintian here"
fi
if command -v abidw >/dev/null; then
    check abi kept
else
    skip abi "no abigail-tools here"
fi
check no-tls without_tls
check bench smoked
check failover replaced
check module moduled
check sanitizers sanitized
check threads threaded
if command -v qemu-ppc >/dev/null && command -v powerpc-linux-gnu-g++ >/dev/null; then
    check big-endian big_endian
else
    skip big-endian "no powerpc-linux-gnu-g++ or no qemu-ppc here"
fi
check valgrind valgrinded
join
check fuzz "$make" fuzz SECONDS="${SECONDS_EACH:-15}" # it has so many seconds: both cores for it

cat "$logs"/*.end | awk '
    { if ($1 == "passed") passed++; else failed++ }
    END {
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed == 0
    }'
