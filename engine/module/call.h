/* call.h: one command, from its words to its reply: the queue's bytes in the server, the steps of
 * verbs on them, and what of these goes to replicas and the append-only file. Must not know what a
 * verb wants.
 *
 * The module runs one command at a time, on the server's main thread: there is one call. Its bytes
 * belong to the server and are valid until call_end.
 */
#ifndef SLOTQ_MODULE_CALL_H
#define SLOTQ_MODULE_CALL_H

#include "../slotq_core.h"
#include "server.h"

typedef struct module_call module_call;

/* A command: what script it does the work of, and how many words may follow the key there. */
typedef struct module_command {
    const char *name;  /* of the script */
    const char *usage; /* its arguments */
    const char *about;
    void (*run)(module_call *call);
    uint32_t least; /* words, with now */
    uint32_t most;
    bool reads;     /* and never writes */
    bool makes_key; /* it needs memory, and a server at maxmemory refuses it */
    uint32_t keys;  /* 1 or 2 */
} module_command;

/* Bytes that were written and are not yet replicated: from one offset up to another. */
typedef struct module_span {
    uint32_t from;
    uint32_t to;
} module_span;

enum {
    CALL_SPANS_MAX = 256,
    CALL_UNDO_BYTES = 64 * 1024,
    CALL_UNDO_MAX = 1024 /* patches */
};

/* What a patch overwrote, while a later step of its verb may still find damage. */
typedef struct module_undo {
    uint32_t offset;
    uint32_t length;
    uint32_t at; /* in undo_bytes */
} module_undo;

/* Messages that a client packed as slots, whole or each cut after its payload. */
typedef struct module_packed {
    const uint8_t *bytes; /* NULL: the messages of the call are payloads */
    const uint32_t *cuts; /* where each begins, and the end; NULL: all are whole */
} module_packed;

/* What the steps of a call did that waiting clients should learn. */
typedef struct module_news {
    uint32_t groups;
    uint32_t messages;
    uint32_t slots;
    bool pushes;
    bool changes_group;
    bool wakes;
} module_news;

/* The place at which the caller waits (places.h). */
typedef struct module_place {
    bool has; /* it named one */
    bool waits;
    uint32_t row;
    uint32_t place;
    uint32_t wants;
    bool leaves;     /* unwait */
    uint32_t others; /* of its row that are set, once it is registered */
    uint32_t before; /* of them, those that come before it */
} module_place;

/* Times before the call that its steps do not tell. */
typedef struct module_dues {
    uint64_t later_due_ms;
    uint64_t due; /* of the group of a settle */
    bool paused_in;
} module_dues;

struct module_call {
    server_context *context;
    const module_command *command;
    server_string *key_name;
    server_string *second_name; /* of a command with two keys */
    const char *behind;         /* which of the two refuses; NULL: a refusal does not say */
    server_string **words;      /* behind key and now */
    uint32_t count;
    bool has_now;   /* a clock of the caller's */
    bool is_script; /* called in the form of the script, with now */
    uint64_t now_ms;
    const uint8_t *known_geometry; /* of the caller; NULL */

    server_key *key; /* open, or NULL */
    uint8_t *bytes;
    slotq_view view;
    bool changed;

    module_packed packed;
    module_news news;
    slotq_nudge owed; /* to clients that sleep at the bell, by all verbs of the call */
    bool asks_ring;   /* the next step does no more than that */
    bool is_told;     /* the reply has what is owed */
    module_place mine;
    module_dues before;
    bool has_run;  /* a verb, so that `before` is known */
    bool settled;  /* places_settle has run */
    bool may_undo; /* all of its steps must be able to be taken back */
    bool is_ended;
    bool is_silent; /* there is no client to hear a refusal */
    uint32_t span_count;
    module_span spans[CALL_SPANS_MAX];
    uint32_t undo_count;
    uint32_t undo_used;
    bool undo_lost; /* there was no room: earlier steps stay done */
    module_undo undo[CALL_UNDO_MAX];
    uint8_t undo_bytes[CALL_UNDO_BYTES];
    slotq_call verb;
    slotq_step step;
};

/* ---- from a command to its end ---- */

/* Nothing is known of the call, and no key is open. */
void call_reset(module_call *call, server_context *context, const module_command *command);

/* Take key, now and words apart. False: refused, with the reply. */
bool call_begin(module_call *call, server_context *context, const module_command *command,
                server_string **words, uint32_t count, bool is_script);

/* The words of a command; without now, but in the form of the script. */
const char *call_usage(const module_command *command, bool is_script);

/* Open the queue. False: refused, with the reply. */
bool call_open(module_call *call);

/* The server's time, or the caller's. */
uint64_t call_now(module_call *call);

/* Begin call->verb. */
void call_verb(module_call *call, slotq_verb verb);

/* Run call->verb to its outcome; what it writes is noted. Refusals have no reply yet. */
slotq_outcome call_run(module_call *call);

/* Put back all bytes that call_run wrote; with may_undo it always can. */
void call_take_back(module_call *call);

/* Bytes from one offset on were written. */
void call_wrote(module_call *call, uint32_t offset, uint32_t length);

/* Replicate what was written up to here. */
void call_replicate(module_call *call);

/* Replicate what was written, tell waiting clients, let go of the key. */
void call_close(module_call *call);

/* The same, unless it was done, and tell the server and other modules that the key has changed:
 * the last act of a command, because it may lead to another one. */
void call_end(module_call *call);

/* Publish in a channel: `before`, the key's name. How many clients heard it. Those of a place of a
 * shard subscribe by SSUBSCRIBE where the server has that. */
uint32_t call_publish(module_call *call, const char *before, const char *text, bool of_shard);

/* ---- words ---- */

/* A word by its number behind now. */
const uint8_t *call_word(const module_call *call, uint32_t index, size_t *length);
bool call_word_is(const module_call *call, uint32_t index, const char *text);

/* A word as a number, or refused by that name. */
bool call_number(module_call *call, uint32_t index, const char *name, uint64_t least, uint64_t most,
                 uint64_t *value);

/* An optional word that is '', 0 or 1. */
bool call_flag(module_call *call, uint32_t index, const char *name, bool *value);

/* ---- refusals: each replies, and returns false ---- */

bool call_error(module_call *call, const char *text);
bool call_invalid(module_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool call_too_big(module_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the core refused, in the scripts' words. */
bool call_refuse(module_call *call, slotq_outcome outcome);
bool call_refuse_with(module_call *call, slotq_outcome outcome, const char *behind);
/* Refused, unless the queue has that group, or such a duration is possible. */
bool call_expect_group(module_call *call, uint64_t group);
/* In the form of a script: what a script cannot do, is refused as there. */
bool call_expect_no_checks(module_call *call, const char *instead);
bool call_expect_duration(module_call *call, const char *name, uint64_t ms);

/* ---- replies ---- */

/* The first of them is preceded by what the caller owes to the bell (FORMAT.md, "The bell of
 * shards"); a refusal says nothing of it. */
void reply_status(module_call *call, slotq_outcome outcome);
void reply_number(module_call *call, uint64_t value);
void reply_bytes(module_call *call, const void *bytes, size_t length);
void reply_text(module_call *call, const char *text);
void reply_line(module_call *call, const char *text); /* as a status */
void reply_signed(module_call *call, int64_t value);
void reply_array(module_call *call, long count);

/* "OK", "STALE" … */
const char *outcome_name(slotq_outcome outcome);
const char *outcome_text(slotq_outcome outcome);

#endif
