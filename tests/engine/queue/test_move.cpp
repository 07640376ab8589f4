/* test_move.cpp: messages that go to another queue, through slotq_move.h: between all kinds of
 * stores, what refuses, and what a crash between the push and the ack leaves.
 */
#include "catch.hpp"

#include <csignal>
#include <cstring>
#include <map>

#include "child.hpp"
#include "moves.hpp"
#include "server/redis_server.hpp"

using namespace moves;

TEST_CASE("move: between any two stores", "[move]")
{
    for (const Kind kind : all_kinds()) {
        for (const Kind other : all_kinds()) {
            CAPTURE(kind, other);
            Queue from(kind);
            Queue to(other, with_keys());
            for (const char *payload : {"first", "second", "", "fourth"}) {
                REQUIRE(from.push(payload) == SLOTQ_OK);
            }
            REQUIRE(to.push("there") == SLOTQ_OK);
            const auto held = from.reserve(3);
            REQUIRE(held.size() == 3);
            uint64_t id = 9;
            REQUIRE(move(from, held[1], to, &id) == SLOTQ_OK);
            CHECK(id == 2);
            const slotq_data instead = {"instead", 7};
            REQUIRE(move(from, held[0], to, &id, &instead) == SLOTQ_OK);
            CHECK(id == 3);
            REQUIRE(move(from, held[2], to) == SLOTQ_OK);
            CHECK(payloads(to) == "there second instead  ");
            CHECK(payloads(from) == "fourth ");
            CHECK(from.stats().acked == 3);
            CHECK(move(from, held[1], to, &id) == SLOTQ_GONE);
            CHECK(id == 0);
            CHECK(has(text_of(from), "the queue that the message is in: "));
            CHECK(to.stats().last_id == 4);
            CHECK(slotq_check(from) == SLOTQ_OK);
            CHECK(slotq_check(to) == SLOTQ_OK);
        }
    }
}

TEST_CASE("move: what was pushed before is there once, and acked", "[move]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue from(kind);
        Queue to(Kind::memory, with_keys());
        from.fill(2);
        const auto held = from.reserve(2);
        const uint64_t key = move_key(from, held[0]);
        const slotq_data data = {"1", 1};
        slotq_push_options options = {};
        options.keys = &key;
        options.key_mode = SLOTQ_KEY_ONCE;
        REQUIRE(slotq_push_with(to, &data, 1, &options, nullptr) == SLOTQ_OK);
        uint64_t id = 0;
        CHECK(move(from, held[0], to, &id) == SLOTQ_OK);
        CHECK(id == 1);
        CHECK(move(from, held[1], to, &id) == SLOTQ_OK);
        CHECK(id == 2);
        slotq_key_holder holder = {};
        CHECK(slotq_find(to, move_key(from, held[1]), &holder) == SLOTQ_OK);
        CHECK(holder.id == 2);
        CHECK(payloads(to) == "1 2 ");
        CHECK(payloads(from) == "");
    }
    CHECK(slotq_move_key(nullptr, 0, nullptr) == 0);
}

TEST_CASE("move: a move key is of one message, one group, one queue", "[move]")
{
    Geometry geometry;
    geometry.raw.generation = 0x04030201;
    Queue queue(Kind::memory, geometry);
    Message one = {0x2211, 0, "payload", 0, {}};
    one.raw.pushed_ms = 0x9988;
    uint8_t name[27] = {1, 2, 3, 4, 0x11, 0x22, 0, 0, 0, 0, 7, 0x88, 0x99};
    const uint64_t payload_key = slotq_key("payload", 7);
    for (uint32_t i = 0; i < 8; i++) {
        name[19 + i] = static_cast<uint8_t>(payload_key >> 8 * i);
    }
    const uint64_t key = move_key(queue, one, 7);
    CHECK(key == slotq_key(name, sizeof name));
    CHECK(move_key(queue, one, 6) != key);
    geometry.raw.generation = 1;
    Queue other(Kind::memory, geometry);
    CHECK(move_key(other, one, 7) != key);
    for (const uint32_t field : {0u, 1u, 2u}) {
        Message another = one;
        another.id += field == 0 ? 1 : 0;
        another.raw.pushed_ms += field == 1 ? 1 : 0;
        another.payload += field == 2 ? "s" : "";
        CHECK(move_key(queue, another, 7) != key);
    }
}

TEST_CASE("move: a value that is set back gives ids anew, and loses no message", "[move]")
{
    Queue from(Kind::memory);
    Queue to(Kind::memory, with_keys());
    for (const char *payload : {"before", "after"}) {
        std::vector<uint64_t> image(slotq_image_bytes(from) / 8 + 1);
        REQUIRE(slotq_export(from, image.data(), image.size() * 8) == SLOTQ_OK);
        slotq *copy = nullptr;
        REQUIRE(slotq_open_memory(image.data(), slotq_image_bytes(from), nullptr, nullptr, &copy,
                                  nullptr) == SLOTQ_OK);
        const slotq_data data = {payload, static_cast<uint32_t>(std::strlen(payload))};
        REQUIRE(slotq_push(copy, &data, 1, nullptr) == SLOTQ_OK);
        slotq_batch *batch = slotq_batch_new();
        slotq_message message = {};
        REQUIRE(slotq_reserve(copy, 0, 1, 1000, 0, batch) == SLOTQ_OK);
        REQUIRE(slotq_batch_next(batch, &message));
        CHECK(message.id == 1);
        CHECK(slotq_move(copy, 0, message.id, message.token, to, nullptr, nullptr) == SLOTQ_OK);
        slotq_batch_free(batch);
        slotq_close(copy);
    }
    CHECK(payloads(to) == "before after ");
}

TEST_CASE("move: refusals name the queue, and leave the source as it is", "[move]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue from(kind);
        Queue to(kind, Geometry(3, 4));
        from.fill(2);
        Message held = from.reserve_one();
        const auto before = from.image();
        const slotq_data large = {"large", 5};
        uint64_t id = 0;
        CHECK(move(from, held, to, &id, &large) == SLOTQ_TOOBIG);
        CHECK(has(text_of(from), "the queue to move to: "));
        REQUIRE(slotq_pause(to, SLOTQ_PAUSE_IN) == SLOTQ_OK);
        CHECK(move(from, held, to, &id) == SLOTQ_PAUSED);
        CHECK(has(text_of(from), "the queue to move to: the queue is paused for pushing"));
        REQUIRE(slotq_resume(to, SLOTQ_PAUSE_IN) == SLOTQ_OK);
        to.fill(2);
        CHECK(move(from, held, to, &id) == SLOTQ_FULL);
        CHECK(has(text_of(from), "the queue to move to: the queue is full: 2 messages are"));
        CHECK(has(to.error(), "The oldest is message 1, ready in group 0."));
        CHECK(slotq_error_of(from)->outcome == SLOTQ_FULL);
        CHECK(slotq_move(from, 1, held.id, held.token, to, nullptr, &id) == SLOTQ_INVALID);
        CHECK(slotq_move(from, 0, 3, held.token, to, nullptr, &id) == SLOTQ_NOTFOUND);
        CHECK(slotq_move(from, 0, 0, held.token, to, nullptr, &id) == SLOTQ_NOTFOUND);
        CHECK(slotq_move(from, 0, 2, held.token, to, nullptr, &id) == SLOTQ_STALE);
        for (const uint32_t wrong : {held.token + 4, held.token + 256, held.token ^ 2, 0u}) {
            CHECK(slotq_move(from, 0, held.id, wrong, to, nullptr, &id) == SLOTQ_STALE);
            CHECK(has(text_of(from), "the queue that the message is in: "));
        }
        const slotq_data none = {nullptr, 1};
        CHECK(move(from, held, to, &id, &none) == SLOTQ_INVALID);
        CHECK(slotq_move(from, 0, 1, 0, nullptr, nullptr, &id) == SLOTQ_INVALID);
        CHECK(slotq_move(nullptr, 0, 1, 0, to, nullptr, &id) == SLOTQ_INVALID);
        CHECK(from.image() == before);
        CHECK(id == 0);
        REQUIRE(slotq_purge(to) == SLOTQ_OK);
        CHECK(move(from, held, to, &id) == SLOTQ_OK);
        CHECK(id == 3);
    }
}

TEST_CASE("move: onto itself is refused, by whatever handle", "[move]")
{
    for (const Kind kind : all_kinds()) {
        CAPTURE(kind);
        Queue from(kind);
        from.fill(1);
        const Message held = from.reserve_one();
        CHECK(move(from, held, from) == SLOTQ_INVALID);
        CHECK(has(text_of(from), "both handles are to one queue"));
        slotq *other = nullptr;
        REQUIRE(slotq_clone(from, &other, nullptr) == SLOTQ_OK);
        CHECK(move(from, held, other) == SLOTQ_INVALID);
        slotq_close(other);
        if (kind == Kind::file || kind == Kind::redis) {
            const slotq_options options = from.options();
            REQUIRE(slotq_open(from.url().c_str(), from.name().c_str(), &options, &other,
                               nullptr) == SLOTQ_OK);
            CHECK(move(from, held, other) == SLOTQ_INVALID);
            slotq_close(other);
        }
        CHECK(from.stats().last_id == 1);
        CHECK(from.stats().leased == 1);
    }
}

namespace
{

void damage(Queue &queue, size_t offset)
{
    if (queue.kind() == Kind::redis) {
        redis::shared_server().command(
            {"SETRANGE", queue.name(), std::to_string(offset), std::string(1, '?')});
        return;
    }
    const std::string path = queue.folder().file(queue.name() + ".slotq");
    queue.close();
    auto bytes = read_file(path);
    bytes.at(offset) = '?';
    write_file(path, bytes);
    queue.reopen();
}

} // namespace

TEST_CASE("move: a damaged message is not, unless the call brings other bytes", "[move]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Geometry checked;
        checked.flags(SLOTQ_FLAG_CHECKS);
        Queue from(kind, checked);
        Queue to(Kind::memory);
        from.fill(1);
        const Message held = from.reserve_one();
        damage(from, 80 + 56 + 9 * 4 + 6); /* the payload */
        CHECK(move(from, held, to) == SLOTQ_CORRUPT);
        CHECK(has(text_of(from), "the bytes of message 1 are damaged: kill it with reason 255"));
        CHECK(from.stats().leased == 1);
        CHECK(to.stats().last_id == 0);
        const slotq_data mended = {"mended", 6};
        CHECK(move(from, held, to, nullptr, &mended) == SLOTQ_OK);
        CHECK(payloads(to) == "mended ");
    }
}

TEST_CASE("move: by handles that only read", "[move]")
{
    Queue from(Kind::file);
    Queue to(Kind::file);
    from.fill(1);
    to.fill(1);
    const Message held = from.reserve_one();
    const Message there = to.reserve_one();
    from.close();
    slotq_options options = from.options();
    options.read_only = true;
    slotq *looks = nullptr;
    REQUIRE(slotq_open(from.url().c_str(), from.name().c_str(), &options, &looks, nullptr) ==
            SLOTQ_OK);
    CHECK(move(looks, held, to) == SLOTQ_UNSUPPORTED);
    CHECK(to.stats().last_id == 1);
    CHECK(move(to, there, looks) == SLOTQ_UNSUPPORTED);
    CHECK(has(text_of(to), "the queue to move to: "));
    CHECK(to.stats().leased == 1);
    slotq_close(looks);
}

/* The target's clock is asked after the look and before the ack: there the lease ends. */
TEST_CASE("move: a lease that ends between the push and the ack leaves both, and says so", "[move]")
{
    Queue from(Kind::memory);
    from.fill(1);
    const Message held = from.reserve_one();
    struct Thief {
        slotq *queue;
        Message message;
    };
    slotq *other = nullptr;
    REQUIRE(slotq_clone(from, &other, nullptr) == SLOTQ_OK);
    Thief thief = {other, held};
    slotq_options options = {};
    options.clock_context = &thief;
    options.clock_ms = [](void *context) -> uint64_t {
        const Thief *it = static_cast<Thief *>(context);
        (void)slotq_release(it->queue, 0, it->message.id, it->message.token, 0);
        return 1700000000000;
    };
    Geometry stamped;
    stamped.flags(SLOTQ_FLAG_STAMPS);
    slotq *to = nullptr;
    REQUIRE(slotq_create_memory(stamped, &options, &to, nullptr) == SLOTQ_OK);
    uint64_t id = 0;
    CHECK(move(from, held, to, &id) == SLOTQ_STALE);
    CHECK(id == 1);
    CHECK(has(text_of(from), "the message is in the queue to move to, as 1, but was not acked"));
    CHECK(from.stats().ready == 1);
    CHECK(payloads(to) == "1 ");
    slotq_close(other);
    slotq_close(to);
}

namespace
{

/* Kills its process when it is asked for the time so often. */
struct Fuse {
    uint32_t left;
    static uint64_t now(void *context)
    {
        Fuse *it = static_cast<Fuse *>(context);
        if (it->left-- == 0) {
            kill(getpid(), SIGKILL);
        }
        return 1700000000000;
    }
};

slotq *open_fused(const Queue &queue, Fuse &fuse)
{
    slotq_options options = {};
    options.clock_ms = Fuse::now;
    options.clock_context = &fuse;
    slotq *opened = nullptr;
    return slotq_open(queue.url().c_str(), queue.name().c_str(), &options, &opened, nullptr) ==
                   SLOTQ_OK
               ? opened
               : nullptr;
}

} // namespace

TEST_CASE("move: a process that is killed on the way loses no message", "[move]")
{
    const bool keys = GENERATE(true, false);
    Geometry stamped;
    stamped.flags(static_cast<uint8_t>(SLOTQ_FLAG_STAMPS | (keys ? SLOTQ_FLAG_KEYS : 0)));
    std::map<std::string, uint32_t> left;
    for (const bool by_target : {false, true}) {
        int answer = -1;
        for (uint32_t calls = 0; answer != 0; calls++) {
            CAPTURE(keys, by_target, calls);
            Queue from(Kind::file, stamped);
            Queue to(Kind::file, stamped);
            from.fill(1);
            const Message held = from.reserve_one();
            from.close();
            to.close();
            answer = in_child([&] {
                Fuse fuse = {calls};
                Fuse endless = {UINT32_MAX};
                slotq *source = open_fused(from, by_target ? endless : fuse);
                slotq *target = open_fused(to, by_target ? fuse : endless);
                NEED(source != nullptr && target != nullptr);
                NEED(move(source, held, target) == SLOTQ_OK);
                slotq_close(source);
                slotq_close(target);
                return 0;
            });
            REQUIRE(answer <= 0); /* -1: killed */
            from.reopen();
            to.reopen();
            REQUIRE(slotq_check(from) == SLOTQ_OK);
            REQUIRE(slotq_check(to) == SLOTQ_OK);
            const std::string both = payloads(from) + "|" + payloads(to);
            left[both]++;
            CHECK((both == "1 |" || both == "1 |1 " || both == "|1 "));
            if (answer != 0) {
                uint64_t id = 0;
                CHECK(move(from, held, to, &id) == SLOTQ_OK); /* its lease runs still */
                CHECK(id == (both == "1 |1 " && !keys ? 2 : 1));
                CHECK(payloads(from) == "");
            }
            REQUIRE(calls < 20);
        }
    }
    CHECK(left["1 |"] > 0);
    CHECK(left["1 |1 "] > 0); /* killed between the two */
    CHECK(left["|1 "] == 2);
}

/* No thread holds two locks: if one did, two of them would wait for each other for ever. */
TEST_CASE("move: both ways at the same time, with nothing lost or twice", "[move]")
{
    for (const Kind kind : {Kind::memory, Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Geometry roomy(99, 16);
        roomy.raw.aside_slots = 8;
        Queue one(kind, roomy);
        Queue other(kind, roomy);
        one.fill(9);
        CHECK(to_and_fro(one, other, 4, 100) == "");
        CHECK(in_order(payloads(one) + payloads(other)) == "1 2 3 4 5 6 7 8 9 ");
        CHECK(one.stats().last_id + other.stats().last_id == 9 + 400);
        CHECK(slotq_check(one) == SLOTQ_OK);
        CHECK(slotq_check(other) == SLOTQ_OK);
    }
}
