/* test_tokens.cpp: no token comes back soon; what a sleep of weeks and a clock that jumps do to
 * deadlines of 24 bits.
 */
#include <algorithm>

#include "queue.hpp"

namespace
{

constexpr uint64_t ticks_2_23 = UINT64_C(1) << 23;
constexpr uint64_t ticks_2_24 = UINT64_C(1) << 24;
constexpr uint64_t longest = ticks_2_23 - 1;

Queue one_ms(uint32_t slots = 4, uint32_t max_attempts = 0, uint32_t dead_slots = 0,
             uint32_t groups = 1)
{
    Queue queue(support::geometry(slots, 3, groups, 0, max_attempts, dead_slots, 1));
    queue.now_ms = 50 * ticks_2_24;
    return queue;
}

/* A message whose last lease would have ended at a tick, given back now. */
void give_back(Queue &queue, uint64_t deadline)
{
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, deadline - queue.now_ms) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
}

} // namespace

TEST_CASE("tokens: a lease that would end where an earlier one did, or before, ends a tick later")
{
    for (const uint64_t behind : {0u, 1u, 5u, 4094u}) {
        Queue queue = one_ms();
        give_back(queue, queue.now_ms + 6000);
        CAPTURE(behind);
        REQUIRE(queue.reserve(1, 6000 - behind) == SLOTQ_OK);
        REQUIRE(queue.runs[0].token == support::word(SLOTQ_STATE_LEASED, 2, queue.now_ms + 6001));
        REQUIRE(queue.group(field::group_due) <= queue.now_ms + 6001);
        queue.now_ms += 6000;
        REQUIRE(queue.reserve(1, 10) == SLOTQ_EMPTY);
        queue.now_ms += 1;
        REQUIRE(queue.reserve(1, 10) == SLOTQ_OK);
    }
}

TEST_CASE("tokens: at a difference of 4095 a message waits for the next tick")
{
    Queue queue = one_ms();
    give_back(queue, queue.now_ms + 6000);
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 6000 - 4095) == SLOTQ_OK); /* what is new is not held up */
    REQUIRE(queue.runs[0].id == 2);
    REQUIRE(queue.reserve(2, 6000 - 4095) == SLOTQ_AGAIN);
    REQUIRE(queue.call.reserve.next_due_ms == queue.now_ms + 1);
    REQUIRE(queue.status(1) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
    queue.now_ms++;
    REQUIRE(queue.reserve(2, 6000 - 4095) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 1);
    REQUIRE(queue.runs[0].token == support::word(SLOTQ_STATE_LEASED, 2, queue.now_ms + 6000));
}

TEST_CASE("tokens: at a difference of 4096 the bits are far enough")
{
    Queue queue = one_ms();
    give_back(queue, queue.now_ms + 6000);
    REQUIRE(queue.reserve(1, 6000 - 4096) == SLOTQ_OK);
    REQUIRE(queue.runs[0].token == support::word(SLOTQ_STATE_LEASED, 2, queue.now_ms + 1904));
}

TEST_CASE("tokens: what was left stays first in line, and does not hide what follows")
{
    constexpr uint64_t lease_ms = 6000 - 4095;
    Queue queue = one_ms(8);
    give_back(queue, queue.now_ms + 6000);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(4, lease_ms) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 2);
    REQUIRE(queue.call.reserve.message_count == 3); /* 1 is left */
    REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
    for (const uint64_t id : {2u, 3u}) { /* it is passed by among the retries too */
        REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == id);
        REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(1));
    }
    queue.now_ms++;
    REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 1);
    REQUIRE(queue.group(field::group_retry_from) == queue.image.index_of(2));
    REQUIRE(queue.reserve(4, lease_ms) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 4);
    REQUIRE(queue.reserve(4, lease_ms) == SLOTQ_EMPTY);
}

TEST_CASE("tokens: extend gives another token, or at 4095 the same one")
{
    Queue queue = one_ms();
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 6000) == SLOTQ_OK);
    const uint32_t first = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_EXTEND, 1, first, 6000) == SLOTQ_OK);
    const uint32_t second = queue.tokens[0];
    REQUIRE(second == support::word(SLOTQ_STATE_LEASED, 1, queue.now_ms + 6001));
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, first), SLOTQ_STALE);
    REQUIRE_REFUSED(queue, settle(SLOTQ_EXTEND, 1, second, 6001 - 4095), SLOTQ_OK);
    REQUIRE(queue.tokens[0] == second);
    REQUIRE(queue.call.settle.ok_count == 1);
    REQUIRE(queue.settle(SLOTQ_EXTEND, 1, second, 6001 - 4096) == SLOTQ_OK);
    REQUIRE(queue.tokens[0] == support::word(SLOTQ_STATE_LEASED, 1, queue.now_ms + 1905));
    REQUIRE(queue.settle(SLOTQ_ACK, 1, queue.tokens[0]) == SLOTQ_OK);
}

TEST_CASE("tokens: a message never delivered may get any word")
{
    Queue queue = one_ms();
    queue.now_ms = 49 * ticks_2_24 + ticks_2_24 - 10;
    REQUIRE(queue.push(1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 10) == SLOTQ_OK); /* bits 0 */
    REQUIRE(queue.runs[0].token == 5);
    REQUIRE(queue.settle(SLOTQ_RELEASE, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.word(1) == 0);
    REQUIRE(queue.reserve(1, 10) == SLOTQ_OK);
    REQUIRE(queue.runs[0].token == 5); /* said in FORMAT.md, "left open" */
}

/* ---- long sleeps ---- */

TEST_CASE("tokens: after a sleep of half a range reserve sweeps the whole window first")
{
    for (const uint64_t sleep : {ticks_2_23 - 4096, ticks_2_23, ticks_2_24 - 50, ticks_2_24 - 1,
                                 ticks_2_24, 3 * ticks_2_24 + 5}) {
        Queue queue = one_ms(3000);
        queue.image.check_each_step(false);
        REQUIRE(queue.push(2500) == SLOTQ_OK);
        REQUIRE(queue.reserve(2400, 100) == SLOTQ_OK);
        queue.now_ms += 100 + sleep;
        CAPTURE(sleep);
        REQUIRE(queue.reserve(1, longest) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == 1);
        REQUIRE(queue.stats().leased == 1);
        REQUIRE(queue.stats().ready == 2499);
        REQUIRE(queue.group(field::group_due) >= queue.tick() + longest);
        REQUIRE(queue.group(field::group_due) <= queue.tick() + longest + 4096);
    }
}

TEST_CASE("tokens: a whole sweep buries 16, the others wait for the next tick")
{
    Queue queue = one_ms(60, 1, 50);
    REQUIRE(queue.push(40) == SLOTQ_OK);
    REQUIRE(queue.reserve(40, 100) == SLOTQ_OK);
    queue.now_ms += 100 + ticks_2_23;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 16);
    REQUIRE(queue.stats().waiting == 24);
    REQUIRE(queue.stats().used == 24);
    REQUIRE(queue.group(field::group_due) == queue.tick() + 1);
    queue.now_ms++;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 40);
}

TEST_CASE("tokens: a whole sweep begins anew where one was under way")
{
    Queue queue = one_ms(60, 1, 50);
    REQUIRE(queue.push(40) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 3000) == SLOTQ_OK);
    const slotq_run first = queue.runs[0];
    REQUIRE(queue.reserve(39, 100) == SLOTQ_OK);
    queue.now_ms += 100;
    REQUIRE(queue.reclaim() == SLOTQ_AGAIN);
    REQUIRE(queue.group(field::group_due_next) == queue.tick() + 2900);
    REQUIRE(queue.settle(SLOTQ_ACK, first.id, first.token) == SLOTQ_OK);
    queue.now_ms += ticks_2_23;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.group(field::group_due) == queue.tick() + 1); /* what was gathered is void */
}

TEST_CASE("tokens: extend after a long sleep keeps the caller's messages and frees the others")
{
    Queue queue = one_ms(8);
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.reserve(4, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    queue.now_ms += 100 + ticks_2_23;
    REQUIRE(queue.settle(SLOTQ_EXTEND, {{2, token, 2}}, 9000) == SLOTQ_OK);
    REQUIRE(queue.call.settle.ok_count == 2);
    REQUIRE(queue.stats().leased == 2);
    REQUIRE(queue.stats().ready == 2);
    REQUIRE(queue.status(2) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 9000);
    REQUIRE(queue.settle(SLOTQ_ACK, 2, queue.word(2)) == SLOTQ_OK);
    REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, 1, token), SLOTQ_STALE);
}

TEST_CASE("tokens: nack with a delay after a long sleep, also where a message dies")
{
    Queue queue = one_ms(8, 1, 1);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    queue.now_ms += 100 + ticks_2_23;
    REQUIRE(queue.settle(SLOTQ_NACK, {{1, token, 2}}, 500) == SLOTQ_DEADFULL);
    REQUIRE(queue.stats().dead == 1); /* one of the three; two stay, none is lost */
    REQUIRE(queue.stats().unfinished == 2);
    queue.now_ms += ticks_2_24;
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 100) == SLOTQ_EMPTY);
    queue.now_ms += 60000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().unfinished <= 1);
}

/* The lease that a nack could not end would read as one of 2^23 ticks more, and be kept so long. */
TEST_CASE("tokens: what a nack after its whole sweep cannot bury waits a minute, as in any sweep")
{
    Queue queue = one_ms(8, 1, 1);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK); /* the dead section is full */
    queue.now_ms += 100 + ticks_2_23 - 4096;
    REQUIRE(queue.settle(SLOTQ_NACK, {{2, token, 2}}, 500) == SLOTQ_DEADFULL);
    REQUIRE(queue.outcomes[0] == SLOTQ_DEADFULL);
    REQUIRE(queue.outcomes[1] == SLOTQ_DEADFULL);
    REQUIRE(queue.stats().leased == 0);
    REQUIRE(queue.stats().waiting == 2);
    REQUIRE(queue.status(2) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.state == SLOTQ_STATE_WAITING);
    REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 60000);
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, 500) == SLOTQ_STALE);
    REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
    queue.now_ms += 60000;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.stats().dead == 1); /* taken back in time: one dies, the other finds it full */
    REQUIRE(queue.stats().waiting == 1);
}

TEST_CASE("tokens: a nack after its whole sweep refuses a count below the leases it leaves")
{
    Queue queue = one_ms(8, 1, 1);
    REQUIRE(queue.push(3) == SLOTQ_OK);
    REQUIRE(queue.reserve(3, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK); /* the dead section is full */
    queue.sound = false;
    queue.image.check_each_step(false);
    queue.image.set(support::field::group_leased, 0, 0);
    queue.now_ms += 100 + ticks_2_23 - 4096;
    REQUIRE(queue.settle(SLOTQ_NACK, {{2, token, 2}}, 500) == SLOTQ_CORRUPT);
    REQUIRE(queue.call.damage.what != nullptr);
    REQUIRE(queue.word(2) == token);
}

/* A release buries nothing: all that the call names waits, with the attempt taken back. */
TEST_CASE("tokens: a release with a delay after a long sleep sweeps, and spares what it names")
{
    Queue queue = one_ms(8, 1, 1);
    REQUIRE(queue.push(4) == SLOTQ_OK);
    REQUIRE(queue.reserve(4, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK); /* the dead section is full */
    queue.now_ms += 100 + ticks_2_23 - 4096;
    REQUIRE(queue.settle(SLOTQ_RELEASE, {{2, token, 2}}, 500) == SLOTQ_OK);
    REQUIRE(queue.call.settle.ok_count == 2);
    REQUIRE(queue.stats().leased == 0);
    REQUIRE(queue.stats().waiting == 3); /* 4 was not named, and cannot die: a minute */
    for (const uint64_t id : {2, 3, 4}) {
        REQUIRE(queue.status(id) == SLOTQ_OK);
        const slotq_status status = queue.call.status.status;
        REQUIRE(status.state == SLOTQ_STATE_WAITING);
        REQUIRE(status.attempts == (id == 4 ? 1 : 0));
        REQUIRE(status.deadline_ms == queue.now_ms + (id == 4 ? 60000 : 500));
    }
    queue.now_ms += 500;
    REQUIRE(queue.reserve(4, 100) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 2);
    REQUIRE(queue.status(2) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.attempts == 1);
}

/* Verbs that do not sweep leave `due`, so that the lease still reads as ended long ago. */
TEST_CASE("tokens: what another settle cannot bury after a long sleep is taken back at once")
{
    for (const slotq_verb verb : {SLOTQ_NACK, SLOTQ_KILL}) {
        Queue queue = one_ms(8, 1, 1);
        REQUIRE(queue.push(2) == SLOTQ_OK);
        REQUIRE(queue.reserve(2, 100) == SLOTQ_OK);
        const uint32_t token = queue.runs[0].token;
        REQUIRE(queue.settle(SLOTQ_KILL, 1, token) == SLOTQ_OK);
        queue.now_ms += 100 + ticks_2_23;
        REQUIRE(queue.settle(verb, 2, token) == SLOTQ_DEADFULL);
        REQUIRE(queue.stats().leased == 1);
        REQUIRE(queue.plain(SLOTQ_DEAD_PURGE) == SLOTQ_OK);
        REQUIRE(queue.reclaim() == SLOTQ_OK);
        REQUIRE(queue.stats().dead == 1);
        REQUIRE(queue.stats().unfinished == 0);
    }
}

/* A token that a settle names is spared by its sweep. Whatever comes of the settle, a due covers
 * the message, so that it comes back one day. */
TEST_CASE("tokens: no message is forgotten when a sweep spares it and the settle refuses")
{
    Queue queue = one_ms(8);
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, 100) == SLOTQ_OK);
    queue.now_ms += 100 + ticks_2_24 - 4095 - 1000; /* with 1000 the difference will be 4095 */
    const std::vector<slotq_run> runs = {{1, token, 1}, {2, queue.word(2), 1}};
    REQUIRE(queue.settle(SLOTQ_EXTEND, runs, 1000) == SLOTQ_STALE);
    REQUIRE(queue.outcomes[0] == SLOTQ_OK);
    REQUIRE(queue.tokens[0] == token);
    REQUIRE(queue.outcomes[1] == SLOTQ_STALE);
    REQUIRE(queue.group(field::group_due) != support::u48_none);
    REQUIRE(queue.stats().ready == 1); /* a word that is not a lease is swept as ever */
    for (int i = 0; i < 40; i++) {
        queue.now_ms += ticks_2_23 / 8;
        queue.reclaim();
    }
    REQUIRE(queue.stats().ready == 2);
}

/* A crash may come between the steps of the sweep and the settle. */
TEST_CASE("tokens: no message is forgotten when a settle stops after its sweep")
{
    for (const slotq_verb verb : {SLOTQ_EXTEND, SLOTQ_NACK, SLOTQ_RELEASE}) {
        Queue queue = one_ms(8);
        REQUIRE(queue.push(2) == SLOTQ_OK);
        REQUIRE(queue.reserve(2, 100) == SLOTQ_OK);
        const slotq_run held = queue.runs[0];
        queue.now_ms += 100 + ticks_2_23;
        queue.start(verb);
        queue.call.settle.runs = &held;
        queue.call.settle.run_count = 1;
        queue.call.settle.ms = 1000;
        slotq_step step;
        REQUIRE(slotq_core_step(&queue.image.view(), &queue.call, &step) == SLOTQ_MORE);
        slotq_core_apply(queue.image.data(), &queue.image.view(), &step);
        REQUIRE(queue.image.check().empty());
        REQUIRE(queue.stats().leased == 2);
        for (int i = 0; i < 40; i++) {
            queue.now_ms += ticks_2_23 / 8;
            queue.reclaim();
        }
        REQUIRE(queue.stats().ready == 2);
    }
}

/* 1500 leases around the ring's end, so that the sweep takes several steps: what the runs name is
 * spared wherever a run begins, and nothing else is. */
TEST_CASE("tokens: a whole sweep spares what runs name across its steps and the ring's end")
{
    Queue queue = one_ms(2001);
    REQUIRE(queue.push(1700) == SLOTQ_OK);
    REQUIRE(queue.reserve(1700, 100) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
    REQUIRE(queue.push(1500) == SLOTQ_OK);
    REQUIRE(queue.reserve(1500, 100) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    const uint64_t first = queue.runs[0].id;
    queue.now_ms += 100 + ticks_2_23;
    std::vector<slotq_run> runs;
    for (const uint64_t place : {0u, 299u, 300u, 301u, 479u, 480u, 781u, 1499u}) {
        runs.push_back({first + place, token, 1});
    }
    runs.push_back({first + 700, token, 80});     /* over a step's end */
    runs.push_back({first + 900, token + 16, 9}); /* another token: not theirs */
    REQUIRE(queue.settle(SLOTQ_EXTEND, runs, 1000) == SLOTQ_STALE);
    REQUIRE(std::count(queue.outcomes.begin(), queue.outcomes.begin() + 88, SLOTQ_OK) == 88);
    REQUIRE(std::count(queue.outcomes.begin() + 88, queue.outcomes.begin() + 97, SLOTQ_STALE) == 9);
    REQUIRE(queue.stats().leased == 88);
    REQUIRE(queue.stats().ready == 1412);
}

/* ---- clocks that jump ---- */

TEST_CASE("tokens: after the clock went back far a lease counts as passed")
{
    for (const slotq_verb verb : {SLOTQ_RESERVE, SLOTQ_RECLAIM}) {
        Queue queue = one_ms();
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
        queue.now_ms -= ticks_2_23 + 4096 - 100; /* just not far enough */
        REQUIRE(queue.reserve(1, 100) == SLOTQ_EMPTY);
        queue.now_ms -= 1;
        if (verb == SLOTQ_RECLAIM) {
            REQUIRE(queue.reclaim() == SLOTQ_OK);
            REQUIRE(queue.call.reclaim.ready_count == 1);
        }
        REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
        REQUIRE(queue.runs[0].id == 1);
        REQUIRE(queue.status(1) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.deadline_ms == queue.now_ms + 100);
    }
}

TEST_CASE("tokens: a clock that goes back a little delays, and loses nothing")
{
    Queue queue = one_ms();
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
    const slotq_run held = queue.runs[0];
    queue.now_ms -= 50000;
    REQUIRE(queue.reserve(1, 100) == SLOTQ_OK);
    REQUIRE(queue.runs[0].id == 2);
    REQUIRE(queue.settle(SLOTQ_EXTEND, held.id, held.token, 100) == SLOTQ_OK);
    queue.now_ms += 100;
    REQUIRE(queue.reserve(2, 100) == SLOTQ_OK);
    REQUIRE(queue.call.reserve.message_count == 2);
}
