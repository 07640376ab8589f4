/* create.c: see commands.h. Here: making a queue. The value grows once, to its full size.
 */
#include <inttypes.h>
#include <string.h>

#include "../layout/fields.h"
#include "../layout/geometry.h"
#include "commands.h"

typedef struct geometry_words {
    uint64_t ring_slots;
    uint64_t payload_bytes;
    uint64_t later_slots;
    uint64_t dead_slots;
    uint64_t groups;
    uint64_t flags;
    uint64_t max_attempts;
    uint64_t tick_ms;
    uint64_t aside_slots;
    uint64_t places;
    uint64_t note_bytes;
    uint64_t generation;
    uint64_t set;
    uint64_t shard;
} geometry_words;

static bool read_words(module_call *call, geometry_words *words)
{
    return call_number(call, 0, "ring_slots", SLOTQ_RING_SLOTS_MIN, SLOTQ_RING_SLOTS_MAX,
                       &words->ring_slots) &&
           call_number(call, 1, "payload_bytes", 1, SLOTQ_PAYLOAD_BYTES_MAX,
                       &words->payload_bytes) &&
           call_number(call, 2, "later_slots", 0, UINT16_MAX, &words->later_slots) &&
           call_number(call, 3, "dead_slots", 0, UINT16_MAX, &words->dead_slots) &&
           call_number(call, 4, "groups", 1, SLOTQ_GROUPS_MAX, &words->groups) &&
           call_number(call, 5, "flags", 0, SLOTQ_FLAGS_ALL, &words->flags) &&
           call_number(call, 6, "max_attempts", 0, SLOTQ_MAX_ATTEMPTS_MAX, &words->max_attempts) &&
           call_number(call, 7, "tick_ms", 1, SLOTQ_TICK_MS_MAX, &words->tick_ms) &&
           call_number(call, 8, "aside_slots", 0, UINT8_MAX, &words->aside_slots) &&
           call_number(call, 9, "places", 0, SLOTQ_PLACES_MAX, &words->places) &&
           call_number(call, 10, "note_bytes", 0, SLOTQ_NOTE_BYTES_MAX, &words->note_bytes) &&
           call_number(call, 11, "generation", 1, UINT32_MAX, &words->generation) &&
           (call->count <= 12 || call_number(call, 12, "set", 0, UINT32_MAX, &words->set)) &&
           (call->count <= 13 ||
            call_number(call, 13, "shard", 0, words->set > 0 ? SLOTQ_SHARDS_MAX - 1 : 0,
                        &words->shard));
}

static slotq_geometry geometry_of(const geometry_words *words)
{
    const slotq_geometry geometry = {
        .ring_slots = (uint16_t)words->ring_slots,
        .payload_bytes = (uint16_t)words->payload_bytes,
        .later_slots = (uint16_t)words->later_slots,
        .dead_slots = (uint16_t)words->dead_slots,
        .tick_ms = (uint16_t)words->tick_ms,
        .groups = (uint8_t)words->groups,
        .flags = (uint8_t)words->flags,
        .max_attempts = (uint8_t)words->max_attempts,
        .aside_slots = (uint8_t)words->aside_slots,
        .places = (uint8_t)words->places,
        .note_bytes = (uint8_t)words->note_bytes,
        .generation = (uint32_t)words->generation,
        .set = (uint32_t)words->set,
        .shard = (uint16_t)words->shard,
    };
    return geometry;
}

/* What no single number breaks. */
static bool expect_possible(module_call *call, const slotq_geometry *geometry)
{
    const bool overwrites = geometry->flags & SLOTQ_FLAG_OVERWRITE;
    if ((geometry->flags & SLOTQ_FLAG_KEYS) && key_holders(geometry) > SLOTQ_RING_SLOTS_MAX) {
        return call_invalid(call, "ring_slots, aside_slots and later_slots must be at most 65535 "
                                  "together with keys");
    }
    if (overwrites && geometry->aside_slots > 0) {
        return call_invalid(call, "aside_slots must be 0 with overwrite");
    }
    if ((uint32_t)geometry->ring_slots + geometry->aside_slots > SLOTQ_RING_SLOTS_MAX) {
        return call_invalid(call, "ring_slots and aside_slots must be at most 65535 together");
    }
    if (geometry->places > 0 && overwrites) {
        return call_invalid(call, "places must be 0 in a queue that overwrites");
    }
    const uint64_t total = geometry_total(geometry);
    if (total > SLOTQ_IMAGE_BYTES_MAX) {
        return call_invalid(call, "the queue would have %" PRIu64 " bytes, the limit is 536870912",
                            total);
    }
    return true;
}

/* The same but for the generation, and the check that it changes. */
static bool is_alike(const uint8_t *there, const uint8_t *wanted)
{
    return memcmp(there + HEADER_BYTES, wanted + HEADER_BYTES,
                  AT_geometry_generation - HEADER_BYTES) == 0 &&
           memcmp(there + AT_geometry_set, wanted + AT_geometry_set,
                  AT_geometry_reserved_38 - AT_geometry_set) == 0;
}

static void use_there(module_call *call, const slotq_geometry *geometry)
{
    uint8_t wanted[GROUPS_OFFSET] = {0};
    if (!call_open(call)) {
        return;
    }
    geometry_store(wanted, geometry);
    if (is_alike(call->bytes, wanted)) {
        reply_status(call, SLOTQ_OK);
    } else {
        call_refuse_with(call, SLOTQ_EXISTS, ": use it, or remove it first");
    }
}

static void make(module_call *call, const slotq_geometry *geometry)
{
    const uint32_t total = (uint32_t)geometry_total(geometry);
    const uint32_t front = group_offset(geometry->groups);
    size_t size;
    if (server.StringTruncate(call->key, total) != SERVER_OK) {
        call_invalid(call, "the server refuses a value of %" PRIu32 " bytes", total);
        return;
    }
    call->bytes = (uint8_t *)(void *)server.StringDMA(call->key, &size, SERVER_READ | SERVER_WRITE);
    slotq_core_create(call->bytes, total, geometry);
    slotq_core_open_geometry(&call->view, call->bytes, total, &call->verb.damage);
    call_wrote(call, total - 1, 1); /* first, so that a replica allocates once */
    call_replicate(call);
    call_wrote(call, 0, front);
    reply_status(call, SLOTQ_OK);
}

void command_create(module_call *call)
{
    geometry_words words = {0};
    if (!read_words(call, &words)) {
        return;
    }
    const slotq_geometry geometry = geometry_of(&words);
    if (!expect_possible(call, &geometry)) {
        return;
    }
    call->key = server.OpenKey(call->context, call->key_name, SERVER_READ | SERVER_WRITE);
    const int type = server.KeyType(call->key);
    const bool empty = type == SERVER_KEY_EMPTY ||
                       (type == SERVER_KEY_STRING && server.ValueLength(call->key) == 0);
    if (empty) {
        make(call, &geometry);
        return;
    }
    server.CloseKey(call->key);
    call->key = NULL;
    use_there(call, &geometry);
}
