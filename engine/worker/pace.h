/* pace.h: the numbers by which a worker chooses: how long to rest, how many messages to take,
 * which queue is next. Pure: time and chance are arguments.
 */
#ifndef SLOTQ_WORKER_PACE_H
#define SLOTQ_WORKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* The delay of a failed message: doubles from least_ms with each attempt (1, 2, …) up to most_ms, a
 * quarter more or less by chance (any 32 bits), so that what failed together is not tried together;
 * never over most_ms. If both are equal, that. */
uint64_t pace_backoff_ms(uint64_t least_ms, uint64_t most_ms, unsigned attempts, uint32_t chance);

/* The rest before the refusals-th (1, 2, …) try of a queue that is away: 100 ms, doubling to 5 s, a
 * quarter more or less by chance. */
uint64_t pace_patience_ms(unsigned refusals, uint32_t chance);

/* A time, a quarter more or less by chance. */
uint64_t pace_jitter_ms(uint64_t ms, uint32_t chance);

/* When a lease is to be extended that was asked for passed_ms ago, by a clock that goes on while
 * the machine sleeps: at a third of it, not before retry_at_ms. now_ms or later. */
uint64_t pace_renew_at_ms(uint64_t lease_ms, uint64_t passed_ms, uint64_t retry_at_ms,
                          uint64_t now_ms);

/* How many messages a thread takes at once. */
typedef struct pace_prefetch {
    uint32_t now;     /* 1 at the start and after trouble; doubles after a good batch */
    uint64_t mean_ns; /* of a run; 0 = not known */
} pace_prefetch;

void pace_prefetch_reset(pace_prefetch *prefetch);
/* A batch of count messages has been worked through in ns; failures of them did not succeed. */
void pace_prefetch_note(pace_prefetch *prefetch, uint32_t count, uint32_t failures, uint64_t ns,
                        uint32_t most);
/* 1 to most: about so much work as most_ms. */
uint32_t pace_prefetch_count(const pace_prefetch *prefetch, uint32_t most, uint64_t most_ms);

/* A bucket of messages that may go: one more each interval_us, at most burst. */
typedef struct pace_bucket {
    uint64_t interval_us; /* 0 = no limit */
    uint32_t burst;
    uint64_t free_at_us; /* what went is paid for up to here: pace.c */
} pace_bucket;

void pace_bucket_init(pace_bucket *bucket, uint64_t interval_us, uint32_t burst);
/* How many of wanted may go now: taken off. */
uint32_t pace_bucket_take(pace_bucket *bucket, uint32_t wanted, uint64_t now_us);
/* What was taken and did not go. */
void pace_bucket_give_back(pace_bucket *bucket, uint32_t count);
/* So many go now, whether the bucket has them or not. */
void pace_bucket_pay(pace_bucket *bucket, uint32_t count, uint64_t now_us);
/* How long until one may go; 0 = now. */
uint64_t pace_bucket_wait_us(const pace_bucket *bucket, uint64_t now_us);

/* Smooth weighted turns: of count candidates (may_go[i]) the one whose turn it is, or count for
 * none. credits are kept from call to call; one that may not go loses no turn. */
uint32_t pace_turn(const uint32_t *weights, const bool *may_go, int64_t *credits, uint32_t count);

#endif
