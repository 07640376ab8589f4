/* place.c: see place.h.
 */
#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "create.h"
#include "list.h"
#include "remove.h"
#include "value.h"

typedef struct file_place {
    shards_place base;
    file_options options;
    char folder[]; /* with a 0 at its end */
} file_place;

static const file_place *place_of(const shards_place *base)
{
    return (const file_place *)(const void *)base;
}

static slotq_outcome place_read(shards_place *base, const char *name, uint8_t *bytes, uint32_t room,
                                uint64_t *size, store_fault *fault)
{
    return file_value_read(place_of(base)->folder, name, bytes, room, size, fault);
}

static slotq_outcome place_change(shards_place *base, const char *name, shards_value old,
                                  shards_value next, store_fault *fault)
{
    return file_value_change(place_of(base)->folder, name, old, next, fault);
}

static slotq_outcome place_create(shards_place *base, const char *key,
                                  const slotq_geometry *geometry, store_fault *fault)
{
    return file_create(place_of(base)->folder, key, geometry, fault);
}

static slotq_outcome place_open(shards_place *base, const char *key, store **opened,
                                store_fault *fault)
{
    const file_place *self = place_of(base);
    return file_open(self->folder, key, &self->options, opened, fault);
}

static slotq_outcome place_remove(shards_place *base, const char *key, uint32_t set, uint16_t shard,
                                  bool if_finished, store_fault *fault)
{
    return file_remove_shard(place_of(base)->folder, key, set, shard, if_finished, fault);
}

static slotq_outcome place_list(shards_place *base, bool (*visit)(void *context, const char *key),
                                void *context, store_fault *fault)
{
    return file_names_list(place_of(base)->folder, visit, context, fault);
}

static void place_node(shards_place *base, const char *key, char text[SHARDS_NODE_BYTES])
{
    (void)base;
    (void)key;
    text[0] = '\0';
}

static slotq_outcome place_clone(shards_place *base, shards_place **other, store_fault *fault)
{
    const file_place *self = place_of(base);
    return file_place_open(self->folder, &self->options, other, fault);
}

static void place_close(shards_place *base)
{
    free(base);
}

slotq_outcome file_place_open(const char *folder, const file_options *options,
                              shards_place **opened, store_fault *fault)
{
    static const shards_place_ops ops = {
        .read = place_read,
        .change = place_change,
        .create = place_create,
        .open = place_open,
        .remove = place_remove,
        .list = place_list,
        .node = place_node,
        .clone = place_clone,
        .close = place_close,
    };
    const size_t bytes = strlen(folder) + 1;
    file_place *made = calloc(1, sizeof *made + bytes);
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a place of %zu bytes",
                         sizeof *made + bytes);
    }
    made->base.ops = &ops;
    made->options = *options;
    memcpy(made->folder, folder, bytes);
    *opened = &made->base;
    return SLOTQ_OK;
}
