/* reply.c: see reply.h. Outputs are set only when all of a reply was found good, but for buffers
 * that the caller gave: these may have been written to.
 */
#define _GNU_SOURCE
#include "reply.h"

#include <string.h>

#include "../../../layout/fields.h"
#include "../../../layout/word.h"
#include "../../harvest.h"
#include "bounds.h"
#include "errors.h"
#include "packed.h"
#include "reply_due.h"
#include "reply_items.h"
#include "reply_owes.h"
#include "reply_values.h"

static slotq_outcome misshapen(const slotq_call *call, store_fault *fault)
{
    return redis_error_shape(!slotq_core_verb_only_reads(call->verb), fault);
}

static bool id_fits(uint64_t id, uint32_t count)
{
    return id >= 1 && id <= SLOTQ_ID_MAX && count - 1 <= SLOTQ_ID_MAX - id;
}

static bool token_fits(uint32_t token)
{
    return word_state(token) == SLOTQ_STATE_LEASED && word_attempts(token) >= 1;
}

/* ---- reserve ---- */

/* The runs: the reply's first string. */
static bool take_runs(const redis_terms *terms, slotq_call_reserve *reserve,
                      const redisReply *packed)
{
    const uint32_t limit = redis_reserve_limit(terms->view, reserve);
    const size_t runs = packed->len / PACKED_RUN_BYTES;
    uint32_t messages = 0;
    if (packed->type != REDIS_REPLY_STRING || packed->len % PACKED_RUN_BYTES != 0 || runs > limit) {
        return false;
    }
    for (size_t i = 0; i < runs; i++) {
        slotq_run *run = &reserve->runs[i];
        packed_load_run((const uint8_t *)packed->str + i * PACKED_RUN_BYTES, run);
        if (run->count < 1 || run->count > limit - messages || !id_fits(run->id, run->count) ||
            !token_fits(run->token)) {
            return false;
        }
        messages += run->count;
    }
    reserve->run_count = (uint32_t)runs;
    reserve->message_count = messages;
    return messages > 0;
}

/* Bytes of the slot, which may be cut; 0: it is not whole. */
static size_t slot_bytes(const slotq_view *view, const uint8_t *slot, size_t left)
{
    const size_t head = view->stride - view->geometry.payload_bytes;
    if (left < head) {
        return 0;
    }
    const uint32_t payload = load_u16(slot); /* above payload_bytes: damaged, and cut before it */
    const size_t used = head + (payload <= view->geometry.payload_bytes ? payload : 0);
    return used <= left ? used : 0;
}

/* The cut slots of a string, each into the place of a whole one. *slots: taken so far. */
static bool take_cut(const slotq_view *view, const redisReply *piece, uint32_t most,
                     uint32_t *slots, uint8_t *copies)
{
    const uint8_t *at = (const uint8_t *)piece->str;
    size_t left = piece->len;
    while (left > 0) {
        const size_t used = slot_bytes(view, at, left);
        if (used == 0 || *slots == most) {
            return false;
        }
        if (copies != NULL) {
            memcpy(copies + (size_t)*slots * view->stride, at, used);
        }
        at += used;
        left -= used;
        (*slots)++;
    }
    return true;
}

/* Their slots: all strings after the first, one after another. As many bytes as whole slots have
 * are whole slots; fewer are cut ones. */
static bool take_slots(const redis_terms *terms, const slotq_call_reserve *reserve,
                       const redisReply *reply, store_harvest *harvest)
{
    const uint32_t stride = terms->view->stride;
    const size_t whole = (size_t)reserve->message_count * stride;
    const size_t bytes = value_bytes_behind_first(reply, whole);
    uint8_t *copies = harvest != NULL ? harvest->copies : NULL;
    size_t at = 0;
    uint32_t slots = 0;
    if (bytes == SIZE_MAX) {
        return false;
    }
    for (size_t i = 1; i < reply->elements; i++) {
        const redisReply *piece = reply->element[i];
        if (bytes == whole) {
            if (copies != NULL) {
                memcpy(copies + at, piece->str, piece->len);
            }
            at += piece->len;
        } else if (!take_cut(terms->view, piece, reserve->message_count, &slots, copies)) {
            return false;
        }
    }
    uint32_t before = 0;
    for (uint32_t i = 0; harvest != NULL && i < reserve->run_count; i++) {
        harvest->offsets[i] = before * stride;
        before += reserve->runs[i].count;
    }
    return bytes == whole || slots == reserve->message_count;
}

/* An array with nothing in it is EMPTY. */
static bool take_leased(const redis_terms *terms, slotq_call_reserve *reserve,
                        const redisReply *reply, store_harvest *harvest)
{
    if (reply->elements == 0 || (take_runs(terms, reserve, reply->element[0]) &&
                                 take_slots(terms, reserve, reply, harvest))) {
        return true;
    }
    reserve->run_count = 0;
    reserve->message_count = 0;
    return false;
}

static slotq_outcome take_reserve(const redis_terms *terms, slotq_call *call,
                                  const redisReply *reply, store_harvest *harvest,
                                  store_fault *fault)
{
    slotq_call_reserve *reserve = &call->reserve;
    redis_reserve_clear(reserve);
    bool kept;
    if (redis_reply_waits(reply, &kept) && redis_call_registers(terms, call)) {
        return redis_take_waiting(terms, reserve, reply) ? SLOTQ_EMPTY : misshapen(call, fault);
    }
    if (reply->type == REDIS_REPLY_ARRAY && take_leased(terms, reserve, reply, harvest)) {
        if (harvest != NULL) {
            harvest->still = false;
            harvest->base = harvest->copies;
        }
        return reserve->message_count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
    }
    if (reply->type == REDIS_REPLY_INTEGER &&
        (reserve->may_wait || call->progress.asks_ring) &&
        redis_take_due(terms, reserve, reply->integer)) {
        return SLOTQ_EMPTY;
    }
    if (reply->type == REDIS_REPLY_STATUS && redis_take_later(terms, call, reply, "AGAIN")) {
        return SLOTQ_AGAIN;
    }
    if (reply->type == REDIS_REPLY_STATUS && redis_take_later(terms, call, reply, "LIMITED")) {
        return SLOTQ_LIMITED;
    }
    return misshapen(call, fault);
}

/* ---- settle ---- */

/* One message's answer: the outcome, and for extend the word that tells it. */
static bool settle_answer(const slotq_call *call, const uint8_t *answers, uint32_t message,
                          slotq_outcome *outcome, uint32_t *word)
{
    if (call->verb != SLOTQ_EXTEND) {
        *outcome = (slotq_outcome)answers[message];
        *word = 0;
        const bool dies = call->verb == SLOTQ_KILL || call->verb == SLOTQ_NACK;
        return *outcome <= SLOTQ_NOTFOUND || (*outcome == SLOTQ_DEADFULL && dies);
    }
    *word = load_u32(answers + (size_t)message * sizeof *word);
    if (token_fits(*word)) {
        *outcome = SLOTQ_OK;
        return true;
    }
    *outcome = (slotq_outcome)(*word / 4);
    return *word % 4 == 0 && *outcome >= SLOTQ_STALE && *outcome <= SLOTQ_NOTFOUND;
}

/* Whether a message that was settled well is dead now: told by its token. */
static bool has_died(const redis_terms *terms, slotq_verb verb, uint32_t token)
{
    const uint32_t most = terms->view->geometry.max_attempts;
    return verb == SLOTQ_KILL || (verb == SLOTQ_NACK && most > 0 && word_attempts(token) >= most);
}

static uint32_t settle_messages(const slotq_call_settle *settle)
{
    uint32_t messages = 0;
    for (uint32_t i = 0; i < settle->run_count; i++) {
        messages += settle->runs[i].count;
    }
    return messages;
}

static slotq_outcome take_settle(const redis_terms *terms, slotq_call *call,
                                 const redisReply *reply, store_fault *fault)
{
    slotq_call_settle *settle = &call->settle;
    const size_t each = call->verb == SLOTQ_EXTEND ? sizeof(uint32_t) : 1;
    const uint8_t *answers = (const uint8_t *)reply->str;
    slotq_outcome first = SLOTQ_OK;
    uint32_t message = 0;
    settle->ok_count = 0;
    settle->dead_count = 0;
    if (reply->type != REDIS_REPLY_STRING || reply->len != settle_messages(settle) * each) {
        return misshapen(call, fault);
    }
    for (uint32_t i = 0; i < settle->run_count; i++) {
        for (uint32_t k = 0; k < settle->runs[i].count; k++, message++) {
            slotq_outcome outcome;
            uint32_t word;
            if (!settle_answer(call, answers, message, &outcome, &word)) {
                return misshapen(call, fault);
            }
            first = first == SLOTQ_OK ? outcome : first;
            settle->ok_count += outcome == SLOTQ_OK;
            settle->dead_count +=
                outcome == SLOTQ_OK && has_died(terms, call->verb, settle->runs[i].token);
            if (settle->outcomes != NULL) {
                settle->outcomes[message] = (uint8_t)outcome;
            }
            if (settle->tokens != NULL && call->verb == SLOTQ_EXTEND) {
                settle->tokens[message] = word;
            }
        }
    }
    return first;
}

/* ---- the others ---- */

/* Place and id of a key's holder, and whether its message is unfinished. */
static bool take_holder(redisReply *const *parts, slotq_key_holder *holder)
{
    uint64_t place;
    uint64_t id;
    uint64_t unfinished;
    if (!value_number(parts[0], SLOTQ_KEY_SCHEDULED, &place) ||
        !value_number(parts[1], place == SLOTQ_KEY_SCHEDULED ? UINT32_MAX : SLOTQ_ID_MAX, &id) ||
        !value_number(parts[2], 1, &unfinished) || id == 0 ||
        (place == SLOTQ_KEY_SCHEDULED && unfinished == 0)) {
        return false;
    }
    holder->place = (slotq_key_place)place;
    holder->id = id;
    holder->is_unfinished = unfinished == 1;
    return true;
}

/* DUPLICATE, for a message that has a key which the mode judges. */
static bool take_duplicate(const redisReply *reply, const uint64_t *keys, uint32_t count,
                           slotq_key_mode mode, slotq_key_holder *taken)
{
    static const slotq_outcome possible[] = {SLOTQ_DUPLICATE};
    slotq_outcome outcome;
    uint64_t message;
    slotq_key_holder holder;
    if (keys == NULL || !value_is_array(reply, 5) ||
        !value_outcome(reply->element[0], possible, 1, &outcome) ||
        !value_number(reply->element[1], count - 1, &message) || keys[message] == 0 ||
        (mode == SLOTQ_KEY_RESEND && message != 0) || !take_holder(reply->element + 2, &holder) ||
        (mode == SLOTQ_KEY_UNIQUE && !holder.is_unfinished)) {
        return false;
    }
    holder.message = (uint32_t)message;
    *taken = holder;
    return true;
}

static slotq_outcome take_find(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_OK, SLOTQ_NOTFOUND};
    slotq_key_holder holder = {0};
    slotq_outcome outcome;
    if (!value_is_array(reply, 4) || !value_outcome(reply->element[0], possible, 2, &outcome) ||
        (outcome == SLOTQ_OK && !take_holder(reply->element + 1, &holder))) {
        return misshapen(call, fault);
    }
    call->find.holder = holder;
    return outcome;
}

static slotq_outcome take_push(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    slotq_call_push *push = &call->push;
    uint64_t id;
    reply = redis_reply_fill(reply, push);
    if (take_duplicate(reply, push->keys, push->count, push->key_mode, &push->taken)) {
        return SLOTQ_DUPLICATE;
    }
    if (!value_number(reply, SLOTQ_ID_MAX, &id) || !id_fits(id, push->count)) {
        return misshapen(call, fault);
    }
    push->first_id = id;
    return SLOTQ_OK;
}

/* EMPTY only if the call asked for a time that is not past. */
static slotq_outcome take_schedule(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_EMPTY};
    slotq_call_schedule *schedule = &call->schedule;
    slotq_outcome outcome;
    uint64_t id;
    if (schedule->not_past && value_outcome(reply, possible, 1, &outcome)) {
        return outcome;
    }
    if (take_duplicate(reply, schedule->keys, schedule->count, schedule->key_mode,
                       &schedule->taken)) {
        return SLOTQ_DUPLICATE;
    }
    if (!value_number(reply, UINT32_MAX, &id) || id == 0 || schedule->count - 1 > UINT32_MAX - id) {
        return misshapen(call, fault);
    }
    schedule->first_later_id = id;
    return SLOTQ_OK;
}

static slotq_outcome take_reclaim(const redis_terms *terms, slotq_call *call,
                                  const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_OK, SLOTQ_AGAIN};
    const uint32_t slots = terms->view->geometry.ring_slots;
    slotq_outcome outcome;
    uint64_t ready;
    uint64_t dead;
    if (!value_is_array(reply, 3) || !value_outcome(reply->element[0], possible, 2, &outcome) ||
        !value_number(reply->element[1], slots, &ready) ||
        !value_number(reply->element[2], slots, &dead)) {
        return misshapen(call, fault);
    }
    call->reclaim.ready_count = (uint32_t)ready;
    call->reclaim.dead_count = (uint32_t)dead;
    return outcome;
}

static slotq_outcome take_redrive(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_OK, SLOTQ_FULL, SLOTQ_PAUSED, SLOTQ_NOTFOUND};
    slotq_outcome outcome;
    uint64_t count;
    uint64_t first_id;
    uint64_t damaged;
    const size_t outcomes = call->dead.id != 0 ? 4 : 3;
    if (!value_is_array(reply, 4) ||
        !value_outcome(reply->element[0], possible, outcomes, &outcome) ||
        !value_number(reply->element[1], call->dead.limit, &count) ||
        !value_number(reply->element[2], SLOTQ_ID_MAX, &first_id) ||
        !value_number(reply->element[3], call->dead.limit - count, &damaged) ||
        (count == 0) != (first_id == 0)) {
        return misshapen(call, fault);
    }
    call->dead.count = (uint32_t)count;
    call->dead.damaged = (uint32_t)damaged;
    call->dead.first_id = first_id;
    return outcome;
}

static slotq_outcome take_dead_remove(const redis_terms *terms, slotq_call *call,
                                      const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_OK, SLOTQ_NOTFOUND};
    slotq_outcome outcome;
    uint64_t count;
    if (!value_is_array(reply, 2) || !value_outcome(reply->element[0], possible, 2, &outcome) ||
        !value_number(reply->element[1], terms->view->geometry.dead_slots, &count) ||
        (count == 0) != (outcome == SLOTQ_NOTFOUND)) {
        return misshapen(call, fault);
    }
    call->dead.count = (uint32_t)count;
    return outcome;
}

static slotq_outcome take_dead_purge(const redis_terms *terms, slotq_call *call,
                                     const redisReply *reply, store_fault *fault)
{
    uint64_t count;
    if (!value_number(reply, terms->view->geometry.dead_slots, &count)) {
        return misshapen(call, fault);
    }
    call->dead.count = (uint32_t)count;
    return SLOTQ_OK;
}

/* A status that is one of some outcomes, by name. */
static slotq_outcome take_word(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    static const slotq_outcome possible[] = {SLOTQ_OK, SLOTQ_NOTFOUND, SLOTQ_LEASED, SLOTQ_GONE,
                                             SLOTQ_DEADFULL};
    const bool later = call->verb == SLOTQ_KICK && call->kick.is_later;
    const size_t count = call->verb == SLOTQ_CANCEL || later ? 2
                         : call->verb == SLOTQ_KICK          ? 5
                         : call->verb == SLOTQ_REMOVE        ? 4
                                                             : 1;
    slotq_outcome outcome;
    if (!value_outcome(reply, possible, count, &outcome)) {
        return misshapen(call, fault);
    }
    return outcome;
}

static slotq_outcome take_status(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    slotq_status status = {0};
    slotq_outcome outcome;
    if (!value_is_array(reply, VALUE_STATUS_PARTS) ||
        !value_status(reply->element, &status, &outcome)) {
        return misshapen(call, fault);
    }
    call->status.status = status;
    return outcome;
}

static slotq_outcome take_stats(slotq_call *call, const redisReply *reply, store_fault *fault)
{
    slotq_stats stats = {0};
    if (!value_stats(reply, &stats)) {
        return misshapen(call, fault);
    }
    call->stats.stats = stats;
    return SLOTQ_OK;
}

static slotq_outcome take_answer(const redis_terms *terms, slotq_call *call,
                                 const redisReply *reply, store_harvest *harvest,
                                 store_fault *fault)
{
    slotq_outcome outcome;
    switch (call->verb) {
    case SLOTQ_PUSH:
        return take_push(call, reply, fault);
    case SLOTQ_SCHEDULE:
        return take_schedule(call, reply, fault);
    case SLOTQ_FIND:
        return take_find(call, reply, fault);
    case SLOTQ_FINISH:
        return value_finish(reply, &call->finish.last_id, &outcome) ? outcome
                                                                    : misshapen(call, fault);
    case SLOTQ_RESERVE:
        return take_reserve(terms, call, reply, harvest, fault);
    case SLOTQ_ACK:
    case SLOTQ_NACK:
    case SLOTQ_RELEASE:
    case SLOTQ_EXTEND:
    case SLOTQ_KILL:
        return take_settle(terms, call, reply, fault);
    case SLOTQ_RECLAIM:
        return take_reclaim(terms, call, reply, fault);
    case SLOTQ_REDRIVE:
        return take_redrive(call, reply, fault);
    case SLOTQ_DEAD_REMOVE:
        return take_dead_remove(terms, call, reply, fault);
    case SLOTQ_DEAD_PURGE:
        return take_dead_purge(terms, call, reply, fault);
    case SLOTQ_STATUS:
        return take_status(call, reply, fault);
    case SLOTQ_PEEK:
    case SLOTQ_DEAD_LIST:
    case SLOTQ_LATER_LIST:
        if (!redis_take_items(terms, call, reply, harvest)) {
            return misshapen(call, fault);
        }
        return call->look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
    case SLOTQ_STATS:
        return take_stats(call, reply, fault);
    default:
        return take_word(call, reply, fault);
    }
}

/* Arguments were judged by the geometry that we know: the script knows another. */
static slotq_outcome explain_invalid(store_fault *fault)
{
    store_fault said = *fault;
    return fault_say(fault, SLOTQ_IO,
                     "the script refused a call that fits the queue (%.200s); nothing happened",
                     said.text);
}

static bool has_keys(const slotq_call *call)
{
    return (call->verb == SLOTQ_PUSH && call->push.keys != NULL) ||
           (call->verb == SLOTQ_SCHEDULE && call->schedule.keys != NULL);
}

slotq_outcome redis_reply_take(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                               store_harvest *harvest, store_fault *fault)
{
    reply = redis_reply_owes(terms, reply, &call->nudge);
    if (reply->type != REDIS_REPLY_ERROR) {
        return take_answer(terms, call, reply, harvest, fault);
    }
    redis_error error;
    const bool writes = !slotq_core_verb_only_reads(call->verb);
    const slotq_outcome outcome = redis_error_take(reply, writes, &error, fault);
    if (outcome == SLOTQ_FULL && call->verb == SLOTQ_PUSH) {
        call->push.holder = error.holder;
    }
    call->damage = error.damage;
    /* the library judges arguments itself, but whether a burst has a rate, which lies in the queue,
     * and whether keys differ */
    const bool is_left = call->verb == SLOTQ_LIMIT || has_keys(call);
    if (outcome == SLOTQ_INVALID && call->now_ms <= SLOTQ_NOW_MS_MAX && !is_left) {
        return explain_invalid(fault);
    }
    return outcome;
}
