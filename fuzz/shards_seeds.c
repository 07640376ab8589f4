/* shards_seeds.c: see shards_seeds.h.
 */
#include "shards_seeds.h"

#include <string.h>

#include "../engine/backend/shards/names.h"

#define SEED(bytes)                                                                                \
    {                                                                                              \
        bytes, sizeof bytes - 1                                                                    \
    }

static const struct {
    const char *bytes;
    size_t size;
} texts[] = {
    SEED("jobs{0.0}"),
    SEED("jobs{1023.6c3}"),
    SEED("\4jobs{7.zz}"),
    SEED("0-1"),
    SEED("3-1042"),
    SEED("1023-140737488355327"),
    SEED("03-1"),
    SEED("3-"),
    SEED("\22\4\0\0\0\0\4\0\0\4"), /* an id as a number, and how many shards there are */
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

/* The flags say which, and the states come in turn. */
static size_t descriptor_seed(uint8_t flags, uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX])
{
    static shards_descriptor descriptor = {.revision = 3, .set = 7, .count = 4, .groups = 2};
    const bool keyed = (flags & SHARDS_FLAG_KEYED) != 0;
    descriptor.flags = flags;
    for (uint32_t i = 0; i < descriptor.count; i++) {
        shards_entry *entry = &descriptor.entries[i];
        entry->state = keyed ? SHARDS_OPEN : (shards_state)((i + flags) % 4);
        entry->k = SHARDS_K_MAX - i * 1000;
        entry->x = 0;
        if (entry->state == SHARDS_OPEN) {
            entry->from_ms = 1700000000000;
        } else if (entry->state == SHARDS_GONE) {
            entry->last_id = 1042;
        }
    }
    return shards_descriptor_write(&descriptor, bytes);
}

size_t shards_seed(unsigned index, uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX])
{
    if (index < TEXTS) {
        memcpy(bytes, texts[index].bytes, texts[index].size);
        return texts[index].size;
    }
    return index - TEXTS <= SHARDS_FLAGS_ALL ? descriptor_seed((uint8_t)(index - TEXTS), bytes) : 0;
}
