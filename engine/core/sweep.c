/* sweep.c: the sweep of a group; see sweep.h. A step changes words aside, or reads at most
 * SWEEP_STEP_WORDS words, up to the end of the array, into scratch, and patches from the first to
 * the last changed word.
 */
#include "sweep.h"

#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/memory.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "bury.h"
#include "limits.h"

_Static_assert(SWEEP_STEP_WORDS *WORD_BYTES + BURIALS_MAX * DEAD_ENTRY_BYTES + GROUP_STATE_BYTES +
                       HEADER_BYTES + 64 <=
                   SLOTQ_STEP_SCRATCH_OF_OTHERS,
               "a sweep step fits the scratch");

/* Words aside that a step changes: each may be a burial, and leave the index. */
enum { ASIDE_STEP_WORDS = 16 };
_Static_assert(255 * ASIDE_ENTRY_BYTES + ASIDE_STEP_WORDS * DEAD_ENTRY_BYTES + GROUP_STATE_BYTES +
                       HEADER_BYTES + 64 <=
                   SLOTQ_STEP_SCRATCH_OF_OTHERS,
               "a sweep step aside fits the scratch");
_Static_assert(ASIDE_STEP_WORDS * 3 + 8 <= SLOTQ_STEP_PATCHES, "and its patches fit the step");

/* One running step. */
typedef struct sweep_run {
    verb_frame *frame;
    sweep_spared spared;
    uint32_t *ready_count;
    uint32_t *dead_count;
    uint64_t tick;
    bool whole;
} sweep_run;

bool sweep_is_far(const verb_frame *frame)
{
    const uint64_t due = frame->group.due;
    return due != DUE_NONE && due + HALF_RANGE_TICKS - TOKEN_NEAR_TICKS <= frame_tick(frame);
}

void sweep_begin_whole(verb_frame *frame)
{
    frame->group.sweep = frame->group.head;
    frame->group.due_next = DUE_NONE;
    frame->group_changed = true;
    frame->call->progress.burials = 0;
    frame->call->progress.aside_index = 0;
}

void sweep_begin_round(verb_frame *frame)
{
    if (frame->group.sweep == SWEEP_NONE) {
        sweep_begin_whole(frame);
    }
    frame->call->progress.burials = 0;
    frame->call->progress.looked = 0;
    frame->call->progress.aside_index = 0;
}

static void gather(verb_frame *frame, uint64_t deadline)
{
    if (deadline < frame->group.due_next) {
        frame->group.due_next = deadline;
    }
}

static bool take_from_state(verb_frame *frame, uint32_t word)
{
    return word_state(word) == SLOTQ_STATE_LEASED
               ? frame_take(frame, &frame->group.leased, 1, AT_group_leased)
               : frame_take(frame, &frame->group.waiting, 1, AT_group_waiting);
}

static uint32_t wait_until(verb_frame *frame, uint32_t word, uint64_t deadline)
{
    frame_set_due(frame, deadline);
    frame->group.waiting++;
    return word_make(SLOTQ_STATE_WAITING, word_attempts(word), deadline);
}

uint32_t sweep_wait_for_room(verb_frame *frame, uint32_t word)
{
    return wait_until(frame, word, frame_deadline(frame, DEAD_FULL_RETRY_MS));
}

/* The new word of a message whose deadline has passed. */
static uint32_t pass_on(sweep_run *sweep, const message_place *place, uint32_t word)
{
    verb_frame *frame = sweep->frame;
    const uint32_t max_attempts = frame->view->geometry.max_attempts;
    if (max_attempts == 0 || word_attempts(word) < max_attempts) {
        place_made_ready(frame, place, 1);
        (*sweep->ready_count)++;
        return word_with_state(word, SLOTQ_STATE_READY);
    }
    if (frame->call->progress.burials == BURIALS_MAX) { /* only in a whole sweep */
        return wait_until(frame, word, frame_tick(frame) + 1);
    }
    if (!bury(frame, place, word_attempts(word), SLOTQ_REASON_LEASE_ENDED)) {
        return sweep_wait_for_room(frame, word);
    }
    frame->call->progress.burials++;
    frame->call->progress.buried = true;
    (*sweep->dead_count)++;
    return WORD_DEAD;
}

static bool no_deadline_lives(const group_block *group)
{
    return group->leased == 0 && group->waiting == 0;
}

static bool is_spared(const sweep_spared *spared, uint32_t place)
{
    return (spared->bits[place / 8] >> place % 8 & 1) != 0;
}

/* The burials of the round are used up. */
static bool is_full(const sweep_run *sweep)
{
    return !sweep->whole && sweep->frame->call->progress.burials == BURIALS_MAX;
}

/* The end of the round, or of the reading of words that are not live. */
static bool stops(const sweep_run *sweep)
{
    return is_full(sweep) || no_deadline_lives(&sweep->frame->group);
}

/* Judge the deadline of a word. True: it has passed, and the message must go on. */
static bool has_passed(const sweep_run *sweep, uint32_t word, bool is_spared_word)
{
    if (!word_has_deadline(word)) {
        return false;
    }
    const uint64_t deadline = word_deadline(word, sweep->frame->group.due);
    const bool passed = sweep_is_passed(deadline, sweep->tick);
    if (!passed || is_spared_word) { /* spared: a sweep comes back to it in any case */
        gather(sweep->frame, passed ? sweep->tick + 1 : deadline);
        return false;
    }
    return true;
}

/* Handle words one after another. Returns the number of words read, or slots if a count is
 * broken. */
static uint32_t look_at_words(sweep_run *sweep, uint8_t *words, uint32_t limit,
                              uint32_t *changed_from, uint32_t *changed_to)
{
    verb_frame *frame = sweep->frame;
    uint32_t looked = 0;
    while (looked < limit && !stops(sweep)) {
        const uint32_t place = looked++;
        const uint32_t word = load_u32(words + place * WORD_BYTES);
        if (!has_passed(sweep, word, is_spared(&sweep->spared, place))) {
            continue;
        }
        if (!take_from_state(frame, word)) {
            return frame->slots;
        }
        const message_place message = place_in_ring(frame, frame->group.sweep + place);
        store_u32(words + place * WORD_BYTES, pass_on(sweep, &message, word));
        *changed_from = *changed_to == 0 ? place : *changed_from;
        *changed_to = looked;
    }
    return looked;
}

/* Words aside, from the next one of this round on. False: CORRUPT. */
static bool look_aside(sweep_run *sweep, const sweep_sparing *sparing)
{
    verb_frame *frame = sweep->frame;
    uint32_t *entry = &frame->call->progress.aside_index;
    bool left = false;
    uint32_t changed = 0;
    bool buried = false; /* ends the step: another group may have to wait for fewer aside */
    for (; *entry < frame->front.aside_count && changed < ASIDE_STEP_WORDS && !buried &&
           !stops(sweep);
         (*entry)++) {
        message_place place;
        if (!place_aside(frame, *entry, &place)) {
            return false;
        }
        const uint32_t word = place_word(frame, &place);
        frame->call->progress.looked++;
        if (!has_passed(sweep, word, sparing != NULL && sparing->aside(frame, place.id, word))) {
            continue;
        }
        if (!take_from_state(frame, word)) {
            return false;
        }
        changed++;
        const uint32_t to = pass_on(sweep, &place, word);
        buried = word_is_done(to);
        if (buried) {
            left = aside_finish(frame, &place, to);
        } else {
            step_patch_word(frame->step, place_aside_word_offset(frame, &place), to);
        }
    }
    *entry -= left ? 1 : 0;
    if (!is_full(sweep) && no_deadline_lives(&frame->group)) {
        *entry = frame->front.aside_count;
    }
    return true;
}

static void sweep_end(verb_frame *frame)
{
    frame->group.due = frame->group.due_next;
    frame->group.due_next = DUE_NONE;
    frame->group.sweep = SWEEP_NONE;
    frame->group_changed = true;
}

/* Words of the ring from `sweep` on. False: CORRUPT. */
static bool look_in_ring(sweep_run *sweep, const sweep_sparing *sparing)
{
    verb_frame *frame = sweep->frame;
    group_block *group = &frame->group;
    uint32_t limit = ring_distance(group->sweep, group->cursor, frame->slots);
    limit = ring_before_wrap(group->sweep, limit, frame->slots);
    limit = limit < SWEEP_STEP_WORDS ? limit : SWEEP_STEP_WORDS;
    const uint32_t left = LOOK_WORDS_MAX - frame->call->progress.looked;
    limit = sweep->whole || limit < left ? limit : left;
    uint8_t *words = step_scratch(frame->step, limit * WORD_BYTES);
    const uint32_t offset = word_offset(frame->view, frame->group_index, group->sweep);
    memcpy(words, frame->view->bytes + offset, (size_t)limit * WORD_BYTES);
    if (sparing != NULL) {
        sparing->in_ring(frame, group->sweep, words, limit, &sweep->spared);
    }
    uint32_t changed_from = 0;
    uint32_t changed_to = 0;
    const uint32_t looked = look_at_words(sweep, words, limit, &changed_from, &changed_to);
    if (looked == frame->slots) {
        return false;
    }
    if (changed_to > 0) {
        step_patch_scratch(frame->step, offset + changed_from * WORD_BYTES,
                           words + changed_from * WORD_BYTES,
                           (changed_to - changed_from) * WORD_BYTES);
        frame->step->needs_journal = true;
    }
    frame->call->progress.looked += looked;
    group->sweep = ring_add(group->sweep, looked, frame->slots);
    return true;
}

slotq_outcome sweep_step(verb_frame *frame, bool whole, const sweep_sparing *sparing, bool *over,
                         uint32_t *ready_count, uint32_t *dead_count)
{
    group_block *group = &frame->group;
    const uint32_t *aside_index = &frame->call->progress.aside_index;
    sweep_run sweep = {frame, {{0}}, ready_count, dead_count, frame_tick(frame), whole};
    SLOTQ_ASSERT(group->sweep != SWEEP_NONE);
    *over = false;
    if (!look_aside(&sweep, sparing)) {
        return SLOTQ_CORRUPT;
    }
    const bool aside_is_read = *aside_index == frame->front.aside_count;
    if (aside_is_read && frame->step->patch_count == 0 && !look_in_ring(&sweep, sparing)) {
        return SLOTQ_CORRUPT;
    }
    frame->group_changed = true;
    *over = !whole && (frame->call->progress.looked == LOOK_WORDS_MAX ||
                       frame->call->progress.burials == BURIALS_MAX);
    if (!*over && no_deadline_lives(group)) {
        group->sweep = group->cursor;
    }
    if (group->sweep == group->cursor && *aside_index == frame->front.aside_count) {
        sweep_end(frame);
        *over = true;
    }
    return frame_commit(frame, SLOTQ_MORE);
}
