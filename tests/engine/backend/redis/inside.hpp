/* inside.hpp: the Redis store's own pieces for tests, and a reply made of the bytes that a server
 * would send. Knows hiredis's reader; no server.
 */
#ifndef TESTS_ENGINE_BACKEND_REDIS_INSIDE_HPP
#define TESTS_ENGINE_BACKEND_REDIS_INSIDE_HPP

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <hiredis/hiredis.h>

extern "C" {
#define export export_ /* a word of C++; the contract of stores has a member of that name */
#include "../../../../engine/backend/redis/wire/address.h"
#include "../../../../engine/backend/redis/wire/connection.h"
#include "../../../../engine/backend/redis/call/errors.h"
#include "../../../../engine/backend/redis/call/packed.h"
#include "../../../../engine/backend/redis/call/reply.h"
#include "../../../../engine/backend/redis/call/reply_move.h"
#include "../../../../engine/backend/redis/call/request.h"
#include "../../../../engine/layout/geometry.h"
#undef export
}

namespace inside
{

struct ReplyFree {
    void operator()(redisReply *reply) const
    {
        freeReplyObject(reply);
    }
};
using Reply = std::unique_ptr<redisReply, ReplyFree>;

inline Reply reply(const std::string &wire)
{
    std::unique_ptr<redisReader, void (*)(redisReader *)> reader(redisReaderCreate(),
                                                                 redisReaderFree);
    void *parsed = nullptr;
    if (redisReaderFeed(reader.get(), wire.data(), wire.size()) != REDIS_OK ||
        redisReaderGetReply(reader.get(), &parsed) != REDIS_OK || parsed == nullptr) {
        throw std::runtime_error("no whole reply: " + wire);
    }
    return Reply(static_cast<redisReply *>(parsed));
}

inline std::string bulk(const std::string &bytes)
{
    return "$" + std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n";
}

/* A little-endian number. */
inline std::string little(uint64_t value, unsigned bytes)
{
    std::string made;
    for (unsigned i = 0; i < bytes; i++) {
        made += static_cast<char>(value >> 8 * i);
    }
    return made;
}

inline std::string run(uint64_t id, uint32_t token, uint32_t count)
{
    return little(id, 6) + little(token, 4) + little(count, 2);
}

/* A queue that is far away: its terms, and calls on it with room for their answers. */
struct Far {
    slotq_view view = {};
    redis_terms terms = {};
    slotq_call call = {};
    store_harvest harvest = {};
    store_fault fault = {};
    std::vector<slotq_run> runs;
    std::vector<slotq_item> items;
    std::vector<uint32_t> offsets;
    std::vector<uint8_t> copies;

    explicit Far(const slotq_geometry &geometry, uint32_t room = 64)
        : runs(room), items(room), offsets(room)
    {
        view.geometry = geometry;
        geometry_lay_out(&view);
        view.bytes = nullptr;
        terms.view = &view;
        terms.key = "jobs";
        terms.key_bytes = 4;
        copies.resize(room * view.stride);
        harvest.copies = copies.data();
        harvest.offsets = offsets.data();
    }
    Far(const Far &) = delete;

    void reserve(uint32_t limit, bool may_wait = false)
    {
        slotq_core_begin(&call, SLOTQ_RESERVE, 1000);
        call.reserve = {};
        call.reserve.lease_ms = 30000;
        call.reserve.runs = runs.data();
        call.reserve.run_capacity = limit;
        call.reserve.limit = limit;
        call.reserve.may_wait = may_wait;
    }
    void look(slotq_verb verb, uint32_t capacity)
    {
        slotq_core_begin(&call, verb, 1000);
        call.look = {};
        call.look.items = items.data();
        call.look.capacity = capacity;
    }
    slotq_outcome take(const std::string &wire)
    {
        return redis_reply_take(&terms, &call, reply(wire).get(), &harvest, &fault);
    }
};

inline slotq_geometry geometry(uint16_t ring_slots, uint16_t payload_bytes, uint8_t flags = 0)
{
    slotq_geometry made = {};
    made.ring_slots = ring_slots;
    made.payload_bytes = payload_bytes;
    made.dead_slots = 10;
    made.tick_ms = 100;
    made.generation = 1;
    made.groups = 2;
    made.flags = flags;
    made.max_attempts = 3;
    return made;
}

} // namespace inside
#endif
