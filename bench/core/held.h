/* held.h: what the full flow of a ring of 1,000 costs while some messages of it are held for ever.
 * Knows slotq.h, not how figures are shown.
 */
#ifndef SLOTQ_BENCH_CORE_HELD_H
#define SLOTQ_BENCH_CORE_HELD_H

#include "slotq.h"

enum { HELD_MOST = 255 };

/* A queue in memory with so many slots aside. It holds `held` messages, leased and never acked,
 * and so many others have passed that those lie aside. */
slotq *held_open(uint8_t aside_slots, uint32_t held);

#endif
