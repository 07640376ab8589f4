/* move.c: see move.h.
 */
#include "move.h"

#include <string.h>

#include "../key_slot.h"
#include "run.h"

static bool has_one_address(const redis_connection *one, const redis_connection *other)
{
    return !one->borrowed && !other->borrowed &&
           redis_address_is_same_server(&one->address, &other->address);
}

static bool is_same_server(const redis_connection *one, const redis_connection *other)
{
    if (one->borrowed || other->borrowed) {
        return one->context == other->context && one->context != NULL;
    }
    return has_one_address(one, other) && one->address.database == other->address.database &&
           strcmp(one->address.user, other->address.user) == 0;
}

/* One queue has one generation, by whatever address it is reached; of its copies only one in
 * another database of a server is known to be another one. */
static bool are_alike(const redis_store *from, const redis_store *to)
{
    const bool is_other = has_one_address(&from->connection, &to->connection) &&
                          from->connection.address.database != to->connection.address.database;
    return !is_other && strcmp(from->key, to->key) == 0 &&
           memcmp(from->geometry, to->geometry, sizeof from->geometry) == 0;
}

/* A script of two keys needs both on one node of a cluster, for good. */
static bool is_one_slot(const redis_store *from, const redis_store *to)
{
    return !from->in_cluster || key_slot_of(from->key, from->terms.key_bytes) ==
                                    key_slot_of(to->key, to->terms.key_bytes);
}

store_meeting redis_meet(const store *source, const store *target)
{
    const redis_store *from = redis_store_of_const(source);
    const redis_store *to = redis_store_of_const(target);
    if (from == NULL || to == NULL) {
        return STORES_APART;
    }
    if (are_alike(from, to)) {
        return STORES_ALIKE;
    }
    const bool may = is_same_server(&from->connection, &to->connection) && is_one_slot(from, to) &&
                     from->settings.own_clock == to->settings.own_clock &&
                     !from->settings.read_only && !to->settings.read_only;
    return may ? STORES_TOGETHER : STORES_APART;
}

slotq_outcome redis_move(store *source, store *target, store_move *move, store_fault *fault)
{
    slotq_call ack; /* what run.c tells a verb by: it writes, and is not sent twice */
    slotq_core_begin(&ack, SLOTQ_ACK, move->now_ms);
    redis_job job = {
        .call = &ack, .fault = fault, .move = move, .target = redis_store_of_const(target)};
    redis_store_run(redis_store_of(source), &job, 1);
    return job.outcome;
}
