/* resize_key.c: a queue with other sizes in the place of its key. The value is read and written
 * whole, by WATCH and EXEC, so that no change between them is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../resize.h"
#include "call/errors.h"
#include "errand.h"
#include "keys.h"

enum {
    RESIZE_TRIES = 50, /* others change the queue between our look and our write */
    NAME_BYTES_MAX = 200
};

/* A command that is only taken. */
static slotq_outcome tell(redis_errand *on, int count, const char **words, const size_t *lengths,
                          store_fault *fault)
{
    redisReply *reply = NULL;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, false, count, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    } else if (reply->type != REDIS_REPLY_STATUS) {
        outcome = redis_error_shape(false, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

/* The whole value, in *image of *bytes bytes, to be freed after OK. */
static slotq_outcome read_whole(redis_errand *on, const char *key, uint8_t **image, uint64_t *bytes,
                                store_fault *fault)
{
    const char *words[] = {"GET", key};
    const size_t lengths[] = {3, strlen(key)};
    redisReply *reply = NULL;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, false, 2, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (reply->type == REDIS_REPLY_NIL) {
        outcome = fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %.200s", key);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    } else if (reply->type != REDIS_REPLY_STRING) {
        outcome = redis_error_shape(false, fault);
    } else {
        *bytes = reply->len;
        *image = malloc(reply->len + 1); /* aligned, as the core wants it */
        if (*image == NULL) {
            outcome = fault_say(fault, SLOTQ_NOMEMORY, "no memory for a copy of the queue");
        } else {
            memcpy(*image, reply->str, reply->len);
        }
    }
    freeReplyObject(reply);
    return outcome;
}

/* The image with other sizes, in *resized, to be freed after OK. */
static slotq_outcome resize_copy(const char *key, const uint8_t *image, uint64_t bytes,
                                 const slotq_geometry *wanted, uint8_t **resized, uint32_t *size,
                                 store_fault *fault)
{
    slotq_view view;
    slotq_damage damage;
    slotq_geometry geometry;
    slotq_outcome outcome = slotq_core_open(&view, image, bytes, &damage);
    if (outcome != SLOTQ_OK) {
        return fault_damage(fault, outcome, key, &damage);
    }
    outcome = resize_begin(key, &view, wanted, &geometry, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    *size = slotq_core_image_bytes(&geometry, NULL);
    *resized = calloc(1, *size);
    if (*resized == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a queue of %lu bytes",
                         (unsigned long)*size);
    }
    outcome = resize_image(&view, &geometry, *resized, fault);
    if (outcome != SLOTQ_OK) {
        free(*resized);
    }
    return outcome;
}

/* EXEC: OK, or AGAIN where the value changed since WATCH. */
static slotq_outcome execute(redis_errand *on, store_fault *fault)
{
    const char *words[] = {"EXEC"};
    const size_t lengths[] = {4};
    redisReply *reply = NULL;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, true, 1, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const bool ran = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1;
    const redisReply *answer = ran ? reply->element[0] : reply;
    if (reply->type == REDIS_REPLY_NIL) {
        outcome = SLOTQ_AGAIN;
    } else if (answer->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(answer, true, &error, fault);
    } else if (!ran || answer->type != REDIS_REPLY_STATUS) {
        outcome = redis_error_shape(true, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

/* ASKING before MULTI holds up to EXEC; between them it would be one of the commands. */
static slotq_outcome replace(redis_errand *on, const char *key, const uint8_t *image,
                             uint32_t bytes, store_fault *fault)
{
    const bool asks = on->connection.asking;
    const char *multi[] = {"MULTI"};
    const size_t multi_lengths[] = {5};
    const char *set[] = {"SET", key, (const char *)image};
    const size_t set_lengths[] = {3, strlen(key), bytes};
    slotq_outcome outcome = tell(on, 1, multi, multi_lengths, fault);
    on->connection.asking = false;
    if (outcome == SLOTQ_OK) {
        outcome = tell(on, 3, set, set_lengths, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = execute(on, fault);
    }
    on->connection.asking = asks;
    return outcome;
}

/* Clients that wait are told, on the channel of all or of each place, to look at the new value. A
 * client that does not hear it looks at its next poll. */
static void wake_all(redis_errand *on, const char *key, uint32_t places)
{
    char channel[NAME_BYTES_MAX + 24];
    const uint32_t last = places > 0 ? places : 1;
    for (uint32_t place = 0; place < last; place++) {
        redisReply *reply = NULL;
        store_fault ignored;
        if (places > 0) {
            snprintf(channel, sizeof channel, "slotq#%lu:%s", (unsigned long)place, key);
        } else {
            snprintf(channel, sizeof channel, "slotq:%s", key);
        }
        const char *words[] = {"PUBLISH", channel, "wake"};
        const size_t lengths[] = {7, strlen(channel), 4};
        if (redis_server_ask(&on->connection, false, 3, words, lengths, &reply, &ignored) !=
            SLOTQ_OK) {
            return;
        }
        freeReplyObject(reply);
    }
}

/* AGAIN: the queue was changed meanwhile, and stays as it is. */
static slotq_outcome resize_once(redis_errand *on, const char *key, const slotq_geometry *wanted,
                                 store_fault *fault)
{
    const char *watch[] = {"WATCH", key};
    const size_t lengths[] = {5, strlen(key)};
    uint8_t *image = NULL;
    uint8_t *resized = NULL;
    uint64_t bytes = 0;
    uint32_t size = 0;
    slotq_outcome outcome = tell(on, 2, watch, lengths, fault);
    if (outcome == SLOTQ_OK) {
        outcome = read_whole(on, key, &image, &bytes, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = resize_copy(key, image, bytes, wanted, &resized, &size, fault);
    free(image);
    if (outcome == SLOTQ_OK) {
        outcome = replace(on, key, resized, size, fault);
        free(resized);
    }
    return outcome;
}

static slotq_outcome try_to_resize(redis_route *route, const char *key,
                                   const slotq_geometry *wanted, const redis_settings *settings,
                                   store_fault *fault)
{
    redis_errand on;
    slotq_view view;
    const redis_demands demands = {.force = settings->force, .was_open = true};
    slotq_outcome outcome = redis_errand_begin(&on, route, key, settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_judge(&on.facts, &demands, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_open_key(&on.facts, key, &view, fault);
    }
    if (outcome != SLOTQ_OK) {
        return redis_errand_end(&on, outcome);
    }
    outcome = SLOTQ_AGAIN;
    for (int i = 0; i < RESIZE_TRIES && outcome == SLOTQ_AGAIN; i++) {
        outcome = resize_once(&on, key, wanted, fault);
    }
    if (outcome == SLOTQ_OK) {
        wake_all(&on, key, view.geometry.places);
    }
    if (outcome == SLOTQ_AGAIN) {
        outcome = fault_say(fault, SLOTQ_LOCKED,
                            "others changed %.200s each time between the look and the write: pause "
                            "it, let its leases be settled, and try again. Nothing was changed",
                            key);
    }
    return redis_errand_end(&on, outcome);
}

slotq_outcome redis_keys_resize(redis_route *route, const char *key, const slotq_geometry *wanted,
                                const redis_settings *settings, store_fault *fault)
{
    redis_patience patience = redis_patience_to_open(&settings->limits);
    slotq_outcome outcome;
    do {
        outcome = try_to_resize(route, key, wanted, settings, fault);
    } while (outcome != SLOTQ_OK && redis_errand_again(route, &patience, fault));
    return outcome;
}
