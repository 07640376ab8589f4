#!/bin/sh
# embedded.sh: the amalgamation compiles without a system with each compiler at hand, a program on
# it leaves the same image byte by byte on each, and its cost is within the limits.
#
# embedded.sh FOLDER (of slotq_core.c) WORK
set -u

folder=${1:?a folder}
work=${2:?a folder for results}
checks=$(dirname "$0")
mkdir -p "$work"
rm -f "$work"/*
wanted=''

try() { # name, runner or nothing, compiler…
    name=$1
    runner=$2
    shift 2
    command -v "$1" >/dev/null 2>&1 || return 0
    [ -z "$runner" ] || command -v "$runner" >/dev/null 2>&1 || return 0
    "$@" -std=c11 -Os -ffreestanding -Wall -Wextra -Wconversion -Wshadow -Werror \
        -c "$folder/slotq_core.c" -o "$work/core-$name.o" &&
        "$@" -std=c11 -I"$folder" "$checks/embedded.c" "$work/core-$name.o" \
            -o "$work/program-$name" || exit 1
    # shellcheck disable=SC2086 # a runner or nothing
    $runner "$work/program-$name" >"$work/image-$name" || {
        echo "$name: the program failed"
        exit 1
    }
    [ -n "$wanted" ] || wanted=$work/image-$name
    cmp "$wanted" "$work/image-$name" || exit 1
    echo "$name: the same image"
}

try gcc '' gcc
try clang '' clang
try powerpc qemu-ppc powerpc-linux-gnu-gcc -static
[ -n "$wanted" ] || exit 1
CC=gcc sh "$checks/footprint.sh" "$folder"
