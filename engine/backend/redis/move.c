/* move.c: see move.h.
 */
#include "move.h"

#include <string.h>

#include "run.h"

static bool is_same_server(const redis_connection *one, const redis_connection *other)
{
    if (one->borrowed || other->borrowed) {
        return one->context == other->context && one->context != NULL;
    }
    const redis_address *here = &one->address;
    const redis_address *there = &other->address;
    return here->is_unix == there->is_unix && here->port == there->port &&
           here->database == there->database && strcmp(here->host, there->host) == 0 &&
           strcmp(here->user, there->user) == 0;
}

store_meeting redis_meet(const store *source, const store *target)
{
    const redis_store *from = redis_store_of_const(source);
    const redis_store *to = redis_store_of_const(target);
    if (from == NULL || to == NULL) {
        return STORES_APART;
    }
    /* one queue has one generation, by whatever address it is reached */
    if (strcmp(from->key, to->key) == 0 &&
        memcmp(from->geometry, to->geometry, sizeof from->geometry) == 0) {
        return STORES_ALIKE;
    }
    const bool may = is_same_server(&from->connection, &to->connection) && !from->in_cluster &&
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
