/* test_producer.cpp: single messages gathered by slotq_producer on every kind of store: when they
 * go, in which order, what is told of each, and what a queue that takes none leaves here.
 */
#include "catch.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

Kind each_kind()
{
    return GENERATE(from_range(all_kinds()));
}

struct Told {
    uint64_t tag;
    slotq_outcome outcome;
    uint64_t id;
    bool operator==(const Told &other) const
    {
        return tag == other.tag && outcome == other.outcome && id == other.id;
    }
};

std::ostream &operator<<(std::ostream &out, const Told &told)
{
    return out << told.tag << " " << slotq_outcome_name(told.outcome) << " " << told.id;
}

/* A producer with its options; what it told. */
class Producer
{
public:
    std::vector<Told> told;
    slotq_producer *raw = nullptr;

    Producer(slotq *queue, slotq_producer_options options)
    {
        options.on_pushed = [](void *context, uint64_t tag, slotq_outcome outcome, uint64_t id) {
            static_cast<Producer *>(context)->told.push_back({tag, outcome, id});
        };
        options.context = this;
        REQUIRE(slotq_producer_new(queue, &options, &raw) == SLOTQ_OK);
    }
    Producer(const Producer &) = delete;
    Producer &operator=(const Producer &) = delete;
    ~Producer()
    {
        close();
    }
    slotq_outcome close()
    {
        slotq_producer *mine = raw;
        raw = nullptr;
        return slotq_producer_close(mine);
    }
    slotq_outcome push(const std::string &payload, uint64_t tag = 0)
    {
        return slotq_producer_push(raw, payload.data(), static_cast<uint32_t>(payload.size()), tag);
    }
    slotq_outcome flush()
    {
        return slotq_producer_flush(raw);
    }
};

slotq_producer_options at_most(uint32_t messages)
{
    slotq_producer_options options = {};
    options.max_messages = messages;
    options.max_delay_ms = UINT64_MAX;
    return options;
}

std::vector<std::string> payloads(Queue &queue)
{
    std::vector<std::string> found;
    for (const Message &message : queue.reserve(100)) {
        found.push_back(message.payload);
    }
    return found;
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("a producer pushes when it has gathered max_messages", "[producer]")
{
    Queue queue(each_kind(), Geometry(20, 16));
    Producer producer(queue, at_most(4));
    for (uint64_t i = 1; i <= 3; i++) {
        REQUIRE(producer.push("m" + std::to_string(i), 10 * i) == SLOTQ_OK);
    }
    CHECK(slotq_producer_count(producer.raw) == 3);
    CHECK(producer.told.empty());
    CHECK(queue.stats().last_id == 0);
    REQUIRE(producer.push("", 40) == SLOTQ_OK);
    CHECK(slotq_producer_count(producer.raw) == 0);
    CHECK(producer.told ==
          std::vector<Told>{
              {10, SLOTQ_OK, 1}, {20, SLOTQ_OK, 2}, {30, SLOTQ_OK, 3}, {40, SLOTQ_OK, 4}});
    REQUIRE(producer.push("m5", 50) == SLOTQ_OK);
    CHECK(producer.flush() == SLOTQ_OK);
    CHECK(producer.told.back() == Told{50, SLOTQ_OK, 5});
    CHECK(producer.flush() == SLOTQ_OK); /* nothing to do */
    CHECK(payloads(queue) == Strings{"m1", "m2", "m3", "", "m5"});
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("a producer pushes when it has gathered max_bytes", "[producer]")
{
    Queue queue(each_kind(), Geometry(20, 8));
    slotq_producer_options options = at_most(100);
    options.max_bytes = 10;
    Producer producer(queue, options);
    REQUIRE(producer.push("aaaa") == SLOTQ_OK);
    REQUIRE(producer.push("bbbbbb") == SLOTQ_OK);
    CHECK(slotq_producer_count(producer.raw) == 2);
    REQUIRE(producer.push("c") == SLOTQ_OK);
    CHECK(slotq_producer_count(producer.raw) == 1);
    CHECK(queue.stats().last_id == 2);
    options.max_bytes = 1; /* the largest payload goes even so */
    Producer narrow(queue, options);
    REQUIRE(narrow.push("12345678") == SLOTQ_OK);
    REQUIRE(narrow.flush() == SLOTQ_OK);
    REQUIRE(producer.close() == SLOTQ_OK);
    CHECK(payloads(queue) == Strings{"aaaa", "bbbbbb", "12345678", "c"});
}

TEST_CASE("a producer that is cleared never pushes what the queue refused", "[producer]")
{
    Queue queue(each_kind(), Geometry(3, 8));
    Producer producer(queue, at_most(100));
    REQUIRE(producer.push("a") == SLOTQ_OK);
    REQUIRE(producer.push("b") == SLOTQ_OK);
    REQUIRE(producer.flush() == SLOTQ_OK);
    const size_t told = producer.told.size();
    REQUIRE(producer.push("c") == SLOTQ_OK);
    REQUIRE(producer.flush() == SLOTQ_FULL);
    CHECK(slotq_producer_clear(producer.raw) == 1);
    CHECK(slotq_producer_clear(producer.raw) == 0);
    CHECK(slotq_producer_clear(nullptr) == 0);
    REQUIRE(slotq_purge(queue) == SLOTQ_OK);
    REQUIRE(producer.push("d") == SLOTQ_OK);
    REQUIRE(producer.close() == SLOTQ_OK);
    CHECK(payloads(queue) == Strings{"d"});
    CHECK(producer.told.size() == told + 1);
}

TEST_CASE("a producer gathers by payloads, however large the slots are", "[producer]")
{
    Queue queue(each_kind(), Geometry(20, 65535));
    Producer producer(queue, at_most(100));
    for (uint64_t i = 1; i <= 19; i++) {
        REQUIRE(producer.push("x", i) == SLOTQ_OK);
    }
    CHECK(producer.told.size() == 19); /* the capacity */
    CHECK(slotq_producer_count(producer.raw) == 0);
    CHECK(queue.stats().last_id == 19);
}

TEST_CASE("a producer pushes what is max_delay_ms old", "[producer]")
{
    Queue queue(each_kind(), Geometry(20, 8));
    slotq_producer_options options = at_most(100);
    options.max_delay_ms = 50;
    Producer producer(queue, options);
    CHECK(slotq_producer_due_ms(producer.raw) == UINT64_MAX);
    CHECK(slotq_producer_poll(producer.raw) == SLOTQ_OK);
    REQUIRE(producer.push("1") == SLOTQ_OK);
    queue.now_ms += 20;
    REQUIRE(producer.push("2") == SLOTQ_OK);
    CHECK(slotq_producer_due_ms(producer.raw) == 30);
    CHECK(slotq_producer_poll(producer.raw) == SLOTQ_OK);
    CHECK(slotq_producer_count(producer.raw) == 2);
    queue.now_ms += 30;
    CHECK(slotq_producer_due_ms(producer.raw) == 0);
    CHECK(slotq_producer_poll(producer.raw) == SLOTQ_OK);
    CHECK(queue.stats().last_id == 2);
    REQUIRE(producer.push("3") == SLOTQ_OK);
    queue.now_ms += 50;
    REQUIRE(producer.push("4") == SLOTQ_OK); /* a push looks at the time too */
    CHECK(queue.stats().last_id == 4);
    REQUIRE(producer.push("5") == SLOTQ_OK);
    queue.now_ms -= 1000; /* no message waits for the clock to catch up */
    CHECK(slotq_producer_due_ms(producer.raw) == 0);
}

TEST_CASE("a full queue takes what fits, the rest stays in order", "[producer]")
{
    Queue queue(each_kind(), Geometry(6, 8));
    REQUIRE(queue.push("0") == SLOTQ_OK);
    REQUIRE(queue.push("0") == SLOTQ_OK);
    slotq_producer_options options = at_most(100); /* at most what the queue holds: 5 */
    options.max_delay_ms = 10;
    Producer producer(queue, options);
    for (uint64_t i = 1; i <= 5; i++) {
        REQUIRE(producer.push(std::to_string(i), i) == SLOTQ_OK);
    }
    CHECK(slotq_producer_count(producer.raw) == 2);
    CHECK(producer.told.size() == 3);
    CHECK(producer.flush() == SLOTQ_FULL);
    CHECK(queue.error().find("full") != std::string::npos);
    for (uint64_t i = 6; i <= 8; i++) {
        REQUIRE(producer.push(std::to_string(i), i) == SLOTQ_OK);
    }
    CHECK(producer.push("9", 9) == SLOTQ_FULL); /* not taken */
    CHECK(slotq_producer_count(producer.raw) == 5);
    CHECK(slotq_producer_poll(producer.raw) == SLOTQ_OK); /* it was refused just now */
    queue.now_ms += 10;
    CHECK(slotq_producer_poll(producer.raw) == SLOTQ_FULL);
    Strings all;
    for (int round = 0; round < 5 && all.size() < 10; round++) {
        for (const Message &message : queue.reserve(3)) {
            all.push_back(message.payload);
            REQUIRE(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
        }
        (void)producer.flush();
    }
    CHECK(producer.flush() == SLOTQ_OK);
    CHECK(all == Strings{"0", "0", "1", "2", "3", "4", "5", "6", "7", "8"});
    REQUIRE(producer.told.size() == 8);
    for (uint64_t i = 1; i <= 8; i++) {
        CHECK(producer.told[i - 1] == Told{i, SLOTQ_OK, i + 2});
    }
}

TEST_CASE("a paused queue leaves all here; close gives up and says so", "[producer]")
{
    Queue queue(each_kind(), Geometry(9, 8));
    Producer producer(queue, at_most(2));
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    REQUIRE(producer.push("1", 1) == SLOTQ_OK);
    REQUIRE(producer.push("2", 2) == SLOTQ_OK); /* taken, though its push was refused */
    CHECK(producer.push("3", 3) == SLOTQ_PAUSED);
    CHECK(slotq_producer_count(producer.raw) == 2);
    REQUIRE(slotq_resume(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(producer.push("3", 3) == SLOTQ_OK);
    CHECK(queue.stats().last_id == 2);
    REQUIRE(slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK);
    CHECK(producer.close() == SLOTQ_PAUSED);
    CHECK(producer.told ==
          std::vector<Told>{{1, SLOTQ_OK, 1}, {2, SLOTQ_OK, 2}, {3, SLOTQ_PAUSED, 0}});
    CHECK(queue.stats().last_id == 2);
}

TEST_CASE("a producer waits for a full queue as long as it was told", "[producer]")
{
    Queue queue(each_kind(), Geometry(3, 8));
    queue.fill(2);
    slotq_producer_options options = at_most(2);
    options.wait_ms = 20;
    Producer impatient(queue, options);
    REQUIRE(impatient.push("a", 1) == SLOTQ_OK);
    CHECK(impatient.flush() == SLOTQ_FULL);
    CHECK(impatient.close() == SLOTQ_FULL);
    options.wait_ms = 60000;
    Producer patient(queue, options);
    slotq *other = nullptr;
    REQUIRE(slotq_clone(queue, &other, nullptr) == SLOTQ_OK);
    std::thread consumer([other] {
        const Batch given = batch();
        for (int done = 0; done < 4;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            if (slotq_reserve(other, 0, 1, 30000, 1000, given.get()) == SLOTQ_OK) {
                done += slotq_ack_batch(other, given.get()) == SLOTQ_OK;
            }
        }
    });
    REQUIRE(patient.push("b", 2) == SLOTQ_OK);
    REQUIRE(patient.push("c", 3) == SLOTQ_OK); /* full here: the push does not wait for it */
    CHECK(patient.flush() == SLOTQ_OK);
    consumer.join();
    slotq_close(other);
    CHECK(patient.told == std::vector<Told>{{2, SLOTQ_OK, 3}, {3, SLOTQ_OK, 4}});
    CHECK(queue.stats().acked == 4);
}

TEST_CASE("a producer refuses what it cannot do", "[producer]")
{
    Queue queue(each_kind(), Geometry(9, 4));
    slotq_producer *none = nullptr;
    slotq_producer_options options = {};
    CHECK(slotq_producer_new(nullptr, nullptr, &none) == SLOTQ_INVALID);
    CHECK(slotq_producer_new(queue, nullptr, nullptr) == SLOTQ_INVALID);
    options.max_messages = SLOTQ_CALL_MESSAGES_MAX + 1;
    CHECK(slotq_producer_new(queue, &options, &none) == SLOTQ_INVALID);
    CHECK(queue.error().find("4096") != std::string::npos);
    options.max_messages = 1;
    options.max_bytes = SLOTQ_CALL_BYTES_MAX + 1;
    CHECK(slotq_producer_new(queue, &options, &none) == SLOTQ_INVALID);
    CHECK(queue.error().find("1048576") != std::string::npos);
    CHECK(none == nullptr);
    Producer producer(queue, at_most(3));
    CHECK(producer.push("12345") == SLOTQ_TOOBIG);
    CHECK(queue.error().find("up to 4") != std::string::npos);
    CHECK(slotq_producer_push(producer.raw, nullptr, 1, 0) == SLOTQ_INVALID);
    CHECK(slotq_producer_push(nullptr, "x", 1, 0) == SLOTQ_INVALID);
    CHECK(slotq_producer_poll(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_producer_flush(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_producer_due_ms(nullptr) == UINT64_MAX);
    CHECK(slotq_producer_count(nullptr) == 0);
    CHECK(slotq_producer_close(nullptr) == SLOTQ_OK);
    CHECK(slotq_producer_count(producer.raw) == 0);
    CHECK(slotq_producer_push(producer.raw, nullptr, 0, 0) == SLOTQ_OK);
}

TEST_CASE("on_pushed must not call its producer", "[producer]")
{
    struct Caller {
        slotq_producer *producer = nullptr;
        std::vector<slotq_outcome> answers;
    } caller;
    Queue queue(each_kind(), Geometry(9, 4));
    slotq_producer_options options = at_most(3);
    options.context = &caller;
    options.on_pushed = [](void *context, uint64_t, slotq_outcome, uint64_t) {
        Caller *mine = static_cast<Caller *>(context);
        mine->answers = {slotq_producer_push(mine->producer, "x", 1, 0),
                         slotq_producer_poll(mine->producer), slotq_producer_flush(mine->producer),
                         slotq_producer_close(mine->producer)};
    };
    REQUIRE(slotq_producer_new(queue, &options, &caller.producer) == SLOTQ_OK);
    REQUIRE(slotq_producer_push(caller.producer, "a", 1, 0) == SLOTQ_OK);
    REQUIRE(slotq_producer_flush(caller.producer) == SLOTQ_OK);
    CHECK(caller.answers == std::vector<slotq_outcome>(4, SLOTQ_INVALID));
    CHECK(queue.stats().last_id == 1);
    CHECK(slotq_producer_close(caller.producer) == SLOTQ_OK);
}
