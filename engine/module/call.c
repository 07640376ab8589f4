/* call.c: see call.h. Here: the queue's bytes, the steps of a verb on them, and their replication.
 */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/slot.h"
#include "places.h"
#include "wait.h"

/* Bytes between two that were written are replicated with them: a command of their own would be
 * longer, with the MULTI and EXEC around both, and cost more time. */
enum { SPAN_GAP_BYTES = 96 };

enum { KNOWN_MAX = 16, SORTED_BY_HAND = 8 };

enum { NEED_MAX = 65535 }; /* that a nudge takes */

/* ---- opening ---- */

static bool refuse_damage(module_call *call, slotq_outcome outcome)
{
    if (outcome == SLOTQ_VERSION) {
        return call_refuse_with(call, outcome, ": this module reads version 1");
    }
    return call_refuse(call, outcome);
}

/* A geometry that was found sound, and what follows from it: it needs no check again. */
typedef struct known_geometry {
    size_t size; /* 0: none */
    uint8_t geometry[GEOMETRY_BYTES];
    slotq_view view;
} known_geometry;

static slotq_outcome open_geometry(module_call *call, size_t size)
{
    static known_geometry all[KNOWN_MAX];
    if (size < SLOTQ_IMAGE_BYTES_MIN) {
        return slotq_core_open_geometry(&call->view, call->bytes, size, &call->verb.damage);
    }
    known_geometry *known = &all[call->bytes[AT_geometry_geometry_check] % KNOWN_MAX];
    if (known->size == size &&
        memcmp(known->geometry, call->bytes + HEADER_BYTES, GEOMETRY_BYTES) == 0) {
        call->view = known->view;
        call->view.bytes = call->bytes;
        return SLOTQ_OK;
    }
    const slotq_outcome outcome =
        slotq_core_open_geometry(&call->view, call->bytes, size, &call->verb.damage);
    if (outcome == SLOTQ_OK) {
        known->size = size;
        memcpy(known->geometry, call->bytes + HEADER_BYTES, GEOMETRY_BYTES);
        known->view = call->view;
    }
    return outcome;
}

bool call_open(module_call *call)
{
    const int mode = call->command->reads ? SERVER_READ : SERVER_READ | SERVER_WRITE;
    call->key = server.OpenKey(call->context, call->key_name, mode);
    const int type = call->key != NULL ? server.KeyType(call->key) : SERVER_KEY_EMPTY;
    if (type == SERVER_KEY_EMPTY) {
        return call_refuse_with(call, SLOTQ_NOQUEUE, ": create it first");
    }
    if (type != SERVER_KEY_STRING) {
        call->behind = NULL; /* the server's own error */
        return call_error(call,
                          "WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    size_t size = server.ValueLength(call->key);
    if (size == 0) {
        return call_refuse_with(call, SLOTQ_NOQUEUE, ": create it first");
    }
    call->bytes = (uint8_t *)(void *)server.StringDMA(call->key, &size, mode);
    const slotq_outcome outcome = open_geometry(call, size);
    if (outcome == SLOTQ_SHARDED) {
        return call_refuse_with(call, outcome, ": use a client that knows sharded queues");
    }
    if (call->known_geometry != NULL && size >= SLOTQ_IMAGE_BYTES_MIN &&
        memcmp(call->known_geometry, call->bytes + HEADER_BYTES, GEOMETRY_BYTES) != 0) {
        return call_refuse_with(call, SLOTQ_REMADE,
                                ": read its geometry; if its generation is new, drop ids and "
                                "tokens");
    }
    return outcome == SLOTQ_OK || refuse_damage(call, outcome);
}

uint64_t call_now(module_call *call)
{
    if (!call->has_now) {
        call->now_ms = (uint64_t)server.Milliseconds();
        call->has_now = true;
    }
    return call->now_ms;
}

void call_verb(module_call *call, slotq_verb verb)
{
    slotq_core_begin(&call->verb, verb, call_now(call));
}

/* ---- writing ---- */

static int by_offset(const void *left, const void *right)
{
    const module_span *a = left;
    const module_span *b = right;
    return a->from < b->from ? -1 : a->from > b->from ? 1 : 0;
}

/* Most calls have two or three. */
static void sort_spans(module_span *spans, uint32_t count)
{
    if (count > SORTED_BY_HAND) {
        qsort(spans, count, sizeof *spans, by_offset);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        const module_span span = spans[i];
        uint32_t at = i;
        for (; at > 0 && spans[at - 1].from > span.from; at--) {
            spans[at] = spans[at - 1];
        }
        spans[at] = span;
    }
}

static void replicate(module_call *call, const module_span *span)
{
    server.Replicate(call->context, "SETRANGE", "slb", call->key_name, (long long)span->from,
                     (const char *)call->bytes + span->from, (size_t)(span->to - span->from));
}

/* As plain commands, so that no replica and no later server needs the module. */
void call_replicate(module_call *call)
{
    module_span *spans = call->spans;
    uint32_t last = 0;
    if (call->span_count == 0) {
        return;
    }
    sort_spans(spans, call->span_count);
    for (uint32_t i = 1; i < call->span_count; i++) {
        if (spans[i].from <= spans[last].to + SPAN_GAP_BYTES) {
            spans[last].to = spans[i].to > spans[last].to ? spans[i].to : spans[last].to;
        } else {
            spans[++last] = spans[i];
        }
    }
    for (uint32_t i = 0; i <= last; i++) {
        replicate(call, &spans[i]);
    }
    call->span_count = 0;
}

void call_wrote(module_call *call, uint32_t offset, uint32_t length)
{
    const uint32_t to = offset + length;
    if (call->span_count > 0) {
        module_span *last = &call->spans[call->span_count - 1];
        if (offset >= last->from && offset <= last->to + SPAN_GAP_BYTES) {
            last->to = to > last->to ? to : last->to;
            return;
        }
    }
    if (call->span_count == CALL_SPANS_MAX) {
        call_replicate(call);
        call->undo_lost = true;
    }
    call->spans[call->span_count++] = (module_span){offset, to};
    call->changed = true;
}

/* ---- steps ---- */

/* Slots as the client packed them. */
static void write_packed(module_call *call, const slotq_patch *patch)
{
    const module_packed *packed = &call->packed;
    const uint32_t stride = call->view.stride;
    if (packed->cuts == NULL) {
        memcpy(call->bytes + patch->offset, packed->bytes + (size_t)patch->source * stride,
               patch->length);
        call_wrote(call, patch->offset, patch->length);
        return;
    }
    const uint32_t count = patch->length / stride;
    const uint32_t *cuts = packed->cuts + patch->source;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = patch->offset + i * stride;
        memcpy(call->bytes + at, packed->bytes + cuts[i], cuts[i + 1] - cuts[i]);
        call_wrote(call, at, cuts[i + 1] - cuts[i]);
    }
}

static void write_payloads(module_call *call, const slotq_patch *patch)
{
    const uint32_t stride = call->view.stride;
    const uint32_t count = patch->length / stride;
    const uint32_t head = stride - call->view.geometry.payload_bytes;
    slotq_core_apply_patch(call->bytes, &call->view, &call->step, patch);
    for (uint32_t i = 0; i < count; i++) {
        call_wrote(call, patch->offset + i * stride,
                   head + call->step.messages[patch->source + i].size);
    }
}

/* The entry and the bucket of each key: those between are many, and stay as they are. */
static void write_keys(module_call *call, const slotq_patch *patch)
{
    const uint8_t *head = call->step.scratch + patch->source;
    const uint32_t slots = load_u16(head + AT_keys_slots);
    const uint32_t buckets = load_u16(head + AT_keys_buckets);
    const uint8_t *item = head + KEYS_HEAD_BYTES;
    const uint32_t count = load_u16(head + AT_keys_count);
    slotq_core_apply_patch(call->bytes, &call->view, &call->step, patch);
    for (uint32_t i = 0; i < count; i++, item += KEYS_ITEM_BYTES) {
        const uint32_t bucket = (uint32_t)load_u64(item + AT_item_key) % buckets;
        call_wrote(call, patch->offset + load_u16(item) * RING_KEY_BYTES, RING_KEY_BYTES);
        call_wrote(call, patch->offset + slots * RING_KEY_BYTES + bucket * BUCKET_BYTES,
                   BUCKET_BYTES);
    }
}

/* In a queue with places the word `wake` follows other rules than the core's: see places.c. What
 * asks for a ring of the bell is the same in all. */
static bool is_for_places(const module_call *call, const slotq_patch *patch)
{
    return call->view.geometry.places > 0 && patch->offset == AT_shared_wake &&
           patch->length == BYTES_shared_wake && !call->asks_ring;
}

/* ---- damage in a later step ---- */

/* Whether all that a step writes can be kept. */
static bool may_keep(const module_call *call)
{
    const slotq_step *step = &call->step;
    uint32_t left = CALL_UNDO_BYTES - call->undo_used;
    if (call->undo_lost || step->patch_count > CALL_UNDO_MAX - call->undo_count ||
        2 * step->patch_count > CALL_SPANS_MAX - call->span_count) {
        return false;
    }
    for (uint32_t i = 0; i < step->patch_count; i++) {
        if (step->patches[i].length > left) {
            return false;
        }
        left -= step->patches[i].length;
    }
    return true;
}

/* The steps before stay sound without those that follow, but a refusal should change nothing. */
static void keep_before(module_call *call, const slotq_patch *patch)
{
    if (call->undo_count == CALL_UNDO_MAX || patch->length > CALL_UNDO_BYTES - call->undo_used) {
        call->undo_lost = true;
    }
    if (call->undo_lost) {
        return;
    }
    memcpy(call->undo_bytes + call->undo_used, call->bytes + patch->offset, patch->length);
    call->undo[call->undo_count++] = (module_undo){patch->offset, patch->length, call->undo_used};
    call->undo_used += patch->length;
}

void call_take_back(module_call *call)
{
    while (call->undo_count > 0) {
        const module_undo *undo = &call->undo[--call->undo_count];
        memcpy(call->bytes + undo->offset, call->undo_bytes + undo->at, undo->length);
    }
    call->span_count = 0; /* so few were not replicated yet */
    call->changed = false;
    call->news = (module_news){0};
    call->settled = true;
}

/* Several verbs may do the work of one command. */
static void note_owed(module_call *call)
{
    const uint8_t group = call->verb.nudge.group;
    const uint32_t more = places_need(call);
    slotq_nudge *owed = &call->owed;
    if (more == 0) {
        return;
    }
    owed->group = owed->need == 0 || owed->group == group ? group : SLOTQ_ALL_GROUPS;
    owed->need += more < NEED_MAX - owed->need ? more : NEED_MAX - owed->need;
}

static void write_patch(module_call *call, const slotq_patch *patch)
{
    if (patch->kind == SLOTQ_PATCH_SLOTS && call->packed.bytes != NULL) {
        write_packed(call, patch);
    } else if (patch->kind == SLOTQ_PATCH_SLOTS) {
        write_payloads(call, patch);
    } else if (patch->kind == SLOTQ_PATCH_KEYS) {
        write_keys(call, patch);
    } else if (!is_for_places(call, patch)) {
        slotq_core_apply_patch(call->bytes, &call->view, &call->step, patch);
        call_wrote(call, patch->offset, patch->length);
    }
}

static void note_news(module_news *news, const slotq_step *step)
{
    news->groups |= step->wake_groups;
    news->messages += step->wake_messages;
    news->slots += step->wake_slots;
    news->pushes |= step->pushes;
    news->changes_group |= step->changes_group;
    news->wakes |= step->wakes;
}

slotq_outcome call_run(module_call *call)
{
    slotq_outcome outcome;
    if (!call->has_run && call->view.geometry.places > 0) {
        places_note(call);
    }
    call->has_run = true;
    do {
        call->asks_ring = call->verb.progress.asks_ring;
        outcome = slotq_core_step(&call->view, &call->verb, &call->step);
        if (call->may_undo && !may_keep(call)) {
            outcome = SLOTQ_TOOBIG;
            break;
        }
        for (uint32_t i = 0; i < call->step.patch_count; i++) {
            if (outcome == SLOTQ_MORE || call->may_undo) {
                keep_before(call, &call->step.patches[i]);
            }
            write_patch(call, &call->step.patches[i]);
        }
        note_news(&call->news, &call->step);
    } while (outcome == SLOTQ_MORE);
    if ((outcome == SLOTQ_CORRUPT || (outcome == SLOTQ_TOOBIG && call->may_undo)) &&
        !call->undo_lost) {
        call_take_back(call);
    }
    note_owed(call);
    return outcome;
}

/* ---- the end ---- */

uint32_t call_publish(module_call *call, const char *before, const char *text, bool of_shard)
{
    size_t length;
    const char *name = server.StringPtrLen(call->key_name, &length);
    server_string *channel = server.CreateString(NULL, before, strlen(before));
    server_string *message = server.CreateString(NULL, text, strlen(text));
    server.StringAppendBuffer(NULL, channel, name, length);
    const bool sharded = of_shard && server.PublishMessageShard != NULL;
    const int heard = sharded ? server.PublishMessageShard(call->context, channel, message)
                              : server.PublishMessage(call->context, channel, message);
    server.FreeString(NULL, channel);
    server.FreeString(NULL, message);
    return heard > 0 ? (uint32_t)heard : 0;
}

void call_close(module_call *call)
{
    call->is_ended = true;
    places_settle(call);
    call_replicate(call);
    if (call->changed) {
        server.SignalModifiedKey(call->context, call->key_name);
        wait_changed(call);
    }
    if (call->key != NULL) {
        server.CloseKey(call->key);
        call->key = NULL;
    }
    if (call->news.wakes && call->view.geometry.places == 0) {
        call_publish(call, "slotq:", "wake", false);
    }
}

void call_end(module_call *call)
{
    if (!call->is_ended) {
        call_close(call);
        if (call->changed) { /* last: it may lead to another command, which uses this call anew */
            wait_tell(call->context, call->key_name);
        }
    }
}
