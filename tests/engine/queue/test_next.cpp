/* test_next.cpp: slotq_next on every kind of store: what it acks, what it leaves out, what it
 * tells of both halves; and single messages of a batch settled or dropped.
 */
#include "catch.hpp"

#include <map>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

const uint64_t LEASE_MS = 30000;

/* slotq_next for group 0 without waiting. */
slotq_outcome next(slotq *queue, uint32_t limit, const Batch &batch, slotq_settled *settled)
{
    return slotq_next(queue, 0, limit, LEASE_MS, 0, batch.get(), settled);
}

std::vector<std::string> payloads(const Batch &batch)
{
    std::vector<std::string> found;
    for (const Message &message : messages(batch.get())) {
        found.push_back(message.payload);
    }
    return found;
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("next walks through a queue, acking behind itself", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16));
    const Batch given = batch();
    slotq_settled settled;
    Strings all;
    uint32_t pushed = 0;
    for (int round = 0; round < 12; round++) { /* over the ring's end, twice */
        for (int i = 0; i < 2; i++) {
            REQUIRE(queue.push(std::to_string(++pushed)) == SLOTQ_OK);
        }
        const uint32_t had = slotq_batch_count(given.get());
        REQUIRE(next(queue, 3, given, &settled) == SLOTQ_OK);
        CHECK(settled.outcome == SLOTQ_OK);
        CHECK(settled.ok_count == had);
        CHECK(settled.refused_count == 0);
        for (const std::string &payload : payloads(given)) {
            all.push_back(payload);
        }
    }
    CHECK(next(queue, 3, given, &settled) == SLOTQ_EMPTY);
    CHECK(settled.ok_count == 2);
    CHECK(slotq_batch_count(given.get()) == 0);
    CHECK(next(queue, 3, given, &settled) == SLOTQ_EMPTY);
    CHECK(settled.ok_count == 0);
    REQUIRE(all.size() == 24);
    for (uint32_t i = 0; i < 24; i++) {
        CHECK(all[i] == std::to_string(i + 1));
    }
    CHECK(queue.stats().acked == 24);
    CHECK(queue.stats().redelivered == 0);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("messages settled by themselves are left out", "[next]")
{
    Queue queue(each_kind(), Geometry(12, 16).dead(3));
    queue.fill(8);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(next(queue, 8, given, &settled) == SLOTQ_OK);
    slotq_batch *raw = given.get();
    slotq_message message;
    REQUIRE((slotq_batch_next(raw, &message) && slotq_batch_next(raw, &message)));
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_NACK, raw, 2, 60000, 0) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_KILL, raw, 4, 0, 7) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_RELEASE, raw, 8, 0, 0) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_EXTEND, raw, 6, 90000, 0) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, raw, 1, 0, 0) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, raw, 1, 0, 0) == SLOTQ_INVALID);
    CHECK(slotq_batch_drop(raw, 5));
    CHECK_FALSE(slotq_batch_drop(raw, 5));
    CHECK(slotq_batch_count(raw) == 3);
    CHECK(payloads(given) == Strings{"3", "6", "7"}); /* the walk went on where it was */
    slotq_batch_rewind(raw);
    CHECK(payloads(given) == Strings{"3", "6", "7"});
    CHECK(queue.status(6).deadline_ms == queue.now_ms + 90000);
    REQUIRE(next(queue, 8, given, &settled) == SLOTQ_OK);
    CHECK(settled.outcome == SLOTQ_OK);
    CHECK(settled.ok_count == 3);
    CHECK(payloads(given) == Strings{"8"}); /* released */
    CHECK(queue.status(2).state == SLOTQ_STATE_WAITING);
    CHECK(queue.status(4).why == SLOTQ_WHY_DEAD);
    CHECK(queue.status(5).state == SLOTQ_STATE_LEASED);
    CHECK(queue.stats().acked == 4);
}

TEST_CASE("single messages leave batches of any shape", "[next]")
{
    const uint16_t payload_bytes = GENERATE(as<uint16_t>{}, 8, 400);
    Queue queue(each_kind(), Geometry(11, payload_bytes));
    std::mt19937 random(7);
    slotq_settled settled;
    uint64_t pushed = 0;
    for (int round = 0; round < 40; round++) {
        const Batch given = batch();
        while (queue.stats().used < 10) {
            REQUIRE(queue.push("m" + std::to_string(++pushed)) == SLOTQ_OK);
        }
        REQUIRE(next(queue, 1 + random() % 10, given, &settled) == SLOTQ_OK);
        std::map<uint64_t, uint32_t> left; /* id, token */
        for (const Message &message : messages(given.get())) {
            left[message.id] = message.token;
        }
        slotq_batch_rewind(given.get());
        uint64_t passed = 0; /* newest id that the walk gave */
        while (!left.empty() && random() % 12 != 0) {
            slotq_message message;
            if (random() % 3 == 0 && slotq_batch_next(given.get(), &message)) {
                CHECK(left.upper_bound(passed)->first == message.id);
                CHECK(left[message.id] == message.token);
                const char *payload = static_cast<const char *>(message.payload);
                CHECK(std::string(payload, message.payload_bytes) ==
                      "m" + std::to_string(message.id));
                passed = message.id;
                continue;
            }
            auto chosen = left.begin();
            std::advance(chosen, static_cast<long>(random() % left.size()));
            if (random() % 4 == 0) {
                queue.now_ms += 100;
                REQUIRE(slotq_settle_message(queue, SLOTQ_SETTLE_EXTEND, given.get(), chosen->first,
                                             LEASE_MS, 0) == SLOTQ_OK);
                const uint64_t deadline_ms = queue.status(chosen->first).deadline_ms;
                chosen->second = (chosen->second & 0xFF) |
                                 static_cast<uint32_t>(deadline_ms / 100 % (1 << 24)) << 8;
            } else {
                REQUIRE(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, given.get(), chosen->first, 0,
                                             0) == SLOTQ_OK);
                left.erase(chosen);
            }
            CHECK(slotq_batch_count(given.get()) == left.size());
        }
        CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
        REQUIRE(queue.stats().leased == 0);
    }
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("acks that come too late are told beside the new batch", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16));
    queue.fill(6);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(slotq_next(queue, 0, 3, 1000, 0, given.get(), &settled) == SLOTQ_OK);
    const std::vector<Message> had = messages(given.get());
    REQUIRE(slotq_ack(queue, 0, had[0].id, had[0].token) == SLOTQ_OK);
    queue.now_ms += 5000;
    REQUIRE(slotq_reclaim(queue, 0, nullptr, nullptr) == SLOTQ_OK);
    REQUIRE(queue.reserve(1).size() == 1); /* 2 is another consumer's now */
    REQUIRE(next(queue, 3, given, &settled) == SLOTQ_OK);
    CHECK(settled.outcome == SLOTQ_GONE);
    CHECK(settled.ok_count == 0);
    CHECK(settled.refused_count == 3);
    CHECK(settled.refused_id == 1);
    CHECK(payloads(given) == Strings{"3", "4", "5"});
    queue.now_ms += LEASE_MS + 5000;
    REQUIRE(slotq_reclaim(queue, 0, nullptr, nullptr) == SLOTQ_OK);
    CHECK(next(queue, 1, given, &settled) == SLOTQ_OK);
    CHECK(settled.outcome == SLOTQ_STALE);
    CHECK(settled.refused_count == 3);
    CHECK(settled.refused_id == 3);
    CHECK(payloads(given) == Strings{"2"});
}

TEST_CASE("both halves are in their own group, and answer for themselves", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16).groups(2));
    queue.fill(2);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(slotq_next(queue, 1, 1, LEASE_MS, 0, given.get(), &settled) == SLOTQ_OK);
    REQUIRE(next(queue, 2, given, &settled) == SLOTQ_OK);
    CHECK(payloads(given) == Strings{"1", "2"});
    CHECK(queue.stats(1).acked == 1);
    CHECK(queue.stats(0).acked == 0);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
    CHECK(next(queue, 2, given, &settled) == SLOTQ_PAUSED);
    CHECK(settled.ok_count == 2); /* the acks count even so */
    CHECK(slotq_batch_count(given.get()) == 0);
    CHECK(queue.stats(0).acked == 2);
}

TEST_CASE("next waits for a message when the acks are done", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16));
    queue.fill(1);
    const Batch given = batch();
    slotq_settled settled;
    slotq *other = nullptr;
    REQUIRE(next(queue, 4, given, &settled) == SLOTQ_OK);
    CHECK(slotq_next(queue, 0, 4, LEASE_MS, 10, given.get(), &settled) == SLOTQ_EMPTY);
    CHECK(settled.ok_count == 1);
    queue.fill(1);
    REQUIRE(next(queue, 4, given, &settled) == SLOTQ_OK);
    REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    bool acked = false;
    std::thread producer([&] { /* pushes when it sees the ack */
                               slotq_stats stats = {};
                               for (int i = 0; i < 240000 && stats.acked < 2; i++) {
                                   if (slotq_get_stats(other, 0, &stats) != SLOTQ_OK) {
                                       break;
                                   }
                                   usleep(500); /* two minutes in all, before it is said */
                               }
                               acked = stats.acked == 2;
                               const slotq_data data = {"late", 4};
                               (void)slotq_push(other, &data, 1, nullptr);
    });
    CHECK(slotq_next(queue, 0, 4, LEASE_MS, 600000, given.get(), &settled) == SLOTQ_OK);
    producer.join();
    slotq_close(other);
    CHECK(acked);
    CHECK(settled.ok_count == 1);
    CHECK(payloads(given) == Strings{"late"});
}

TEST_CASE("refused arguments leave the batch as it is", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16));
    queue.fill(3);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(next(queue, 2, given, &settled) == SLOTQ_OK);
    const std::vector<uint8_t> before = queue.image();
    CHECK(slotq_next(queue, 1, 1, LEASE_MS, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(slotq_next(queue, 0, 0, LEASE_MS, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(slotq_next(queue, 0, 4097, LEASE_MS, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(slotq_next(queue, 0, 1, 0, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(slotq_next(queue, 0, 1, LEASE_MS, 0, given.get(), nullptr) == SLOTQ_INVALID);
    CHECK(slotq_next(queue, 0, 1, LEASE_MS, 0, nullptr, &settled) == SLOTQ_INVALID);
    CHECK(slotq_next(nullptr, 0, 1, LEASE_MS, 0, given.get(), &settled) == SLOTQ_INVALID);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, given.get(), 3, 0, 0) == SLOTQ_INVALID);
    CHECK(queue.error().find("no message 3") != std::string::npos);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_NACK, given.get(), 1, UINT64_C(1) << 60, 0) ==
          SLOTQ_INVALID);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, nullptr, 1, 0, 0) == SLOTQ_INVALID);
    CHECK_FALSE(slotq_batch_drop(nullptr, 1));
    CHECK(queue.image() == before);
    CHECK(slotq_batch_count(given.get()) == 2);
    const Batch looked = batch();
    REQUIRE(slotq_peek(queue, 0, 0, 5, looked.get()) == SLOTQ_OK);
    CHECK(next(queue, 1, looked, &settled) == SLOTQ_INVALID);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_ACK, looked.get(), 1, 0, 0) == SLOTQ_INVALID);
    CHECK_FALSE(slotq_batch_drop(looked.get(), 1));
    CHECK(next(queue, 2, given, &settled) == SLOTQ_OK);
    CHECK(settled.ok_count == 2);
}

TEST_CASE("a full dead section keeps a message in its batch", "[next]")
{
    Queue queue(each_kind(), Geometry(9, 16).dead(1));
    queue.fill(2);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(next(queue, 2, given, &settled) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_KILL, given.get(), 1, 0, 9) == SLOTQ_OK);
    CHECK(slotq_settle_message(queue, SLOTQ_SETTLE_KILL, given.get(), 2, 0, 9) == SLOTQ_DEADFULL);
    CHECK(payloads(given) == Strings{"2"});
    CHECK(next(queue, 1, given, &settled) == SLOTQ_EMPTY);
    CHECK(settled.ok_count == 1);
}

TEST_CASE("where the acks fail, ids and tokens stay in the batch", "[next]")
{
    Queue queue(GENERATE(Kind::file, Kind::file_exclusive), Geometry(9, 16));
    queue.fill(3);
    const Batch given = batch();
    slotq_settled settled;
    REQUIRE(next(queue, 2, given, &settled) == SLOTQ_OK);
    const std::string path = queue.folder().file("q.slotq");
    const long bytes = static_cast<long>(slotq_image_bytes(queue));
    REQUIRE(truncate(path.c_str(), bytes + 1) == 0);
    queue.now_ms += 2000; /* calls look now and then at the file */
    CHECK(next(queue, 2, given, &settled) == SLOTQ_IO);
    CHECK(settled.outcome == SLOTQ_IO);
    CHECK(settled.ok_count == 0);
    CHECK(queue.error() != "");
    CHECK(slotq_batch_count(given.get()) == 2);
    CHECK(payloads(given).empty());
    REQUIRE(truncate(path.c_str(), bytes) == 0);
    queue.now_ms += 2000;
    const bool by_next = GENERATE(true, false);
    if (by_next) {
        CHECK(next(queue, 2, given, &settled) == SLOTQ_OK);
        CHECK(settled.ok_count == 2);
        CHECK(payloads(given) == Strings{"3"});
    } else {
        REQUIRE(slotq_settle_message(queue, SLOTQ_SETTLE_EXTEND, given.get(), 1, 60000, 0) ==
                SLOTQ_OK);
        REQUIRE(slotq_settle_batch(queue, SLOTQ_SETTLE_EXTEND, given.get(), 90000, 0) == SLOTQ_OK);
        CHECK(payloads(given).empty());
        CHECK(slotq_ack_batch(queue, given.get()) == SLOTQ_OK);
        CHECK(queue.stats().acked == 2);
    }
}
