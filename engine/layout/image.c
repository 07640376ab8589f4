/* image.c: creates and opens an image: magic, version, geometry, size, ranges of the front.
 */
#include "assert.h"
#include "bytes.h"
#include "checksum.h"
#include "descriptor.h"
#include "fields.h"
#include "front.h"
#include "geometry.h"
#include "memory.h"

uint32_t slotq_core_image_bytes(const slotq_geometry *geometry, const char **what)
{
    uint32_t offset;
    const char *fault = geometry_fault(geometry, &offset);
    if (what != NULL) {
        *what = fault;
    }
    return fault == NULL ? (uint32_t)geometry_total(geometry) : 0;
}

slotq_outcome slotq_core_create(uint8_t *bytes, uint32_t size, const slotq_geometry *geometry)
{
    uint32_t offset;
    if (geometry_fault(geometry, &offset) != NULL || size != geometry_total(geometry)) {
        return SLOTQ_INVALID;
    }
    const group_block fresh = {.sweep = SWEEP_NONE, .due = DUE_NONE, .due_next = DUE_NONE};
    for (uint32_t group = 0; group < geometry->groups; group++) {
        codec_store_group(bytes + group_offset(group), &fresh);
    }
    store_u48(bytes + AT_shared_later_due_ms, DUE_NONE);
    geometry_store(bytes, geometry); /* last: an image without the magic is not a queue */
    return SLOTQ_OK;
}

static slotq_outcome refuse(slotq_damage *damage, slotq_outcome outcome, uint64_t offset,
                            const char *what)
{
    damage->offset = offset;
    damage->what = what;
    return outcome;
}

/* The bytes that this version does not use are 0. */
static bool is_without_reserved(const uint8_t *front, uint32_t *offset)
{
    *offset = AT_geometry_reserved_38;
    while (*offset < AT_geometry_geometry_check && front[*offset] == 0) {
        (*offset)++;
    }
    return *offset == AT_geometry_geometry_check;
}

/* Everything that is fixed at creation: bytes 8 to 43 and the size. */
slotq_outcome slotq_core_open_geometry(slotq_view *view, const uint8_t *bytes, uint64_t size,
                                       slotq_damage *damage)
{
    view->bytes = bytes;
    damage->what = NULL;
    damage->offset = 0;
    if (bytes_begin_descriptor(bytes, size)) { /* it may be shorter than a queue */
        return refuse(damage, SLOTQ_SHARDED, AT_geometry_magic, "a sharded queue's descriptor");
    }
    if (size < SLOTQ_IMAGE_BYTES_MIN) {
        return refuse(damage, SLOTQ_CORRUPT, size, "shorter than the smallest queue");
    }
    /* a copy: the checked value is the value that is used */
    uint8_t front[GROUPS_OFFSET];
    memcpy(front, bytes, sizeof front);
    const uint32_t magic = load_u32(front + AT_geometry_magic);
    if ((magic & MAGIC_FAMILY_MASK) != (MAGIC_VERSION_1 & MAGIC_FAMILY_MASK)) {
        return refuse(damage, SLOTQ_CORRUPT, AT_geometry_magic,
                      "not a slotq: the magic is not SLQ1");
    }
    if (magic != MAGIC_VERSION_1) {
        return refuse(damage, SLOTQ_VERSION, AT_geometry_magic + 3,
                      "another format version: this build reads version 1");
    }
    if (load_u32(front + AT_geometry_geometry_check) !=
        checksum_xxh32(front + GEOMETRY_CHECK_FROM, GEOMETRY_CHECK_BYTES)) {
        return refuse(damage, SLOTQ_CORRUPT, AT_geometry_geometry_check,
                      "geometry_check is not that of bytes 8 to 39");
    }
    slotq_geometry *geometry = &view->geometry;
    geometry_load(geometry, front);
    uint32_t offset;
    const char *fault = geometry_fault(geometry, &offset);
    if (fault != NULL) {
        return refuse(damage, SLOTQ_CORRUPT, offset, fault);
    }
    if (!is_without_reserved(front, &offset)) {
        return refuse(damage, SLOTQ_CORRUPT, offset, "a reserved byte of the geometry is not 0");
    }
    const uint64_t total = geometry_total(geometry);
    if (size != total) {
        return refuse(damage, SLOTQ_CORRUPT, size < total ? size : total,
                      size < total ? "the bytes end before the geometry's size"
                                   : "bytes follow after the geometry's size");
    }
    geometry_lay_out(view);
    return SLOTQ_OK;
}

slotq_outcome slotq_core_open(slotq_view *view, const uint8_t *bytes, uint64_t size,
                              slotq_damage *damage)
{
    const slotq_outcome outcome = slotq_core_open_geometry(view, bytes, size, damage);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    front_block front;
    if (!front_load(view, &front, damage)) {
        return SLOTQ_CORRUPT;
    }
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        group_block block;
        limit_block limit;
        if (!front_load_group(view, &front, group, &block, damage) ||
            !front_load_limit(view, group, &limit, damage)) {
            return SLOTQ_CORRUPT;
        }
    }
    return SLOTQ_OK;
}
