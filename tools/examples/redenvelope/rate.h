/* rate.h: how many grabs a server does per second with the queue, and with the four commands that a
 * queue without states needs. Knows both scripts; judges nothing.
 */
#ifndef EXAMPLES_REDENVELOPE_RATE_H
#define EXAMPLES_REDENVELOPE_RATE_H

#include <stdint.h>

enum { RATE_ROUNDS_MAX = 99 };

/* Measure rounds of `grabs` grabs of each kind, in turns, and print both rates and their ratio. The
 * keys of the envelope (grab.h) are emptied. */
void rate_measure(const char *url, uint32_t grabs, uint32_t rounds);

#endif
