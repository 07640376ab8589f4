/* geometry.c: ranges, section offsets and bytes of the geometry (FORMAT.md, "Geometry").
 */
#include "geometry.h"

#include "assert.h"
#include "checksum.h"
#include "codec.h"
#include "memory.h"

uint32_t geometry_stride(const slotq_geometry *geometry)
{
    uint32_t stride = LENGTH_BYTES + (uint32_t)geometry->payload_bytes;
    if (geometry->flags & SLOTQ_FLAG_STAMPS) {
        stride += STAMP_BYTES;
    }
    if (geometry->flags & SLOTQ_FLAG_CHECKS) {
        stride += CHECK_BYTES;
    }
    return stride;
}

enum section {
    SECTION_STATES,
    SECTION_KEYS,
    SECTION_BUCKETS,
    SECTION_RING,
    SECTION_LATER_INDEX,
    SECTION_LATER_KEYS,
    SECTION_LATER_SLOTS,
    SECTION_ASIDE_INDEX,
    SECTION_ASIDE_WORDS,
    SECTION_ASIDE_KEYS,
    SECTION_ASIDE_SLOTS,
    SECTION_DEAD,
    SECTION_PLACES,
    SECTION_COUNT
};

/* Bytes of the sections in their order. */
static void section_sizes(const slotq_geometry *geometry, uint64_t sizes[SECTION_COUNT])
{
    const uint64_t stride = geometry_stride(geometry);
    const uint64_t slots = geometry->ring_slots;
    const uint64_t later = geometry->later_slots;
    const uint64_t aside = geometry->aside_slots;
    const uint64_t keys = geometry->flags & SLOTQ_FLAG_KEYS ? 1 : 0;
    sizes[SECTION_STATES] = geometry->groups * slots * WORD_BYTES;
    sizes[SECTION_KEYS] = keys * slots * RING_KEY_BYTES;
    sizes[SECTION_BUCKETS] = keys * key_holders(geometry) * BUCKET_BYTES;
    sizes[SECTION_RING] = slots * stride;
    sizes[SECTION_LATER_INDEX] = later * LATER_ENTRY_BYTES;
    sizes[SECTION_LATER_KEYS] = keys * later * LATER_KEY_BYTES;
    sizes[SECTION_LATER_SLOTS] = later * stride;
    sizes[SECTION_ASIDE_INDEX] = aside * ASIDE_ENTRY_BYTES;
    sizes[SECTION_ASIDE_WORDS] = geometry->groups * aside * WORD_BYTES;
    sizes[SECTION_ASIDE_KEYS] = keys * aside * ASIDE_KEY_BYTES;
    sizes[SECTION_ASIDE_SLOTS] = aside * stride;
    sizes[SECTION_DEAD] = geometry->dead_slots * (DEAD_ENTRY_BYTES + geometry->note_bytes + stride);
    sizes[SECTION_PLACES] =
        geometry->places > 0
            ? (geometry->groups + UINT64_C(1)) * (ROW_HEAD_BYTES + UINT64_C(2) * geometry->places)
            : 0;
}

uint64_t geometry_total(const slotq_geometry *geometry)
{
    uint64_t sizes[SECTION_COUNT];
    section_sizes(geometry, sizes);
    uint64_t total = GROUPS_OFFSET + (uint64_t)GROUP_BYTES * geometry->groups;
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        total += sizes[i];
    }
    return total;
}

static const char *fault_at(uint32_t *offset, uint32_t at, const char *what)
{
    *offset = at;
    return what;
}

/* Which queue it is among all that may be made under its name. */
static const char *origin_fault(const slotq_geometry *geometry, uint32_t *offset)
{
    if (geometry->generation == 0) {
        return fault_at(offset, AT_geometry_generation,
                        "generation is 0: it must be a random number");
    }
    if (geometry->set == 0 && geometry->shard != 0) {
        return fault_at(offset, AT_geometry_shard, "shard is not 0, but set is 0");
    }
    if (geometry->shard >= SLOTQ_SHARDS_MAX) {
        return fault_at(offset, AT_geometry_shard, "shard is above 1023");
    }
    return NULL;
}

const char *geometry_fault(const slotq_geometry *geometry, uint32_t *offset)
{
    if (geometry->ring_slots < SLOTQ_RING_SLOTS_MIN) {
        return fault_at(offset, AT_geometry_ring_slots, "ring_slots is below 2");
    }
    if (geometry->payload_bytes < 1) {
        return fault_at(offset, AT_geometry_payload_bytes, "payload_bytes is not 1 to 65535");
    }
    if (geometry->groups < 1 || geometry->groups > SLOTQ_GROUPS_MAX) {
        return fault_at(offset, AT_geometry_groups, "groups is not 1 to 16");
    }
    if (geometry->flags & ~SLOTQ_FLAGS_ALL) {
        return fault_at(offset, AT_geometry_flags, "flags has bits above 16 (stamps)");
    }
    if (geometry->max_attempts > SLOTQ_MAX_ATTEMPTS_MAX) {
        return fault_at(offset, AT_geometry_max_attempts, "max_attempts is above 62");
    }
    if (geometry->tick_ms < 1 || geometry->tick_ms > SLOTQ_TICK_MS_MAX) {
        return fault_at(offset, AT_geometry_tick_ms, "tick_ms is not 1 to 60000");
    }
    if (geometry->aside_slots != 0 && (geometry->flags & SLOTQ_FLAG_OVERWRITE)) {
        return fault_at(offset, AT_geometry_aside_slots,
                        "aside_slots is not 0 in a queue that overwrites");
    }
    if (geometry->ring_slots + geometry->aside_slots > SLOTQ_RING_SLOTS_MAX) {
        return fault_at(offset, AT_geometry_aside_slots, "ring_slots + aside_slots is above 65535");
    }
    if ((geometry->flags & SLOTQ_FLAG_KEYS) && key_holders(geometry) > SLOTQ_RING_SLOTS_MAX) {
        return fault_at(offset, AT_geometry_later_slots,
                        "ring_slots + aside_slots + later_slots is above 65535, with keys");
    }
    if (geometry->places > 0 && (geometry->flags & SLOTQ_FLAG_OVERWRITE)) {
        return fault_at(offset, AT_geometry_places, "places is not 0 in a queue that overwrites");
    }
    const char *origin = origin_fault(geometry, offset);
    if (origin != NULL) {
        return origin;
    }
    if (geometry_total(geometry) > SLOTQ_IMAGE_BYTES_MAX) {
        return fault_at(offset, AT_geometry_ring_slots, "the queue would be larger than 512 MiB");
    }
    return NULL;
}

void geometry_lay_out(slotq_view *view)
{
    const slotq_geometry *geometry = &view->geometry;
    uint64_t sizes[SECTION_COUNT];
    uint32_t offsets[SECTION_COUNT + 1];
    SLOTQ_ASSERT(geometry_total(geometry) <= SLOTQ_IMAGE_BYTES_MAX);
    section_sizes(geometry, sizes);
    offsets[0] = GROUPS_OFFSET + (uint32_t)GROUP_BYTES * geometry->groups;
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        offsets[i + 1] = offsets[i] + (uint32_t)sizes[i];
    }
    view->image_bytes = offsets[SECTION_COUNT];
    view->stride = geometry_stride(geometry);
    view->states_offset = offsets[SECTION_STATES];
    view->keys_offset = offsets[SECTION_KEYS];
    view->buckets_offset = offsets[SECTION_BUCKETS];
    view->ring_offset = offsets[SECTION_RING];
    view->ring_end = offsets[SECTION_RING + 1];
    view->later_index_offset = offsets[SECTION_LATER_INDEX];
    view->later_keys_offset = offsets[SECTION_LATER_KEYS];
    view->later_ring_offset = offsets[SECTION_LATER_SLOTS];
    view->aside_index_offset = offsets[SECTION_ASIDE_INDEX];
    view->aside_words_offset = offsets[SECTION_ASIDE_WORDS];
    view->aside_keys_offset = offsets[SECTION_ASIDE_KEYS];
    view->aside_slots_offset = offsets[SECTION_ASIDE_SLOTS];
    view->dead_offset = offsets[SECTION_DEAD];
    SLOTQ_ASSERT(view->image_bytes == geometry_total(geometry));
}

void geometry_store(uint8_t *bytes, const slotq_geometry *geometry)
{
    const geometry_block block = {.magic = MAGIC_VERSION_1,
                                  .ring_slots = geometry->ring_slots,
                                  .payload_bytes = geometry->payload_bytes,
                                  .later_slots = geometry->later_slots,
                                  .dead_slots = geometry->dead_slots,
                                  .groups = geometry->groups,
                                  .flags = geometry->flags,
                                  .max_attempts = geometry->max_attempts,
                                  .aside_slots = geometry->aside_slots,
                                  .tick_ms = geometry->tick_ms,
                                  .places = geometry->places,
                                  .note_bytes = geometry->note_bytes,
                                  .generation = geometry->generation,
                                  .set = geometry->set,
                                  .shard = geometry->shard};
    codec_store_geometry(bytes, &block);
    store_u32(bytes + AT_geometry_geometry_check,
              checksum_xxh32(bytes + GEOMETRY_CHECK_FROM, GEOMETRY_CHECK_BYTES));
}

void geometry_load(slotq_geometry *geometry, const uint8_t *bytes)
{
    geometry_block block;
    codec_load_geometry(bytes, &block);
    memset(geometry, 0, sizeof *geometry);
    geometry->ring_slots = (uint16_t)block.ring_slots;
    geometry->payload_bytes = (uint16_t)block.payload_bytes;
    geometry->later_slots = (uint16_t)block.later_slots;
    geometry->dead_slots = (uint16_t)block.dead_slots;
    geometry->groups = (uint8_t)block.groups;
    geometry->flags = (uint8_t)block.flags;
    geometry->max_attempts = (uint8_t)block.max_attempts;
    geometry->aside_slots = (uint8_t)block.aside_slots;
    geometry->tick_ms = (uint16_t)block.tick_ms;
    geometry->places = (uint8_t)block.places;
    geometry->note_bytes = (uint8_t)block.note_bytes;
    geometry->generation = block.generation;
    geometry->set = block.set;
    geometry->shard = (uint16_t)block.shard;
}
