/* wake.h: how long a consumer that waits in Redis takes to get a message, by each way to be
 * told: PUBLISH by the wake bit, CLIENT TRACKING of the key, and BLPOP on a list beside them.
 */
#ifndef SLOTQ_BENCH_REDIS_WAKE_H
#define SLOTQ_BENCH_REDIS_WAKE_H

#include "../support/samples.h"
#include "subjects/subject.h"

typedef struct wake_figures {
    samples latency_ns; /* from before the push to after the reserve */
    samples server_ns;  /* CPU of the server's main thread for wait, push and reserve, a message */
    samples busy_ns;    /* push, take and ack of a message by a worker that never sleeps */
    double wakes;       /* of the sleeper, a message that another consumer pushes, takes and acks */
} wake_figures;

enum { WAKE_REDIS_MESSAGES = 200 };

/* One round of WAKE_REDIS_MESSAGES each. */
void wake_by_publish(const char *socket_path, wake_figures *figures);
void wake_by_tracking(const char *socket_path, wake_figures *figures);
void wake_by_blpop(const char *socket_path, wake_figures *figures);

#endif
