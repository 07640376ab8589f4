#!/bin/bash
# packages.sh: the packages for Debian, made, judged by lintian, and installed into a copy of this
# system that ends with the check; there the command, a program and a unit are used. Knows the
# packages from outside; run as root, as dpkg is.
#
# packages.sh FOLDER VERSION
set -u

folder=${1:?a folder}
version=${2:?a version}
here=$(pwd)
# It is said of an upload to Debian, which this is not.
not_here=initial-upload-closes-no-bugs,bogus-mail-host

fail() {
    echo "packages.sh: $1 FAILED" >&2
    exit 1
}

# The copy: what is written in it is in memory, and only this process sees it.
inside() {
    root=$folder/root
    mount -t tmpfs tmpfs "$root" && mkdir "$root/new" "$root/work" "$root/all" &&
        mount -t overlay -o "lowerdir=/,upperdir=$root/new,workdir=$root/work" overlay \
            "$root/all" && mount -t proc proc "$root/all/proc" || exit 77
    mkdir -p "$root/all/tmp/packages" && cp "$folder"/*_"$version"-1_*.deb "$root/all/tmp/packages"
    rm -f "$root"/all/tmp/packages/*-dbgsym_*
    chroot "$root/all" bash "$here/tools/checks/packages.sh" used "$version"
}

# In the copy.
used() {
    cd /tmp/packages || exit 1
    export DEBIAN_FRONTEND=noninteractive
    dpkg -i ./*.deb >log 2>&1 || { cat log; fail "dpkg -i"; }
    id slotq >/dev/null || fail "the user slotq"
    mkdir new && cd new || exit 1
    slotq create jobs -q && slotq push jobs hello -q >log
    [ "$(slotq reserve jobs -q | cut -f 3)" = hello ] || fail "slotq"
    man -w slotq >/dev/null || fail "man slotq"
    cat >program.c <<'C'
#include <slotq.h>
#include <stdio.h>

int main(void)
{
    slotq *queue = NULL;
    slotq_stats stats = {0};
    const slotq_outcome outcome = slotq_open(".", "jobs", NULL, &queue, NULL);
    if (outcome == SLOTQ_OK && slotq_get_stats(queue, 0, &stats) == SLOTQ_OK) {
        printf("%u\n", stats.leased);
    }
    slotq_close(queue);
    return 0;
}
C
    # shellcheck disable=SC2046 # words
    cc -o program program.c $(pkg-config --cflags --libs slotq)
    [ "$(./program)" = 1 ] || fail "a program with libslotq-dev"
    # shellcheck disable=SC2046
    cc -o with_redis program.c $(pkg-config --cflags --libs slotq_redis)
    [ "$(./with_redis)" = 1 ] || fail "a program with libslotq_redis"
    systemd-analyze verify /usr/lib/systemd/system/slotq-work@.service >log 2>&1 ||
        { cat log; fail "systemd-analyze verify"; }
    dpkg -r slotq libslotq-dev libslotq0.1 libslotq-redis0.1 libslotq-worker0.1 >log 2>&1 ||
        { cat log; fail "dpkg -r"; }
    [ -z "$(find /usr -name '*slotq*' -not -path '*/doc/*')" ] || fail "dpkg -r leaves files, it"
}

if [ "$folder" = used ]; then
    used
    exit
fi
if [ "$folder" = inside ]; then
    folder=$3
    inside
    exit
fi
sh tools/package/package.sh deb "$folder" "$version" >/dev/null || fail "make deb"
first=$(sha256sum <"$folder/slotq-$version.tar.gz")
sh tools/package/package.sh dist "$folder" "$version" >/dev/null || fail "make dist"
[ "$first" = "$(sha256sum <"$folder/slotq-$version.tar.gz")" ] || fail "the same archive again"
lintian --allow-root --fail-on error,warning --suppress-tags "$not_here" --tag-display-limit 0 \
    "$folder"/*.deb || fail "lintian"
mkdir -p "$folder/root"
unshare --mount bash "$here/tools/checks/packages.sh" inside "$version" "$(cd "$folder" && pwd)"
code=$?
[ $code != 77 ] || {
    echo "the packages are made and clean; installing them is skipped: no overlay can be mounted"
    exit 0
}
[ $code = 0 ] || exit $code
echo "made, clean by lintian, installed, used and removed"
