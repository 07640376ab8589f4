/* sample.hpp: verbs in one line each, and queues in known states, for tests that break bytes.
 * Knows the core's calls; judges nothing itself.
 */
#ifndef TESTS_ENGINE_LAYOUT_SAMPLE_HPP
#define TESTS_ENGINE_LAYOUT_SAMPLE_HPP

#include <string>
#include <vector>

#include "../../support/catch.hpp"
#include "../../support/image/image.hpp"

namespace sample
{

using support::Image;

inline slotq_outcome push(Image &image, const std::vector<std::string> &payloads, uint64_t now_ms,
                          const std::vector<uint64_t> &keys = {})
{
    std::vector<slotq_data> messages;
    for (const std::string &payload : payloads) {
        messages.push_back({payload.data(), static_cast<uint32_t>(payload.size())});
    }
    slotq_call call = {};
    call.verb = SLOTQ_PUSH;
    call.now_ms = now_ms;
    call.push.messages = messages.data();
    call.push.count = static_cast<uint32_t>(messages.size());
    call.push.keys = keys.empty() ? nullptr : keys.data();
    call.push.key_mode = SLOTQ_KEY_UNIQUE;
    return image.run(call);
}

inline std::vector<slotq_run> reserve(Image &image, uint8_t group, uint32_t limit,
                                      uint64_t lease_ms, uint64_t now_ms)
{
    std::vector<slotq_run> runs(limit);
    slotq_call call = {};
    call.verb = SLOTQ_RESERVE;
    call.now_ms = now_ms;
    call.reserve.group = group;
    call.reserve.limit = limit;
    call.reserve.lease_ms = lease_ms;
    call.reserve.runs = runs.data();
    call.reserve.run_capacity = limit;
    const slotq_outcome outcome = image.run(call);
    runs.resize(outcome == SLOTQ_OK ? call.reserve.run_count : 0);
    return runs;
}

inline slotq_outcome settle(Image &image, slotq_verb verb, uint8_t group, slotq_run run,
                            uint64_t now_ms, uint64_t ms = 0, uint8_t reason = 0)
{
    slotq_call call = {};
    call.verb = verb;
    call.now_ms = now_ms;
    call.settle.group = group;
    call.settle.runs = &run;
    call.settle.run_count = 1;
    call.settle.ms = ms;
    call.settle.reason = reason;
    return image.run(call);
}

inline slotq_outcome remove(Image &image, uint8_t group, uint64_t id, uint64_t now_ms)
{
    slotq_call call = {};
    call.verb = SLOTQ_REMOVE;
    call.now_ms = now_ms;
    call.remove.group = group;
    call.remove.id = id;
    return image.run(call);
}

constexpr uint64_t now_ms = 1000000;

/* Six messages. Group 0: 1 LEASED, 2 READY again, 3 WAITING, 4 acked, 5 never delivered,
 * 6 removed ahead of the cursor. Group 1: all new. */
inline Image states()
{
    Image image(support::geometry(8, 8, 2, SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS, 3, 2));
    REQUIRE(push(image, {"one", "two", "three", "four", "", "six"}, now_ms) == SLOTQ_OK);
    const std::vector<slotq_run> runs = reserve(image, 0, 4, 30000, now_ms);
    REQUIRE(runs.size() == 1);
    const uint32_t token = runs[0].token;
    REQUIRE(settle(image, SLOTQ_NACK, 0, {2, token, 1}, now_ms) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_NACK, 0, {3, token, 1}, now_ms, 5000) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_ACK, 0, {4, token, 1}, now_ms) == SLOTQ_OK);
    REQUIRE(remove(image, 0, 6, now_ms) == SLOTQ_OK);
    REQUIRE(image.check() == "");
    return image;
}

/* Two dead messages, 1 by kill with reason 7 and 2 with reason 255; 3 is LEASED. */
inline Image dead()
{
    Image image(support::geometry(8, 8, 1, SLOTQ_FLAG_CHECKS, 0, 3));
    REQUIRE(push(image, {"one", "two", "three"}, now_ms) == SLOTQ_OK);
    const std::vector<slotq_run> runs = reserve(image, 0, 3, 30000, now_ms);
    REQUIRE(runs.size() == 1);
    REQUIRE(settle(image, SLOTQ_KILL, 0, {1, runs[0].token, 1}, now_ms, 0, 7) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_KILL, 0, {2, runs[0].token, 1}, now_ms, 0, 255) == SLOTQ_OK);
    REQUIRE(image.check() == "");
    return image;
}

/* Of three places aside the second and third are in use, for messages 2 and 4: message 2 READY in
 * group 0 and finished in group 1, message 4 WAITING in group 0 and LEASED in group 1. Message 1
 * lay aside too. In the ring is message 8, never delivered. */
inline Image aside()
{
    slotq_geometry shape =
        support::geometry(5, 8, 2, SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_KEYS, 3, 2);
    shape.aside_slots = 3;
    Image image(shape);
    REQUIRE(push(image, {"one", "two", "three", "four"}, now_ms, {0x1001, 0x1002, 0, 0x1004}) ==
            SLOTQ_OK);
    uint32_t token = 0;
    for (uint8_t group = 0; group < 2; group++) {
        const std::vector<slotq_run> runs = reserve(image, group, 4, 30000, now_ms);
        REQUIRE(runs.size() == 1);
        token = runs[0].token;
        REQUIRE(settle(image, SLOTQ_ACK, group, {3, token, 1}, now_ms) == SLOTQ_OK);
    }
    REQUIRE(push(image, {"", "six", "seven", "eight"}, now_ms + 500) == SLOTQ_OK);
    for (const uint64_t id : {5, 6, 7}) {
        REQUIRE(remove(image, SLOTQ_ALL_GROUPS, id, now_ms) == SLOTQ_OK);
    }
    REQUIRE(settle(image, SLOTQ_ACK, 0, {1, token, 1}, now_ms) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_ACK, 1, {1, token, 2}, now_ms) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_NACK, 0, {2, token, 1}, now_ms) == SLOTQ_OK);
    REQUIRE(settle(image, SLOTQ_NACK, 0, {4, token, 1}, now_ms, 5000) == SLOTQ_OK);
    REQUIRE(image.aside_count() == 2);
    REQUIRE(image.check() == "");
    return image;
}

/* With notes of up to 5 bytes; 2 was taken out from between 1 and 3, whose note is cut. */
inline Image noted()
{
    slotq_geometry made = support::geometry(8, 8, 1, SLOTQ_FLAG_CHECKS, 0, 4);
    made.note_bytes = 5;
    Image image(made);
    REQUIRE(push(image, {"one", "two", "three", "four"}, now_ms) == SLOTQ_OK);
    const std::vector<slotq_run> runs = reserve(image, 0, 4, 30000, now_ms);
    for (uint64_t id = 1; id <= 3; id++) {
        const slotq_run run = {id, runs.at(0).token, 1};
        slotq_call call = {};
        call.verb = SLOTQ_KILL;
        call.now_ms = now_ms;
        call.settle.runs = &run;
        call.settle.run_count = 1;
        call.settle.reason = 7;
        call.settle.note = id == 1 ? "why" : "because";
        call.settle.note_bytes = id == 1 ? 3 : 7;
        REQUIRE(image.run(call) == SLOTQ_OK);
    }
    slotq_call call = {};
    call.verb = SLOTQ_DEAD_REMOVE;
    call.now_ms = now_ms;
    call.dead.id = 2;
    REQUIRE(image.run(call) == SLOTQ_OK);
    REQUIRE(image.check() == "");
    return image;
}

/* Expect just this damage, at this offset. */
inline void expect_damage(const Image &image, uint64_t offset, const std::string &what)
{
    slotq_damage damage = {};
    INFO("expected: " << what << " at " << offset);
    CHECK(slotq_core_check(&image.view(), &damage) == SLOTQ_CORRUPT);
    REQUIRE(damage.what != nullptr);
    CHECK(std::string(damage.what) == what);
    CHECK(damage.offset == offset);
}

inline uint32_t at(support::Field part)
{
    return part.offset;
}

inline uint32_t at(support::Field part, uint32_t group)
{
    return support::front_offset + support::group_bytes * group + part.offset;
}

} // namespace sample
#endif
