/* served.hpp: a private server with the queue "jobs", and a handle on it: what tests of the public
 * calls begin with. Knows the public headers; judges nothing but that the queue is made.
 */
#ifndef TESTS_ENGINE_BACKEND_REDIS_SERVED_HPP
#define TESTS_ENGINE_BACKEND_REDIS_SERVED_HPP

#include "catch.hpp"

#include "../../../../engine/slotq_redis.h"
#include "../../../support/server/redis_server.hpp"

inline void make_queue(const redis::Server &server)
{
    slotq_geometry geometry = {};
    slotq_error error = {};
    geometry.ring_slots = 1000;
    geometry.payload_bytes = 16;
    geometry.tick_ms = 10;
    geometry.later_slots = 9;
    geometry.groups = 1;
    geometry.flags = SLOTQ_FLAG_KEYS;
    const slotq_outcome outcome =
        slotq_create(server.url().c_str(), "jobs", &geometry, nullptr, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
}

struct Served {
    redis::Server server;

    Served()
    {
        make_queue(server);
    }
};

struct Opened : Served {
    slotq *queue = nullptr;

    explicit Opened(const slotq_redis_options &redis = {})
    {
        slotq_options options = {};
        options.redis = &redis;
        REQUIRE(slotq_open(server.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    }
    ~Opened()
    {
        slotq_close(queue);
    }
    Opened(const Opened &) = delete;
    Opened &operator=(const Opened &) = delete;
};

#endif
