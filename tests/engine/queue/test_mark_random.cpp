/* test_mark_random.cpp: random batches with random marks beside a twin whose messages are settled
 * one by one, on every kind of store: the same outcomes, tokens and bytes.
 */
#include "catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

const uint64_t LEASE_MS = 30000;

/* How a message is to be settled. */
struct Way {
    slotq_settle_how how = SLOTQ_SETTLE_ACK;
    uint64_t ms = 0;
    uint8_t reason = 0;
    std::string note;

    bool operator<(const Way &other) const
    {
        return std::tie(how, ms, reason, note) <
               std::tie(other.how, other.ms, other.reason, other.note);
    }
};

struct Twins {
    Queue mixed; /* settles by marks */
    Queue plain; /* settles one by one */
    Batch given = batch();
    Batch other = batch();
    std::mt19937 random;
    uint32_t refused = 0;
    uint32_t settled = 0;

    Twins(Kind kind, const Geometry &geometry, uint32_t seed)
        : mixed(kind, geometry), plain(kind, geometry), random(seed)
    {
    }
    uint32_t below(uint32_t bound)
    {
        return random() % bound;
    }
    template <typename Call>
    void both(Call call)
    {
        const slotq_outcome outcome = call(mixed);
        CHECK(outcome == call(plain));
    }
    Way any_way()
    {
        static const char *const notes[] = {"", "a", "b", "much longer than its room"};
        Way way;
        way.how = static_cast<slotq_settle_how>(below(5));
        way.ms = way.how == SLOTQ_SETTLE_EXTEND ? 20000 + 10000 * below(2) : 5000 * below(3);
        way.reason = static_cast<uint8_t>(1 + below(2));
        way.note = notes[below(4)];
        return way;
    }

    void push_some()
    {
        const std::string payload(1 + below(8), 'p');
        for (uint32_t i = below(12); i > 0; i--) {
            both([&](Queue &queue) { return queue.push(payload); });
        }
    }
    /* Some leases of the batch are lost: settled elsewhere, or ended. */
    void lose_some()
    {
        slotq_batch_rewind(given.get());
        for (const Message &message : messages(given.get())) {
            if (below(8) == 0) {
                both([&](Queue &queue) {
                    return slotq_release(queue, 0, message.id, message.token, 0);
                });
            } else if (below(12) == 0) {
                both([&](Queue &queue) { return slotq_ack(queue, 0, message.id, message.token); });
            }
        }
        if (below(6) == 0) {
            const uint64_t later_ms = 10000 + 15000 * below(3);
            mixed.now_ms += later_ms;
            plain.now_ms += later_ms;
            both([&](Queue &queue) { return slotq_reclaim(queue, 0, nullptr, nullptr); });
            std::vector<Message> one = mixed.reserve(2);
            CHECK(one.size() == plain.reserve(2).size());
        }
    }
    std::map<uint64_t, Way> mark_some()
    {
        std::map<uint64_t, Way> ways;
        slotq_batch_rewind(given.get());
        std::vector<Message> all = messages(given.get());
        std::shuffle(all.begin(), all.end(), random);
        for (const Message &message : all) {
            while (below(3) > 0) { /* the last mark counts */
                const Way way = any_way();
                const slotq_data note = {way.note.data(), static_cast<uint32_t>(way.note.size())};
                REQUIRE(slotq_mark(mixed, way.how, given.get(), message.id, way.ms, way.reason,
                                   &note) == SLOTQ_OK);
                ways[message.id] = way;
            }
            if (below(10) == 0) {
                CHECK(slotq_batch_unmark(given.get(), message.id) == (ways.erase(message.id) == 1));
            }
        }
        return ways;
    }
    /* The twin's messages, in the order in which ways are settled. Whether all were told alike. */
    void settle_twin(const std::vector<Message> &had, const std::map<uint64_t, Way> &ways,
                     const Way &otherwise)
    {
        std::map<Way, std::vector<size_t>> order;
        for (size_t i = 0; i < had.size(); i++) {
            const auto marked = ways.find(had[i].id);
            Way way = marked != ways.end() ? marked->second : otherwise;
            const bool may_die = way.how == SLOTQ_SETTLE_NACK || way.how == SLOTQ_SETTLE_KILL;
            way.reason = may_die ? way.reason : 0;
            way.note = may_die ? way.note : "";
            way.ms = way.how == SLOTQ_SETTLE_ACK || way.how == SLOTQ_SETTLE_KILL ? 0 : way.ms;
            order[way].push_back(i);
        }
        for (const auto &same : order) {
            const Way &way = same.first;
            const slotq_data note = {way.note.data(), static_cast<uint32_t>(way.note.size())};
            for (const size_t i : same.second) {
                const slotq_run run = {had[i].id, had[i].token, 1};
                uint8_t outcome = 255;
                uint32_t token = 0;
                (void)slotq_settle_noted(plain, way.how, 0, &run, 1, way.ms, way.reason, &note,
                                         &outcome, &token);
                slotq_settled_message told = {};
                REQUIRE(slotq_batch_settled(given.get(), static_cast<uint32_t>(i), &told));
                CHECK(told.id == had[i].id);
                CHECK(told.how == way.how);
                CHECK(told.outcome == static_cast<slotq_outcome>(outcome));
                const bool is_new = way.how == SLOTQ_SETTLE_EXTEND && outcome == SLOTQ_OK;
                CHECK(told.token == (is_new ? token : had[i].token));
                settled += outcome == SLOTQ_OK;
                refused += outcome != SLOTQ_OK;
            }
        }
    }
    void next()
    {
        slotq_batch_rewind(given.get());
        const std::vector<Message> had = messages(given.get());
        const std::map<uint64_t, Way> ways = mark_some();
        lose_some();
        slotq_settled sum = {};
        const uint32_t limit = 1 + below(9);
        const slotq_outcome reserved = slotq_next(mixed, 0, limit, LEASE_MS, 0, given.get(), &sum);
        settle_twin(had, ways, Way());
        CHECK(reserved == slotq_reserve(plain, 0, limit, LEASE_MS, 0, other.get()));
        CHECK(sum.ok_count + sum.refused_count == had.size());
        CHECK(sum.failed_count == 0);
        CHECK(slotq_batch_count(given.get()) == slotq_batch_count(other.get()));
    }
    void settle_batch()
    {
        slotq_batch_rewind(given.get());
        const std::vector<Message> had = messages(given.get());
        const std::map<uint64_t, Way> ways = mark_some();
        lose_some();
        Way otherwise = any_way();
        otherwise.note = "";
        const slotq_outcome outcome =
            slotq_settle_batch(mixed, otherwise.how, given.get(), otherwise.ms, otherwise.reason);
        settle_twin(had, ways, otherwise);
        slotq_outcome first = SLOTQ_OK;
        std::map<uint64_t, uint32_t> stays;
        slotq_settled_message told = {};
        for (uint32_t i = 0; slotq_batch_settled(given.get(), i, &told); i++) {
            first = first == SLOTQ_OK ? told.outcome : first;
            if (told.how == SLOTQ_SETTLE_EXTEND && told.outcome == SLOTQ_OK) {
                stays[told.id] = told.token;
            }
        }
        CHECK(outcome == first);
        slotq_batch_rewind(given.get());
        for (const Message &message : messages(given.get())) {
            CHECK(stays[message.id] == message.token);
            CHECK(message.payload == std::string(message.payload.size(), 'p'));
        }
        CHECK(slotq_batch_count(given.get()) == stays.size());
    }
};

} // namespace

TEST_CASE("mixed batches settle as their messages one by one", "[mark]")
{
    const Kind kind = GENERATE(from_range(all_kinds()));
    const uint32_t seed = GENERATE(1U, 2U);
    Geometry geometry = Geometry(40, 8).dead(6).attempts(3);
    geometry.raw.note_bytes = 4;
    geometry.raw.generation = 7;
    geometry.raw.flags = seed == 1 ? SLOTQ_FLAG_DEAD_OVERWRITE : 0; /* DEADFULL else */
    Twins twins(kind, geometry, seed);
    for (int round = 0; round < 60; round++) {
        CAPTURE(round);
        twins.push_some();
        if (twins.below(3) == 0) {
            twins.settle_batch();
        } else {
            twins.next();
        }
        const uint64_t later_ms = 100 * twins.below(100);
        twins.mixed.now_ms += later_ms;
        twins.plain.now_ms += later_ms;
        if (seed == 2 && twins.below(8) == 0) {
            twins.both([](Queue &queue) { return slotq_dead_purge(queue, nullptr); });
        }
        const bool same = twins.mixed.image() == twins.plain.image();
        REQUIRE(same);
    }
    CHECK(slotq_check(twins.mixed) == SLOTQ_OK);
    CHECK(twins.settled > 60);
    CHECK(twins.refused > 10);
}
