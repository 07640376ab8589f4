/* identity.h: numbers that tell queues apart: within a process, what a batch was reserved from; and
 * for ever, the generation. Knows bytes, the clock and chance; must not know what a queue is.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_IDENTITY_H
#define SLOTQ_BACKEND_SYSTEM_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* A number made of another one and some bytes: equal for equal bytes. */
uint64_t identity_mix(uint64_t seed, const void *bytes, size_t count);

/* A random number that is not 0: a queue's generation. */
uint32_t identity_draw(void);

/* A number for memory at an address, other than that of what lay there before. */
uint64_t identity_of_memory(const void *address);

#endif
