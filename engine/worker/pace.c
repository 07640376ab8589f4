/* pace.c: the numbers by which a worker chooses (pace.h). Does not know queues, threads or clocks.
 */
#include "pace.h"

#include <stddef.h>

enum { PATIENCE_LEAST_MS = 100, PATIENCE_MOST_MS = 5000 };

static uint64_t doubled(uint64_t least, uint64_t most, unsigned times)
{
    uint64_t value = least;
    for (unsigned i = 0; i < times && value < most; i++) {
        value = value > UINT64_MAX / 2 ? UINT64_MAX : value * 2;
    }
    return value < most ? value : most;
}

uint64_t pace_jitter_ms(uint64_t ms, uint32_t chance)
{
    const uint64_t quarter_ms = ms / 4;
    const uint64_t least_ms = ms - quarter_ms;
    const uint64_t more_ms = chance % (2 * quarter_ms + 1);
    return least_ms > UINT64_MAX - more_ms ? UINT64_MAX : least_ms + more_ms;
}

uint64_t pace_backoff_ms(uint64_t least_ms, uint64_t most_ms, unsigned attempts, uint32_t chance)
{
    const uint64_t delay_ms = doubled(least_ms, most_ms, attempts == 0 ? 0 : attempts - 1);
    if (least_ms >= most_ms) {
        return most_ms;
    }
    const uint64_t spread_ms = pace_jitter_ms(delay_ms, chance);
    return spread_ms < most_ms ? spread_ms : most_ms;
}

uint64_t pace_patience_ms(unsigned refusals, uint32_t chance)
{
    const uint64_t rest_ms =
        doubled(PATIENCE_LEAST_MS, PATIENCE_MOST_MS, refusals == 0 ? 0 : refusals - 1);
    return pace_jitter_ms(rest_ms, chance);
}

uint64_t pace_renew_at_ms(uint64_t lease_ms, uint64_t passed_ms, uint64_t retry_at_ms,
                          uint64_t now_ms)
{
    const uint64_t third_ms = lease_ms / 3;
    const uint64_t at_ms = passed_ms >= third_ms ? now_ms : now_ms + third_ms - passed_ms;
    return retry_at_ms > at_ms ? retry_at_ms : at_ms;
}

/* ---- prefetch ---- */

void pace_prefetch_reset(pace_prefetch *prefetch)
{
    prefetch->now = 1;
}

void pace_prefetch_note(pace_prefetch *prefetch, uint32_t count, uint32_t failures, uint64_t ns,
                        uint32_t most)
{
    if (count == 0) {
        return;
    }
    const uint64_t mean_ns = ns / count;
    const uint64_t old_ns = prefetch->mean_ns;
    prefetch->mean_ns = old_ns == 0 ? mean_ns : old_ns - old_ns / 4 + mean_ns / 4;
    if (failures != 0) {
        prefetch->now = prefetch->now / 2 == 0 ? 1 : prefetch->now / 2;
    } else if (prefetch->now < most) {
        prefetch->now = prefetch->now * 2 < most ? prefetch->now * 2 : most;
    }
}

uint32_t pace_prefetch_count(const pace_prefetch *prefetch, uint32_t most, uint64_t most_ms)
{
    uint64_t count = prefetch->now < most ? prefetch->now : most;
    if (prefetch->mean_ns != 0 && most_ms <= UINT64_MAX / 1000000) {
        const uint64_t in_time = most_ms * 1000000 / prefetch->mean_ns;
        count = count < in_time ? count : in_time;
    }
    return count == 0 ? 1 : (uint32_t)count;
}

/* ---- a rate ----
 *
 * free_at_us: the messages that went are paid for up to here, one interval each. One may go when
 * that is at most burst - 1 intervals ahead; a time without any counts as burst intervals at most.
 */

void pace_bucket_init(pace_bucket *bucket, uint64_t interval_us, uint32_t burst)
{
    *bucket = (pace_bucket){.interval_us = interval_us, .burst = burst == 0 ? 1 : burst};
}

static uint64_t ahead_us(const pace_bucket *bucket, uint64_t now_us)
{
    return bucket->free_at_us > now_us ? bucket->free_at_us - now_us : 0;
}

uint32_t pace_bucket_take(pace_bucket *bucket, uint32_t wanted, uint64_t now_us)
{
    if (bucket->interval_us == 0 || wanted == 0) {
        return wanted;
    }
    const uint64_t behind = ahead_us(bucket, now_us);
    const uint64_t taken = (behind + bucket->interval_us - 1) / bucket->interval_us;
    const uint32_t left = taken < bucket->burst ? bucket->burst - (uint32_t)taken : 0;
    const uint32_t count = wanted < left ? wanted : left;
    if (count != 0) {
        bucket->free_at_us = now_us + behind + count * bucket->interval_us;
    }
    return count;
}

void pace_bucket_give_back(pace_bucket *bucket, uint32_t count)
{
    const uint64_t us = count * bucket->interval_us;
    bucket->free_at_us = bucket->free_at_us > us ? bucket->free_at_us - us : 0;
}

void pace_bucket_pay(pace_bucket *bucket, uint32_t count, uint64_t now_us)
{
    bucket->free_at_us = now_us + ahead_us(bucket, now_us) + count * bucket->interval_us;
}

uint64_t pace_bucket_wait_us(const pace_bucket *bucket, uint64_t now_us)
{
    if (bucket->interval_us == 0) {
        return 0;
    }
    const uint64_t may_be_us = (bucket->burst - 1) * bucket->interval_us;
    const uint64_t behind = ahead_us(bucket, now_us);
    return behind > may_be_us ? behind - may_be_us : 0;
}

/* ---- turns ---- */

uint32_t pace_turn(const uint32_t *weights, const bool *may_go, int64_t *credits, uint32_t count)
{
    uint32_t best = count;
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!may_go[i]) {
            continue;
        }
        credits[i] += weights[i];
        sum += weights[i];
        if (best == count || credits[i] > credits[best]) {
            best = i;
        }
    }
    if (best != count) {
        credits[best] -= sum;
    }
    return best;
}
