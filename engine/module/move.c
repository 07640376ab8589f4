/* move.c: see commands.h. Here: a message goes from one queue to another. It is acked first, but so
 * that the ack can be taken back: a push that is refused leaves both queues as they were.
 */
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"
#include "messages.h"
#include "wait.h"

#define ID_BEYOND ((UINT64_C(1) << 48) - 1)

typedef struct module_move {
    uint64_t group;
    uint64_t id;
    uint64_t token;
    uint32_t key_at; /* among the words; the form and the bytes follow */
    bool has_form;
    bool is_slot;
} module_move;

/* The message's own bytes. */
typedef struct moved_slot {
    slotq_slot slot;
    bool sound;
} moved_slot;

/* One command at a time. */
static module_call call_of_target;

/* ---- the words ---- */

/* from: of the group; before it the script's form has what is known of the target. */
static bool read_move(module_call *call, uint32_t from, module_move *asked)
{
    const uint32_t form_at = from + 4;
    size_t known = 0;
    size_t length;
    if (call->count == form_at + 1) {
        return call_invalid(call,
                            "usage: two keys, then move SOURCE TARGET now target group id token "
                            "[key [form bytes]]");
    }
    const uint8_t *source = (const uint8_t *)server.StringPtrLen(call->key_name, &length);
    const uint8_t *target = (const uint8_t *)server.StringPtrLen(call->second_name, &known);
    if (length == known && memcmp(source, target, length) == 0) {
        return call_invalid(call, "a message must not be moved into the queue that it is in");
    }
    call_word(call, 0, &known);
    if (from > 0 && known != 0 && known != GEOMETRY_BYTES) {
        return call_invalid(call, "target must be empty or the 36 bytes of its geometry");
    }
    asked->key_at = from + 3;
    asked->has_form = call->count > form_at;
    asked->is_slot = call_word_is(call, form_at, "slot");
    if (asked->has_form && !asked->is_slot && !call_word_is(call, form_at, "payload")) {
        return call_invalid(call, "form must be payload or slot");
    }
    call->behind = "source";
    return call_number(call, from, "group", 0, SLOTQ_GROUPS_MAX - 1, &asked->group) &&
           call_number(call, from + 1, "id", 0, ID_BEYOND, &asked->id) &&
           call_number(call, from + 2, "token", 0, UINT32_MAX, &asked->token);
}

/* ---- the source ---- */

/* OK, and the bytes of the message, which are valid until the call is closed. Anything else was
 * replied. */
static bool ack_in_source(module_call *call, const module_move *asked, moved_slot *moved)
{
    static uint8_t outcome_of_run;
    static uint32_t token_of_run;
    const slotq_run run = {asked->id, (uint32_t)asked->token, 1};
    slotq_call_settle *settle = &call->verb.settle;
    if (!call_open(call) || !call_expect_group(call, asked->group)) {
        return false;
    }
    const uint32_t at = slotq_core_slot_offset(&call->view, asked->id); /* if it is held */
    call_verb(call, SLOTQ_ACK);
    *settle = (slotq_call_settle){.runs = &run,
                                  .run_count = 1,
                                  .group = (uint8_t)asked->group,
                                  .outcomes = &outcome_of_run,
                                  .tokens = &token_of_run};
    call->may_undo = true;
    const slotq_outcome outcome = call_run(call);
    if (outcome > SLOTQ_DEADFULL) {
        return call_refuse(call, outcome);
    }
    if (outcome_of_run != SLOTQ_OK) {
        reply_status(call, (slotq_outcome)outcome_of_run);
        return false;
    }
    moved->sound = slotq_core_slot(&call->view, at, &moved->slot);
    if (!asked->has_form && load_u16(call->bytes + at) > call->view.geometry.payload_bytes) {
        call_take_back(call);
        call->verb.damage = (slotq_damage){at, "a slot that is longer than payload_bytes"};
        return call_refuse(call, SLOTQ_CORRUPT);
    }
    return true;
}

/* ---- the target ---- */

static bool has(const module_call *call, uint32_t flag)
{
    return (call->view.geometry.flags & flag) != 0;
}

/* The slot of the target: with its own stamp, and the check that the message came with, so that
 * damaged bytes stay known as such. Without has_check the core computes one, if it needs one. */
static void take_payload(module_call *target, const moved_slot *moved, bool has_check,
                         module_messages *messages)
{
    static uint8_t packed[SLOTQ_PAYLOAD_BYTES_MAX + LENGTH_BYTES + STAMP_BYTES + CHECK_BYTES];
    static uint32_t cuts[2];
    static slotq_data data;
    const slotq_slot *slot = &moved->slot;
    uint32_t size = LENGTH_BYTES;
    store_u16(packed, (uint16_t)slot->payload_bytes);
    if (has(target, SLOTQ_FLAG_STAMPS)) {
        store_u32(packed + size, (uint32_t)(call_now(target) / target->view.geometry.tick_ms));
        size += STAMP_BYTES;
    }
    if (has(target, SLOTQ_FLAG_CHECKS)) {
        store_u32(packed + size, slot->check);
        size += CHECK_BYTES;
    }
    if (slot->payload_bytes > 0) {
        memcpy(packed + size, slot->payload, slot->payload_bytes);
    }
    data = (slotq_data){packed + size, slot->payload_bytes};
    cuts[1] = size + slot->payload_bytes;
    if (has_check) {
        target->packed = (module_packed){packed, cuts};
    }
    *messages = (module_messages){&data, NULL, SLOTQ_KEY_NONE, 1};
}

static bool take_own(module_call *target, const module_call *source, const moved_slot *moved,
                     module_messages *messages)
{
    const bool alike = has(target, SLOTQ_FLAG_CHECKS) == has(source, SLOTQ_FLAG_CHECKS);
    if (!alike && target->is_script) {
        return call_invalid(target, "one of the queues has checks, which a script does not "
                                    "compute: use a form");
    }
    if (!alike && !moved->sound) {
        return call_invalid(target, "the message is damaged: kill it with reason 255");
    }
    if (moved->slot.payload_bytes > target->view.geometry.payload_bytes) {
        return call_too_big(target, "a payload has at most %u bytes",
                            (unsigned)target->view.geometry.payload_bytes);
    }
    take_payload(target, moved, alike, messages);
    return true;
}

/* False: refused, and nothing was pushed. */
static bool push_to_target(module_call *target, const module_call *source, const module_move *asked,
                           const moved_slot *moved)
{
    module_messages messages;
    size_t key_bytes;
    const uint8_t *key = call_word(target, asked->key_at, &key_bytes);
    const uint32_t bytes_at = asked->key_at + 2;
    if (!call_open(target)) {
        return false;
    }
    const uint32_t most = target->view.geometry.ring_slots - 1u;
    if (asked->is_slot) {
        if (!messages_read_packed(target, bytes_at, 1, most, &messages)) {
            return false;
        }
    } else if (asked->has_form) {
        if (!call_expect_no_checks(target, "the form slot") ||
            !messages_read(target, bytes_at, 1, most, &messages)) {
            return false;
        }
    } else if (!take_own(target, source, moved, &messages)) {
        return false;
    }
    return messages_take_key(target, key, key_bytes, &messages) &&
           messages_push(target, &messages, false);
}

/* ---- both ---- */

static void begin_target(module_call *target, module_call *source)
{
    size_t known;
    const uint8_t *geometry = call_word(source, 0, &known);
    call_reset(target, source->context, source->command);
    target->key_name = source->second_name;
    target->behind = "target";
    target->words = source->words;
    target->count = source->count;
    target->is_script = source->is_script;
    target->known_geometry = source->is_script && known == GEOMETRY_BYTES ? geometry : NULL;
    target->now_ms = call_now(source);
    target->has_now = true;
}

/* The events come last: each may lead to another command, which uses both calls anew. */
static void end_both(module_call *source, module_call *target)
{
    server_context *context = source->context;
    server_string *names[] = {source->key_name, target->key_name};
    call_close(target);
    call_close(source);
    const bool changed[] = {source->changed, target->changed};
    for (uint32_t i = 0; i < 2; i++) {
        if (changed[i]) {
            wait_tell(context, names[i]);
        }
    }
}

static void move(module_call *source, uint32_t from)
{
    module_move asked = {0};
    moved_slot moved = {0};
    if (!read_move(source, from, &asked) || !ack_in_source(source, &asked, &moved)) {
        return;
    }
    begin_target(&call_of_target, source);
    if (!push_to_target(&call_of_target, source, &asked, &moved)) {
        call_take_back(source);
    }
    end_both(source, &call_of_target);
}

void command_move(module_call *call)
{
    move(call, 1);
}

void command_move_by_words(module_call *call)
{
    move(call, 0);
}
