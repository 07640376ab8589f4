#!/usr/bin/env bash
# asan_server.sh: a redis-server that loads the module built with sanitizers in the place of the one
# that it is told. Tests start it by SLOTQ_REDIS_SERVER; what the sanitizers find ends the server.
#
# asan_server.sh [what redis-server takes]    build/asan/slotq.so must be there
set -u

here=$(cd "$(dirname "$0")/../.." && pwd)
words=()
for word in "$@"; do
    case $word in
    */slotq.so) word=$here/build/asan/slotq.so ;;
    esac
    words+=("$word")
done
# the server has none, but what it allocates for the module is watched too
preload="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)"
found=$here/build/prove/module-asan
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:log_path=$found"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:log_path=$found"
LD_PRELOAD=$preload exec redis-server "${words[@]}"
