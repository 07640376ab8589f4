#!/bin/sh
# prove.sh: the checks of make prove, one after the other; each prints one line and counts once.
# Knows which checks there are; how each works stands in its own script.
#
# prove.sh [CHECK…]    no name = all; MAKE, SECONDS_EACH (of fuzzing) from the environment
set -u

cd "$(dirname "$0")/../.." || exit 2
make=${MAKE:-make}
here=tools/checks
logs=build/prove
mkdir -p "$logs"
export WERROR=1
passed=0
failed=0
wanted=" $* "

is_wanted() {
    case $wanted in "  " | *" $1 "*) return 0 ;; esac
    return 1
}

# try NAME COMMAND…: leaves what it said and how it ended. A check is a function as often as not:
# in a subshell it cannot write over the names used here.
try() {
    name=$1
    shift
    started=$(date +%s)
    word=passed
    ("$@") >"$logs/$name.log" 2>&1 </dev/null || word=FAILED
    echo "$word $(($(date +%s) - started))" >"$logs/$name.end"
}

# tell NAME: one line; the last line of what the check said is the news when it passed, its end
# when it failed.
tell() {
    name=$1
    word=FAILED # also when it left no end
    seconds=0
    read -r word seconds <"$logs/$name.end"
    case $word in
    passed) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
    printf '%-14s %s %4d s  %s\n' "$name" "$word" "$seconds" \
        "$(grep -v "^make" "$logs/$name.log" | tail -n 1)"
    [ "$word" = passed ] || {
        grep -E -A 4 ' (error|warning): |FAILED|not ok ' "$logs/$name.log" | head -n 40
        echo "…"
        tail -n 30 "$logs/$name.log"
    } | sed 's/^/    | /'
}

check() {
    is_wanted "$1" || return 0
    rm -f "$logs/$1.end"
    try "$@"
    tell "$1"
}

# beside NAME COMMAND…: the same beside the checks that follow, up to `join NAME`: for a check that
# mostly keeps one core busy.
beside() {
    is_wanted "$1" || return 0
    rm -f "$logs/$1.end"
    try "$@" &
}

join() {
    is_wanted "$1" || return 0
    wait
    tell "$1"
}

skip() {
    is_wanted "$1" || return 0
    printf '%-14s skipped: %s\n' "$1" "$2"
}

# ---- the checks ----

# gcc's is the tree that the other checks run.
strict() {
    $make FLAVOUR="$1" tests-built benches-built && echo "no warning"
}

headers() {
    for header in slotq_types slotq_core slotq slotq_redis; do
        for language in "gcc -std=c11 -x c" "gcc -std=c17 -x c" "g++ -std=gnu++17 -x c++" \
            "clang -std=c11 -x c" "clang++ -std=gnu++17 -x c++"; do
            # shellcheck disable=SC2086 # a command and its options
            printf '#include "%s.h"\n' $header | $language -Iengine -Wall -Wextra -Wconversion \
                -Werror -fsyntax-only - || return 1
        done
    done
    echo "each header stands alone, in C11, C17 and C++17"
}

# exported LIBRARY HEADER…: what it shows is what the headers declare.
exported() {
    library=build/lib/$1.so
    shift
    shown=$(nm -D --defined-only "$library" | awk '$2 != "w" { print $3 }' | sort -u)
    declared=$(for header in "$@"; do gcc -E -P -x c -Iengine "$header"; done | tr '\n' ' ' |
        tr ';' '\n' | grep 'visibility("default")' |
        sed 's/.*visibility("default"))) *//; s/ *(.*//; s/.*[ *]//' | sort -u)
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
        exported libslotq engine/slotq.h &&
        exported libslotq_redis engine/slotq.h engine/slotq_redis.h
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
        -D__GNUC__ -DSLOTQ_NO_ASSERT \
        engine tools && echo "nothing found"
}

# One file a run: the analyzer carries state from one to the next. checksum.c is xxHash's code.
linted() {
    find engine tools fuzz bench -name '*.c' | grep -v /checksum.c >"$logs/lint-files"
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
    SLOTQ_STEPS=200000 SLOTQ_EXCEPT='closure: 4*' SUITE_SECONDS=1500 $make FLAVOUR=asan suites
}

valgrinded() {
    $make tests-built || return 1
    rooms=''
    for room in layout core queue; do
        [ -x build/tests/engine/$room ] && rooms="$rooms build/tests/engine/$room"
    done
    SLOTQ_STEPS=3000 SLOTQ_EXCEPT='closure*' SUITE_SECONDS=1500 SLOTQ_WRAP="valgrind -q \
--error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite" \
        $make SUITES="$rooms" suites
}

embedded() {
    $make amalgamation && sh $here/embedded.sh build/amalgamation "$logs/embedded"
}

big_endian() {
    $make FLAVOUR=powerpc endian-built || return 1
    SLOTQ_STEPS=50000 SLOTQ_EXCEPT='closure: 4*' SUITE_SECONDS=1500 SLOTQ_WRAP=qemu-ppc \
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
    $make tests-built || return 1
    SLOTQ_PROVE=1 SLOTQ_ONLY='[deep]' SUITE_SECONDS=1500 $make suites \
        SUITES="build/tests/engine/core build/tests/engine/backend-file build/tests/lua"
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

installed() {
    sh $here/installed.sh "$(pwd)/$logs/installed"
}

sh $here/need.sh prove || exit 1
check tidy sh $here/tidy.sh
check tables sh $here/tables.sh --check
check shellcheck shells
check headers headers
check gcc strict ''
check clang strict clang
check symbols symbols
check luacheck luachecked
check cppcheck cppchecked
check clang-tidy linted
check embedded embedded
check install installed
check bench smoked
check deep deep
check sanitizers sanitized
check valgrind valgrinded
# In each of these the suite of the core takes nearly all of the time, on one core.
beside coverage "$make" coverage
if command -v qemu-ppc >/dev/null && command -v powerpc-linux-gnu-g++ >/dev/null; then
    check big-endian big_endian
else
    skip big-endian "no powerpc-linux-gnu-g++ or no qemu-ppc here"
fi
join coverage
check fuzz "$make" fuzz SECONDS="${SECONDS_EACH:-60}"

printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ] && [ $passed -gt 0 ]
