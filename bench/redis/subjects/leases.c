/* leases.c: the queue that one writes on Redis by hand: leases in a sorted set, payloads in
 * one hash (faster to fill and to clear than one hash per message), one script per batch for each
 * verb. Knows leases_scripts.h.
 */
#include "leases_scripts.h"
#include "subject.h"
#include "draft.h"
#include "../../support/sure.h"

enum { KEYS = 4 };

static const char *const keys[KEYS] = {"{bench}:last", "{bench}:list", "{bench}:data",
                                       "{bench}:zset"};

static char push_sha1[41];
static char take_sha1[41];
static char finish_sha1[41];
static char recover_sha1[41];

static void leases_load(connection *wire)
{
    wire_load(wire, LEASES_PUSH, sizeof LEASES_PUSH - 1, push_sha1);
    wire_load(wire, LEASES_TAKE, sizeof LEASES_TAKE - 1, take_sha1);
    wire_load(wire, LEASES_FINISH, sizeof LEASES_FINISH - 1, finish_sha1);
    wire_load(wire, LEASES_RECOVER, sizeof LEASES_RECOVER - 1, recover_sha1);
}

static void leases_reset(connection *wire)
{
    wire_do(wire, "DEL {bench}:last {bench}:list {bench}:data {bench}:zset");
}

/* EVALSHA with its keys; more arguments are put by the caller. */
static draft begin_call(const char *sha1, uint32_t more)
{
    draft made = draft_begin();
    draft_command(&made, 3 + KEYS + more);
    draft_put_text(&made, "EVALSHA");
    draft_put_text(&made, sha1);
    draft_put_number(&made, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        draft_put_text(&made, keys[i]);
    }
    return made;
}

static uint32_t leases_push(connection *wire, uint32_t count)
{
    static kept_command kept;
    if (!kept_is_for(&kept, count)) {
        const slotq_data *messages = subject_messages();
        draft made = begin_call(push_sha1, count);
        for (uint32_t i = 0; i < count; i++) {
            draft_put(&made, messages[i].bytes, messages[i].size);
        }
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return 1;
}

static uint32_t leases_take(connection *wire, uint32_t count)
{
    static kept_command kept;
    if (!kept_is_for(&kept, count)) {
        draft made = begin_call(take_sha1, 2);
        draft_put_number(&made, count);
        draft_put_number(&made, subject_lease_ms());
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return 1;
}

/* [[id, …], [payload, …]] */
static uint32_t leases_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    bench_need(taken[0]->type == REDIS_REPLY_ARRAY && taken[0]->elements == 2, "taking leases");
    const redisReply *ids = taken[0]->element[0];
    const redisReply *payloads = taken[0]->element[1];
    draft made = begin_call(finish_sha1, (uint32_t)ids->elements);
    bench_need(ids->elements == payloads->elements, "taking leases");
    for (size_t i = 0; i < ids->elements; i++) {
        subject_look(&seen, payloads->element[i]->str, payloads->element[i]->len);
        draft_put(&made, ids->element[i]->str, ids->element[i]->len);
    }
    subject_sight_end(&seen, count, "taking as many leases as were asked for");
    draft_send(&made, wire);
    return 1;
}

void subject_leases_recover(connection *wire, uint32_t most)
{
    draft made = begin_call(recover_sha1, 1);
    draft_put_number(&made, most);
    draft_send(&made, wire);
}

static bool leases_is_acked(const redisReply *reply, uint32_t count)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer == count;
}

const subject subject_leases = {
    "ZSET leases", "{bench}:last {bench}:list {bench}:data {bench}:zset",
    leases_load,   leases_reset,
    leases_push,   leases_take,
    leases_ack,    leases_is_acked};
