#!/bin/sh
# lua.sh: bundles every verb of lua/ into both variants, with their SHA-1 sums, a manifest, and the
# C table of them for the library; and all of them as one library of functions.
# lua.sh CONSTANTS OUT. Knows the heads of verb files.
set -eu

here=$(dirname "$0")
constants=$1
out=$2
mkdir -p "$out/lua/plain" "$out/lua/redis7" "$out/gen"

# head_of FILE FIELD: what stands behind `-- FIELD: ` in a verb's head, and in the lines that
# continue it (`--   `).
head_of() {
    awk -v field="-- $2: " '
        index($0, field) == 1 {
            text = substr($0, length(field) + 1)
            while ((getline line) > 0 && line ~ /^--   [^ ]/) {
                text = text " " substr(line, 6)
            }
            print text
            exit
        }' "$1"
}

# effect_of NAME: what verbs.def says of the verb whose script, or whose packed one, NAME is, or
# NAME without _keyed.
effect_of() {
    sed -n "s/^EFFECT_OF_${1%_keyed*}\(_packed\)\{0,1\} //p" "$constants" | head -n 1
}

sha1_of() {
    sha1sum "$1" | cut -d ' ' -f 1
}

# words_sum_of FILE: 8 digits that change with what a script takes, answers and refuses: a module of
# other words is not called.
words_sum_of() {
    for field in args reply errors flags; do
        head_of "$1" $field
    done | sha1sum | cut -c 1-8
}

# compiled FILE: fails if Lua 5.1, as Redis has it, refuses a script: a function may have 200 local
# names, and use 60 of those around it. Without a Lua here, Redis says so at the first call.
compiled() {
    if command -v luac5.1 >/dev/null; then
        luac5.1 -p "$1" 2>&1
    elif command -v lua5.1 >/dev/null; then
        echo 'assert(loadfile(arg[1]))' | lua5.1 - "$1" 2>&1
    elif command -v luajit >/dev/null; then
        luajit -b "$1" /dev/null 2>&1
    fi
}

# quoted TEXT: as a JSON string.
quoted() {
    printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# words_of TEXT: as a JSON array of strings.
words_of() {
    set -f
    between=''
    printf '['
    for word in $1; do
        printf '%s%s' "$between" "$(quoted "$word")"
        between=', '
    done
    printf ']'
    set +f
}

between=''
{
    printf '{\n  "scripts": [\n'
    for file in lua/[a-z]*.lua; do
        name=$(basename "$file" .lua)
        for field in "$name" args reply errors flags; do
            if [ -z "$(head_of "$file" "$field")" ]; then
                echo "$file:1: its head has no line \`-- $field: \`" >&2
                exit 1
            fi
        done
        flags=$(head_of "$file" flags)
        plain=$out/lua/plain/$name.lua
        redis7=$out/lua/redis7/$name.lua
        case $flags in
        none) first='#!lua' ;;
        allow-oom | no-writes) first="#!lua flags=$flags" ;;
        *) echo "$file:1: flags are allow-oom, no-writes or none" >&2 && exit 1 ;;
        esac
        case $(effect_of "$name"):$flags in
        READS:no-writes | WRITES:allow-oom | :none) ;;
        *)
            echo "$file:1: flags are $flags, and verbs.def says $(effect_of "$name"):" \
                "no-writes for READS, allow-oom for WRITES, none for what is not a verb" >&2
            exit 1
            ;;
        esac
        # a process that reads a script meanwhile has the old one or the new one whole
        awk -f "$here/bundle.awk" "$constants" "$file" >"$plain.$$"
        if ! said=$(compiled "$plain.$$"); then
            echo "$file:1: Redis would refuse this script with its pieces: $said" >&2
            echo "If it has too many local names: put those that only one piece uses into a" \
                "do ... end block of that piece" >&2
            rm "$plain.$$"
            exit 1
        fi
        { echo "$first" && cat "$plain.$$"; } >"$redis7.$$"
        mv "$plain.$$" "$plain"
        mv "$redis7.$$" "$redis7"
        printf '%s    {"name": "%s", "about": %s,\n' "$between" "$name" \
            "$(quoted "$(head_of "$file" "$name")")"
        printf '     "args": %s,\n' "$(words_of "$(head_of "$file" args)")"
        printf '     "reply": %s,\n' "$(quoted "$(head_of "$file" reply)")"
        printf '     "errors": %s,\n' "$(words_of "$(head_of "$file" errors |
            sed 's/\([A-Z][A-Z]*\)/SLOTQ\1/g')")"
        printf '     "flags": "%s",\n' "$flags"
        printf '     "sha1": {"plain": "%s", "redis7": "%s"}}' "$(sha1_of "$plain")" \
            "$(sha1_of "$redis7")"
        between=',
'
    done
    printf '\n  ]\n}\n'
} >"$out/lua/manifest.json.new$$"
mv "$out/lua/manifest.json.new$$" "$out/lua/manifest.json"

# ---- one library of functions, for FCALL ----

# function_head NAME: the line before a script's text; with function_end it makes a function of it.
function_head() {
    flags=$(head_of "lua/$1.lua" flags)
    printf "redis.register_function{function_name = '%s_%s', flags = {%s}," "$library" "$1" \
        "$(case $flags in none) ;; *) printf "'%s'" "$flags" ;; esac)"
    printf ' callback = function(KEYS, ARGV)'
}
function_end='end}'

# A function that says that the library is there.
function_about() {
    printf "redis.register_function{function_name = '%s_about', flags = {'no-writes'}," "$library"
    printf " callback = function() return '%s' end}" "$library"
}

functions() {
    printf '#!lua name=%s\n%s\n' "$library" "$(function_about)"
    for file in lua/[a-z]*.lua; do
        name=$(basename "$file" .lua)
        function_head "$name" && echo && cat "$out/lua/plain/$name.lua" && echo "$function_end"
    done
}

# The name changes with every byte of it, so that a server can have several: of the clients that
# are there now, and of those that come.
library=slotq
library=slotq_$(functions | sha1sum | cut -c 1-8)
functions >"$out/lua/slotq.functions.lua.$$"
sed '1d' "$out/lua/slotq.functions.lua.$$" >"$out/lua/functions.check.$$"
said=$(compiled "$out/lua/functions.check.$$") || {
    echo "Redis would refuse the library of functions: $said" >&2
    rm "$out/lua/functions.check.$$" "$out/lua/slotq.functions.lua.$$"
    exit 1
}
rm "$out/lua/functions.check.$$"
mv "$out/lua/slotq.functions.lua.$$" "$out/lua/slotq.functions.lua"

# replace FILE: FILE.new… takes its place where it differs.
replace() {
    if cmp -s "$1.new$$" "$1"; then
        rm "$1.new$$"
    else
        mv "$1.new$$" "$1"
    fi
}

{
    printf '/* redis_script_names.h: made from lua/ by tools/generate/lua.sh. */\n'
    printf '#ifndef REDIS_SCRIPT_NAMES_H\n#define REDIS_SCRIPT_NAMES_H\n\n#include <stddef.h>\n\n'
    printf 'typedef struct redis_script_source {\n    const char *name;\n'
    printf '    const char *sha1; /* 40 hex digits */\n    const char *text;\n'
    printf '    size_t length;\n} redis_script_source;\n\n'
    printf 'typedef struct redis_function_source {\n    const char *name;\n'
    printf '    const char *head; /* what stands before the text of the script */\n'
    printf '} redis_function_source;\n\n'
    printf 'typedef struct redis_module_source {\n    const char *command; /* of the module */\n'
    printf '    const char *words; /* the name, and a sum of the words */\n'
    printf '} redis_module_source;\n\n'
    printf '#define REDIS_FUNCTIONS_LIBRARY "%s"\n' "$library"
    printf '#define REDIS_FUNCTIONS_HEAD "#!lua name=%s\\n%s\\n"\n' "$library" "$(function_about)"
    printf '#define REDIS_FUNCTION_END "%s\\n"\n\n' "$function_end"
    printf 'typedef enum redis_script_index {\n'
    for file in lua/[a-z]*.lua; do
        printf '    REDIS_SCRIPT_%s,\n' "$(basename "$file" .lua)"
    done
    printf '    REDIS_SCRIPT_COUNT\n} redis_script_index;\n\n#endif\n'
} >"$out/gen/redis_script_names.h.new$$"
replace "$out/gen/redis_script_names.h"

{
    printf '/* redis_scripts.h: made from lua/ by tools/generate/lua.sh. */\n'
    printf '#include "redis_script_names.h"\n\n'
    for variant in plain redis7; do
        printf 'static const redis_script_source redis_scripts_%s[] = {\n' "$variant"
        for file in lua/[a-z]*.lua; do
            name=$(basename "$file" .lua)
            printf '    {"%s", "%s",\n' "$name" "$(sha1_of "$out/lua/$variant/$name.lua")"
            sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/     "&\\n"/' "$out/lua/$variant/$name.lua"
            printf '     , %s},\n' "$(wc -c <"$out/lua/$variant/$name.lua" | tr -d ' ')"
        done
        printf '};\n'
    done
    printf 'static const redis_function_source redis_functions[] = {\n'
    for file in lua/[a-z]*.lua; do
        name=$(basename "$file" .lua)
        printf '    {"%s_%s",\n     "%s\\n"},\n' "$library" "$name" "$(function_head "$name")"
    done
    printf '};\n'
    printf 'static const redis_module_source redis_module[] = {\n'
    for file in lua/[a-z]*.lua; do
        name=$(basename "$file" .lua)
        printf '    {"SLOTQ.%s.AT", "%s %s"},\n' \
            "$(echo "$name" | tr '[:lower:]' '[:upper:]')" "$name" "$(words_sum_of "$file")"
    done
    printf '};\n'
} >"$out/gen/redis_scripts.h.new$$"
replace "$out/gen/redis_scripts.h"

# What the module for Redis knows of the scripts whose commands it has (engine/module/commands.def).
{
    printf '/* script_heads.h: made from lua/ by tools/generate/lua.sh. */\n'
    for file in lua/[a-z]*.lua; do
        name=$(basename "$file" .lua)
        flags=$(head_of "$file" flags)
        printf '#define SCRIPT_ABOUT_%s %s\n' "$name" "$(quoted "$(head_of "$file" "$name")")"
        printf '#define SCRIPT_ARGS_%s %s\n' "$name" "$(quoted "$(head_of "$file" args)")"
        printf '#define SCRIPT_WORDS_%s "%s %s"\n' "$name" "$name" "$(words_sum_of "$file")"
        printf '#define SCRIPT_READS_%s %s\n' "$name" \
            "$(case $flags in no-writes) echo true ;; *) echo false ;; esac)"
        printf '#define SCRIPT_ALLOCATES_%s %s\n' "$name" \
            "$(case $flags in none) echo true ;; *) echo false ;; esac)"
    done
} >"$out/gen/script_heads.h.new$$"
replace "$out/gen/script_heads.h"
