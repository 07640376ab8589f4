/* push.c: see commands.h. Here: pushing and scheduling.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"
#include "messages.h"
#include "places.h"

enum { FULL_BYTES = 256 };

/* ---- refusals ---- */

static void refuse_full(module_call *call)
{
    const slotq_holder *holder = &call->verb.push.holder;
    const bool alike = call->verb.push.keys != NULL && holder->id == 0;
    char text[FULL_BYTES];
    snprintf(text, sizeof text, "SLOTQFULL %" PRIu64 " %" PRIu32 " %" PRIu32 " %u %u %u: %s%s",
             holder->id, holder->held, holder->unfinished, (unsigned)holder->group,
             (unsigned)holder->state, holder->dead_full ? 1u : 0u, outcome_text(SLOTQ_FULL),
             alike ? ": too many of its keys are alike" : "");
    call_error(call, text);
}

static void refuse_later_full(module_call *call)
{
    char text[FULL_BYTES];
    snprintf(text, sizeof text,
             "SLOTQFULL 0 0 0 0 0 0: %s: %" PRIu32 " messages are scheduled, the limit is %u",
             outcome_text(SLOTQ_FULL), (uint32_t)load_u16(call->bytes + AT_shared_later_count),
             (unsigned)call->view.geometry.later_slots);
    call_error(call, text);
}

/* What pushes and schedules have in common. */
static void refuse_push(module_call *call, slotq_outcome outcome)
{
    call->mine.has = false; /* the refusal says nothing of a place */
    if (outcome == SLOTQ_PAUSED) {
        call_refuse_with(call, outcome, " for pushing: resume it");
    } else {
        call_refuse(call, outcome);
    }
}

/* ---- push ---- */

/* Clients slept at this shard before the push, and no limit of it holds up what they could take.
 * In a queue with places the core's changes of `wake` are not written. */
static bool has_sleepers(const module_call *call)
{
    const slotq_geometry *geometry = &call->view.geometry;
    bool has = geometry->places > 0 && (load_u32(call->bytes + AT_shared_wake) & WAKE_FOR_MESSAGE);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        /* max_leased, rate_burst and rate_interval, all at once */
        has = has && load_u64(call->bytes + group_offset(group) + AT_limit_max_leased) == 0;
    }
    return has;
}

static void reply_pushed(module_call *call)
{
    const slotq_call_push *push = &call->verb.push;
    if (call->view.geometry.set > 0 && call->behind == NULL) { /* a move says the id alone */
        const bool sleep = has_sleepers(call);
        reply_array(call, 3);
        reply_number(call, push->first_id);
        reply_number(call, push->used);
        reply_number(call, sleep ? 1 : 0);
    } else {
        reply_number(call, push->first_id);
    }
}

bool messages_push(module_call *call, const module_messages *messages, bool waits)
{
    slotq_call_push *push = &call->verb.push;
    const bool placed = call->view.geometry.places > 0;
    call_verb(call, SLOTQ_PUSH);
    push->messages = messages->data;
    push->keys = messages->keys;
    push->count = messages->count;
    push->key_mode = messages->key_mode;
    push->may_wait = waits && !placed;
    const slotq_outcome outcome = call_run(call);
    call->mine.waits = waits && outcome == SLOTQ_FULL;
    if (outcome == SLOTQ_OK) {
        call->news.messages = messages->count;
        reply_pushed(call);
    } else if (outcome == SLOTQ_DUPLICATE) {
        messages_reply_duplicate(call, &push->taken);
    } else if (outcome == SLOTQ_FULL) {
        refuse_full(call);
    } else {
        refuse_push(call, outcome);
    }
    return outcome == SLOTQ_OK || outcome == SLOTQ_DUPLICATE;
}

static uint32_t most_in_ring(const module_call *call)
{
    return call->view.geometry.ring_slots - 1u;
}

void command_push(module_call *call)
{
    module_messages messages;
    if (call_open(call) && call_expect_no_checks(call, "push_packed") &&
        messages_read(call, 0, 1, most_in_ring(call), &messages)) {
        messages_push(call, &messages, false);
    }
}

void command_push_keyed(module_call *call)
{
    module_messages messages;
    if (call_open(call) && call_expect_no_checks(call, "push_keyed_packed") &&
        messages_expect_pairs(call, 1) &&
        messages_read(call, 2, 2, most_in_ring(call), &messages) &&
        messages_read_keys(call, 0, 1, &messages)) {
        messages_push(call, &messages, false);
    }
}

static void push_packed(module_call *call, uint32_t wait_at, bool keyed)
{
    module_messages messages;
    uint64_t count;
    bool waits;
    if (call_number(call, 0, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &count) &&
        call_flag(call, wait_at, "wait", &waits) && call_open(call) &&
        places_read(call, wait_at + 1, call->view.geometry.groups, count) &&
        messages_read_packed(call, 1, count, most_in_ring(call), &messages) &&
        (!keyed || messages_read_packed_keys(call, 2, 3, &messages))) {
        messages_push(call, &messages, waits);
    }
}

void command_push_packed(module_call *call)
{
    push_packed(call, 2, false);
}

void command_push_keyed_packed(module_call *call)
{
    push_packed(call, 4, true);
}

/* ---- schedule ---- */

static void schedule(module_call *call, const module_messages *messages, uint64_t due_ms,
                     bool not_past)
{
    slotq_call_schedule *schedule = &call->verb.schedule;
    call_verb(call, SLOTQ_SCHEDULE);
    schedule->messages = messages->data;
    schedule->keys = messages->keys;
    schedule->due_ms = due_ms;
    schedule->count = messages->count;
    schedule->key_mode = messages->key_mode;
    schedule->not_past = not_past;
    const slotq_outcome outcome = call_run(call);
    if (outcome == SLOTQ_OK) {
        reply_number(call, schedule->first_later_id);
    } else if (outcome == SLOTQ_DUPLICATE) {
        messages_reply_duplicate(call, &schedule->taken);
    } else if (outcome == SLOTQ_EMPTY) {
        reply_status(call, outcome);
    } else if (outcome == SLOTQ_FULL) {
        refuse_later_full(call);
    } else {
        refuse_push(call, outcome);
    }
}

static bool read_due(module_call *call, uint64_t *due_ms)
{
    return call_number(call, 0, "due_ms", 0, SLOTQ_NOW_MS_MAX, due_ms);
}

void command_schedule(module_call *call)
{
    module_messages messages;
    uint64_t due_ms;
    bool not_past;
    if (read_due(call, &due_ms) && call_flag(call, 1, "not_past", &not_past) && call_open(call) &&
        call_expect_no_checks(call, "schedule_packed") &&
        messages_read(call, 2, 1, call->view.geometry.later_slots, &messages)) {
        schedule(call, &messages, due_ms, not_past);
    }
}

void command_schedule_keyed(module_call *call)
{
    module_messages messages;
    uint64_t due_ms;
    bool not_past;
    if (read_due(call, &due_ms) && call_flag(call, 1, "not_past", &not_past) && call_open(call) &&
        call_expect_no_checks(call, "schedule_packed") && messages_expect_pairs(call, 3) &&
        messages_read(call, 4, 2, call->view.geometry.later_slots, &messages) &&
        messages_read_keys(call, 2, 3, &messages)) {
        schedule(call, &messages, due_ms, not_past);
    }
}

void command_schedule_packed(module_call *call)
{
    module_messages messages;
    uint64_t due_ms;
    uint64_t count;
    bool not_past;
    if (read_due(call, &due_ms) && call_number(call, 1, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &count) &&
        call_flag(call, 3, "not_past", &not_past) && call_open(call) &&
        messages_read_packed(call, 2, count, call->view.geometry.later_slots, &messages) &&
        (call->count <= 4 || messages_read_packed_keys(call, 4, 5, &messages))) {
        schedule(call, &messages, due_ms, not_past);
    }
}
