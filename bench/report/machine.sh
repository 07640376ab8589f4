#!/bin/sh
# machine.sh: what a figure depends on, a line each: the processor, the system, versions, the
# commit. Knows where to ask; no figure. Run where the sources are.
#
# machine.sh FOLDER      of the results; CC: the compiler they were built with
set -u

folder=${1:?a folder}
compiler=${CC:-cc}

version_of() { # program, words that make it tell
    program=$1
    shift
    ! command -v "$program" >/dev/null 2>&1 ||
        echo "$program: $("$program" "$@" 2>&1 | head -n 1 | sed "s/^$program:* *//")"
}

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit, changed"

echo "CPU: $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(nproc) cores"
echo "kernel: $(uname -srm)"
echo "compiler: $($compiler --version | head -n 1), -O2"
echo "files on: $(df --output=fstype "$folder" | tail -n 1)"
echo "commit: $commit"
version_of redis-server --version | sed 's/ Redis server v=/ /; s/ sha=.*//'
version_of beanstalkd -v | sed 's/ beanstalkd / /'
version_of nats-server --version | sed 's/ nats-server: / /'
version_of node --version
echo "load at the start: $(cut -d ' ' -f 1-3 /proc/loadavg)"
