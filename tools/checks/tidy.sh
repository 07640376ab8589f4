#!/bin/sh
# tidy.sh: the rules of form that a machine can check: lengths, blanks, names, places, and that
# includes go only downwards. Knows no meaning. Prints each finding and the sum; fails on any.
set -u

cd "$(dirname "$0")/../.." || exit 2
findings=$(mktemp)
files=$(mktemp)
trap 'rm -f "$findings" "$files"' EXIT

find . -path ./build -prune -o -path ./.git -prune -o -type f -print |
    sed 's|^\./||' | LC_ALL=C sort >"$files"

# ---- places and names ----

for entry in $(find . -mindepth 1 -maxdepth 1 | sed 's|^\./||'); do
    case $entry in
    .ci | .git | .gitignore | .clang-format | .clang-tidy | .editorconfig | .luacheckrc) ;;
    LICENSE | Makefile | CHANGELOG.md | SECURITY.md | CONTRIBUTING.md) ;;
    README.md | bench | build | engine | fuzz | lua | tests | tools) ;;
    *) echo "$entry: not a place at the top" >>"$findings" ;;
    esac
done

while read -r path; do
    case $(basename "$path") in
    *.o | *.a | *.so | *.so.* | *.d | *.gcda | *.gcno | a.out | core.[0-9]* | *.profraw)
        echo "$path: build output belongs in build/" >>"$findings" ;;
    util.* | utils.* | common.* | misc.* | helper.* | helpers.* | stuff.*)
        echo "$path: a file's name says what it knows" >>"$findings" ;;
    esac
done <"$files"

# A stranger reads it to its end.
readme_lines=$(wc -l <README.md)
[ "$readme_lines" -le 400 ] ||
    echo "README.md: $readme_lines lines; 400 are the limit" >>"$findings"

# ---- text ----

lists=$(mktemp -d)
trap 'rm -rf "$findings" "$files" "$lists"' EXIT
# Everything that is written by hand; golden images and seeds are bytes, and two
# results are what a bench printed.
grep -E '\.(c|h|cpp|hpp|sh|lua|js|py|def|awk|md|mk|scd|yml|in|txt)$|(^|/)(Makefile|run)$' "$files" |
    grep -vE '^(tests/golden/|fuzz/seeds/|bench/results/(core|redis)\.md$)' >"$lists/text"
grep -E '\.(c|h|cpp|hpp)$' "$lists/text" >"$lists/c"
grep -E '\.(c|h|cpp|hpp|sh|lua)$|(^|/)run$' "$lists/text" >"$lists/code"
grep -E '\.(c|h|cpp|hpp|sh|def|lua|js|py|awk)$|(^|/)run$' "$lists/text" >"$lists/headed"

{
    LC_ALL=C xargs awk -f tools/checks/text.awk <"$lists/text"
    LC_ALL=C xargs awk -f tools/checks/functions.awk <"$lists/code"
    LC_ALL=C xargs awk -f tools/checks/includes.awk <"$lists/c"
    # What users and readers of the code see: documents, public headers, tables, texts of programs.
    grep -E '^([^/]*\.md|(engine|lua|bench)/[^/]*\.md|tools/man/.*\.scd)$|\.def$' "$lists/text" |
        LC_ALL=C xargs awk -f tools/checks/words.awk
    grep -E '^(engine|tools|tests|bench|fuzz)/' "$lists/c" |
        LC_ALL=C xargs awk -f tools/checks/words.awk
    # The tests of this check name the words that it looks for.
    grep -E '\.(sh|lua)$' "$lists/text" | grep -v /test_checks.sh |
        LC_ALL=C xargs awk -f tools/checks/words.awk
    # A file begins by saying what it knows.
    while read -r path; do
        name=$(basename "$path")
        case $path in lua/[a-z]*.lua) name=$(basename "$path" .lua) ;; esac
        head -n 2 "$path" | grep -qE "^(/\*|//|#|--|\"\"\") ?($name|$path): " ||
            echo "$path:1: no head comment that begins with the file's name and says what it knows"
    done <"$lists/headed"
} >>"$findings"

sort -u "$findings"
count=$(sort -u "$findings" | wc -l)
looked=$(wc -l <"$lists/text")
if [ "$count" -gt 0 ]; then
    echo "tidy: $count findings in $looked files" >&2
    exit 1
fi
echo "tidy: $looked files, nothing to say"
