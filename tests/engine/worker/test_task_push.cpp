/* test_task_push.cpp: tasks pushed into queues of every kind: their bytes, times and keys, and the
 * text of each refusal.
 */
#include "catch.hpp"

#include <string>
#include <vector>

#include "../../../engine/slotq_frame.h"
#include "any_queue.hpp"

using namespace any_queue;

namespace
{

using namespace std::string_literals;

Geometry geometry(uint8_t flags = 0)
{
    Geometry made(5, 64);
    made.flags(flags);
    made.raw.later_slots = 3;
    return made;
}

slotq_task_spec task(const std::string &body = "")
{
    slotq_task_spec made = {};
    made.type = "email:deliver";
    made.body = body.data();
    made.body_bytes = static_cast<uint32_t>(body.size());
    return made;
}

slotq_task_spec keyed(const std::string &key)
{
    slotq_task_spec made = task();
    made.key = key.data();
    made.key_bytes = static_cast<uint32_t>(key.size());
    return made;
}

/* This outcome, with a text that says so, and nothing was changed. */
void refused(Queue &queue, slotq_outcome outcome, const slotq_task_spec &spec,
             const std::string &text)
{
    const std::vector<uint8_t> before = queue.image();
    uint64_t id = 77;
    CHECK(slotq_task_push(queue, &spec, &id) == outcome);
    CHECK(slotq_error_of(queue)->outcome == outcome);
    CHECK(id == 77);
    const std::string said = queue.error();
    CAPTURE(said);
    CHECK(said.find(text) != std::string::npos);
    CHECK(queue.image() == before);
}

} // namespace

TEST_CASE("task_push: a frame and a body, on every store", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry());
        const std::string body = "{\"user\":42}";
        slotq_task_spec spec = task(body);
        uint64_t id = 0;
        REQUIRE(slotq_task_push(queue, &spec, &id) == SLOTQ_OK);
        CHECK(id == 1);
        const slotq_header header = {"due", "17", 2};
        spec.headers = &header;
        spec.header_count = 1;
        REQUIRE(slotq_task_push(queue, &spec, nullptr) == SLOTQ_OK);
        const std::vector<Message> got = queue.reserve(9);
        REQUIRE(got.size() == 2);
        CHECK(got[0].payload == "email:deliver\0{\"user\":42}"s);
        CHECK(got[1].payload == "\1email:deliver\0due=17\0\0{\"user\":42}"s);
    }
}

TEST_CASE("task_push: payload_bytes holds the frame and the body", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry());
        const std::string most(50, 'x');
        slotq_task_spec spec = task(most);
        REQUIRE(slotq_task_push(queue, &spec, nullptr) == SLOTQ_OK);
        const std::string more(51, 'x');
        refused(queue, SLOTQ_TOOBIG, task(more), "has 65 bytes: this queue takes up to 64");
        const std::string far(65536, 'x');
        refused(queue, SLOTQ_TOOBIG, task(far), "has 65536 bytes: this queue takes up to 64");
        const std::string huge(3 << 20, 'x');
        refused(queue, SLOTQ_TOOBIG, task(huge), "has 3145728 bytes");
        spec = task(huge);
        spec.in_ms = 5;
        refused(queue, SLOTQ_TOOBIG, spec, "has 3145728 bytes");
    }
    Queue large(Kind::memory, Geometry(3, 65535)); /* frames that are not on the stack */
    for (const size_t bytes : {2033u, 2034u, 2035u, 65521u}) {
        const std::string body(bytes, 'y');
        const slotq_task_spec spec = task(body);
        REQUIRE(slotq_task_push(large, &spec, nullptr) == SLOTQ_OK);
        const Message got = large.reserve_one();
        CHECK(got.payload == "email:deliver\0"s + body);
        REQUIRE(slotq_ack(large, 0, got.id, got.token) == SLOTQ_OK);
    }
    const std::string body(65522, 'y');
    refused(large, SLOTQ_TOOBIG, task(body), "has 65536 bytes: this queue takes up to 65535");
}

TEST_CASE("task_push: scheduled in a while, or for a time", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry());
        slotq_task_spec spec = task();
        spec.in_ms = 5000;
        uint64_t id = 0;
        REQUIRE(slotq_task_push(queue, &spec, &id) == SLOTQ_OK);
        CHECK(id == 1);
        spec.in_ms = 0;
        spec.at_ms = queue.now_ms + 7000;
        REQUIRE(slotq_task_push(queue, &spec, &id) == SLOTQ_OK);
        CHECK(id == 2);
        const Batch list = batch();
        REQUIRE(slotq_later_list(queue, 0, 9, list.get()) == SLOTQ_OK);
        const std::vector<Message> found = messages(list.get());
        REQUIRE(found.size() == 2);
        CHECK(found[0].raw.due_ms == queue.now_ms + 5000);
        CHECK(found[1].raw.due_ms == queue.now_ms + 7000);
        CHECK(found[0].payload == "email:deliver\0"s);
        CHECK(queue.reserve(9).empty());
        queue.now_ms += 5000;
        CHECK(queue.reserve_one().payload == "email:deliver\0"s);
    }
}

TEST_CASE("task_push: not_past pushes nothing that is due", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry());
        slotq_task_spec spec = task();
        spec.not_past = true;
        spec.at_ms = queue.now_ms;
        refused(queue, SLOTQ_EMPTY, spec, "is not after now");
        spec.at_ms = queue.now_ms + 1;
        CHECK(slotq_task_push(queue, &spec, nullptr) == SLOTQ_OK);
        spec.not_past = false;
        spec.at_ms = queue.now_ms;
        CHECK(slotq_task_push(queue, &spec, nullptr) == SLOTQ_OK);
        CHECK(queue.stats().later == 2);
    }
}

TEST_CASE("task_push: keys", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry(SLOTQ_FLAG_KEYS));
        const std::string name = "order 17";
        slotq_task_spec spec = keyed(name);
        uint64_t id = 0;
        REQUIRE(slotq_task_push(queue, &spec, &id) == SLOTQ_OK);
        slotq_key_holder holder = {};
        REQUIRE(slotq_find(queue, slotq_key(name.data(), name.size()), &holder) == SLOTQ_OK);
        CHECK(holder.id == id);
        id = 0;
        CHECK(slotq_task_push(queue, &spec, &id) == SLOTQ_DUPLICATE);
        CHECK(id == 1);
        spec.in_ms = 1000; /* the same key, scheduled */
        CHECK(slotq_task_push(queue, &spec, nullptr) == SLOTQ_DUPLICATE);
        const Message got = queue.reserve_one();
        REQUIRE(slotq_ack(queue, 0, got.id, got.token) == SLOTQ_OK);
        spec.key_mode = SLOTQ_KEY_ONCE;
        CHECK(slotq_task_push(queue, &spec, &id) == SLOTQ_DUPLICATE);
        CHECK(id == 1);
        spec.key_mode = SLOTQ_KEY_UNIQUE;
        REQUIRE(slotq_task_push(queue, &spec, &id) == SLOTQ_OK);
        spec.in_ms = 0;
        id = 0;
        CHECK(slotq_task_push(queue, &spec, &id) == SLOTQ_DUPLICATE);
        CHECK(id == 1); /* its later id */
        CHECK(queue.stats().later == 1);
        spec.key_mode = SLOTQ_KEY_MODE_MAX;
        refused(queue, SLOTQ_INVALID, spec, "a key mode of 255");
        Queue without(kind, geometry());
        refused(without, SLOTQ_INVALID, keyed(name), "no room for keys");
    }
}

TEST_CASE("task_push: a full queue, a paused one, one without room for later", "[task_push]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, geometry());
        queue.fill(4);
        slotq_task_spec spec = task();
        refused(queue, SLOTQ_FULL, spec, "the queue is full");
        spec.in_ms = 1000;
        for (int i = 0; i < 3; i++) {
            REQUIRE(slotq_task_push(queue, &spec, nullptr) == SLOTQ_OK);
        }
        refused(queue, SLOTQ_FULL, spec, "up to 3 scheduled messages");
        REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
        refused(queue, SLOTQ_PAUSED, task(), "paused");
        Queue without(kind);
        refused(without, SLOTQ_TOOBIG, spec, "later_slots is 0");
    }
}

TEST_CASE("task_push: wait_ms waits for room", "[task_push]")
{
    Queue queue(Kind::memory, geometry());
    queue.fill(4);
    slotq_task_spec spec = task();
    spec.wait_ms = 20;
    refused(queue, SLOTQ_FULL, spec, "the queue is full");
    slotq_interrupt(queue); /* the wait that is without end ends at once */
    spec.wait_ms = UINT64_MAX;
    refused(queue, SLOTQ_FULL, spec, "the queue is full");
    spec.in_ms = 1;
    refused(queue, SLOTQ_INVALID, spec, "wait_ms is for messages that are pushed now");
}

TEST_CASE("task_push: what is not a task, and why", "[task_push]")
{
    Queue queue(Kind::memory, geometry(SLOTQ_FLAG_KEYS));
    const auto spoilt = [&](void (*spoil)(slotq_task_spec &), const std::string &text) {
        slotq_task_spec spec = task();
        spoil(spec);
        refused(queue, SLOTQ_INVALID, spec, text);
        CHECK(queue.error().find("Nothing was") != std::string::npos);
    };
    CHECK(slotq_task_push(nullptr, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_task_push(queue, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(queue.error() == "a required pointer is NULL");
    spoilt([](slotq_task_spec &one) { one.type = nullptr; }, "no type");
    spoilt([](slotq_task_spec &one) { one.type = "a"; }, "too few bytes: 2 to 64");
    spoilt(
        [](slotq_task_spec &one) {
            one.type = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        },
        "too many bytes: 2 to 64");
    spoilt([](slotq_task_spec &one) { one.type = "ab\ncd"; }, "byte 3 of the task's type is 0x0a");
    spoilt([](slotq_task_spec &one) { one.type = ":ab"; }, "byte 1 of the task's type is 0x3a");
    spoilt(
        [](slotq_task_spec &one) {
            one.body = nullptr;
            one.body_bytes = 1;
        },
        "body is NULL");
    spoilt([](slotq_task_spec &one) { one.header_count = 17; }, "has 17 headers: up to 16");
    spoilt([](slotq_task_spec &one) { one.header_count = 1; }, "headers must not be NULL");
    static const slotq_header headers[] = {
        {"n", "v", 1}, {"N", "v", 1}, {"n", "v\0w", 3}, {"n", nullptr, 1}, {"n", "v", 2000}};
    spoilt(
        [](slotq_task_spec &one) {
            one.headers = headers;
            one.header_count = 2;
        },
        "header 2 of the task has no name of 1 to 32");
    for (const slotq_header *header : {&headers[2], &headers[3], &headers[4]}) {
        slotq_task_spec spec = task();
        spec.headers = header;
        spec.header_count = 1;
        refused(queue, SLOTQ_INVALID, spec,
                header->bytes == 2000 ? "at most 1024 bytes" : "header 1 of the task has a value");
    }
    spoilt([](slotq_task_spec &one) { one.reserved[1] = 1; }, "a reserved field");
    spoilt(
        [](slotq_task_spec &one) {
            one.in_ms = 1;
            one.at_ms = 1;
        },
        "in_ms and at_ms");
    spoilt([](slotq_task_spec &one) { one.not_past = true; }, "not_past, but no at_ms");
    spoilt([](slotq_task_spec &one) { one.in_ms = UINT64_MAX; }, "out of range");
    spoilt([](slotq_task_spec &one) { one.in_ms = SLOTQ_NOW_MS_MAX; }, "out of range");
    spoilt([](slotq_task_spec &one) { one.at_ms = SLOTQ_NOW_MS_MAX + 1; }, "out of range");
    spoilt([](slotq_task_spec &one) { one.key_bytes = 1; }, "its key is NULL");
    spoilt([](slotq_task_spec &one) { one.key_mode = SLOTQ_KEY_ONCE; }, "its key is NULL");
    spoilt([](slotq_task_spec &one) { one.key = "x"; }, "key is empty");
    slotq_task_spec last = task(); /* the last time that there is */
    last.in_ms = SLOTQ_NOW_MS_MAX - queue.now_ms;
    CHECK(slotq_task_push(queue, &last, nullptr) == SLOTQ_OK);
}
