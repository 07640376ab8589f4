/* moves.c: see verbs.h. Here: the verbs that messages take their way by. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verbs.h"

enum { HELD_MAX = 64 };

typedef struct held {
    uint64_t id;
    uint32_t token;
    uint8_t group;
} held;

static held leases[HELD_MAX];
static uint32_t lease_count;

void forget_leases(void)
{
    lease_count = 0;
}

static const char *any_mode(slotq_key_mode *mode)
{
    static const char *const modes[] = {"unique", "once", "resend"};
    const uint32_t drawn = below(3);
    *mode = (slotq_key_mode)(SLOTQ_KEY_UNIQUE + drawn);
    return modes[drawn];
}

static void finish_push(slotq_call *call)
{
    const slotq_outcome outcome = run(call);
    if (outcome == SLOTQ_OK) {
        put_item("", call->push.first_id);
        last_id = call->push.first_id + call->push.count - 1;
    } else if (outcome == SLOTQ_DUPLICATE) {
        put_duplicate(&call->push.taken);
    } else if (outcome == SLOTQ_FULL) {
        put_full(&call->push.holder);
    } else {
        put_refusal(outcome);
    }
}

void push(bool packed, bool keyed)
{
    slotq_call call = fresh(SLOTQ_PUSH);
    call.push.messages = messages;
    call.push.count = 1 + below(packed ? MESSAGES_MAX : 2);
    any_messages(call.push.count, packed || call.push.count > 1);
    begin_line(packed ? "push_packed" : keyed ? "push_keyed" : "push");
    if (keyed) {
        argue_text(any_mode(&call.push.key_mode));
        any_keys(call.push.count);
        call.push.keys = keys;
    }
    if (packed) {
        argue(call.push.count);
        argue_slots(call.push.count);
    }
    for (uint32_t i = 0; !packed && i < call.push.count; i++) {
        if (keyed) {
            argue_key(keys[i]);
        }
        argue_bytes(messages[i].bytes, messages[i].size);
    }
    finish_push(&call);
}

static void keep(const slotq_run *run, uint8_t group)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (lease_count == HELD_MAX) {
            memmove(leases, leases + 1, sizeof leases - sizeof leases[0]);
            lease_count--;
        }
        leases[lease_count++] = (held){run->id + i, run->token, group};
    }
}

static void put_leased(const slotq_call_reserve *reserve)
{
    const char *between = "";
    printf("[");
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        const slotq_run *run = &reserve->runs[i];
        uint32_t slot = slotq_core_slot_offset(&queue_view, run->id);
        for (uint32_t k = 0; k < run->count; k++) {
            put_item(between, run->id + k);
            put_item(",", run->token);
            put_item(",", run->token >> 2 & 63);
            put_payload(slot);
            slot = slotq_core_slot_after(&queue_view, slot);
            between = ",";
        }
    }
    printf("]");
}

static size_t pack_runs(uint8_t *to, const slotq_run *runs, uint32_t count)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        at += put_number(to + at, runs[i].id, 6);
        at += put_number(to + at, runs[i].token, 4);
        at += put_number(to + at, runs[i].count, 2);
    }
    return at;
}

static void put_leased_packed(const slotq_call_reserve *reserve)
{
    static uint8_t bytes[MESSAGES_MAX * (12 + 10 + PAYLOAD_MAX)];
    printf("[");
    put_bytes(bytes, pack_runs(bytes, reserve->runs, reserve->run_count));
    size_t at = 0;
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        uint32_t slot = slotq_core_slot_offset(&queue_view, reserve->runs[i].id);
        for (uint32_t k = 0; k < reserve->runs[i].count; k++) {
            memcpy(bytes + at, image + slot, queue_view.stride);
            at += queue_view.stride;
            slot = slotq_core_slot_after(&queue_view, slot);
        }
    }
    printf(",");
    put_bytes(bytes, at);
    printf("]");
}

void reserve(bool packed)
{
    static slotq_run runs[MESSAGES_MAX];
    slotq_call call = fresh(SLOTQ_RESERVE);
    call.reserve.runs = runs;
    call.reserve.limit = call.reserve.run_capacity = 1 + below(MESSAGES_MAX);
    call.reserve.lease_ms = any_duration();
    call.reserve.group = any_group();
    call.reserve.may_wait = one_in(3);
    begin_line(packed ? "reserve_packed" : "reserve");
    argue(call.reserve.group);
    argue(call.reserve.limit);
    argue(call.reserve.lease_ms);
    if (call.reserve.may_wait) {
        argue_text("1");
    }
    const slotq_outcome outcome = run(&call);
    const uint64_t due_ms = call.reserve.next_due_ms;
    const int64_t due = due_ms == UINT64_MAX ? -1 : (int64_t)due_ms;
    if (outcome == SLOTQ_OK) {
        for (uint32_t i = 0; i < call.reserve.run_count; i++) {
            keep(&runs[i], call.reserve.group);
        }
        (packed ? put_leased_packed : put_leased)(&call.reserve);
    } else if (outcome == SLOTQ_EMPTY && call.reserve.may_wait) {
        printf("%" PRId64, due);
    } else if (outcome == SLOTQ_EMPTY) {
        printf("[]");
    } else if (outcome == SLOTQ_LIMITED || (outcome == SLOTQ_AGAIN && call.reserve.may_wait)) {
        printf("{\"status\":\"%s %" PRId64 "\"}", name_of(outcome), due);
    } else if (outcome == SLOTQ_AGAIN) {
        put_status("AGAIN");
    } else {
        put_refusal(outcome);
    }
}

/* Some of what is held, and at times what was never leased; of one group. */
static uint32_t any_runs(slotq_run *runs, uint8_t *group)
{
    uint32_t count = 0;
    *group = 0;
    while (lease_count > 0 && count < MESSAGES_MAX && (count == 0 || one_in(2))) {
        const uint32_t at = below(lease_count);
        if (count > 0 && leases[at].group != *group) {
            break;
        }
        *group = leases[at].group;
        runs[count++] = (slotq_run){leases[at].id, leases[at].token, 1};
        if (!one_in(6)) { /* what stays is settled twice */
            leases[at] = leases[--lease_count];
        }
    }
    if (count == 0) {
        *group = any_group();
        runs[count++] = (slotq_run){any_id(), below(5000), 1};
    }
    return count;
}

static void put_settled(const slotq_call_settle *settle, bool extends, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        printf(i == 0 ? "[" : ",");
        if (extends && settle->outcomes[i] == SLOTQ_OK) {
            put_item("", settle->tokens[i]);
        } else {
            put_status(name_of((slotq_outcome)settle->outcomes[i]));
        }
    }
    printf("]");
}

static void put_settled_packed(const slotq_call_settle *settle, bool extends, uint32_t count)
{
    uint8_t bytes[4 * MESSAGES_MAX];
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        at += extends ? put_number(bytes + at, settle->tokens[i], 4)
                      : put_number(bytes + at, settle->outcomes[i], 1);
    }
    put_bytes(bytes, at);
}

void settle(bool packed)
{
    static const char *const verbs[] = {"ack", "nack", "release", "extend", "kill"};
    static const uint8_t drawn[] = {0, 0, 0, 1, 1, 1, 2, 3, 4, 4};
    const uint8_t verb = drawn[below(sizeof drawn)];
    slotq_run runs[MESSAGES_MAX];
    uint8_t outcomes[MESSAGES_MAX];
    uint32_t tokens[MESSAGES_MAX];
    uint8_t bytes[12 * MESSAGES_MAX];
    slotq_call call = fresh((slotq_verb)(SLOTQ_ACK + verb));
    const uint32_t count = any_runs(runs, &call.settle.group);
    const bool is_delayed = verb == 3 || ((verb == 1 || verb == 2) && one_in(2));
    call.settle.runs = runs;
    call.settle.run_count = count;
    call.settle.outcomes = outcomes;
    call.settle.tokens = tokens;
    call.settle.ms = is_delayed ? any_duration() : 0;
    call.settle.reason = verb == 1 || verb == 4 ? (uint8_t)below(255) : 0;
    begin_line(packed ? "settle_packed" : "settle");
    argue_text(verbs[verb]);
    argue(call.settle.group);
    argue(call.settle.ms);
    argue(call.settle.reason);
    for (uint32_t i = 0; !packed && i < count; i++) {
        argue(runs[i].id);
        argue(runs[i].token);
    }
    if (packed) {
        argue_bytes(bytes, pack_runs(bytes, runs, count));
    }
    if ((verb == 1 || verb == 4) && one_in(2)) {
        call.settle.note = "out of paper";
        call.settle.note_bytes = (uint8_t)strlen(call.settle.note);
        if (!packed) {
            argue_text("note");
        }
        argue_text(call.settle.note);
    }
    const slotq_outcome outcome = run(&call);
    if (outcome > SLOTQ_DEADFULL) {
        put_refusal(outcome);
        return;
    }
    for (uint32_t i = 0; verb == 3 && i < count; i++) {
        if (outcomes[i] == SLOTQ_OK) {
            keep(&(slotq_run){runs[i].id, tokens[i], 1}, call.settle.group);
        }
    }
    (packed ? put_settled_packed : put_settled)(&call.settle, verb == 3, count);
}

void schedule(bool keyed)
{
    slotq_call call = fresh(SLOTQ_SCHEDULE);
    call.schedule.messages = messages;
    call.schedule.count = 1 + below(2);
    call.schedule.due_ms = one_in(6) ? now_ms - 1 : now_ms + any_duration();
    call.schedule.not_past = one_in(3);
    any_messages(call.schedule.count, call.schedule.count > 1);
    begin_line(keyed ? "schedule_keyed" : "schedule");
    argue(call.schedule.due_ms);
    argue(call.schedule.not_past);
    if (keyed) {
        argue_text(any_mode(&call.schedule.key_mode));
        any_keys(call.schedule.count);
        call.schedule.keys = keys;
    }
    for (uint32_t i = 0; i < call.schedule.count; i++) {
        if (keyed) {
            argue_key(keys[i]);
        }
        argue_bytes(messages[i].bytes, messages[i].size);
    }
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_OK) {
        put_item("", call.schedule.first_later_id);
        last_later_id = (uint32_t)call.schedule.first_later_id + call.schedule.count - 1;
    } else if (outcome == SLOTQ_EMPTY) {
        put_status("EMPTY");
    } else if (outcome == SLOTQ_DUPLICATE) {
        put_duplicate(&call.schedule.taken);
    } else if (outcome == SLOTQ_FULL) {
        static const slotq_holder none; /* no message of the ring keeps it full */
        put_full(&none);
    } else {
        put_refusal(outcome);
    }
}
