/* test_plain.cpp: where the plain path answers, it does byte for byte what the verb's own steps
 * do; where it does not, it has done nothing.
 */
#include <tuple>

#include "../../support/model/game.hpp"
#include "queue.hpp"

extern "C" {
#include "../../../engine/core/plain.h"

/* core/verbs.h declares it for C */
slotq_outcome verbs_whole_step(const slotq_view *view, slotq_call *call, slotq_step *step);
}

namespace
{

struct Tally {
    uint32_t plain = 0;
    uint32_t general = 0;
};

void require_same_outputs(const slotq_call &plain, const slotq_call &general)
{
    if (plain.verb == SLOTQ_PUSH) {
        REQUIRE(plain.push.first_id == general.push.first_id);
    } else if (plain.verb == SLOTQ_RESERVE) {
        REQUIRE(plain.reserve.run_count == 1);
        REQUIRE(general.reserve.run_count == 1);
        REQUIRE(plain.reserve.message_count == general.reserve.message_count);
        REQUIRE(plain.reserve.runs[0].id == general.reserve.runs[0].id);
        REQUIRE(plain.reserve.runs[0].token == general.reserve.runs[0].token);
        REQUIRE(plain.reserve.runs[0].count == general.reserve.runs[0].count);
    } else {
        REQUIRE(plain.settle.ok_count == general.settle.ok_count);
        REQUIRE(plain.settle.dead_count == general.settle.dead_count);
        for (uint32_t i = 0; plain.settle.outcomes != nullptr && i < plain.settle.ok_count; i++) {
            REQUIRE(plain.settle.outcomes[i] == general.settle.outcomes[i]);
        }
    }
}

/* What the step says to a store that wakes callers one by one. */
using Woken = std::tuple<uint32_t, uint32_t, uint32_t, bool>;
Woken woken_by(const slotq_step &step)
{
    return {step.wake_groups, step.wake_messages, step.wake_slots, step.changes_group};
}

/* Try the plain path on the queue's image, and the verb's own steps on a copy. */
void try_both(Queue &queue, Tally &tally)
{
    static slotq_step step;
    static slotq_run other_runs[64];
    support::Image other = queue.image;
    slotq_call general = queue.call;
    slotq_call plain = queue.call;
    static uint8_t other_outcomes[64];
    if (general.verb == SLOTQ_RESERVE) {
        general.reserve.runs = other_runs;
    } else if (general.verb != SLOTQ_PUSH && general.settle.outcomes != nullptr) {
        std::memset(other_outcomes, 99, sizeof other_outcomes);
        general.settle.outcomes = other_outcomes;
    }
    if (!plain_step(&queue.image.view(), &plain, &step)) {
        tally.general++;
        REQUIRE(std::memcmp(&plain.progress, &queue.call.progress, sizeof plain.progress) == 0);
        REQUIRE(queue.image.bytes() == other.bytes());
        queue.go();
        return;
    }
    tally.plain++;
    const bool journal = step.needs_journal;
    const bool pushes = step.pushes;
    const uint32_t visible = step.visible_count;
    const Woken woken = woken_by(step);
    REQUIRE_FALSE(step.wakes);
    REQUIRE(queue.go() == SLOTQ_OK);
    REQUIRE(queue.image.steps() == 1);
    require_same_outputs(queue.call, plain);
    REQUIRE(verbs_whole_step(&other.view(), &general, &step) == SLOTQ_OK);
    slotq_core_apply(other.data(), &other.view(), &step);
    require_same_outputs(plain, general);
    REQUIRE(step.needs_journal == journal);
    REQUIRE(step.pushes == pushes);
    REQUIRE(step.visible_count == visible);
    REQUIRE(woken_by(step) == woken);
    REQUIRE(other.bytes() == queue.image.bytes());
}

void choose_call(Queue &queue, support::Choices &choices, std::vector<slotq_run> &held,
                 std::vector<slotq_data> &data)
{
    const uint32_t kind = choices.small(3);
    if (kind == 0) {
        data.assign(1 + choices.small(6), {"payloads", 7});
        data.back().size = choices.small(9);
        queue.start(SLOTQ_PUSH);
        queue.call.push.messages = choices.one_in(40) ? nullptr : data.data();
        queue.call.push.count = static_cast<uint32_t>(data.size()) - choices.small(2);
    } else if (kind == 1) {
        queue.runs.assign(64, slotq_run());
        queue.start(SLOTQ_RESERVE);
        queue.call.reserve.runs = choices.one_in(40) ? nullptr : queue.runs.data();
        queue.call.reserve.run_capacity = choices.one_in(40) ? 0 : 64;
        queue.call.reserve.limit = choices.small(9);
        queue.call.reserve.lease_ms = choices.small(30);
        queue.call.reserve.group = static_cast<uint8_t>(choices.small(2));
    } else {
        slotq_run run = {1, 5, 1};
        if (!held.empty()) {
            run = held.back();
            held.pop_back();
        }
        run.count -= choices.one_in(8) ? choices.small(2) : 0;
        run.count += choices.one_in(8) ? 1 : 0;
        held.insert(held.begin(), run);
        queue.start(choices.one_in(5) ? SLOTQ_NACK : SLOTQ_ACK);
        queue.call.settle.runs = &held.front();
        queue.call.settle.run_count = choices.one_in(40) ? 0 : 1;
        queue.outcomes.assign(64, 98);
        queue.call.settle.outcomes = choices.one_in(2) ? queue.outcomes.data() : nullptr;
    }
}

void play(uint64_t seed, Tally &tally)
{
    support::RandomChoices choices(seed);
    const uint32_t groups = choices.one_in(4) ? 2 : 1;
    const bool limited = choices.one_in(3);
    Queue queue(support::geometry(2 + choices.small(12), 7, groups, choices.small(32),
                                  choices.small(3), 2, 10));
    std::vector<slotq_run> held;
    std::vector<slotq_data> data;
    queue.sound = false; /* try_both compares, and the whole is checked at the end */
    queue.image.check_each_step(false);
    queue.image.start_at((UINT64_C(1) << 31) - choices.small(60), choices.small(2));
    for (uint32_t i = 0; i < 400; i++) {
        CAPTURE(seed, i);
        queue.now_ms += choices.small(6);
        if (choices.one_in(limited ? 40 : 4000)) {
            queue.limit(SLOTQ_LIMIT_LEASED, choices.small(3));
        }
        choose_call(queue, choices, held, data);
        const slotq_verb verb = queue.call.verb;
        try_both(queue, tally);
        if (verb == SLOTQ_RESERVE && queue.call.reserve.group == 0) {
            held.insert(held.end(), queue.runs.begin(),
                        queue.runs.begin() + queue.call.reserve.run_count);
        }
        if (held.size() > 12) {
            held.erase(held.begin());
        }
    }
    REQUIRE(queue.image.check().empty());
}

} // namespace

TEST_CASE("plain: the plain path and the verbs' own steps leave the same bytes")
{
    Tally tally;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        play(seed, tally);
    }
    REQUIRE(tally.plain > 1000);
    REQUIRE(tally.general > 1000);
}

TEST_CASE("plain: an ack of a limited group's last lease, with nothing, a retry or a new one left")
{
    for (const uint32_t left : {0u, 1u, 2u}) {
        CAPTURE(left);
        Tally tally;
        Queue queue(support::geometry(8, 7));
        REQUIRE(queue.push(left == 1 ? 2 : 1) == SLOTQ_OK);
        REQUIRE(queue.reserve(2) == SLOTQ_OK);
        slotq_run run = {1, queue.runs[0].token, 1};
        if (left == 1) {
            REQUIRE(queue.settle(SLOTQ_NACK, 2, run.token) == SLOTQ_OK);
        } else if (left == 2) {
            REQUIRE(queue.push(1) == SLOTQ_OK);
        }
        REQUIRE(queue.limit(SLOTQ_LIMIT_LEASED, 1) == SLOTQ_OK);
        queue.start(SLOTQ_ACK);
        queue.call.settle.runs = &run;
        queue.call.settle.run_count = 1;
        try_both(queue, tally);
        REQUIRE(tally.plain == 1);
    }
}
