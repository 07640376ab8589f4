#!/bin/bash
# test_example_device.sh: the example device proves what it says as a program of the host, and the
# same on a Cortex-M in qemu with each compiler that is there (with CI set, clang must be); and it
# finds a holder that is wrong.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

SLOTQ_BUILD=${SLOTQ_BUILD:-$source_folder/build}
device=$source_folder/tools/examples/device
core=$SLOTQ_BUILD/obj/build/amalgamation/slotq_core.o

# proves NAME FILE: the output says that each part of the proof holds, and fits a terminal.
proves() {
    same "$1: its proof holds" 4 "$(grep -c '^  holds  ' "$2")"
    holds "$1: its lines fit 80 columns" \
        awk 'length > 80 { print; wide = 1 } END { exit wide }' "$2"
}

figure() { # file, name
    sed -nE "s/^  $2 +([0-9]+).*/\1/p" "$1"
}

"$SLOTQ_BUILD/examples/device" >host 2>err
same 'host: exit' 0 $?
proves host host
holds 'host: it cut the power' test "$(figure host cuts)" -gt 5000
holds 'host: the queue and its work fit 16 KiB' \
    test $(($(figure host non-volatile) + $(figure host RAM))) -le 16384

"$SLOTQ_BUILD/examples/device" --help >out
same 'help: exit' 0 $?
holds 'help names the script' grep -q 'run\.sh' out
"$SLOTQ_BUILD/examples/device" --volts 2>err
same 'an unknown option: exit' 2 $?
holds 'an unknown option is named' grep -q '^device: --volts: unknown option' err
for option in '' --help; do
    # shellcheck disable=SC2086 # none or one
    "$SLOTQ_BUILD/examples/device" $option >/dev/full 2>err
    same "$option with a full disk: exit" 1 $?
    holds "$option with a full disk: it says why" grep -q 'cannot write to stdout: ' err
done

if nm "$core" 2>/dev/null | grep -q __asan; then
    skip 'the Cortex-M, and holders that are wrong' 'they say the same without a sanitizer'
    finish
    exit
fi

for compiler in gcc clang; do
    bash "$device/run.sh" $compiler >arm 2>err
    code=$?
    if [ $code = 77 ] && { [ -z "${CI:-}" ] || [ $compiler = gcc ]; }; then
        skip "device, $compiler" "$(sed -n 's/^skipped. //p' arm)"
        continue
    fi
    same "$compiler: exit" 0 $code
    proves "$compiler" arm
    same "$compiler: the same cuts as on the host" "$(figure host cuts)" "$(figure arm cuts)"
    holds "$compiler: it has the size of the stack" test "$(figure arm stack)" -gt 500
    holds "$compiler: and of the flash" test "$(figure arm flash)" -gt 20000
done

# ---- a holder that is wrong is found ----

# wrong NAME EXPRESSION: the holder changed by sed
wrong() {
    rm -rf wrong
    cp -r "$device" wrong
    sed -i "$2" wrong/holder.h
    if cmp -s wrong/holder.h "$device/holder.h"; then
        not_ok "$1" 'nothing was changed'
        return
    fi
    "${CC:-cc}" -std=c11 -O1 -I"$source_folder/engine" -o wrong/device wrong/*.c \
        "$core" >seen 2>&1 || {
        not_ok "$1: it compiles" "$(head -n 5 seen)"
        return
    }
    wrong/device >out 2>err
    same "$1: exit" 1 $?
    holds "$1: what failed" grep -q '^  FAILS .* when the power went after byte [0-9]*$' out
}

wrong 'no record' 's/^.*holder_flag(&self->memory->live, HOLDER_LIVE);$//'
wrong 'no recovery' 's/memory->live == HOLDER_LIVE/false/'
wrong 'the record ends before it is applied' '/^static inline void holder_finish/,/^}/{
    /holder_flag/d; s/^{$/{ holder_flag(\&self->memory->live, 0);/; }'
wrong 'payloads last' '/^static inline void holder_apply/,/^}/{
    /^    holder_patches/d; s/^\( *holder_finish.*\)$/\1 holder_patches(self, 0, \
        step->patch_count - step->visible_count);/; }'
finish
