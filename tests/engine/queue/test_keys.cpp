/* test_keys.cpp: messages with keys through slotq_keys.h: on each kind of store, and the text of
 * each refusal.
 */
#include "catch.hpp"

#include <thread>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

Geometry with_keys(uint16_t later = 0)
{
    Geometry made;
    made.flags(SLOTQ_FLAG_KEYS);
    made.raw.later_slots = later;
    return made;
}

uint64_t key_of(const std::string &name)
{
    return slotq_key(name.data(), name.size());
}

struct Answer {
    slotq_outcome outcome;
    slotq_pushed pushed;
};

Answer push(slotq *queue, const std::string &payload, const std::string &name,
            slotq_key_mode mode = SLOTQ_KEY_NONE, uint64_t due_ms = 0, uint32_t flags = 0)
{
    const uint64_t key = key_of(name);
    const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
    slotq_push_options options = {};
    options.keys = &key;
    options.key_mode = mode;
    options.due_ms = due_ms;
    options.flags = flags;
    Answer answer = {};
    answer.outcome = slotq_push_with(queue, &data, 1, &options, &answer.pushed);
    return answer;
}

void ack_all(Queue &queue)
{
    for (const Message &one : queue.reserve(100)) {
        REQUIRE(slotq_ack(queue, 0, one.id, one.token) == SLOTQ_OK);
    }
}

} // namespace

TEST_CASE("keys: unique is taken while its message is unfinished, on every store", "[keys]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_keys());
        REQUIRE(push(queue, "a", "order 17").outcome == SLOTQ_OK);
        queue.reopen();
        Answer answer = push(queue, "b", "order 17");
        CHECK(answer.outcome == SLOTQ_DUPLICATE);
        CHECK(answer.pushed.holder.id == 1);
        CHECK(answer.pushed.holder.message == 0);
        CHECK(answer.pushed.holder.place == SLOTQ_KEY_IN_RING);
        CHECK(answer.pushed.holder.is_unfinished);
        CHECK(queue.error().find("message 1 has it, which is not finished. Nothing was pushed") !=
              std::string::npos);
        CHECK(queue.stats().used == 1);
        ack_all(queue);
        slotq_key_holder holder = {};
        REQUIRE(slotq_find(queue, key_of("order 17"), &holder) == SLOTQ_OK);
        CHECK(holder.id == 1);
        CHECK(!holder.is_unfinished);
        answer = push(queue, "c", "order 17", SLOTQ_KEY_ONCE);
        CHECK(answer.outcome == SLOTQ_DUPLICATE);
        answer = push(queue, "d", "order 17");
        REQUIRE(answer.outcome == SLOTQ_OK);
        CHECK(answer.pushed.first_id == 2);
        REQUIRE(slotq_find(queue, key_of("order 17"), &holder) == SLOTQ_OK);
        CHECK(holder.id == 2);
        CHECK(holder.is_unfinished);
        CHECK(slotq_find(queue, key_of("order 18"), &holder) == SLOTQ_NOTFOUND);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("keys: once is taken until the slot is used again, on every store", "[keys]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_keys());
        REQUIRE(push(queue, "a", "k", SLOTQ_KEY_ONCE).outcome == SLOTQ_OK);
        ack_all(queue);
        for (int i = 0; i < 8; i++) { /* of 9 slots */
            CHECK(push(queue, "b", "k", SLOTQ_KEY_ONCE).outcome == SLOTQ_DUPLICATE);
            REQUIRE(queue.push("other") == SLOTQ_OK);
            ack_all(queue);
        }
        CHECK(push(queue, "b", "k", SLOTQ_KEY_ONCE).outcome == SLOTQ_DUPLICATE);
        REQUIRE(queue.push("other") == SLOTQ_OK);
        CHECK(push(queue, "b", "k", SLOTQ_KEY_ONCE).outcome == SLOTQ_OK);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("keys: scheduled messages have them, and keep them when they are due", "[keys]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_keys(4));
        const uint64_t due_ms = queue.now_ms + 1000;
        Answer answer = push(queue, "a", "cron 12:00", SLOTQ_KEY_ONCE, due_ms, SLOTQ_NOT_PAST);
        REQUIRE(answer.outcome == SLOTQ_OK);
        CHECK(answer.pushed.first_id == 1);
        answer = push(queue, "a", "cron 12:00", SLOTQ_KEY_ONCE, due_ms, SLOTQ_NOT_PAST);
        CHECK(answer.outcome == SLOTQ_DUPLICATE);
        CHECK(answer.pushed.holder.place == SLOTQ_KEY_SCHEDULED);
        CHECK(answer.pushed.holder.id == 1);
        CHECK(queue.error().find("later id 1") != std::string::npos);
        CHECK(push(queue, "now", "cron 12:00").outcome == SLOTQ_DUPLICATE);
        queue.now_ms = due_ms;
        CHECK(push(queue, "a", "cron 12:00", SLOTQ_KEY_ONCE, due_ms, SLOTQ_NOT_PAST).outcome ==
              SLOTQ_EMPTY);
        ack_all(queue);
        slotq_key_holder holder = {};
        REQUIRE(slotq_find(queue, key_of("cron 12:00"), &holder) == SLOTQ_OK);
        CHECK(holder.place == SLOTQ_KEY_IN_RING);
        CHECK(!holder.is_unfinished);
        REQUIRE(push(queue, "b", "other", SLOTQ_KEY_NONE, due_ms + 500).outcome == SLOTQ_OK);
        REQUIRE(slotq_cancel(queue, 2) == SLOTQ_OK);
        CHECK(slotq_find(queue, key_of("other"), &holder) == SLOTQ_NOTFOUND);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("keys: a call that is repeated as resend is in the queue once", "[keys]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_keys());
        const slotq_data two[] = {{"a", 1}, {"b", 1}};
        const uint64_t keys[] = {key_of("batch 1"), 0};
        slotq_push_options options = {};
        options.keys = keys;
        options.key_mode = SLOTQ_KEY_RESEND;
        slotq_pushed pushed = {};
        REQUIRE(slotq_push_with(queue, two, 2, &options, &pushed) == SLOTQ_OK);
        CHECK(pushed.first_id == 1);
        ack_all(queue);
        CHECK(slotq_push_with(queue, two, 2, &options, &pushed) == SLOTQ_DUPLICATE);
        CHECK(pushed.holder.id == 1);
        CHECK(queue.stats().last_id == 2);
    }
}

TEST_CASE("keys: all messages of a call or none are pushed", "[keys]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue queue(kind, with_keys());
        const slotq_data three[] = {{"a", 1}, {"b", 1}, {"c", 1}};
        const uint64_t keys[] = {key_of("1"), 0, key_of("3")};
        slotq_push_options options = {};
        options.keys = keys;
        slotq_pushed pushed = {};
        REQUIRE(push(queue, "x", "3").outcome == SLOTQ_OK);
        CHECK(slotq_push_with(queue, three, 3, &options, &pushed) == SLOTQ_DUPLICATE);
        CHECK(pushed.holder.message == 2);
        CHECK(queue.error().find("the key of message 3 is taken") != std::string::npos);
        CHECK(queue.stats().used == 1);
        ack_all(queue);
        REQUIRE(slotq_push_with(queue, three, 3, &options, &pushed) == SLOTQ_OK);
        CHECK(pushed.first_id == 2);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("keys: a push that waits for room has its key judged then", "[keys]")
{
    Queue queue(Kind::file, with_keys());
    queue.fill(8);
    const uint64_t key = key_of("k");
    const slotq_data data = {"a", 1};
    slotq_push_options options = {};
    options.keys = &key;
    CHECK(slotq_push_with(queue, &data, 1, &options, nullptr) == SLOTQ_FULL);
    options.wait_ms = 60000;
    slotq *other = nullptr;
    REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    std::thread worker([other] {
        const Batch batch = any_queue::batch();
        CHECK(slotq_reserve(other, 0, 1, 30000, 0, batch.get()) == SLOTQ_OK);
        CHECK(slotq_ack_batch(other, batch.get()) == SLOTQ_OK);
    });
    CHECK(slotq_push_with(queue, &data, 1, &options, nullptr) == SLOTQ_OK);
    worker.join();
    slotq_close(other);
    CHECK(slotq_push_with(queue, &data, 1, &options, nullptr) == SLOTQ_DUPLICATE);
}

TEST_CASE("keys: each refusal says what is wrong, and changes nothing", "[keys]")
{
    Queue queue(Kind::memory, with_keys());
    Queue keyless(Kind::memory);
    const slotq_data two[] = {{"a", 1}, {"b", 1}};
    slotq_push_options options = {};
    struct {
        slotq *queue;
        uint64_t keys[2];
        slotq_key_mode mode;
        const char *words;
    } const cases[] = {
        {keyless, {key_of("k"), 0}, SLOTQ_KEY_UNIQUE, "no room for keys"},
        {queue, {key_of("k"), key_of("k")}, SLOTQ_KEY_UNIQUE, "messages 1 and 2 have the same key"},
        {queue,
         {key_of("k"), 0x1200},
         SLOTQ_KEY_UNIQUE,
         "the key of message 2, 0x0000000000001200"},
        {queue, {0, key_of("k")}, SLOTQ_KEY_RESEND, "key of its first message"},
        {queue, {key_of("k"), 0}, static_cast<slotq_key_mode>(4), "a key mode of 4"},
    };
    for (const auto &one : cases) {
        CAPTURE(one.words);
        options.keys = one.keys;
        options.key_mode = one.mode;
        CHECK(slotq_push_with(one.queue, two, 2, &options, nullptr) == SLOTQ_INVALID);
        CHECK(std::string(slotq_error_of(one.queue)->text).find(one.words) != std::string::npos);
        slotq_stats stats = {};
        CHECK(slotq_get_stats(one.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.used == 0);
    }
    Queue later(Kind::memory, with_keys(4));
    const uint64_t first_alone[] = {key_of("k"), 0};
    options.keys = first_alone;
    options.key_mode = SLOTQ_KEY_RESEND;
    options.due_ms = later.now_ms + 1000;
    CHECK(slotq_push_with(later, two, 2, &options, nullptr) == SLOTQ_INVALID);
    CHECK(later.error().find("may be repeated (resend)") != std::string::npos);
    CHECK(slotq_push_with(later, two, 1, &options, nullptr) == SLOTQ_OK);
    options.due_ms = 0;
    std::vector<uint64_t> many(SLOTQ_CALL_KEYS_MAX + 1);
    std::vector<slotq_data> messages(many.size(), slotq_data{"a", 1});
    for (size_t i = 0; i < many.size(); i++) {
        many[i] = key_of(std::to_string(i));
    }
    options.keys = many.data();
    options.key_mode = SLOTQ_KEY_UNIQUE;
    const uint32_t count = static_cast<uint32_t>(many.size());
    CHECK(slotq_push_with(queue, messages.data(), count, &options, nullptr) == SLOTQ_INVALID);
    CHECK(queue.error().find("257 messages of this call have keys: up to 256") !=
          std::string::npos);
    options = {};
    options.reserved[0] = 1;
    CHECK(slotq_push_with(queue, two, 2, &options, nullptr) == SLOTQ_INVALID);
    options = {};
    options.flags = SLOTQ_NOT_PAST;
    CHECK(slotq_push_with(queue, two, 2, &options, nullptr) == SLOTQ_INVALID);
    slotq_key_holder holder = {};
    CHECK(slotq_find(queue, 0, &holder) == SLOTQ_INVALID);
    CHECK(slotq_find(keyless, key_of("k"), &holder) == SLOTQ_INVALID);
    CHECK(slotq_find(queue, key_of("k"), nullptr) == SLOTQ_INVALID);
    CHECK(slotq_push_with(queue, two, 2, nullptr, nullptr) == SLOTQ_OK);
}

TEST_CASE("keys: no wait helps a chain that is too long", "[keys]")
{
    Geometry geometry(301, 16);
    geometry.flags(SLOTQ_FLAG_KEYS);
    geometry.raw.aside_slots = 0;
    Queue queue(Kind::memory, geometry);
    const slotq_data data = {"a", 1};
    slotq_push_options options = {};
    uint64_t key = 1; /* all in bucket 1 of 301 */
    options.keys = &key;
    options.wait_ms = UINT64_MAX;
    uint32_t pushed = 0;
    slotq_outcome outcome = SLOTQ_OK;
    while (outcome == SLOTQ_OK) {
        outcome = slotq_push_with(queue, &data, 1, &options, nullptr);
        pushed += outcome == SLOTQ_OK;
        do {
            key += 301;
        } while ((key & 0xFF) == 0);
    }
    CHECK(outcome == SLOTQ_FULL);
    CHECK(pushed == 255);
    CHECK(queue.error().find("choose another key") != std::string::npos);
    CHECK(queue.push("without one") == SLOTQ_OK);
}

TEST_CASE("keys: names of any length make one, and none makes none", "[keys]")
{
    const std::string longest(64 * 1024, 'k');
    CHECK(slotq_key("", 0) == 0);
    CHECK(slotq_key(nullptr, 5) == 0);
    CHECK((key_of(longest) & 0xFF) != 0);
    CHECK(key_of(longest) != key_of(longest.substr(1)));
    CHECK(key_of("slotq") == 0x10dec1437804f411u);
    for (int i = 0; i < 5000; i++) {
        REQUIRE((key_of(std::to_string(i)) & 0xFF) != 0);
    }
}
