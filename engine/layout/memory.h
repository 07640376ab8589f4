/* memory.h: the four functions that a freestanding compiler expects to exist.
 */
#ifndef SLOTQ_LAYOUT_MEMORY_H
#define SLOTQ_LAYOUT_MEMORY_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
