/* schedule.c: see schedule.h.
 */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

struct scheduler {
    slotq *queue;
    scheduler_due due;
    uint64_t due_ms; /* of the last call */
    uint32_t most;
    on_scheduled *told;
    void *context;
    uint32_t count;
    uint32_t used_bytes;
    slotq_data messages[SLOTQ_CALL_MESSAGES_MAX];
    uint8_t bytes[SLOTQ_CALL_BYTES_MAX];
};

scheduler *scheduler_new(slotq *queue, const scheduler_due *due, uint32_t most, on_scheduled *told,
                         void *context)
{
    scheduler *self = malloc(sizeof *self);
    if (self != NULL) {
        self->queue = queue;
        self->due = *due;
        self->due_ms = due->is_delay ? 0 : due->ms;
        self->most = most;
        self->told = told;
        self->context = context;
        self->count = 0;
        self->used_bytes = 0;
    }
    return self;
}

void scheduler_free(scheduler *self)
{
    free(self);
}

uint32_t scheduler_count(const scheduler *self)
{
    return self->count;
}

uint64_t scheduler_due_ms(const scheduler *self)
{
    return self->due_ms;
}

slotq_outcome scheduler_flush(scheduler *self)
{
    uint64_t first = 0;
    if (self->count == 0) {
        return SLOTQ_OK;
    }
    self->due_ms = (self->due.is_delay ? slotq_now_ms(self->queue) : 0) + self->due.ms;
    const slotq_outcome outcome =
        slotq_schedule(self->queue, self->messages, self->count, self->due_ms, 0, &first);
    if (outcome != SLOTQ_OK && outcome != SLOTQ_UNCONFIRMED && outcome != SLOTQ_OUTCOME_UNKNOWN) {
        return outcome;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        self->told(self->context, outcome, outcome == SLOTQ_OUTCOME_UNKNOWN ? 0 : first + i);
    }
    self->count = 0;
    self->used_bytes = 0;
    return outcome;
}

slotq_outcome scheduler_add(scheduler *self, const void *bytes, uint32_t size)
{
    const bool has_room =
        self->count < self->most && size <= SLOTQ_CALL_BYTES_MAX - self->used_bytes;
    if (!has_room) {
        const slotq_outcome outcome = scheduler_flush(self);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    uint8_t *copy = self->bytes + self->used_bytes;
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    self->messages[self->count] = (slotq_data){copy, size};
    self->count++;
    self->used_bytes += size;
    return SLOTQ_OK;
}
