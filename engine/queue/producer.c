/* producer.c: single messages gathered and pushed together. Knows slotq_push and the queue's
 * clock; no store.
 */
#include <stdlib.h>
#include <string.h>

#include "handle.h"

enum { MESSAGES_DEFAULT = 256, DELAY_MS_DEFAULT = 5 };

struct slotq_producer {
    slotq *queue;
    slotq_producer_options options; /* filled in */
    slotq_data *messages;           /* gathered, oldest first; their bytes lie in bytes in order */
    uint64_t *tags;
    uint8_t *bytes;
    uint32_t count;
    uint32_t used_bytes;
    uint32_t room_bytes;
    uint64_t begun_ms;      /* when the oldest came, or was last refused */
    uint64_t unknown_count; /* since the last flush; and the next */
    uint64_t unconfirmed_count;
    uint32_t newest_count; /* messages of the newest push */
    bool telling;          /* on_pushed runs */
};

/* ---- making ---- */

static slotq_outcome judge_options(slotq *queue, const slotq_producer_options *options)
{
    const slotq_outcome judged = error_judge_reserved(
        &queue->error, options->reserved, sizeof options->reserved, "options of the producer");
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (options->max_messages > SLOTQ_CALL_MESSAGES_MAX) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a producer of %lu messages is out of range: 1 to %d are possible",
                            (unsigned long)options->max_messages, SLOTQ_CALL_MESSAGES_MAX);
    }
    if (options->max_bytes > SLOTQ_CALL_BYTES_MAX) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a producer of %lu bytes is out of range: 1 to %d are possible",
                            (unsigned long)options->max_bytes, SLOTQ_CALL_BYTES_MAX);
    }
    return SLOTQ_OK;
}

static slotq_producer_options fill_in(const slotq_producer_options *options, const slotq_view *view)
{
    slotq_producer_options filled = *options;
    const uint32_t most = view->geometry.ring_slots - 1u;
    filled.max_messages = filled.max_messages != 0 ? filled.max_messages : MESSAGES_DEFAULT;
    filled.max_messages = filled.max_messages < most ? filled.max_messages : most;
    filled.max_bytes = filled.max_bytes != 0 ? filled.max_bytes : SLOTQ_CALL_BYTES_MAX;
    filled.max_delay_ms = filled.max_delay_ms != 0 ? filled.max_delay_ms : DELAY_MS_DEFAULT;
    return filled;
}

static void free_all(slotq_producer *self)
{
    free(self->messages);
    free(self->tags);
    free(self->bytes);
    free(self);
}

slotq_outcome slotq_producer_new(slotq *queue, const slotq_producer_options *options,
                                 slotq_producer **producer)
{
    static const slotq_producer_options none = {0};
    if (producer != NULL) {
        *producer = NULL;
    }
    if (queue == NULL || producer == NULL) {
        return queue_refuse_null(queue);
    }
    options = options != NULL ? options : &none;
    if (judge_options(queue, options) != SLOTQ_OK) {
        return SLOTQ_INVALID;
    }
    slotq_producer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return queue_refuse(queue, SLOTQ_NOMEMORY, "no memory for a producer");
    }
    made->queue = queue;
    made->options = fill_in(options, &queue->store->view);
    const uint32_t largest = queue->geometry.payload_bytes;
    const uint64_t most = (uint64_t)made->options.max_messages * largest;
    made->room_bytes = most < made->options.max_bytes ? (uint32_t)most : made->options.max_bytes;
    made->room_bytes = made->room_bytes > largest ? made->room_bytes : largest;
    made->messages = malloc(made->options.max_messages * sizeof *made->messages);
    made->tags = malloc(made->options.max_messages * sizeof *made->tags);
    made->bytes = malloc(made->room_bytes);
    if (made->messages == NULL || made->tags == NULL || made->bytes == NULL) {
        queue_refuse(queue, SLOTQ_NOMEMORY,
                     "no memory for a producer of %lu messages and %lu bytes: make it smaller",
                     (unsigned long)made->options.max_messages, (unsigned long)made->room_bytes);
        free_all(made);
        return SLOTQ_NOMEMORY;
    }
    *producer = made;
    return SLOTQ_OK;
}

/* ---- pushing what is gathered ---- */

static void tell(slotq_producer *self, uint32_t count, slotq_outcome outcome, uint64_t first_id)
{
    if (self->options.on_pushed == NULL) {
        return;
    }
    self->telling = true;
    for (uint32_t i = 0; i < count; i++) {
        self->options.on_pushed(self->options.context, self->tags[i], outcome,
                                first_id != 0 ? first_id + i : 0);
    }
    self->telling = false;
}

/* The oldest so many are not here any more. */
static void forget(slotq_producer *self, uint32_t count)
{
    uint32_t gone_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        gone_bytes += self->messages[i].size;
    }
    self->count -= count;
    self->used_bytes -= gone_bytes;
    memmove(self->bytes, self->bytes + gone_bytes, self->used_bytes);
    memmove(self->tags, self->tags + count, self->count * sizeof *self->tags);
    uint8_t *at = self->bytes;
    for (uint32_t i = 0; i < self->count; i++) {
        self->messages[i] = (slotq_data){at, self->messages[count + i].size};
        at += self->messages[i].size;
    }
}

/* The messages of a push are not here any more. */
static bool is_sent(slotq_outcome outcome)
{
    return outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED || outcome == SLOTQ_OUTCOME_UNKNOWN;
}

/* The oldest so many, in one push. */
static slotq_outcome push_oldest(slotq_producer *self, uint32_t count, uint64_t wait_ms)
{
    uint64_t first_id = 0;
    const slotq_outcome outcome =
        wait_ms == 0 ? slotq_push(self->queue, self->messages, count, &first_id)
                     : slotq_push_wait(self->queue, self->messages, count, wait_ms, &first_id);
    self->newest_count = count;
    if (is_sent(outcome)) {
        self->unknown_count += outcome == SLOTQ_OUTCOME_UNKNOWN ? count : 0;
        self->unconfirmed_count += outcome == SLOTQ_UNCONFIRMED ? count : 0;
        tell(self, count, outcome, outcome == SLOTQ_OUTCOME_UNKNOWN ? 0 : first_id);
        forget(self, count);
    }
    return outcome;
}

/* After FULL: messages that the queue had room for. */
static uint32_t room_of(const slotq *queue)
{
    const uint32_t capacity = queue->geometry.ring_slots - 1u;
    return queue->holder.held < capacity ? capacity - queue->holder.held : 0;
}

/* As many as one push may carry: the queue may have been made anew, and smaller. */
static uint32_t count_of_push(const slotq_producer *self)
{
    const uint32_t most = fill_in(&self->options, &self->queue->store->view).max_messages;
    return self->count < most ? self->count : most;
}

/* All, or as many as there is room for now. */
static slotq_outcome push_what_fits(slotq_producer *self)
{
    const uint32_t count = count_of_push(self);
    slotq_outcome outcome = push_oldest(self, count, 0);
    const uint32_t room = outcome == SLOTQ_FULL ? room_of(self->queue) : 0;
    if (room > 0 && room < count) {
        outcome = push_oldest(self, room, 0);
        if (is_sent(outcome)) { /* full now, and by these too */
            self->queue->holder.held += room;
            self->queue->holder.unfinished += room;
            return SLOTQ_FULL;
        }
    }
    return outcome;
}

/* Until all is gone or the queue takes no more. What got lost on the way is counted and told;
 * the rest goes on. */
static slotq_outcome push_gathered(slotq_producer *self, uint64_t wait_ms)
{
    if (self->count == 0) {
        return SLOTQ_OK;
    }
    const queue_wait wait = queue_wait_begin(self->queue, wait_ms);
    slotq_outcome outcome = push_what_fits(self);
    while (self->count > 0) {
        if (outcome == SLOTQ_FULL && !queue_wait_is_over(&wait)) {
            outcome = push_oldest(self, 1, queue_wait_left_ms(&wait)); /* sleeps until it can */
        } else if (is_sent(outcome)) {
            outcome = push_what_fits(self);
        } else {
            self->begun_ms = queue_now_ms(self->queue);
            break;
        }
    }
    return outcome;
}

/* Milliseconds until the oldest is max_delay_ms old; the clock may have gone back. */
static uint64_t due_ms(const slotq_producer *self)
{
    const uint64_t delay_ms = self->options.max_delay_ms;
    if (self->count == 0 || delay_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    const uint64_t now_ms = queue_now_ms(self->queue);
    const uint64_t age_ms = now_ms >= self->begun_ms ? now_ms - self->begun_ms : UINT64_MAX;
    return age_ms < delay_ms ? delay_ms - age_ms : 0;
}

/* ---- calls ---- */

static slotq_outcome judge(const slotq_producer *self)
{
    if (self == NULL) {
        return SLOTQ_INVALID;
    }
    if (self->telling) {
        return queue_refuse(self->queue, SLOTQ_INVALID,
                            "on_pushed called its producer: call it after the running call has "
                            "returned");
    }
    return SLOTQ_OK;
}

static bool has_room(const slotq_producer *self, uint32_t size)
{
    return self->count < self->options.max_messages && size <= self->room_bytes - self->used_bytes;
}

/* Nothing is gathered, and one message does not fit: the queue was made anew with larger ones. */
static slotq_outcome grow(slotq_producer *self)
{
    const uint32_t largest = self->queue->geometry.payload_bytes;
    uint8_t *bytes = realloc(self->bytes, largest);
    if (bytes == NULL) {
        return queue_refuse(self->queue, SLOTQ_NOMEMORY,
                            "no memory for a message of %lu bytes. It was not accepted",
                            (unsigned long)largest);
    }
    self->bytes = bytes;
    self->room_bytes = largest;
    return SLOTQ_OK;
}

slotq_outcome slotq_producer_push(slotq_producer *producer, const void *bytes, uint32_t size,
                                  uint64_t tag)
{
    slotq_producer *self = producer;
    slotq_outcome outcome = judge(self);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (bytes == NULL && size > 0) {
        queue_refuse_payload(self->queue);
        return SLOTQ_INVALID;
    }
    const slotq_data message = {bytes, size};
    push_size judged;
    if (push_judge(&self->queue->geometry, &message, 1, &judged) != PUSH_FITS) {
        return queue_refuse_push(self->queue, &message, 1, "It was not accepted.");
    }
    if (!has_room(self, size)) {
        outcome = push_gathered(self, self->options.wait_ms);
        if (!has_room(self, size) && self->count == 0) {
            outcome = grow(self);
        }
        if (!has_room(self, size)) {
            return outcome;
        }
    }
    uint8_t *to = self->bytes + self->used_bytes;
    if (size > 0) {
        memcpy(to, bytes, size);
    }
    self->messages[self->count] = (slotq_data){to, size};
    self->tags[self->count] = tag;
    self->used_bytes += size;
    if (self->count++ == 0) {
        self->begun_ms = queue_now_ms(self->queue);
    }
    if (self->count == self->options.max_messages || due_ms(self) == 0) {
        (void)push_gathered(self,
                            0); /* it is taken; what was refused is tried again, and told then */
    }
    return SLOTQ_OK;
}

slotq_outcome slotq_producer_poll(slotq_producer *producer)
{
    const slotq_outcome outcome = judge(producer);
    if (outcome != SLOTQ_OK || due_ms(producer) > 0) {
        return outcome;
    }
    return push_gathered(producer, 0);
}

/* Nothing is gathered any more: what is to be said of all since the last flush. */
static slotq_outcome sum_up(slotq_producer *self, slotq_outcome outcome)
{
    const unsigned long long unknown_count = self->unknown_count;
    const unsigned long long unconfirmed_count = self->unconfirmed_count;
    self->unknown_count = 0;
    self->unconfirmed_count = 0;
    const bool newest_in_doubt = outcome == SLOTQ_OUTCOME_UNKNOWN || outcome == SLOTQ_UNCONFIRMED;
    if (newest_in_doubt && unknown_count + unconfirmed_count == self->newest_count) {
        return outcome; /* the store said it of all of them, and with numbers */
    }
    if (unknown_count > 0) {
        return queue_refuse(self->queue, SLOTQ_OUTCOME_UNKNOWN,
                            "it is not known whether %llu messages since the last flush were "
                            "pushed: no reply came. Look for them before pushing them again.",
                            unknown_count);
    }
    if (unconfirmed_count > 0) {
        return queue_refuse(self->queue, SLOTQ_UNCONFIRMED,
                            "%llu messages since the last flush were pushed, but too few replicas "
                            "confirmed them in time. Do not push them again.",
                            unconfirmed_count);
    }
    return outcome;
}

slotq_outcome slotq_producer_flush(slotq_producer *producer)
{
    slotq_outcome outcome = judge(producer);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = push_gathered(producer, producer->options.wait_ms);
    return producer->count > 0 ? outcome : sum_up(producer, outcome);
}

uint64_t slotq_producer_due_ms(const slotq_producer *producer)
{
    return producer == NULL ? UINT64_MAX : due_ms(producer);
}

uint32_t slotq_producer_count(const slotq_producer *producer)
{
    return producer == NULL ? 0 : producer->count;
}

uint32_t slotq_producer_clear(slotq_producer *producer)
{
    if (producer == NULL || producer->telling) {
        return 0;
    }
    const uint32_t count = producer->count;
    producer->count = 0;
    producer->used_bytes = 0;
    return count;
}

slotq_outcome slotq_producer_close(slotq_producer *producer)
{
    if (producer == NULL) {
        return SLOTQ_OK;
    }
    const slotq_outcome outcome = slotq_producer_flush(producer);
    if (producer->telling) {
        return outcome; /* refused: it is at work */
    }
    tell(producer, producer->count, outcome, 0);
    free_all(producer);
    return outcome;
}
