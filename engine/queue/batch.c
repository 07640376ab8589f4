/* batch.c: see batch.h.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/word.h"

#define COPIES_BYTES_MAX (UINT64_C(64) * 1024 * 1024)

slotq_batch *slotq_batch_new(void)
{
    return calloc(1, sizeof(slotq_batch));
}

void slotq_batch_free(slotq_batch *batch)
{
    if (batch != NULL) {
        free(batch->runs);
        free(batch->items);
        free(batch->harvest.offsets);
        free(batch->harvest.copies);
        free(batch->aside.runs);
        free(batch->aside.tokens);
        free(batch->aside.outcomes);
        free(batch->aside.hows);
        marks_free(&batch->marks);
        marks_free(&batch->aside.marks);
        free(batch);
    }
}

void batch_clear(slotq_batch *batch)
{
    batch->kind = BATCH_EMPTY;
    batch->count = 0;
    batch->run_count = 0;
    batch->marks.count = 0;
    slotq_batch_rewind(batch);
}

uint32_t slotq_batch_count(const slotq_batch *batch)
{
    return batch == NULL ? 0 : batch->count;
}

void slotq_batch_rewind(slotq_batch *batch)
{
    if (batch != NULL) {
        batch->at.entry = 0;
        batch->at.in_run = 0;
        batch->at.offset = batch->run_count > 0 ? batch->harvest.offsets[0] : 0;
    }
}

/* ---- room ---- */

static bool grow_runs(slotq_batch *batch, uint32_t capacity)
{
    if (capacity <= batch->run_capacity) {
        return true;
    }
    slotq_run *runs = realloc(batch->runs, capacity * sizeof *runs);
    if (runs == NULL) {
        return false;
    }
    batch->runs = runs;
    uint32_t *offsets = realloc(batch->harvest.offsets, capacity * sizeof *offsets);
    if (offsets == NULL) {
        return false;
    }
    batch->harvest.offsets = offsets;
    batch->run_capacity = capacity;
    return true;
}

static bool grow_items(slotq_batch *batch, uint32_t capacity)
{
    if (capacity <= batch->item_capacity) {
        return true;
    }
    slotq_item *items = realloc(batch->items, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    batch->items = items;
    batch->item_capacity = capacity;
    return true;
}

static bool grow_copies(slotq_batch *batch, uint64_t bytes)
{
    if (bytes <= batch->copies_bytes) {
        return true;
    }
    free(batch->harvest.copies); /* nothing in it is wanted any more */
    batch->copies_bytes = 0;
    batch->harvest.copies = malloc((size_t)bytes);
    if (batch->harvest.copies == NULL) {
        return false;
    }
    batch->copies_bytes = bytes;
    return true;
}

bool batch_room(slotq_batch *batch, batch_kind kind, const store *place, bool still,
                uint32_t *limit)
{
    const slotq_view *view = &place->view;
    const slotq_geometry *geometry = &view->geometry;
    uint32_t most = geometry->ring_slots - 1u + geometry->aside_slots;
    if (kind == BATCH_DEAD || kind == BATCH_LATER) {
        most = kind == BATCH_DEAD ? geometry->dead_slots : geometry->later_slots;
        most = most > 0 ? most : 1;
    }
    *limit = *limit < most ? *limit : most;
    const uint32_t note = kind == BATCH_DEAD ? geometry->note_bytes : 0;
    still = still && kind == BATCH_RESERVED;
    if (!still && (uint64_t)*limit * (note + view->stride) > COPIES_BYTES_MAX) {
        *limit = (uint32_t)(COPIES_BYTES_MAX / (note + view->stride));
    }
    batch->kind = BATCH_EMPTY;
    batch->count = 0;
    batch->run_count = 0;
    batch->queue = place->identity;
    batch->geometry = *geometry;
    batch->geometry.payload_bytes = /* of the widest shard, where pushes go by the narrowest */
        (uint16_t)(view->stride - SLOTQ_SLOT_BYTES(0, geometry->flags));
    batch->stride = view->stride;
    batch->ring_offset = view->ring_offset;
    batch->ring_end = view->ring_end;
    return grow_runs(batch, *limit) && (kind == BATCH_RESERVED || grow_items(batch, *limit)) &&
           (still || grow_copies(batch, (uint64_t)*limit * (note + view->stride)));
}

void batch_fill_runs(slotq_batch *batch, const slotq_call *call)
{
    batch->kind = BATCH_RESERVED;
    batch->group = call->reserve.group;
    batch->now_ms = call->now_ms;
    batch->marks.count = 0;
    batch->run_count = call->reserve.run_count;
    batch->count = call->reserve.message_count;
    slotq_batch_rewind(batch);
}

void batch_fill_items(slotq_batch *batch, const slotq_call *call)
{
    batch->kind = batch_kind_of(call->verb);
    batch->marks.count = 0;
    batch->group = call->look.group;
    batch->now_ms = call->now_ms;
    batch->count = call->look.count;
    slotq_batch_rewind(batch);
}

/* ---- walking ---- */

static inline uint32_t next_offset(const slotq_batch *batch, uint32_t offset)
{
    offset += batch->stride;
    return batch->harvest.still && offset == batch->ring_end ? batch->ring_offset : offset;
}

/* length and stamp are the same in every slot; a check was judged when the batch was filled. */
static void read_slot(const slotq_batch *batch, const uint8_t *slot, slotq_message *message)
{
    const uint8_t flags = batch->geometry.flags;
    const uint32_t length = load_u16(slot);
    const uint8_t *payload = slot + LENGTH_BYTES;
    message->pushed_ms = 0;
    if (flags & SLOTQ_FLAG_STAMPS) {
        message->pushed_ms =
            slotq_core_stamp_ms(&batch->geometry, load_u32(payload), batch->now_ms);
        payload += STAMP_BYTES;
    }
    payload += flags & SLOTQ_FLAG_CHECKS ? CHECK_BYTES : 0;
    memset(message->reserved, 0, sizeof message->reserved);
    message->damaged = length > batch->geometry.payload_bytes;
    message->payload = message->damaged ? NULL : payload;
    message->payload_bytes = message->damaged ? 0 : length;
}

static bool next_reserved(slotq_batch *batch, slotq_message *message)
{
    if (batch->at.entry == batch->run_count) {
        return false;
    }
    const slotq_run *run = &batch->runs[batch->at.entry];
    message->id = run->id + batch->at.in_run;
    message->token = run->token;
    message->died_at_ms = 0;
    message->due_ms = 0;
    message->state = SLOTQ_STATE_LEASED;
    message->attempts = (uint8_t)word_attempts(run->token);
    message->group = batch->group;
    message->reason = 0;
    message->note_bytes = 0;
    message->note = NULL;
    read_slot(batch, batch->harvest.base + batch->at.offset, message);
    batch->at.offset = next_offset(batch, batch->at.offset);
    if (++batch->at.in_run == run->count) {
        batch->at.in_run = 0;
        if (++batch->at.entry < batch->run_count) {
            batch->at.offset = batch->harvest.offsets[batch->at.entry];
        }
    }
    return true;
}

static bool next_item(slotq_batch *batch, slotq_message *message)
{
    slotq_slot slot;
    const uint8_t *bytes = batch->harvest.base + batch->harvest.offsets[batch->at.entry];
    const slotq_item *item = &batch->items[batch->at.entry++];
    message->id = item->id;
    message->token = item->state == SLOTQ_STATE_LEASED ? item->word : 0;
    message->died_at_ms = item->died_at_ms;
    message->due_ms = item->due_ms;
    message->state = item->state;
    message->attempts = item->attempts;
    message->group = item->group;
    message->reason = item->reason;
    message->note_bytes = item->note_bytes;
    message->note = item->note_bytes > 0 ? bytes - batch->geometry.note_bytes : NULL;
    read_slot(batch, bytes, message);
    if (!slotq_core_slot_read(&batch->geometry, bytes, &slot)) {
        message->damaged = true;
        message->payload = NULL;
        message->payload_bytes = 0;
    }
    return true;
}

bool slotq_batch_next(slotq_batch *batch, slotq_message *message)
{
    if (batch == NULL || message == NULL) {
        return false;
    }
    switch (batch->kind) {
    case BATCH_RESERVED:
        return next_reserved(batch, message);
    case BATCH_PEEKED:
    case BATCH_DEAD:
    case BATCH_LATER:
        return batch->at.entry < batch->count && next_item(batch, message);
    default:
        return false;
    }
}

/* ---- the walk, without a look at the slots, which may be gone ---- */

/* Where the k-th message of a run has its slot. */
static uint32_t offset_in_run(const slotq_batch *batch, uint32_t entry, uint32_t k)
{
    const uint32_t offset = batch->harvest.offsets[entry] + k * batch->stride;
    const bool beyond = batch->harvest.still && offset >= batch->ring_end;
    return beyond ? offset - batch->ring_end + batch->ring_offset : offset;
}

/* How many messages the walk has given. */
static uint32_t walked_count(const slotq_batch *batch)
{
    uint32_t walked = batch->at.in_run;
    for (uint32_t i = 0; i < batch->at.entry; i++) {
        walked += batch->runs[i].count;
    }
    return walked;
}

static void walk_to(slotq_batch *batch, uint32_t walked)
{
    slotq_batch_rewind(batch);
    while (batch->at.entry < batch->run_count && walked >= batch->runs[batch->at.entry].count) {
        walked -= batch->runs[batch->at.entry++].count;
    }
    batch->at.in_run = walked;
    if (batch->at.entry < batch->run_count) {
        batch->at.offset = offset_in_run(batch, batch->at.entry, walked);
    }
}

/* ---- messages that leave a reserved batch, or get another token ---- */

static bool slot_is_damaged(const slotq_batch *batch, const uint8_t *bytes)
{
    slotq_slot slot;
    if (!(batch->geometry.flags & SLOTQ_FLAG_CHECKS)) {
        return load_u16(bytes) > batch->geometry.payload_bytes;
    }
    return !slotq_core_slot_read(&batch->geometry, bytes, &slot);
}

uint32_t batch_find_damaged(const slotq_batch *batch, uint32_t *tokens)
{
    uint32_t damaged = 0;
    uint32_t message = 0;
    for (uint32_t i = 0; i < batch->run_count; i++) {
        uint32_t offset = batch->harvest.offsets[i];
        for (uint32_t k = 0; k < batch->runs[i].count; k++, message++) {
            const bool bad = slot_is_damaged(batch, batch->harvest.base + offset);
            damaged += bad;
            if (tokens != NULL) {
                tokens[message] = bad ? 0 : batch->runs[i].token;
            }
            offset = next_offset(batch, offset);
        }
    }
    return damaged;
}

bool batch_spare_make(const slotq_batch *batch, batch_spare *spare)
{
    const uint32_t count = batch->run_capacity;
    spare->tokens = malloc(count * sizeof *spare->tokens);
    spare->runs = malloc(count * sizeof *spare->runs);
    spare->offsets = malloc(count * sizeof *spare->offsets);
    spare->outcomes = malloc(count);
    if (spare->tokens != NULL && spare->runs != NULL && spare->offsets != NULL &&
        spare->outcomes != NULL) {
        return true;
    }
    batch_spare_free(spare);
    return false;
}

void batch_spare_free(batch_spare *spare)
{
    free(spare->tokens);
    free(spare->runs);
    free(spare->offsets);
    free(spare->outcomes);
}

void batch_retoken(slotq_batch *batch, batch_spare *spare)
{
    uint32_t count = 0;
    uint32_t message = 0;
    uint32_t runs = 0;
    uint32_t walked = 0;
    for (uint32_t i = 0; i < batch->run_count; i++) {
        const slotq_run *old = &batch->runs[i];
        uint32_t offset = batch->harvest.offsets[i];
        bool joins = false; /* the run before ends with the message before this one */
        for (uint32_t k = 0; k < old->count; k++, message++) {
            const uint32_t token = spare->tokens[message];
            const bool keeps = word_state(token) == SLOTQ_STATE_LEASED;
            if (keeps && joins && spare->runs[runs - 1].token == token) {
                spare->runs[runs - 1].count++;
            } else if (keeps) {
                spare->runs[runs].id = old->id + k;
                spare->runs[runs].token = token;
                spare->runs[runs].count = 1;
                spare->offsets[runs++] = offset;
            }
            joins = keeps;
            count += keeps;
            walked +=
                keeps && (i < batch->at.entry || (i == batch->at.entry && k < batch->at.in_run));
            offset = next_offset(batch, offset);
        }
    }
    free(batch->runs);
    free(batch->harvest.offsets);
    free(spare->tokens);
    free(spare->outcomes);
    batch->runs = spare->runs;
    batch->harvest.offsets = spare->offsets;
    batch->run_count = runs;
    batch->count = count;
    walk_to(batch, walked); /* it goes on where it was */
}

/* ---- one message of a leased batch ---- */

/* The run that a message is in; run_count = none. */
static uint32_t find_run(const slotq_batch *batch, uint64_t id)
{
    uint32_t entry = 0;
    while (entry < batch->run_count && id - batch->runs[entry].id >= batch->runs[entry].count) {
        entry++;
    }
    return entry;
}

uint32_t batch_token(const slotq_batch *batch, uint64_t id)
{
    const uint32_t entry = batch_is_leased(batch) ? find_run(batch, id) : batch->run_count;
    return entry < batch->run_count ? batch->runs[entry].token : 0;
}

bool batch_set_token(slotq_batch *batch, uint64_t id, uint32_t token)
{
    slotq_run runs[3];
    uint32_t offsets[3];
    uint32_t pieces = 0;
    const uint32_t entry = batch_is_leased(batch) ? find_run(batch, id) : batch->run_count;
    if (entry == batch->run_count) {
        return false;
    }
    const slotq_run old = batch->runs[entry];
    const uint32_t k = (uint32_t)(id - old.id);
    uint32_t walked = walked_count(batch);
    const bool passed =
        entry < batch->at.entry || (entry == batch->at.entry && k < batch->at.in_run);
    walked -= token == 0 && passed;
    const slotq_run parts[3] = {
        {old.id, old.token, k}, {id, token, token != 0}, {id + 1, old.token, old.count - k - 1}};
    for (uint32_t i = 0; i < 3; i++) { /* never more runs than messages: there is room */
        if (parts[i].count > 0) {
            offsets[pieces] = offset_in_run(batch, entry, (uint32_t)(parts[i].id - old.id));
            runs[pieces++] = parts[i];
        }
    }
    const uint32_t after = batch->run_count - entry - 1;
    slotq_run *to = batch->runs + entry;
    uint32_t *offset_to = batch->harvest.offsets + entry;
    memmove(to + pieces, to + 1, after * sizeof *to);
    memmove(offset_to + pieces, offset_to + 1, after * sizeof *offset_to);
    memcpy(to, runs, pieces * sizeof *to);
    memcpy(offset_to, offsets, pieces * sizeof *offset_to);
    batch->run_count += pieces - 1;
    batch->count -= token == 0;
    walk_to(batch, walked);
    return true;
}

void batch_drop_first(slotq_batch *batch, uint32_t count)
{
    const uint32_t walked = walked_count(batch);
    uint32_t left = count;
    uint32_t entry = 0;
    while (entry < batch->run_count && left >= batch->runs[entry].count) {
        left -= batch->runs[entry++].count;
    }
    if (left > 0 && entry < batch->run_count) {
        batch->harvest.offsets[entry] = offset_in_run(batch, entry, left);
        batch->runs[entry].id += left;
        batch->runs[entry].count -= left;
    }
    const uint32_t runs = batch->run_count - entry;
    memmove(batch->runs, batch->runs + entry, runs * sizeof *batch->runs);
    memmove(batch->harvest.offsets, batch->harvest.offsets + entry,
            runs * sizeof *batch->harvest.offsets);
    batch->run_count = runs;
    batch->count -= count;
    walk_to(batch, walked > count ? walked - count : 0);
}

bool slotq_batch_drop(slotq_batch *batch, uint64_t id)
{
    return batch != NULL && batch_set_token(batch, id, 0);
}
