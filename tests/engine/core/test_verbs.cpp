/* test_verbs.cpp: what verbs.def says of each verb, against a list written here by hand and against
 * what the verb does: a verb that writes has a patch, one that reads has none.
 */
#include "catch.hpp"

#include <map>
#include <string>

#include "queue.hpp"

namespace
{

/* Every verb and whether it writes, from FORMAT.md. */
const std::map<std::string, bool> by_hand = {
    {"push", true},     {"reserve", true},    {"ack", true},        {"nack", true},
    {"release", true},  {"extend", true},     {"kill", true},       {"remove", true},
    {"reclaim", true},  {"redrive", true},    {"dead_purge", true}, {"pause", true},
    {"resume", true},   {"purge", true},      {"status", false},    {"peek", false},
    {"stats", false},   {"dead_list", false}, {"limit", true},      {"dead_remove", true},
    {"schedule", true}, {"cancel", true},     {"kick", true},       {"later_list", false},
    {"find", false},    {"finish", false},
};

/* Messages 1 (dead), 2 (leased, or WAITING for kick), 3 (ready) and one scheduled, paused where
 * that gives resume something to do. */
Queue busy(slotq_verb verb)
{
    slotq_geometry shape = support::geometry(6, 5, 1, SLOTQ_FLAG_KEYS, 0, 2, 100);
    shape.later_slots = 2;
    Queue queue(shape);
    if (verb == SLOTQ_FINISH) { /* closed, and without a message */
        REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
        return queue;
    }
    REQUIRE(queue.schedule(queue.now_ms + 1000000) == SLOTQ_OK);
    REQUIRE(queue.push_keys({0, 77, 0}) == SLOTQ_OK);
    REQUIRE(queue.reserve(2) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
    if (verb == SLOTQ_RESUME) {
        REQUIRE(queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
    }
    if (verb == SLOTQ_KICK) {
        REQUIRE(queue.settle(SLOTQ_NACK, 2, queue.runs[0].token, 5000) == SLOTQ_OK);
    }
    if (verb == SLOTQ_RECLAIM) {
        queue.now_ms += 60000; /* the lease of message 2 has ended */
    }
    return queue;
}

slotq_outcome run(Queue &queue, slotq_verb verb)
{
    switch (verb) {
    case SLOTQ_PUSH:
        return queue.push(1);
    case SLOTQ_RESERVE:
        return queue.reserve(1);
    case SLOTQ_ACK:
    case SLOTQ_NACK:
    case SLOTQ_RELEASE:
    case SLOTQ_EXTEND:
    case SLOTQ_KILL:
        return queue.settle(verb, 2, queue.word(2), 20000);
    case SLOTQ_LIMIT:
        return queue.limit(SLOTQ_LIMIT_ALL, 1, 1000, 1);
    case SLOTQ_REMOVE:
        return queue.remove(3);
    case SLOTQ_RECLAIM:
        return queue.reclaim();
    case SLOTQ_REDRIVE:
        return queue.redrive();
    case SLOTQ_DEAD_REMOVE:
        return queue.dead_remove(1);
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
        return queue.pause(verb, SLOTQ_PAUSE_IN);
    case SLOTQ_STATUS:
        return queue.status(2);
    case SLOTQ_PEEK:
    case SLOTQ_DEAD_LIST:
    case SLOTQ_LATER_LIST:
        return queue.look(verb);
    case SLOTQ_SCHEDULE:
        return queue.schedule(queue.now_ms);
    case SLOTQ_CANCEL:
        return queue.cancel(1);
    case SLOTQ_KICK:
        return queue.kick(2);
    case SLOTQ_FIND:
        return queue.find(77);
    default:
        return queue.plain(verb); /* purge, dead_purge, stats, finish */
    }
}

} // namespace

TEST_CASE("verbs: the table names each verb once and says rightly which of them write")
{
    REQUIRE(by_hand.size() == SLOTQ_VERB_COUNT);
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const auto verb = static_cast<slotq_verb>(i);
        const std::string name = slotq_core_verb_name(verb);
        INFO(name);
        REQUIRE(by_hand.count(name) == 1);
        CHECK(slotq_core_verb_only_reads(verb) == !by_hand.at(name));
        CHECK(slotq_core_verb_may_repeat(verb) == !by_hand.at(name));
    }
    const auto none = static_cast<slotq_verb>(SLOTQ_VERB_COUNT);
    CHECK(std::string(slotq_core_verb_name(none)) == "?");
    CHECK_FALSE(slotq_core_verb_only_reads(none));
    CHECK_FALSE(slotq_core_verb_may_repeat(none));
}

TEST_CASE("verbs: those that write have a patch, those that read have none")
{
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const auto verb = static_cast<slotq_verb>(i);
        Queue queue = busy(verb);
        INFO(slotq_core_verb_name(verb));
        REQUIRE(run(queue, verb) == SLOTQ_OK);
        CHECK((queue.image.patches() > 0) == by_hand.at(slotq_core_verb_name(verb)));
    }
}
