#!/bin/bash
# test_checks.sh: the checks can fail. Each is given something wrong and must name it, and
# something right and must pass. Knows the scripts of tools/checks from outside.
set -u

root=${SLOTQ_SOURCE_DIR:-$(pwd)}
checks=$root/tools/checks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

run() { # command…: what it says goes to the file said, its answer to answer
    answer=0
    "$@" >said 2>&1 || answer=1
}

verdict() { # name, command…: ok when the command is
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name; answer $answer, said:"
        sed 's/^/    /' said
        failed=$((failed + 1))
    fi
}

answers() { # name, 0 or 1
    verdict "$1" test "$answer" = "$2"
}

says() { # name, text
    verdict "$1" grep -qF -- "$2" said
}

look() { # awk script, files
    run env LC_ALL=C awk -f "$checks/$1" "${@:2}"
}

lines() { # count
    for ((i = 0; i < $1; i++)); do echo "    x();"; done
}

form() {
    { echo "int f(void)"; echo "{"; lines 68; echo "}"; } >long.c
    look functions.awk long.c
    says "a function of 71 lines is named" "long.c:1: a function of 71 lines"
    { echo "int f(void)"; echo "{"; lines 67; echo "}"; } >fits.c
    look functions.awk fits.c
    verdict "a function of 70 lines is not" test ! -s said
    { echo 'TEST_CASE("x") {'; lines 70; echo "}"; } >long.cpp
    look functions.awk long.cpp
    says "a test case is a function" "long.cpp:1: a function of 72 lines"
    { echo "class a"; echo "{"; echo "  public:"; echo "    void f()"; echo "    {"; lines 70
        echo "    }"; echo "};"; } >class.cpp
    look functions.awk class.cpp
    says "a member is a function, its class is not" "class.cpp:4: a function of 73 lines"
    { echo "f() {"; lines 70; echo "}"; } >long.sh
    look functions.awk long.sh
    says "a shell function too" "long.sh:1: a function of 72 lines"

    { printf 'é%.0s' {1..101}; echo; printf '\tx\nx \n'; } >text.c
    look text.awk text.c
    says "columns are characters" "text.c:1: a line of 101 columns"
    says "a tab" "text.c:2: a tab"
    says "a blank at the end" "text.c:3: blanks at the end"
    lines 521 >file.c
    look text.awk file.c
    says "a file too long" "file.c:521: a file of 521 lines"
}

# Each spelling that the tree uses, upwards: beside the file, by .., from engine/, from the top.
includes() {
    mkdir -p engine/layout engine/core engine/backend/file engine/backend/redis/wire \
        engine/backend/redis/call engine/backend/memory engine/backend/system engine/queue \
        tools/slotq/doctor tools/slotq/line tools/slotq/say tools/slotq/verbs
    touch engine/slotq.h engine/slotq_core.h engine/core/frame.h engine/layout/word.h \
        engine/backend/backend.h engine/backend/file/journal.h engine/backend/redis/server.h \
        engine/backend/redis/wire/dial.h engine/backend/redis/call/errors.h \
        engine/queue/handle.h tools/slotq/line/values.h tools/slotq/say/output.h \
        tools/slotq/doctor/doctor.h
    printf '#include "../core/frame.h"\n#include <string.h>\n' >engine/layout/a.c
    printf '#include "../layout/word.h"\n#include <stdint.h>\n#include "slotq.h"\n' \
        >engine/core/a.c
    printf '#include "../queue/handle.h"\n#include "file/journal.h"\n' >engine/backend/a.c
    printf '#include "../redis/wire/dial.h"\n#include "../backend.h"\n' >engine/backend/file/a.c
    {
        printf '#include "../../../queue/handle.h"\n#include "engine/queue/handle.h"\n'
        printf '#include "dial.h"\n#include "../../backend.h"\n#include "../server.h"\n'
        printf '#include "../call/errors.h"\n#include "backend/redis/server.h"\n'
    } >engine/backend/redis/wire/a.c
    printf '#include "../wire/dial.h"\n#include "errors.h"\n' >engine/backend/redis/call/a.c
    printf '#include "wire/dial.h"\n#include "call/errors.h"\n' >engine/backend/redis/a.c
    printf '#include "../file/journal.h"\n' >engine/backend/system/a.c
    {
        printf '#include "slotq.h"\n#include "../../../engine/backend/file/journal.h"\n'
        printf '#include "backend/file/journal.h"\n  #  include "queue/handle.h"\n'
        printf '#include "engine/queue/handle.h"\n#include "doctor.h"\n'
        printf '#include "../say/output.h"\n#include "layout/word.h"\n'
        printf '#include "backend/not_there.h"\n#include <queue/handle.h>\n'
        printf '#include <hiredis/hiredis.h>\n#include <sys/stat.h>\n'
    } >tools/slotq/doctor/a.c
    printf '#include "../line/values.h"\n#include "output.h"\n' >tools/slotq/say/a.c
    look includes.awk engine/layout/a.c engine/core/a.c engine/backend/a.c \
        engine/backend/file/a.c engine/backend/redis/wire/a.c engine/backend/system/a.c \
        engine/backend/redis/call/a.c engine/backend/redis/a.c \
        tools/slotq/doctor/a.c tools/slotq/say/a.c
    says "layout may not include core" "engine/layout/a.c:1: includes upwards"
    says "layout may not include libc" "engine/layout/a.c:2: freestanding"
    says "core may not include slotq.h" "engine/core/a.c:3: includes upwards"
    says "backend may not include queue" "engine/backend/a.c:1: includes upwards"
    says "what serves all stores includes none" "engine/backend/a.c:2: what serves all stores"
    says "a file store knows no Redis" "engine/backend/file/a.c:1: one kind of store"
    says "three rooms up" "engine/backend/redis/wire/a.c:1: includes upwards"
    says "from the top" "engine/backend/redis/wire/a.c:2: includes upwards"
    says "bytes know no server" "engine/backend/redis/wire/a.c:5: wire/ includes nothing else"
    says "nor words" "engine/backend/redis/wire/a.c:6: wire/ includes nothing else"
    says "nor from engine/" "engine/backend/redis/wire/a.c:7: wire/ includes nothing else"
    says "words know no bytes on the wire" \
        "engine/backend/redis/call/a.c:1: call/ includes nothing else"
    says "the system's room knows no store" "engine/backend/system/a.c:1: what serves all stores"
    says "tools may not include backend by .." "tools/slotq/doctor/a.c:2: tools use slotq.h"
    says "nor from engine/" "tools/slotq/doctor/a.c:3: tools use slotq.h"
    says "nor with blanks" "tools/slotq/doctor/a.c:4: tools use slotq.h"
    says "nor from the top" "tools/slotq/doctor/a.c:5: tools use slotq.h"
    says "nor a file that is missing" "tools/slotq/doctor/a.c:9: tools use slotq.h"
    says "nor in pointed brackets" "tools/slotq/doctor/a.c:10: what is ours is included with quotes"
    says "say includes no other room" "tools/slotq/say/a.c:1: say/ prints"
    verdict "nothing else is said" test "$(wc -l <said)" = 20
}

tables() {
    printf '# A\n<!-- generated: exits -->\nold\n<!-- end generated -->\nend\n' >a.md
    "${CC:-cc}" -std=c11 -I"$root/engine" -o make_tables "$root/tools/generate/tables.c"
    run ./make_tables a.md
    says "a table is filled in" "| 130 | interrupted |"
    says "what follows it stays" "end"
    printf -- '-- v: a verb\n-- args: now x\n-- reply: y\n-- errors: FULL\n' >v.lua
    printf '; generated: scripts\n; end generated\n; generated: r\n; end generated\n' >d.scd
    echo "a region" >r.region
    run ./make_tables d.scd v.lua r.region
    says "a script's head is a row" "v       now x  y      FULL"
    says "a region is put in as it is" "a region"
    run ./make_tables a.md
    verdict "what was there goes" test "$(grep -c old said)" = 0
    printf '<!-- generated: nothing -->\n<!-- end generated -->\n' >b.md
    run ./make_tables b.md
    answers "an unknown table is refused" 1
    printf '<!-- generated: exits -->\n' >c.md
    run ./make_tables c.md
    answers "a mark without an end is refused" 1
}

suite() { # name, wanted last line, answer, script
    printf '#!/bin/sh\n%s\n' "$4" >suite_under_test
    chmod +x suite_under_test
    run env OUT="$work/out" sh "$checks/suites.sh" "$work/suite_under_test"
    answers "$1: answer" "$3"
    verdict "$1: sum" test "$(tail -n 1 said)" = "$2"
}

suites() {
    suite "a suite that passes" "3 passed, 0 failed" 0 \
        'echo "All tests passed (9 assertions in 3 test cases)"; echo "3 passed, 0 failed"'
    suite "a suite with failures" "2 passed, 1 failed" 1 \
        'echo "test cases: 3 | 2 passed | 1 failed"; echo "2 passed, 1 failed"; exit 1'
    suite "a suite of a script" "4 passed, 0 failed" 0 'echo "4 passed, 0 failed"'
    suite "a suite that dies" "0 passed, 1 failed" 1 'kill -9 $$'
    suite "a suite that lies" "4 passed, 1 failed" 1 'echo "4 passed, 0 failed"; exit 1'
    suite "a suite of nothing" "0 passed, 1 failed" 1 'echo "0 passed, 0 failed"'
    suite "a suite that says no sum" "0 passed, 1 failed" 1 'echo "All tests passed"'
    suite "a suite that skips a part" "2 passed, 0 failed" 0 \
        'echo "skipped: far: away: no ship"; echo "2 passed, 0 failed, 1 skipped"'
    says "its line counts it" " 2 passed, 0 failed, 1 skipped "
    says "the reason is told" "skipped 1: no ship"
    suite "a suite that skips everything has not passed" "0 passed, 0 failed" 1 \
        'echo "0 passed, 0 failed, 3 skipped"'
}

# The suite that runs in parts: one that has nothing, and one that fails.
parts() {
    mkdir -p tests/engine
    cat >tests/engine/worker <<'END'
#!/bin/sh
case $SLOTQ_PART in
0/*) echo "5 passed, 0 failed, 1 skipped" ;;
1/*) echo "0 passed, 0 failed" ;;
*) echo "the one that fails"; [ -e good ] || { echo "2 passed, 1 failed"; exit 1; }
   echo "3 passed, 0 failed" ;;
esac
END
    chmod +x tests/engine/worker
    run env OUT="$work/out" sh "$checks/suites.sh" "$work/tests/engine/worker"
    answers "a part that fails: answer" 1
    verdict "parts with one that fails: sum" test "$(tail -n 1 said)" = "7 passed, 1 failed"
    says "its log is shown" "| the one that fails"
    touch good
    run env OUT="$work/out" sh "$checks/suites.sh" "$work/tests/engine/worker"
    answers "parts that pass: answer" 0
    verdict "parts that pass: sum" test "$(tail -n 1 said)" = "8 passed, 0 failed"
    local binary=${SLOTQ_BUILD:-$root/build}/tests/engine/layout
    run env SLOTQ_PART=2/2 "$binary"
    answers "a part that is not there: answer" 1
    local all=0 part
    for part in 0 1 2; do
        run env SLOTQ_PART=$part/3 "$binary" 'a*'
        all=$((all + $(tail -n 1 said | cut -d' ' -f1)))
    done
    run "$binary" 'a*'
    verdict "the parts together have all test cases" test "$all" = \
        "$(awk '/^[0-9]+ passed/ && $1 > 3 { print $1 }' said)"
}

# Real suites, of test cases and of a script, with no redis-server to be found.
skips() {
    local build=${SLOTQ_BUILD:-$root/build}
    local case='a server that answers late is not taken for one with another clock'
    mkdir -p empty
    run env -u CI -u SLOTQ_REDIS_SERVER PATH="$work/empty" \
        "$build/tests/engine/backend-redis" "$case"
    answers "a test case without a server: answer" 0
    verdict "it is skipped" test "$(tail -n 1 said)" = "0 passed, 0 failed, 1 skipped"
    says "with its reason" "skipped: $case: redis-server is not on the PATH"
    verdict "Catch2 does not call it passed" test "$(grep -c 'tests passed' said)" = 0
    run env -u SLOTQ_REDIS_SERVER CI=1 PATH="$work/empty" \
        "$build/tests/engine/backend-redis" "$case"
    answers "with CI set it fails" 1
    verdict "its sum" test "$(tail -n 1 said)" = "0 passed, 1 failed"
    run env -u CI SLOTQ_REDIS_SERVER=no-such-server bash "$root/tests/tools/test_redis_push.sh"
    answers "a script without a server: answer" 0
    verdict "it is skipped" test "$(tail -n 1 said)" = "0 passed, 0 failed, 1 skipped"
    says "with its reason" ": no-such-server is not on the PATH"
    run env CI=1 SLOTQ_REDIS_SERVER=no-such-server bash "$root/tests/tools/test_redis_push.sh"
    answers "with CI set the script fails" 1
}

plain_words() {
    printf 'A queue that\nnobody uses.\n' >page.md
    look words.awk page.md
    says "a word that is not plain is named" 'page.md:2: not a plain word: "nobody"'
    printf 'The server removes it by\nitself. It is gone.\n' >page.md
    look words.awk page.md
    says "a phrase over the end of a line is named" 'page.md:2: not a plain word: "by itself"'
    verdict "and once" test "$(wc -l <said)" = 1
    printf 'It is no queue.\n' >page.md
    look words.awk page.md
    says "is no is named" 'page.md:1: not a plain word: "is no "'
    printf 'There is no limit. The token is no longer valid. This is no faster.\n' >page.md
    look words.awk page.md
    verdict "plain uses of no are not" test ! -s said
    printf 'A user who waits, and people who\ndo not. The callers who wait.\n' >page.md
    look words.awk page.md
    says "who for a program is named" 'page.md:2: not a plain word: "who "'
    verdict "for people it is not" test "$(wc -l <said)" = 1
    printf '/* nobody reads\n * by\n * itself */\nsay("%%s is no\\" folder"); // whoever\n' >text.c
    printf 'nobody = by(itself);\n' >>text.c
    look words.awk text.c
    says "a text of a program is read" 'text.c:4: not a plain word: "is no "'
    says "its comments are read" 'text.c:1: not a plain word: "nobody"'
    says "over the end of a line" 'text.c:3: not a plain word: "by itself"'
    says "behind code" 'text.c:4: not a plain word: "whoever"'
    verdict "its code is not" test "$(wc -l <said)" = 4
    printf '#!/bin/sh\n# nobody reads\nsame "it is no\\" queue" x # whoever\n' >text.sh
    printf "same 'gone by itself' nobody\n" >>text.sh
    look words.awk text.sh
    says "a comment of a shell suite is read" 'text.sh:2: not a plain word: "nobody"'
    says "a name of a case is read" 'text.sh:3: not a plain word: "is no "'
    says "behind a command" 'text.sh:3: not a plain word: "whoever"'
    says "in either quotes" 'text.sh:4: not a plain word: "by itself"'
    verdict "its commands are not" test "$(wc -l <said)" = 4
    printf -- '-- nobody reads\nlocal nobody = "it is no queue" -- goes by\n' >text.lua
    printf -- '-- itself\n' >>text.lua
    look words.awk text.lua
    says "a comment of Lua is read" 'text.lua:1: not a plain word: "nobody"'
    says "its strings are" 'text.lua:2: not a plain word: "is no "'
    says "behind its code" 'text.lua:3: not a plain word: "by itself"'
    verdict "and not its code" test "$(wc -l <said)" = 3
    printf '// nobody reads\nnobody();\n' >text.cpp
    look words.awk text.cpp
    says "C++ likewise" 'text.cpp:1: not a plain word: "nobody"'
    verdict "its code is not either" test "$(wc -l <said)" = 1
    printf '/* Nobody calls it. */\n' >slotq_types.h
    look words.awk slotq_types.h
    says "comments of a public header are read" 'slotq_types.h:1: not a plain word: "nobody"'
    printf 'X(a, "Whoever calls")\n' >texts.def
    look words.awk texts.def
    says "a table of texts is read" 'texts.def:1: not a plain word: "whoever"'
}

bundles() {
    command -v luac5.1 lua5.1 luajit >/dev/null || return 0
    mkdir lua
    printf -- '-- %s\n' 'v: a verb' 'args: now' 'reply: OK' 'errors: FULL' 'flags: none' \
        '@include _piece' >lua/v.lua
    sed -i 's/^-- @/--@/' lua/v.lua
    for ((i = 0; i < 201; i++)); do echo "local name_$i = $i"; done >lua/_piece.lua
    : >constants
    run sh "$root/tools/generate/lua.sh" constants out
    answers "a script with 201 local names is refused" 1
    says "it is named" "lua/v.lua:1: Redis would refuse this script"
    says "with the cause" "200 local variables"
    says "and what to do" "do ... end block"
    verdict "and nothing is left of it" test ! -e out/lua/plain/v.lua
    sed -i 1,3d lua/_piece.lua # as a function it has KEYS and ARGV besides
    run sh "$root/tools/generate/lua.sh" constants out
    answers "with 198 it is made" 0
    verdict "in both variants" test -s out/lua/redis7/v.lua
}

needs() {
    run sh "$checks/need.sh" --look demo
    answers "what the demo needs is here" 0
    run env CXX=no-such-compiler sh "$checks/need.sh" --look test
    answers "a compiler that is not here is missed" 1
    says "its package is named" "these packages (Debian names): g++"
    mkdir -p bin
    for tool in cc id sed sh sort tr; do
        ln -s "$(command -v $tool)" bin/
    done
    run env PATH="$work/bin" CXX=no-such-compiler sh "$checks/need.sh" test
    answers "without apt it gives up" 1
    says "and says so" "There is no apt-get here"
    says "with the package" "g++"
}

# Files are refused where a store of the header would be torn.
machines() {
    local file=$root/engine/backend/file/step.c compiler
    local refused='queue files need a native 64-bit atomic store, which this machine does not have'
    compile() { # compiler, flags
        run "$1" -std=c11 -D_GNU_SOURCE= -I "$root/engine" -fsyntax-only -w "${@:2}" "$file"
    }
    compile "${CC:-cc}"
    answers "this machine stores 64 bits at once" 0
    for lock_free in 0 1; do # never, sometimes
        compile "${CC:-cc}" -U__GCC_ATOMIC_LLONG_LOCK_FREE \
            -D__GCC_ATOMIC_LLONG_LOCK_FREE=$lock_free
        answers "a machine that does not ($lock_free)" 1
        says "is named in the error ($lock_free)" "$refused"
    done
    compile "${CC:-cc}" -U__GCC_ATOMIC_LLONG_LOCK_FREE
    says "a compiler that does not say is refused" "$refused"
    compiler=powerpc-linux-gnu-gcc
    if command -v $compiler >said; then
        compile $compiler
        answers "PowerPC of 32 bits does not" 1
        says "and is named in the error" "$refused"
    fi
}

form
plain_words
includes
tables
suites
parts
skips
bundles
needs
machines
echo "$passed passed, $failed failed"
[ $failed = 0 ]
