/* pace.c: see pace.h.
 */
#include "pace.h"
#include "samples.h"

#include <sys/prctl.h>

enum { LEAD_NS = 10000000 };

pace pace_begin(double rate_per_s, uint64_t total)
{
    prctl(PR_SET_TIMERSLACK, 1UL); /* else a sleep may end 50 us late */
    return (pace){.start_ns = clock_ns() + LEAD_NS, .rate_per_s = rate_per_s, .total = total};
}

uint64_t pace_due_ns(const pace *self, uint64_t i)
{
    return self->start_ns + (uint64_t)((double)i * 1e9 / self->rate_per_s);
}

static void sleep_until(uint64_t due_ns)
{
    const struct timespec due = {(time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {
    }
}

uint32_t pace_next(pace *self, uint32_t most)
{
    if (self->sent == self->total) {
        return 0;
    }
    sleep_until(pace_due_ns(self, self->sent));
    const uint64_t now_ns = clock_ns();
    uint32_t count = 1;
    while (count < most && self->sent + count < self->total &&
           pace_due_ns(self, self->sent + count) <= now_ns) {
        count++;
    }
    self->sent += count;
    return count;
}

void pace_stamp(uint8_t *payload, uint64_t due_ns)
{
    for (uint32_t i = 0; i < PACE_STAMP_BYTES; i++) {
        payload[i] = (uint8_t)(due_ns >> (8 * i));
    }
}

double pace_age_ns(const uint8_t *payload)
{
    uint64_t due_ns = 0;
    for (uint32_t i = 0; i < PACE_STAMP_BYTES; i++) {
        due_ns |= (uint64_t)payload[i] << (8 * i);
    }
    const uint64_t now_ns = clock_ns();
    return now_ns > due_ns ? (double)(now_ns - due_ns) : 0;
}
