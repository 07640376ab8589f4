/* tls_served.hpp: a private server that speaks TLS with the queue "jobs", and handles on it. Knows
 * the public headers.
 */
#ifndef TESTS_ENGINE_BACKEND_REDIS_TLS_SERVED_HPP
#define TESTS_ENGINE_BACKEND_REDIS_TLS_SERVED_HPP

#include "own_handle.hpp"
#include "served.hpp"

#include "../../../../engine/slotq_redis_tls.h"
#include "../../../support/server/tls_server.hpp"

struct TlsServed {
    redis::TlsServer tls;

    explicit TlsServed(const std::string &certificate = "server",
                       const redis::Arguments &more = {})
        : tls(certificate, more)
    {
        make_queue(tls.server()); /* over its unix socket */
    }
};

struct TlsHandle : OwnHandle {
    slotq_redis_options redis = {};

    explicit TlsHandle(const std::string &url, uint32_t reconnect_ms = 1000)
    {
        slotq_options options = {};
        redis.timeout_ms = 120000; /* no test waits for its end */
        redis.connect_timeout_ms = 120000;
        redis.reconnect_ms = reconnect_ms;
        options.redis = &redis;
        const slotq_outcome outcome = slotq_open(url.c_str(), "jobs", &options, &queue, &error);
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
    }

    slotq_outcome reserve(uint64_t wait_ms = 0)
    {
        return slotq_reserve(queue, 0, 1, 600000, wait_ms, batch);
    }
    slotq_stats stats()
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        return stats;
    }
};

#endif
