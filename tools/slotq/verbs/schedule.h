/* schedule.h: messages on their way into the later section, gathered into large calls as a producer
 * gathers those of the ring. Knows no command line.
 */
#ifndef SLOTQ_TOOLS_VERBS_SCHEDULE_H
#define SLOTQ_TOOLS_VERBS_SCHEDULE_H

#include "slotq.h"
#include "slotq_producer.h"

typedef struct scheduler scheduler;

/* Called for each message in the order in which they came; later_id 0: it was not scheduled, or it
 * is not known (outcome). */
typedef void on_scheduled(void *context, slotq_outcome outcome, uint64_t later_id);

/* When messages are due. */
typedef struct scheduler_due {
    bool is_delay; /* ms is counted from the call that schedules them, else since 1970 */
    uint64_t ms;
} scheduler_due;

/* most: messages per call, 1 to SLOTQ_CALL_MESSAGES_MAX. NULL: no memory. */
scheduler *scheduler_new(slotq *queue, const scheduler_due *due, uint32_t most, on_scheduled *told,
                         void *context);
void scheduler_free(scheduler *self);

/* The bytes are copied; those before go first when there is no room. OK, or the outcome of
 * slotq_schedule, after which what was gathered is still there, except after OUTCOME_UNKNOWN. */
slotq_outcome scheduler_add(scheduler *self, const void *bytes, uint32_t size);
/* Schedule what was gathered. */
slotq_outcome scheduler_flush(scheduler *self);
uint32_t scheduler_count(const scheduler *self);
/* When the messages that were scheduled last are due. */
uint64_t scheduler_due_ms(const scheduler *self);

#endif
