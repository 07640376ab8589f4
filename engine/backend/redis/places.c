/* places.c: see places.h.
 */
#include "places.h"

#include <string.h>

#include "call/errors.h"
#include "call/reply_due.h"
#include "call/reply_owes.h"
#include "call/script.h"
#include "connect.h"
#include "server.h"

void redis_places_put(redis_store *self, redis_job *job)
{
    const slotq_verb verb = job->call->verb;
    redis_waiter *waiter = &self->waiter;
    job->registers = false;
    job->leaves = false;
    if (waiter->places == 0 || (verb != SLOTQ_RESERVE && verb != SLOTQ_PUSH)) {
        return;
    }
    self->terms.hears = redis_waiter_hears(waiter);
    self->terms.place = waiter->place;
    self->terms.rows = waiter->rows;
    job->registers = redis_call_registers(&self->terms, job->call);
    job->leaves = redis_call_leaves(&self->terms, job->call);
    if (job->registers) {
        waiter->rows |= redis_row_bit(&self->base.view, job->call);
    }
}

void redis_places_take(redis_store *self, const redis_job *job, const redisReply *reply)
{
    redis_waiter *waiter = &self->waiter;
    bool kept = false;
    reply = redis_reply_owes(&self->terms, reply, NULL);
    if (!job->registers && !job->leaves) {
        return;
    }
    const bool found = job->outcome == SLOTQ_OK || job->outcome == SLOTQ_UNCONFIRMED;
    const bool nothing = job->outcome == SLOTQ_EMPTY || job->outcome == SLOTQ_FULL ||
                         job->outcome == SLOTQ_AGAIN || job->outcome == SLOTQ_LIMITED;
    if (found) {
        redis_waiter_found(waiter);
    }
    if (found || (job->leaves && nothing)) {
        waiter->rows &= ~redis_row_bit(&self->base.view, job->call);
    } else if (job->registers && redis_reply_waits(reply, &kept)) {
        waiter->lost = waiter->silent && !kept; /* FULL and LIMITED do not say it */
    }
}

enum { UNWAIT_TRIES = 3 }; /* ways of calling it, and a script that is to be loaded */

/* Run the script unwait for the lowest of some rows. false: the server cannot be asked. */
static bool unwait_one(redis_store *self, uint32_t rows, int32_t place)
{
    store_fault fault;
    redis_request *request = &self->request;
    const redis_script_source *source = redis_script(REDIS_SCRIPT_unwait, self->redis7);
    if (redis_connection_is_stale(&self->connection) ||
        redis_request_unwait(request, &self->terms, rows, place) != SLOTQ_OK) {
        return false;
    }
    const char *load[] = {"SCRIPT", "LOAD", source->text};
    const size_t lengths[] = {6, 4, source->length};
    uint32_t tries = 0;
    for (bool again = true; again; tries++) {
        redisReply *reply = NULL;
        redis_calling_put(&self->calling, request, self->redis7, false);
        if (redis_calling_ask(&self->connection, request, &reply, &fault) != SLOTQ_OK) {
            return false;
        }
        const bool lacks = redis_error_is(reply, "NOSCRIPT");
        again = (lacks || redis_calling_learn(&self->calling, reply)) && tries < UNWAIT_TRIES;
        freeReplyObject(reply);
        if (!lacks || !again) {
            continue;
        }
        if (redis_server_ask(&self->connection, false, 3, load, lengths, &reply, &fault) !=
            SLOTQ_OK) {
            return false;
        }
        freeReplyObject(reply);
    }
    return true;
}

static void unwait_at(redis_store *self, int32_t place)
{
    uint32_t rows = self->waiter.rows;
    self->waiter.rows = 0;
    redis_store_take_out(self);
    while (rows != 0 && unwait_one(self, rows, place)) {
        rows &= rows - 1;
    }
    redis_store_give_back(self);
}

void redis_places_leave(redis_store *self)
{
    if (self->waiter.rows != 0) {
        (void)redis_waiter_hears(&self->waiter); /* a child of a fork forgets its parent's */
        unwait_at(self, self->waiter.place);
    }
}

void redis_places_leave_old(redis_store *self)
{
    if (self->waiter.left != REDIS_NO_PLACE) {
        unwait_at(self, self->waiter.left);
        self->waiter.left = REDIS_NO_PLACE;
    }
}
