/* split.c: see split.h.
 */
#include "split.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "../terminal/report.h"

static bool is_refused(uint64_t cents, uint32_t count, uint32_t rate,
                       char refusal[SPLIT_REFUSAL_BYTES])
{
    if (count == 1) {
        (void)snprintf(refusal, SPLIT_REFUSAL_BYTES, "1 share: that is the whole sum, not a split");
    } else if (count == 0 || count > SPLIT_SHARES_MAX) {
        (void)snprintf(refusal, SPLIT_REFUSAL_BYTES, "%" PRIu32 " shares: it is 2 to %d", count,
                       SPLIT_SHARES_MAX);
    } else if (rate < 1 || rate > 99) {
        (void)snprintf(refusal, SPLIT_REFUSAL_BYTES, "a rate of %" PRIu32 " %%: it is 1 to 99",
                       rate);
    } else if (cents < count) {
        (void)snprintf(refusal, SPLIT_REFUSAL_BYTES,
                       "%" PRIu64 " cents for %" PRIu32 " shares: each needs at least 1 cent",
                       cents, count);
    } else if (cents > SPLIT_CENTS_MAX) {
        (void)snprintf(refusal, SPLIT_REFUSAL_BYTES, "%" PRIu64 " cents: at most %" PRIu64, cents,
                       SPLIT_CENTS_MAX);
    } else {
        return false;
    }
    return true;
}

bool split_envelope(uint64_t cents, uint32_t count, uint32_t rate, uint64_t *shares,
                    char refusal[SPLIT_REFUSAL_BYTES])
{
    if (is_refused(cents, count, rate, refusal)) {
        return false;
    }
    const uint64_t average = cents / count;
    const uint64_t spread = average * rate / 100; /* less than average: no share is below 1 cent */
    const uint64_t gap = average / (count - 1);
    for (uint32_t i = 0; i < count / 2; i++) {
        shares[i] = average - spread + i * gap;
        shares[count - 1 - i] = average + spread - i * gap;
    }
    if (count % 2 == 1) {
        shares[count / 2] = average;
    }
    shares[0] += cents - average * count;
    return true;
}

/* A random number below `end`, which is not 0. */
static uint32_t random_below(uint32_t end)
{
    const uint32_t fair = UINT32_MAX - UINT32_MAX % end; /* numbers from here on are drawn again */
    uint32_t number = UINT32_MAX;
    while (number >= fair) {
        if (getrandom(&number, sizeof number, 0) != sizeof number) {
            report_failure("the system has no random numbers");
        }
    }
    return number % end;
}

void split_shuffle(uint64_t *shares, uint32_t count)
{
    for (uint32_t left = count; left > 1; left--) {
        const uint32_t other = random_below(left);
        const uint64_t share = shares[left - 1];
        shares[left - 1] = shares[other];
        shares[other] = share;
    }
}
