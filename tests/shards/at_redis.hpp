/* at_redis.hpp: a sharded queue on a real server or cluster, made and changed step by step by the
 * place that the library keeps it in, so that a test can stop at any step.
 */
#ifndef TESTS_SHARDS_AT_REDIS_HPP
#define TESTS_SHARDS_AT_REDIS_HPP

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

extern "C" {
/* words of C that C++ has too, and one of C++ that a member of the contract of stores is named */
#define _Alignas alignas
#define _Static_assert static_assert
#define export export_
#include "backend/redis/place.h"
#include "backend/shards/ids.h"
#include "backend/shards/inside.h"
#include "queue/handle.h"
#undef export
#undef _Static_assert
#undef _Alignas
}

namespace at_redis
{

enum { SET = 4711, RING_SLOTS = 33 };

inline slotq_geometry geometry_of(uint32_t set, uint32_t shard)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    geometry.ring_slots = RING_SLOTS;
    geometry.payload_bytes = 32;
    geometry.generation = 100 + set + shard;
    geometry.set = set;
    geometry.shard = static_cast<uint16_t>(shard);
    return geometry;
}

class Place
{
public:
    explicit Place(const std::string &url, uint32_t replicas = 0)
    {
        redis_route route = {};
        slotq_redis_options redis = {};
        redis.wait_replicas = replicas;
        redis.reconnect_ms = 120000;
        slotq_options options = {};
        options.redis = &redis;
        slotq_outcome outcome = redis_route_parse(url.c_str(), &options, &route, &fault);
        const redis_settings settings = redis_settings_of(&options, &route.address);
        if (outcome == SLOTQ_OK) {
            outcome = redis_place_open(&route, &settings, &place_, &fault);
        }
        redis_route_free(&route);
        INFO(fault.text);
        REQUIRE(outcome == SLOTQ_OK);
    }
    ~Place()
    {
        place_->ops->close(place_);
    }
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;

    shards_place *get() const
    {
        return place_;
    }
    slotq_outcome read(const std::string &name, std::vector<uint8_t> *bytes)
    {
        uint64_t size = 0;
        bytes->resize(SHARDS_DESCRIPTOR_BYTES_MAX);
        const slotq_outcome outcome = place_->ops->read(place_, name.c_str(), bytes->data(),
                                                        SHARDS_DESCRIPTOR_BYTES_MAX, &size, &fault);
        bytes->resize(outcome == SLOTQ_OK ? size : 0);
        return outcome;
    }
    slotq_outcome change(const std::string &name, const std::vector<uint8_t> &old,
                         const std::vector<uint8_t> &next)
    {
        return place_->ops->change(place_, name.c_str(), value_of(old), value_of(next), &fault);
    }
    slotq_outcome create(const std::string &key, const slotq_geometry &geometry)
    {
        return place_->ops->create(place_, key.c_str(), &geometry, &fault);
    }
    slotq_outcome remove(const std::string &key, uint32_t set, uint32_t shard, bool if_finished)
    {
        return place_->ops->remove(place_, key.c_str(), set, static_cast<uint16_t>(shard),
                                   if_finished, &fault);
    }
    std::string node(const std::string &key)
    {
        char text[SHARDS_NODE_BYTES];
        place_->ops->node(place_, key.c_str(), text);
        return text;
    }
    std::vector<std::string> list()
    {
        std::vector<std::string> keys;
        const auto visit = [](void *context, const char *key) {
            static_cast<std::vector<std::string> *>(context)->push_back(key);
            return true;
        };
        CHECK(place_->ops->list(place_, visit, &keys, &fault) == SLOTQ_OK);
        return keys;
    }

    store_fault fault = {};

private:
    static shards_value value_of(const std::vector<uint8_t> &bytes)
    {
        return {bytes.empty() ? nullptr : bytes.data(), static_cast<uint32_t>(bytes.size())};
    }
    shards_place *place_ = nullptr;
};

inline std::vector<uint8_t> bytes_of(const shards_descriptor &descriptor)
{
    std::vector<uint8_t> bytes(SHARDS_DESCRIPTOR_BYTES_MAX);
    bytes.resize(shards_descriptor_write(&descriptor, bytes.data()));
    return bytes;
}

/* The sharded queue "q", whose descriptor is changed as rules 15 to 19 say, a step each. */
class Sharded
{
public:
    Sharded(const std::string &url, uint32_t count, uint32_t set = SET, uint32_t replicas = 0)
        : place(url, replicas)
    {
        now->revision = 1;
        now->set = set;
        now->groups = 1;
        for (uint32_t i = 0; i < count; i++) {
            append(SHARDS_OPEN);
            make(i);
        }
        REQUIRE(place.change("q", {}, bytes_of(*now)) == SLOTQ_OK);
    }
    void append(shards_state state)
    {
        const uint32_t i = now->count++;
        now->entries[i].state = state;
        now->entries[i].k = shards_find_k("q", 1, i);
        now->entries[i].x = 0;
    }
    std::string key(uint32_t shard) const
    {
        shards_key key;
        shards_key_make(&key, "q", 1, shard, now->entries[shard].k);
        return key.text;
    }
    void make(uint32_t shard)
    {
        const slotq_outcome made = place.create(key(shard), geometry_of(now->set, shard));
        INFO(place.fault.text);
        REQUIRE(made == SLOTQ_OK);
    }
    void write() /* the next revision */
    {
        std::vector<uint8_t> old;
        REQUIRE(place.read("q", &old) == SLOTQ_OK);
        now->revision++;
        const slotq_outcome changed = place.change("q", old, bytes_of(*now));
        INFO(place.fault.text);
        REQUIRE(changed == SLOTQ_OK);
    }
    void add(uint64_t from_ms = 0) /* producers use it from then on; rule 16: in 15 s */
    {
        append(SHARDS_MAKING);
        write();
        make(now->count - 1u);
        now->entries[now->count - 1u].state = SHARDS_OPEN;
        now->entries[now->count - 1u].from_ms = from_ms;
        write();
    }

    Place place;
    std::unique_ptr<shards_descriptor> now = std::make_unique<shards_descriptor>();
};

inline shards_store *inside(slotq *queue)
{
    return shards_store_of(queue->store);
}

inline void make_due(slotq *queue) /* the next call reads the descriptor */
{
    inside(queue)->source.look_ms = 0;
    inside(queue)->source.doubt_ms = 0;
}

} // namespace at_redis
#endif
