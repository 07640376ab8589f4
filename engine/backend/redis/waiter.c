/* waiter.c: see waiter.h. For a queue that is alone it does not matter what a message says: any of
 * them means to look again.
 */
#define _GNU_SOURCE
#include "waiter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../system/identity.h"
#include "../system/monotonic.h"
#include "call/errors.h"
#include "server.h"

enum {
    BLIND_SLEEP_MS = 1000,
    PATIENCE_LEAST_MS = 100,
    CHANNEL_BYTES = 256,
    MESSAGES_MOST = 10000, /* taken in one go: a server that never stops must not hold a call */
    VAIN_MOST = 2 /* then another place: this one is shared, or others are quicker */
};

/* A signal, or the bell, ends it: the caller looks again. */
static void sleep_blind(uint64_t sleep_ms, int descriptor)
{
    bell_sleep(descriptor, sleep_ms < BLIND_SLEEP_MS ? sleep_ms : BLIND_SLEEP_MS);
}

static uint32_t shorter(uint32_t timeout_ms, uint64_t patience_ms)
{
    return patience_ms < timeout_ms ? (uint32_t)patience_ms : timeout_ms;
}

void redis_waiter_init(redis_waiter *waiter)
{
    waiter->place = REDIS_NO_PLACE;
    waiter->left = REDIS_NO_PLACE;
}

/* ---- channels and places ---- */

/* The channel of a place, or that of all; 0: the key is too long. */
static size_t channel_of(const redis_waiter *waiter, int32_t place, const char *key,
                         size_t key_bytes, char *channel)
{
    const int head = waiter->places > 0
                         ? snprintf(channel, CHANNEL_BYTES, "slotq#%" PRId32 ":", place)
                         : snprintf(channel, CHANNEL_BYTES, "slotq:");
    if (head < 0 || (size_t)head + key_bytes >= CHANNEL_BYTES) {
        return 0;
    }
    memcpy(channel + head, key, key_bytes);
    return (size_t)head + key_bytes;
}

static uint32_t any_below(const redis_waiter *waiter, uint32_t end)
{
    const uint64_t now_us = monotonic_us();
    const uintptr_t self = (uintptr_t)waiter;
    const uint64_t mixed = identity_mix(now_us, &self, sizeof self);
    return (uint32_t)(identity_mix(mixed, &waiter->connection.transport.fd, sizeof(int)) % end);
}

/* One of the places with the fewest subscribers, by the reply to PUBSUB NUMSUB. */
static int32_t least_heard(const redis_waiter *waiter, const redisReply *reply)
{
    long long least = 0;
    uint32_t equals = 0;
    int32_t chosen = REDIS_NO_PLACE;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 * (size_t)waiter->places) {
        return REDIS_NO_PLACE;
    }
    const uint32_t from = any_below(waiter, waiter->places);
    for (uint32_t i = 0; i < waiter->places; i++) {
        const uint32_t place = (from + i) % waiter->places;
        const redisReply *count = reply->element[2 * (size_t)place + 1];
        if (count->type != REDIS_REPLY_INTEGER) {
            return REDIS_NO_PLACE;
        }
        if (equals == 0 || count->integer < least) {
            least = count->integer;
            chosen = (int32_t)place;
            equals = 1;
        }
    }
    return chosen;
}

/* REDIS_NO_PLACE where the server does not tell. */
static int32_t ask_for_place(redis_waiter *waiter, const char *key, size_t key_bytes)
{
    store_fault fault;
    redisReply *reply = NULL;
    int32_t place = REDIS_NO_PLACE;
    const uint32_t count = waiter->places + 2;
    const char **words = calloc(count, sizeof *words);
    size_t *lengths = calloc(count, sizeof *lengths);
    char *channels = malloc((size_t)waiter->places * CHANNEL_BYTES);
    if (words != NULL && lengths != NULL && channels != NULL) {
        words[0] = "PUBSUB";
        words[1] = waiter->sharded ? "SHARDNUMSUB" : "NUMSUB";
        lengths[0] = strlen(words[0]);
        lengths[1] = strlen(words[1]);
        for (uint32_t i = 0; i < waiter->places; i++) {
            char *channel = channels + (size_t)i * CHANNEL_BYTES;
            words[i + 2] = channel;
            lengths[i + 2] = channel_of(waiter, (int32_t)i, key, key_bytes, channel);
        }
        if (redis_server_ask(&waiter->connection, false, (int)count, words, lengths, &reply,
                             &fault) == SLOTQ_OK) {
            place = least_heard(waiter, reply);
            freeReplyObject(reply);
        }
    }
    free(words);
    free(lengths);
    free(channels);
    return place;
}

/* false: the connection broke. */
static bool choose_place(redis_waiter *waiter, const char *key, size_t key_bytes)
{
    if (waiter->places == 0 || waiter->place != REDIS_NO_PLACE) {
        return true; /* a subscription that broke comes back at its place, which may be set */
    }
    waiter->place = ask_for_place(waiter, key, key_bytes);
    if (waiter->place == REDIS_NO_PLACE && waiter->connection.context != NULL) {
        waiter->place = (int32_t)any_below(waiter, waiter->places);
    }
    return waiter->place != REDIS_NO_PLACE;
}

/* ---- subscribing ---- */

/* The reply to a PING on a connection that is subscribed. */
static bool is_pong(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           strcmp(reply->element[0]->str, "pong") == 0;
}

/* A pushed reply that begins with this word, or with the word of sharded channels. */
static bool begins_with(const redis_waiter *waiter, const redisReply *reply, const char *what)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           reply->element[0]->len > 0 &&
           strcmp(reply->element[0]->str + (waiter->sharded ? 1 : 0), what) == 0;
}

static void forget_told(redis_waiter *waiter)
{
    memset(waiter->told, 0, sizeof waiter->told);
}

/* The server of the calls is another one now: nothing is published for them where this listens. */
void redis_waiter_follow(redis_waiter *waiter, const redis_connection *model)
{
    if (waiter->subscribed &&
        !redis_address_is_same_server(&waiter->connection.address, &model->address)) {
        redis_waiter_leave(waiter);
    }
}

/* The place and what is registered there are a parent's. */
static void disown(redis_waiter *waiter)
{
    if (redis_connection_is_inherited(&waiter->connection)) {
        waiter->subscribed = false;
        waiter->rows = 0;
        redis_waiter_init(waiter);
    }
}

bool redis_waiter_hears(redis_waiter *waiter)
{
    disown(waiter);
    return waiter->subscribed && waiter->places > 0;
}

void redis_waiter_found(redis_waiter *waiter)
{
    waiter->vain = 0;
    waiter->woken = false;
    waiter->lost = false;
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
    if (redis_connection_open(&waiter->connection, &fault) != SLOTQ_OK ||
        redis_server_greet(&waiter->connection, NULL, 0, &facts, &fault) != SLOTQ_OK) {
        return false;
    }
    waiter->sharded = waiter->is_shard && waiter->places > 0 && facts.redis7;
    waiter->connection.asking = waiter->sharded && model->asking; /* SHARDS.md, rule 52 */
    if (!choose_place(waiter, key, key_bytes)) {
        return false;
    }
    const size_t bytes = channel_of(waiter, waiter->place, key, key_bytes, channel);
    const char *words[] = {waiter->sharded ? "SSUBSCRIBE" : "SUBSCRIBE", channel};
    const size_t lengths[] = {strlen(words[0]), bytes};
    if (bytes == 0 || redis_server_ask(&waiter->connection, false, 2, words, lengths, &reply,
                                       &fault) != SLOTQ_OK) {
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
    waiter->connection.asking = false;
    if (!subscribed) {
        redis_connection_drop(&waiter->connection, "not subscribed");
    }
    forget_told(waiter);
    redis_waiter_found(waiter);
    waiter->silent = false;
    return subscribed;
}

/* Another place, on the same connection. What comes in between was for the old one: the caller
 * looks again in any case. false: the connection broke. */
static bool change_place(redis_waiter *waiter, const char *key, size_t key_bytes)
{
    char from[CHANNEL_BYTES];
    char to[CHANNEL_BYTES];
    store_fault fault;
    const uint32_t step = 1 + any_below(waiter, waiter->places - 1);
    const int32_t place = (int32_t)(((uint32_t)waiter->place + step) % waiter->places);
    const char *subscribe_words[] = {waiter->sharded ? "SSUBSCRIBE" : "SUBSCRIBE", to};
    const char *leave_words[] = {waiter->sharded ? "SUNSUBSCRIBE" : "UNSUBSCRIBE", from};
    const size_t subscribe_lengths[] = {strlen(subscribe_words[0]),
                                        channel_of(waiter, place, key, key_bytes, to)};
    const size_t leave_lengths[] = {strlen(leave_words[0]),
                                    channel_of(waiter, waiter->place, key, key_bytes, from)};
    redis_outbox *outbox = &waiter->connection.outbox;
    waiter->left = waiter->place;
    waiter->place = place;
    redis_outbox_clear(outbox);
    bool whole = redis_outbox_add(outbox, 2, subscribe_words, subscribe_lengths) &&
                 redis_outbox_add(outbox, 2, leave_words, leave_lengths) &&
                 redis_connection_send(&waiter->connection, &fault);
    redis_outbox_clear(outbox);
    bool left = false;
    for (uint32_t i = 0; whole && !left; i++) {
        redisReply *reply;
        whole =
            i < MESSAGES_MOST && redis_connection_next(&waiter->connection, 0, &reply, &fault);
        if (whole) {
            left = begins_with(waiter, reply, "unsubscribe");
            redis_told_note(waiter->told, reply);
            whole = reply->type != REDIS_REPLY_ERROR;
            freeReplyObject(reply);
        }
    }
    if (!whole) {
        redis_connection_drop(&waiter->connection, "not subscribed");
    }
    redis_waiter_found(waiter);
    waiter->silent = false;
    return whole;
}

/* Note what it says. false: the channel's slot has left this server (SHARDS.md, rule 51). */
static bool take_message(redis_waiter *waiter, const redisReply *reply)
{
    if (begins_with(waiter, reply, "unsubscribe")) {
        redis_connection_drop(&waiter->connection, "the slot has moved");
        return false;
    }
    redis_told_note(waiter->told, reply);
    return true;
}

/* What has come, and may have more behind it, is one reason to look again. What is left came before
 * that look, so it may stay inside: what comes after it makes the descriptor readable. */
static bool drain(redis_waiter *waiter, redisReply *reply)
{
    store_fault fault;
    waiter->silent = reply == NULL;
    waiter->woken = waiter->woken || reply != NULL;
    for (uint32_t i = 1; reply != NULL && i < MESSAGES_MOST; i++) {
        const bool stays = take_message(waiter, reply);
        freeReplyObject(reply);
        if (!stays || !redis_connection_listen(&waiter->connection, 0, -1, &reply, &fault)) {
            return false;
        }
    }
    const bool stays = reply == NULL || take_message(waiter, reply);
    freeReplyObject(reply);
    return stays;
}

static bool hear(redis_waiter *waiter, uint64_t sleep_ms, int descriptor)
{
    store_fault fault;
    redisReply *reply;
    return redis_connection_listen(&waiter->connection, sleep_ms, descriptor, &reply, &fault) &&
           drain(waiter, reply);
}

/* The last look found nothing. true: the waiter has changed its place, or subscribes anew, so the
 * caller looks again. */
static bool mends(redis_waiter *waiter, const char *key, size_t key_bytes)
{
    if (waiter->places == 0 || !waiter->subscribed) {
        return false;
    }
    waiter->vain = waiter->woken ? waiter->vain + 1 : 0;
    waiter->woken = false;
    if (waiter->vain >= VAIN_MOST && waiter->places > 1) {
        waiter->subscribed = change_place(waiter, key, key_bytes);
        return waiter->subscribed;
    }
    if (waiter->lost) { /* a ring for this place, of which nothing was heard */
        waiter->lost = false;
        waiter->subscribed = hear(waiter, 0, -1) && waiter->woken;
        if (!waiter->subscribed) {
            redis_connection_drop(&waiter->connection, "a wake-up was not heard");
        }
        return waiter->subscribed;
    }
    return false;
}

static void sleep_with_bell(redis_waiter *waiter, const redis_connection *model, const char *key,
                            size_t key_bytes, uint64_t sleep_ms, int descriptor)
{
    if (waiter->refused || model->borrowed) {
        sleep_blind(sleep_ms, descriptor);
        return;
    }
    disown(waiter);
    redis_waiter_follow(waiter, model);
    if (mends(waiter, key, key_bytes)) {
        return;
    }
    if (!waiter->subscribed) {
        waiter->subscribed = subscribe(waiter, model, key, key_bytes, sleep_ms);
        if (!waiter->subscribed) {
            sleep_blind(sleep_ms, descriptor);
        }
        return;
    }
    waiter->subscribed = hear(waiter, sleep_ms, descriptor); /* if not: next time anew */
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
    if (waiter->refused || model->borrowed) {
        return -1;
    }
    disown(waiter);
    redis_waiter_follow(waiter, model);
    (void)mends(waiter, key, key_bytes);
    waiter->subscribed = waiter->subscribed ? hear(waiter, 0, -1)
                                            : subscribe(waiter, model, key, key_bytes, UINT32_MAX);
    return waiter->subscribed ? waiter->connection.transport.fd : -1;
}

/* PING, and all that comes before its reply. */
static bool read_up_to_ping(redis_waiter *waiter)
{
    store_fault fault;
    const char *words[] = {"PING"};
    const size_t lengths[] = {4};
    redis_outbox *outbox = &waiter->connection.outbox;
    redis_outbox_clear(outbox);
    bool whole = redis_outbox_add(outbox, 1, words, lengths) &&
                 redis_connection_send(&waiter->connection, &fault);
    redis_outbox_clear(outbox);
    bool answered = false;
    for (uint32_t i = 0; whole && !answered; i++) {
        redisReply *reply;
        whole = i < MESSAGES_MOST && redis_connection_next(&waiter->connection, 0, &reply, &fault);
        if (whole) {
            answered = is_pong(reply);
            whole = answered || take_message(waiter, reply);
            freeReplyObject(reply);
        }
    }
    if (!whole) {
        redis_connection_drop(&waiter->connection, "a wake-up was not heard");
    }
    return whole;
}

bool redis_waiter_read(redis_waiter *waiter, bool asks)
{
    if (!redis_waiter_hears(waiter)) {
        return false;
    }
    waiter->subscribed = asks ? read_up_to_ping(waiter) : hear(waiter, 0, -1);
    return waiter->subscribed;
}

void redis_waiter_leave(redis_waiter *waiter)
{
    if (waiter->subscribed) {
        redis_connection_drop(&waiter->connection, "the server's role changed");
        waiter->subscribed = false;
    }
}

bool redis_waiter_subscribe(redis_waiter *waiter, const redis_connection *model, const char *key,
                            size_t key_bytes)
{
    if (waiter->places == 0 || waiter->refused || model->borrowed) {
        return false;
    }
    disown(waiter);
    redis_waiter_follow(waiter, model);
    waiter->subscribed =
        waiter->subscribed || subscribe(waiter, model, key, key_bytes, UINT32_MAX);
    return waiter->subscribed;
}

void redis_waiter_doze(redis_waiter *waiter, uint64_t sleep_ms)
{
    bell_renew(&waiter->bell);
    if (redis_waiter_hears(waiter)) {
        waiter->subscribed = hear(waiter, sleep_ms, bell_fd(&waiter->bell));
    }
    bell_clear(&waiter->bell);
}

void redis_waiter_free(redis_waiter *waiter)
{
    redis_connection_free(&waiter->connection);
    bell_close(&waiter->bell);
}
