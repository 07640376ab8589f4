#!/bin/sh
# need.sh: looks for what a target needs and, where something is missing, installs it by apt as
# root or through sudo, saying so. Knows packages, not how anything is built.
#
# need.sh [--look] build|demo|demo-redis|test|fuzz|coverage|prove|bench
#   --look: install nothing, name the packages and fail.
# What a bench would like (peers, gnuplot) is installed if it can be, else left out and
# named.
set -u

install=yes
if [ "${1:-}" = --look ]; then
    install=no
    shift
fi
target=${1:?a target}
PATH=$PATH:/usr/sbin # where Debian has nats-server
compiler=${CC:-cc}
packages=''
wishes=''

need() {
    packages="$packages $1"
}

need_command() { # command, package
    command -v "$1" >/dev/null 2>&1 || need "$2"
}

need_header() { # header, package
    printf '#include <%s>\n' "$1" | $compiler -E -x c - >/dev/null 2>&1 || need "$2"
}

wish() { # package, then how to look for it: as the functions above
    wished=$1
    shift
    before=$packages
    "$@" "$wished"
    [ "$packages" = "$before" ] || wishes="$wishes $wished"
    packages=$before
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
    [ "${TLS:-1}" = 0 ] || need_header openssl/ssl.h libssl-dev
    [ "${NCURSES:-1}" = 0 ] || wish libncurses-dev need_header curses.h
}

need_test() {
    need_build
    need_command "${CXX:-g++}" g++
    need_catch
    need_command redis-server redis-server
    need_command python3 python3
    [ -f "${TZDIR:-/usr/share/zoneinfo}/Europe/Berlin" ] || need tzdata
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

need_bench() {
    need_build
    need_command redis-server redis-server
    need_command python3 python3
    wish gnuplot-nox need_command gnuplot
    wish beanstalkd need_command beanstalkd
    wish nats-server need_command nats-server
    wish libsqlite3-dev need_header sqlite3.h
    wish nodejs need_command node
    wish npm need_command npm
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
bench) need_bench ;;
*)
    echo "need.sh: no such target: $target" >&2
    exit 2
    ;;
esac

[ -z "$packages$wishes" ] && exit 0
# shellcheck disable=SC2086 # lists of words
packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ' | sed 's/ $//')

refuse() {
    echo "make $target needs these packages (Debian names): $packages" >&2
    echo "$1" >&2
    exit 1
}

without() { # why
    echo "make $target goes on without$wishes: $1"
    exit 0
}

# What is needed ends it where it cannot be installed; what is wished for does not.
end_with() {
    [ -z "$packages" ] && without "$1"
    refuse "$2"
}

[ "$install" = yes ] || end_with "not installed" "Install them: apt-get install $packages"
command -v apt-get >/dev/null 2>&1 ||
    end_with "there is no apt-get here" "There is no apt-get here: install them by hand."
as_root=''
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null ||
        end_with "as root: apt-get install$wishes" "As root: apt-get install $packages"
    as_root='sudo -n'
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1
}
# The lists may be old or absent: they are fetched when the first try fails.
updated=''
get_all() {
    echo "make $target needs $*: installing with apt-get${as_root:+ through sudo}"
    get install --no-install-recommends "$@" && return
    [ -z "$updated" ] || return 1
    updated=yes
    get update && get install --no-install-recommends "$@"
}

# shellcheck disable=SC2086 # a list of words
if [ -n "$packages" ] && ! get_all $packages; then
    tail -n 20 "$log" >&2
    refuse "apt-get could not install them (its last words are above)."
fi
absent=''
for package in $wishes; do
    get_all "$package" || absent="$absent $package"
done
wishes=$absent
[ -z "$wishes" ] || without "apt-get could not install them"
