/* test_pace.cpp: the numbers by which a worker chooses, with time and chance given.
 */
#include "catch.hpp"

#include <algorithm>
#include <vector>

extern "C" {
#include "worker/pace.h"
}

TEST_CASE("pace: backoff doubles, spreads by a quarter, and has an end", "[worker][pace]")
{
    for (unsigned attempts = 1; attempts <= 70; attempts++) {
        const uint64_t middle = attempts > 8 ? 200000 : 1000u << (attempts - 1);
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;
        for (uint32_t i = 0; i < 1000; i++) {
            const uint64_t ms = pace_backoff_ms(1000, 200000, attempts, i * 2654435761u);
            least = std::min(least, ms);
            most = std::max(most, ms);
        }
        CHECK(least >= middle - middle / 4);
        CHECK(most <= std::min<uint64_t>(middle + middle / 4, 200000));
        CHECK(most - least > (attempts > 8 ? middle / 5 : middle / 3));
    }
    CHECK(pace_backoff_ms(50, 50, 9, 12345) == 50);
    CHECK(pace_backoff_ms(1, UINT64_MAX, 200, 0) >= UINT64_MAX / 4 * 3 - 3);
    CHECK(pace_backoff_ms(1000, 200000, 0, 0) == 750);
}

TEST_CASE("pace: patience doubles from 100 ms to 5 s", "[worker][pace]")
{
    const uint64_t middle[] = {100, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (unsigned i = 0; i < 9; i++) {
        CHECK(pace_patience_ms(i, 0) == middle[i] - middle[i] / 4);
        CHECK(pace_patience_ms(i, static_cast<uint32_t>(middle[i] / 4 * 2)) ==
              middle[i] + middle[i] / 4);
    }
    CHECK(pace_patience_ms(UINT32_MAX, 0) == 3750);
}

TEST_CASE("pace: prefetch begins with 1, doubles, halves with failures, and knows the time",
          "[worker][pace]")
{
    pace_prefetch prefetch = {};
    pace_prefetch_reset(&prefetch);
    std::vector<uint32_t> counts;
    for (int i = 0; i < 8; i++) {
        const uint32_t count = pace_prefetch_count(&prefetch, 64, 20);
        counts.push_back(count);
        pace_prefetch_note(&prefetch, count, 0, count * 1000, 64);
    }
    CHECK(counts == std::vector<uint32_t>{1, 2, 4, 8, 16, 32, 64, 64});
    pace_prefetch_note(&prefetch, 64, 1, 64000, 64);
    CHECK(pace_prefetch_count(&prefetch, 64, 20) == 32);
    CHECK(pace_prefetch_count(&prefetch, 5, 20) == 5);
    pace_prefetch_note(&prefetch, 0, 0, 1, 64); /* nothing was run */
    CHECK(pace_prefetch_count(&prefetch, 64, 20) == 32);
    for (int i = 0; i < 20; i++) {
        pace_prefetch_note(&prefetch, 1, 0, 10000000, 64); /* 10 ms each */
    }
    CHECK(pace_prefetch_count(&prefetch, 64, 20) == 2);
    CHECK(pace_prefetch_count(&prefetch, 64, 1) == 1);
    CHECK(pace_prefetch_count(&prefetch, 64, UINT64_MAX) == 64);
    pace_prefetch_reset(&prefetch);
    CHECK(pace_prefetch_count(&prefetch, 64, 20) == 1);
}

TEST_CASE("pace: a bucket lets a burst go, then one in each interval", "[worker][pace]")
{
    pace_bucket bucket;
    pace_bucket_init(&bucket, 100, 5);
    CHECK(pace_bucket_take(&bucket, 3, 1000) == 3);
    CHECK(pace_bucket_take(&bucket, 3, 1000) == 2);
    CHECK(pace_bucket_take(&bucket, 3, 1000) == 0);
    CHECK(pace_bucket_wait_us(&bucket, 1000) == 100);
    CHECK(pace_bucket_take(&bucket, 3, 1099) == 0);
    CHECK(pace_bucket_wait_us(&bucket, 1099) == 1);
    CHECK(pace_bucket_take(&bucket, 3, 1100) == 1);
    CHECK(pace_bucket_take(&bucket, 99, 100000) == 5); /* a long time counts as the burst */
    pace_bucket_give_back(&bucket, 2);
    CHECK(pace_bucket_take(&bucket, 99, 100000) == 2);
    /* What was taken before a wait, and goes after it, is paid for after it. */
    CHECK(pace_bucket_take(&bucket, 5, 200000) == 5);
    pace_bucket_give_back(&bucket, 5);
    pace_bucket_pay(&bucket, 5, 300000);
    CHECK(pace_bucket_take(&bucket, 1, 300000) == 0);
    CHECK(pace_bucket_wait_us(&bucket, 300000) == 100);
    pace_bucket_init(&bucket, 0, 5);
    CHECK(pace_bucket_take(&bucket, 1000, 0) == 1000);
    CHECK(pace_bucket_wait_us(&bucket, 0) == 0);
    pace_bucket_init(&bucket, 100, 0);
    CHECK(pace_bucket_take(&bucket, 2, 1000) == 1);
}

TEST_CASE("pace: turns go by weight; one that may not go loses none", "[worker][pace]")
{
    const uint32_t weights[] = {5, 1, 1};
    int64_t credits[3] = {};
    const bool all[] = {true, true, true};
    std::vector<uint32_t> order;
    for (int i = 0; i < 7; i++) {
        order.push_back(pace_turn(weights, all, credits, 3));
    }
    CHECK(order == std::vector<uint32_t>{0, 0, 1, 0, 2, 0, 0});
    const bool some[] = {false, true, true};
    const int64_t before = credits[0];
    for (int i = 0; i < 10; i++) {
        CHECK(pace_turn(weights, some, credits, 3) != 0);
    }
    CHECK(credits[0] == before);
    const bool none[] = {false, false, false};
    CHECK(pace_turn(weights, none, credits, 3) == 3);
}
