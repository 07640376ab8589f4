/* mirror.hpp: a sharded queue, and for each of its shards a queue that is alone, in the same state:
 * each call that a shard gets is made there too. Knows no verb.
 */
#ifndef TESTS_SHARDS_MIRROR_HPP
#define TESTS_SHARDS_MIRROR_HPP

#include "sharded.hpp"

namespace sharded_store
{

enum { SHARDS = 4, GROUPS = 2, KEYS = 48, NOTES = 20 };

using Text = std::string;

struct Seen {
    uint64_t id;
    uint32_t token;
    Text payload, note;
    uint64_t pushed_ms, died_at_ms, due_ms;
    uint32_t state, attempts, group, reason, damaged;

    bool operator==(const Seen &other) const
    {
        return std::tie(id, token, payload, note, pushed_ms, died_at_ms, due_ms, state, attempts,
                        group, reason, damaged) ==
               std::tie(other.id, other.token, other.payload, other.note, other.pushed_ms,
                        other.died_at_ms, other.due_ms, other.state, other.attempts, other.group,
                        other.reason, other.damaged);
    }
};

inline std::vector<Seen> read(slotq_batch *batch)
{
    std::vector<Seen> all;
    slotq_message m;
    while (slotq_batch_next(batch, &m)) {
        all.push_back({m.id, m.token, Text(static_cast<const char *>(m.payload), m.payload_bytes),
                       Text(static_cast<const char *>(m.note), m.note_bytes), m.pushed_ms,
                       m.died_at_ms, m.due_ms, static_cast<uint32_t>(m.state), m.attempts, m.group,
                       m.reason, m.damaged});
    }
    return all;
}

/* What the whole asked its shards, in order: those that refused are asked alone as well, since a
 * refused call may have swept or promoted something. */
struct Asked {
    uint32_t shard;
    slotq_verb verb;
    slotq_outcome outcome;
};
inline std::vector<Asked> asked;
inline std::map<const store *, std::pair<uint32_t, const store_ops *>> watched;

inline slotq_outcome ask(store *self, slotq_call *call, store_harvest *harvest, store_fault *fault)
{
    const auto &entry = watched.at(self);
    const slotq_outcome outcome = entry.second->call(self, call, harvest, fault);
    asked.push_back({entry.first, call->verb, outcome});
    return outcome;
}

inline void watch(store *shard, uint32_t number, store_ops *ops)
{
    watched[shard] = {number, shard->ops};
    *ops = *shard->ops;
    ops->call = ask;
    shard->ops = ops;
}

/* All shards differ in all sizes that resize can change. */
inline slotq_geometry uneven(uint32_t shard, bool keyed)
{
    slotq_geometry geometry = geometry_of(shard);
    geometry.ring_slots = static_cast<uint16_t>(7 + 3 * shard);
    geometry.payload_bytes = static_cast<uint16_t>(12 + 5 * ((shard + 1) % SHARDS));
    geometry.note_bytes = static_cast<uint8_t>(shard == 1 ? 0 : 6 * shard);
    geometry.later_slots = static_cast<uint16_t>(2 + shard);
    geometry.dead_slots = static_cast<uint16_t>(6 - shard);
    geometry.aside_slots = static_cast<uint8_t>(keyed ? shard : 0);
    geometry.groups = GROUPS;
    geometry.max_attempts = 3;
    geometry.flags = static_cast<uint8_t>(SLOTQ_FLAG_STAMPS | (keyed ? SLOTQ_FLAG_KEYS : 0));
    return geometry;
}

class Mirror
{
public:
    Mirror(uint32_t seed, bool keyed, bool files) : random_(seed), keyed_(keyed), made_(files)
    {
        for (uint32_t i = 0; i < SHARDS; i++) {
            slotq_geometry geometry = uneven(i, keyed);
            made_.add(geometry);
            watch(made_.shards.back(), i, &ops_[i]);
            geometry.set = 0;
            geometry.shard = 0;
            slotq_options options = {};
            options.clock_ms = read_clock;
            options.clock_context = &made_.now_ms;
            slotq *alone = nullptr;
            slotq_error error = {};
            REQUIRE(slotq_create_memory(&geometry, &options, &alone, &error) == SLOTQ_OK);
            alone_.emplace_back(alone);
        }
        made_.descriptor->flags = keyed ? SHARDS_FLAG_KEYED : 0;
        whole_ = made_.open();
        while (keys_.size() < KEYS) {
            keys_.push_back((uint64_t{random_()} << 32 | random_()) | 1);
        }
    }

protected:
    std::mt19937 random_;
    bool keyed_;
    store_ops ops_[SHARDS] = {};
    Sharded made_;
    std::vector<Handle> alone_;
    slotq *whole_ = nullptr;
    std::vector<uint64_t> ids_{shards_id_of(0, 1)}, later_ids_{shards_id_of(0, 1)}, keys_;
    std::vector<slotq_run> held_[GROUPS];

    uint32_t below(size_t count)
    {
        return static_cast<uint32_t>(random_() % count);
    }
    slotq *of(uint64_t id)
    {
        return alone_[shard_of(id)].get();
    }
    uint64_t low(uint64_t id) const
    {
        return id & ((UINT64_C(1) << 48) - 1);
    }
    uint64_t any_id()
    {
        return below(20) == 0 ? shards_id_of(below(SHARDS), 1 + below(3000))
                              : ids_[ids_.size() - 1 - below(std::min<size_t>(ids_.size(), 40))];
    }
    uint64_t any_later_id()
    {
        return later_ids_[later_ids_.size() - 1 - below(std::min<size_t>(later_ids_.size(), 16))];
    }

    /* Some messages, which fit into every shard. */
    std::vector<Text> texts(uint32_t most)
    {
        std::vector<Text> made(1 + below(most));
        for (Text &text : made) {
            text = Text(below(13), static_cast<char>('a' + below(26)));
        }
        return made;
    }
    std::vector<slotq_data> data_of(const std::vector<Text> &texts) const
    {
        std::vector<slotq_data> data;
        for (const Text &text : texts) {
            data.push_back({text.data(), static_cast<uint32_t>(text.size())});
        }
        return data;
    }
};

} // namespace sharded_store
#endif
