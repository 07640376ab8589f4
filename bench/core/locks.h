/* locks.h: how long a process waits for the lock of a queue file: beside two others that hold it
 * all the time, and after its owner was killed. Knows slotq.h, not how figures are shown.
 */
#ifndef SLOTQ_BENCH_LOCKS_H
#define SLOTQ_BENCH_LOCKS_H

#include "../support/samples.h"

enum { LOCKS_HOLD_US = 100, LOCKS_WAITS = 2000, LOCKS_KILLS = 100 };

/* A queue file of its own in folder; ns are added. */
void locks_waits(const char *folder, samples *ns);
/* From the kill of the owner, which has little memory, to the end of a verb that waits for it. */
void locks_recoveries(const char *folder, samples *ns);

#endif
