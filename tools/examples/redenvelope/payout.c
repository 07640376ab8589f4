/* payout.c: see payout.h.
 */
#include "payout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <slotq_redis.h>

#include "../server/commands.h"
#include "../terminal/report.h"
#include "grab.h"

enum { LEASE_MS = 300, RETRY_MS = 20, BANK_MS = 2, LOOK_MS = 20, PAY_WORDS = 3 };

/* A worker that is to die here says so, and waits for the SIGKILL. */
static void meet_death(payout_stage *shared, payout_place where, int deaths)
{
    const payout_death mine = {getpid(), where};
    unsigned left = atomic_load(&shared->deaths[where]);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&shared->deaths[where], &left, left - 1)) {
            if (write(deaths, &mine, sizeof mine) != sizeof mine) {
                _exit(1);
            }
            for (;;) {
                pause();
            }
        }
    }
}

/* Idempotent: the message's id is paid once, however often it is delivered. */
static const char pay_text[] = "if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then\n"
                               "    return 0\n"
                               "end\n"
                               "redis.call('HINCRBY', KEYS[2], ARGV[2], ARGV[3])\n"
                               "return 1\n";

/* False if this message was paid before. */
static bool pay(slotq_script *script, redisContext *context, const slotq_message *message)
{
    const struct timespec bank = {.tv_nsec = BANK_MS * 1000 * 1000};
    const slotq_data keys[] = {{PAYOUT_PAID, sizeof PAYOUT_PAID - 1},
                               {PAYOUT_BALANCES, sizeof PAYOUT_BALANCES - 1}};
    char id[24];
    char user[16];
    slotq_error error;
    redisReply *reply = NULL;
    const char *text = message->payload; /* "user cents" */
    const char *blank = memchr(text, ' ', message->payload_bytes);
    if (blank == NULL || blank - text >= (long)sizeof user) {
        report_failure("message %" PRIu64 " is not a share", message->id);
    }
    const uint32_t user_bytes = (uint32_t)(blank - text);
    const int id_bytes = snprintf(id, sizeof id, "%" PRIu64, message->id);
    const slotq_data arguments[PAY_WORDS] = {
        {id, (uint32_t)id_bytes},
        {text, user_bytes},
        {blank + 1, message->payload_bytes - user_bytes - 1},
    };
    nanosleep(&bank, NULL);
    if (slotq_script_run(script, context, 2, keys, PAY_WORDS, arguments, &reply, &error) !=
            SLOTQ_OK ||
        reply->type != REDIS_REPLY_INTEGER) {
        report_failure("a payment: %s", reply == NULL ? error.text : reply->str);
    }
    const bool is_first = reply->integer == 1;
    freeReplyObject(reply);
    return is_first;
}

void payout_run(const char *url, payout_stage *shared, int deaths)
{
    slotq_message message;
    slotq *queue = grab_open(url);
    slotq_batch *batch = slotq_batch_new();
    slotq_redis_connection *connection = commands_connect(url);
    slotq_script *script = slotq_script_new(pay_text, sizeof pay_text - 1);
    while (!atomic_load(&shared->is_over)) {
        if (slotq_reserve(queue, 0, 1, LEASE_MS, LOOK_MS, batch) != SLOTQ_OK ||
            !slotq_batch_next(batch, &message)) {
            continue;
        }
        meet_death(shared, PAYOUT_BEFORE, deaths);
        if (message.id % 10 == 0 && message.attempts == 1) { /* the bank is busy */
            atomic_fetch_add(&shared->retries, 1);
            (void)slotq_nack(queue, 0, message.id, message.token, RETRY_MS, 0);
            continue;
        }
        if (!pay(script, slotq_redis_context(connection), &message)) {
            atomic_fetch_add(&shared->repeats, 1);
        }
        meet_death(shared, PAYOUT_AFTER, deaths);
        /* STALE if the lease has ended meanwhile: another worker gets it, and finds it paid. */
        if (slotq_ack(queue, 0, message.id, message.token) >= SLOTQ_FAILURES) {
            report_failure("ack: %s", slotq_error_of(queue)->text);
        }
    }
    _exit(0);
}
