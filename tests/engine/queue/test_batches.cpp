/* test_batches.cpp: what a batch gives: order, payloads copied or where they lie, the ring's end,
 * settling as a whole, damaged slots that are never handed out.
 */
#include "catch.hpp"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

/* Offset of the slot of a message in an exported image: the place of its payload's bytes. */
size_t find_bytes(const std::vector<uint8_t> &image, const std::string &payload)
{
    const auto at = std::search(image.begin(), image.end(), payload.begin(), payload.end());
    return static_cast<size_t>(at - image.begin());
}

} // namespace

TEST_CASE("a batch gives its messages in order, over and over", "[batch]")
{
    Queue queue(each_kind(), Geometry(9, 300).flags(SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS));
    const std::string empty;
    const std::string longest(300, 'z');
    REQUIRE(queue.push(empty) == SLOTQ_OK);
    REQUIRE(queue.push(longest) == SLOTQ_OK);
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 8, 1000, 0, given.get()) == SLOTQ_OK);
    for (int round = 0; round < 2; round++) {
        const std::vector<Message> got = messages(given.get());
        REQUIRE(got.size() == 2);
        CHECK(got[0].payload == empty);
        CHECK(got[0].raw.payload != nullptr);
        CHECK(got[1].payload == longest);
        CHECK(got[1].id == 2);
        slotq_batch_rewind(given.get());
    }
}

TEST_CASE("runs go on over the end of the ring", "[batch]")
{
    const uint16_t payload_bytes = GENERATE(as<uint16_t>{}, 4, 400);
    Queue queue(each_kind(), Geometry(7, payload_bytes));
    uint32_t number = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++) {
            REQUIRE(queue.push("m" + std::to_string(++number)) == SLOTQ_OK);
        }
        const Batch given = batch();
        REQUIRE(slotq_reserve(queue, 0, 6, 1000, 0, given.get()) == SLOTQ_OK);
        const std::vector<Message> got = messages(given.get());
        REQUIRE(got.size() == 5);
        for (uint32_t i = 0; i < 5; i++) {
            CHECK(got[i].payload == "m" + std::to_string(number - 4 + i));
        }
        CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
        CHECK(slotq_batch_count(given.get()) == 0);
    }
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("payloads lie in the queue where they keep still, else in the batch", "[batch]")
{
    const bool overwrite = GENERATE(false, true);
    const uint8_t flags = overwrite ? SLOTQ_FLAG_OVERWRITE : 0;
    const uint64_t bytes = slotq_geometry_bytes(Geometry(5, 8).flags(flags), nullptr);
    std::vector<uint64_t> buffer((bytes + 7) / 8);
    slotq *queue = nullptr;
    slotq *other = nullptr;
    const Geometry geometry = Geometry(5, 8).flags(flags);
    REQUIRE(slotq_open_memory(buffer.data(), bytes, geometry, nullptr, &queue, nullptr) ==
            SLOTQ_OK);
    const slotq_data data[3] = {{"one", 3}, {"two", 3}, {"three", 5}};
    REQUIRE(slotq_push(queue, data, 3, nullptr) == SLOTQ_OK);
    const auto is_inside = [&] {
        const Batch given = batch();
        slotq_message message;
        REQUIRE(slotq_reserve(queue, 0, 1, 1000, 0, given.get()) == SLOTQ_OK);
        REQUIRE(slotq_batch_next(given.get(), &message));
        const auto at = reinterpret_cast<uintptr_t>(message.payload);
        const auto start = reinterpret_cast<uintptr_t>(buffer.data());
        return at >= start && at < start + bytes;
    };
    CHECK(is_inside() == !overwrite);
    REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    CHECK_FALSE(is_inside()); /* another thread could settle it */
    slotq_close(other);
    CHECK(is_inside() == !overwrite);
    slotq_close(queue);
}

TEST_CASE("a batch is settled as a whole", "[batch]")
{
    Queue queue(each_kind(), Geometry(9, 8).dead(9));
    queue.fill(6);
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 4, 1000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_settle_batch(queue, SLOTQ_SETTLE_EXTEND, given.get(), 60000, 0) == SLOTQ_OK);
    REQUIRE(slotq_batch_count(given.get()) == 4);
    const std::vector<Message> extended = messages(given.get());
    REQUIRE(extended.size() == 4);
    CHECK(extended[3].payload == "4");
    CHECK(slotq_ack(queue, 0, extended[1].id, extended[1].token) == SLOTQ_OK);
    /* one is finished: it leaves the batch, the others carry new tokens */
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_EXTEND, given.get(), 90000, 0) == SLOTQ_GONE);
    CHECK(slotq_batch_count(given.get()) == 3);
    slotq_batch_rewind(given.get());
    const std::vector<Message> left = messages(given.get());
    REQUIRE(left.size() == 3);
    CHECK(left[0].payload == "1");
    CHECK(left[1].payload == "3");
    CHECK(left[2].payload == "4");
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_NACK, given.get(), UINT64_C(1) << 60, 0) ==
          SLOTQ_INVALID);
    CHECK(slotq_batch_count(given.get()) == 3);
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_KILL, given.get(), 0, 9) == SLOTQ_OK);
    CHECK(slotq_batch_count(given.get()) == 0);
    CHECK(queue.stats().dead == 3);
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK); /* nothing to do */
    REQUIRE(slotq_peek(queue, 0, 0, 5, given.get()) == SLOTQ_OK);
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_INVALID);
}

TEST_CASE("an extended batch goes on where its walk was, without what was settled", "[batch]")
{
    Queue queue(each_kind(), Geometry(9, 20));
    for (int i = 1; i <= 6; i++) {
        REQUIRE(queue.push("m" + std::to_string(i)) == SLOTQ_OK);
    }
    const Batch given = batch();
    slotq_message message;
    REQUIRE(slotq_reserve(queue, 0, 8, 1000, 0, given.get()) == SLOTQ_OK);
    std::vector<uint64_t> walked;
    while (slotq_batch_next(given.get(), &message)) {
        walked.push_back(message.id);
        if (message.id % 2 == 0) {
            REQUIRE(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
            CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_EXTEND, given.get(), 60000, 0) ==
                  SLOTQ_GONE);
        }
    }
    CHECK(walked == std::vector<uint64_t>{1, 2, 3, 4, 5, 6});
    CHECK(slotq_batch_count(given.get()) == 3);
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
}

TEST_CASE("settle tells the outcome of each message", "[batch]")
{
    Queue queue(each_kind(), Geometry(9, 8));
    queue.fill(5);
    const std::vector<Message> got = queue.reserve(4);
    const uint32_t token = got[0].token;
    REQUIRE(slotq_ack(queue, 0, 1, token) == SLOTQ_OK);
    const slotq_run runs[3] = {{1, token, 2}, {5, token, 1}, {3, token, 2}};
    uint8_t outcomes[5];
    uint32_t tokens[5];
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_EXTEND, 0, runs, 3, 9000, 0, outcomes, tokens) ==
          SLOTQ_GONE);
    CHECK(std::vector<uint8_t>(outcomes, outcomes + 5) ==
          std::vector<uint8_t>{SLOTQ_GONE, SLOTQ_OK, SLOTQ_STALE, SLOTQ_OK, SLOTQ_OK});
    CHECK(tokens[0] == 4u * SLOTQ_GONE);
    CHECK(tokens[2] == 4u * SLOTQ_STALE);
    CHECK(slotq_ack(queue, 0, 3, tokens[3]) == SLOTQ_OK);
    const slotq_run none = {1, token, 0};
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, &none, 1, 0, 0, nullptr, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, &none, 0, 0, 0, nullptr, nullptr) ==
          SLOTQ_INVALID);
    const slotq_run many = {1, token, 4097};
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, &many, 1, 0, 0, nullptr, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_settle(queue, static_cast<slotq_settle_how>(5), 0, runs, 1, 0, 0, nullptr,
                       nullptr) == SLOTQ_INVALID);
}

TEST_CASE("a damaged slot dies with reason 255 and is never handed out", "[batch]")
{
    const bool checks = GENERATE(false, true);
    const uint16_t payload_bytes = GENERATE(as<uint16_t>{}, 12, 300);
    const Geometry geometry =
        Geometry(9, payload_bytes).dead(9).flags(checks ? SLOTQ_FLAG_CHECKS : 0);
    const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
    std::vector<uint64_t> buffer((bytes + 7) / 8);
    uint8_t *image = reinterpret_cast<uint8_t *>(buffer.data());
    slotq *queue = nullptr;
    REQUIRE(slotq_open_memory(image, bytes, geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    const char *const texts[] = {"first", "second", "third", "fourth"};
    for (const char *text : texts) {
        const slotq_data data = {text, static_cast<uint32_t>(std::strlen(text))};
        REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
    }
    for (const char *text : {"first", "third"}) { /* a run is broken at its start and inside */
        const size_t at = find_bytes(std::vector<uint8_t>(image, image + bytes), text);
        if (checks) {
            image[at] ^= 1;
        } else {
            image[at - 1] = 0xFF; /* the length */
        }
    }
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 8, 60000, 0, given.get()) == SLOTQ_OK);
    const std::vector<Message> got = messages(given.get());
    REQUIRE(got.size() == 2);
    CHECK(got[0].payload == "second");
    CHECK(got[0].id == 2);
    CHECK(got[1].payload == "fourth");
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_dead_list(queue, 0, 9, given.get()) == SLOTQ_OK);
    const std::vector<Message> dead = messages(given.get());
    REQUIRE(dead.size() == 2);
    CHECK(dead[0].id == 1);
    CHECK(dead[1].id == 3);
    CHECK(dead[1].raw.reason == SLOTQ_REASON_DAMAGED);
    CHECK(dead[1].raw.damaged);
    CHECK(dead[1].raw.payload == nullptr);
    slotq_close(queue);
}

TEST_CASE("where all are damaged the next sound message comes, or EMPTY", "[batch]")
{
    const Geometry geometry = Geometry(9, 12);
    const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
    std::vector<uint64_t> buffer((bytes + 7) / 8);
    uint8_t *image = reinterpret_cast<uint8_t *>(buffer.data());
    slotq *queue = nullptr;
    REQUIRE(slotq_open_memory(image, bytes, geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    const slotq_data data[3] = {{"alpha", 5}, {"beta", 4}, {"gamma", 5}};
    REQUIRE(slotq_push(queue, data, 3, nullptr) == SLOTQ_OK);
    const auto spoil = [&](const char *text) {
        image[find_bytes(std::vector<uint8_t>(image, image + bytes), text) - 1] = 0xFF;
    };
    spoil("alpha");
    spoil("beta");
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 1, 60000, 0, given.get()) == SLOTQ_OK);
    const std::vector<Message> got = messages(given.get());
    REQUIRE(got.size() == 1);
    CHECK(got[0].payload == "gamma");
    REQUIRE(slotq_release(queue, 0, got[0].id, got[0].token, 0) == SLOTQ_OK);
    spoil("gamma");
    CHECK(slotq_reserve(queue, 0, 1, 60000, 0, given.get()) == SLOTQ_EMPTY);
    CHECK(slotq_batch_count(given.get()) == 0);
    slotq_close(queue);
}

TEST_CASE("a reserve that finds only damaged messages ends, also where none can die", "[batch]")
{
    Geometry geometry = Geometry(10001, 8).dead(1);
    const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
    std::vector<uint64_t> buffer((bytes + 7) / 8);
    uint8_t *image = reinterpret_cast<uint8_t *>(buffer.data());
    slotq *queue = nullptr;
    REQUIRE(slotq_open_memory(image, bytes, geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    const slotq_data one = {"\1\2\3\4\5\6\7\10", 8};
    const std::vector<slotq_data> data(2000, one);
    for (int i = 0; i < 5; i++) {
        REQUIRE(slotq_push(queue, data.data(), 2000, nullptr) == SLOTQ_OK);
    }
    const size_t first =
        find_bytes(std::vector<uint8_t>(image, image + bytes), "\1\2\3\4\5\6\7\10");
    for (size_t i = 0; i < 10000; i++) {
        image[first - 1 + i * 10] = 0xFF; /* its length is above payload_bytes */
    }
    const Batch given = batch();
    slotq_stats stats = {};
    CHECK(slotq_reserve(queue, 0, 1, 60000, 0, given.get()) == SLOTQ_AGAIN);
    CHECK(slotq_batch_count(given.get()) == 0);
    REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.dead == 1);
    CHECK(stats.leased + stats.dead <= 64);
    CHECK(slotq_reserve(queue, 0, 4096, 60000, 0, given.get()) == SLOTQ_AGAIN);
    CHECK(slotq_reserve(queue, 0, 4096, 60000, 20, given.get()) == SLOTQ_EMPTY); /* it waited */
    slotq_close(queue);
}

TEST_CASE("damaged messages that cannot die wait, and are not leased again", "[batch]")
{
    const Geometry geometry = Geometry(9, 12).dead(1);
    const uint64_t bytes = slotq_geometry_bytes(geometry, nullptr);
    std::vector<uint64_t> buffer((bytes + 7) / 8);
    uint8_t *image = reinterpret_cast<uint8_t *>(buffer.data());
    slotq *queue = nullptr;
    REQUIRE(slotq_open_memory(image, bytes, geometry, nullptr, &queue, nullptr) == SLOTQ_OK);
    const slotq_data data[4] = {{"alpha", 5}, {"beta", 4}, {"gamma", 5}, {"sound", 5}};
    REQUIRE(slotq_push(queue, data, 4, nullptr) == SLOTQ_OK);
    for (const char *text : {"alpha", "beta", "gamma"}) {
        image[find_bytes(std::vector<uint8_t>(image, image + bytes), text) - 1] = 0xFF;
    }
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 4, 30000, 0, given.get()) == SLOTQ_OK);
    const std::vector<Message> got = messages(given.get());
    REQUIRE(got.size() == 1);
    CHECK(got[0].payload == "sound");
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.dead == 1);
    CHECK(stats.leased == 1);
    CHECK(stats.waiting == 2);
    slotq_status status = {};
    REQUIRE(slotq_get_status(queue, 0, 3, &status) == SLOTQ_OK);
    CHECK(status.attempts == 0);
    CHECK(status.deadline_ms >= slotq_now_ms(queue) + 50000);
    REQUIRE(slotq_dead_purge(queue, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_kick(queue, 0, 3) == SLOTQ_OK);
    CHECK(slotq_reserve(queue, 0, 4, 30000, 0, given.get()) == SLOTQ_EMPTY);
    REQUIRE(slotq_dead_list(queue, 0, 9, given.get()) == SLOTQ_OK);
    CHECK(messages(given.get()).at(0).id == 3);
    slotq_close(queue);
}

TEST_CASE("a crash costs an attempt for each message in hand, and for no other", "[batch]")
{
    constexpr uint8_t most_attempts = 3;
    constexpr uint64_t lease_ms = 1000;
    const bool one_at_a_time = GENERATE(false, true);
    Queue queue(each_kind(), Geometry(9, 8).attempts(most_attempts).dead(9));
    queue.fill(4); /* the first crashes each worker that has it */
    for (uint8_t crash = 1; crash <= most_attempts; crash++) {
        const std::vector<Message> in_hand = queue.reserve(one_at_a_time ? 1 : 4, lease_ms);
        REQUIRE(in_hand.at(0).id == 1);
        CHECK(in_hand.back().attempts == crash);
        queue.now_ms += 2 * lease_ms;
    }
    REQUIRE(slotq_reclaim(queue, 0, nullptr, nullptr) == SLOTQ_OK);
    CHECK(queue.stats().died == (one_at_a_time ? 1 : 4));
    CHECK(queue.stats().ready == (one_at_a_time ? 3 : 0));
    if (one_at_a_time) {
        CHECK(queue.status(2).attempts == 0);
    }
}

TEST_CASE("peek shows every message of the window with its state", "[batch]")
{
    Queue queue(each_kind(), Geometry(9, 8).flags(SLOTQ_FLAG_STAMPS));
    queue.fill(5);
    const std::vector<Message> got = queue.reserve(2);
    REQUIRE(slotq_ack(queue, 0, 2, got[1].token) == SLOTQ_OK);
    const Batch given = batch();
    REQUIRE(slotq_peek(queue, 0, 0, 4, given.get()) == SLOTQ_OK);
    const std::vector<Message> seen = messages(given.get());
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].raw.state == SLOTQ_STATE_LEASED);
    CHECK(seen[0].token == got[0].token);
    CHECK(seen[1].raw.state == SLOTQ_STATE_DONE);
    CHECK(seen[2].raw.state == SLOTQ_STATE_READY);
    CHECK(seen[3].payload == "4");
    REQUIRE(slotq_peek(queue, 0, 5, 4, given.get()) == SLOTQ_OK);
    CHECK(messages(given.get()).size() == 1);
    CHECK(slotq_peek(queue, 0, 6, 4, given.get()) == SLOTQ_EMPTY);
}

TEST_CASE("a batch of one queue is refused by another, which stays as it is", "[batch]")
{
    const Kind kind = GENERATE(from_range(all_kinds()));
    INFO(kind);
    Queue mine(kind);
    Queue other(kind);
    mine.fill(3);
    other.fill(3);
    const Batch given = batch();
    slotq_settled settled = {};
    REQUIRE(other.reserve(3).size() == 3); /* the same ids with the same token */
    REQUIRE(slotq_reserve(mine, 0, 3, 30000, 0, given.get()) == SLOTQ_OK);
    const std::vector<uint8_t> before = other.image();
    CHECK(slotq_ack_batch(other, given.get()) == SLOTQ_INVALID);
    CHECK(other.error().find("another queue") != std::string::npos);
    CHECK(slotq_settle_batch(other, SLOTQ_SETTLE_EXTEND, given.get(), 1000, 0) == SLOTQ_INVALID);
    CHECK(slotq_settle_message(other, SLOTQ_SETTLE_ACK, given.get(), 1, 0, 0) == SLOTQ_INVALID);
    CHECK(slotq_next(other, 0, 1, 1000, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(other.image() == before);
    CHECK(slotq_batch_count(given.get()) == 3);
    slotq *clone = nullptr;
    REQUIRE(slotq_clone(mine, &clone, nullptr) == SLOTQ_OK);
    CHECK(slotq_settle_message(clone, SLOTQ_SETTLE_ACK, given.get(), 1, 0, 0) == SLOTQ_OK);
    slotq_close(clone);
    if (kind != Kind::buffer) { /* opened again, a buffer may hold anything */
        mine.reopen();
    }
    CHECK(slotq_ack_batch(mine, given.get()) == SLOTQ_OK);
}

TEST_CASE("a batch of a queue that was made anew is refused", "[batch]")
{
    Queue queue(GENERATE(from_range(file_kinds())));
    queue.fill(1);
    const Batch given = batch();
    REQUIRE(slotq_reserve(queue, 0, 1, 30000, 0, given.get()) == SLOTQ_OK);
    queue.close();
    const Geometry geometry;
    REQUIRE(slotq_remove_queue(queue.url().c_str(), queue.name().c_str(), nullptr) == SLOTQ_OK);
    /* a file system without times of birth may give the inode again: then it cannot be told */
    Folder filler;
    REQUIRE(slotq_create(queue.url().c_str(), queue.name().c_str(), geometry, nullptr, nullptr) ==
            SLOTQ_OK);
    queue.reopen();
    queue.fill(1);
    REQUIRE(queue.reserve(1).size() == 1);
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_INVALID);
}

TEST_CASE("a batch is settled without its payloads, which a closed handle took along", "[mark]")
{
    Queue queue(Kind::file_exclusive);
    queue.fill(4);
    const Batch given = batch();
    slotq_message message;
    REQUIRE(slotq_reserve(queue, 0, 4, 30000, 0, given.get()) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(given.get(), &message));
    REQUIRE(slotq_batch_next(given.get(), &message));
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t at = reinterpret_cast<uintptr_t>(message.payload) / page * page;
    queue.close();
    /* nothing can be read where the payloads were */
    void *const gone = mmap(reinterpret_cast<void *>(at), page, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(reinterpret_cast<uintptr_t>(gone) == at);
    queue.reopen();
    if (GENERATE(false, true)) {
        REQUIRE(slotq_mark(queue, SLOTQ_SETTLE_ACK, given.get(), 1, 0, 0, nullptr) == SLOTQ_OK);
    }
    CHECK(slotq_settle_batch(queue, SLOTQ_SETTLE_EXTEND, given.get(), 60000, 0) == SLOTQ_OK);
    CHECK(queue.status(4).deadline_ms == queue.now_ms + 60000);
    CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
    CHECK(queue.stats().acked == 4);
    munmap(gone, page);
}

TEST_CASE("an invalid way to settle is refused for any batch", "[batch]")
{
    Queue queue(GENERATE(from_range(all_kinds())));
    queue.fill(2);
    const Batch given = batch();
    for (const int number : {-1, 5, 256, INT32_MAX}) {
        const auto how = static_cast<slotq_settle_how>(number);
        const slotq_run run = {1, 5, 1};
        CHECK(slotq_settle_batch(queue, how, given.get(), 0, 0) == SLOTQ_INVALID); /* empty */
        CHECK(slotq_settle_message(queue, how, given.get(), 1, 0, 0) == SLOTQ_INVALID);
        CHECK(slotq_settle(queue, how, 0, &run, 1, 0, 0, nullptr, nullptr) == SLOTQ_INVALID);
        CHECK(queue.error().find(std::to_string(number)) != std::string::npos);
        const Batch held = batch();
        REQUIRE(slotq_reserve(queue, 0, 2, 30000, 0, held.get()) == SLOTQ_OK);
        const std::vector<uint8_t> before = queue.image();
        CHECK(slotq_settle_batch(queue, how, held.get(), 0, 0) == SLOTQ_INVALID);
        CHECK(slotq_settle_message(queue, how, held.get(), 1, 0, 0) == SLOTQ_INVALID);
        CHECK(queue.image() == before);
        REQUIRE(slotq_settle_batch(queue, SLOTQ_SETTLE_RELEASE, held.get(), 0, 0) == SLOTQ_OK);
    }
}

TEST_CASE("an invalid sync is refused", "[open]")
{
    slotq_options options = {};
    slotq_error error = {};
    slotq *queue = nullptr;
    const Geometry geometry;
    const Folder folder;
    options.sync = static_cast<slotq_sync>(2);
    CHECK(slotq_create(folder.path(), "q", geometry, &options, &error) == SLOTQ_INVALID);
    CHECK(std::string(error.text).find("sync is 2") != std::string::npos);
    CHECK(slotq_open(folder.path(), "q", &options, &queue, &error) == SLOTQ_INVALID);
    CHECK(slotq_create_memory(geometry, &options, &queue, &error) == SLOTQ_INVALID);
    CHECK(queue == nullptr);
}
