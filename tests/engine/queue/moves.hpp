/* moves.hpp: what the tests of slotq_move share: the call, and what a queue holds after it.
 */
#ifndef TESTS_ENGINE_QUEUE_MOVES_HPP
#define TESTS_ENGINE_QUEUE_MOVES_HPP

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

inline slotq_outcome move(slotq *from, const Message &message, slotq *to, uint64_t *id = nullptr,
                          const slotq_data *data = nullptr)
{
    return slotq_move(from, 0, message.id, message.token, to, data, id);
}

} // namespace moves

#endif
