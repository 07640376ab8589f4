/* parts.c: see parts.h.
 */
#include "parts.h"

#include <string.h>

#include "../layout/word.h"

/* What is left of a settle: from a message of a run on. */
typedef struct parts {
    const slotq_call_settle *all;
    uint32_t run;    /* index of the run of the next message */
    uint32_t in_run; /* messages of it that are done */
    uint32_t done;   /* of all runs */
} parts;

static uint32_t count_messages(const slotq_run *runs, uint32_t run_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run_count; i++) {
        count += runs[i].count;
    }
    return count;
}

/* A token has the number of attempts. */
bool parts_kills(const slotq *queue, slotq_verb verb, uint32_t token)
{
    const uint32_t most = queue->geometry.max_attempts;
    return verb == SLOTQ_KILL || (verb == SLOTQ_NACK && most > 0 && word_attempts(token) >= most);
}

uint32_t parts_killed(const slotq *queue, const slotq_call *call)
{
    uint32_t killed = 0;
    for (uint32_t i = 0; i < call->settle.run_count; i++) {
        killed += parts_kills(queue, call->verb, call->settle.runs[i].token);
    }
    return killed;
}

/* The next part: whole runs, or a piece of one that is larger than a part, which is put in piece.
 * Returns how many messages it has. */
static uint32_t cut(parts *self, uint32_t most, slotq_call_settle *part, slotq_run *piece)
{
    const slotq_run *from = &self->all->runs[self->run];
    uint32_t count = from->count - self->in_run;
    part->runs = from;
    part->run_count = 1;
    if (self->in_run > 0 || count > most) {
        count = count < most ? count : most;
        *piece = (slotq_run){from->id + self->in_run, from->token, count};
        part->runs = piece;
        self->in_run += count;
        self->run += self->in_run == from->count;
        self->in_run = self->in_run == from->count ? 0 : self->in_run;
        return count;
    }
    while (self->run + part->run_count < self->all->run_count &&
           from[part->run_count].count <= most - count) {
        count += from[part->run_count++].count;
    }
    self->run += part->run_count;
    return count;
}

bool parts_is_of_messages(slotq_outcome outcome)
{
    return outcome == SLOTQ_OK || outcome == SLOTQ_STALE || outcome == SLOTQ_GONE ||
           outcome == SLOTQ_NOTFOUND || outcome == SLOTQ_DEADFULL;
}

slotq_outcome parts_settle(slotq *queue, const slotq_call *call, uint32_t *settled)
{
    const uint32_t all = count_messages(call->settle.runs, call->settle.run_count);
    const uint32_t bound = queue->store->dying_most;
    const uint32_t most = bound > 0 && parts_killed(queue, call) > 0 ? bound : all;
    parts left = {.all = &call->settle};
    slotq_outcome first = SLOTQ_OK;
    while (left.run < call->settle.run_count) {
        slotq_call part = *call;
        slotq_run piece;
        const uint32_t count = cut(&left, most, &part.settle, &piece);
        part.settle.outcomes =
            call->settle.outcomes == NULL ? NULL : call->settle.outcomes + left.done;
        part.settle.tokens = call->settle.tokens == NULL ? NULL : call->settle.tokens + left.done;
        if (most < all && parts_killed(queue, &part) == part.settle.run_count) {
            part.settle.ms = 0; /* no delay: its sweep would spare this part's messages alone */
        }
        const slotq_outcome outcome = queue_call(queue, &part);
        if (!parts_is_of_messages(outcome)) {
            if (part.settle.outcomes != NULL) {
                memset(part.settle.outcomes, (int)outcome, all - left.done);
            }
            *settled = left.done;
            queue_say_done(queue, left.done, "settled");
            return outcome;
        }
        left.done += count;
        first = first == SLOTQ_OK ? outcome : first;
    }
    *settled = all;
    return first == SLOTQ_OK ? SLOTQ_OK : queue_answer(queue, first, call);
}
