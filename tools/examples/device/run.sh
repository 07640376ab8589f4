#!/bin/bash
# run.sh: builds the example for a Cortex-M3 and runs it in qemu. Knows the compilers that can; the
# program is the one of the host, with arm/ below it in place of host.c.
#
# run.sh [gcc|clang]    the compiler: arm-none-eabi-gcc, or clang with ld.lld; default: gcc if it is
#                       there
# Exits 77, with the reason, where a tool is missing.
set -u
export LC_ALL=C

cd "$(dirname "$0")/../../.." || exit 2
here=tools/examples/device
out=build/examples/arm

missing() {
    echo "skipped: $1 is missing (Debian: apt-get install $2)"
    exit 77
}

has() { command -v "$1" >/dev/null 2>&1; }

with=${1:-}
if [ -z "$with" ]; then
    with=gcc
    has arm-none-eabi-gcc || ! has clang || with=clang
fi
case $with in
gcc)
    has arm-none-eabi-gcc || missing arm-none-eabi-gcc gcc-arm-none-eabi
    compiler=(arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -fno-tree-loop-distribute-patterns)
    link=(-nostdlib)
    libraries=(-lgcc)
    ;;
clang)
    has clang || missing clang clang
    has ld.lld || missing ld.lld lld
    compiler=(clang --target=thumbv7m-none-eabi -mcpu=cortex-m3)
    link=(-nostdlib -fuse-ld=lld)
    libraries=()
    ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
has qemu-system-arm || missing qemu-system-arm qemu-system-arm

mkdir -p "$out" || exit 1
MAKEFLAGS='' make -s build/amalgamation/slotq_core.c || exit 1
objects=()
for source in build/amalgamation/slotq_core.c $here/device.c $here/world.c \
    $here/arm/startup.c $here/arm/memory.c; do
    object=$out/$(basename "$source" .c)-$with.o
    "${compiler[@]}" -std=c11 -Os -ffreestanding -ffunction-sections -Wall -Wextra -Wconversion \
        -Wshadow -Werror -Ibuild/amalgamation -I$here/arm -c "$source" -o "$object" || exit 1
    objects+=("$object")
done
"${compiler[@]}" "${link[@]}" -Wl,--gc-sections -T $here/arm/device.ld "${objects[@]}" \
    "${libraries[@]}" -o "$out/device-$with.elf" || exit 1

"${compiler[0]}" --version | sed -n 's/^/device: /; 1p'
exec timeout -k 5 300 qemu-system-arm -M mps2-an385 -nographic -monitor none -serial none \
    -chardev stdio,id=out -semihosting-config enable=on,target=native,chardev=out \
    -kernel "$out/device-$with.elf"
