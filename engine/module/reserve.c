/* reserve.c: see commands.h. Here: reserving.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../core/limits.h"
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "../layout/slot.h"
#include "commands.h"
#include "places.h"
#include "reserve.h"
#include "wait.h"

enum {
    RUN_BYTES = 12,      /* of a packed run */
    DAMAGED_ROUNDS = 64, /* after so many without a sound message the client calls again */
    STATUS_BYTES = 64
};
#define NUMBER_MAX UINT64_C(9007199254740991) /* that a script can tell exactly */

/* A leased message whose slot is sound. */
typedef struct leased_message {
    uint64_t id;
    uint32_t token;
    uint32_t slot_offset;
} leased_message;

/* One command at a time. */
static slotq_run runs_of_call[SLOTQ_CALL_MESSAGES_MAX];
static uint32_t run_count_of_call;
static leased_message sound_of_call[SLOTQ_CALL_MESSAGES_MAX];
static slotq_run damaged_of_call[SLOTQ_CALL_MESSAGES_MAX];

/* ---- the arguments ---- */

/* So many fit into a reply of 1 MiB of slots, but always one. */
static uint64_t that_fit(const module_call *call, uint64_t count)
{
    const uint64_t fit = SLOTQ_CALL_BYTES_MAX / call->view.stride;
    return count <= fit ? count : fit > 0 ? fit : 1;
}

/* 1: the caller waits; 2: it looks, and sleeps at the bell, where its place is. */
static bool read_wait(module_call *call, module_reserve *asked)
{
    size_t place;
    call_word(call, 4, &place);
    asked->rounds = call_word_is(call, 3, "2");
    asked->waits = call_word_is(call, 3, "1");
    size_t length;
    call_word(call, 3, &length);
    if (length > 0 && !asked->rounds && !asked->waits && !call_word_is(call, 3, "0")) {
        return call_invalid(call, "wait must be 0, 1 or 2");
    }
    return !asked->rounds || place == 0 ||
           call_invalid(call, "a reserve of a round has no place: leave the place out");
}

static bool open_reserve(module_call *call, module_reserve *asked, bool packed)
{
    asked->packed = packed;
    const uint64_t lease_max = (uint64_t)SLOTQ_LEASE_TICKS_MAX * SLOTQ_TICK_MS_MAX;
    if (!call_number(call, 0, "group", 0, SLOTQ_GROUPS_MAX - 1, &asked->group) ||
        !call_number(call, 1, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &asked->limit) ||
        !call_number(call, 2, "lease_ms", 1, lease_max, &asked->lease_ms) ||
        !read_wait(call, asked) || !call_open(call) ||
        !call_expect_duration(call, "lease_ms", asked->lease_ms) ||
        !call_expect_group(call, asked->group)) {
        return false;
    }
    asked->limit = that_fit(call, asked->limit);
    return places_read(call, 4, (uint32_t)asked->group, asked->limit);
}

/* is_first: of the call, whose later ones only go on. */
static slotq_outcome reserve(module_call *call, const module_reserve *asked, bool is_first)
{
    slotq_call_reserve *reserve = &call->verb.reserve;
    call_verb(call, SLOTQ_RESERVE);
    call->verb.progress.asks_ring = asked->rounds && is_first;
    reserve->lease_ms = asked->lease_ms;
    reserve->runs = runs_of_call;
    reserve->run_capacity = SLOTQ_CALL_MESSAGES_MAX;
    reserve->limit = (uint32_t)asked->limit;
    reserve->group = (uint8_t)asked->group;
    reserve->may_wait = asked->waits && call->view.geometry.places == 0;
    const slotq_outcome outcome = call_run(call);
    run_count_of_call = outcome == SLOTQ_OK ? reserve->run_count : 0;
    return outcome;
}

uint32_t reserve_runs(const slotq_run **runs)
{
    *runs = runs_of_call;
    return run_count_of_call;
}

/* ---- nothing was leased ---- */

bool reserve_refused(module_call *call, slotq_outcome outcome)
{
    if (outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN || outcome == SLOTQ_LIMITED) {
        return false;
    }
    if (outcome == SLOTQ_PAUSED) {
        call_refuse_with(call, outcome, " for reserving: resume it");
    } else {
        call_refuse(call, outcome);
    }
    return true;
}

/* A client that sleeps at its place learns how many others do. */
static void reply_with_time(module_call *call, slotq_outcome outcome, uint64_t due_ms, bool sleeps)
{
    char text[STATUS_BYTES];
    const module_place *mine = &call->mine;
    if (sleeps && mine->has) {
        const bool kept = places_settle(call);
        snprintf(text, sizeof text, "%s %" PRIu64 " %d %u %u", outcome_name(outcome), due_ms, kept,
                 (unsigned)mine->others, (unsigned)mine->before);
    } else {
        snprintf(text, sizeof text, "%s %" PRIu64, outcome_name(outcome), due_ms);
    }
    reply_line(call, text);
}

static void reply_empty(module_call *call, const module_reserve *asked, uint64_t due_ms,
                        bool sleeps)
{
    const module_place *mine = &call->mine;
    const bool at_place = sleeps && mine->has;
    const bool kept = places_settle(call);
    const bool none = due_ms == UINT64_MAX;
    if (at_place && !none) {
        due_ms += (uint64_t)PLACES_RANK_MS * mine->before;
    }
    due_ms = due_ms < NUMBER_MAX ? due_ms : NUMBER_MAX;
    const int64_t told = none ? -1 : (int64_t)due_ms;
    if (at_place) {
        reply_array(call, 4);
        reply_signed(call, told);
        reply_number(call, kept ? 1 : 0);
        reply_number(call, mine->others);
        reply_number(call, mine->before);
    } else if (asked->waits || asked->rounds) {
        reply_signed(call, told);
    } else {
        reply_array(call, 0);
    }
}

static void reply_nothing(module_call *call, const module_reserve *asked, slotq_outcome outcome,
                          uint64_t due_ms)
{
    /* a client that is to call again at once does not wait at its place */
    const bool soon = outcome == SLOTQ_AGAIN && call->mine.has && due_ms <= call_now(call);
    const bool sleeps = asked->waits && !soon;
    call->mine.waits = sleeps;
    if (outcome == SLOTQ_EMPTY) {
        reply_empty(call, asked, due_ms, sleeps);
    } else if (outcome == SLOTQ_LIMITED ||
               (outcome == SLOTQ_AGAIN && (asked->waits || asked->rounds))) {
        reply_with_time(call, outcome, due_ms, sleeps);
    } else if (outcome == SLOTQ_AGAIN) {
        reply_status(call, outcome);
    } else {
        call->mine = (module_place){0};
        reserve_refused(call, outcome);
    }
}

/* ---- payloads ---- */

/* Divide the runs into messages that are sound and those that are damaged; returns how many. */
static uint32_t sort_leased(const module_call *call, uint32_t *damaged_count)
{
    const slotq_call_reserve *reserve = &call->verb.reserve;
    uint32_t sound_count = 0;
    *damaged_count = 0;
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        const slotq_run *run = &reserve->runs[i];
        uint32_t at = slotq_core_slot_offset(&call->view, run->id);
        for (uint32_t k = 0; k < run->count; k++) {
            slotq_slot slot;
            if (slotq_core_slot(&call->view, at, &slot)) {
                sound_of_call[sound_count++] = (leased_message){run->id + k, run->token, at};
            } else {
                damaged_of_call[(*damaged_count)++] = (slotq_run){run->id + k, run->token, 1};
            }
            at = slotq_core_slot_after(&call->view, at);
        }
    }
    return sound_count;
}

static slotq_outcome settle_damaged(module_call *call, slotq_verb verb, const slotq_run *run,
                                    uint8_t group)
{
    slotq_call_settle *settle = &call->verb.settle;
    call_verb(call, verb);
    settle->runs = run;
    settle->run_count = 1;
    settle->group = group;
    settle->reason = SLOTQ_REASON_DAMAGED;
    settle->note = NULL;
    settle->note_bytes = 0;
    settle->ms = verb == SLOTQ_RELEASE ? DEAD_FULL_RETRY_MS : 0;
    settle->outcomes = NULL;
    settle->tokens = NULL;
    return call_run(call);
}

/* A damaged message dies; where the dead section refuses it, it waits for room. */
static void bury_damaged(module_call *call, uint32_t count, uint8_t group)
{
    for (uint32_t i = 0; i < count; i++) {
        const slotq_run *run = &damaged_of_call[i];
        if (settle_damaged(call, SLOTQ_KILL, run, group) == SLOTQ_DEADFULL) {
            settle_damaged(call, SLOTQ_RELEASE, run, group);
        }
    }
}

static void reply_messages(module_call *call, uint32_t count)
{
    reply_array(call, 4 * (long)count);
    for (uint32_t i = 0; i < count; i++) {
        const leased_message *message = &sound_of_call[i];
        slotq_slot slot = {0};
        slotq_core_slot(&call->view, message->slot_offset, &slot);
        reply_number(call, message->id);
        reply_number(call, message->token);
        reply_number(call, message->token >> 2 & 63);
        reply_bytes(call, slot.payload, slot.payload_bytes);
    }
}

static slotq_outcome reserve_payloads(module_call *call, const module_reserve *asked,
                                      uint64_t *due_ms)
{
    for (uint32_t i = 0; i < DAMAGED_ROUNDS; i++) {
        uint32_t damaged;
        const slotq_outcome outcome = reserve(call, asked, i == 0);
        if (outcome != SLOTQ_OK) {
            *due_ms = call->verb.reserve.next_due_ms;
            return outcome;
        }
        const uint32_t sound = sort_leased(call, &damaged);
        bury_damaged(call, damaged, (uint8_t)asked->group);
        if (sound > 0) {
            reply_messages(call, sound);
            return SLOTQ_OK;
        }
    }
    *due_ms = call_now(call);
    return SLOTQ_AGAIN;
}

/* ---- packed ---- */

static void reply_runs(module_call *call)
{
    static uint8_t packed[SLOTQ_CALL_MESSAGES_MAX * RUN_BYTES];
    const slotq_call_reserve *reserve = &call->verb.reserve;
    for (uint32_t i = 0; i < reserve->run_count; i++) {
        uint8_t *to = packed + (size_t)i * RUN_BYTES;
        store_u48(to, reserve->runs[i].id);
        store_u32(to + 6, reserve->runs[i].token);
        store_u16(to + 10, (uint16_t)reserve->runs[i].count);
    }
    reply_bytes(call, packed, (size_t)reserve->run_count * RUN_BYTES);
}

/* Each slot up to the end of its payload; of a damaged one what stands before it. */
static long reply_cut(module_call *call, uint32_t at, uint32_t count)
{
    const uint32_t payload_bytes = call->view.geometry.payload_bytes;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t length = load_u16(call->bytes + at);
        const uint32_t used = length <= payload_bytes ? length : 0;
        reply_bytes(call, call->bytes + at, call->view.stride - payload_bytes + used);
        at = slotq_core_slot_after(&call->view, at);
    }
    return (long)count;
}

static long reply_whole(module_call *call, uint32_t at, uint32_t count)
{
    const uint32_t stride = call->view.stride;
    const uint32_t to_end = at < call->view.ring_end ? (call->view.ring_end - at) / stride : count;
    const uint32_t before = count < to_end ? count : to_end;
    reply_bytes(call, call->bytes + at, (size_t)before * stride);
    if (before < count) {
        reply_bytes(call, call->bytes + call->view.ring_offset, (size_t)(count - before) * stride);
        return 2;
    }
    return 1;
}

static void reply_slots(module_call *call)
{
    const bool cut = call->view.stride >= SLOT_CUT_FROM_BYTES;
    long items = 1;
    reply_array(call, SERVER_LENGTH_LATER);
    reply_runs(call);
    for (uint32_t i = 0; i < call->verb.reserve.run_count; i++) {
        const slotq_run *run = &runs_of_call[i];
        const uint32_t at = slotq_core_slot_offset(&call->view, run->id);
        items += cut ? reply_cut(call, at, run->count) : reply_whole(call, at, run->count);
    }
    server.ReplySetArrayLength(call->context, items);
}

static slotq_outcome reserve_slots(module_call *call, const module_reserve *asked, uint64_t *due_ms)
{
    const slotq_outcome outcome = reserve(call, asked, true);
    if (outcome == SLOTQ_OK) {
        reply_slots(call);
    } else {
        *due_ms = call->verb.reserve.next_due_ms;
    }
    return outcome;
}

/* ---- both ---- */

slotq_outcome reserve_and_reply(module_call *call, const module_reserve *asked, uint64_t *due_ms)
{
    return asked->packed ? reserve_slots(call, asked, due_ms)
                         : reserve_payloads(call, asked, due_ms);
}

static void reserve_or_say(module_call *call, const module_reserve *asked)
{
    uint64_t due_ms = 0;
    const slotq_outcome outcome = reserve_and_reply(call, asked, &due_ms);
    if (outcome != SLOTQ_OK) {
        reply_nothing(call, asked, outcome, due_ms);
    }
}

void command_reserve(module_call *call)
{
    module_reserve asked;
    if (open_reserve(call, &asked, false) && call_expect_no_checks(call, "reserve_packed")) {
        reserve_or_say(call, &asked);
    }
}

void command_reserve_packed(module_call *call)
{
    module_reserve asked;
    if (open_reserve(call, &asked, true)) {
        reserve_or_say(call, &asked);
    }
}

/* ---- sleeping ---- */

/* Without messages the client sleeps, unless it is in a transaction or a script. */
static void block(module_call *call, const module_reserve *asked, uint64_t block_ms,
                  uint64_t due_ms)
{
    if (server.GetContextFlags(call->context) & SERVER_MAY_NOT_BLOCK) {
        reply_array(call, 0);
    } else {
        wait_begin(call, asked, block_ms, due_ms);
    }
}

/* A word of the server's commands, in any case of letters. */
static bool says_block(const module_call *call)
{
    size_t length;
    const char *word = (const char *)call_word(call, 3, &length);
    return length == strlen("BLOCK") && strncasecmp(word, "BLOCK", length) == 0;
}

static void reserve_or_sleep(module_call *call, bool packed)
{
    const bool blocks = call->count > 3;
    module_reserve asked;
    uint64_t due_ms = 0;
    uint64_t block_ms = 0;
    if (blocks && (call->count != 5 || !says_block(call))) {
        call_invalid(call, "usage: %s KEY group n lease_ms [BLOCK ms]", call->command->name);
        return;
    }
    if (blocks && !call_number(call, 4, "BLOCK", 0, SLOTQ_NOW_MS_MAX, &block_ms)) {
        return;
    }
    call->count = 3; /* what is a reserve's */
    if (!open_reserve(call, &asked, packed)) {
        return;
    }
    if (!blocks) {
        reserve_or_say(call, &asked);
        return;
    }
    const slotq_outcome outcome = reserve_and_reply(call, &asked, &due_ms);
    if (outcome != SLOTQ_OK && !reserve_refused(call, outcome)) {
        block(call, &asked, block_ms, due_ms);
    }
}

void command_sleeping_reserve(module_call *call)
{
    reserve_or_sleep(call, false);
}

void command_sleeping_reserve_packed(module_call *call)
{
    reserve_or_sleep(call, true);
}
