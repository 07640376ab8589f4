/* string.h: what the example wants of C's library, for a compiler that has none; in memory.c.
 */
#ifndef ARM_STRING_H
#define ARM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

#endif
