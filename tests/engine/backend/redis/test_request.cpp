/* test_request.cpp: calls as arguments of scripts; packed slots are those the core packs. Knows
 * request.h and the core; no server.
 */
#include "catch.hpp"
#include "engine/layout/slot.h"
#include "inside.hpp"

#include <cstdlib>

namespace
{

struct Request {
    redis_request raw = {};
    ~Request()
    {
        redis_request_free(&raw);
    }
    std::string argument(uint32_t index) const
    {
        return index < raw.count ? std::string(raw.arguments[index], raw.lengths[index]) : "none";
    }
};

constexpr uint32_t at_key = 3; /* behind EVALSHA, the sum, the number of keys */

} // namespace

TEST_CASE("packed slots are those that the core writes into the ring")
{
    for (const uint8_t flags : {0, 2, 16, 18}) {
        const slotq_geometry geometry = inside::geometry(9, 5, flags);
        inside::Far far(geometry);
        std::vector<uint64_t> memory(far.view.image_bytes / 8 + 1);
        auto *bytes = reinterpret_cast<uint8_t *>(memory.data());
        REQUIRE(slotq_core_create(bytes, far.view.image_bytes, &geometry) == SLOTQ_OK);
        slotq_view view;
        slotq_damage damage;
        REQUIRE(slotq_core_open(&view, bytes, far.view.image_bytes, &damage) == SLOTQ_OK);
        const slotq_data messages[] = {{"abc", 3}, {nullptr, 0}, {"12345", 5}};
        slotq_core_begin(&far.call, SLOTQ_PUSH, 1700000000123);
        far.call.push = {};
        far.call.push.messages = messages;
        far.call.push.count = 3;
        slotq_call local = far.call;
        std::unique_ptr<slotq_step> step(new slotq_step());
        REQUIRE(slotq_core_run(bytes, &view, &local, step.get()) == SLOTQ_OK);
        far.terms.own_clock = true;
        Request request;
        REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
        CHECK(request.argument(at_key) == "jobs");
        CHECK(request.argument(at_key + 1) == "1700000000123");
        CHECK(request.argument(at_key + 2) == "3");
        CHECK(request.argument(at_key + 3) ==
              std::string(reinterpret_cast<char *>(bytes) + view.ring_offset, 3 * view.stride));
        CHECK(request.raw.count == at_key + 4);
    }
}

TEST_CASE("a stamp is by the server's clock where that one counts")
{
    inside::Far far(inside::geometry(9, 5, SLOTQ_FLAG_STAMPS));
    const slotq_data message = {"abc", 3};
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000000);
    far.call.push = {};
    far.call.push.messages = &message;
    far.call.push.count = 1;
    far.terms.server_ahead_ms = 5000;
    Request request;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 1).empty());
    CHECK(request.argument(at_key + 3).substr(2, 4) == inside::little(10050, 4));
}

TEST_CASE("what no script need be asked is answered here, in the order of FORMAT.md")
{
    inside::Far far(inside::geometry(4, 5));
    Request request;
    std::vector<slotq_data> messages(4097, slotq_data{"abc", 3});
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000);
    far.call.push = {};
    far.call.push.messages = messages.data();
    for (const auto &[count, outcome] : {std::pair<uint32_t, slotq_outcome>{0, SLOTQ_INVALID},
                                         {4097, SLOTQ_INVALID},
                                         {4096, SLOTQ_TOOBIG},
                                         {4, SLOTQ_TOOBIG},
                                         {3, SLOTQ_OK}}) {
        far.call.push.count = count;
        CHECK(redis_request_build(&request.raw, &far.terms, &far.call) == outcome);
    }
    messages[1].size = 6;
    far.call.push.count = 2;
    messages[1].bytes = "123456";
    CHECK(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_TOOBIG);
}

TEST_CASE("slots are cut where more than a few bytes of each are empty")
{
    inside::Far far(inside::geometry(5000, 60000));
    const std::string large(60000, 'x');
    const uint32_t head = far.view.stride - 60000;
    Request request;
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000);
    far.call.push = {};
    const auto slots_of = [&](uint32_t count, uint32_t size) {
        const std::vector<slotq_data> messages(count, slotq_data{large.data(), size});
        far.call.push.messages = messages.data();
        far.call.push.count = count;
        REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
        return request.argument(at_key + 3);
    };
    CHECK(slots_of(1, 60000).size() == head + 60000);
    CHECK(slots_of(1, 59999).size() == head + 59999); /* one costs no more calls */
    CHECK(slots_of(10, 60000 - SLOT_GAP_BYTES_MAX).size() == 10 * far.view.stride);
    CHECK(slots_of(10, 60000 - SLOT_GAP_BYTES_MAX - 1).size() ==
          10 * (far.view.stride - SLOT_GAP_BYTES_MAX - 1));
    for (const bool waits : {false, true}) {
        far.call.push.may_wait = waits;
        const std::string cut = slots_of(4096, 1);
        CHECK(cut.size() == 4096 * (head + 1));
        CHECK(cut.substr(0, head + 1) == cut.substr(4095 * (head + 1)));
        CHECK(cut.substr(0, 2) == std::string("\1\0", 2));
        CHECK(request.raw.count == at_key + (waits ? 5U : 4U));
    }
}

TEST_CASE("an id that is too large for its bytes stays one that was never issued")
{
    inside::Far far(inside::geometry(9, 5));
    const slotq_run asked[] = {{UINT64_MAX, 7, 2}, {(UINT64_C(1) << 48) + 3, 7, 1}, {3, 9, 4}};
    slotq_core_begin(&far.call, SLOTQ_ACK, 1000);
    far.call.settle = {};
    far.call.settle.runs = asked;
    far.call.settle.run_count = 3;
    Request request;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 2) == "ack");
    const std::string none = inside::little(SLOTQ_ID_MAX + 1, 6);
    CHECK(request.argument(at_key + 6) == none + inside::little(7, 4) + inside::little(2, 2) +
                                              none + inside::little(7, 4) + inside::little(1, 2) +
                                              inside::run(3, 9, 4));
    far.call.settle.run_count = 0;
    CHECK(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_INVALID);
}

TEST_CASE("a reserve asks for no more than a call is to carry")
{
    inside::Far far(inside::geometry(5000, 60000));
    far.reserve(64);
    Request request;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 3) == std::to_string(SLOTQ_CALL_BYTES_MAX / far.view.stride));
    CHECK(request.raw.count == at_key + 5);
    far.reserve(2, true);
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 3) == "2");
    CHECK(request.argument(at_key + 5) == "1");
}

TEST_CASE("the small verbs have their arguments in order")
{
    inside::Far far(inside::geometry(9, 5));
    Request request;
    slotq_core_begin(&far.call, SLOTQ_REMOVE, 1000);
    far.call.remove = {5, SLOTQ_ALL_GROUPS};
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 2) == "5");
    CHECK(request.argument(at_key + 3) == "all");
    slotq_core_begin(&far.call, SLOTQ_STATUS, 1000);
    far.call.status = {};
    far.call.status.id = 9;
    far.call.status.group = 1;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 2) == "1");
    CHECK(request.argument(at_key + 3) == "9");
    far.look(SLOTQ_DEAD_LIST, 7);
    far.call.look.from = 2;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 2) == "2");
    CHECK(request.argument(at_key + 3) == "7");
}

TEST_CASE("a call with a key goes to the script with keys; one without does not")
{
    inside::Far far(inside::geometry(9, 5, SLOTQ_FLAG_KEYS));
    const slotq_data messages[] = {{"abc", 3}, {"abcde", 5}};
    uint64_t keys[] = {0, 0x0807060504030201};
    Request request;
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000);
    far.call.push = {};
    far.call.push.messages = messages;
    far.call.push.count = 2;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    const uint32_t plain = request.raw.script;
    far.call.push.keys = keys;
    far.call.push.key_mode = SLOTQ_KEY_ONCE;
    for (const bool waits : {false, true}) {
        far.call.push.may_wait = waits;
        REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
        CHECK(request.raw.script != plain);
        CHECK(request.argument(at_key + 3).size() == 2 * far.view.stride);
        CHECK(request.argument(at_key + 4) == "once");
        CHECK(request.argument(at_key + 5) ==
              std::string(8, '\0') + std::string("\1\2\3\4\5\6\7\10"));
        CHECK(request.argument(at_key + 6) == (waits ? "1" : "none"));
    }
    far.call.push.key_mode = static_cast<slotq_key_mode>(7); /* the script refuses it */
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 4) == "none");
    keys[1] = 0;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.raw.script == plain);
    CHECK(request.raw.count == at_key + 5);
}

TEST_CASE("scheduled messages have keys behind not_past, and find has one")
{
    slotq_geometry geometry = inside::geometry(9, 5, SLOTQ_FLAG_KEYS);
    geometry.later_slots = 4;
    inside::Far far(geometry);
    const slotq_data message = {"abc", 3};
    const uint64_t key = 0x0807060504030201;
    Request request;
    slotq_core_begin(&far.call, SLOTQ_SCHEDULE, 1000);
    far.call.schedule = {};
    far.call.schedule.messages = &message;
    far.call.schedule.count = 1;
    far.call.schedule.due_ms = 77;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.raw.count == at_key + 6);
    far.call.schedule.keys = &key;
    far.call.schedule.key_mode = SLOTQ_KEY_UNIQUE;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.raw.count == at_key + 8);
    CHECK(request.argument(at_key + 4).size() == 2 + 3);
    CHECK(request.argument(at_key + 6) == "unique");
    CHECK(request.argument(at_key + 7) == "\1\2\3\4\5\6\7\10");
    slotq_core_begin(&far.call, SLOTQ_FIND, 1000);
    far.call.find = {};
    CHECK(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_INVALID);
    far.call.find.key = 0x100;
    CHECK(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_INVALID);
    far.call.find.key = key;
    REQUIRE(redis_request_build(&request.raw, &far.terms, &far.call) == SLOTQ_OK);
    CHECK(request.argument(at_key + 2) == "\1\2\3\4\5\6\7\10");
    inside::Far without(inside::geometry(9, 5));
    without.call = far.call;
    CHECK(redis_request_build(&request.raw, &without.terms, &without.call) == SLOTQ_INVALID);
}
