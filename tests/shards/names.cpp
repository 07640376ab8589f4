/* names.cpp: see names.hpp. */
#include "names.hpp"

extern "C" {
#include "backend/key_slot.h"
#include "layout/bytes.h"
#include "layout/checksum.h"
}

namespace shards
{

namespace
{

enum { WITHIN = 8, HEAD_BYTES = 32, ENTRY_BYTES = 12, CHECK_AT = 24 };

std::string in_base_36(uint32_t number)
{
    std::string text;
    do {
        text.insert(text.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
        number /= 36;
    } while (number > 0);
    return text;
}

uint32_t reverse_14(uint32_t number)
{
    uint32_t reversed = 0;
    for (uint32_t i = 0; i < 14; i++) {
        reversed |= (number >> i & 1) << (13 - i);
    }
    return reversed;
}

} // namespace

uint32_t slot_of(const std::string &key)
{
    return key_slot_of(key.data(), key.size());
}

uint32_t target_of(const std::string &name, uint32_t shard)
{
    return (slot_of(name) + reverse_14(shard)) % slots;
}

std::string key_of(const std::string &name, uint32_t shard, uint32_t k)
{
    return name + "{" + std::to_string(shard) + "." + in_base_36(k) + "}";
}

uint32_t k_of(const std::string &name, uint32_t shard)
{
    const uint32_t target = target_of(name, shard);
    for (uint32_t k = 0; k <= k_max; k++) {
        const uint32_t off = (slot_of(key_of("", shard, k)) + slots - target) % slots;
        if (off <= WITHIN || off >= slots - WITHIN) {
            return k;
        }
    }
    return UINT32_MAX;
}

uint64_t id_of(uint32_t shard, uint64_t id)
{
    return (static_cast<uint64_t>(shard) + 1) << 48 | id;
}

uint32_t route_of(uint64_t key, uint32_t entries)
{
    return static_cast<uint32_t>((key >> 32) * entries >> 32);
}

std::vector<uint8_t> bytes_of(const Descriptor &descriptor)
{
    std::vector<uint8_t> bytes(HEAD_BYTES + ENTRY_BYTES * descriptor.entries.size());
    store_u32(&bytes[8], 0x53514C53u); /* SLQS */
    store_u32(&bytes[12], descriptor.revision);
    store_u32(&bytes[16], descriptor.set);
    store_u16(&bytes[20], static_cast<uint16_t>(descriptor.entries.size()));
    bytes[22] = descriptor.groups;
    bytes[23] = descriptor.flags;
    for (size_t i = 0; i < descriptor.entries.size(); i++) {
        uint8_t *at = &bytes[HEAD_BYTES + ENTRY_BYTES * i];
        at[0] = descriptor.entries[i].state;
        store_u32(at + 2, descriptor.entries[i].k);
        store_u48(at + 6, descriptor.entries[i].x);
    }
    store_u32(&bytes[CHECK_AT], checksum_xxh32(bytes.data(), static_cast<uint32_t>(bytes.size())));
    return bytes;
}

} // namespace shards
