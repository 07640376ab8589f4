/* ring.h: arithmetic of ring indexes, modulo the ring's slots. Indexes are below slots.
 */
#ifndef SLOTQ_LAYOUT_RING_H
#define SLOTQ_LAYOUT_RING_H

#include <stdint.h>

/* The number of steps forward from `from` to `to`. */
static inline uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t slots)
{
    return to >= from ? to - from : to + slots - from;
}

/* index moved forward by steps, 0 to slots. */
static inline uint32_t ring_add(uint32_t index, uint32_t steps, uint32_t slots)
{
    const uint32_t sum = index + steps;
    return sum >= slots ? sum - slots : sum;
}

/* index moved back by steps, 0 to slots. */
static inline uint32_t ring_back(uint32_t index, uint32_t steps, uint32_t slots)
{
    return index >= steps ? index - steps : index + slots - steps;
}

/* How many messages were pushed since the one that had the slot last, itself included: 1 for the
 * newest, slots for the slot at tail. */
static inline uint32_t ring_laps(uint32_t index, uint32_t tail, uint32_t slots)
{
    const uint32_t distance = ring_distance(index, tail, slots);
    return distance == 0 ? slots : distance;
}

/* The number of the count slots from index on that are before the end of the array. */
static inline uint32_t ring_before_wrap(uint32_t index, uint32_t count, uint32_t slots)
{
    return count <= slots - index ? count : slots - index;
}

#endif
