/* attach.c: a queue over a connection that is lent, and what to poll for. Knows handles and
 * hiredis's context; no URL.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../../backend/redis/places.h"
#include "../handle.h"
#include "../schemes.h"

enum { POLL_MS = 1000 }; /* it cannot receive wake-ups while commands go over it */

slotq_outcome slotq_redis_attach(struct redisContext *borrowed, const char *name,
                                 const slotq_options *options, slotq **queue, slotq_error *error)
{
    if (queue == NULL) {
        return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
    }
    *queue = NULL;
    const size_t length = name == NULL ? 0 : strnlen(name, SCHEME_NAME_BYTES_MAX + 1);
    if (borrowed == NULL || length == 0 || length > SCHEME_NAME_BYTES_MAX) {
        return error_say(error, SLOTQ_INVALID,
                         "the connection is NULL, or the queue's name does not have 1 to 200 "
                         "bytes");
    }
    slotq *made = queue_handle_new(options, POLL_MS);
    if (made == NULL) {
        return error_say(error, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *made);
    }
    const redis_settings settings = redis_settings_of(options, NULL);
    store *opened = NULL;
    const slotq_outcome outcome =
        redis_store_attach(borrowed, name, &settings, &opened, &made->fault);
    return queue_handle_finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_redis_calls_of(const slotq *queue, slotq_redis_calls *calls)
{
    if (queue == NULL || calls == NULL) {
        return SLOTQ_INVALID;
    }
    memset(calls, 0, sizeof *calls);
    const redis_store *place = redis_store_of_const(queue->store);
    if (place == NULL) {
        return SLOTQ_UNSUPPORTED;
    }
    const redis_calling *calling = &place->calling;
    for (uint64_t left = calling->by_module; left != 0; left &= left - 1) {
        calls->module_commands++;
    }
    _Static_assert(sizeof calls->module_version == REDIS_WORD_BYTES, "one text");
    memcpy(calls->module_version, calling->module_version, REDIS_WORD_BYTES);
    calls->way = calling->by_module != 0 ? SLOTQ_WAY_MODULE
                 : calling->by_functions ? SLOTQ_WAY_FUNCTIONS
                                         : SLOTQ_WAY_SCRIPTS;
    return SLOTQ_OK;
}

slotq_outcome slotq_redis_listen(slotq *queue, int *fd)
{
    if (queue == NULL || fd == NULL) {
        return queue_refuse_null(queue);
    }
    redis_store *place = redis_store_of(queue->store);
    *fd = place == NULL ? -1 : redis_store_listen(place);
    queue->store->is_listened = *fd >= 0;
    if (*fd >= 0) {
        return SLOTQ_OK;
    }
    return queue_refuse(queue, SLOTQ_UNSUPPORTED,
                        "wake-ups cannot be received here: poll once a second");
}

slotq_outcome slotq_redis_unlisten(slotq *queue)
{
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    redis_store *place = redis_store_of(queue->store);
    queue->store->is_listened = false;
    if (place != NULL) {
        redis_places_leave(place);
    }
    return SLOTQ_OK;
}
