/* wake.h: how long a sleeping process takes to get a message, and how long a bare futex takes to
 * wake one. Knows slotq.h and the futex call, not how figures are shown.
 */
#ifndef SLOTQ_BENCH_WAKE_H
#define SLOTQ_BENCH_WAKE_H

#include "../support/samples.h"

#include <stdint.h>

/* Many short rounds: where the system puts the two processes is chance, and stays. */
enum { WAKE_ROUNDS = 50, WAKE_SAMPLES_A_ROUND = 20 };

/* One round of each, two processes, a separate queue file in folder; ns are added. */
void wake_round(const char *folder, samples *bare_ns, samples *queue_ns);

#endif
