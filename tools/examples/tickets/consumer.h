/* consumer.h: a process that handles tickets of one group until none is left. Knows tickets and the
 * worker runtime; must not know what started it or what is proved.
 */
#ifndef EXAMPLES_TICKETS_CONSUMER_H
#define EXAMPLES_TICKETS_CONSUMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a ticket is in the queue: a task of this type, with its number in a header. */
#define TICKET_QUEUE "tickets"
#define TICKET_TYPE "ticket:received"
#define TICKET_HEADER "ticket-id"

enum { TICKETS_MOST = 20000, CONSUMERS_MOST = 5 };

/* In memory that all processes of the example share. */
typedef struct consumer_stage {
    atomic_uint ready; /* consumers that have opened the queue */
    atomic_bool begin; /* then they may start, together */
    atomic_uint handled;
    atomic_uint share[CONSUMERS_MOST]; /* of them, by each consumer */
    atomic_uchar times[TICKETS_MOST];  /* how often each ticket was handled */
} consumer_stage;

/* Handle tickets of the group in this process, one at a time, until the group has finished all;
 * then end it: exit code 0, or 1 after a text on stderr. */
_Noreturn void consumer_run(const char *url, uint8_t group, uint32_t number, uint32_t work_ms,
                            consumer_stage *stage);

#endif
