/* shards.h: what shards bring over files in one folder: messages a second of several processes on
 * one queue, and on the same queue in shards. Knows the public headers.
 */
#ifndef SLOTQ_BENCH_SHARDS_H
#define SLOTQ_BENCH_SHARDS_H

/* New queue files in folder; prints a table. */
void shards_compare(const char *folder);

#endif
