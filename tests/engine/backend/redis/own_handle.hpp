/* own_handle.hpp: a handle and a batch that a test owns; the test opens it as it needs it. Knows
 * the public calls.
 */
#ifndef TESTS_ENGINE_BACKEND_REDIS_OWN_HANDLE_HPP
#define TESTS_ENGINE_BACKEND_REDIS_OWN_HANDLE_HPP

#include "../../../../engine/slotq_redis.h"

struct OwnHandle {
    slotq *queue = nullptr;
    slotq_error error = {}; /* of opening it */
    slotq_batch *batch = slotq_batch_new();

    OwnHandle() = default;
    ~OwnHandle()
    {
        slotq_batch_free(batch);
        slotq_close(queue);
    }
    OwnHandle(const OwnHandle &) = delete;
    OwnHandle &operator=(const OwnHandle &) = delete;

    slotq_outcome push()
    {
        const slotq_data message = {"hello", 5};
        return slotq_push(queue, &message, 1, nullptr);
    }
};

#endif
