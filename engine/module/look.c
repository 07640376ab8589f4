/* look.c: see commands.h. Here: what only looks.
 */
#include <inttypes.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"
#include "messages.h"

enum { STATUS_VALUES = 7, PEEK_HEAD_BYTES = 10, LATER_HEAD_BYTES = 12 };
#define ID_BEYOND ((UINT64_C(1) << 48) - 1)

/* One command at a time. */
static slotq_item items_of_call[SLOTQ_CALL_MESSAGES_MAX];

static const char *const state_names[] = {"READY", "LEASED", "WAITING", "DONE"};

/* ---- status ---- */

static slotq_outcome status_of(module_call *call, uint64_t id, uint64_t group)
{
    call_verb(call, SLOTQ_STATUS);
    call->verb.status.id = id;
    call->verb.status.group = (uint8_t)group;
    return call_run(call);
}

static void reply_status_of(module_call *call, slotq_outcome outcome)
{
    const slotq_status *status = &call->verb.status.status;
    if (outcome != SLOTQ_OK) {
        reply_text(call, outcome_name(outcome));
        for (uint32_t i = 1; i < STATUS_VALUES; i++) {
            reply_signed(call, i == 4 ? -1 : 0);
        }
        return;
    }
    const uint64_t now_ms = call_now(call);
    const uint64_t pushed_ms = status->pushed_ms;
    const uint64_t age_ms = now_ms > pushed_ms ? now_ms - pushed_ms : 0;
    reply_text(call, state_names[status->state]);
    reply_number(call, status->state == SLOTQ_STATE_DONE ? (uint64_t)status->why : 0);
    reply_number(call, status->attempts);
    reply_number(call, status->deadline_ms);
    reply_signed(call, pushed_ms == 0 ? -1 : (int64_t)age_ms);
    reply_number(call, status->position);
    reply_number(call, pushed_ms);
}

/* Two passes: all ids are judged before the reply begins. */
void command_status(module_call *call)
{
    uint64_t group;
    uint64_t id;
    if (!call_number(call, 0, "group", 0, SLOTQ_GROUPS_MAX - 1, &group)) {
        return;
    }
    for (uint32_t i = 1; i < call->count; i++) {
        if (!call_number(call, i, "id", 0, ID_BEYOND, &id)) {
            return;
        }
    }
    if (!call_open(call) || !call_expect_group(call, group)) {
        return;
    }
    for (uint32_t pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            reply_array(call, STATUS_VALUES * ((long)call->count - 1));
        }
        for (uint32_t i = 1; i < call->count; i++) {
            call_number(call, i, "id", 0, ID_BEYOND, &id);
            const slotq_outcome outcome = status_of(call, id, group);
            if (outcome >= SLOTQ_FAILURES || outcome == SLOTQ_INVALID) {
                call_refuse(call, outcome); /* of sound bytes never, and then in the first pass */
                return;
            }
            if (pass == 1) {
                reply_status_of(call, outcome);
            }
        }
    }
}

/* ---- stats ---- */

typedef struct named_number {
    const char *name;
    uint64_t value;
} named_number;

static void reply_named(module_call *call, const named_number *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        reply_text(call, numbers[i].name);
        reply_number(call, numbers[i].value);
    }
}

static void reply_stats(module_call *call, const slotq_stats *stats)
{
    const slotq_holder *holder = &stats->holder;
    const named_number numbers[] = {
        {"last_id", stats->last_id},
        {"capacity", stats->capacity},
        {"used", stats->used},
        {"group", stats->group},
        {"ready", stats->ready},
        {"undelivered", stats->undelivered},
        {"leased", stats->leased},
        {"waiting", stats->waiting},
        {"unfinished", stats->unfinished},
        {"acked", stats->acked},
        {"redelivered", stats->redelivered},
        {"died", stats->died},
        {"next_due_ms", stats->next_due_ms},
        {"oldest_ms", stats->oldest_ms},
        {"aside", stats->aside},
        {"aside_capacity", stats->aside_capacity},
        {"later", stats->later},
        {"later_capacity", stats->later_capacity},
        {"later_due_ms", stats->later_due_ms},
        {"dead", stats->dead},
        {"dead_capacity", stats->dead_capacity},
        {"dropped", stats->dropped},
        {"dead_dropped", stats->dead_dropped},
        {"paused", stats->paused},
        {"max_leased", stats->limits.max_leased},
        {"rate_burst", stats->limits.rate_burst},
        {"rate_interval_us", stats->limits.rate_interval_us},
        {"limited_until_ms", stats->limited_until_ms},
        {"holder_id", holder->id},
        {"holder_held", holder->held},
        {"holder_unfinished", holder->unfinished},
        {"holder_group", holder->group},
        {"holder_state", (uint64_t)holder->state},
        {"holder_steps_aside", holder->steps_aside ? 1 : 0},
        {"holder_dead_full", holder->dead_full ? 1 : 0},
    };
    const uint32_t count = sizeof numbers / sizeof numbers[0];
    reply_array(call, 2 * (long)count);
    reply_named(call, numbers, count);
}

void command_stats(module_call *call)
{
    uint64_t group;
    if (!call_number(call, 0, "group", 0, SLOTQ_GROUPS_MAX - 1, &group) || !call_open(call) ||
        !call_expect_group(call, group)) {
        return;
    }
    call_verb(call, SLOTQ_STATS);
    call->verb.stats.group = (uint8_t)group;
    const slotq_outcome outcome = call_run(call);
    if (outcome == SLOTQ_OK) {
        reply_stats(call, &call->verb.stats.stats);
    } else {
        call_refuse(call, outcome);
    }
}

/* ---- lists of messages ---- */

static uint32_t that_fit(const module_call *call, uint64_t count)
{
    const uint64_t fit = SLOTQ_CALL_BYTES_MAX / call->view.stride;
    return (uint32_t)(count <= fit ? count : fit > 0 ? fit : 1);
}

/* False: refused. */
static bool look(module_call *call, slotq_verb verb, uint64_t from, uint64_t count, uint64_t group,
                 uint64_t id)
{
    call_verb(call, verb);
    call->verb.look.from = from;
    call->verb.look.items = items_of_call;
    call->verb.look.capacity = that_fit(call, count);
    call->verb.look.count = 0;
    call->verb.look.group = (uint8_t)group;
    call->verb.look.id = id;
    const slotq_outcome outcome = call_run(call);
    return outcome == SLOTQ_OK || outcome == SLOTQ_EMPTY || call_refuse(call, outcome);
}

static void reply_payload(module_call *call, const slotq_item *item)
{
    slotq_slot slot;
    if (slotq_core_slot(&call->view, item->slot_offset, &slot)) {
        reply_bytes(call, slot.payload, slot.payload_bytes);
    } else {
        server.ReplyWithNull(call->context);
    }
}

/* A string of bytes that lie apart; at most a reply's, which `look` bounds. */
static void append(module_call *call, server_string *text, const void *bytes, size_t length)
{
    server.StringAppendBuffer(call->context, text, bytes, length);
}

static server_string *begin_text(module_call *call)
{
    return server.CreateString(call->context, "", 0);
}

static void reply_and_free(module_call *call, server_string *text)
{
    server.ReplyWithString(call->context, text);
    server.FreeString(call->context, text);
}

/* ---- peek ---- */

static bool open_peek(module_call *call)
{
    uint64_t group;
    uint64_t from = 0;
    uint64_t count;
    size_t length;
    call_word(call, 1, &length);
    return call_number(call, 0, "group", 0, SLOTQ_GROUPS_MAX - 1, &group) &&
           (length == 0 || call_number(call, 1, "from", 0, ID_BEYOND, &from)) &&
           call_number(call, 2, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &count) && call_open(call) &&
           call_expect_group(call, group) && look(call, SLOTQ_PEEK, from, count, group, 0);
}

void command_peek(module_call *call)
{
    if (!open_peek(call)) {
        return;
    }
    const uint32_t count = call->verb.look.count;
    reply_array(call, 4 * (long)count);
    for (uint32_t i = 0; i < count; i++) {
        const slotq_item *item = &items_of_call[i];
        reply_number(call, item->id);
        reply_text(call, state_names[item->state]);
        reply_number(call, item->attempts);
        reply_payload(call, item);
    }
}

void command_peek_packed(module_call *call)
{
    if (!open_peek(call)) {
        return;
    }
    server_string *text = begin_text(call);
    for (uint32_t i = 0; i < call->verb.look.count; i++) {
        const slotq_item *item = &items_of_call[i];
        uint8_t head[PEEK_HEAD_BYTES];
        store_u48(head, item->id);
        store_u32(head + 6, item->word);
        append(call, text, head, sizeof head);
        append(call, text, call->bytes + item->slot_offset, call->view.stride);
    }
    reply_and_free(call, text);
}

/* ---- dead messages ---- */

static bool open_dead_list(module_call *call)
{
    uint64_t from;
    uint64_t count;
    uint64_t id = 0;
    uint64_t group = SLOTQ_ALL_GROUPS;
    const bool of_group = call->count > 3 && !call_word_is(call, 3, "all");
    if (!call_number(call, 0, "from", 0, ID_BEYOND, &from) ||
        !call_number(call, 1, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &count) ||
        (call->count > 2 && !call_number(call, 2, "id", 1, ID_BEYOND, &id)) ||
        (of_group && !call_number(call, 3, "group", 0, SLOTQ_GROUPS_MAX - 1, &group)) ||
        !call_open(call)) {
        return false;
    }
    if (of_group && group >= call->view.geometry.groups) {
        return call_invalid(call, "group must be 'all' or a whole number, 0 to %u",
                            call->view.geometry.groups - 1u);
    }
    return look(call, SLOTQ_DEAD_LIST, from, count, group, id);
}

void command_dead_list(module_call *call)
{
    if (!open_dead_list(call)) {
        return;
    }
    const uint32_t count = call->verb.look.count;
    const uint32_t room = call->view.geometry.note_bytes;
    reply_array(call, 7 * (long)count);
    for (uint32_t i = 0; i < count; i++) {
        const slotq_item *item = &items_of_call[i];
        reply_number(call, item->id);
        reply_number(call, item->died_at_ms);
        reply_number(call, item->attempts);
        reply_number(call, item->group);
        reply_number(call, item->reason);
        reply_payload(call, item);
        reply_bytes(call, call->bytes + item->slot_offset - room,
                    item->note_bytes < room ? item->note_bytes : room);
    }
}

void command_dead_list_packed(module_call *call)
{
    if (!open_dead_list(call)) {
        return;
    }
    server_string *text = begin_text(call);
    for (uint32_t i = 0; i < call->verb.look.count; i++) {
        const uint32_t at = items_of_call[i].slot_offset - dead_slot_in_entry(&call->view);
        append(call, text, call->bytes + at, dead_entry_bytes(&call->view));
    }
    reply_and_free(call, text);
}

/* ---- scheduled messages ---- */

static bool open_later_list(module_call *call)
{
    uint64_t from;
    uint64_t count;
    return call_number(call, 0, "from", 0, ID_BEYOND, &from) &&
           call_number(call, 1, "n", 1, SLOTQ_CALL_MESSAGES_MAX, &count) && call_open(call) &&
           look(call, SLOTQ_LATER_LIST, from, count, 0, 0);
}

void command_later_list(module_call *call)
{
    if (!open_later_list(call)) {
        return;
    }
    const uint32_t count = call->verb.look.count;
    reply_array(call, 3 * (long)count);
    for (uint32_t i = 0; i < count; i++) {
        reply_number(call, items_of_call[i].id);
        reply_number(call, items_of_call[i].due_ms);
        reply_payload(call, &items_of_call[i]);
    }
}

void command_later_list_packed(module_call *call)
{
    if (!open_later_list(call)) {
        return;
    }
    const slotq_view *view = &call->view;
    server_string *text = begin_text(call);
    for (uint32_t i = 0; i < call->verb.look.count; i++) {
        const slotq_item *item = &items_of_call[i];
        uint8_t head[LATER_HEAD_BYTES];
        store_u48(head, item->due_ms);
        store_u32(head + 6, (uint32_t)item->id);
        store_u16(head + 10,
                  (uint16_t)((item->slot_offset - view->later_ring_offset) / view->stride));
        append(call, text, head, sizeof head);
        append(call, text, call->bytes + item->slot_offset, view->stride);
    }
    reply_and_free(call, text);
}

/* ---- find, finish ---- */

void command_find(module_call *call)
{
    uint64_t key;
    if (!call_open(call) || !messages_read_key(call, 0, &key)) {
        return;
    }
    if (!(call->view.geometry.flags & SLOTQ_FLAG_KEYS)) {
        call_invalid(call, "the queue has no keys: create it with flag 4");
        return;
    }
    call_verb(call, SLOTQ_FIND);
    call->verb.find.key = key;
    const slotq_outcome outcome = call_run(call);
    if (outcome != SLOTQ_OK && outcome != SLOTQ_NOTFOUND) {
        call_refuse(call, outcome);
        return;
    }
    const slotq_key_holder none = {0};
    reply_array(call, 4);
    reply_status(call, outcome);
    messages_reply_holder(call, outcome == SLOTQ_OK ? &call->verb.find.holder : &none);
}

void command_finish(module_call *call)
{
    if (!call_open(call)) {
        return;
    }
    call_verb(call, SLOTQ_FINISH);
    const slotq_outcome outcome = call_run(call);
    if (outcome == SLOTQ_OK) {
        reply_number(call, call->verb.finish.last_id);
    } else if (outcome == SLOTQ_UNFINISHED) {
        reply_status(call, outcome);
    } else {
        call_refuse(call, outcome);
    }
}
