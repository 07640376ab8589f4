/* sharded.hpp: a sharded queue over real shards in memory or in files, for tests, worked with by
 * the calls of slotq.h. No public call opens one yet, so the handle is made here.
 */
#ifndef TESTS_SHARDS_SHARDED_HPP
#define TESTS_SHARDS_SHARDED_HPP

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "any_queue.hpp"
#include "catch.hpp"

extern "C" {
#define export export_ /* a word of C++; the contract of stores has a member of that name */
#include "backend/file/create.h"
#include "backend/file/store.h"
#include "backend/memory/store.h"
#include "backend/shards/ids.h"
#include "backend/shards/routing.h"
#include "backend/shards/store.h"
#include "queue/handle.h"
#undef export
}
#include "slotq_clone.h"
#include "slotq_keys.h"
#include "slotq_pause.h"

namespace sharded_store
{

enum { SET = 77, CAPACITY = 8 };

struct Closer {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, Closer>;

inline uint64_t read_clock(void *context)
{
    return *static_cast<uint64_t *>(context);
}

inline slotq_geometry geometry_of(uint32_t shard)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    geometry.ring_slots = CAPACITY + 1;
    geometry.payload_bytes = 16;
    geometry.dead_slots = 4;
    geometry.aside_slots = 0;
    geometry.generation = 1000 + shard;
    geometry.set = SET;
    geometry.shard = static_cast<uint16_t>(shard);
    return geometry;
}

/* A sharded queue of so many open shards. */
struct Sharded {
    bool in_files;
    any_queue::Folder folder;
    std::unique_ptr<shards_descriptor> descriptor = std::make_unique<shards_descriptor>();
    std::vector<store *> shards;
    store_fault fault = {};
    uint64_t now_ms = 1700000000000;
    Handle handle;

    explicit Sharded(bool files) : in_files(files)
    {
    }
    ~Sharded()
    {
        for (store *shard : shards) { /* those that no handle has taken */
            if (shard != nullptr) {
                shard->ops->close(shard);
            }
        }
    }

    void add(const slotq_geometry &geometry, shards_state state = SHARDS_OPEN, uint64_t x = 0)
    {
        descriptor->revision = 1;
        descriptor->set = SET;
        descriptor->groups = geometry.groups;
        shards_entry &entry = descriptor->entries[descriptor->count++];
        entry.state = state;
        entry.k = 1;
        entry.x = x;
        store *made = nullptr;
        if (state == SHARDS_GONE || state == SHARDS_MAKING) {
            shards.push_back(nullptr);
            return;
        }
        if (in_files) {
            const std::string name = "q{" + std::to_string(descriptor->count - 1) + ".1}";
            const file_options options = {};
            REQUIRE(file_create(folder.path(), name.c_str(), &geometry, &fault) == SLOTQ_OK);
            REQUIRE(file_open(folder.path(), name.c_str(), &options, &made, &fault) == SLOTQ_OK);
        } else {
            REQUIRE(memory_create(&geometry, &made, &fault) == SLOTQ_OK);
        }
        shards.push_back(made);
    }

    slotq_outcome open_store(store **opened)
    {
        return shards_open(descriptor.get(), shards.data(), opened, &fault);
    }

    slotq *open(uint32_t poll_ms = 1000, uint64_t (*clock)(void *) = read_clock)
    {
        slotq_options options = {};
        options.clock_ms = clock;
        options.poll_ms = poll_ms;
        options.clock_context = &now_ms;
        slotq *made = queue_handle_new(&options, 1000);
        store *opened = nullptr;
        slotq *queue = nullptr;
        slotq_error error = {};
        const slotq_outcome outcome =
            shards_open(descriptor.get(), shards.data(), &opened, &made->fault);
        shards.clear();
        REQUIRE(queue_handle_finish(made, outcome, opened, &queue, &error) == SLOTQ_OK);
        handle.reset(queue);
        return queue;
    }
};

inline std::unique_ptr<Sharded> sharded(bool in_files, uint32_t count)
{
    auto made = std::make_unique<Sharded>(in_files);
    for (uint32_t i = 0; i < count; i++) {
        made->add(geometry_of(i));
    }
    return made;
}

inline slotq_outcome push(slotq *queue, const std::string &payload, uint64_t *id = nullptr)
{
    const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
    uint64_t first = 0;
    return slotq_push(queue, &data, 1, id != nullptr ? id : &first);
}

inline uint32_t shard_of(uint64_t id)
{
    return static_cast<uint32_t>(id >> 48) - 1;
}

inline std::vector<any_queue::Message> reserve(slotq *queue, uint32_t limit)
{
    const any_queue::Batch batch = any_queue::batch();
    const slotq_outcome outcome = slotq_reserve(queue, 0, limit, 30000, 0, batch.get());
    if (outcome != SLOTQ_OK) {
        CHECK(outcome == SLOTQ_EMPTY);
        return {};
    }
    return any_queue::messages(batch.get());
}

inline slotq_stats stats_of(slotq *queue)
{
    slotq_stats stats;
    REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    return stats;
}

inline std::string text_of(slotq *queue)
{
    return slotq_error_of(queue)->text;
}

/* Push until all shards are full. */
inline std::vector<uint64_t> fill(slotq *queue, uint32_t shards)
{
    std::vector<uint64_t> ids(shards * CAPACITY);
    for (uint32_t i = 0; i < ids.size(); i++) {
        REQUIRE(push(queue, std::to_string(i), &ids[i]) == SLOTQ_OK);
    }
    REQUIRE(push(queue, "more") == SLOTQ_FULL);
    return ids;
}

} // namespace sharded_store
#endif
