/* identity.h: numbers that tell queues apart within a process: what a batch was reserved from.
 * Knows bytes and the clock; must not know what a queue is.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_IDENTITY_H
#define SLOTQ_BACKEND_SYSTEM_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* A number made of another one and some bytes: equal for equal bytes. */
uint64_t identity_mix(uint64_t seed, const void *bytes, size_t count);

/* A number for memory at an address, other than that of what lay there before. */
uint64_t identity_of_memory(const void *address);

#endif
