/* arguments.c: see arguments.h.
 */
#define _GNU_SOURCE
#include "arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../layout/fields.h"
#include "packed.h"

enum { FIRST_ROOM = 32, PACKED_KEEPS_BYTES = 1024 * 1024 };

_Static_assert((uint32_t)REDIS_GEOMETRY_BYTES == (uint32_t)GEOMETRY_BYTES, "bytes 8 to 43");

static bool have_room(redis_request *request, uint32_t more)
{
    uint32_t room = request->room < FIRST_ROOM ? FIRST_ROOM : request->room;
    while (room - request->count < more) {
        room *= 2;
    }
    if (room == request->room) {
        return true;
    }
    const char **arguments = realloc(request->arguments, room * sizeof *arguments);
    if (arguments == NULL) {
        return false;
    }
    request->arguments = arguments;
    size_t *lengths = realloc(request->lengths, room * sizeof *lengths);
    if (lengths == NULL) {
        return false;
    }
    request->lengths = lengths;
    request->room = room;
    return true;
}

void arguments_put(redis_request *request, const void *bytes, size_t length)
{
    request->arguments[request->count] = length > 0 ? bytes : "";
    request->lengths[request->count++] = length;
}

void arguments_put_text(redis_request *request, const char *text)
{
    arguments_put(request, text, strlen(text));
}

void arguments_put_number(redis_request *request, uint64_t value)
{
    char *number = request->numbers[request->number_count++];
    const int length = snprintf(number, REDIS_NUMBER_BYTES, "%" PRIu64, value);
    arguments_put(request, number, (size_t)length);
}

void arguments_put_id(redis_request *request, uint64_t id)
{
    arguments_put_number(request, id < PACKED_ID_BEYOND ? id : PACKED_ID_BEYOND);
}

static void put_now(redis_request *request, const redis_terms *terms, uint64_t now_ms)
{
    size_t length = 0;
    if (terms->geometry != NULL) {
        memcpy(request->now, terms->geometry, GEOMETRY_BYTES);
        length = GEOMETRY_BYTES;
    }
    if (terms->own_clock) {
        length += (size_t)snprintf(request->now + length, REDIS_NUMBER_BYTES, "%" PRIu64, now_ms);
    }
    arguments_put(request, request->now, length);
}

bool arguments_begin(redis_request *request, const redis_terms *terms, const redis_terms *other,
                     redis_script_index script, uint64_t now_ms)
{
    request->script = script;
    request->key_count = other != NULL ? "2" : "1";
    request->count = 0;
    request->number_count = 0;
    if (!have_room(request, FIRST_ROOM)) {
        return false;
    }
    request->count = REDIS_BEFORE_KEY;
    arguments_put(request, terms->key, terms->key_bytes);
    if (other != NULL) {
        arguments_put(request, other->key, other->key_bytes);
    }
    put_now(request, terms, now_ms);
    return true;
}

bool arguments_have_packed(redis_request *request, size_t bytes)
{
    if (bytes <= request->packed_room && request->packed_room <= PACKED_KEEPS_BYTES) {
        return true;
    }
    free(request->packed);
    request->packed = malloc(bytes);
    request->packed_room = request->packed == NULL ? 0 : bytes;
    return request->packed != NULL;
}

uint32_t arguments_stamp(const redis_terms *terms, uint64_t now_ms)
{
    int64_t ms = (int64_t)(now_ms & SLOTQ_NOW_MS_MAX);
    ms += terms->own_clock ? 0 : terms->server_ahead_ms;
    return (uint32_t)((uint64_t)(ms < 0 ? 0 : ms) / terms->view->geometry.tick_ms);
}
