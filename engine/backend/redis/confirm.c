/* confirm.c: see confirm.h.
 */
#define _GNU_SOURCE
#include "confirm.h"

#include <stdio.h>
#include <string.h>

#include "server.h"

enum { NUMBER_BYTES = 16 };

bool redis_confirms(const redis_store *self, const redis_job *job)
{
    const slotq_verb verb = job->call->verb;
    return (self->settings.wait_replicas > 0 || self->settings.wait_fsynced > 0) &&
           job->move == NULL && (verb == SLOTQ_PUSH || verb == SLOTQ_SCHEDULE);
}

/* ---- the commands ---- */

static bool add_wait(redis_store *self)
{
    char replicas[NUMBER_BYTES];
    char ms[NUMBER_BYTES];
    (void)snprintf(replicas, sizeof replicas, "%lu", (unsigned long)self->settings.wait_replicas);
    (void)snprintf(ms, sizeof ms, "%lu", (unsigned long)self->settings.wait_ms);
    const char *words[] = {"WAIT", replicas, ms};
    const size_t lengths[] = {4, strlen(replicas), strlen(ms)};
    return redis_outbox_add(&self->connection.outbox, 3, words, lengths);
}

/* The server's own disk is one of those that are wanted. */
static bool add_wait_fsynced(redis_store *self)
{
    char replicas[NUMBER_BYTES];
    char ms[NUMBER_BYTES];
    (void)snprintf(replicas, sizeof replicas, "%lu",
                   (unsigned long)self->settings.wait_fsynced - 1);
    (void)snprintf(ms, sizeof ms, "%lu", (unsigned long)self->settings.wait_ms);
    const char *words[] = {"WAITAOF", "1", replicas, ms};
    const size_t lengths[] = {7, 1, strlen(replicas), strlen(ms)};
    return redis_outbox_add(&self->connection.outbox, 4, words, lengths);
}

void redis_confirm_put(redis_store *self, redis_confirmed *confirmed)
{
    confirmed->waits = self->settings.wait_replicas > 0 && add_wait(self);
    confirmed->fsyncs = self->settings.wait_fsynced > 0 && add_wait_fsynced(self);
}

/* ---- the replies ---- */

static void note_refusal(redis_confirmed *confirmed, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR && reply->str != NULL) {
        (void)snprintf(confirmed->refused, sizeof confirmed->refused, "; the server said: %.120s",
                       reply->str);
        for (char *at = confirmed->refused; *at != '\0'; at++) {
            *at = *at >= ' ' && *at <= '~' ? *at : '?';
        }
    }
}

/* No server has more replicas than a number of 32 bits. */
static bool is_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 &&
           reply->integer <= UINT32_MAX;
}

bool redis_confirm_take(redis_store *self, redis_confirmed *confirmed, store_fault *fault)
{
    redisReply *reply;
    const uint32_t wait_ms = self->settings.wait_ms;
    if (confirmed->waits) {
        if (!redis_connection_next(&self->connection, wait_ms, &reply, fault)) {
            return false;
        }
        confirmed->replicas = is_number(reply) ? reply->integer : 0;
        note_refusal(confirmed, reply);
        freeReplyObject(reply);
    }
    if (confirmed->fsyncs) {
        if (!redis_connection_next(&self->connection, wait_ms, &reply, fault)) {
            return false;
        }
        const bool told = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                          is_number(reply->element[0]) && is_number(reply->element[1]);
        /* one on its own disk and many on others': the others do not stand in for it */
        const bool is_own = told && reply->element[0]->integer > 0;
        confirmed->disks = is_own ? 1 + reply->element[1]->integer : 0;
        note_refusal(confirmed, reply);
        freeReplyObject(reply);
    }
    return true;
}

/* ---- what it means ---- */

static slotq_outcome say_replicas(const redis_settings *settings, const redis_confirmed *confirmed,
                                  store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNCONFIRMED,
                     "the messages are in the queue, but %lld of %lu replicas confirmed it within "
                     "%lu ms: a failover now could lose them%s. Do not push them again",
                     confirmed->replicas, (unsigned long)settings->wait_replicas,
                     (unsigned long)settings->wait_ms, confirmed->refused);
}

static slotq_outcome say_disks(const redis_settings *settings, const redis_confirmed *confirmed,
                               store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNCONFIRMED,
                     "the messages are in the queue, but %lld of %lu servers have them on disk "
                     "after %lu ms (the server itself counts first): a crash of the machine now "
                     "could lose them%s. Do not push them again",
                     confirmed->disks, (unsigned long)settings->wait_fsynced,
                     (unsigned long)settings->wait_ms, confirmed->refused);
}

void redis_confirm_doubt(const redis_store *self, redis_job *jobs, uint32_t count,
                         const redis_confirmed *confirmed)
{
    const redis_settings *settings = &self->settings;
    const bool few_replicas = confirmed->replicas < settings->wait_replicas;
    const bool few_disks = confirmed->disks < settings->wait_fsynced;
    for (uint32_t i = 0; i < count; i++) {
        redis_job *job = &jobs[i];
        if (job->state != REDIS_JOB_ANSWERED || !redis_confirms(self, job)) {
            continue;
        }
        if (job->outcome == SLOTQ_OK && (few_replicas || few_disks)) {
            job->outcome = few_replicas ? say_replicas(settings, confirmed, job->fault)
                                        : say_disks(settings, confirmed, job->fault);
        }
        /* the message that has the key may be as new */
        job->fault->unconfirmed = job->outcome == SLOTQ_DUPLICATE && (few_replicas || few_disks);
    }
}

/* ---- connecting ---- */

/* It is asked by the command itself: a version says less, and not every user may read it. Nothing
 * was written on this connection, so the server answers at once, or after a ms. */
slotq_outcome redis_confirm_judge(redis_store *self, store_fault *fault)
{
    const char *words[] = {"WAITAOF", "1", "0", "1"};
    const size_t lengths[] = {7, 1, 1, 1};
    redis_confirmed confirmed = {0};
    redisReply *reply = NULL;
    if (self->settings.wait_fsynced == 0 || self->settings.read_only) {
        return SLOTQ_OK;
    }
    slotq_outcome outcome =
        redis_server_ask(&self->connection, false, 4, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const redis_refusal *refusal = redis_refusal_of(reply);
    note_refusal(&confirmed, reply);
    if (redis_error_is(reply, "ERR unknown command")) {
        outcome = fault_say(fault, SLOTQ_UNSUPPORTED,
                            "this server cannot confirm that messages are on its disk: that needs "
                            "WAITAOF, of Redis 7.2 or newer. Use another server, or replicas "
                            "(wait_replicas, --replicas)");
    } else if (refusal != NULL && refusal->fate != REDIS_FATE_STAYS) {
        outcome = redis_refusal_say(refusal, "the server refused WAITAOF: ", fault);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        outcome = fault_say(fault, SLOTQ_UNSUPPORTED,
                            "this server cannot confirm that messages are on its disk%s. It needs "
                            "CONFIG SET appendonly yes, and the user +waitaof",
                            confirmed.refused);
    }
    freeReplyObject(reply);
    return outcome;
}
