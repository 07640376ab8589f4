/* fuzz_header.c: what is decoded from header, geometry and group blocks, and encoded again, is
 * the same bytes; a front that breaks its ranges is refused by the decoder, with offset and text.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/layout/fields.h"
#include "../engine/layout/front.h"
#include "../engine/layout/geometry.h"
#include "overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

/* A geometry in range comes back from its bytes; a fresh image of it opens. */
static void try_geometry(const uint8_t *data)
{
    uint8_t block[GROUPS_OFFSET] = {0};
    slotq_geometry geometry;
    slotq_geometry again;
    const char *what = NULL;
    memset(&geometry, 0, sizeof geometry);
    memset(&again, 0, sizeof again);
    memcpy(block + AT_geometry_magic, data, GEOMETRY_CHECK_BYTES);
    geometry_load(&geometry, block);
    const uint32_t bytes = slotq_core_image_bytes(&geometry, &what);
    require((bytes == 0) == (what != NULL));
    if (bytes == 0 || bytes > 1 << 20) {
        return;
    }
    uint8_t *image = calloc(1, bytes);
    slotq_view view;
    slotq_damage damage;
    require(image != NULL && slotq_core_create(image, bytes, &geometry) == SLOTQ_OK);
    require(slotq_core_open(&view, image, bytes, &damage) == SLOTQ_OK);
    require(slotq_core_check(&view, &damage) == SLOTQ_OK && damage.what == NULL);
    geometry_load(&again, image);
    geometry_store(block, &again);
    require(memcmp(block + AT_geometry_magic, image + AT_geometry_magic,
                   GEOMETRY_CHECK_BYTES + BYTES_geometry_geometry_check) == 0);
    geometry_store(block, &view.geometry);
    require(memcmp(block + AT_geometry_magic, image + AT_geometry_magic, GEOMETRY_CHECK_BYTES) ==
            0);
    free(image);
}

static void try_front(const slotq_view *view)
{
    slotq_damage damage;
    front_block front;
    require(front_load(view, &front, &damage));
    require(id_low(front.last_id) == front.last_id % (UINT64_C(1) << 32));
    require(id_era(front.last_id) == front.era);
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        uint8_t bytes[GROUP_BYTES];
        group_block block = {0};
        limit_block limit = {0};
        require(front_load_group(view, &front, group, &block, &damage));
        require(front_load_limit(view, group, &limit, &damage));
        codec_store_group(bytes, &block);
        codec_store_limit(bytes, &limit);
        require(memcmp(bytes, view->bytes + group_offset(group), GROUP_BYTES) == 0);
    }
}

/* Laid out, but not opened: loading says what is wrong, within the front, and check says it too. */
static void try_bad_front(const slotq_view *view)
{
    slotq_damage damage = {0, NULL};
    slotq_damage checked = {0, NULL};
    front_block front;
    bool sound = front_load(view, &front, &damage);
    for (uint32_t group = 0; sound && group < view->geometry.groups; group++) {
        group_block block = {0};
        limit_block limit = {0};
        sound = front_load_group(view, &front, group, &block, &damage) &&
                front_load_limit(view, group, &limit, &damage);
    }
    require(!sound && damage.what != NULL);
    require(damage.offset < group_offset(view->geometry.groups));
    require(slotq_core_check(view, &checked) == SLOTQ_CORRUPT && checked.what != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= GEOMETRY_CHECK_BYTES) {
        try_geometry(data);
    }
    size_t image_bytes;
    uint8_t *image = overlay_image(data, size, &image_bytes);
    slotq_view view;
    slotq_damage damage;
    memset(&view, 0, sizeof view);
    if (image != NULL && slotq_core_open(&view, image, image_bytes, &damage) == SLOTQ_OK) {
        try_front(&view);
    } else if (image != NULL && view.image_bytes != 0) {
        try_bad_front(&view);
    }
    free(image);
    return 0;
}
