/* crew.h: workers: in threads of this process, or as processes. Knows slotq_worker.h; must not know
 * what the tasks do.
 */
#ifndef EXAMPLES_EMAIL_CREW_H
#define EXAMPLES_EMAIL_CREW_H

#include <sys/types.h>

#include "tasks.h"

/* Fields that are 0 are the defaults of the worker. */
typedef struct crew_plan {
    uint32_t threads;
    uint64_t lease_ms;
    uint64_t give_back_ms;
    uint64_t prefetch_ms;
    uint32_t work_ms;       /* how long a mail takes */
    bool logs;              /* print each task */
    const slotq_cron *cron; /* NULL: none; or the entry, in the queue TASKS_REPORTS alone */
} crew_plan;

typedef struct crew crew;

/* A worker in threads of this process. While it runs, the caller may use its handle, but must not
 * fork. */
crew *crew_start(const char *url, slotq *queue, stage *shared, const crew_plan *plan);
/* Stop it in order, and free it. */
void crew_stop(crew *started);

/* The same as a process that ends in order after SIGTERM, from this call's return on. */
pid_t crew_fork(const char *url, stage *shared, const crew_plan *plan);
/* Send the signal and wait. True: it has exited with 0. */
bool crew_end(pid_t worker, int number);

/* Open a queue; ends the example if it cannot be opened. */
slotq *crew_open(const char *url, const char *name);
/* Wait until no message of the queue is unfinished, and none is scheduled. */
void crew_await_empty(slotq *queue);

#endif
