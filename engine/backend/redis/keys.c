/* keys.c: see keys.h.
 */
#define _GNU_SOURCE
#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "../../layout/fields.h"
#include "../../layout/geometry.h"
#include "call/errors.h"
#include "errand.h"
#include "script_run.h"

/* Each errand is tried again, as a whole, while the server refuses for now: nothing happened. */

/* ---- create ---- */

static slotq_outcome create_there(redis_errand *on, const char *key, const slotq_geometry *geometry,
                                  const redis_settings *settings, store_fault *fault)
{
    redis_request request = {0};
    const redis_terms terms = {.key = key, .key_bytes = strlen(key)};
    redisReply *reply = NULL;
    if (redis_request_create(&request, &terms, geometry) != SLOTQ_OK) {
        redis_request_free(&request);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    slotq_outcome outcome = redis_script_run(on, &request, settings, &reply, fault);
    redis_request_free(&request);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, true, &error, fault);
    } else if (reply->type != REDIS_REPLY_STATUS || strcmp(reply->str, "OK") != 0) {
        outcome = redis_error_shape(true, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

/* The script compared the geometry; which one is there is asked for people. */
static void say_exists(redis_errand *on, const char *key, store_fault *fault)
{
    slotq_geometry there = {0};
    store_fault unasked;
    redisReply *reply = NULL;
    const char *front[] = {"GETRANGE", key, "0", "43"}; /* up to the end of the geometry */
    const size_t lengths[] = {8, strlen(key), 1, 2};
    fault_say(fault, SLOTQ_EXISTS,
              "a queue %.200s with another geometry exists: use it, choose another name, or remove "
              "it first",
              key);
    if (redis_server_ask(&on->connection, false, 4, front, lengths, &reply, &unasked) != SLOTQ_OK) {
        return;
    }
    if (reply->type == REDIS_REPLY_STRING && reply->len == GEOMETRY_END) {
        geometry_load(&there, (const uint8_t *)reply->str);
        fault_exists(fault, key, &there);
    }
    freeReplyObject(reply);
}

static slotq_outcome try_to_create(redis_route *route, const char *key,
                                   const slotq_geometry *geometry, const redis_settings *settings,
                                   store_fault *fault)
{
    redis_errand on;
    const char *what;
    const redis_demands demands = {.force = settings->force,
                                   .no_functions = settings->functions == SLOTQ_FUNCTIONS_NEVER,
                                   .no_module = settings->no_module};
    if (slotq_core_image_bytes(geometry, &what) == 0) {
        return fault_say(fault, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
    }
    slotq_outcome outcome = redis_errand_begin(&on, route, key, settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_judge(&on.facts, &demands, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = create_there(&on, key, geometry, settings, fault);
    }
    if (outcome == SLOTQ_EXISTS) {
        say_exists(&on, key, fault);
    }
    return redis_errand_end(&on, outcome);
}

slotq_outcome redis_keys_create(redis_route *route, const char *key, const slotq_geometry *geometry,
                                const redis_settings *settings, store_fault *fault)
{
    redis_patience patience = redis_patience_to_open(&settings->limits);
    slotq_outcome outcome;
    do {
        outcome = try_to_create(route, key, geometry, settings, fault);
    } while (outcome != SLOTQ_OK && redis_errand_again(route, &patience, fault));
    return outcome;
}

/* ---- import ---- */

/* A copy of the image, checked completely, that has another generation; to be freed after OK. */
static slotq_outcome copy_image(const uint8_t *image, uint64_t bytes, uint32_t generation,
                                uint8_t **copy, store_fault *fault)
{
    slotq_view view;
    slotq_damage damage;
    if (bytes > SLOTQ_IMAGE_BYTES_MAX) {
        return fault_say(fault, SLOTQ_CORRUPT, "the image is larger than any queue, 512 MiB");
    }
    uint8_t *made = malloc((size_t)bytes + 1);
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a copy of the image");
    }
    memcpy(made, image, (size_t)bytes);
    slotq_outcome outcome = slotq_core_open(&view, made, bytes, &damage);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_check(&view, &damage);
    }
    if (outcome != SLOTQ_OK) {
        free(made);
        return fault_damage(fault, outcome, "the image", &damage);
    }
    view.geometry.generation = generation;
    geometry_store(made, &view.geometry);
    *copy = made;
    return SLOTQ_OK;
}

static slotq_outcome import_there(redis_errand *on, const char *key, const uint8_t *image,
                                  uint64_t bytes, store_fault *fault)
{
    const char *words[] = {"SET", key, (const char *)image, "NX"};
    const size_t lengths[] = {3, strlen(key), (size_t)bytes, 2};
    redisReply *reply = NULL;
    slotq_outcome outcome =
        redis_server_ask(&on->connection, true, 4, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (reply->type == REDIS_REPLY_NIL) {
        outcome = fault_say(fault, SLOTQ_EXISTS,
                            "a key %.200s exists: choose another name, or remove it first", key);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, true, &error, fault);
    } else if (reply->type != REDIS_REPLY_STATUS) {
        outcome = redis_error_shape(true, fault);
    }
    freeReplyObject(reply);
    return outcome;
}

static slotq_outcome try_to_import(redis_route *route, const char *key, const uint8_t *image,
                                   uint64_t bytes, const redis_settings *settings,
                                   store_fault *fault)
{
    redis_errand on;
    const redis_demands demands = {.force = settings->force,
                                   .no_functions = settings->functions == SLOTQ_FUNCTIONS_NEVER,
                                   .no_module = settings->no_module};
    slotq_outcome outcome = redis_errand_begin(&on, route, key, settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_judge(&on.facts, &demands, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = import_there(&on, key, image, bytes, fault);
    }
    return redis_errand_end(&on, outcome);
}

slotq_outcome redis_keys_import(redis_route *route, const char *key, const uint8_t *image,
                                uint64_t bytes, uint32_t generation, const redis_settings *settings,
                                store_fault *fault)
{
    redis_patience patience = redis_patience_to_open(&settings->limits);
    uint8_t *copy = NULL;
    slotq_outcome outcome = copy_image(image, bytes, generation, &copy, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    do {
        outcome = try_to_import(route, key, copy, bytes, settings, fault);
    } while (outcome != SLOTQ_OK && redis_errand_again(route, &patience, fault));
    free(copy);
    return outcome;
}

/* ---- remove ---- */

static slotq_outcome remove_there(redis_errand *on, const char *key, store_fault *fault)
{
    static const char *const commands[] = {"UNLINK", "DEL"}; /* the second for Redis before 4 */
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t i = 0; i < 2; i++) {
        const char *words[] = {commands[i], key};
        const size_t lengths[] = {strlen(commands[i]), strlen(key)};
        redisReply *reply = NULL;
        outcome = redis_server_ask(&on->connection, true, 2, words, lengths, &reply, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        const bool unknown = redis_error_is(reply, "ERR unknown command");
        if (reply->type == REDIS_REPLY_ERROR) {
            redis_error error;
            outcome = redis_error_take(reply, true, &error, fault);
        } else if (reply->type != REDIS_REPLY_INTEGER) {
            outcome = redis_error_shape(true, fault);
        } else if (reply->integer == 0) {
            outcome = fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %.200s", key);
        }
        freeReplyObject(reply);
        if (!unknown) {
            break;
        }
    }
    return outcome;
}

static slotq_outcome try_to_remove(redis_route *route, const char *key,
                                   const redis_settings *settings, store_fault *fault)
{
    redis_errand on;
    slotq_view view;
    slotq_outcome outcome = redis_errand_begin(&on, route, key, settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_server_open_key(&on.facts, key, &view, fault);
        /* a damaged queue can be removed, what never was one not */
        if ((outcome == SLOTQ_CORRUPT && redis_server_saw_slotq(&on.facts)) ||
            outcome == SLOTQ_VERSION) {
            outcome = SLOTQ_OK;
        }
    }
    if (outcome == SLOTQ_OK) {
        outcome = remove_there(&on, key, fault);
    }
    return redis_errand_end(&on, outcome);
}

slotq_outcome redis_keys_remove(redis_route *route, const char *key, const redis_settings *settings,
                                store_fault *fault)
{
    redis_patience patience = redis_patience_to_open(&settings->limits);
    slotq_outcome outcome;
    do {
        outcome = try_to_remove(route, key, settings, fault);
    } while (outcome != SLOTQ_OK && redis_errand_again(route, &patience, fault));
    return outcome;
}
