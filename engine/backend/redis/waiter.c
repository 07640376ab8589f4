/* waiter.c: see waiter.h. What a message says does not matter: any of them means to look again.
 */
#define _GNU_SOURCE
#include "waiter.h"

#include <string.h>

#include "call/errors.h"
#include "server.h"

enum { BLIND_SLEEP_MS = 1000, PATIENCE_LEAST_MS = 100, CHANNEL_BYTES = 256 };

static const char prefix[] = "slotq:";

/* A signal, or the bell, ends it: the caller looks again. */
static void sleep_blind(uint64_t sleep_ms, int descriptor)
{
    bell_sleep(descriptor, sleep_ms < BLIND_SLEEP_MS ? sleep_ms : BLIND_SLEEP_MS);
}

static uint32_t shorter(uint32_t timeout_ms, uint64_t patience_ms)
{
    return patience_ms < timeout_ms ? (uint32_t)patience_ms : timeout_ms;
}

/* Each of its steps takes no longer than the sleep that it is for. */
static bool try_to_subscribe(redis_waiter *waiter, const redis_connection *model, const char *key,
                             size_t key_bytes, uint64_t patience_ms)
{
    char channel[CHANNEL_BYTES];
    store_fault fault;
    redis_facts facts;
    redisReply *reply = NULL;
    waiter->connection.address = model->address;
    patience_ms = patience_ms > PATIENCE_LEAST_MS ? patience_ms : PATIENCE_LEAST_MS;
    waiter->connection.connect_timeout_ms = shorter(model->connect_timeout_ms, patience_ms);
    waiter->connection.timeout_ms = shorter(model->timeout_ms, patience_ms);
    if (key_bytes + sizeof prefix > sizeof channel ||
        redis_connection_open(&waiter->connection, &fault) != SLOTQ_OK ||
        redis_server_greet(&waiter->connection, NULL, 0, &facts, &fault) != SLOTQ_OK) {
        return false;
    }
    memcpy(channel, prefix, sizeof prefix - 1);
    memcpy(channel + sizeof prefix - 1, key, key_bytes);
    const char *words[] = {"SUBSCRIBE", channel};
    const size_t lengths[] = {sizeof "SUBSCRIBE" - 1, sizeof prefix - 1 + key_bytes};
    if (redis_server_ask(&waiter->connection, false, 2, words, lengths, &reply, &fault) !=
        SLOTQ_OK) {
        return false;
    }
    const redis_refusal *refusal = redis_refusal_of(reply);
    const bool subscribed = reply->type != REDIS_REPLY_ERROR;
    waiter->refused = !subscribed && (refusal == NULL || refusal->fate == REDIS_FATE_STAYS);
    freeReplyObject(reply);
    return subscribed;
}

static bool subscribe(redis_waiter *waiter, const redis_connection *model, const char *key,
                      size_t key_bytes, uint64_t patience_ms)
{
    const bool subscribed = try_to_subscribe(waiter, model, key, key_bytes, patience_ms);
    if (!subscribed) {
        redis_connection_drop(&waiter->connection, "not subscribed");
    }
    return subscribed;
}

/* Something came: so may have more, all of it one reason to look again. */
static bool drain(redis_waiter *waiter, redisReply *reply)
{
    store_fault fault;
    while (reply != NULL) {
        freeReplyObject(reply);
        if (!redis_connection_listen(&waiter->connection, 0, -1, &reply, &fault)) {
            return false;
        }
    }
    return true;
}

static void sleep_with_bell(redis_waiter *waiter, const redis_connection *model, const char *key,
                            size_t key_bytes, uint64_t sleep_ms, int descriptor)
{
    store_fault fault;
    redisReply *reply;
    if (waiter->refused || model->borrowed) {
        sleep_blind(sleep_ms, descriptor);
        return;
    }
    waiter->subscribed &= !redis_connection_is_inherited(&waiter->connection);
    if (!waiter->subscribed) {
        waiter->subscribed = subscribe(waiter, model, key, key_bytes, sleep_ms);
        if (!waiter->subscribed) {
            sleep_blind(sleep_ms, descriptor);
        }
        return;
    }
    if (!redis_connection_listen(&waiter->connection, sleep_ms, descriptor, &reply, &fault) ||
        !drain(waiter, reply)) {
        waiter->subscribed = false; /* next time anew */
    }
}

void redis_waiter_sleep(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes, uint64_t sleep_ms)
{
    bell_renew(&waiter->bell);
    sleep_with_bell(waiter, model, key, key_bytes, sleep_ms, bell_fd(&waiter->bell));
    bell_clear(&waiter->bell);
}

int redis_waiter_listen(redis_waiter *waiter, const redis_connection *model, const char *key,
                        size_t key_bytes)
{
    store_fault fault;
    redisReply *reply;
    if (waiter->refused || model->borrowed) {
        return -1;
    }
    waiter->subscribed &= !redis_connection_is_inherited(&waiter->connection);
    if (!waiter->subscribed) {
        waiter->subscribed = subscribe(waiter, model, key, key_bytes, UINT32_MAX);
    } else if (!redis_connection_listen(&waiter->connection, 0, -1, &reply, &fault) ||
               !drain(waiter, reply)) {
        waiter->subscribed = false;
    }
    return waiter->subscribed ? waiter->connection.transport.fd : -1;
}

void redis_waiter_leave(redis_waiter *waiter)
{
    if (waiter->subscribed) {
        redis_connection_drop(&waiter->connection, "the server's role changed");
        waiter->subscribed = false;
    }
}

void redis_waiter_free(redis_waiter *waiter)
{
    redis_connection_free(&waiter->connection);
    bell_close(&waiter->bell);
}
