/* locks.h: how long a process waits for the lock of a queue file: beside two others that hold it
 * all the time, and after its owner was killed. Knows slotq.h, not how figures are shown.
 */
#ifndef SLOTQ_BENCH_LOCKS_H
#define SLOTQ_BENCH_LOCKS_H

#include "../support/samples.h"

enum { LOCKS_HOLD_US = 100, LOCKS_WAITS = 2000, LOCKS_KILLS = 100 };

/* A new queue file in folder; ns are added. */
void locks_waits(const char *folder, samples *ns);

/* After the kill of an owner, which has little memory: */
typedef struct lock_recoveries {
    samples whole_ns;    /* to the end of a verb that waits for its lock */
    samples teardown_ns; /* until the system has ended it: before that its lock is held */
    samples recovery_ns; /* from there to the end of the verb, 0 if that was first */
} lock_recoveries;

void locks_recoveries(const char *folder, lock_recoveries *taken);

#endif
