/* frame.c: loads and ends a step; see frame.h. Reads the image through the view and writes only the
 * step.
 */
#include "frame.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "wakes.h"

enum {
    DEAD_FIELDS_FROM = AT_shared_dead_head, /* dead_head to dead_dropped, one patch */
    DEAD_FIELDS_BYTES = AT_shared_wake - AT_shared_dead_head
};

bool frame_begin(verb_frame *frame, const slotq_view *view, slotq_call *call, slotq_step *step)
{
    step_begin(step);
    frame->view = view;
    frame->call = call;
    frame->step = step;
    frame->slots = view->geometry.ring_slots;
    frame->least_head = view->geometry.ring_slots;
    frame->holders = (frame_holders){0, 0, false};
    frame->group_changed = false;
    frame->group_patched = false;
    frame->aside_changed = false;
    frame->limit_changed = false;
    frame->dead_changed = false;
    frame->front_changed = false;
    frame->deliverable = false;
    if (!front_load(view, &frame->front, &call->damage)) {
        return false;
    }
    frame->old_head = frame->front.head;
    frame->dead_unfilled = frame->front.dead_count + frame->front.dead_holes;
    return true;
}

bool frame_load(verb_frame *frame, uint32_t group)
{
    frame->group_index = group;
    frame->group_changed = false;
    if (!front_load_group(frame->view, &frame->front, group, &frame->group, &frame->call->damage)) {
        return false;
    }
    frame->old_leased = frame->group.leased;
    return true;
}

slotq_outcome frame_corrupt(verb_frame *frame, uint64_t offset, const char *what)
{
    step_begin(frame->step);
    frame->call->damage.offset = offset;
    frame->call->damage.what = what;
    return SLOTQ_CORRUPT;
}

/* ---- ids, words, positions ---- */

bool frame_find(const verb_frame *frame, uint64_t id, uint32_t *index, slotq_outcome *outcome)
{
    if (id == 0 || id > frame->front.last_id) {
        *outcome = SLOTQ_NOTFOUND;
        return false;
    }
    const uint64_t back = frame->front.last_id + 1 - id;
    if (back > ring_distance(frame->group.head, frame->front.tail, frame->slots)) {
        *outcome = SLOTQ_GONE;
        return false;
    }
    *index = ring_back(frame->front.tail, (uint32_t)back, frame->slots);
    return true;
}

/* ---- deadlines ---- */

bool frame_fresh_deadline(uint32_t old_word, uint64_t *deadline)
{
    const uint32_t near = (word_bits(old_word) - (uint32_t)*deadline) & WORD_BITS_MASK;
    if (old_word == 0 || near >= TOKEN_NEAR_TICKS) {
        return true;
    }
    *deadline += near + 1;
    return near + 1 < TOKEN_NEAR_TICKS;
}

/* ---- heads ---- */

/* How far head may move, at most limit, if the first count words become `word`. */
static uint32_t head_reach(const verb_frame *frame, uint32_t limit, uint32_t count, uint32_t word)
{
    uint32_t *other_done = &frame->call->progress.other_done;
    uint32_t reach = word == WORD_ACKED ? count : 0;
    while (reach < limit) {
        const uint32_t at = ring_add(frame->group.head, reach, frame->slots);
        const uint32_t here = reach < count ? word : frame_word(frame, at);
        if (!word_is_done(here)) {
            break;
        }
        if (here != WORD_ACKED) {
            if (*other_done == HEAD_OTHER_DONE_MAX) {
                break;
            }
            (*other_done)++;
        }
        reach++;
    }
    return reach;
}

static void pull_along(verb_frame *frame, uint32_t *index, uint32_t reach)
{
    if (frame_position(frame, *index) < reach) {
        *index = ring_add(frame->group.head, reach, frame->slots);
    }
}

static void move_head(verb_frame *frame, uint32_t reach)
{
    group_block *group = &frame->group;
    SLOTQ_ASSERT(reach <= frame_position(frame, group->written));
    pull_along(frame, &group->cursor, reach);
    pull_along(frame, &group->retry_from, reach);
    if (group->sweep != SWEEP_NONE) {
        pull_along(frame, &group->sweep, reach);
    }
    group->head = ring_add(group->head, reach, frame->slots);
    frame->group_changed = true;
}

bool frame_move_head(verb_frame *frame)
{
    const uint32_t written = frame_position(frame, frame->group.written);
    const uint32_t reach = head_reach(frame, written, 0, 0);
    if (reach == 0) {
        return false;
    }
    move_head(frame, reach);
    return true;
}

void frame_leave_head(verb_frame *frame)
{
    move_head(frame, 1);
    frame_move_head(frame);
}

void frame_finish(verb_frame *frame, uint32_t index, uint32_t count, uint32_t word)
{
    SLOTQ_ASSERT(word_is_done(word));
    SLOTQ_ASSERT(count > 0);
    group_block *group = &frame->group;
    const uint32_t from = frame_position(frame, index);
    uint32_t limit = frame_position(frame, group->written);
    const uint32_t gap = from > limit ? from - limit : 0;
    if (gap > 0) { /* head stops there: these bytes are still of an earlier lap */
        step_patch_words(frame->step, frame->view, frame->group_index, group->written, gap, 0);
    } else if (from == limit) {
        limit += count;
    }
    const uint32_t reach = from == 0 ? head_reach(frame, limit, count, word) : 0;
    if (gap > 0 || from + count == limit) {
        group->written = ring_add(index, count, frame->slots);
    }
    const uint32_t passed = reach < count ? reach : count; /* not written: it leaves the window */
    if (passed < count) {
        step_patch_words(frame->step, frame->view, frame->group_index,
                         ring_add(index, passed, frame->slots), count - passed, word);
    }
    if (reach > 0) {
        move_head(frame, reach);
    }
    frame->group_changed = true;
}

static void note_holder(verb_frame *frame, const group_block *group)
{
    frame_holders *holders = &frame->holders;
    if (group->head != frame->old_head) {
        return;
    }
    const uint32_t ahead = 2 * ring_distance(group->cursor, frame->front.tail, frame->slots);
    const uint32_t work = ahead + group->ready_behind + group->leased + group->waiting;
    holders->ahead = ahead > holders->ahead ? ahead : holders->ahead;
    holders->work = work > holders->work ? work : holders->work;
    holders->is_new = holders->is_new || group->cursor == group->head;
}

void frame_note_group(verb_frame *frame)
{
    const uint32_t head = ring_distance(frame->old_head, frame->group.head, frame->slots);
    frame->least_head = head < frame->least_head ? head : frame->least_head;
    note_holder(frame, &frame->group);
}

/* By the holders of all groups. */
bool frame_holders_let_go(const verb_frame *frame)
{
    const uint32_t aside = frame->front.aside_count;
    const uint32_t used = ring_distance(frame->old_head, frame->front.tail, frame->slots);
    return used > 0 && aside < frame->view->geometry.aside_slots && !frame->holders.is_new &&
           frame->holders.ahead <= used && frame->holders.work <= used + aside;
}

bool frame_may_step_aside(verb_frame *frame, bool *may)
{
    *may = false;
    if (frame->front.aside_count >= frame->view->geometry.aside_slots) {
        return true;
    }
    for (uint32_t group = 0; group < frame->view->geometry.groups; group++) {
        group_block other;
        const group_block *block = &frame->group;
        uint32_t head = frame->group.head;
        if (group != frame->group_index) {
            if (!front_load_head(frame->view, &frame->front, group, &head, &frame->call->damage)) {
                return false;
            }
            block = &other;
        }
        if (head != frame->old_head) {
            continue;
        }
        if (block == &other &&
            !front_load_group(frame->view, &frame->front, group, &other, &frame->call->damage)) {
            return false;
        }
        frame->holders = (frame_holders){0, 0, false};
        note_holder(frame, block);
        *may = frame_holders_let_go(frame);
        if (!*may) {
            return true;
        }
    }
    return true;
}

void frame_take_least_head(verb_frame *frame)
{
    frame->front.head = ring_add(frame->old_head, frame->least_head, frame->slots);
}

/* The header's head after the loaded group's head moved. False: another group's head is CORRUPT. */
static bool raise_head(verb_frame *frame)
{
    const uint32_t groups = frame->view->geometry.groups;
    uint32_t least = ring_distance(frame->old_head, frame->group.head, frame->slots);
    for (uint32_t group = 0; least > 0 && group < groups; group++) {
        uint32_t head;
        if (group == frame->group_index) {
            continue;
        }
        if (!front_load_head(frame->view, &frame->front, group, &head, &frame->call->damage)) {
            return false;
        }
        const uint32_t distance = ring_distance(frame->old_head, head, frame->slots);
        least = distance < least ? distance : least;
    }
    frame->front.head = ring_add(frame->old_head, least, frame->slots);
    return true;
}

/* ---- counts ---- */

bool frame_take(verb_frame *frame, uint32_t *count, uint32_t by, uint32_t field)
{
    if (*count < by) {
        frame_corrupt(frame, group_offset(frame->group_index) + field,
                      "a group's count is below the words in that state");
        return false;
    }
    *count -= by;
    if (count == &frame->group.ready_behind && *count == 0) {
        frame->group.retry_from = frame->group.cursor;
    }
    frame->group_changed = true;
    return true;
}

void frame_retry_from(verb_frame *frame, uint32_t index)
{
    group_block *group = &frame->group;
    if (frame_position(frame, index) < frame_position(frame, group->retry_from)) {
        group->retry_from = index;
    }
}

/* ---- ends of a step ---- */

void frame_patch_group(verb_frame *frame)
{
    const uint32_t size = frame->limit_changed ? GROUP_BYTES : GROUP_STATE_BYTES;
    uint8_t *bytes = step_scratch(frame->step, size);
    codec_store_group(bytes, &frame->group);
    if (frame->limit_changed) {
        codec_store_limit(bytes, &frame->limit);
    }
    step_patch_scratch(frame->step, group_offset(frame->group_index), bytes, size);
    frame->step->needs_journal = true;
    frame->front_changed = true;
    frame->group_changed = false;
    frame->group_patched = true;
    wakes_note_limit(frame);
}

void frame_patch_stamp(verb_frame *frame, uint32_t slot)
{
    if (frame->view->geometry.flags & SLOTQ_FLAG_STAMPS) {
        uint8_t *bytes = step_scratch(frame->step, STAMP_BYTES);
        store_u32(bytes, (uint32_t)frame_tick(frame));
        step_patch_scratch(frame->step, slot + LENGTH_BYTES, bytes, STAMP_BYTES);
    }
}

static void patch_dead_fields(verb_frame *frame)
{
    uint8_t *bytes = step_scratch(frame->step, DEAD_FIELDS_BYTES);
    store_u16(bytes + AT_shared_dead_head - DEAD_FIELDS_FROM, (uint16_t)frame->front.dead_head);
    store_u16(bytes + AT_shared_dead_count - DEAD_FIELDS_FROM, (uint16_t)frame->front.dead_count);
    store_u32(bytes + AT_shared_dropped - DEAD_FIELDS_FROM, frame->front.dropped);
    store_u32(bytes + AT_shared_dead_dropped - DEAD_FIELDS_FROM, frame->front.dead_dropped);
    step_patch_scratch(frame->step, DEAD_FIELDS_FROM, bytes, DEAD_FIELDS_BYTES);
    if (frame->front.dead_holes != load_u16(frame->view->bytes + AT_shared_dead_holes)) {
        uint8_t *holes = step_scratch(frame->step, BYTES_shared_dead_holes);
        store_u16(holes, (uint16_t)frame->front.dead_holes);
        step_patch_scratch(frame->step, AT_shared_dead_holes, holes, BYTES_shared_dead_holes);
    }
    frame->step->needs_journal = true;
    frame->front_changed = true;
}

static void patch_era(verb_frame *frame)
{
    if (frame->front_changed && frame->front.era != frame->front.stored_era) {
        uint8_t *bytes = step_scratch(frame->step, BYTES_shared_era);
        store_u16(bytes, frame->front.era);
        step_patch_scratch(frame->step, AT_shared_era, bytes, BYTES_shared_era);
    }
}

static void patch_aside_count(verb_frame *frame)
{
    uint8_t *bytes = step_scratch(frame->step, BYTES_shared_aside_count);
    *bytes = (uint8_t)frame->front.aside_count;
    step_patch_scratch(frame->step, AT_shared_aside_count, bytes, BYTES_shared_aside_count);
    frame->step->needs_journal = true;
}

slotq_outcome frame_commit(verb_frame *frame, slotq_outcome outcome)
{
    if (frame->group_changed) {
        if (!raise_head(frame)) {
            step_begin(frame->step);
            return SLOTQ_CORRUPT;
        }
        frame_patch_group(frame);
    }
    if (frame->dead_changed) {
        patch_dead_fields(frame);
    }
    if (frame->aside_changed) {
        patch_aside_count(frame);
    }
    /* never last_id and tail: FORMAT.md, "Order of writes" */
    if (frame->front.head != frame->old_head) {
        uint8_t *bytes = step_scratch(frame->step, BYTES_header_head);
        store_u16(bytes, (uint16_t)frame->front.head);
        step_patch_scratch(frame->step, AT_header_head, bytes, BYTES_header_head);
        frame->step->needs_journal = true;
        frame->front_changed = true;
    }
    patch_era(frame);
    if (!wakes_end(frame)) {
        step_begin(frame->step);
        return SLOTQ_CORRUPT;
    }
    return outcome;
}

slotq_outcome frame_commit_push(verb_frame *frame, uint32_t count, uint32_t groups,
                                slotq_outcome outcome)
{
    SLOTQ_ASSERT(!frame->group_changed);
    const uint64_t last_id = frame->front.last_id + count;
    const uint32_t tail = ring_add(frame->front.tail, count, frame->slots);
    if (frame->dead_changed) {
        patch_dead_fields(frame);
    }
    uint8_t *bytes = step_scratch(frame->step, HEADER_BYTES);
    store_u32(bytes + AT_header_last_id, id_low(last_id));
    store_u16(bytes + AT_header_head, (uint16_t)frame->front.head);
    store_u16(bytes + AT_header_tail, (uint16_t)tail);
    step_patch_scratch(frame->step, 0, bytes, HEADER_BYTES);
    frame->step->pushes = true;
    frame->front.era = id_era(last_id);
    frame->front_changed = true;
    patch_era(frame);
    wakes_deliver(frame, groups, count);
    wakes_end_push(frame);
    return outcome;
}
