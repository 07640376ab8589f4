/* names.hpp: names, ids, routes and descriptors of a sharded queue, by the rules of SHARDS.md,
 * written apart from the library, which is held against it. Knows no server and no queue.
 */
#ifndef TESTS_SHARDS_NAMES_HPP
#define TESTS_SHARDS_NAMES_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace shards
{

constexpr uint32_t shards_max = 1024, slots = 16384, k_max = 8211;

uint32_t slot_of(const std::string &key);

/* Where shard i is to be on the ring of slots (rule 2). */
uint32_t target_of(const std::string &name, uint32_t shard);
/* The number in its tag, and its key. */
uint32_t k_of(const std::string &name, uint32_t shard);
std::string key_of(const std::string &name, uint32_t shard, uint32_t k);

uint64_t id_of(uint32_t shard, uint64_t id);

/* The shard of a key of a message (rule 26). */
uint32_t route_of(uint64_t key, uint32_t entries);

struct Entry {
    uint8_t state = 0; /* 0 open, 1 draining, 2 gone, 3 making */
    uint32_t k = 0;
    uint64_t x = 0;
};

struct Descriptor {
    uint32_t revision = 1, set = 1;
    uint8_t groups = 1, flags = 0;
    std::vector<Entry> entries;
};

std::vector<uint8_t> bytes_of(const Descriptor &descriptor);

} // namespace shards
#endif
