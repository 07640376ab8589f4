# private_server.sh: a redis-server of the test's own on a unix socket in its folder; sourced after
# cases.sh, whose end kills it. Never touches another server. Knows no test.
# shellcheck shell=bash

# need PROGRAM...: where one is not there: a failure when CI is set, else a word, and the end.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null && continue
        if [ -n "${CI:-}" ]; then
            not_ok "there is no $program, and CI is set"
        else
            echo "skipped: there is no $program"
            ok "nothing to do without $program"
        fi
        finish
        exit
    done
}

server_socket=$PWD/redis.sock

start_server() {
    redis-server --port 0 --unixsocket "$server_socket" --save '' --dir "$PWD" --daemonize no \
        --logfile "$PWD/redis.log" </dev/null >/dev/null 2>&1 &
    await 60 answers || {
        not_ok 'the private redis-server answers' "$(tail -n 5 redis.log)"
        finish
        exit 1
    }
}

answers() {
    [ "$(redis-cli -s "$server_socket" PING 2>/dev/null)" = PONG ]
}
