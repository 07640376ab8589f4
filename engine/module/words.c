/* words.c: see call.h. Here: a command's words, and refusals. The texts are those of the scripts
 * (lua/_arguments.lua, lua/_open.lua, lua/_deadlines.lua).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../layout/fields.h"
#include "call.h"

enum {
    ERROR_BYTES = 512,
    NUMBER_DIGITS_MAX = 15 /* more are no number of a queue */
};

/* ---- outcomes ---- */

const char *outcome_name(slotq_outcome outcome)
{
    switch ((unsigned)outcome) {
#define SLOTQ_CODE(name, number, kind, exit_code, text)                                            \
    case number:                                                                                   \
        return #name;
#include "../errors.def"
#undef SLOTQ_CODE
    default:
        return "?";
    }
}

const char *outcome_text(slotq_outcome outcome)
{
    switch ((unsigned)outcome) {
#define SLOTQ_CODE(name, number, kind, exit_code, text)                                            \
    case number:                                                                                   \
        return text;
#include "../errors.def"
#undef SLOTQ_CODE
    default:
        return "?";
    }
}

/* ---- refusals ---- */

bool call_error(module_call *call, const char *text)
{
    char longer[ERROR_BYTES + 16];
    if (call->behind != NULL) {
        snprintf(longer, sizeof longer, "%s [%s]", text, call->behind);
        text = longer;
    }
    if (!call->is_silent) {
        server.ReplyWithError(call->context, text);
    }
    return false;
}

bool call_invalid(module_call *call, const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list values;
    const int head = snprintf(text, sizeof text, "SLOTQINVALID ");
    va_start(values, format);
    vsnprintf(text + head, sizeof text - (size_t)head, format, values);
    va_end(values);
    return call_error(call, text);
}

bool call_too_big(module_call *call, const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list values;
    const int head = snprintf(text, sizeof text, "SLOTQTOOBIG %s: ", outcome_text(SLOTQ_TOOBIG));
    va_start(values, format);
    vsnprintf(text + head, sizeof text - (size_t)head, format, values);
    va_end(values);
    return call_error(call, text);
}

bool call_refuse_with(module_call *call, slotq_outcome outcome, const char *behind)
{
    char text[ERROR_BYTES];
    snprintf(text, sizeof text, "SLOTQ%s %s%s", outcome_name(outcome), outcome_text(outcome),
             behind);
    return call_error(call, text);
}

bool call_refuse(module_call *call, slotq_outcome outcome)
{
    const slotq_damage *damage = &call->verb.damage;
    if (outcome == SLOTQ_CORRUPT && damage->what != NULL) {
        char text[ERROR_BYTES];
        snprintf(text, sizeof text, "SLOTQCORRUPT %" PRIu64 " %s: %s", damage->offset,
                 outcome_text(outcome), damage->what);
        return call_error(call, text);
    }
    return call_refuse_with(call, outcome, "");
}

bool call_expect_group(module_call *call, uint64_t group)
{
    const uint32_t groups = call->view.geometry.groups;
    return group < groups ||
           call_invalid(call, "group must be a whole number, 0 to %" PRIu32, groups - 1);
}

bool call_expect_no_checks(module_call *call, const char *instead)
{
    return !call->is_script || !(call->view.geometry.flags & SLOTQ_FLAG_CHECKS) ||
           call_invalid(call, "the queue has checks, which a script does not compute: use %s",
                        instead);
}

bool call_expect_duration(module_call *call, const char *name, uint64_t ms)
{
    const uint64_t most = (uint64_t)SLOTQ_LEASE_TICKS_MAX * call->view.geometry.tick_ms;
    return (ms >= 1 && ms <= most) ||
           call_invalid(call, "%s must be a whole number, 1 to %" PRIu64, name, most);
}

/* ---- words ---- */

const uint8_t *call_word(const module_call *call, uint32_t index, size_t *length)
{
    if (index >= call->count) {
        *length = 0;
        return (const uint8_t *)"";
    }
    return (const uint8_t *)server.StringPtrLen(call->words[index], length);
}

bool call_word_is(const module_call *call, uint32_t index, const char *text)
{
    size_t length;
    const uint8_t *word = call_word(call, index, &length);
    return index < call->count && length == strlen(text) && memcmp(word, text, length) == 0;
}

/* True if the bytes are digits, not too many. */
static bool read_digits(const uint8_t *bytes, size_t length, uint64_t *value)
{
    *value = 0;
    if (length == 0 || length > NUMBER_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            return false;
        }
        *value = *value * 10 + (uint64_t)(bytes[i] - '0');
    }
    return true;
}

static bool number_of(module_call *call, const uint8_t *bytes, size_t length, const char *name,
                      uint64_t least, uint64_t most, uint64_t *value)
{
    if (read_digits(bytes, length, value) && *value >= least && *value <= most) {
        return true;
    }
    return call_invalid(call, "%s must be a whole number, %" PRIu64 " to %" PRIu64, name, least,
                        most);
}

bool call_number(module_call *call, uint32_t index, const char *name, uint64_t least, uint64_t most,
                 uint64_t *value)
{
    size_t length;
    const uint8_t *word = call_word(call, index, &length);
    return number_of(call, word, length, name, least, most, value);
}

bool call_flag(module_call *call, uint32_t index, const char *name, bool *value)
{
    size_t length;
    const uint8_t *word = call_word(call, index, &length);
    *value = length == 1 && word[0] == '1';
    return length == 0 || (length == 1 && (word[0] == '0' || word[0] == '1')) ||
           call_invalid(call, "%s must be 0 or 1", name);
}

/* ---- the beginning ---- */

const char *call_usage(const module_command *command, bool is_script)
{
    const char *behind_now = command->usage + strlen("now");
    return is_script ? command->usage : behind_now + strspn(behind_now, " ");
}

/* The geometry that the caller knows, if any, and its time, if it has one. */
static bool take_now(module_call *call, const server_string *word)
{
    size_t length;
    const uint8_t *now = (const uint8_t *)server.StringPtrLen(word, &length);
    if (length >= GEOMETRY_BYTES && (now[0] < '0' || now[0] > '9')) {
        call->known_geometry = now;
        now += GEOMETRY_BYTES;
        length -= GEOMETRY_BYTES;
    }
    call->has_now = length > 0;
    return length == 0 ||
           number_of(call, now, length, "now_ms", 0, SLOTQ_NOW_MS_MAX, &call->now_ms);
}

void call_reset(module_call *call, server_context *context, const module_command *command)
{
    call->context = context;
    call->command = command;
    call->key_name = NULL;
    call->second_name = NULL;
    call->behind = NULL;
    call->words = NULL;
    call->count = 0;
    call->known_geometry = NULL;
    call->has_now = false;
    call->is_script = false;
    call->key = NULL;
    call->changed = false;
    call->packed = (module_packed){NULL, NULL};
    call->news = (module_news){0};
    call->owed.need = 0;
    call->is_told = false;
    call->mine = (module_place){0};
    call->has_run = false;
    call->settled = false;
    call->may_undo = false;
    call->is_ended = false;
    call->is_silent = false;
    call->span_count = 0;
    call->undo_count = 0;
    call->undo_used = 0;
    call->undo_lost = false;
    call->view.geometry.places = 0;
    call->verb.verb = SLOTQ_VERB_COUNT; /* none has run */
    call->verb.damage.what = NULL;
}

bool call_begin(module_call *call, server_context *context, const module_command *command,
                server_string **words, uint32_t count, bool is_script)
{
    const uint32_t keys = command->keys;
    const uint32_t before = keys + (is_script ? 2 : 1);  /* the command, the keys, now */
    const uint64_t given = (uint64_t)count + 1 - before; /* with now */
    call_reset(call, context, command);
    call->is_script = is_script;
    if (count < before || given < command->least || given > command->most) {
        return call_invalid(call, "usage: %s, then %s %s %s", keys == 2 ? "two keys" : "one key",
                            command->name, keys == 2 ? "SOURCE TARGET" : "KEY",
                            call_usage(command, is_script));
    }
    call->key_name = words[1];
    call->second_name = keys == 2 ? words[2] : NULL;
    call->words = words + before;
    call->count = count - before;
    return !is_script || take_now(call, words[keys + 1]);
}
