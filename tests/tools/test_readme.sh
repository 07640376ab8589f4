#!/bin/bash
# test_readme.sh: the examples of the README, taken out of it and run as they stand: the C one is
# compiled with warnings as errors. Knows where the fences are, not how slotq works.
set -u

source=${SLOTQ_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SLOTQ_BUILD:-$source/build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PATH=$build/bin:$PATH
passed=0
failed=0

check() { # what, command...
    local what=$1
    shift
    "$@" >output.now 2>&1 # which may read the output before
    local code=$?
    mv output.now output
    if [ "$code" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what (exit $code)"
        sed 's/^/    /' output
    fi
}

# example LANGUAGE: the one block of that language.
example() {
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$source/README.md" | sed '1d;$d'
}

flags() { # what a sanitized library needs to be linked
    case $build in
    *asan) echo -fsanitize=address,undefined ;;
    esac
}

example c >mail.c
example sh >jobs.sh
check 'the README has an example in C' test -s mail.c
check 'the README has an example in shell' test -s jobs.sh

# shellcheck disable=SC2046 # a list of words
check 'the C example compiles' "${CC:-cc}" -std=c11 -Wall -Wextra -Werror \
    -I "$source/engine" mail.c -o mail "$build/lib/libslotq.a" -pthread $(flags)
check 'the C example runs' ./mail
check 'it handled what it pushed' grep -qx hello output
check 'its queue is sound' slotq check mail
check 'nothing is left in it' sh -c 'slotq stats mail --json | grep -Eq "\"unfinished\": ?0"'

check 'the shell example runs, each command' bash -e -o pipefail jobs.sh
check 'its commands handled the messages' grep -q 'resize dog.png' output
check 'its queue is sound' slotq check jobs
check 'nothing is left in it' sh -c 'slotq stats jobs --json | grep -Eq "\"unfinished\": ?0"'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
