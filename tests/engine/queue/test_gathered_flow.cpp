/* test_gathered_flow.cpp: producers and slotq_next in several threads on one small queue of every
 * kind, waiting for room and for messages: everything arrives once, in the order of its producer.
 */
#include "catch.hpp"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

constexpr uint32_t producers = 3;
constexpr uint32_t consumers = 2;
constexpr uint32_t messages_each = 300;
constexpr uint64_t patience_ms = 120000;

struct Seen {
    std::mutex mutex;
    std::map<uint64_t, std::string> payloads; /* by id */
    std::atomic<uint32_t> count{0};
    std::atomic<uint32_t> twice{0};
    std::atomic<uint32_t> troubles{0};
    std::map<uint64_t, std::string> pushed; /* by id, as on_pushed told */
};

/* What on_pushed of one producer is given. */
struct Line {
    Seen *seen;
    uint32_t number;
};

std::string payload_of(uint32_t producer, uint64_t message)
{
    return std::to_string(producer) + ":" + std::to_string(message);
}

void note_pushed(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id)
{
    const Line *line = static_cast<Line *>(context);
    const std::lock_guard<std::mutex> lock(line->seen->mutex);
    line->seen->troubles += outcome != SLOTQ_OK;
    line->seen->twice += !line->seen->pushed.emplace(id, payload_of(line->number, tag)).second;
}

void produce(slotq *queue, Seen *seen, uint32_t number)
{
    Line line = {seen, number};
    slotq_producer_options options = {};
    slotq_producer *producer = nullptr;
    options.max_messages = 5 + number;
    options.wait_ms = patience_ms;
    options.on_pushed = note_pushed;
    options.context = &line;
    seen->troubles += slotq_producer_new(queue, &options, &producer) != SLOTQ_OK;
    for (uint64_t i = 0; i < messages_each; i++) {
        const std::string payload = payload_of(number, i);
        seen->troubles += slotq_producer_push(producer, payload.data(),
                                              static_cast<uint32_t>(payload.size()), i) != SLOTQ_OK;
    }
    seen->troubles += slotq_producer_close(producer) != SLOTQ_OK;
}

void consume(slotq *queue, Seen *seen)
{
    const Batch given = batch();
    slotq_settled settled;
    while (seen->count < producers * messages_each && seen->troubles == 0) {
        const slotq_outcome outcome = slotq_next(queue, 0, 7, 600000, 20, given.get(), &settled);
        seen->troubles += outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY;
        seen->troubles += settled.outcome != SLOTQ_OK;
        for (const Message &message : messages(given.get())) {
            const std::lock_guard<std::mutex> lock(seen->mutex);
            seen->twice += !seen->payloads.emplace(message.id, message.payload).second;
            seen->count++;
        }
    }
    seen->troubles += slotq_ack_batch(queue, given.get()) != SLOTQ_OK;
}

} // namespace

TEST_CASE("messages that producers gather arrive once, in any order of waiting", "[producer][next]")
{
    const Kind kind = GENERATE(from_range(all_kinds()));
    CAPTURE(kind);
    Queue queue(kind, Geometry(12, 16));
    Seen seen;
    std::vector<slotq *> handles(producers + consumers);
    for (slotq *&handle : handles) {
        REQUIRE(slotq_clone(queue, &handle, nullptr) == SLOTQ_OK);
    }
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < producers; i++) {
        threads.emplace_back(produce, handles[i], &seen, i);
    }
    for (uint32_t i = 0; i < consumers; i++) {
        threads.emplace_back(consume, handles[producers + i], &seen);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (slotq *handle : handles) {
        slotq_close(handle);
    }
    CHECK(seen.troubles == 0);
    CHECK(seen.twice == 0);
    CHECK(seen.payloads == seen.pushed);
    CHECK(seen.payloads.size() == producers * messages_each);
    std::map<char, uint32_t> next_of; /* ids of a producer are in its order */
    for (const auto &entry : seen.payloads) {
        const char producer = entry.second[0];
        CHECK(entry.second ==
              payload_of(static_cast<uint32_t>(producer - '0'), next_of[producer]++));
    }
    const slotq_stats stats = queue.stats();
    CHECK(stats.acked == producers * messages_each);
    CHECK(stats.redelivered == 0);
    CHECK(stats.used == 0);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}
