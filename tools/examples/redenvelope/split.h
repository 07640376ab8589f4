/* split.h: how a red envelope is split beforehand. Knows cents, which are whole numbers: 9.9 as a
 * float times 100 is 989.99994. Must not know servers or queues.
 */
#ifndef EXAMPLES_REDENVELOPE_SPLIT_H
#define EXAMPLES_REDENVELOPE_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

enum { SPLIT_SHARES_MAX = 65534, SPLIT_REFUSAL_BYTES = 160 };
#define SPLIT_CENTS_MAX UINT64_C(1000000000000000)

/* Split cents into count shares, each at least 1 cent, together exactly cents.
 *
 * rate (1 to 99 percent) says how far the smallest and the largest are from the average a. The i-th
 * from below (from 0) is a - a * rate + i * gap, the i-th from above a + a * rate - i * gap, the
 * middle one of an odd count a; gap is a / (count - 1). All are cut to the cent, and the first
 * share gets what is left. False, with a text, if the envelope cannot be split so. */
bool split_envelope(uint64_t cents, uint32_t count, uint32_t rate, uint64_t *shares,
                    char refusal[SPLIT_REFUSAL_BYTES]);

/* Put the shares in random order, each order as likely as any other. */
void split_shuffle(uint64_t *shares, uint32_t count);

#endif
