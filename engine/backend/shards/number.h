/* number.h: reads a number as keys and ids have them: digits without a leading zero. Knows no
 * number's meaning.
 */
#ifndef SLOTQ_BACKEND_SHARDS_NUMBER_H
#define SLOTQ_BACKEND_SHARDS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_BASE_MAX = 36 };

static inline uint32_t number_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (uint32_t)(digit - '0');
    }
    return digit >= 'a' && digit <= 'z' ? (uint32_t)(digit - 'a') + 10 : NUMBER_BASE_MAX;
}

/* All of text is a number of this base, and at most `most`, which is below 2^56. Otherwise *number
 * stays. */
static inline bool number_read(const char *text, size_t count, uint32_t base, uint64_t most,
                               uint64_t *number)
{
    uint64_t sum = 0;
    if (count == 0 || (count > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t digit = number_digit(text[i]);
        if (digit >= base) {
            return false;
        }
        sum = sum * base + digit;
        if (sum > most) { /* before the next digit, so that nothing overflows */
            return false;
        }
    }
    *number = sum;
    return true;
}

#endif
