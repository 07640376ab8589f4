/* opening.c: see opening.h.
 */
#include "opening.h"

#include <string.h>

#include "../system/monotonic.h"
#include "inside.h"
#include "store.h"

static void close_all(store **shards, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (shards[i] != NULL) {
            shards[i]->ops->close(shards[i]);
            shards[i] = NULL;
        }
    }
}

/* Each that has a queue; *trouble is the fault of one that is missing. */
static slotq_outcome open_each(shards_place *place, const char *name,
                               const shards_descriptor *descriptor, store **shards,
                               store_fault *trouble, store_fault *fault)
{
    for (uint32_t i = 0; i < descriptor->count; i++) {
        const slotq_outcome outcome =
            shards_view_open_one(place, name, descriptor, i, &shards[i], fault);
        if (outcome == SLOTQ_NOQUEUE) {
            *trouble = *fault;
        } else if (outcome != SLOTQ_OK) {
            close_all(shards, descriptor->count);
            return outcome;
        }
    }
    return SLOTQ_OK;
}

slotq_outcome shards_open_at(shards_place *place, const char *name, store **opened,
                             store_fault *fault)
{
    shards_descriptor descriptor;
    uint8_t head[SHARDS_HEAD_BYTES];
    store *shards[SLOTQ_SHARDS_MAX] = {NULL};
    store_fault trouble = {0};
    const char *broken = shards_name_fault(name, strlen(name));
    if (broken != NULL) {
        return fault_say(fault, SLOTQ_INVALID, "%s", broken);
    }
    slotq_outcome outcome = shards_view_read(place, name, &descriptor, head, fault);
    if (outcome == SLOTQ_OK) {
        outcome = open_each(place, name, &descriptor, shards, &trouble, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = shards_open_some(&descriptor, shards, opened, fault);
        if (outcome != SLOTQ_OK) {
            close_all(shards, descriptor.count);
        }
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    shards_source *source = &shards_store_of(*opened)->source;
    source->place = place;
    memcpy(source->name, name, strlen(name) + 1);
    memcpy(source->head, head, sizeof head);
    source->fault = trouble;
    source->look_ms = shards_view_next_ms(monotonic_ms());
    return SLOTQ_OK;
}
