/* test_mark.cpp: messages of one batch settled in different ways by one call, on every kind of
 * store: what the marks do, what is told of each message, and what stays in the batch.
 */
#include "catch.hpp"

#include <string>
#include <unistd.h>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

const uint64_t LEASE_MS = 30000;

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

/* What slotq_batch_settled tells of one message. */
struct Told {
    uint64_t id;
    slotq_settle_how how;
    slotq_outcome outcome;
};

bool operator==(const Told &one, const Told &other)
{
    return one.id == other.id && one.how == other.how && one.outcome == other.outcome;
}

std::ostream &operator<<(std::ostream &out, const Told &told)
{
    return out << told.id << " by " << told.how << ": " << slotq_outcome_name(told.outcome);
}

std::vector<slotq_settled_message> told_whole(const Batch &batch)
{
    std::vector<slotq_settled_message> all;
    slotq_settled_message message = {};
    for (uint32_t i = 0; slotq_batch_settled(batch.get(), i, &message); i++) {
        all.push_back(message);
    }
    return all;
}

std::vector<Told> told(const Batch &batch)
{
    std::vector<Told> all;
    for (const slotq_settled_message &message : told_whole(batch)) {
        all.push_back({message.id, message.how, message.outcome});
    }
    return all;
}

using Ids = std::vector<uint64_t>;

Ids ids(const Batch &batch)
{
    Ids all;
    slotq_batch_rewind(batch.get());
    for (const Message &message : messages(batch.get())) {
        all.push_back(message.id);
    }
    return all;
}

struct World {
    Queue queue;
    Batch given = batch();
    slotq_settled settled = {};

    explicit World(Kind kind, const Geometry &geometry, uint32_t count) : queue(kind, geometry)
    {
        queue.fill(count);
    }
    slotq_outcome next(uint32_t limit)
    {
        return slotq_next(queue, 0, limit, LEASE_MS, 0, given.get(), &settled);
    }
    slotq_outcome mark(slotq_settle_how how, uint64_t id, uint64_t ms = 0, uint8_t reason = 0,
                       const std::string &note = "")
    {
        std::string own = note;
        const slotq_data data = {&own[0], static_cast<uint32_t>(own.size())};
        const slotq_outcome outcome = slotq_mark(queue, how, given.get(), id, ms, reason, &data);
        own.assign(own.size(), '?'); /* it was copied */
        return outcome;
    }
    std::string note_of(uint64_t id)
    {
        const Batch dead = batch();
        slotq_message message = {};
        REQUIRE(slotq_dead_find(queue, 0, id, dead.get()) == SLOTQ_OK);
        REQUIRE(slotq_batch_next(dead.get(), &message));
        return {static_cast<const char *>(message.note), message.note_bytes};
    }
};

Geometry noted()
{
    Geometry geometry = Geometry(20, 16).dead(8).attempts(1);
    geometry.raw.note_bytes = 10;
    return geometry;
}

} // namespace

TEST_CASE("next settles each message as it was marked", "[mark]")
{
    World it(each_kind(), noted(), 9);
    REQUIRE(it.next(8) == SLOTQ_OK);
    const std::vector<Message> had = messages(it.given.get());
    CHECK(it.mark(SLOTQ_SETTLE_KILL, 7, 0, 8, "a note that is long") == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_NACK, 2, 60000, 9, "nacked") == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_ACK, 1) == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_RELEASE, 3, 70000) == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_EXTEND, 4, 90000) == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_RELEASE, 5) == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_KILL, 6, 0, 8, "another") == SLOTQ_OK);
    CHECK(slotq_batch_drop(it.given.get(), 8));
    REQUIRE(it.next(8) == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_NACK, SLOTQ_OK},
                                              {3, SLOTQ_SETTLE_RELEASE, SLOTQ_OK},
                                              {4, SLOTQ_SETTLE_EXTEND, SLOTQ_OK},
                                              {5, SLOTQ_SETTLE_RELEASE, SLOTQ_OK},
                                              {6, SLOTQ_SETTLE_KILL, SLOTQ_OK},
                                              {7, SLOTQ_SETTLE_KILL, SLOTQ_OK}});
    CHECK(it.settled.outcome == SLOTQ_OK);
    CHECK(it.settled.ok_count == 7);
    CHECK((it.settled.refused_count == 0 && it.settled.failed_count == 0));
    CHECK(ids(it.given) == Ids{5, 9}); /* released at once */
    CHECK(it.queue.stats().acked == 1);
    CHECK(it.note_of(2) == "nacked"); /* its only attempt */
    CHECK(it.queue.status(2).reason == 9);
    CHECK(it.queue.status(3).deadline_ms == it.queue.now_ms + 70000);
    CHECK(it.queue.status(4).deadline_ms == it.queue.now_ms + 90000);
    CHECK(it.note_of(6) == "another");
    CHECK(it.note_of(7) == "a note tha");
    CHECK(it.queue.status(8).state == SLOTQ_STATE_LEASED);
    const std::vector<slotq_settled_message> tokens = told_whole(it.given);
    CHECK(tokens[2].token == had[2].token);
    CHECK(tokens[3].token != had[3].token);
    CHECK(slotq_ack(it.queue, 0, 4, had[3].token) == SLOTQ_STALE);
    CHECK(slotq_ack(it.queue, 0, 4, tokens[3].token) == SLOTQ_OK);
    CHECK(slotq_check(it.queue) == SLOTQ_OK);
}

TEST_CASE("settling a batch leaves its marked messages their own way", "[mark]")
{
    World it(each_kind(), noted(), 6);
    REQUIRE(it.next(6) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_ACK, 1) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_EXTEND, 3, 90000) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_EXTEND, 4, 90000) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 6, 0, 4) == SLOTQ_OK);
    slotq_message message = {};
    for (int i = 0; i < 3; i++) {
        REQUIRE(slotq_batch_next(it.given.get(), &message));
    }
    CHECK(slotq_settle_batch(it.queue, SLOTQ_SETTLE_RELEASE, it.given.get(), 0, 0) == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_RELEASE, SLOTQ_OK},
                                              {3, SLOTQ_SETTLE_EXTEND, SLOTQ_OK},
                                              {4, SLOTQ_SETTLE_EXTEND, SLOTQ_OK},
                                              {5, SLOTQ_SETTLE_RELEASE, SLOTQ_OK},
                                              {6, SLOTQ_SETTLE_KILL, SLOTQ_OK}});
    CHECK(slotq_batch_count(it.given.get()) == 2);
    REQUIRE(slotq_batch_next(it.given.get(), &message)); /* the walk goes on */
    CHECK(message.id == 4);
    CHECK(std::string(static_cast<const char *>(message.payload), message.payload_bytes) == "4");
    CHECK(message.token == told_whole(it.given)[3].token);
    CHECK_FALSE(slotq_batch_next(it.given.get(), &message));
    CHECK(it.queue.status(2).attempts == 0);
    CHECK(it.queue.status(6).why == SLOTQ_WHY_DEAD);
    CHECK(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_OK); /* the marks are used up */
    CHECK(told(it.given) ==
          std::vector<Told>{{3, SLOTQ_SETTLE_ACK, SLOTQ_OK}, {4, SLOTQ_SETTLE_ACK, SLOTQ_OK}});
    CHECK(it.queue.stats().acked == 3);
    CHECK(it.queue.stats().leased == 0);
}

TEST_CASE("a batch without marks tells of each message too", "[mark]")
{
    World it(each_kind(), Geometry(20, 16), 8);
    REQUIRE(it.next(3) == SLOTQ_OK);
    CHECK(told(it.given).empty());
    const std::vector<Message> had = messages(it.given.get());
    REQUIRE(slotq_ack(it.queue, 0, 2, had[1].token) == SLOTQ_OK);
    REQUIRE(it.next(3) == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_ACK, SLOTQ_GONE},
                                              {3, SLOTQ_SETTLE_ACK, SLOTQ_OK}});
    CHECK(it.settled.outcome == SLOTQ_GONE);
    CHECK((it.settled.ok_count == 2 && it.settled.refused_count == 1));
    CHECK(it.settled.refused_id == 2);
    CHECK(told_whole(it.given)[1].token == had[1].token);
    REQUIRE(slotq_settle_batch(it.queue, SLOTQ_SETTLE_EXTEND, it.given.get(), 60000, 0) ==
            SLOTQ_OK);
    slotq_batch_rewind(it.given.get());
    const std::vector<Message> extended = messages(it.given.get());
    REQUIRE((extended.size() == 3 && told(it.given).size() == 3));
    for (size_t i = 0; i < 3; i++) {
        CHECK(told_whole(it.given)[i].token == extended[i].token);
        CHECK(told(it.given)[i] == Told{i + 4, SLOTQ_SETTLE_EXTEND, SLOTQ_OK});
    }
    REQUIRE(slotq_settle_batch(it.queue, SLOTQ_SETTLE_NACK, it.given.get(), 60000, 0) == SLOTQ_OK);
    CHECK(told(it.given)[2] == Told{6, SLOTQ_SETTLE_NACK, SLOTQ_OK});
    slotq_settled_message message = {}; /* in any order */
    for (const uint32_t index : {2U, 0U, 1U, 0U}) {
        REQUIRE(slotq_batch_settled(it.given.get(), index, &message));
        CHECK(message.id == index + 4);
    }
    CHECK_FALSE(slotq_batch_settled(it.given.get(), 3, &message));
    CHECK_FALSE(slotq_batch_settled(it.given.get(), 0, nullptr));
    CHECK_FALSE(slotq_batch_settled(nullptr, 0, &message));
    CHECK(slotq_settle_batch(it.queue, static_cast<slotq_settle_how>(9), it.given.get(), 0, 0) ==
          SLOTQ_INVALID);
    CHECK(told(it.given).empty());
}

TEST_CASE("what was lost is told apart from what was settled", "[mark]")
{
    World it(each_kind(), Geometry(20, 16).dead(1), 6);
    REQUIRE(slotq_next(it.queue, 0, 3, 1000, 0, it.given.get(), &it.settled) == SLOTQ_OK);
    const std::vector<Message> had = messages(it.given.get());
    REQUIRE(slotq_ack(it.queue, 0, 1, had[0].token) == SLOTQ_OK);
    it.queue.now_ms += 5000;
    REQUIRE(slotq_reclaim(it.queue, 0, nullptr, nullptr) == SLOTQ_OK);
    const Message again = it.queue.reserve_one(); /* 2 is another worker's */
    REQUIRE(again.id == 2);
    REQUIRE(it.mark(SLOTQ_SETTLE_NACK, 1) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_EXTEND, 2, 60000) == SLOTQ_OK);
    CHECK(it.next(3) == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_NACK, SLOTQ_GONE},
                                              {2, SLOTQ_SETTLE_EXTEND, SLOTQ_STALE},
                                              {3, SLOTQ_SETTLE_ACK, SLOTQ_STALE}});
    CHECK(told_whole(it.given)[1].token == had[1].token);
    CHECK(it.settled.outcome == SLOTQ_GONE);
    CHECK((it.settled.ok_count == 0 && it.settled.refused_count == 3));
    CHECK(it.settled.refused_id == 1);
    REQUIRE(ids(it.given) == Ids{3, 4, 5});
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 4, 0, 1) == SLOTQ_OK); /* there is room for one */
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 5, 0, 2) == SLOTQ_OK);
    CHECK(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_DEADFULL);
    CHECK(told(it.given) == std::vector<Told>{{3, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {4, SLOTQ_SETTLE_KILL, SLOTQ_OK},
                                              {5, SLOTQ_SETTLE_KILL, SLOTQ_DEADFULL}});
    CHECK(ids(it.given) == Ids{5});
    CHECK(slotq_ack(it.queue, 0, 5, told_whole(it.given)[2].token) == SLOTQ_OK);
}

TEST_CASE("a mark is replaced, taken away, and ends when the batch is filled", "[mark]")
{
    World it(each_kind(), noted(), 4);
    REQUIRE(it.next(4) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 3, 0, 1, "first") == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 1, 0, 1) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_RELEASE, 4) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 3, 0, 2, "second") == SLOTQ_OK);
    CHECK(slotq_batch_unmark(it.given.get(), 1));
    CHECK_FALSE(slotq_batch_unmark(it.given.get(), 1));
    CHECK_FALSE(slotq_batch_unmark(it.given.get(), 2));
    CHECK_FALSE(slotq_batch_unmark(nullptr, 2));
    CHECK(slotq_settle_message(it.queue, SLOTQ_SETTLE_EXTEND, it.given.get(), 4, 60000, 0) ==
          SLOTQ_OK); /* and keeps its mark */
    REQUIRE(it.next(1) == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {3, SLOTQ_SETTLE_KILL, SLOTQ_OK},
                                              {4, SLOTQ_SETTLE_RELEASE, SLOTQ_OK}});
    CHECK(it.note_of(3) == "second");
    CHECK(ids(it.given) == Ids{4}); /* the same message, without a mark */
    const bool by_reserve = GENERATE(false, true);
    if (by_reserve) {
        REQUIRE(it.mark(SLOTQ_SETTLE_RELEASE, 4) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_OK);
        REQUIRE(slotq_reserve(it.queue, 0, 1, LEASE_MS, 0, it.given.get()) == SLOTQ_OK);
    }
    CHECK(it.next(1) == SLOTQ_EMPTY);
    CHECK(told(it.given) == std::vector<Told>{{4, SLOTQ_SETTLE_ACK, SLOTQ_OK}});
    CHECK(it.queue.stats().acked == 3);
}

TEST_CASE("refused marks change nothing", "[mark]")
{
    World it(each_kind(), noted(), 3);
    REQUIRE(it.next(3) == SLOTQ_OK);
    const uint64_t too_long = UINT64_C(1) << 60;
    const std::string note(SLOTQ_NOTE_BYTES_MAX + 1, 'n');
    REQUIRE(it.mark(SLOTQ_SETTLE_RELEASE, 2, 60000) == SLOTQ_OK);
    CHECK(it.mark(SLOTQ_SETTLE_ACK, 4) == SLOTQ_INVALID);
    CHECK(it.queue.error().find("no message 4") != std::string::npos);
    CHECK(it.mark(static_cast<slotq_settle_how>(5), 2) == SLOTQ_INVALID);
    CHECK(it.mark(SLOTQ_SETTLE_NACK, 2, too_long) == SLOTQ_INVALID);
    CHECK(it.mark(SLOTQ_SETTLE_EXTEND, 2, 0) == SLOTQ_INVALID);
    CHECK(it.mark(SLOTQ_SETTLE_KILL, 2, 0, 1, note) == SLOTQ_INVALID);
    CHECK(slotq_mark(nullptr, SLOTQ_SETTLE_ACK, it.given.get(), 2, 0, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_mark(it.queue, SLOTQ_SETTLE_ACK, nullptr, 2, 0, 0, nullptr) == SLOTQ_INVALID);
    const Batch looked = batch();
    REQUIRE(slotq_peek(it.queue, 0, 0, 5, looked.get()) == SLOTQ_OK);
    CHECK(slotq_mark(it.queue, SLOTQ_SETTLE_ACK, looked.get(), 2, 0, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_mark(it.queue, SLOTQ_SETTLE_ACK, batch().get(), 2, 0, 0, nullptr) == SLOTQ_INVALID);
    Queue other(Kind::memory, noted());
    CHECK(slotq_mark(other, SLOTQ_SETTLE_ACK, it.given.get(), 2, 0, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_settle_batch(it.queue, SLOTQ_SETTLE_EXTEND, it.given.get(), 0, 0) == SLOTQ_INVALID);
    CHECK(told(it.given).empty());
    CHECK(it.next(1) == SLOTQ_EMPTY);
    CHECK(told(it.given)[1] == Told{2, SLOTQ_SETTLE_RELEASE, SLOTQ_OK});
    CHECK(it.queue.status(2).deadline_ms == it.queue.now_ms + 60000);
}

TEST_CASE("marked messages for which the dead section is full stay, with their marks", "[mark]")
{
    World it(each_kind(), Geometry(9, 16).dead(1), 4);
    REQUIRE(it.next(4) == SLOTQ_OK);
    const std::vector<Message> had = messages(it.given.get());
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 2, 0, 7) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 3, 0, 8) == SLOTQ_OK);
    CHECK(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_DEADFULL);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_KILL, SLOTQ_OK},
                                              {3, SLOTQ_SETTLE_KILL, SLOTQ_DEADFULL},
                                              {4, SLOTQ_SETTLE_ACK, SLOTQ_OK}});
    REQUIRE(ids(it.given) == Ids{3});
    slotq_batch_rewind(it.given.get());
    const std::vector<Message> stays = messages(it.given.get());
    CHECK(stays[0].payload == "3");
    CHECK(stays[0].token == had[2].token);
    uint32_t purged = 0;
    REQUIRE(slotq_dead_purge(it.queue, &purged) == SLOTQ_OK);
    CHECK(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_OK);
    CHECK(it.queue.status(3).reason == 8); /* the mark was still there */
    CHECK(slotq_batch_count(it.given.get()) == 0);
}

TEST_CASE("where the settles fail, marked messages stay, and their marks", "[mark]")
{
    World it(GENERATE(Kind::file, Kind::file_exclusive), noted(), 5);
    REQUIRE(it.next(4) == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_KILL, 2, 0, 7, "why") == SLOTQ_OK);
    REQUIRE(it.mark(SLOTQ_SETTLE_EXTEND, 3, 90000) == SLOTQ_OK);
    const std::vector<Message> had = messages(it.given.get());
    const std::string path = it.queue.folder().file("q.slotq");
    const long bytes = static_cast<long>(slotq_image_bytes(it.queue));
    const bool by_next = GENERATE(true, false);
    REQUIRE(truncate(path.c_str(), bytes + 1) == 0);
    it.queue.now_ms += 2000; /* calls look now and then at the file */
    const auto again = [&] {
        return by_next ? it.next(4) : slotq_ack_batch(it.queue, it.given.get());
    };
    CHECK(again() == SLOTQ_IO);
    CHECK(it.queue.error() != "");
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_IO},
                                              {2, SLOTQ_SETTLE_KILL, SLOTQ_IO},
                                              {3, SLOTQ_SETTLE_EXTEND, SLOTQ_IO},
                                              {4, SLOTQ_SETTLE_ACK, SLOTQ_IO}});
    CHECK(told_whole(it.given)[2].token == had[2].token);
    CHECK(slotq_batch_count(it.given.get()) == 4);
    if (by_next) {
        CHECK(it.settled.outcome == SLOTQ_IO);
        CHECK((it.settled.ok_count == 0 && it.settled.failed_count == 4));
    }
    REQUIRE(truncate(path.c_str(), bytes) == 0);
    it.queue.now_ms += 2000;
    CHECK(again() == SLOTQ_OK);
    CHECK(told(it.given) == std::vector<Told>{{1, SLOTQ_SETTLE_ACK, SLOTQ_OK},
                                              {2, SLOTQ_SETTLE_KILL, SLOTQ_OK},
                                              {3, SLOTQ_SETTLE_EXTEND, SLOTQ_OK},
                                              {4, SLOTQ_SETTLE_ACK, SLOTQ_OK}});
    CHECK(it.note_of(2) == "why");
    CHECK(it.queue.status(3).deadline_ms == it.queue.now_ms + 90000);
    CHECK(slotq_batch_count(it.given.get()) == 1); /* 5, or 3 with its new token */
    CHECK(slotq_ack_batch(it.queue, it.given.get()) == SLOTQ_OK);
}
