/* handler.c: a handler as a caller gives it becomes one with all its values (handler.h). Knows
 * no types.
 */
#include "handler.h"

#include <inttypes.h>

#include "refuse.h"

/* Of slotq_handler. */
enum {
    DEFAULT_MANY_MOST = 32,
    DEFAULT_MANY_WAIT_MS = 200,
    DEFAULT_LIMIT_MS = 30 * 60 * 1000,
    DEFAULT_BACKOFF_LEAST_MS = 1000,
    DEFAULT_BACKOFF_MOST_MS = 300000
};

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static bool has_reserved(const slotq_handler *given)
{
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof given->reserved / sizeof given->reserved[0]; i++) {
        all |= given->reserved[i];
    }
    return all != 0;
}

static slotq_outcome judge_handler(const slotq_handler *given, const char *name, slotq_error *error)
{
    if (given == NULL) {
        return refuse(error, SLOTQ_INVALID, "%s: handler is NULL", name);
    }
    if ((given->run == NULL) == (given->run_many == NULL)) {
        return refuse(error, SLOTQ_INVALID, "%s: set either run or run_many of the handler", name);
    }
    if (has_reserved(given)) {
        return refuse(error, SLOTQ_INVALID,
                      "%s: a reserved field of the handler is not 0: initialise the struct with "
                      "named fields",
                      name);
    }
    if (given->run_many == NULL && (given->many_most != 0 || given->many_wait_ms != 0)) {
        return refuse(error, SLOTQ_INVALID, "%s: many_most and many_wait_ms are for run_many only",
                      name);
    }
    if (given->many_most > SLOTQ_CALL_MESSAGES_MAX) {
        return refuse(error, SLOTQ_INVALID, "%s: many_most is %" PRIu32 "; %d is the most", name,
                      given->many_most, SLOTQ_CALL_MESSAGES_MAX);
    }
    return SLOTQ_OK;
}

slotq_outcome handler_take(const slotq_handler *given, const char *name, slotq_handler *taken,
                           slotq_error *error)
{
    const slotq_outcome judged = judge_handler(given, name, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const uint64_t most_ms = or_default(given->backoff_most_ms, DEFAULT_BACKOFF_MOST_MS);
    const uint64_t least_ms =
        most_ms < DEFAULT_BACKOFF_LEAST_MS ? most_ms : DEFAULT_BACKOFF_LEAST_MS;
    if (given->backoff_least_ms > most_ms) {
        return refuse(error, SLOTQ_INVALID,
                      "%s: backoff_least_ms is %" PRIu64 ", more than backoff_most_ms, %" PRIu64,
                      name, given->backoff_least_ms, most_ms);
    }
    *taken = *given;
    taken->many_most = (uint32_t)or_default(given->many_most, DEFAULT_MANY_MOST);
    taken->many_wait_ms = or_default(given->many_wait_ms, DEFAULT_MANY_WAIT_MS);
    taken->limit_ms = or_default(given->limit_ms, DEFAULT_LIMIT_MS);
    taken->backoff_least_ms = or_default(given->backoff_least_ms, least_ms);
    taken->backoff_most_ms = most_ms;
    return SLOTQ_OK;
}
