/* reserve.c: leases messages: [whole sweep] → rounds of [sweep] → retries aside → retries → new
 * messages (FORMAT.md, "reserve"); and reclaim, which is only the sweep.
 */
#include "../layout/assert.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "aside.h"
#include "later.h"
#include "limit.h"
#include "sweep.h"
#include "verbs.h"
#include "wakes.h"

enum reserve_phase {
    RESERVE_BEGIN,
    RESERVE_WHOLE,  /* a whole sweep runs */
    RESERVE_ROUND,  /* a round begins */
    RESERVE_SWEEP,  /* the round's sweep runs */
    RESERVE_HEADS,  /* the sweep buried: head moves */
    RESERVE_SWEPT,  /* the round's sweep is over */
    RESERVE_ASIDE,  /* retries aside */
    RESERVE_SEARCH, /* retries */
    RESERVE_NEW,
    RESERVE_ROUND_END,
    RESERVE_EMPTY /* no message found: head moves while it helps */
};

static bool reserve_valid(const slotq_view *view, const slotq_call_reserve *reserve)
{
    return reserve->group < view->geometry.groups && reserve->limit >= 1 &&
           reserve->limit <= SLOTQ_CALL_MESSAGES_MAX && reserve->run_capacity >= 1 &&
           reserve->runs != NULL && frame_duration_fits(view, reserve->lease_ms);
}

/* The room that the caller has for more messages and runs, and that the group's limits leave. */
static uint32_t reserve_room(const verb_frame *frame)
{
    const slotq_call_reserve *reserve = &frame->call->reserve;
    if (reserve->run_count == reserve->run_capacity) {
        return 0;
    }
    return limit_room(frame, reserve->limit - reserve->message_count);
}

/* The new word of a READY message, or 0: left until the next tick. */
static uint32_t leased_word(const verb_frame *frame, uint32_t word, uint64_t *deadline)
{
    *deadline = frame_deadline(frame, frame->call->reserve.lease_ms);
    if (!frame_fresh_deadline(word, deadline)) {
        return 0;
    }
    const uint32_t attempts = word_attempts(word);
    return word_make(SLOTQ_STATE_LEASED,
                     attempts < WORD_ATTEMPTS_MAX ? attempts + 1 : WORD_ATTEMPTS_MAX, *deadline);
}

/* Count messages as leased, and add a run to the result. */
static void add_run(verb_frame *frame, uint64_t id, uint32_t count, uint32_t word,
                    uint64_t deadline)
{
    slotq_call_reserve *reserve = &frame->call->reserve;
    SLOTQ_ASSERT(count >= 1 && count <= reserve->limit - reserve->message_count);
    SLOTQ_ASSERT(reserve->run_count < reserve->run_capacity);
    wakes_hand_over_due(frame);
    limit_take(frame, count);
    frame->group.leased += count;
    frame_set_due(frame, deadline);
    slotq_run *run = &reserve->runs[reserve->run_count++];
    run->id = id;
    run->token = word;
    run->count = count;
    reserve->message_count += count;
}

/* Give count messages from index on the word. */
static void lease_run(verb_frame *frame, uint32_t index, uint32_t count, uint32_t word,
                      uint64_t deadline)
{
    step_patch_words(frame->step, frame->view, frame->group_index, index, count, word);
    add_run(frame, frame_id(frame, index), count, word, deadline);
}

/* ---- retries aside ---- */

/* One READY message aside. OK: all were read, or none is READY any more; nothing was patched. */
static slotq_outcome reserve_aside(verb_frame *frame)
{
    uint32_t *entry = &frame->call->progress.aside_index;
    while (*entry < frame->front.aside_count && frame->group.ready_behind > 0) {
        message_place place;
        uint64_t deadline;
        if (!place_aside(frame, (*entry)++, &place)) {
            return SLOTQ_CORRUPT;
        }
        const uint32_t word = place_word(frame, &place);
        frame->call->progress.looked++;
        if (!word_is_ready(word)) {
            continue;
        }
        const uint32_t to = leased_word(frame, word, &deadline);
        if (to == 0) {
            frame->call->progress.aside_left++;
            continue;
        }
        /* cannot fail: the loop asks for one */
        (void)frame_take(frame, &frame->group.ready_behind, 1, AT_group_ready_behind);
        step_patch_word(frame->step, place_aside_word_offset(frame, &place), to);
        add_run(frame, place.id, 1, to, deadline);
        frame->group.redelivered++;
        return frame_commit(frame, SLOTQ_MORE);
    }
    if (frame->group.ready_behind < frame->call->progress.aside_left) {
        return frame_corrupt(frame, group_offset(frame->group_index) + AT_group_ready_behind,
                             "group.ready_behind is below the READY words");
    }
    return SLOTQ_OK;
}

/* READY words in the ring behind the cursor, once those aside are leased or left. */
static uint32_t ring_ready(const verb_frame *frame)
{
    return frame->group.ready_behind - frame->call->progress.aside_left;
}

/* ---- retries ---- */

/* The first READY word, from the place of the search on, that can be leased; cursor = none. Words
 * that must wait for the next tick are left, and retry_from stays before them. */
static uint32_t search_ready(verb_frame *frame, uint32_t *word, uint64_t *deadline)
{
    group_block *group = &frame->group;
    uint32_t index = frame->call->progress.scan_index;
    while (index != group->cursor && frame->call->progress.looked < LOOK_WORDS_MAX) {
        const uint32_t here = frame_word(frame, index);
        frame->call->progress.looked++;
        if (word_is_ready(here)) {
            *word = leased_word(frame, here, deadline);
            if (*word != 0) {
                return index;
            }
            frame->call->progress.left = true;
        }
        index = ring_add(index, 1, frame->slots);
        if (!frame->call->progress.left) {
            group->retry_from = index; /* progress is kept */
            frame->group_changed = true;
        }
    }
    frame->call->progress.scan_index = index;
    return group->cursor;
}

/* The number of words from index on that become the same word. */
static uint32_t same_run(verb_frame *frame, uint32_t index, uint32_t word)
{
    const uint32_t room = reserve_room(frame);
    uint32_t count = 1;
    uint32_t next = ring_add(index, 1, frame->slots);
    while (count < room && next != frame->group.cursor &&
           frame->call->progress.looked < LOOK_WORDS_MAX) {
        const uint32_t here = frame_word(frame, next);
        uint64_t deadline;
        if (!word_is_ready(here) || leased_word(frame, here, &deadline) != word) {
            break;
        }
        frame->call->progress.looked++;
        count++;
        next = ring_add(next, 1, frame->slots);
    }
    return count;
}

/* One run of retries. OK: the search of this round has ended, nothing was patched. */
static slotq_outcome reserve_search(verb_frame *frame)
{
    group_block *group = &frame->group;
    uint32_t word;
    uint64_t deadline;
    if (ring_ready(frame) == 0) {
        return SLOTQ_OK;
    }
    const uint32_t index = search_ready(frame, &word, &deadline);
    if (index == group->cursor) {
        if (group->retry_from == group->cursor) {
            return frame_corrupt(frame, group_offset(frame->group_index) + AT_group_ready_behind,
                                 "group.ready_behind is above the READY words");
        }
        return frame->group_changed ? frame_commit(frame, SLOTQ_MORE) : SLOTQ_OK;
    }
    const uint32_t count = same_run(frame, index, word);
    const uint32_t next = ring_add(index, count, frame->slots);
    frame->call->progress.scan_index = next;
    if (!frame->call->progress.left) {
        group->retry_from = next;
    }
    if (!frame_take(frame, &group->ready_behind, count, AT_group_ready_behind)) {
        return SLOTQ_CORRUPT;
    }
    lease_run(frame, index, count, word, deadline);
    group->redelivered += count;
    return frame_commit(frame, SLOTQ_MORE);
}

/* ---- new messages ---- */

/* Skip DONE words of [cursor, written); the number of READY words that follow, up to room. */
static bool count_new(verb_frame *frame, uint32_t *count)
{
    group_block *group = &frame->group;
    const uint32_t room = reserve_room(frame);
    uint32_t index = group->cursor;
    *count = 0;
    while (index != group->written && *count < room) {
        const uint32_t word = frame_word(frame, index);
        if (word_has_deadline(word)) {
            frame_corrupt(frame, word_offset(frame->view, frame->group_index, index),
                          "a word at or beyond cursor is LEASED or WAITING");
            return false;
        }
        if (word_is_done(word)) {
            if (*count > 0 || frame->call->progress.looked == LOOK_WORDS_MAX) {
                return true;
            }
            frame->call->progress.looked++;
            group->cursor = ring_add(index, 1, frame->slots);
            frame->group_changed = true;
        } else {
            (*count)++;
        }
        index = ring_add(index, 1, frame->slots);
    }
    if (index == group->written && *count < room) {
        const uint32_t fresh = ring_distance(index, frame->front.tail, frame->slots);
        *count += fresh < room - *count ? fresh : room - *count;
    }
    return true;
}

/* One run of new messages. OK: there was none, nothing was patched. */
static slotq_outcome reserve_new(verb_frame *frame)
{
    group_block *group = &frame->group;
    uint32_t count;
    if (group->cursor == frame->front.tail) {
        return SLOTQ_OK;
    }
    if (!count_new(frame, &count)) {
        return SLOTQ_CORRUPT;
    }
    if (count > 0) {
        const uint64_t deadline = frame_deadline(frame, frame->call->reserve.lease_ms);
        const uint32_t index = group->cursor;
        group->cursor = ring_add(index, count, frame->slots);
        const uint32_t written = frame_position(frame, group->written);
        if (written < frame_position(frame, group->cursor)) {
            group->written = group->cursor;
        }
        lease_run(frame, index, count, word_make(SLOTQ_STATE_LEASED, 1, deadline), deadline);
    }
    if (group->ready_behind == 0) {
        group->retry_from = group->cursor;
    }
    return frame->group_changed ? frame_commit(frame, SLOTQ_MORE) : SLOTQ_OK;
}

/* ---- phases ---- */

static uint64_t next_due_ms(const verb_frame *frame, slotq_outcome outcome)
{
    const uint64_t tick_ms = frame->view->geometry.tick_ms;
    if (outcome == SLOTQ_AGAIN) {
        const bool left = frame->call->progress.left || frame->call->progress.aside_left > 0;
        return left ? (frame_tick(frame) + 1) * tick_ms : frame->call->now_ms;
    }
    if (outcome == SLOTQ_LIMITED) {
        return limit_next_ms(frame);
    }
    if (later_waits_for_call(frame)) { /* a head moved since it was found due */
        return frame->call->now_ms;
    }
    const uint64_t later_ms = later_next_ms(frame);
    const uint64_t due = frame->group.due;
    return due == DUE_NONE || due * tick_ms > later_ms ? later_ms : due * tick_ms;
}

static slotq_outcome reserve_nothing(verb_frame *frame, slotq_outcome outcome)
{
    frame->call->reserve.next_due_ms = next_due_ms(frame, outcome);
    return frame->call->reserve.may_wait ? wakes_mark_waiting(frame, outcome) : outcome;
}

/* A round ended without a patch in this step: the next phase, or the outcome. */
static slotq_outcome reserve_round_end(verb_frame *frame)
{
    const group_block *group = &frame->group;
    uint32_t *phase = &frame->call->progress.phase;
    if (frame->call->reserve.message_count > 0) {
        return SLOTQ_OK;
    }
    if (*phase == RESERVE_EMPTY || (group->cursor == frame->front.tail &&
                                    group->ready_behind == 0 && group->sweep == SWEEP_NONE)) {
        *phase = RESERVE_EMPTY;
        frame->call->progress.other_done = 0;
        if (frame_move_head(frame)) {
            return frame_commit(frame, SLOTQ_MORE);
        }
        return reserve_nothing(frame, SLOTQ_EMPTY);
    }
    if (group->sweep == SWEEP_NONE && limit_room(frame, 1) == 0) {
        *phase = RESERVE_ROUND_END;
        return limit_set_back(frame) ? frame_commit(frame, SLOTQ_MORE)
                                     : reserve_nothing(frame, SLOTQ_LIMITED);
    }
    if (++frame->call->progress.round == ROUNDS_MAX) {
        return reserve_nothing(frame, SLOTQ_AGAIN);
    }
    *phase = RESERVE_ROUND;
    return SLOTQ_MORE;
}

/* One sweep step; the phase ends when the sweep, or this round's part of it, has ended. */
static slotq_outcome reserve_sweep(verb_frame *frame)
{
    uint32_t ready = 0;
    uint32_t dead = 0;
    bool over;
    const bool whole = frame->call->progress.phase == RESERVE_WHOLE;
    const slotq_outcome outcome = sweep_step(frame, whole, NULL, &over, &ready, &dead);
    if (over) {
        frame->call->progress.phase = frame->call->progress.buried ? RESERVE_HEADS
                                      : whole                      ? RESERVE_ROUND
                                                                   : RESERVE_SWEPT;
    }
    return outcome;
}

/* The searches or the new messages. OK: the phase has ended, nothing was patched. */
static slotq_outcome reserve_lease(verb_frame *frame)
{
    const uint32_t phase = frame->call->progress.phase;
    const slotq_outcome outcome = phase == RESERVE_ASIDE    ? reserve_aside(frame)
                                  : phase == RESERVE_SEARCH ? reserve_search(frame)
                                                            : reserve_new(frame);
    if (outcome != SLOTQ_MORE) {
        return outcome;
    }
    const slotq_call_reserve *reserve = &frame->call->reserve;
    const bool all = phase == RESERVE_NEW && frame->group.cursor == frame->front.tail;
    const bool over = reserve_room(frame) == 0 || (all && reserve->message_count > 0);
    return over ? SLOTQ_OK : SLOTQ_MORE;
}

static void begin_search(verb_frame *frame)
{
    const bool limited = limit_room(frame, 1) == 0;
    frame->call->progress.phase = limited ? RESERVE_ROUND_END : RESERVE_ASIDE;
    frame->call->progress.looked = 0;
    frame->call->progress.left = false;
    frame->call->progress.aside_index = 0;
    frame->call->progress.aside_left = 0;
    frame->call->progress.scan_index = frame->group.retry_from;
}

/* New messages are leased only if no READY message is left behind the cursor. */
static void end_search(verb_frame *frame)
{
    const bool whole =
        ring_ready(frame) == 0 || frame->call->progress.scan_index == frame->group.cursor;
    frame->call->progress.phase = whole ? RESERVE_NEW : RESERVE_ROUND_END;
    frame->call->progress.looked = 0;
}

/* The lease phases, one after another, until one has a patch or the outcome. */
static slotq_outcome reserve_lease_phases(verb_frame *frame)
{
    uint32_t *phase = &frame->call->progress.phase;
    while (*phase != RESERVE_ROUND_END && *phase != RESERVE_EMPTY) {
        const slotq_outcome outcome = reserve_lease(frame);
        if (outcome != SLOTQ_OK || frame->step->patch_count > 0) {
            return outcome;
        }
        if (*phase == RESERVE_ASIDE) {
            *phase = RESERVE_SEARCH;
        } else if (*phase == RESERVE_SEARCH) {
            end_search(frame);
        } else {
            break;
        }
    }
    return reserve_round_end(frame);
}

/* Run phases one after another until one has a patch or the outcome. */
static slotq_outcome reserve_phases(verb_frame *frame)
{
    uint32_t *phase = &frame->call->progress.phase;
    bool *sweeping = &frame->call->progress.begun;
    if (*phase == RESERVE_ROUND) {
        *sweeping = sweep_is_wanted(frame);
        if (*sweeping) {
            sweep_begin_round(frame);
            *phase = RESERVE_SWEEP;
        } else {
            begin_search(frame);
        }
    }
    if (*phase == RESERVE_WHOLE || *phase == RESERVE_SWEEP) {
        return reserve_sweep(frame);
    }
    if (*phase == RESERVE_HEADS) {
        frame->call->progress.buried = false;
        *phase = *sweeping ? RESERVE_SWEPT : RESERVE_ROUND;
        frame_move_head(frame);
        return frame_commit(frame, SLOTQ_MORE);
    }
    if (*phase == RESERVE_SWEPT) {
        begin_search(frame);
    }
    return reserve_lease_phases(frame);
}

/* Whether a reserve would do anything. A caller that does not wait wakes another in its place. */
static slotq_outcome reserve_look(verb_frame *frame)
{
    const group_block *group = &frame->group;
    const bool is_due = sweep_is_wanted(frame) || later_waits_for_call(frame);
    if (!is_due && group->ready_behind == 0 && group->cursor == frame->front.tail) {
        return reserve_nothing(frame, SLOTQ_EMPTY);
    }
    if (!is_due && limit_room(frame, 1) == 0 && !limit_set_back(frame)) {
        return reserve_nothing(frame, SLOTQ_LIMITED);
    }
    if (!frame->call->reserve.may_wait) {
        frame->step->wake_groups = (uint16_t)(UINT32_C(1) << frame->group_index);
        frame->step->wake_messages = 1;
    }
    return SLOTQ_OK;
}

slotq_outcome reserve_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_reserve *reserve = &call->reserve;
    const bool looks = VERBS_LOOK && call->progress.looks;
    if (!reserve_valid(view, reserve)) {
        return SLOTQ_INVALID;
    }
    if (frame->front.paused & SLOTQ_PAUSE_OUT) {
        return SLOTQ_PAUSED;
    }
    if (!looks && wakes_ask_ring(frame)) {
        return SLOTQ_MORE;
    }
    if (call->progress.phase == RESERVE_BEGIN) {
        reserve->run_count = 0;
        reserve->message_count = 0;
        const slotq_outcome promoted = looks ? SLOTQ_OK : later_promote(frame);
        if (promoted != SLOTQ_OK) {
            wakes_hand_over(frame, SLOTQ_MORE);
            return promoted;
        }
    }
    if (!frame_load(frame, reserve->group) || !limit_load(frame)) {
        return SLOTQ_CORRUPT;
    }
    if (looks) {
        return reserve_look(frame);
    }
    if (call->progress.phase == RESERVE_BEGIN) {
        call->progress.phase = RESERVE_ROUND;
        call->progress.other_done = 0; /* promotion moved heads too */
        if (sweep_is_far(frame)) {
            sweep_begin_whole(frame);
            call->progress.phase = RESERVE_WHOLE;
        }
    }
    const slotq_outcome outcome = reserve_phases(frame);
    if (outcome != SLOTQ_CORRUPT) {
        wakes_hand_over(frame, outcome);
    }
    return outcome;
}

slotq_outcome reclaim_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_call_reclaim *reclaim = &call->reclaim;
    uint32_t *phase = &call->progress.phase;
    if (reclaim->group >= view->geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, reclaim->group)) {
        return SLOTQ_CORRUPT;
    }
    if (*phase == RESERVE_BEGIN) {
        reclaim->ready_count = 0;
        reclaim->dead_count = 0;
        if (!sweep_is_wanted(frame)) {
            return SLOTQ_OK;
        }
        *phase = sweep_is_far(frame) ? RESERVE_WHOLE : RESERVE_SWEEP;
        if (*phase == RESERVE_WHOLE) {
            sweep_begin_whole(frame);
        } else {
            sweep_begin_round(frame);
        }
    }
    if (*phase == RESERVE_WHOLE || *phase == RESERVE_SWEEP) {
        bool over;
        const slotq_outcome outcome = sweep_step(frame, *phase == RESERVE_WHOLE, NULL, &over,
                                                 &reclaim->ready_count, &reclaim->dead_count);
        *phase = over ? RESERVE_HEADS : *phase;
        return outcome;
    }
    frame_move_head(frame);
    return frame_commit(frame, frame->group.sweep == SWEEP_NONE ? SLOTQ_OK : SLOTQ_AGAIN);
}
