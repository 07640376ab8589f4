/* redis.h: what the contenders inside Redis share: a connection each way, and one function a family
 * that works for whatever subject (../redis/subject.h) the contender has. Knows subjects; no
 * subject's commands.
 */
#ifndef SLOTQ_BENCH_PEERS_REDIS_REDIS_H
#define SLOTQ_BENCH_PEERS_REDIS_REDIS_H

#include "../../redis/cycle.h"
#include "../../redis/subjects/subject.h"
#include "../contender.h"
#include "../latency.h"

/* A contender's own: what it pushes to, and the runs of its closed load. */
typedef struct redis_own {
    const subject *subject;
    task_run *push;  /* all, into an empty queue */
    task_run *take;  /* and finish what push has left there */
    task_run *cycle; /* all three, on a queue that is empty but for the batches in flight */
    const latency_peer *latency; /* of open load; NULL: none */
} redis_own;

static inline const redis_own *redis_own_of(const contender *self)
{
    return (const redis_own *)self->own;
}

/* contender.open and close. */
const char *redis_open(const contender *self);
void redis_close(const contender *self);

/* The connection to the shared server, of this process alone: a forked child opens another. */
connection *redis_wire_to_shared(void);
/* Another connection to any server, the subject's scripts loaded there; wire_close. */
void redis_connect(connection *wire, const char *socket_path, const subject *which);
/* Nothing of the subject is left in the server. */
void redis_clear(connection *wire, const subject *which);
/* Messages of this size from now on, room for so many at least in an empty queue. */
void redis_shape(uint32_t payload_bytes, uint32_t messages);

/* ---- families ---- */

void redis_cycle(const contender *self, const load *how, cycle_times *times);
void redis_latency(const contender *self, const open_load *how, samples *ns);
void redis_wire(const contender *self, const load *how, wire_bytes *bytes);
void redis_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes);
void redis_mailboxes_slotq(const contender *self, uint32_t count, mailbox_weight *bytes);
void redis_mailboxes_list(const contender *self, uint32_t count, mailbox_weight *bytes);
void redis_mailboxes_streams(const contender *self, uint32_t count, mailbox_weight *bytes);
void redis_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                growth_times *times);
void redis_fill(const contender *self, full_answers *answers);
void redis_recover(const contender *self, uint32_t messages, recovery_times *times);

#endif
