# private_server.sh: a redis-server of the test's own: a socket in its folder, no port, ended by
# its process id. Sourced after cases.sh. Touches no other server.
# shellcheck shell=bash disable=SC2154,SC2119,SC2120 # work_folder is of cases.sh

server_folder=$work_folder/server
server_url=unix://$server_folder/socket
server=''
mkdir "$server_folder"

server_program=${SLOTQ_REDIS_SERVER:-redis-server}
need "$server_program" redis-cli

# Of loopback; the kernel chooses it. Another program may take it before we do, which the server
# tells. A test that uses it needs python3.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

answers() { redis-cli -s "$server_folder/socket" ping 2>.seen | grep -Eq 'PONG|NOAUTH'; }

start_server() { # options of redis-server
    "$server_program" --port 0 --unixsocket "$server_folder/socket" --dir "$server_folder" \
        --save '' --daemonize no "$@" >>"$server_folder/log" 2>&1 &
    server=$!
    disown $server # or the shell has a word to say about its end
    if ! await 60 answers; then
        not_ok 'the server starts' "$(tail -n 5 "$server_folder/log")"
        finish
        exit 1
    fi
}

end_server() { # signal
    kill -"${1:-TERM}" "$server" 2>.seen
    await 60 eval '! kill -0 "$server" 2>.seen' || kill -KILL "$server"
    rm -f "$server_folder/socket"
    server=''
}

leave_server() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
    leave
}
trap leave_server EXIT

redis_words=() # options of redis-cli
redis() { redis-cli -s "$server_folder/socket" "${redis_words[@]}" "$@" 2>&1; }
export SLOTQ_URL=$server_url
unset REDISCLI_AUTH
