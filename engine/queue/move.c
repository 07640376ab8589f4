/* move.c: a leased message goes to another queue: by one step of the store where it can, else by a
 * push and an ack, never with two locks held. Knows two handles; no store's kind.
 */
#include <stdio.h>
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/word.h"
#include "../slotq_shards.h"
#include "keys.h"

static const char closing[] = "Nothing was moved.";

/* FORMAT.md, "move" */
enum { KEY_ID = 4, KEY_GROUP = 10, KEY_PUSHED_MS = 11, KEY_PAYLOAD = 19, KEY_NAME_BYTES = 27 };

/* Of an id of a sharded queue: the id in its shard. */
static const uint64_t ID_IN_SHARD = (UINT64_C(1) << 48) - 1;

uint64_t slotq_move_key(const slotq *from, uint8_t group, const slotq_message *message)
{
    uint8_t name[KEY_NAME_BYTES];
    if (from == NULL || message == NULL) {
        return 0;
    }
    const store *from_store = from->store;
    const bool is_sharded = from_store->ops->generation_of != NULL;
    store_u32(name, is_sharded ? from_store->ops->generation_of(from_store, message->id)
                               : from->geometry.generation);
    store_u48(name + KEY_ID, message->id & ID_IN_SHARD);
    name[KEY_GROUP] = group;
    store_u64(name + KEY_PUSHED_MS, message->pushed_ms);
    store_u64(name + KEY_PAYLOAD, slotq_key(message->payload, message->payload_bytes));
    return slotq_key(name, sizeof name);
}

/* What is moved, and how far it is. */
typedef struct moving {
    slotq *from;
    slotq *to;
    const slotq_data *data; /* the caller's, or NULL */
    uint64_t id;
    uint64_t new_id;
    uint32_t token;
    uint8_t group;
} moving;

/* ---- refusals ---- */

/* Put words before the text of an error that is kept; returns its outcome. */
static slotq_outcome say_before(slotq *queue, const char *words)
{
    char text[sizeof queue->error.text];
    memcpy(text, slotq_error_of(queue)->text, sizeof text);
    const int wanted = snprintf(queue->error.text, sizeof queue->error.text, "%s%s", words, text);
    fault_end_at_word(queue->error.text, sizeof queue->error.text, wanted);
    return queue->error.outcome;
}

static slotq_outcome refused_by_source(const moving *it)
{
    return say_before(it->from, "the queue that the message is in: ");
}

/* The error that the target's handle has. */
static slotq_outcome refused_by_target(const moving *it)
{
    it->from->error = *slotq_error_of(it->to);
    return say_before(it->from, "the queue to move to: ");
}

/* ---- in one step ---- */

/* What the store answered for the target, kept by its handle as if it had pushed. */
static void keep_for_target(const moving *it, slotq_outcome outcome, const store_move *move,
                            const store_fault *fault)
{
    slotq_call push;
    slotq_core_begin(&push, SLOTQ_PUSH, STORE_TIME);
    push.push.holder = move->holder;
    if (move->data != NULL && queue_refuse_push(it->to, move->data, 1, closing) != SLOTQ_OK) {
        return;
    }
    if (outcome == SLOTQ_FULL || outcome == SLOTQ_PAUSED) {
        (void)queue_answer(it->to, outcome, &push);
    } else {
        error_from_fault(&it->to->error, outcome, fault);
    }
}

/* The target was made anew: its handle finds that out alone. OK: it has the new geometry, and
 * the message may be moved if its queue only has other sizes. */
static slotq_outcome adopt_target(const moving *it)
{
    slotq_stats stats;
    const uint32_t generation = it->to->geometry.generation;
    const slotq_outcome outcome = slotq_get_stats(it->to, 0, &stats);
    return outcome == SLOTQ_OK && it->to->geometry.generation == generation ? SLOTQ_OK
                                                                            : SLOTQ_REMADE;
}

/* data: the bytes that go, or NULL: the message's own. */
static slotq_outcome move_at_once(moving *it, const slotq_data *data)
{
    store_fault *fault = &it->from->fault;
    queue_tries tries = queue_tries_begin(it->from);
    uint32_t target_tries = 1;
    slotq_outcome outcome;
    store_move move;
    bool again;
    do {
        move = (store_move){.id = it->id,
                            .now_ms = queue_now_ms(it->from),
                            .data = data,
                            .token = it->token,
                            .group = it->group};
        outcome = it->from->store->ops->move(it->from->store, it->to->store, &move, fault);
        again = outcome == SLOTQ_REMADE && move.target_refused &&
                target_tries++ < QUEUE_TRIES_MAX && adopt_target(it) == SLOTQ_OK;
        if (outcome == SLOTQ_REMADE && !move.target_refused) {
            queue_take_geometry(it->from);
            again = queue_was_resized(it->from, outcome, &tries);
        }
    } while (again);
    it->new_id = move.new_id;
    if (outcome == SLOTQ_OK) {
        return outcome;
    }
    if (move.target_refused) {
        keep_for_target(it, outcome, &move, fault);
        return refused_by_target(it);
    }
    slotq_call ack;
    slotq_core_begin(&ack, SLOTQ_ACK, STORE_TIME);
    (void)queue_answer(it->from, outcome, &ack);
    return refused_by_source(it);
}

/* ---- by a push and an ack ---- */

/* OK, or what an ack with this token would say. */
static slotq_outcome judge_token(const moving *it)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_STATUS, STORE_TIME);
    call.status = (slotq_call_status){.id = it->id, .group = it->group};
    slotq_outcome outcome = queue_call(it->from, &call);
    const slotq_status *status = &call.status.status;
    const bool is_done = outcome == SLOTQ_OK && status->state == SLOTQ_STATE_DONE;
    if (is_done || outcome == SLOTQ_FINISHED) {
        outcome = SLOTQ_GONE;
    } else if (outcome == SLOTQ_OK) {
        const uint64_t deadline = status->deadline_ms / it->from->geometry.tick_ms;
        const uint32_t word = word_make(status->state, status->attempts, deadline);
        const bool held = status->state == SLOTQ_STATE_LEASED && word == it->token;
        outcome = held ? SLOTQ_OK : SLOTQ_STALE;
    }
    if (outcome == SLOTQ_GONE || outcome == SLOTQ_STALE) {
        slotq_core_begin(&call, SLOTQ_ACK, STORE_TIME);
        (void)queue_answer(it->from, outcome, &call);
    }
    return outcome;
}

/* The message, which is valid until the batch is freed. */
static slotq_outcome read_message(const moving *it, slotq_batch *batch, slotq_message *message)
{
    const slotq_outcome outcome = slotq_peek(it->from, it->group, it->id, 1, batch);
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY) {
        return outcome;
    }
    if (outcome == SLOTQ_EMPTY || !slotq_batch_next(batch, message) || message->id != it->id) {
        return queue_refuse(it->from, SLOTQ_GONE, "the message was finished meanwhile. %s",
                            closing);
    }
    if (message->damaged && it->data == NULL) {
        char id[SLOTQ_ID_TEXT_BYTES];
        (void)slotq_id_print(id, it->id);
        return queue_refuse(it->from, SLOTQ_CORRUPT,
                            "the bytes of message %s are damaged: kill it with reason 255. %s", id,
                            closing);
    }
    return SLOTQ_OK;
}

static slotq_outcome push_there(moving *it, const slotq_message *message)
{
    const slotq_data own = {message->payload, message->payload_bytes};
    const bool has_keys = (it->to->geometry.flags & SLOTQ_FLAG_KEYS) != 0;
    const uint64_t key = slotq_move_key(it->from, it->group, message);
    const slotq_push_options options = {.keys = has_keys ? &key : NULL, .key_mode = SLOTQ_KEY_ONCE};
    slotq_pushed pushed;
    const slotq_outcome outcome =
        slotq_push_with(it->to, it->data != NULL ? it->data : &own, 1, &options, &pushed);
    const slotq_key_holder *holder = &pushed.holder;
    if (outcome == SLOTQ_DUPLICATE) {
        it->new_id = holder->place == SLOTQ_KEY_SCHEDULED ? 0 : holder->id;
        if (!pushed.unconfirmed) {
            return SLOTQ_OK;
        }
        (void)queue_refuse_unconfirmed(it->to);
        return refused_by_target(it);
    }
    it->new_id = pushed.first_id;
    return outcome == SLOTQ_OK ? outcome : refused_by_target(it);
}

static slotq_outcome ack_here(const moving *it)
{
    char words[160];
    const slotq_outcome outcome = slotq_ack(it->from, it->group, it->id, it->token);
    if (outcome == SLOTQ_OK) {
        return outcome;
    }
    char id[SLOTQ_ID_TEXT_BYTES];
    (void)slotq_id_print(id, it->new_id);
    (void)snprintf(words, sizeof words,
                   "the message is in the queue to move to, as %s, but was not acked in the "
                   "queue that it is in: ",
                   id);
    return say_before(it->from, words);
}

static slotq_outcome move_in_parts(moving *it, const slotq_message *message)
{
    const slotq_outcome outcome = push_there(it, message);
    return outcome == SLOTQ_OK ? ack_here(it) : outcome;
}

/* ---- which of both ---- */

static store_meeting meeting_of(const moving *it)
{
    const store *source = it->from->store;
    const store *target = it->to->store;
    if (source->identity == target->identity) {
        return STORES_ALIKE;
    }
    store_meeting meeting = STORES_APART;
    if (source->ops->meet != NULL) {
        meeting = source->ops->meet(source, target);
    }
    const slotq_options *here = &it->from->options;
    const slotq_options *there = &it->to->options;
    const bool one_clock =
        here->clock_ms == there->clock_ms && here->clock_context == there->clock_context;
    return meeting == STORES_TOGETHER && !one_clock ? STORES_APART : meeting;
}

/* A script computes no check: it moves bytes that it need not judge, and that carry none. */
static bool fits_script(const moving *it)
{
    const uint8_t flags = it->from->geometry.flags | it->to->geometry.flags;
    return it->data != NULL || (flags & SLOTQ_FLAG_CHECKS) == 0;
}

/* With the message's bytes read before. */
static slotq_outcome move_read(moving *it, slotq_batch *batch, bool at_once)
{
    slotq_message message;
    slotq_outcome outcome = judge_token(it);
    if (outcome == SLOTQ_OK) {
        outcome = read_message(it, batch, &message);
    }
    if (outcome != SLOTQ_OK) {
        return refused_by_source(it);
    }
    const slotq_data own = {message.payload, message.payload_bytes};
    return at_once ? move_at_once(it, &own) : move_in_parts(it, &message);
}

static slotq_outcome move_message(moving *it)
{
    const bool at_once = meeting_of(it) == STORES_TOGETHER;
    if (at_once && fits_script(it)) {
        return move_at_once(it, it->data);
    }
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL) {
        return queue_refuse(it->from, SLOTQ_NOMEMORY, "no memory for a batch. %s", closing);
    }
    const slotq_outcome outcome = move_read(it, batch, at_once);
    slotq_batch_free(batch);
    return outcome;
}

/* What needs no store. */
static slotq_outcome judge(const moving *it)
{
    slotq *from = it->from;
    if (!queue_group_fits(from, it->group) ||
        (it->data != NULL && !queue_bytes_fit(from, it->data, 1))) {
        return SLOTQ_INVALID;
    }
    if (meeting_of(it) == STORES_ALIKE) {
        return queue_refuse(from, SLOTQ_INVALID,
                            "both handles are to one queue (or its copy of the same name and "
                            "generation): a message that shall be delivered again there is "
                            "released or nacked. %s",
                            closing);
    }
    if (from->options.read_only) { /* found before the push */
        return queue_refuse(from, SLOTQ_UNSUPPORTED,
                            "the queue that the message is in was opened for reading only. %s",
                            closing);
    }
    if (it->data != NULL) {
        const slotq_outcome fits = queue_refuse_push(it->to, it->data, 1, closing);
        return fits == SLOTQ_OK ? fits : refused_by_target(it);
    }
    return SLOTQ_OK;
}

slotq_outcome slotq_move(slotq *from, uint8_t group, uint64_t id, uint32_t token, slotq *to,
                         const slotq_data *data, uint64_t *new_id)
{
    if (new_id != NULL) {
        *new_id = 0;
    }
    if (from == NULL || to == NULL) {
        return queue_refuse_null(from);
    }
    moving it = {.from = from, .to = to, .data = data, .id = id, .token = token, .group = group};
    slotq_outcome outcome = judge(&it);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = move_message(&it);
    if (new_id != NULL) {
        *new_id = it.new_id;
    }
    return outcome;
}
