/* keys.c: chains of the holders of keys; see keys.h. Each link is judged before it is followed.
 */
#include "keys.h"

#include "../layout/aside_index.h"
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "verbs.h"

#ifndef SLOTQ_NO_KEYS

enum {
    HOLDER_NONE = 0xFFFF, /* M is at most 65535 */
    TAKEN_OUT_MAX = 16,   /* holders in a step */
    KEY_LOW_BYTE = 0xFF
};

/* Where a chain names a holder. */
typedef struct key_link {
    uint32_t holder; /* or HOLDER_NONE */
    uint32_t at;     /* the bucket, or the next of the holder before it */
    uint32_t length; /* holders of the chain */
} key_link;

/* ---- chains ---- */

/* Bytes of the image, as the step will leave them: a step that takes out several holders may change
 * a link twice. */
static const uint8_t *bytes_after(const verb_frame *frame, uint32_t offset)
{
    const slotq_step *step = frame->step;
    for (uint32_t i = step->patch_count; i > 0; i--) {
        const slotq_patch *patch = &step->patches[i - 1];
        if (patch->offset == offset) { /* of BYTES: no others are made in the sections of keys */
            return step->scratch + patch->source;
        }
    }
    return frame->view->bytes + offset;
}

static uint64_t holder_key(const verb_frame *frame, uint32_t holder)
{
    return load_u64(bytes_after(frame, key_entry_offset(frame->view, holder)));
}

/* A link, 0 or a holder + 1. False: CORRUPT. */
static bool read_link(verb_frame *frame, uint32_t at, uint32_t *next)
{
    *next = load_u16(bytes_after(frame, at));
    if (*next > key_holders(&frame->view->geometry)) {
        frame_corrupt(frame, at, "a chain of keys names no holder");
        return false;
    }
    return true;
}

/* One link on: the number of the next holder, or HOLDER_NONE. False: CORRUPT, and no holder. */
static bool follow_link(verb_frame *frame, key_link *link)
{
    uint32_t next;
    link->holder = HOLDER_NONE;
    if (!read_link(frame, link->at, &next)) {
        return false;
    }
    if (next != 0 && link->length == KEY_CHAIN_MAX) {
        frame_corrupt(frame, link->at, "a chain of keys has more than 255");
        return false;
    }
    if (next != 0) {
        link->length++;
        link->holder = next - 1;
    }
    return true;
}

/* The first link of the chain of a key. False: CORRUPT. */
static bool enter_chain(verb_frame *frame, uint64_t key, key_link *link)
{
    const slotq_view *view = frame->view;
    *link = (key_link){.at = key_bucket_offset(view, key_bucket(view, key))};
    return follow_link(frame, link);
}

static bool leave_holder(verb_frame *frame, key_link *link)
{
    link->at = key_entry_offset(frame->view, link->holder) + AT_key_next;
    return follow_link(frame, link);
}

/* The link to the holder that has the key, if there is one. False: CORRUPT. */
static bool find_key(verb_frame *frame, uint64_t key, key_link *link)
{
    bool is_sound = enter_chain(frame, key, link);
    while (link->holder != HOLDER_NONE && holder_key(frame, link->holder) != key) {
        is_sound = leave_holder(frame, link);
    }
    return is_sound;
}

/* The link to a holder, which has this key. False: CORRUPT. */
static bool find_link(verb_frame *frame, uint64_t key, uint32_t holder, key_link *link)
{
    bool is_sound = enter_chain(frame, key, link);
    while (link->holder != holder && link->holder != HOLDER_NONE) {
        is_sound = leave_holder(frame, link);
    }
    if (is_sound && link->holder == HOLDER_NONE) {
        frame_corrupt(frame, link->at, "a key is not in the chain of its bucket");
        is_sound = false;
    }
    return is_sound;
}

static void patch_link(verb_frame *frame, uint32_t at, uint32_t next)
{
    uint8_t *bytes = step_scratch(frame->step, BUCKET_BYTES);
    store_u16(bytes, (uint16_t)next);
    step_patch_scratch(frame->step, at, bytes, BUCKET_BYTES);
    frame->step->needs_journal = true;
}

/* A holder's entry becomes these values; the id is not for the ring. */
static void patch_entry(verb_frame *frame, uint32_t holder, uint64_t key, uint32_t next,
                        uint64_t id)
{
    const uint32_t size = key_entry_bytes(frame->view, holder);
    uint8_t *bytes = step_scratch(frame->step, ASIDE_KEY_BYTES);
    store_u64(bytes + AT_key_key, key);
    store_u16(bytes + AT_key_next, (uint16_t)next);
    store_u48(bytes + AT_aside_key_id, id); /* a later id is its lower part, and at its place */
    step_patch_scratch(frame->step, key_entry_offset(frame->view, holder), bytes, size);
}
_Static_assert(AT_aside_key_id == AT_later_key_later_id, "both ids are at the same place");

/* The holder that the link names leaves its chain; `to`, if it is one, takes its place. */
static void replace(verb_frame *frame, const key_link *link, uint32_t to, uint64_t id)
{
    const uint32_t entry = key_entry_offset(frame->view, link->holder);
    const uint32_t next = load_u16(bytes_after(frame, entry + AT_key_next));
    patch_link(frame, link->at, to == HOLDER_NONE ? next : to + 1);
    if (to != HOLDER_NONE) {
        patch_entry(frame, to, holder_key(frame, link->holder), next, id);
    }
    patch_entry(frame, link->holder, 0, 0, 0);
}

bool keys_hand_over(verb_frame *frame, uint32_t from, uint32_t to, uint64_t id)
{
    key_link link;
    const uint64_t key = keys_are_used(frame->view) ? holder_key(frame, from) : 0;
    if (key == 0) {
        return true;
    }
    if (!find_link(frame, key, from, &link)) {
        return false;
    }
    replace(frame, &link, to, id);
    return true;
}

bool keys_take_out(verb_frame *frame, uint32_t holder)
{
    return keys_hand_over(frame, holder, HOLDER_NONE, 0);
}

/* Take the key out of the slot that has it, if one has. Its chain is sound: keys_judge read it. */
static void take_out_key(verb_frame *frame, uint64_t key)
{
    key_link link;
    (void)find_key(frame, key, &link);
    if (link.holder != HOLDER_NONE) {
        replace(frame, &link, HOLDER_NONE, 0);
    }
}

/* ---- steps that take keys out ---- */

/* The end of such a step, unless it took none out or found the chain damaged. */
static slotq_outcome taken_out(verb_frame *frame, bool is_sound)
{
    if (!is_sound) {
        return SLOTQ_CORRUPT;
    }
    return frame->step->patch_count > 0 ? frame_commit(frame, SLOTQ_MORE) : SLOTQ_OK;
}

slotq_outcome keys_clear(verb_frame *frame, uint32_t holder)
{
    return taken_out(frame, keys_take_out(frame, holder));
}

#ifndef SLOTQ_NO_LATER
slotq_outcome keys_forget(verb_frame *frame, uint64_t key)
{
    take_out_key(frame, key);
    return taken_out(frame, true);
}
#endif

slotq_outcome keys_make_way(verb_frame *frame, const key_call *call, uint32_t *done)
{
    const uint32_t tail = frame->front.tail;
    bool is_sound = true;
    if (!keys_are_used(frame->view)) {
        return SLOTQ_OK;
    }
    for (; is_sound && *done < call->count && frame->step->patch_count < 2 * TAKEN_OUT_MAX;
         (*done)++) {
        const uint64_t key = call->keys == NULL ? 0 : call->keys[*done];
        if (key != 0) {
            take_out_key(frame, key);
        }
        is_sound = keys_take_out(frame, ring_add(tail, *done, frame->slots));
    }
    return taken_out(frame, is_sound);
}
_Static_assert((2 * TAKEN_OUT_MAX + 2) + 8 <= SLOTQ_STEP_PATCHES, "a step has 2 patches a holder");

/* ---- the keys of a call ---- */

/* In the scratch of the step, as a patch of KEYS has them, and by the low byte of their bucket. */
typedef struct key_list {
    const slotq_view *view;
    uint8_t *items;
    uint32_t count;
    uint8_t newest[256]; /* the item of this byte that was added last; any number if none was */
    uint8_t older[256];  /* the item of the same byte before this one; itself if there is none */
} key_list;
_Static_assert(SLOTQ_CALL_KEYS_MAX == 256, "an item's number is a byte");

static void list_begin(key_list *list, const verb_frame *frame)
{
    list->view = frame->view;
    list->items = frame->step->scratch + frame->step->scratch_used + KEYS_HEAD_BYTES;
    list->count = 0;
    memset(list->newest, 0, sizeof list->newest);
}

static uint32_t item_bucket(const key_list *list, uint32_t item)
{
    return key_bucket(list->view, load_u64(list->items + item * KEYS_ITEM_BYTES + AT_item_key));
}

static void list_add(key_list *list, uint32_t holder, uint64_t key)
{
    const uint32_t item = list->count++;
    uint8_t *bytes = list->items + item * KEYS_ITEM_BYTES;
    store_u16(bytes, (uint16_t)holder);
    store_u64(bytes + AT_item_key, key);
    const uint8_t low = (uint8_t)item_bucket(list, item);
    const uint8_t before = list->newest[low];
    const bool is_of_it = before < item && (uint8_t)item_bucket(list, before) == low;
    list->older[item] = is_of_it ? before : (uint8_t)item;
    list->newest[low] = (uint8_t)item;
}

/* The item of the same bucket that was added before; itself if there is none. */
static uint32_t item_before(const key_list *list, uint32_t item)
{
    const uint32_t bucket = item_bucket(list, item);
    uint32_t at = item;
    while (list->older[at] != at) {
        at = list->older[at];
        if (item_bucket(list, at) == bucket) {
            return at;
        }
    }
    return item;
}

/* The newest item has another key than all before it. */
static bool newest_is_unequal(const key_list *list)
{
    const uint32_t newest = list->count - 1;
    const uint64_t key = load_u64(list->items + newest * KEYS_ITEM_BYTES + AT_item_key);
    uint32_t at = newest;
    for (uint32_t next = item_before(list, at); next != at; next = item_before(list, at)) {
        if (load_u64(list->items + next * KEYS_ITEM_BYTES + AT_item_key) == key) {
            return false;
        }
        at = next;
    }
    return true;
}

bool keys_fit(verb_frame *frame, const key_call *call)
{
    key_list list;
    if (call->keys == NULL) {
        return true;
    }
    list_begin(&list, frame);
    for (uint32_t i = 0; i < call->count; i++) {
        const uint64_t key = call->keys[i];
        if (key == 0) {
            continue;
        }
        if (!keys_are_used(frame->view) || call->mode < SLOTQ_KEY_UNIQUE ||
            call->mode > SLOTQ_KEY_RESEND || (key & KEY_LOW_BYTE) == 0 ||
            list.count == SLOTQ_CALL_KEYS_MAX) {
            return false;
        }
        list_add(&list, i, key);
        if (!newest_is_unequal(&list)) {
            return false;
        }
    }
    return list.count == 0 || call->mode != SLOTQ_KEY_RESEND || call->keys[0] != 0;
}

/* ---- where a key is ---- */

static bool is_in_aside_index(const verb_frame *frame, uint32_t slot)
{
    for (uint32_t entry = 0; entry < frame->front.aside_count; entry++) {
        if (aside_slot(frame->view, entry) == slot) {
            return true;
        }
    }
    return false;
}

/* The message that a ring slot had last; the id 0 if it had none. False: CORRUPT. */
static bool tell_ring(verb_frame *frame, uint32_t index, slotq_key_holder *told)
{
    const uint32_t tail = frame->front.tail;
    const uint32_t laps = ring_laps(index, tail, frame->slots);
    told->place = SLOTQ_KEY_IN_RING;
    told->id = laps > frame->front.last_id ? 0 : frame->front.last_id + 1 - laps;
    told->is_unfinished = false;
    for (uint32_t group = 0; laps <= frame_used(frame) && group < frame->view->geometry.groups;
         group++) {
        if (!frame_load(frame, group)) {
            return false;
        }
        if (laps <= ring_distance(frame->group.head, tail, frame->slots) &&
            !word_is_done(frame_word(frame, index))) {
            told->is_unfinished = true;
        }
    }
    return true;
}

/* The message of a holder. False: CORRUPT. */
static bool tell(verb_frame *frame, uint32_t holder, slotq_key_holder *told)
{
    const slotq_view *view = frame->view;
    const uint8_t *id = view->bytes + key_entry_offset(view, holder) + AT_aside_key_id;
    if (holder < key_holder_aside(view, 0)) {
        return tell_ring(frame, holder, told);
    }
    told->is_unfinished = true;
    if (holder < key_holder_later(view, 0)) {
        told->place = SLOTQ_KEY_ASIDE;
        told->id = load_u48(id);
        told->is_unfinished = is_in_aside_index(frame, holder - key_holder_aside(view, 0));
    } else {
        told->place = SLOTQ_KEY_SCHEDULED;
        told->id = load_u32(id);
    }
    return true;
}

/* The outcome that names a holder, unless it is one in the ring that had no message. */
static slotq_outcome told_as(verb_frame *frame, uint32_t holder, const slotq_key_holder *told,
                             slotq_outcome outcome)
{
    return told->place == SLOTQ_KEY_IN_RING && told->id == 0
               ? frame_corrupt(frame, key_entry_offset(frame->view, holder),
                               "a ring slot never used has a key")
               : outcome;
}

/* Walk on to the end of a chain. False: CORRUPT. */
static bool end_chain(verb_frame *frame, key_link link, uint32_t *length)
{
    bool is_sound = true;
    while (link.holder != HOLDER_NONE) {
        is_sound = leave_holder(frame, &link);
    }
    *length = link.length;
    return is_sound;
}

/* The newest item of the list, whose message is the one that `taken` names. */
static slotq_outcome judge_key(verb_frame *frame, const key_list *list, const key_call *call,
                               slotq_key_holder *taken)
{
    key_link link;
    uint32_t length;
    if (!find_key(frame, call->keys[taken->message], &link) || !end_chain(frame, link, &length)) {
        return SLOTQ_CORRUPT;
    }
    if (link.holder != HOLDER_NONE && (call->mode != SLOTQ_KEY_RESEND || taken->message == 0)) {
        if (!tell(frame, link.holder, taken)) {
            return SLOTQ_CORRUPT;
        }
        if (taken->is_unfinished || call->mode != SLOTQ_KEY_UNIQUE) {
            return told_as(frame, link.holder, taken, SLOTQ_DUPLICATE);
        }
    }
    uint32_t at = list->count - 1;
    for (uint32_t next = item_before(list, at); next != at; next = item_before(list, at)) {
        at = next;
        length++;
    }
    return length >= KEY_CHAIN_MAX ? SLOTQ_FULL : SLOTQ_OK;
}

slotq_outcome keys_judge(verb_frame *frame, const key_call *call, slotq_key_holder *taken)
{
    slotq_outcome outcome = SLOTQ_OK;
    key_list list;
    list_begin(&list, frame);
    for (uint32_t i = 0; call->keys != NULL && i < call->count && outcome == SLOTQ_OK; i++) {
        if (call->keys[i] != 0) {
            list_add(&list, i, call->keys[i]);
            taken->message = i;
            outcome = judge_key(frame, &list, call, taken);
        }
    }
    return outcome;
}

/* ---- putting in ---- */

/* What the bucket of a key names, whose chain keys_judge read. */
static uint32_t bucket_link(const verb_frame *frame, uint32_t bucket)
{
    return load_u16(frame->view->bytes + key_bucket_offset(frame->view, bucket));
}

void keys_put_in_ring(verb_frame *frame, const key_call *call)
{
    key_list list;
    list_begin(&list, frame);
    for (uint32_t i = 0; call->keys != NULL && i < call->count; i++) {
        if (call->keys[i] == 0) {
            continue;
        }
        list_add(&list, ring_add(frame->front.tail, i, frame->slots), call->keys[i]);
        const uint32_t item = list.count - 1;
        const uint32_t before = item_before(&list, item);
        const uint32_t next = before == item ? bucket_link(frame, item_bucket(&list, item))
                                             : load_u16(list.items + before * KEYS_ITEM_BYTES) + 1u;
        store_u16(list.items + item * KEYS_ITEM_BYTES + AT_item_next, (uint16_t)next);
    }
    if (list.count > 0) {
        step_patch_keys(frame->step, frame->view, list.count);
    }
}

#ifndef SLOTQ_NO_LATER
void keys_put_in_later(verb_frame *frame, uint64_t key, uint32_t slot, uint32_t later_id)
{
    const slotq_view *view = frame->view;
    const uint32_t bucket = key_bucket(view, key);
    const uint32_t holder = key_holder_later(view, slot);
    patch_entry(frame, holder, key, bucket_link(frame, bucket), later_id);
    patch_link(frame, key_bucket_offset(view, bucket), holder + 1);
}
#endif

/* ---- find ---- */

slotq_outcome find_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_find *find = &call->find;
    key_link link;
    if (!keys_are_used(view) || (find->key & KEY_LOW_BYTE) == 0) {
        return SLOTQ_INVALID;
    }
    if (!find_key(frame, find->key, &link)) {
        return SLOTQ_CORRUPT;
    }
    find->holder.message = 0;
    if (link.holder == HOLDER_NONE) {
        return SLOTQ_NOTFOUND;
    }
    return tell(frame, link.holder, &find->holder)
               ? told_as(frame, link.holder, &find->holder, SLOTQ_OK)
               : SLOTQ_CORRUPT;
}

#else

slotq_outcome find_step(verb_frame *frame)
{
    (void)frame;
    return SLOTQ_UNSUPPORTED;
}

#endif
