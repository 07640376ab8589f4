#!/bin/sh
# need.sh: looks for what a target needs and, where something is missing, installs it by apt as
# root or through sudo, saying so. Knows packages, not how anything is built.
#
# need.sh [--look] build|demo|demo-redis|test|fuzz|coverage|prove
#   --look: install nothing, name the packages and fail.
set -u

install=yes
if [ "${1:-}" = --look ]; then
    install=no
    shift
fi
target=${1:?a target}
compiler=${CC:-cc}
packages=''

need() {
    packages="$packages $1"
}

need_command() { # command, package
    command -v "$1" >/dev/null 2>&1 || need "$2"
}

need_header() { # header, package
    printf '#include <%s>\n' "$1" | $compiler -E -x c - >/dev/null 2>&1 || need "$2"
}

need_catch() {
    for header in catch2/catch_all.hpp catch2/catch.hpp; do
        for folder in /usr/include /usr/local/include; do
            [ -f "$folder/$header" ] && return
        done
    done
    need catch2
}

need_build() {
    need_command "$compiler" gcc
    printf '#include <stdlib.h>\n' | $compiler -E -x c - >/dev/null 2>&1 || need libc6-dev
    need_header xxhash.h libxxhash-dev
    need_header jansson.h libjansson-dev
    need_header hiredis/hiredis.h libhiredis-dev
}

need_test() {
    need_build
    need_command "${CXX:-g++}" g++
    need_catch
    need_command redis-server redis-server
}

need_clang() {
    need_command clang++ clang
    if command -v clang >/dev/null 2>&1; then
        runtime=$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null)
        case $(uname -m)-$runtime in
        x86_64-/*) ;;
        x86_64-*) need libclang-rt-14-dev ;;
        esac
    else
        need libclang-rt-14-dev
    fi
}

need_prove() {
    need_test
    need_clang
    need_command clang-tidy clang-tidy
    need_command cppcheck cppcheck
    need_command shellcheck shellcheck
    need_command luacheck lua-check
    need_command valgrind valgrind
    need_command gcovr gcovr
    need_command scdoc scdoc
    need_command powerpc-linux-gnu-g++ g++-powerpc-linux-gnu
    need_command qemu-ppc qemu-user
    # Without it valgrind cannot read the loader on Debian.
    [ -e /usr/lib/debug/.build-id ] || [ ! -e /etc/debian_version ] || need libc6-dbg
}

case $target in
build | demo) need_build ;;
demo-redis)
    need_build
    need_command redis-server redis-server
    ;;
test) need_test ;;
fuzz) need_test && need_clang ;;
coverage) need_test && need_command gcovr gcovr ;;
prove) need_prove ;;
*)
    echo "need.sh: no such target: $target" >&2
    exit 2
    ;;
esac

[ -z "$packages" ] && exit 0
# shellcheck disable=SC2086 # a list of words
packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ' | sed 's/ $//')

refuse() {
    echo "make $target needs these packages (Debian names): $packages" >&2
    echo "$1" >&2
    exit 1
}

[ "$install" = yes ] || refuse "Install them: apt-get install $packages"
command -v apt-get >/dev/null 2>&1 || refuse "There is no apt-get here: install them by hand."
as_root=''
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || refuse "As root: apt-get install $packages"
    as_root='sudo -n'
fi

echo "make $target needs $packages: installing with apt-get${as_root:+ through sudo}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1
}
# The lists may be old or absent: they are fetched when the first try fails.
# shellcheck disable=SC2086 # a list of words
get install --no-install-recommends $packages ||
    { get update && get install --no-install-recommends $packages; } || {
    tail -n 20 "$log" >&2
    refuse "apt-get could not install them (its last words are above)."
}
