/* settle.c: ack, nack, release, extend, kill: each compares the token with the state word and swaps
 * it (FORMAT.md, "settle"). A stretch of adjacent messages with the token is one step.
 */
#include "../layout/assert.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/ring.h"
#include "../layout/word.h"
#include "bury.h"
#include "limits.h"
#include "sweep.h"
#include "verbs.h"
#include "wakes.h"

enum settle_phase { SETTLE_BEGIN, SETTLE_SWEEP, SETTLE_HEADS, SETTLE_RUNS };

/* nack and release: the message waits before it is READY again. */
static bool delays(const slotq_call *call)
{
    return (call->verb == SLOTQ_NACK || call->verb == SLOTQ_RELEASE) && call->settle.ms > 0;
}

static bool sets_deadline(const slotq_call *call)
{
    return call->verb == SLOTQ_EXTEND || delays(call);
}

static bool settle_valid(const slotq_view *view, const slotq_call *call)
{
    const slotq_call_settle *settle = &call->settle;
    if (settle->group >= view->geometry.groups || settle->runs == NULL) {
        return false;
    }
    runs_size size;
    if (!runs_judge(settle->runs, settle->run_count, &size)) {
        return false;
    }
    return !sets_deadline(call) || frame_duration_fits(view, settle->ms);
}

/* True if this verb makes a message with this word die. */
static bool dies(const verb_frame *frame, uint32_t word)
{
    const uint32_t max_attempts = frame->view->geometry.max_attempts;
    return frame->call->verb == SLOTQ_KILL ||
           (frame->call->verb == SLOTQ_NACK && max_attempts != 0 &&
            word_attempts(word) >= max_attempts);
}

/* For the whole sweep of this verb: spare the words that a run names as tokens. */
static void spare_named(const verb_frame *frame, uint32_t index, const uint8_t *words,
                        uint32_t count, sweep_spared *spared)
{
    const slotq_call_settle *settle = &frame->call->settle;
    const uint64_t first_id = frame_id(frame, index);
    for (uint32_t i = 0; i < settle->run_count; i++) {
        const slotq_run *run = &settle->runs[i];
        const uint64_t before = run->id < first_id ? first_id - run->id : 0;
        const uint64_t from = run->id < first_id ? 0 : run->id - first_id;
        if (before >= run->count || from >= count || word_state(run->token) != SLOTQ_STATE_LEASED) {
            continue;
        }
        const uint64_t to = from + (run->count - before);
        for (uint64_t place = from; place < to && place < count; place++) {
            if (load_u32(words + place * WORD_BYTES) == run->token) {
                spared->bits[place / 8] |= (uint8_t)(1U << place % 8);
            }
        }
    }
}

/* The same for a word aside. */
static bool is_named(const verb_frame *frame, uint64_t id, uint32_t word)
{
    const slotq_call_settle *settle = &frame->call->settle;
    for (uint32_t i = 0; i < settle->run_count && word_state(word) == SLOTQ_STATE_LEASED; i++) {
        const slotq_run *run = &settle->runs[i];
        if (run->token == word && id - run->id < run->count) { /* below id it wraps */
            return true;
        }
    }
    return false;
}

/* ---- one message or stretch ---- */

static void note(slotq_call *call, uint32_t count, slotq_outcome outcome, uint32_t token)
{
    slotq_call_settle *settle = &call->settle;
    for (uint32_t i = 0; i < count; i++) {
        if (settle->outcomes != NULL) {
            settle->outcomes[call->progress.message_index + i] = (uint8_t)outcome;
        }
        if (settle->tokens != NULL && call->verb == SLOTQ_EXTEND) {
            settle->tokens[call->progress.message_index + i] =
                outcome == SLOTQ_OK ? token : 4 * (uint32_t)outcome;
        }
    }
    call->progress.message_index += count;
    call->progress.run_done += count;
    if (call->progress.run_done == settle->runs[call->progress.run_index].count) {
        call->progress.run_done = 0;
        call->progress.run_index++;
    }
    if (outcome == SLOTQ_OK) {
        settle->ok_count += count;
    } else if (call->progress.outcome == SLOTQ_OK) {
        call->progress.outcome = outcome;
    }
}

/* OK if the token is valid, or the outcome of the refusal; or CORRUPT. */
static slotq_outcome find_held(verb_frame *frame, uint64_t id, uint32_t token, message_place *place)
{
    const slotq_outcome outcome = place_find(frame, id, place);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const uint32_t word = place_word(frame, place);
    if (word_is_done(word)) {
        return SLOTQ_GONE;
    }
    const bool delivered = place->is_aside || frame_position(frame, place->index) <
                                                  frame_position(frame, frame->group.cursor);
    return word == token && word_state(word) == SLOTQ_STATE_LEASED && delivered ? SLOTQ_OK
                                                                                : SLOTQ_STALE;
}

/* The number of adjacent words from index on that are the token. */
static uint32_t held_stretch(const verb_frame *frame, uint32_t index, uint32_t token,
                             uint32_t limit)
{
    const uint32_t from = frame_position(frame, index);
    const uint32_t left = frame_position(frame, frame->group.cursor) - from;
    const uint8_t *words = frame->view->bytes;
    limit = limit < left ? limit : left;
    limit = ring_before_wrap(index, limit, frame->slots);
    words += word_offset(frame->view, frame->group_index, index);
    uint32_t count = 1;
    while (count < limit && load_u32(words + count * WORD_BYTES) == token) {
        count++;
    }
    return count;
}

/* count messages from the place on become the DONE word; aside, count is 1. */
static void finish(verb_frame *frame, const message_place *place, uint32_t count, uint32_t word)
{
    if (!place->is_aside) {
        frame_finish(frame, place->index, count, word);
        return;
    }
    (void)aside_finish(frame, place, word);
}

static slotq_outcome settle_dying(verb_frame *frame, const message_place *place, uint32_t word)
{
    const slotq_call_settle *settle = &frame->call->settle;
    const bury_death death = {word_attempts(word), settle->reason, settle->note_bytes,
                              settle->note};
    if (!bury_noted(frame, place, &death)) {
        return SLOTQ_DEADFULL;
    }
    finish(frame, place, 1, WORD_DEAD);
    frame->call->settle.dead_count++;
    return SLOTQ_OK;
}

/* The whole sweep of this nack spared the message and moved `due` past its deadline, whose 24 bits
 * would now read as a deadline far ahead. It becomes WAITING, as by rule 4 of the sweep. */
static bool leave_lease(verb_frame *frame, const message_place *place, uint32_t word)
{
    if (!frame_take(frame, &frame->group.leased, 1, AT_group_leased)) {
        return false;
    }
    place_patch_words(frame, place, 1, sweep_wait_for_room(frame, word));
    return true;
}

/* The new word of an extended lease: the old word if a new one is out of reach. */
static uint32_t extended_word(verb_frame *frame, uint32_t word)
{
    uint64_t deadline = frame_deadline(frame, frame->call->settle.ms);
    if (!frame_fresh_deadline(word, &deadline)) {
        return word;
    }
    frame_set_due(frame, deadline);
    return word_make(SLOTQ_STATE_LEASED, word_attempts(word), deadline);
}

/* The new word of a nacked or released message; changes the counts with it. The attempt of a
 * released one does not count. */
static uint32_t returned_word(verb_frame *frame, const message_place *place, uint32_t count,
                              uint32_t word)
{
    uint32_t attempts = word_attempts(word);
    if (frame->call->verb == SLOTQ_RELEASE && attempts > 0) {
        attempts--;
    }
    if (!delays(frame->call)) {
        place_made_ready(frame, place, count);
        return word_make(SLOTQ_STATE_READY, attempts, word_bits(word));
    }
    const uint64_t deadline = frame_deadline(frame, frame->call->settle.ms);
    if (deadline < frame->group.due) {
        wakes_owe(frame, wakes_own_group(frame), 1);
    }
    frame_set_due(frame, deadline);
    frame->group.waiting += count;
    return word_make(SLOTQ_STATE_WAITING, attempts, deadline);
}

/* End the lease of the stretch from the place on. Returns its new token, or the word that it had.
 */
static uint32_t settle_stretch(verb_frame *frame, const message_place *place, uint32_t count,
                               uint32_t word)
{
    uint32_t to = word;
    SLOTQ_ASSERT(count > 0);
    switch (frame->call->verb) {
    case SLOTQ_ACK:
        frame->group.acked += count;
        finish(frame, place, count, WORD_ACKED);
        return to;
    case SLOTQ_NACK:
    case SLOTQ_RELEASE:
        to = returned_word(frame, place, count, word);
        break;
    default:
        to = extended_word(frame, word);
        break;
    }
    if (to != word) {
        place_patch_words(frame, place, count, to);
    }
    return to;
}

/* ---- steps ---- */

/* Refusals need no step: continue until a stretch is settled or all runs are done. */
static slotq_outcome settle_runs(verb_frame *frame)
{
    slotq_call *call = frame->call;
    slotq_call_settle *settle = &call->settle;
    while (call->progress.run_index < settle->run_count) {
        const slotq_run *run = &settle->runs[call->progress.run_index];
        const uint32_t done = call->progress.run_done;
        const uint64_t id = run->id + done;
        message_place place;
        slotq_outcome outcome = find_held(frame, id, run->token, &place);
        if (outcome == SLOTQ_CORRUPT) {
            return outcome;
        }
        if (outcome != SLOTQ_OK) {
            note(call, 1, outcome, 0);
            continue;
        }
        uint32_t count = 1;
        uint32_t token = run->token;
        const bool leaves = call->verb != SLOTQ_EXTEND;
        if (!dies(frame, token)) {
            count = place.is_aside ? 1 : held_stretch(frame, place.index, token, run->count - done);
            token = settle_stretch(frame, &place, count, token);
        } else {
            outcome = settle_dying(frame, &place, token);
        }
        if (outcome == SLOTQ_OK && leaves &&
            !frame_take(frame, &frame->group.leased, count, AT_group_leased)) {
            return SLOTQ_CORRUPT;
        }
        if (outcome == SLOTQ_DEADFULL && call->progress.begun &&
            !leave_lease(frame, &place, token)) {
            return SLOTQ_CORRUPT;
        }
        note(call, count, outcome, token);
        if (frame->step->patch_count > 0 || frame->group_changed) {
            const bool last = call->progress.run_index == settle->run_count;
            return frame_commit(frame, last ? call->progress.outcome : SLOTQ_MORE);
        }
    }
    return call->progress.outcome;
}

/* The whole sweep of this verb, if the oldest deadline is too far behind. */
static slotq_outcome settle_sweep(verb_frame *frame)
{
    uint32_t ready = 0;
    uint32_t dead = 0;
    bool over;
    static const sweep_sparing named = {spare_named, is_named};
    const slotq_outcome outcome = sweep_step(frame, true, &named, &over, &ready, &dead);
    if (over) {
        frame->call->progress.phase = SETTLE_HEADS;
    }
    return outcome;
}

slotq_outcome settle_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    if (call->progress.phase == SETTLE_BEGIN && !settle_valid(view, call)) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, call->settle.group)) {
        return SLOTQ_CORRUPT;
    }
    if (call->progress.phase == SETTLE_BEGIN) {
        call->settle.ok_count = 0;
        call->settle.dead_count = 0;
        call->progress.outcome = SLOTQ_OK;
        call->progress.phase = SETTLE_RUNS;
        if (sets_deadline(call) && sweep_is_far(frame)) {
            sweep_begin_whole(frame);
            call->progress.begun = true;
            call->progress.phase = SETTLE_SWEEP;
        }
    }
    if (call->progress.phase == SETTLE_SWEEP) {
        return settle_sweep(frame);
    }
    if (call->progress.phase == SETTLE_HEADS) {
        call->progress.phase = SETTLE_RUNS;
        frame_move_head(frame);
        return frame_commit(frame, SLOTQ_MORE);
    }
    return settle_runs(frame);
}
