/* handle.h: an open queue as its user's thread has it, and what every call of slotq.h does with
 * it: arguments, clock, errors. Knows the public API and a store; no bytes.
 */
#ifndef SLOTQ_QUEUE_HANDLE_H
#define SLOTQ_QUEUE_HANDLE_H

#include "../backend/backend.h"
#include "../core/limits.h"
#include "../slotq.h"

struct slotq {
    store *store;
    slotq_options options; /* poll_ms and clock filled in */
    slotq_geometry geometry;
    uint64_t lease_max_ms;
    uint32_t timeout_ms; /* of slotq_clone_options; 0 = none was given */
    /* the last call that did not answer OK; text is made when asked for */
    slotq_error error;
    slotq_verb error_verb;
    slotq_holder holder; /* FULL */
    store_fault fault;   /* scratch of a call */
    bool interrupted;    /* by slotq_interrupt; atomic. The next wait that ends takes it back */
    struct queue_wait *patience; /* of the waiting call that runs; NULL: any other call */
};

/* ---- handles (open.c) ---- */

/* A handle without a store, options filled in; NULL without memory. */
slotq *queue_handle_new(const slotq_options *options, uint32_t poll_ms);
/* What a store answered to being opened (its fault in made) becomes a handle or an error; made
 * is taken over. */
slotq_outcome queue_handle_finish(slotq *made, slotq_outcome outcome, store *opened, slotq **queue,
                                  slotq_error *error);

/* The store says REMADE: the handle works by its new geometry. */
void queue_take_geometry(slotq *queue);

/* The tries of one call: a call that others resize away so often returns REMADE. */
enum { QUEUE_TRIES_MAX = 64 };
typedef struct queue_tries {
    uint32_t generation; /* of the queue when the call began */
    uint32_t adoptions;  /* of the store when the try began */
    uint32_t count;
} queue_tries;

static inline queue_tries queue_tries_begin(const slotq *queue)
{
    return (queue_tries){queue->geometry.generation, queue->store->adoptions, 1};
}

/* A try returned REMADE because slotq_resize gave the queue other sizes, which the handle has taken
 * since: nothing happened, ids and tokens are valid, and the call may be tried again. Never true of
 * a store that cannot take other sizes. */
static inline bool queue_was_resized(const slotq *queue, slotq_outcome outcome, queue_tries *tries)
{
    const bool has_taken = queue->store->adoptions != tries->adoptions;
    if (outcome != SLOTQ_REMADE || queue->geometry.generation != tries->generation || !has_taken ||
        tries->count == QUEUE_TRIES_MAX) {
        return false;
    }
    tries->adoptions = queue->store->adoptions;
    tries->count++;
    return true;
}

/* The geometry with what its caller leaves to the library: a tick, a group, a generation. INVALID:
 * it was not zeroed. */
slotq_outcome queue_complete_geometry(const slotq_geometry *given, slotq_geometry *whole,
                                      slotq_error *error);

/* ---- errors (error.c) ---- */

/* Keep the outcome of a verb; the text, if it has none yet, is made from it later. Answers it. */
slotq_outcome queue_answer(slotq *queue, slotq_outcome outcome, const slotq_call *call);

/* Keep an answer with its text: limits that the arguments broke. */
__attribute__((format(printf, 3, 4))) slotq_outcome
queue_refuse(slotq *queue, slotq_outcome outcome, const char *format, ...);

/* Put before the text kept what a call in parts did before it failed: done, of count messages. A
 * text that says "nothing happened" is about the last part. */
void queue_say_done(slotq *queue, uint32_t count, const char *done);

/* INVALID: a required pointer is NULL. queue may be NULL too. */
slotq_outcome queue_refuse_null(slotq *queue);

/* For calls without a handle; error may be NULL. */
__attribute__((format(printf, 3, 4))) slotq_outcome
error_say(slotq_error *error, slotq_outcome outcome, const char *format, ...);
/* INVALID if a reserved field of a struct that the caller gave is not 0: a struct that was not
 * zeroed has other fields by chance, too. */
slotq_outcome error_judge_reserved(slotq_error *error, const void *reserved, size_t size,
                                   const char *what);
slotq_outcome error_from_fault(slotq_error *error, slotq_outcome outcome, const store_fault *fault);

/* ---- arguments; the refusals, which name the limit, in arguments.c ---- */

void queue_refuse_group(slotq *queue, uint8_t group);
void queue_refuse_count(slotq *queue, uint64_t count);
void queue_refuse_duration(slotq *queue, const char *what, uint64_t ms);

void queue_refuse_payload(slotq *queue);
/* What the text of a refusal says besides the limit. */
typedef struct queue_limit_words {
    const char *verb;
    uint32_t capacity;   /* messages that the place has room for */
    const char *closing; /* what was not done */
} queue_limit_words;
/* The outcome of messages that break a limit of core/limits.def, with its text. OK: PUSH_FITS. */
slotq_outcome queue_refuse_limit(slotq *queue, push_limit limit, const push_size *size,
                                 const slotq_data *messages, uint32_t count,
                                 queue_limit_words words);
/* The outcome of a push that breaks a limit of core/limits.def, with its text, at whose end closing
 * says what was not done. OK: it breaks none, and nothing is kept. */
slotq_outcome queue_refuse_push(slotq *queue, const slotq_data *messages, uint32_t count,
                                const char *closing);

/* Runs, not NULL, of a settle. */
bool queue_runs_fit(slotq *queue, const slotq_run *runs, uint32_t run_count);

static inline bool queue_group_fits(slotq *queue, uint8_t group)
{
    if (group < queue->geometry.groups) {
        return true;
    }
    queue_refuse_group(queue, group);
    return false;
}

/* Messages of one call. */
static inline bool queue_count_fits(slotq *queue, uint64_t count)
{
    if (call_count_fits(count)) {
        return true;
    }
    queue_refuse_count(queue, count);
    return false;
}

/* A message that has a size has bytes. */
static inline bool queue_bytes_fit(slotq *queue, const slotq_data *messages, uint32_t count)
{
    bool lacks_bytes = false;
    for (uint32_t i = 0; i < count; i++) {
        lacks_bytes |= messages[i].bytes == NULL && messages[i].size > 0;
    }
    if (lacks_bytes) {
        queue_refuse_payload(queue);
    }
    return !lacks_bytes;
}

/* Messages, not NULL, of a push: how many there are, and that their bytes are. Sizes and sums are
 * the core's to judge. */
static inline bool queue_messages_fit(slotq *queue, const slotq_data *messages, uint32_t count)
{
    if (!call_count_fits(count)) {
        (void)queue_refuse_push(queue, messages, count, "Nothing was pushed.");
        return false;
    }
    return queue_bytes_fit(queue, messages, count);
}

/* what: "lease" or "delay". */
static inline bool queue_duration_fits(slotq *queue, const char *what, uint64_t ms)
{
    if (ms >= 1 && ms <= queue->lease_max_ms) {
        return true;
    }
    queue_refuse_duration(queue, what, ms);
    return false;
}

/* ---- calls (call.c) ---- */

/* Milliseconds since the epoch by the queue's clock. */
uint64_t queue_now_ms(const slotq *queue);

/* What stores ask their handle. */
extern const store_owner queue_owner;

/* A store belongs to this handle from now on, and asks it for the time. */
void queue_own_store(slotq *queue, store *opened);

/* Run a verb and keep its answer; again if the queue was resized. */
slotq_outcome queue_call(slotq *queue, slotq_call *call);
/* The same for a verb that gives payloads, once: their room may be too small then. */
slotq_outcome queue_call_harvest(slotq *queue, slotq_call *call, store_harvest *harvest);

/* How long a waiting call may go on, in real time. */
typedef struct queue_wait {
    uint64_t wait_ms;
    uint64_t begun_us;  /* monotonic, rounded up: a wait never ends early */
    const slotq *queue; /* whose options can end it */
    bool was_cut;       /* an interrupt ended it while the store waited for others */
} queue_wait;

queue_wait queue_wait_begin(const slotq *queue, uint64_t wait_ms);
void queue_patience_stop(slotq *queue);
/* The wait bounds also how long others may keep the store of this call waiting, if for a second at
 * least; until queue_patience_end, which hands outcome on. */
void queue_patience_begin(slotq *queue, queue_wait *wait);
static inline slotq_outcome queue_patience_end(slotq *queue, slotq_outcome outcome)
{
    queue_patience_stop(queue);
    if (queue->store->ops->leave != NULL && !queue->store->is_listened) {
        queue->store->ops->leave(queue->store);
    }
    return outcome;
}
/* What is left of it. */
uint64_t queue_wait_left_ms(const queue_wait *wait);
/* The time is over. */
bool queue_wait_is_over(const queue_wait *wait);
/* The wait has ended because it is over: so has the interrupt, if there was one. */
void queue_wait_end(slotq *queue);
/* Sleep until woken, until next_due_ms by the queue's clock (UINT64_MAX: never), a poll, or the
 * end of the wait. OK, or the store's failure, kept. */
slotq_outcome queue_wait_sleep(slotq *queue, const queue_wait *wait, uint64_t now_ms,
                               uint64_t next_due_ms);

#endif
