/* moves.hpp: what the tests of slotq_move share: the call, and what a queue holds after it.
 */
#ifndef TESTS_ENGINE_QUEUE_MOVES_HPP
#define TESTS_ENGINE_QUEUE_MOVES_HPP

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "any_queue.hpp"

namespace moves
{

using namespace any_queue;

inline Geometry with_keys()
{
    Geometry made;
    made.flags(SLOTQ_FLAG_KEYS);
    return made;
}

inline std::string text_of(slotq *queue)
{
    return slotq_error_of(queue)->text;
}

inline bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* Payloads of all messages of a queue that are not done. */
inline std::string payloads(slotq *queue)
{
    const Batch all = batch();
    std::string told;
    if (slotq_peek(queue, 0, 0, 100, all.get()) == SLOTQ_OK) {
        for (const Message &one : messages(all.get())) {
            told += one.raw.state == SLOTQ_STATE_DONE ? "" : one.payload + " ";
        }
    }
    return told;
}

/* The key that it has where a push and an ack moved it to. */
inline uint64_t move_key(slotq *from, const Message &held, uint8_t group = 0)
{
    slotq_message message = {};
    message.id = held.id;
    message.pushed_ms = held.raw.pushed_ms;
    message.payload = held.payload.data();
    message.payload_bytes = static_cast<uint32_t>(held.payload.size());
    return slotq_move_key(from, group, &message);
}

inline slotq_outcome move(slotq *from, const Message &message, slotq *to, uint64_t *id = nullptr,
                          const slotq_data *data = nullptr)
{
    return slotq_move(from, 0, message.id, message.token, to, data, id);
}

/* Threads move messages from one of two queues to the other, both ways, each so many; then all
 * payloads, in order. "" or what a call answered that it must not. */
inline std::string to_and_fro(slotq *one, slotq *other, uint32_t thread_count, uint32_t each)
{
    std::vector<std::string> faults(thread_count);
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < thread_count; i++) {
        slotq *from = nullptr;
        slotq *to = nullptr;
        if (slotq_clone(i % 2 == 0 ? one : other, &from, nullptr) != SLOTQ_OK ||
            slotq_clone(i % 2 == 0 ? other : one, &to, nullptr) != SLOTQ_OK) {
            throw std::runtime_error("no clone");
        }
        threads.emplace_back([from, to, each, &fault = faults[i]] {
            const Batch got = batch();
            for (uint32_t done = 0; done < each && fault.empty();) {
                const slotq_outcome outcome = slotq_reserve(from, 0, 1, 3600000, 0, got.get());
                for (const Message &message : messages(got.get())) {
                    const slotq_outcome moved = move(from, message, to);
                    fault = moved == SLOTQ_OK ? "" : text_of(from);
                    done++;
                }
                if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY && outcome != SLOTQ_AGAIN) {
                    fault = text_of(from);
                }
            }
            slotq_close(from);
            slotq_close(to);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    std::string all;
    for (const std::string &fault : faults) {
        all += fault;
    }
    return all;
}

inline std::string in_order(const std::string &told)
{
    std::istringstream words(told);
    std::vector<std::string> sorted{std::istream_iterator<std::string>(words), {}};
    std::sort(sorted.begin(), sorted.end());
    std::string joined;
    for (const std::string &word : sorted) {
        joined += word + " ";
    }
    return joined;
}

} // namespace moves

#endif
