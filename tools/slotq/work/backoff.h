/* backoff.h: how long a failed message rests before it is tried again. Pure.
 */
#ifndef SLOTQ_TOOLS_WORK_BACKOFF_H
#define SLOTQ_TOOLS_WORK_BACKOFF_H

#include <stdint.h>

/* Doubles from least_ms with each attempt (1, 2, ...) up to most_ms, a quarter more or less by
 * chance (any 32 bits), so that what failed together is not tried together; never over
 * most_ms. */
static inline uint64_t backoff_ms(uint64_t least_ms, uint64_t most_ms, unsigned attempts,
                                  uint32_t chance)
{
    uint64_t delay_ms = least_ms;
    for (unsigned i = 1; i < attempts && delay_ms < most_ms; i++) {
        delay_ms *= 2;
    }
    delay_ms = delay_ms < most_ms ? delay_ms : most_ms;
    const uint64_t quarter_ms = delay_ms / 4;
    delay_ms = delay_ms - quarter_ms + chance % (2 * quarter_ms + 1);
    return delay_ms < most_ms ? delay_ms : most_ms;
}

#endif
