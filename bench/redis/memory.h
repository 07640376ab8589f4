/* memory.h: what a queue takes in a server, as MEMORY USAGE says, fresh, full, and with all
 * messages leased. Knows no target; what peers take is weighed in ../peers.
 */
#ifndef SLOTQ_BENCH_REDIS_MEMORY_H
#define SLOTQ_BENCH_REDIS_MEMORY_H

#include "subjects/subject.h"

typedef struct memory_figures {
    uint32_t messages;
    uint64_t formula; /* bytes, as slotq_geometry_bytes */
    uint64_t fresh;
    uint64_t ready;
    uint64_t leased;
} memory_figures;

enum { MEMORY_BATCH = 256 };

/* messages: a multiple of MEMORY_BATCH, below 65535. */
void memory_measure(connection *wire, uint32_t messages, memory_figures *figures);

#endif
