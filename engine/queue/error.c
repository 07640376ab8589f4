/* error.c: what a call that did not answer OK has to say: what was wrong, the limit or offset,
 * what to do. Texts of frequent answers (EMPTY, FULL …) are made only when asked for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "handle.h"

_Static_assert(sizeof(((store_fault *)0)->text) == sizeof(((slotq_error *)0)->text),
               "a fault's text fits an error");

/* ---- calls without a handle ---- */

slotq_outcome error_say(slotq_error *error, slotq_outcome outcome, const char *format, ...)
{
    if (error == NULL) {
        return outcome;
    }
    va_list arguments;
    memset(error, 0, sizeof *error);
    error->outcome = outcome;
    va_start(arguments, format);
    const int wanted = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    fault_end_at_word(error->text, sizeof error->text, wanted);
    return outcome;
}

slotq_outcome error_from_fault(slotq_error *error, slotq_outcome outcome, const store_fault *fault)
{
    if (error == NULL) {
        return outcome;
    }
    error->outcome = outcome;
    error->system_errno = fault->system_errno;
    error->offset = fault->offset;
    error->cause = fault->cause;
    error->passes = fault->passes;
    memset(error->reserved, 0, sizeof error->reserved);
    memcpy(error->text, fault->text, sizeof error->text);
    return outcome;
}

slotq_outcome error_judge_reserved(slotq_error *error, const void *reserved, size_t size,
                                   const char *what)
{
    const uint8_t *bytes = reserved;
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any == 0 ? SLOTQ_OK
                    : error_say(error, SLOTQ_INVALID,
                                "a reserved field of the %s is not 0: initialise the struct with "
                                "named fields, or with {0}. Nothing was done",
                                what);
}

/* ---- calls on a handle ---- */

static void begin_error(slotq *queue, slotq_outcome outcome)
{
    queue->error.outcome = outcome;
    queue->error.system_errno = 0;
    queue->error.offset = 0;
    queue->error.cause = SLOTQ_CAUSE_QUEUE;
    queue->error.passes = false;
}

slotq_outcome queue_refuse(slotq *queue, slotq_outcome outcome, const char *format, ...)
{
    va_list arguments;
    begin_error(queue, outcome);
    va_start(arguments, format);
    const int wanted = vsnprintf(queue->error.text, sizeof queue->error.text, format, arguments);
    va_end(arguments);
    fault_end_at_word(queue->error.text, sizeof queue->error.text, wanted);
    return outcome;
}

slotq_outcome slotq_set_error(slotq *queue, slotq_outcome outcome, const char *text)
{
    if (queue == NULL) {
        return outcome;
    }
    char copy[sizeof queue->error.text + 1] = ""; /* the text may be the error's own */
    if (text != NULL) {
        memcpy(copy, text, strnlen(text, sizeof copy - 1));
    }
    return queue_refuse(queue, outcome, "%s", copy);
}

void queue_say_done(slotq *queue, uint32_t count, const char *done)
{
    char text[sizeof queue->error.text];
    if (count == 0 || queue->error.text[0] == '\0') {
        return;
    }
    memcpy(text, queue->error.text, sizeof text);
    const int wanted = snprintf(queue->error.text, sizeof queue->error.text,
                                "%u messages were %s before this: %s", count, done, text);
    fault_end_at_word(queue->error.text, sizeof queue->error.text, wanted);
}

slotq_outcome queue_refuse_null(slotq *queue)
{
    if (queue == NULL) {
        return SLOTQ_INVALID;
    }
    return queue_refuse(queue, SLOTQ_INVALID, "a required pointer is NULL");
}

slotq_outcome queue_answer(slotq *queue, slotq_outcome outcome, const slotq_call *call)
{
    const bool has_text = outcome >= SLOTQ_FAILURES || outcome == SLOTQ_NOQUEUE ||
                          outcome == SLOTQ_UNCONFIRMED || outcome == SLOTQ_REMADE || call == NULL ||
                          (outcome == SLOTQ_INVALID && queue->store->tells_invalid);
    if (outcome == SLOTQ_REMADE) {
        queue_take_geometry(queue);
    }
    if (has_text) {
        return error_from_fault(&queue->error, outcome, &queue->fault);
    }
    begin_error(queue, outcome);
    queue->error.text[0] = '\0';
    queue->error_verb = call->verb;
    if (outcome == SLOTQ_FULL) { /* redrive names no holder */
        const slotq_holder none = {0};
        queue->holder = call->verb == SLOTQ_PUSH ? call->push.holder : none;
    }
    return outcome;
}

static const char *state_name(slotq_state state)
{
    static const char *const names[] = {"ready", "leased", "waiting", "done"};
    return names[(uint32_t)state & 3];
}

static const char *full_remedy(const slotq_holder *holder)
{
    if (holder->dead_full) {
        return "It has no attempts left and cannot die, because the dead section is full: redrive, "
               "remove or purge dead messages (slotq dead redrive, dead remove, dead purge).";
    }
    switch (holder->state) {
    case SLOTQ_STATE_LEASED:
        return "Its worker must settle it, or its lease must end.";
    case SLOTQ_STATE_WAITING:
        return "It waits for its retry.";
    default:
        return "Reserve and settle it, remove it, or make a larger queue.";
    }
}

static void say_full(slotq *queue)
{
    const slotq_holder *holder = &queue->holder;
    const unsigned capacity = queue->geometry.ring_slots - 1u;
    const unsigned long unfinished = holder->unfinished;
    const char *state = state_name(holder->state);
    char id[SLOTQ_ID_TEXT_BYTES];
    (void)slotq_id_print(id, holder->id);
    if (holder->id == 0 && queue->error_verb == SLOTQ_PUSH) {
        queue_refuse(
            queue, SLOTQ_FULL,
            "255 keys in the queue share a chain with a key of this push, and no more may: "
            "choose another key. Nothing was pushed.");
        return;
    }
    if (holder->id == 0) {
        queue_refuse(queue, SLOTQ_FULL,
                     "the queue is full: it holds %u message%s. slotq stats names the oldest "
                     "unfinished one.",
                     capacity, capacity == 1 ? "" : "s");
        return;
    }
    if (holder->held < capacity) { /* a push of more than the slots left */
        queue_refuse(queue, SLOTQ_FULL,
                     "the queue has no room for this push: %lu of %u slots are in use. The oldest "
                     "unfinished message is %s, %s in group %u. %s",
                     (unsigned long)holder->held, capacity, id, state, holder->group,
                     full_remedy(holder));
        return;
    }
    if (unfinished < holder->held) { /* finished messages behind it have to wait for it */
        queue_refuse(queue, SLOTQ_FULL,
                     "the queue is full: message %s, %s in group %u, holds all %u slots, though "
                     "only %lu message%s unfinished. %s",
                     id, state, holder->group, capacity, unfinished,
                     unfinished == 1 ? " is" : "s are", full_remedy(holder));
        return;
    }
    queue_refuse(queue, SLOTQ_FULL,
                 "the queue is full: %u message%s unfinished. The oldest is message %s, %s in "
                 "group %u. %s",
                 capacity, capacity == 1 ? " is" : "s are", id, state, holder->group,
                 full_remedy(holder));
}

static void say_paused(slotq *queue)
{
    const bool out = queue->error_verb == SLOTQ_RESERVE;
    queue_refuse(queue, SLOTQ_PAUSED, "the queue is paused for %s: resume it first",
                 out ? "reserving (out)" : "pushing (in)");
}

/* What people can do about an outcome; NULL if its text says enough. */
static const char *remedy(slotq_outcome outcome)
{
    switch (outcome) {
    case SLOTQ_STALE:
        return "nothing was changed; the message is delivered again or was settled elsewhere";
    case SLOTQ_GONE:
        return "nothing is left to do";
    case SLOTQ_NOTFOUND:
        return "check the id";
    case SLOTQ_DEADFULL:
        return "nothing was changed: redrive, remove or purge dead messages, then try again";
    case SLOTQ_LEASED:
        return "nothing was changed: wait for its worker, or for the end of the lease";
    case SLOTQ_CLOSED:
        return "push into another queue";
    case SLOTQ_UNFINISHED:
        return "pause it with SLOTQ_PAUSE_CLOSED, and see slotq stats for what is left";
    case SLOTQ_INVALID:
        return "the clock must be between the years 1970 and 6429";
    default:
        return NULL;
    }
}

static void say_outcome(slotq *queue)
{
    const slotq_outcome outcome = queue->error.outcome;
    const bool of_dead =
        queue->error_verb == SLOTQ_REDRIVE || queue->error_verb == SLOTQ_DEAD_REMOVE;
    if (outcome == SLOTQ_NOTFOUND && of_dead) {
        queue_refuse(queue, outcome,
                     "the dead section has no message with this id: slotq dead ls lists them");
        return;
    }
    const char *what = remedy(outcome);
    queue_refuse(queue, outcome, "%s%s%s", slotq_outcome_text(outcome), what != NULL ? ": " : "",
                 what != NULL ? what : "");
}

const slotq_error *slotq_error_of(slotq *queue)
{
    static const slotq_error no_queue = {.outcome = SLOTQ_INVALID,
                                         .text = "a required pointer is NULL"};
    if (queue == NULL) {
        return &no_queue;
    }
    if (queue->error.outcome == SLOTQ_OK || queue->error.text[0] != '\0') {
        return &queue->error;
    }
    switch (queue->error.outcome) {
    case SLOTQ_FULL:
        say_full(queue);
        break;
    case SLOTQ_PAUSED:
        say_paused(queue);
        break;
    default:
        say_outcome(queue);
        break;
    }
    return &queue->error;
}
