#!/bin/bash
# test_redis_tls.sh: the command over TLS: what it warns of, and what the doctor says of connections
# and of certificates that end soon. Which servers are trusted stands in
# tests/engine/backend/redis/test_tls.cpp.
# shellcheck source=tests/tools/cases.sh disable=SC2016,SC2119 # words that eval or slotq reads
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"
need openssl python3

key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "$@" 2>>said; }

authority() {
    key -x509 -days 100 -subj '/CN=slotq test' -keyout ca.key -out ca.pem
}

certificate() { # name, days: for localhost
    key -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" &&
        openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days "$2" -out "$1.pem" \
            -extfile <(echo subjectAltName=DNS:localhost) 2>>said
}

holds 'an authority' authority
for days in 90 10 2; do
    holds "a certificate for $days days" certificate "days$days" "$days"
done
port=$(free_port)
start_server --tls-port "$port" --bind 127.0.0.1 --tls-cert-file "$PWD/days90.pem" \
    --tls-key-file "$PWD/days90.key" --tls-ca-cert-file "$PWD/ca.pem" \
    --tls-auth-clients optional --appendonly yes
over=rediss://localhost:$port
trusted="$over?ca_file=$PWD/ca.pem"
warning='warning: insecure=1: the server.s certificate is not verified'

if "$SLOTQ" -u "$trusted" ls 2>&1 | grep -q 'this build has no TLS'; then
    skip 'the command over TLS' 'it was built by make TLS=0'
    finish
    exit
fi

# ---- what it warns of ----
"$SLOTQ" -q create q --slots 20 --payload 32
"$SLOTQ" -q create other --slots 20 --payload 32
"$SLOTQ" -q -u . create here --slots 20 --payload 32
expect 'a server that is trusted' 0 '^1$' - -u "$trusted" push q x
expect 'one that is not verified' 0 '^2$' "$warning" -u "$over?insecure=1" push q y
expect 'but not under --quiet' 0 '' - -u "$over?insecure=1" -q stats q
expect 'the URL that a copy goes to' 0 '' "$warning" -u . copy here "$over?insecure=1"
expect 'the one of a move' 0 '' "$warning" move q \
    "$("$SLOTQ" reserve q | cut -f 1)" other --to-url "$over?insecure=1"
expect 'both, which is said once' 0 '' "$warning" -u "$over?insecure=1" copy here . here2
same 'once' 1 "$("$SLOTQ" -u "$over?insecure=1" copy here "$over?insecure=1" here3 2>&1 |
    grep -c "$warning")"
expect 'none of a folder of such a name' 1 - 'No such' -u './insecure=1' stats q
holds 'is none' eval '! grep -q warning err'

# ---- what the doctor says ----
expect 'the doctor: what was agreed on' 0 \
    'TLSv1\.[23] with [A-Z0-9_-]+; its certificate was verified, issued by CN=slotq test' - \
    -u "$trusted" doctor q
holds 'and how long it holds' grep -Eq 'ok .*its certificate expires in (89|90) days, at 20' out
expect 'with ours' 1 'BAD .*our certificate expires in [12] days, at 20.*; renew it' - \
    -u "$trusted&cert=$PWD/days2.pem&key=$PWD/days2.key" doctor q
expect 'without verifying' 1 'BAD .*insecure=1: its certificate, issued by' "$warning" \
    -u "$over?insecure=1" doctor q
# ---- how fast it is ----
expect 'the bench' 0 '^  push +[0-9,]+ .* SETRANGE ' - -u "$trusted" bench --seconds 1
same 'in four ways' 16 "$(grep -Ec '^  (push|reserve|ack|all three) +[0-9]' out)"
same 'leaves nothing' '' "$(redis keys 'slotq-bench-*')"
expect 'large messages' 0 '"batch":15,"in_flight":8' - -u "$trusted" bench --seconds 1 \
    --payload 65535 --json

redis config set tls-cert-file "$PWD/days10.pem" tls-key-file "$PWD/days10.key" >out
expect 'one that ends soon' 1 'BAD .*its certificate expires in (9|10) days, at 20.*; renew it' - \
    -u "$trusted" doctor q
finish
