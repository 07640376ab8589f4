/* request.c: see request.h.
 */
#define _GNU_SOURCE
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "../../../core/limits.h"
#include "../../../layout/bytes.h"
#include "../../../layout/fields.h"
#include "arguments.h"
#include "bounds.h"
#include "packed.h"
#include "redis_script_names.h"

enum { KEY_LOW_BYTE = 0xFF };

static const redis_script_index scripts[SLOTQ_VERB_COUNT] = {
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    [number] = REDIS_SCRIPT_##script,
#include "../../../verbs.def"
#undef SLOTQ_VERB
};

static bool begin(redis_request *request, const redis_terms *terms, redis_script_index script,
                  uint64_t now_ms)
{
    return arguments_begin(request, terms, NULL, script, now_ms);
}

static bool begin_verb(redis_request *request, const redis_terms *terms, const slotq_call *call)
{
    return begin(request, terms, scripts[call->verb], call->now_ms);
}

/* ---- places ---- */

static bool may_wait(const slotq_call *call)
{
    return call->verb == SLOTQ_PUSH ? call->push.may_wait
                                    : call->verb == SLOTQ_RESERVE && call->reserve.may_wait &&
                                          !call->progress.asks_ring;
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
    return (call->verb == SLOTQ_PUSH ||
            (call->verb == SLOTQ_RESERVE && !call->progress.asks_ring)) &&
           !may_wait(call) &&
           (terms->rows & redis_row_bit(terms->view, call));
}

/* Whether the call waits, and its place: none, where the handle hears nothing. */
static void put_waiting(redis_request *request, const redis_terms *terms, const slotq_call *call)
{
    if (call->verb == SLOTQ_RESERVE && call->progress.asks_ring) {
        arguments_put_text(request, "2");
        return;
    }
    arguments_put_text(request, may_wait(call) ? "1" : "0");
    if (redis_call_registers(terms, call) || redis_call_leaves(terms, call)) {
        arguments_put_number(request, (uint64_t)terms->place);
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
        arguments_put_text(request, "room");
    } else {
        arguments_put_number(request, row);
    }
    arguments_put_number(request, (uint64_t)place);
    return SLOTQ_OK;
}

/* ---- push ---- */

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
    if (!arguments_have_packed(request, bytes + (size_t)count * KEY_BYTES)) {
        return false;
    }
    arguments_put_number(request, count);
    arguments_put(request, request->packed,
                  packed_store_slots(request->packed, view, arguments_stamp(terms, now_ms),
                                     messages, count, cut));
    return true;
}

/* ---- keys ---- */

/* The mode and the keys, behind the slots. */
static void put_keys(redis_request *request, slotq_key_mode mode, const uint64_t *keys,
                     uint32_t count, size_t slots_bytes)
{
    uint8_t *packed = request->packed + slots_bytes;
    arguments_put_text(request, packed_key_mode(mode));
    arguments_put(request, packed, packed_store_keys(packed, keys, count));
}

static slotq_outcome build_find(redis_request *request, const redis_terms *terms,
                                const slotq_call *call)
{
    if ((call->find.key & KEY_LOW_BYTE) == 0 || !(terms->view->geometry.flags & SLOTQ_FLAG_KEYS)) {
        return SLOTQ_INVALID;
    }
    if (!begin_verb(request, terms, call) || !arguments_have_packed(request, KEY_BYTES)) {
        return SLOTQ_NOMEMORY;
    }
    store_u64(request->packed, call->find.key);
    arguments_put(request, request->packed, KEY_BYTES);
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
    arguments_put_number(request, schedule->due_ms);
    if (!put_messages(request, terms, call->now_ms, schedule->messages, schedule->count, &size)) {
        return SLOTQ_NOMEMORY;
    }
    const size_t slots_bytes = request->lengths[request->count - 1];
    arguments_put_text(request, schedule->not_past ? "1" : "0");
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
    arguments_put_number(request, reserve->group);
    arguments_put_number(request, redis_reserve_limit(terms->view, reserve));
    arguments_put_number(request, reserve->lease_ms);
    if (reserve->may_wait || call->progress.asks_ring || redis_call_leaves(terms, call)) {
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
    if (!begin_verb(request, terms, call) || !arguments_have_packed(request, bytes)) {
        return SLOTQ_NOMEMORY;
    }
    for (uint32_t i = 0; i < settle->run_count; i++) {
        packed_store_run(request->packed + (size_t)i * PACKED_RUN_BYTES, &settle->runs[i]);
    }
    arguments_put_text(request, slotq_core_verb_name(call->verb));
    arguments_put_number(request, settle->group);
    arguments_put_number(request, settle->ms);
    arguments_put_number(request, settle->reason);
    arguments_put(request, request->packed, bytes);
    if (settle->note_bytes > 0 && (call->verb == SLOTQ_NACK || call->verb == SLOTQ_KILL)) {
        arguments_put(request, settle->note, settle->note_bytes);
    }
    return SLOTQ_OK;
}

/* ---- the others ---- */

static void put_group(redis_request *request, uint8_t group)
{
    if (group == SLOTQ_ALL_GROUPS) {
        arguments_put_text(request, "all");
    } else {
        arguments_put_number(request, group);
    }
}

static slotq_outcome build_look(redis_request *request, const redis_terms *terms,
                                const slotq_call *call)
{
    if (!begin_verb(request, terms, call)) {
        return SLOTQ_NOMEMORY;
    }
    if (call->verb == SLOTQ_PEEK) {
        arguments_put_number(request, call->look.group);
    }
    arguments_put_id(request, call->look.from);
    arguments_put_number(request, call->look.capacity);
    if (call->verb == SLOTQ_DEAD_LIST && call->look.id != 0) {
        arguments_put_id(request, call->look.id);
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
    if (!begin_verb(request, terms, call) ||
        (judges && !arguments_have_packed(request, bytes + 1))) {
        return SLOTQ_NOMEMORY;
    }
    arguments_put_number(request, dead->limit);
    if (judges) {
        for (uint32_t i = 0; i < dead->judged_count; i++) {
            packed_store_judged(request->packed + (size_t)i * PACKED_JUDGED_BYTES,
                                &dead->judged[i]);
        }
        arguments_put(request, request->packed, bytes);
    }
    if (dead->id != 0) {
        if (!judges) {
            arguments_put(request, "", 0);
        }
        arguments_put_id(request, dead->id);
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
    arguments_put_id(request, id);
    if (call->verb == SLOTQ_KICK && is_later) {
        arguments_put_text(request, "later");
    } else if (call->verb == SLOTQ_KICK) {
        arguments_put_number(request, call->kick.group);
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
        arguments_put_id(request, call->remove.id);
        put_group(request, call->remove.group);
        break;
    case SLOTQ_DEAD_REMOVE:
        arguments_put_id(request, call->dead.id);
        put_group(request, call->dead.group);
        break;
    case SLOTQ_RECLAIM:
        arguments_put_number(request, call->reclaim.group);
        break;
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
        arguments_put_number(request, call->pause.what);
        break;
    case SLOTQ_STATUS:
        arguments_put_number(request, call->status.group);
        arguments_put_id(request, call->status.id);
        break;
    case SLOTQ_STATS:
        arguments_put_number(request, call->stats.group);
        break;
    case SLOTQ_LIMIT:
        arguments_put_number(request, call->limit.group);
        arguments_put_number(request, call->limit.what);
        arguments_put_number(request, call->limit.limits.max_leased);
        arguments_put_number(request, call->limit.limits.rate_interval_us);
        arguments_put_number(request, call->limit.limits.rate_burst);
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
    arguments_put_number(request, geometry->ring_slots);
    arguments_put_number(request, geometry->payload_bytes);
    arguments_put_number(request, geometry->later_slots);
    arguments_put_number(request, geometry->dead_slots);
    arguments_put_number(request, geometry->groups);
    arguments_put_number(request, geometry->flags);
    arguments_put_number(request, geometry->max_attempts);
    arguments_put_number(request, geometry->tick_ms);
    arguments_put_number(request, geometry->aside_slots);
    arguments_put_number(request, geometry->places);
    arguments_put_number(request, geometry->note_bytes);
    arguments_put_number(request, geometry->generation);
    arguments_put_number(request, geometry->set);
    arguments_put_number(request, geometry->shard);
    return SLOTQ_OK;
}

slotq_outcome redis_request_change(redis_request *request, const redis_terms *terms,
                                   slotq_data old_head, slotq_data next)
{
    if (!begin(request, terms, REDIS_SCRIPT_change, 0)) {
        return SLOTQ_NOMEMORY;
    }
    arguments_put(request, old_head.bytes, old_head.size);
    arguments_put(request, next.bytes, next.size);
    return SLOTQ_OK;
}

slotq_outcome redis_request_delete(redis_request *request, const redis_terms *terms, uint32_t set,
                                   uint16_t shard, bool if_finished)
{
    if (!begin(request, terms, REDIS_SCRIPT_delete, 0)) {
        return SLOTQ_NOMEMORY;
    }
    arguments_put_number(request, set);
    arguments_put_number(request, shard);
    arguments_put_text(request, if_finished ? "1" : "0");
    return SLOTQ_OK;
}

void redis_request_free(redis_request *request)
{
    free(request->arguments);
    free(request->lengths);
    free(request->packed);
    memset(request, 0, sizeof *request);
}
