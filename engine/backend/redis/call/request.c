/* request.c: see request.h.
 */
#define _GNU_SOURCE
#include "request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../core/limits.h"
#include "../../../layout/bytes.h"
#include "../../../layout/fields.h"
#include "bounds.h"
#include "packed.h"
#include "redis_script_names.h"

enum {
    FIRST_ROOM = 32,
    BEFORE_KEY = 3, /* EVALSHA, the sum, the number of keys */
    KEY_LOW_BYTE = 0xFF,
    PACKED_KEEPS_BYTES = 1024 * 1024
};

_Static_assert((uint32_t)REDIS_GEOMETRY_BYTES == (uint32_t)GEOMETRY_BYTES, "bytes 8 to 43");

static const redis_script_index scripts[SLOTQ_VERB_COUNT] = {
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    [number] = REDIS_SCRIPT_##script,
#include "../../../verbs.def"
#undef SLOTQ_VERB
};

/* ---- arguments ---- */

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

/* The room is there: FIRST_ROOM has more than any script but push takes. */
static void put(redis_request *request, const void *bytes, size_t length)
{
    request->arguments[request->count] = length > 0 ? bytes : "";
    request->lengths[request->count++] = length;
}

static void put_text(redis_request *request, const char *text)
{
    put(request, text, strlen(text));
}

static void put_number(redis_request *request, uint64_t value)
{
    char *number = request->numbers[request->number_count++];
    const int length = snprintf(number, REDIS_NUMBER_BYTES, "%" PRIu64, value);
    put(request, number, (size_t)length);
}

/* The first argument: what the handle knows of the geometry, then the time. */
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
    put(request, request->now, length);
}

static bool begin(redis_request *request, const redis_terms *terms, redis_script_index script,
                  uint64_t now_ms)
{
    request->script = script;
    request->count = 0;
    request->number_count = 0;
    if (!have_room(request, FIRST_ROOM)) {
        return false;
    }
    request->count = BEFORE_KEY;
    put(request, terms->key, terms->key_bytes);
    put_now(request, terms, now_ms);
    return true;
}

static bool begin_verb(redis_request *request, const redis_terms *terms, const slotq_call *call)
{
    return begin(request, terms, scripts[call->verb], call->now_ms);
}

static bool have_packed(redis_request *request, size_t bytes)
{
    if (bytes <= request->packed_room && request->packed_room <= PACKED_KEEPS_BYTES) {
        return true;
    }
    free(request->packed);
    request->packed = malloc(bytes);
    request->packed_room = request->packed == NULL ? 0 : bytes;
    return request->packed != NULL;
}

/* ---- places ---- */

static bool may_wait(const slotq_call *call)
{
    return call->verb == SLOTQ_PUSH ? call->push.may_wait
                                    : call->verb == SLOTQ_RESERVE && call->reserve.may_wait;
}

uint32_t redis_row_bit(const slotq_view *view, const slotq_call *call)
{
    return UINT32_C(1) << (call->verb == SLOTQ_PUSH ? view->geometry.groups : call->reserve.group);
}

bool redis_call_registers(const redis_terms *terms, const slotq_call *call)
{
    return terms->hears && may_wait(call);
}

bool redis_call_leaves(const redis_terms *terms, const slotq_call *call)
{
    return (call->verb == SLOTQ_PUSH || call->verb == SLOTQ_RESERVE) && !may_wait(call) &&
           (terms->rows & redis_row_bit(terms->view, call));
}

/* Whether the call waits, and its place: none, where the handle hears nothing. */
static void put_waiting(redis_request *request, const redis_terms *terms, const slotq_call *call)
{
    put_text(request, may_wait(call) ? "1" : "0");
    if (redis_call_registers(terms, call) || redis_call_leaves(terms, call)) {
        put_number(request, (uint64_t)terms->place);
    }
}

slotq_outcome redis_request_unwait(redis_request *request, const redis_terms *terms, uint32_t rows,
                                   int32_t place)
{
    uint32_t row = 0;
    if (!begin(request, terms, REDIS_SCRIPT_unwait, 0)) {
        return SLOTQ_NOMEMORY;
    }
    while (!(rows >> row & 1)) {
        row++;
    }
    if (row == terms->view->geometry.groups) {
        put_text(request, "room");
    } else {
        put_number(request, row);
    }
    put_number(request, (uint64_t)place);
    return SLOTQ_OK;
}

/* ---- push ---- */

/* Low 32 bits of the push's tick by the clock that counts. */
static uint32_t stamp_of(const redis_terms *terms, uint64_t now_ms)
{
    int64_t ms = (int64_t)(now_ms & SLOTQ_NOW_MS_MAX);
    ms += terms->own_clock ? 0 : terms->server_ahead_ms;
    return (uint32_t)((uint64_t)(ms < 0 ? 0 : ms) / terms->view->geometry.tick_ms);
}

/* Their number, and the messages as slots, with room for as many keys behind them. False: no
 * memory. */
static bool put_messages(redis_request *request, const redis_terms *terms, uint64_t now_ms,
                         const slotq_data *messages, uint32_t count, const push_size *size)
{
    const slotq_view *view = terms->view;
    const bool cut = packed_is_cut(view, count, size);
    const uint32_t payload_bytes = view->geometry.payload_bytes;
    const size_t bytes = (size_t)count * (view->stride - payload_bytes) +
                         (cut ? size->payload_bytes : (size_t)count * payload_bytes);
    if (!have_packed(request, bytes + (size_t)count * KEY_BYTES)) {
        return false;
    }
    put_number(request, count);
    put(request, request->packed,
        packed_store_slots(request->packed, view, stamp_of(terms, now_ms), messages, count, cut));
    return true;
}

/* ---- keys ---- */

/* The mode and the keys, behind the slots. */
static void put_keys(redis_request *request, slotq_key_mode mode, const uint64_t *keys,
                     uint32_t count, size_t slots_bytes)
{
    uint8_t *packed = request->packed + slots_bytes;
    put_text(request, packed_key_mode(mode));
    put(request, packed, packed_store_keys(packed, keys, count));
}

static slotq_outcome build_find(redis_request *request, const redis_terms *terms,
                                const slotq_call *call)
{
    if ((call->find.key & KEY_LOW_BYTE) == 0 || !(terms->view->geometry.flags & SLOTQ_FLAG_KEYS)) {
        return SLOTQ_INVALID;
    }
    if (!begin_verb(request, terms, call) || !have_packed(request, KEY_BYTES)) {
        return SLOTQ_NOMEMORY;
    }
    store_u64(request->packed, call->find.key);
    put(request, request->packed, KEY_BYTES);
    return SLOTQ_OK;
}

/* ---- push, schedule ---- */

static slotq_outcome build_push(redis_request *request, const redis_terms *terms,
                                const slotq_call *call)
{
    const slotq_call_push *push = &call->push;
    push_size size; /* judged before it is sent, with the answer that the script would give */
    const push_limit limit = push_judge(&terms->view->geometry, push->messages, push->count, &size);
    if (limit != PUSH_FITS) {
        return push_limit_outcome(limit);
    }
    const bool keyed = packed_has_keys(push->keys, push->count);
    const redis_script_index script = keyed ? REDIS_SCRIPT_push_keyed_packed : scripts[call->verb];
    if (!begin(request, terms, script, call->now_ms) ||
        !put_messages(request, terms, call->now_ms, push->messages, push->count, &size)) {
        return SLOTQ_NOMEMORY;
    }
    if (keyed) {
        put_keys(request, push->key_mode, push->keys, push->count,
                 request->lengths[request->count - 1]);
    }
    if (push->may_wait || redis_call_leaves(terms, call)) {
        put_waiting(request, terms, call);
    }
    return SLOTQ_OK;
}

static slotq_outcome build_schedule(redis_request *request, const redis_terms *terms,
                                    const slotq_call *call)
{
    const slotq_call_schedule *schedule = &call->schedule;
    push_size size;
    if (schedule->due_ms > SLOTQ_NOW_MS_MAX) {
        return SLOTQ_INVALID;
    }
    const push_limit limit =
        schedule_judge(&terms->view->geometry, schedule->messages, schedule->count, &size);
    if (limit != PUSH_FITS) {
        return push_limit_outcome(limit);
    }
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    put_number(request, schedule->due_ms);
    if (!put_messages(request, terms, call->now_ms, schedule->messages, schedule->count, &size)) {
        return SLOTQ_NOMEMORY;
    }
    const size_t slots_bytes = request->lengths[request->count - 1];
    put_text(request, schedule->not_past ? "1" : "0");
    if (packed_has_keys(schedule->keys, schedule->count)) {
        put_keys(request, schedule->key_mode, schedule->keys, schedule->count, slots_bytes);
    }
    return SLOTQ_OK;
}

/* ---- reserve ---- */

static slotq_outcome build_reserve(redis_request *request, const redis_terms *terms,
                                   const slotq_call *call)
{
    const slotq_call_reserve *reserve = &call->reserve;
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    put_number(request, reserve->group);
    put_number(request, redis_reserve_limit(terms->view, reserve));
    put_number(request, reserve->lease_ms);
    if (reserve->may_wait || redis_call_leaves(terms, call)) {
        put_waiting(request, terms, call);
    }
    return SLOTQ_OK;
}

/* ---- settle ---- */

static slotq_outcome build_settle(redis_request *request, const redis_terms *terms,
                                  const slotq_call *call)
{
    const slotq_call_settle *settle = &call->settle;
    runs_size size;
    if (!runs_judge(settle->runs, settle->run_count, &size)) {
        return SLOTQ_INVALID;
    }
    const size_t bytes = (size_t)settle->run_count * PACKED_RUN_BYTES;
    if (!begin_verb(request, terms, call) || !have_packed(request, bytes)) {
        return SLOTQ_NOMEMORY;
    }
    for (uint32_t i = 0; i < settle->run_count; i++) {
        packed_store_run(request->packed + (size_t)i * PACKED_RUN_BYTES, &settle->runs[i]);
    }
    put_text(request, slotq_core_verb_name(call->verb));
    put_number(request, settle->group);
    put_number(request, settle->ms);
    put_number(request, settle->reason);
    put(request, request->packed, bytes);
    if (settle->note_bytes > 0 && (call->verb == SLOTQ_NACK || call->verb == SLOTQ_KILL)) {
        put(request, settle->note, settle->note_bytes);
    }
    return SLOTQ_OK;
}

/* ---- the others ---- */

static uint64_t packed_id(uint64_t id)
{
    return id < PACKED_ID_BEYOND ? id : PACKED_ID_BEYOND;
}

static void put_group(redis_request *request, uint8_t group)
{
    if (group == SLOTQ_ALL_GROUPS) {
        put_text(request, "all");
    } else {
        put_number(request, group);
    }
}

static slotq_outcome build_look(redis_request *request, const redis_terms *terms,
                                const slotq_call *call)
{
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    if (call->verb == SLOTQ_PEEK) {
        put_number(request, call->look.group);
    }
    put_number(request, packed_id(call->look.from));
    put_number(request, call->look.capacity);
    if (call->verb == SLOTQ_DEAD_LIST && call->look.id != 0) {
        put_number(request, packed_id(call->look.id));
        put_group(request, call->look.group);
    }
    return SLOTQ_OK;
}

static slotq_outcome build_redrive(redis_request *request, const redis_terms *terms,
                                   const slotq_call *call)
{
    const slotq_call_dead *dead = &call->dead;
    const bool judges = terms->view->geometry.flags & SLOTQ_FLAG_CHECKS;
    if (judges && (dead->judged == NULL || dead->judged_count > SLOTQ_CALL_MESSAGES_MAX)) {
        return SLOTQ_INVALID;
    }
    const size_t bytes = judges ? (size_t)dead->judged_count * PACKED_JUDGED_BYTES : 0;
    if (!begin_verb(request, terms, call) || (judges && !have_packed(request, bytes + 1))) {
        return SLOTQ_NOMEMORY;
    }
    put_number(request, dead->limit);
    if (judges) {
        for (uint32_t i = 0; i < dead->judged_count; i++) {
            packed_store_judged(request->packed + (size_t)i * PACKED_JUDGED_BYTES,
                                &dead->judged[i]);
        }
        put(request, request->packed, bytes);
    }
    if (dead->id != 0) {
        if (!judges) {
            put(request, "", 0);
        }
        put_number(request, packed_id(dead->id));
        put_group(request, dead->group);
    }
    return SLOTQ_OK;
}

/* cancel, kick. The later id 0 is refused here, as by the core. */
static slotq_outcome build_hasten(redis_request *request, const redis_terms *terms,
                                  const slotq_call *call)
{
    const bool is_later = call->verb == SLOTQ_CANCEL || call->kick.is_later;
    const uint64_t id = call->verb == SLOTQ_CANCEL ? call->cancel.later_id : call->kick.id;
    if (is_later && id == 0) {
        return SLOTQ_INVALID;
    }
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    put_number(request, packed_id(id));
    if (call->verb == SLOTQ_KICK && is_later) {
        put_text(request, "later");
    } else if (call->verb == SLOTQ_KICK) {
        put_number(request, call->kick.group);
    }
    return SLOTQ_OK;
}

/* Verbs that take a number or two. */
static slotq_outcome build_small(redis_request *request, const redis_terms *terms,
                                 const slotq_call *call)
{
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    switch (call->verb) {
    case SLOTQ_REMOVE:
        put_number(request, packed_id(call->remove.id));
        put_group(request, call->remove.group);
        break;
    case SLOTQ_DEAD_REMOVE:
        put_number(request, packed_id(call->dead.id));
        put_group(request, call->dead.group);
        break;
    case SLOTQ_RECLAIM:
        put_number(request, call->reclaim.group);
        break;
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
        put_number(request, call->pause.what);
        break;
    case SLOTQ_STATUS:
        put_number(request, call->status.group);
        put_number(request, packed_id(call->status.id));
        break;
    case SLOTQ_STATS:
        put_number(request, call->stats.group);
        break;
    case SLOTQ_LIMIT:
        put_number(request, call->limit.group);
        put_number(request, call->limit.what);
        put_number(request, call->limit.limits.max_leased);
        put_number(request, call->limit.limits.rate_interval_us);
        put_number(request, call->limit.limits.rate_burst);
        break;
    default:
        break;
    }
    return SLOTQ_OK;
}

slotq_outcome redis_request_build(redis_request *request, const redis_terms *terms,
                                  const slotq_call *call)
{
    switch (call->verb) {
    case SLOTQ_PUSH:
        return build_push(request, terms, call);
    case SLOTQ_RESERVE:
        return build_reserve(request, terms, call);
    case SLOTQ_ACK:
    case SLOTQ_NACK:
    case SLOTQ_RELEASE:
    case SLOTQ_EXTEND:
    case SLOTQ_KILL:
        return build_settle(request, terms, call);
    case SLOTQ_SCHEDULE:
        return build_schedule(request, terms, call);
    case SLOTQ_PEEK:
    case SLOTQ_DEAD_LIST:
    case SLOTQ_LATER_LIST:
        return build_look(request, terms, call);
    case SLOTQ_CANCEL:
    case SLOTQ_KICK:
        return build_hasten(request, terms, call);
    case SLOTQ_REDRIVE:
        return build_redrive(request, terms, call);
    case SLOTQ_FIND:
        return build_find(request, terms, call);
    default:
        return build_small(request, terms, call);
    }
}

slotq_outcome redis_request_create(redis_request *request, const redis_terms *terms,
                                   const slotq_geometry *geometry)
{
    if (!begin(request, terms, REDIS_SCRIPT_create, 0)) {
        return SLOTQ_NOMEMORY;
    }
    put_number(request, geometry->ring_slots);
    put_number(request, geometry->payload_bytes);
    put_number(request, geometry->later_slots);
    put_number(request, geometry->dead_slots);
    put_number(request, geometry->groups);
    put_number(request, geometry->flags);
    put_number(request, geometry->max_attempts);
    put_number(request, geometry->tick_ms);
    put_number(request, geometry->aside_slots);
    put_number(request, geometry->places);
    put_number(request, geometry->note_bytes);
    put_number(request, geometry->generation);
    put_number(request, geometry->set);
    put_number(request, geometry->shard);
    return SLOTQ_OK;
}

void redis_request_free(redis_request *request)
{
    free(request->arguments);
    free(request->lengths);
    free(request->packed);
    memset(request, 0, sizeof *request);
}
