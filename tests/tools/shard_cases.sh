# shard_cases.sh: a sharded queue through the command, in a folder or in Redis. Sourced after
# cases.sh, and after private_server.sh for Redis.
# shellcheck shell=bash disable=SC2154 # cases.sh has work_folder

# key SHARD: the name of its queue.
key() {
    "$SLOTQ" -q shards ls jobs --json | sed -nE "s/.*\"shard\":$1,.*\"key\":\"([^\"]*)\".*/\1/p"
}
# state SHARD: "open", "draining" …
state() {
    "$SLOTQ" -q shards ls jobs --json | sed -nE "s/.*\"shard\":$1,\"state\":\"([a-z]*)\".*/\1/p"
}
# shellcheck disable=SC2317 # await calls it
drains() { [ "$(state "$1")" = draining ]; }
# sum FIGURE: over all shards.
sum() {
    "$SLOTQ" -q shards ls jobs --json | sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" | paste -sd + >terms
    echo $(($(cat terms)))
}

create_cases() {
    expect 'no shards' 2 - 'must be a number, 1 to 1,024' create jobs --shards 0
    expect 'too many shards' 2 - 'must be a number, 1 to 1,024' create jobs --shards 1025
    expect 'a brace in the name' 2 - 'brace' create 'a{b' --shards 2
    expect 'a name that is too long' 2 - '190' create "$(printf '%0191d' 0)" --shards 2
    expect 'shards of no queue' 3 - 'there is no queue jobs' shards ls jobs
    expect 'four shards' 0 - '4 shards, 32 messages' \
        create jobs --shards 4 --slots 8 --payload 32 --later 4 --tick 1
    expect 'again' 0 - 'existed already' \
        create jobs --shards 4 --slots 8 --payload 32 --later 4 --tick 1
    expect 'another number' 9 - 'exists' \
        create jobs --shards 5 --slots 8 --payload 32 --later 4 --tick 1
    expect 'as one queue' 9 - 'exists as a sharded queue' create jobs
    expect 'it is one row' 0 '^jobs +0 +32 +0 +0 ' - ls
    same 'and no shard is a row' 1 "$("$SLOTQ" ls --json | grep -c .)"
    expect 'its shards' 0 '^ +3  open +0 +0 +0 +0 +0  jobs\{3\.20b\}$' '4 of 4 shards open' \
        shards ls jobs
    same 'in at most 80 columns' '' "$("$SLOTQ" -q shards ls jobs | grep -E '.{81}')"
    "$SLOTQ" -q create alone
    expect 'a queue that is alone has none' 2 - 'not a sharded queue' shards ls alone
    "$SLOTQ" -q rm alone
}

id_cases() {
    local id handle
    for _ in $(seq 16); do "$SLOTQ" push jobs x; done >ids
    same 'ids have the number of their shard' 16 "$(grep -cE '^[0-3]-[1-8]$' ids)"
    same 'each is new' 16 "$(sort -u ids | grep -c .)"
    same 'stats are sums' '16 16' "$(number jobs used) $(sum used)"
    id=$(head -n 1 ids)
    expect 'status of one' 0 "^ +$id  ready" - status jobs "$id"
    expect 'in JSON it is a string' 0 "^\{\"id\":\"$id\",\"outcome\":\"OK\"" - \
        status jobs "$id" --json
    expect 'a bare number is refused' 2 '' 'not an id of this sharded queue' status jobs 1
    expect 'a shard that it does not have' 2 '' 'not an id of this sharded queue' status jobs 4-1
    expect 'no id' 2 - 'not an id \(1042; of a sharded queue 3-1042\)' status jobs 3-
    expect 'remove it' 0 - - remove jobs "$id"
    "$SLOTQ" reserve jobs >taken
    handle=$(cut -f 1 taken)
    holds 'reserve prints it' matches taken '^[0-3]-[1-8]:[0-9]+\t1\tx$'
    expect 'extend' 0 "^${handle%:*}:[0-9]+$" - extend jobs "$handle"
    handle=$(cat out)
    expect 'kill' 0 - - kill jobs "$handle" --reason 7
    expect 'once' 8 - "^slotq: $handle: the message is already finished" ack jobs "$handle"
    "$SLOTQ" -q dead purge jobs
    # shellcheck disable=SC2016 # the command's shell reads it
    "$SLOTQ" work jobs --drain -q -- sh -c 'echo "$SLOTQ_ID"' | sort >worked
    same 'work has the others' 14 "$(grep -cE '^[0-3]-[0-9]+$' worked)"
    same 'and leaves none' '0 0' "$(number jobs unfinished) $(sum used)"
}

list_cases() { # verbs that go through all shards
    local id
    "$SLOTQ" push jobs a b >ids
    "$SLOTQ" reserve jobs >taken
    "$SLOTQ" kill jobs "$(cut -f 1 taken)" --reason 7
    id=$(cut -d : -f 1 taken)
    expect 'the dead one' 0 "^$id\t.*\t7\t\t[ab]$" - dead ls jobs
    expect 'is pushed again' 0 '^[0-3]-[0-9]+$' '1 dead message redriven' dead redrive jobs
    expect 'peek' 0 '^[0-3]-[0-9]+\tready\t0\t[ab]$' - peek jobs -n 20
    same 'sees all' 2 "$(grep -c ready out)"
    expect 'schedule' 0 '^[0-3]-1$' 'due in' push jobs --in 1h later
    id=$(cat out)
    expect 'later ids too' 0 "^$id\t.*\tlater$" - later ls jobs
    expect 'cancel' 0 - - later cancel jobs "$id"
    expect 'and no more' 3 - "no scheduled message $id" later kick jobs "$id"
    "$SLOTQ" -q purge jobs
    "$SLOTQ" -q create keyed --shards 2 --keys --slots 4
    "$SLOTQ" push keyed --key ann x >first
    expect 'find' 0 "^ +$(cat first)  ready" - find keyed --key ann
    "$SLOTQ" -q rm keyed
}

single_cases() { # one shard, by its key
    expect 'a push into one shard' 9 - "is shard 3 of a sharded queue, jobs; use that name" \
        push "$(key 3)" x
    expect 'with a key' 9 - 'nothing was pushed' push "$(key 3)" --key k x
    expect 'that is wanted' 0 '^[0-9]+$' - push "$(key 3)" --shard x
    expect 'into a queue that is none' 2 - 'not one' push jobs --shard x
    expect 'its stats' 0 'shard +3 of the set' - stats "$(key 3)"
    expect 'each shard' 0 '"queue":"jobs\{3.20b\}".*"used":1,.*"shard":3' - \
        stats jobs --each-shard --json
    same 'four of them' 4 "$(grep -c . out)"
    expect 'metrics of the whole' 0 '^slotq_used_slots\{queue="jobs"\} 1$' - metrics
    same 'the shards are not counted twice' 1 "$(grep -c '^slotq_up' out)"
    expect 'of each shard' 0 '^slotq_used_slots\{queue="jobs",shard="3"\} 1$' - \
        metrics jobs --each-shard
    expect 'resize is by shard' 9 - 'resize its shards one by one' resize jobs --slots 9
    expect 'which works' 0 - '9 messages' resize "$(key 3)" --slots 9
    expect 'export is by shard' 9 - 'export each shard by its key' export jobs
    expect 'copy too' 9 - 'copy each shard by its key' copy jobs other
    "$SLOTQ" -q purge jobs
}

change_cases() {
    local drain
    expect 'ls takes no number' 2 - 'does not take the number' shards ls jobs 1
    expect 'nor add' 2 - 'the next number' shards add jobs 4
    expect 'drain needs one' 2 - 'needs the number' shards drain jobs
    expect 'and a number' 2 - 'not the number of a shard \(0 to 1023\)' shards drain jobs x
    expect 'that is there' 2 - '4' shards drain jobs 4
    expect 'another word' 2 - 'must be ls, add, drain' shards list jobs
    expect '--no-wait is for drain' 2 - 'for shards drain' shards ls jobs --no-wait
    expect 'add' 0 '^4$' 'after 15 s' shards add jobs
    expect 'producers use it later' 0 'producers use it from .*Z on$' '' shards ls jobs
    expect 'an empty one is gone at once' 0 - 'shard 4 is empty and gone' shards drain jobs 4
    same 'it says so' gone "$(state 4)"
    expect 'it does not come back' 8 - '' shards undrain jobs 4
    expect 'it had no message' 3 'never pushed' - status jobs 4-1
    "$SLOTQ" -q push "$(key 2)" --shard a b >out
    expect 'what is in the way' 3 - 'message 2-[0-9]+ \(ready in group 0\), the oldest of 2' \
        shards drain jobs 2 --no-wait
    expect 'ls says it' 0 'not empty yet: message 2-' '' shards ls jobs
    for _ in 1 2 3 4 5 6 7 8; do "$SLOTQ" -q push jobs x; done >out
    same 'producers leave it' 0 "$(grep -c '^2-' out)"
    expect 'undrain' 0 - 'open again' shards undrain jobs 2
    same 'it is open' open "$(state 2)"
    "$SLOTQ" shards drain jobs 2 2>drained &
    drain=$!
    await 60 drains 2
    kill -TERM "$drain"
    ends "$drain"
    same 'a signal ends the wait' 130 $?
    holds 'and the way on is told' matches drained 'to go on: slotq shards drain jobs 2'
    "$SLOTQ" shards drain jobs 2 2>drained &
    drain=$!
    await 60 matches drained 'waiting for message 2-'
    "$SLOTQ" work jobs --drain -q -- true
    holds 'drain ends when it is empty' ends $drain
    holds 'it tells' matches drained 'shard 2 is empty and gone'
    same 'the next number is a new one' 5 "$("$SLOTQ" -q shards add jobs)"
    "$SLOTQ" -q shards drain jobs 5
    "$SLOTQ" -q shards drain jobs 0
    "$SLOTQ" -q shards drain jobs 1
    expect 'the last one stays' 2 - 'last' shards drain jobs 3
    expect 'a queue with one left works' 0 '^3-' - push jobs x
    "$SLOTQ" -q purge jobs
    "$SLOTQ" -q create keyed --shards 2 --keys --slots 4
    expect 'keyed: no add' 2 - 'key' shards add keyed
    expect 'keyed: no drain' 2 - 'key' shards drain keyed 0
    "$SLOTQ" push keyed --key ann x >first
    expect 'one key, one shard' 0 "^$(cat first)$" 'the key is taken' push keyed --key ann y
    expect 'rm' 0 - 'deleted keyed' rm keyed
}

# damage_descriptor, lose_shard KEY, save_value KEY and restore_value KEY are of the suite.
repair_cases() {
    local worker
    "$SLOTQ" -q rm jobs
    "$SLOTQ" -q create jobs --shards 3 --slots 4 --payload 8
    "$SLOTQ" -q push jobs x >pushed
    expect 'check looks at each' 0 '^jobs\{2\.du\}: sound' '3 shards are sound' check jobs
    expect 'dump shows the list' 0 '^ +8  53 4c 51 53 +magic +SLQS +ok$' - dump jobs
    "$SLOTQ" pause jobs
    expect 'all are paused' 1 'BAD +jobs: is paused \(in and out\)' - doctor jobs
    same 'which the doctor says once' 1 "$(grep -c 'is paused' out)"
    "$SLOTQ" resume jobs
    expect 'a sound one' 0 'jobs: 3 of 3 shards are open' - doctor jobs
    mkdir other
    "$SLOTQ" -q shards ls jobs --json | sed -nE 's/.*"key":"([^"]*)".*/\1/p' >keys
    while read -r each; do "$SLOTQ" -q copy "$each" other; done <keys
    expect 'copies of its shards' 0 - 'repaired 3 entries' -u other shards repair jobs
    same 'are a queue' 1 "$(SLOTQ_URL=other number jobs used)"
    damage_descriptor
    expect 'a damaged list' 6 - 'slotq shards repair jobs' check jobs
    expect 'dump says where' 6 'BAD|damaged' - dump jobs
    expect 'so does the doctor' 1 'slotq shards repair jobs' - doctor jobs
    expect 'repair' 0 - 'repaired' shards repair jobs
    expect 'twice' 0 - 'nothing to repair' shards repair jobs
    expect 'it is sound again' 0 '' '3 shards are sound' check jobs
    same 'with its message' 1 "$(number jobs used)"
    save_value jobs
    "$SLOTQ" -q shards add jobs >out
    restore_value jobs # as a failover does
    expect 'a shard that is not listed' 1 'is shard 3, and the descriptor does not list it' - \
        doctor jobs
    expect 'is listed again' 0 - 'repaired 1 entry of its descriptor' shards repair jobs
    same 'as it was' open "$(state 3)"
    save_value "$(key 3)"
    "$SLOTQ" -q shards drain jobs 3
    restore_value "$(key 3)"
    expect 'a shard that is there again' 1 'shard 3 was drained and deleted, and a failover' - \
        doctor jobs
    restore_value 'jobs{9.x}'
    "$SLOTQ" -q rm jobs -y
    "$SLOTQ" -q create jobs --shards 3 --slots 4 --payload 8
    expect 'a shard of another queue' 1 'jobs\{9.x\}: is not of this sharded queue: it has set' - \
        doctor jobs
    expect 'is removed by its key' 0 - - rm 'jobs{9.x}' -q
    lose_shard "$(key 1)"
    expect 'a shard is missing' 1 'shard 1 is missing' - doctor jobs
    expect 'ls says so' 3 'NOQUEUE' '' shards ls jobs
    expect 'so does stats' 0 'jobs' 'shards that are missing \(1 of 3\)' stats jobs
    expect 'and pause' 0 - 'shards that are missing \(1 of 3\)' pause jobs
    expect 'and resume' 0 - 'shards that are missing \(1 of 3\)' resume jobs
    expect 'and reclaim' 0 - 'shards that are missing \(1 of 3\)' reclaim jobs
    expect 'and JSON' 0 '"shards_missing":1' 'missing' stats jobs --json
    expect 'and purge' 0 - 'shards that are missing \(1 of 3\)' purge jobs -y
    "$SLOTQ" work jobs -- true 2>told &
    worker=$!
    holds 'so does a worker' await 60 matches told 'shards that are missing \(1 of 3\)'
    kill -TERM "$worker"
    holds 'which goes on with the others' ends "$worker"
    damage_value "$(key 2)"
    local damaged
    damaged=$(key 2)
    expect 'a damaged shard is not deleted' 6 - 'shard 2 is damaged.*Delete the value' rm jobs -y
    expect 'again' 6 - 'shard 2 is damaged' rm jobs -y
    lose_shard "$damaged"
    expect 'without it the queue is removed' 0 - 'deleted jobs' rm jobs -y
    same 'nothing is left' '' "$("$SLOTQ" -q ls | grep jobs)"
}

shard_cases() {
    create_cases
    id_cases
    list_cases
    single_cases
    change_cases
    repair_cases
}
