/* fuzz_check.c: opening and checking arbitrary bytes ends, stays inside them, writes nothing, and
 * says where and why when it refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

/* The value at the name of a sharded queue, which no verb may take for a queue (SHARDS.md, 11). */
static bool begins_descriptor(const uint8_t *image, size_t size)
{
    static const uint8_t descriptor[12] = {0, 0, 0, 0, 0, 0, 0, 0, 'S', 'L', 'Q', 'S'};
    return size >= sizeof descriptor && memcmp(image, descriptor, sizeof descriptor) == 0;
}

static void try_image(const uint8_t *image, size_t size)
{
    slotq_view view;
    slotq_damage damage;
    slotq_damage again;
    const slotq_outcome opened = slotq_core_open(&view, image, size, &damage);
    if (opened != SLOTQ_OK) {
        require(opened == SLOTQ_CORRUPT || opened == SLOTQ_VERSION || opened == SLOTQ_SHARDED);
        require((opened == SLOTQ_SHARDED) == begins_descriptor(image, size));
        require(damage.what != NULL && damage.offset <= size);
        return;
    }
    const slotq_outcome checked = slotq_core_check(&view, &damage);
    require(checked == SLOTQ_OK || checked == SLOTQ_CORRUPT);
    require((checked == SLOTQ_OK) == (damage.what == NULL));
    require(checked == SLOTQ_OK || damage.offset < size);
    require(slotq_core_check(&view, &again) == checked);
    require(again.what == damage.what && again.offset == damage.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t image_bytes;
    uint8_t *image = overlay_image(data, size, &image_bytes);
    if (image == NULL) {
        return 0;
    }
    uint8_t *before = malloc(image_bytes > 0 ? image_bytes : 1);
    require(before != NULL);
    memcpy(before, image, image_bytes);
    try_image(image, image_bytes);
    require(memcmp(before, image, image_bytes) == 0);
    free(before);
    free(image);
    return 0;
}
