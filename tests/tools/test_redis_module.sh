#!/bin/bash
# test_redis_module.sh: the command on a server with the module: it is used, or not wanted, and the
# doctor says which.
# shellcheck source=tests/tools/cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/cases.sh"
# shellcheck source=tests/tools/private_server.sh
. "$source_folder/tests/tools/private_server.sh"

module=${SLOTQ_BUILD:-$source_folder/build}
module=${module%/asan}/slotq.so # a server without sanitizers does not load one that has them
if [ ! -r "$module" ]; then
    skip module 'it is not built, which make module does'
    finish
    exit
fi

# Commands that begin so ran.
ran() { redis info commandstats | grep -Eq "cmdstat_$1[^:]*:calls=[1-9]"; }

start_server --loadmodule "$module" --enable-module-command yes
expect 'create' 0 '' - -q create q
expect 'push' 0 '^2$' - push q one two
expect 'work' 0 'one' '2 acked' work q --drain -- cat
expect 'a sharded queue' 0 '' - -q create wide --shards 3
expect 'its messages' 0 . - push wide one two three
expect 'are worked' 0 'two' '3 acked' work wide --drain -- cat
expect 'create another' 0 '' - -q create r
expect 'a message' 0 '^1$' - push r one
holds 'no script ran' eval '! ran eval'
expect 'the doctor says so' 1 'q: the module runs its verbs there \(slotq ' - doctor q
redis config resetstat >out
expect 'not wanted' 0 '' - -u "$server_url?module=no" push q three
holds 'scripts ran' ran evalsha
holds 'and not the module' eval '! ran slotq.push'
expect 'which the doctor says' 1 'q: its verbs run as scripts, not by the module of .* loaded' \
    - -u "$server_url?module=no" doctor q
expect 'neither yes nor no' 2 - 'invalid value' -u "$server_url?module=perhaps" push q x

# ---- rights ----
redis acl setuser worker on '>p' '~q' '&slotq*' +strlen +getrange +subscribe \
    +slotq.about +slotq.push_packed.at +slotq.push.at +slotq.reserve_packed.at \
    +slotq.settle_packed.at +slotq.stats.at +slotq.unwait.at >out
user_url="$server_url?user=worker&password=p"
expect 'a user of the module needs no scripts' 0 '^4$' - -u "$user_url" push q four
expect 'which are no fault' 0 'q: this user may not run EVALSHA' - -u "$user_url" doctor q
holds 'nor what they run' eval '! grep BAD out'
redis acl setuser worker -slotq.stats.at >out
expect 'without the module they are' 1 'BAD .*may not run EVALSHA' - -u "$user_url" doctor q
redis acl setuser scripts on '>p' '~q' '&slotq*' +evalsha +evalsha_ro '+script|load' +strlen \
    +getrange +setrange +time +publish +subscribe >out
expect 'a user of scripts' 0 'q: its verbs run as scripts$' - \
    -u "$server_url?user=scripts&password=p" doctor q

redis module unload slotq >out
expect 'unloaded' 0 '^[0-9]*$' - push q five
expect 'as the doctor says' 1 'q: its verbs run as scripts$' - doctor q
end_server
finish
