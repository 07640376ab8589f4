/* settle.c: see commands.h. Here: ack, nack, release, extend and kill.
 */
#include <inttypes.h>
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"

enum { RUN_BYTES = 12 };
#define ID_BEYOND ((UINT64_C(1) << 48) - 1) /* the largest number that is taken for an id */

/* One command at a time. */
static slotq_run runs_of_call[SLOTQ_CALL_MESSAGES_MAX];
static uint8_t outcomes_of_call[SLOTQ_CALL_MESSAGES_MAX];
static uint32_t tokens_of_call[SLOTQ_CALL_MESSAGES_MAX];

typedef struct module_settle {
    slotq_verb verb;
    uint64_t group;
    uint64_t ms;
    uint64_t reason;
    const uint8_t *note;
    size_t note_bytes;
    uint32_t run_count;
    uint32_t message_count;
} module_settle;

/* ---- the arguments ---- */

static bool read_verb(module_call *call, slotq_verb *verb)
{
    for (*verb = SLOTQ_ACK; *verb <= SLOTQ_KILL; (*verb)++) {
        if (call_word_is(call, 0, slotq_core_verb_name(*verb))) {
            return true;
        }
    }
    return call_invalid(call, "verb must be ack, nack, release, extend or kill");
}

static bool read_group(module_call *call, uint32_t index, module_settle *asked)
{
    return call_number(call, index, "group", 0, SLOTQ_GROUPS_MAX - 1, &asked->group);
}

static bool read_ms(module_call *call, uint32_t index, module_settle *asked)
{
    const uint64_t most = (uint64_t)SLOTQ_LEASE_TICKS_MAX * SLOTQ_TICK_MS_MAX;
    return call_number(call, index, "ms", 0, most, &asked->ms);
}

static bool read_reason(module_call *call, uint32_t index, module_settle *asked)
{
    return call_number(call, index, "reason", 0, 255, &asked->reason);
}

static bool read_note(module_call *call, uint32_t index, module_settle *asked)
{
    asked->note = call_word(call, index, &asked->note_bytes);
    return asked->note_bytes <= SLOTQ_NOTE_BYTES_MAX ||
           call_invalid(call, "note must have 0 to 255 bytes");
}

/* ids and tokens from a word on, and perhaps a note behind them. */
static bool read_pairs(module_call *call, uint32_t first, module_settle *asked)
{
    uint32_t last = call->count;
    if ((last - first) % 2 != 0) {
        return call_invalid(call, "each id must have a token behind it");
    }
    if (last - first > 2 && call_word_is(call, last - 2, "note")) {
        if (!read_note(call, last - 1, asked)) {
            return false;
        }
        last -= 2;
    }
    if (last - first > 2 * SLOTQ_CALL_MESSAGES_MAX) {
        return call_invalid(call, "one call settles at most 4096 messages");
    }
    for (uint32_t i = first; i < last; i += 2) {
        uint64_t id;
        uint64_t token;
        if (!call_number(call, i, "id", 0, ID_BEYOND, &id) ||
            !call_number(call, i + 1, "token", 0, UINT32_MAX, &token)) {
            return false;
        }
        runs_of_call[asked->run_count++] = (slotq_run){id, (uint32_t)token, 1};
    }
    asked->message_count = asked->run_count;
    return true;
}

static bool read_runs(module_call *call, uint32_t index, module_settle *asked)
{
    size_t size;
    uint64_t messages = 0;
    const uint8_t *bytes = call_word(call, index, &size);
    if (size % RUN_BYTES != 0 || size > (size_t)RUN_BYTES * SLOTQ_CALL_MESSAGES_MAX) {
        return call_invalid(call, "runs must be 1 to 4096 times 12 bytes");
    }
    for (size_t at = 0; at < size; at += RUN_BYTES) {
        const uint32_t count = load_u16(bytes + at + 10);
        if (count == 0) {
            return call_invalid(call, "runs must have no run of 0 messages");
        }
        runs_of_call[asked->run_count++] =
            (slotq_run){load_u48(bytes + at), load_u32(bytes + at + 6), count};
        messages += count;
    }
    asked->message_count = (uint32_t)messages; /* at most 4096 times 65535 */
    return (messages >= 1 && messages <= SLOTQ_CALL_MESSAGES_MAX) ||
           call_invalid(call, "runs must have 1 to 4096 messages in all");
}

/* ---- the work ---- */

static bool settle(module_call *call, const module_settle *asked)
{
    slotq_call_settle *settle = &call->verb.settle;
    const bool delays = asked->verb == SLOTQ_NACK || asked->verb == SLOTQ_RELEASE;
    const bool sets_deadline = asked->verb == SLOTQ_EXTEND || (delays && asked->ms > 0);
    if (!call_open(call) || !call_expect_group(call, asked->group) ||
        (sets_deadline && !call_expect_duration(call, "ms", asked->ms))) {
        return false;
    }
    call_verb(call, asked->verb);
    settle->runs = runs_of_call;
    settle->run_count = asked->run_count;
    settle->group = (uint8_t)asked->group;
    settle->reason = (uint8_t)asked->reason;
    settle->note = asked->note;
    settle->note_bytes = (uint8_t)asked->note_bytes;
    settle->ms = sets_deadline ? asked->ms : 0;
    settle->outcomes = outcomes_of_call;
    settle->tokens = tokens_of_call;
    const slotq_outcome outcome = call_run(call);
    return outcome <= SLOTQ_DEADFULL || call_refuse(call, outcome);
}

/* An outcome a message; of extend the new token. */
static void settle_and_reply(module_call *call, const module_settle *asked)
{
    if (!settle(call, asked)) {
        return;
    }
    reply_array(call, (long)asked->message_count);
    for (uint32_t i = 0; i < asked->message_count; i++) {
        const slotq_outcome outcome = (slotq_outcome)outcomes_of_call[i];
        if (asked->verb == SLOTQ_EXTEND && outcome == SLOTQ_OK) {
            reply_number(call, tokens_of_call[i]);
        } else {
            reply_status(call, outcome);
        }
    }
}

void command_settle(module_call *call)
{
    module_settle asked = {0};
    if (read_verb(call, &asked.verb) && read_ms(call, 2, &asked) && read_reason(call, 3, &asked) &&
        read_group(call, 1, &asked) && read_pairs(call, 4, &asked)) {
        settle_and_reply(call, &asked);
    }
}

void command_settle_packed(module_call *call)
{
    static uint8_t packed[SLOTQ_CALL_MESSAGES_MAX * WORD_BYTES];
    module_settle asked = {0};
    if (!read_note(call, 5, &asked) || !read_verb(call, &asked.verb) || !read_ms(call, 2, &asked) ||
        !read_reason(call, 3, &asked) || !read_group(call, 1, &asked) ||
        !read_runs(call, 4, &asked) || !settle(call, &asked)) {
        return;
    }
    if (asked.verb != SLOTQ_EXTEND) {
        reply_bytes(call, outcomes_of_call, asked.message_count);
        return;
    }
    for (uint32_t i = 0; i < asked.message_count; i++) {
        store_u32(packed + (size_t)i * WORD_BYTES, tokens_of_call[i]);
    }
    reply_bytes(call, packed, (size_t)asked.message_count * WORD_BYTES);
}

/* ---- a command a verb ---- */

void command_ack(module_call *call)
{
    module_settle asked = {.verb = SLOTQ_ACK};
    if (read_group(call, 0, &asked) && read_pairs(call, 1, &asked)) {
        settle_and_reply(call, &asked);
    }
}

void command_nack(module_call *call)
{
    module_settle asked = {.verb = SLOTQ_NACK};
    if (read_group(call, 0, &asked) && read_ms(call, 1, &asked) && read_reason(call, 2, &asked) &&
        read_pairs(call, 3, &asked)) {
        settle_and_reply(call, &asked);
    }
}

static void settle_with_ms(module_call *call, slotq_verb verb)
{
    module_settle asked = {.verb = verb};
    if (read_group(call, 0, &asked) && read_ms(call, 1, &asked) && read_pairs(call, 2, &asked)) {
        settle_and_reply(call, &asked);
    }
}

void command_release(module_call *call)
{
    settle_with_ms(call, SLOTQ_RELEASE);
}

void command_extend(module_call *call)
{
    settle_with_ms(call, SLOTQ_EXTEND);
}

void command_kill(module_call *call)
{
    module_settle asked = {.verb = SLOTQ_KILL};
    if (read_group(call, 0, &asked) && read_reason(call, 1, &asked) &&
        read_pairs(call, 2, &asked)) {
        settle_and_reply(call, &asked);
    }
}
