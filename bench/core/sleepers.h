/* sleepers.h: what one message costs while many consumers of a queue in a file or in memory wait
 * for it, beside as many threads on one condition variable.
 */
#ifndef SLOTQ_BENCH_CORE_SLEEPERS_H
#define SLOTQ_BENCH_CORE_SLEEPERS_H

/* Print the table. folder: for the file. */
void sleepers_compare_stores(const char *folder);

#endif
