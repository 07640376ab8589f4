/* arguments.c: what to say of arguments out of their range: the range. Knows no verb.
 */
#include "handle.h"

void queue_refuse_group(slotq *queue, uint8_t group)
{
    queue_refuse(queue, SLOTQ_INVALID, "group %u does not exist: this queue has %u, 0 to %u", group,
                 queue->geometry.groups, queue->geometry.groups - 1u);
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
