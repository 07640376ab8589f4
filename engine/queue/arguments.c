/* arguments.c: what to say of arguments out of their range: the range. Knows no verb.
 */
#include <stdio.h>

#include "handle.h"

enum { WHAT_BYTES = 40 }; /* "message 4096 of this schedule" */

void queue_refuse_group(slotq *queue, uint8_t group)
{
    const char *noun = queue->geometry.groups == 1 ? "group" : "groups";
    queue_refuse(queue, SLOTQ_INVALID, "group %u does not exist: this queue has %u %s, 0 to %u",
                 group, queue->geometry.groups, noun, queue->geometry.groups - 1u);
}

void queue_refuse_count(slotq *queue, uint64_t count)
{
    queue_refuse(queue, SLOTQ_INVALID,
                 "%llu messages in one call are out of range: 1 to %d are possible",
                 (unsigned long long)count, SLOTQ_CALL_MESSAGES_MAX);
}

void queue_refuse_duration(slotq *queue, const char *what, uint64_t ms)
{
    queue_refuse(queue, SLOTQ_INVALID,
                 "a %s of %llu ms is out of range: 1 to %llu ms with ticks of %u ms", what,
                 (unsigned long long)ms, (unsigned long long)queue->lease_max_ms,
                 queue->geometry.tick_ms);
}

void queue_refuse_payload(slotq *queue)
{
    queue_refuse(queue, SLOTQ_INVALID, "a message has a size, but its bytes are NULL");
}

slotq_outcome queue_refuse_limit(slotq *queue, push_limit limit, const push_size *size,
                                 const slotq_data *messages, uint32_t count,
                                 queue_limit_words words)
{
    static const char *const texts[] = {
#define SLOTQ_PUSH_LIMIT(NAME, outcome, text) [PUSH_##NAME] = text " %s",
#include "../core/limits.def"
#undef SLOTQ_PUSH_LIMIT
    };
    char what[WHAT_BYTES];
    unsigned long long value = count;
    unsigned long long most = SLOTQ_CALL_MESSAGES_MAX;
    snprintf(what, sizeof what, "this %s", words.verb);
    switch (limit) {
    case PUSH_FITS:
        return SLOTQ_OK;
    case PUSH_COUNT:
        break;
    case PUSH_PAYLOAD:
        value = messages[size->looked].size;
        most = queue->geometry.payload_bytes;
        if (count == 1) {
            snprintf(what, sizeof what, "the message");
        } else {
            snprintf(what, sizeof what, "message %lu of this %s", (unsigned long)size->looked + 1,
                     words.verb);
        }
        break;
    case PUSH_CAPACITY:
        most = words.capacity;
        break;
    case PUSH_BYTES:
        value = size->payload_bytes;
        most = SLOTQ_CALL_BYTES_MAX;
        break;
    }
    return queue_refuse(queue, push_limit_outcome(limit), texts[limit], what, value, most,
                        words.closing);
}

slotq_outcome queue_refuse_push(slotq *queue, const slotq_data *messages, uint32_t count,
                                const char *closing)
{
    push_size size;
    const push_limit limit = push_judge(&queue->geometry, messages, count, &size);
    const queue_limit_words words = {"push", queue->geometry.ring_slots - 1u, closing};
    return queue_refuse_limit(queue, limit, &size, messages, count, words);
}

bool queue_runs_fit(slotq *queue, const slotq_run *runs, uint32_t run_count)
{
    runs_size size;
    if (runs_judge(runs, run_count, &size)) {
        return true;
    }
    if (size.has_empty) {
        queue_refuse(queue, SLOTQ_INVALID, "run %lu has a count of 0",
                     (unsigned long)size.looked + 1);
    } else {
        queue_refuse_count(queue, size.messages);
    }
    return false;
}
