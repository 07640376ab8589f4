/* errors.c: see errors.h. The text of an error comes from the server: it is read only within its
 * length, and shown only in printable characters.
 */
#define _GNU_SOURCE
#include "errors.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "redis_script_names.h"

enum { SHOWN_BYTES = 401, DIGITS_MAX = 19 };

/* The part of an error's text that is not read yet. */
typedef struct text {
    const char *at;
    const char *end;
} text;

static text text_of(const redisReply *reply)
{
    const text whole = {reply->str, reply->str + reply->len};
    return whole;
}

static bool begins(text said, const char *word)
{
    const size_t length = strlen(word);
    return (size_t)(said.end - said.at) >= length && memcmp(said.at, word, length) == 0;
}

bool redis_error_is(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR && reply->str != NULL && begins(text_of(reply), word);
}

bool redis_error_is_of_age(const redisReply *reply)
{
    return redis_error_is(reply, "ERR Error compiling script") ||
           redis_error_is(reply, "ERR unknown command");
}

static void show(text said, char shown[SHOWN_BYTES])
{
    size_t used = 0;
    const size_t length = (size_t)(said.end - said.at);
    while (said.at < said.end && used + 1 < SHOWN_BYTES) {
        const char c = *said.at++;
        shown[used++] = c >= ' ' && c <= '~' ? c : '?';
    }
    shown[used] = '\0';
    fault_end_at_word(shown, SHOWN_BYTES, length < INT_MAX ? (int)length : INT_MAX);
}

/* Reads a space and a number up to most. false: the text does not begin so. */
static bool next_number(text *said, uint64_t most, uint64_t *value)
{
    uint64_t sum = 0;
    uint32_t digits = 0;
    if (said->at == said->end || *said->at != ' ') {
        return false;
    }
    said->at++;
    while (said->at < said->end && *said->at >= '0' && *said->at <= '9' && digits < DIGITS_MAX) {
        sum = sum * 10 + (uint64_t)(*said->at++ - '0');
        digits++;
    }
    *value = sum;
    return digits > 0 && sum <= most;
}

/* ---- the codes of the scripts ---- */

static slotq_outcome take_full(text said, redis_error *error, store_fault *fault)
{
    uint64_t id;
    uint64_t held;
    uint64_t unfinished;
    uint64_t group;
    uint64_t state;
    uint64_t dead_full;
    if (!next_number(&said, SLOTQ_ID_MAX, &id) ||
        !next_number(&said, SLOTQ_RING_SLOTS_MAX, &held) ||
        !next_number(&said, SLOTQ_RING_SLOTS_MAX, &unfinished) ||
        !next_number(&said, SLOTQ_GROUPS_MAX - 1, &group) ||
        !next_number(&said, SLOTQ_STATE_DONE, &state) || !next_number(&said, 1, &dead_full)) {
        return redis_error_shape(false, fault);
    }
    error->holder.id = id;
    error->holder.held = (uint32_t)held;
    error->holder.unfinished = (uint32_t)unfinished;
    error->holder.group = (uint8_t)group;
    error->holder.state = (slotq_state)state;
    error->holder.steps_aside = false;
    error->holder.dead_full = dead_full == 1;
    return fault_say(fault, SLOTQ_FULL, "the queue is full");
}

/* The scripts say the outcome's text for clients without a table; here it would stand twice. */
static void drop_outcome_text(text *said, slotq_outcome outcome)
{
#define SLOTQ_CODE(NAME, number, kind, exit_code, words)                                           \
    if (outcome == (number) && begins(*said, words ": ")) {                                        \
        said->at += sizeof words ": " - 1;                                                         \
        return;                                                                                    \
    }
#include "../../../errors.def"
#undef SLOTQ_CODE
}

static slotq_outcome take_version(text said, store_fault *fault)
{
    char shown[SHOWN_BYTES];
    said.at += said.at < said.end && *said.at == ' ';
    drop_outcome_text(&said, SLOTQ_VERSION);
    show(said, shown);
    return fault_say(fault, SLOTQ_VERSION,
                     "the queue is of another version: %s. Nothing was written. Use the version of "
                     "slotq that made it.",
                     shown);
}

static slotq_outcome take_damage(text said, redis_error *error, store_fault *fault)
{
    char shown[SHOWN_BYTES];
    uint64_t offset;
    if (!next_number(&said, SLOTQ_IMAGE_BYTES_MAX, &offset)) {
        return redis_error_shape(false, fault);
    }
    said.at += said.at < said.end && *said.at == ' ';
    drop_outcome_text(&said, SLOTQ_CORRUPT);
    show(said, shown);
    error->damage.offset = offset;
    error->damage.what = "the script found bytes that FORMAT.md forbids";
    fault_say(fault, SLOTQ_CORRUPT,
              "the queue is damaged at byte %llu: %s. Nothing was written. Save the bytes (GET of "
              "the key), look at them with slotq dump, and continue with a backup or a new queue.",
              (unsigned long long)offset, shown);
    fault->offset = offset;
    return SLOTQ_CORRUPT;
}

static const struct {
    const char *word;
    slotq_outcome outcome;
} codes[] = {
    {"SLOTQFULL", SLOTQ_FULL},       {"SLOTQPAUSED", SLOTQ_PAUSED},   {"SLOTQTOOBIG", SLOTQ_TOOBIG},
    {"SLOTQINVALID", SLOTQ_INVALID}, {"SLOTQNOQUEUE", SLOTQ_NOQUEUE}, {"SLOTQEXISTS", SLOTQ_EXISTS},
    {"SLOTQCORRUPT", SLOTQ_CORRUPT}, {"SLOTQVERSION", SLOTQ_VERSION}, {"SLOTQREMADE", SLOTQ_REMADE},
    {"SLOTQSHARDED", SLOTQ_SHARDED}, {"SLOTQCLOSED", SLOTQ_CLOSED},
};

static slotq_outcome take_code(text said, redis_error *error, store_fault *fault)
{
    char shown[SHOWN_BYTES];
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        text behind = said;
        if (!begins(said, codes[i].word)) {
            continue;
        }
        behind.at += strlen(codes[i].word);
        switch (codes[i].outcome) {
        case SLOTQ_FULL:
            return take_full(behind, error, fault);
        case SLOTQ_CORRUPT:
            return take_damage(behind, error, fault);
        case SLOTQ_VERSION:
            return take_version(behind, fault);
        case SLOTQ_NOQUEUE:
            return fault_say(fault, SLOTQ_NOQUEUE,
                             "there is no such queue, or it was deleted. Create it: slotq -u URL "
                             "create NAME --slots N --payload BYTES");
        case SLOTQ_REMADE:
            return fault_remade(fault);
        case SLOTQ_SHARDED:
            return fault_damage(fault, SLOTQ_SHARDED, "the key", NULL);
        default:
            behind.at += behind.at < behind.end && *behind.at == ' ';
            show(behind, shown);
            return fault_say(fault, codes[i].outcome, "%s", shown);
        }
    }
    return redis_error_shape(true, fault);
}

/* ---- refusals of the server ---- */

static const redis_refusal refusals[] = {
#define REDIS_REFUSAL(words, outcome, cause, fate, remedy)                                         \
    {words, SLOTQ_##outcome, SLOTQ_CAUSE_##cause, REDIS_FATE_##fate, remedy},
#include "refusals.def"
#undef REDIS_REFUSAL
};

static const char *find(text said, const char *words)
{
    return memmem(said.at, (size_t)(said.end - said.at), words, strlen(words));
}

static bool has(text said, const char *words)
{
    return find(said, words) != NULL;
}

static const redis_refusal *refusal_of(text said)
{
    const redis_refusal *found = refusals;
    while (!begins(said, found->words)) {
        found++; /* the last line fits every text */
    }
    return found;
}

/* Redis names the script that an error was raised in: before the text up to version 6, after the
 * text since version 7. */
static bool is_from_inside(text said)
{
    static const char *const marks[] = {"script: ", "@user_script", "Error running script"};
    bool found = false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        found = found || has(said, marks[i]);
    }
    return found;
}

/* Inside a script, every version of Redis raises these errors only at the first write, so nothing
 * happened (see INTERNALS.md, "Not sent, refused, unknown"). NULL: the error is another one. */
static const redis_refusal *refusal_of_first_write(text said)
{
    static const char *const first_writes[] = {"READONLY You can't write",
                                               "OOM command not allowed when used memory",
                                               "MISCONF Redis is configured to save RDB snapshots"};
    for (size_t i = 0; i < sizeof first_writes / sizeof first_writes[0]; i++) {
        const char *at = find(said, first_writes[i]);
        if (at != NULL) {
            const text inner = {at, said.end};
            return refusal_of(inner);
        }
    }
    return NULL;
}

const redis_refusal *redis_refusal_of(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR || reply->str == NULL) {
        return NULL;
    }
    const text said = text_of(reply);
    if (begins(said, "SLOTQ") || has(said, "WRONGTYPE")) {
        return NULL;
    }
    return is_from_inside(said) ? refusal_of_first_write(said) : refusal_of(said);
}

slotq_outcome redis_refusal_say(const redis_refusal *refusal, const char *before,
                                store_fault *fault)
{
    fault_say(fault, refusal->outcome, "%s%c%s", before, toupper((unsigned char)refusal->remedy[0]),
              refusal->remedy + 1);
    fault->cause = refusal->cause;
    fault->passes = refusal->fate != REDIS_FATE_STAYS;
    return refusal->outcome;
}

static slotq_outcome take_wrong_type(redis_error *error, store_fault *fault)
{
    error->damage.what = "the key is not a string";
    return fault_say(fault, SLOTQ_CORRUPT,
                     "the key is not a string (WRONGTYPE), and so not a queue: use another name. "
                     "Nothing was changed");
}

static slotq_outcome take_refusal(const redis_refusal *refusal, const char *shown,
                                  store_fault *fault)
{
    char before[SHOWN_BYTES + 64];
    const size_t length = strlen(shown);
    const char *end = length > 0 && shown[length - 1] == '.' ? "" : ".";
    (void)snprintf(before, sizeof before, "the server refused, and nothing happened: %s%s ", shown,
                   end);
    return redis_refusal_say(refusal, before, fault);
}

slotq_outcome redis_error_take(const redisReply *reply, bool writes, redis_error *error,
                               store_fault *fault)
{
    char shown[SHOWN_BYTES];
    memset(error, 0, sizeof *error);
    if (reply->type != REDIS_REPLY_ERROR || reply->str == NULL) {
        return redis_error_shape(writes, fault);
    }
    const text said = text_of(reply);
    if (begins(said, "SLOTQ")) {
        return take_code(said, error, fault);
    }
    show(said, shown);
    /* a script reads the key before it writes: nothing can have been written */
    if (has(said, "WRONGTYPE")) {
        return take_wrong_type(error, fault);
    }
    const redis_refusal *refusal = redis_refusal_of(reply);
    if (refusal == NULL) {
        return fault_say(fault, writes ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_IO,
                         "the script failed before its end: %s. %s", shown,
                         writes ? "Whether it changed the queue is unknown: look before you "
                                  "repeat the call"
                                : "Nothing was changed");
    }
    return take_refusal(refusal, shown, fault);
}

slotq_outcome redis_error_shape(bool writes, store_fault *fault)
{
    return fault_say(fault, writes ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_IO,
                     "the reply is not one that the script can give%s. Check that the URL is that "
                     "of Redis, not of a proxy",
                     writes ? ", and whether the call happened is unknown" : "");
}
