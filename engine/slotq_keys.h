/* slotq_keys.h: messages with keys: a message is refused while another one has its key, and a key
 * finds its message. slotq.h includes it. The queue must have been created with SLOTQ_FLAG_KEYS.
 *
 *     const uint64_t key = slotq_key("order-17", 8);
 *     const slotq_push_options options = {.keys = &key};
 *     slotq_pushed pushed;
 *     if (slotq_push_with(queue, &message, 1, &options, &pushed) == SLOTQ_DUPLICATE) …
 *
 * A key is 64 bits of a hash. Of a million names, two share a key in one case of 37 million; of 5
 * billion, in one of two. Programs in other languages make the same keys by XXH3-64.
 */
#ifndef SLOTQ_KEYS_H
#define SLOTQ_KEYS_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The key of what names a message: XXH3-64 of its bytes, the low byte never 0. Size 0: 0, which
 * stands for none. */
SLOTQ_API uint64_t slotq_key(const void *name, size_t size);

/* Fields that are 0 change nothing: a call with none is slotq_push. */
typedef struct slotq_push_options {
    const uint64_t *keys; /* one a message, from slotq_key, 0 = none; NULL: no message has one. At
                             most SLOTQ_CALL_KEYS_MAX messages of a call have one */
    slotq_key_mode key_mode; /* with keys; 0 = SLOTQ_KEY_UNIQUE */
    uint32_t flags;          /* with due_ms: SLOTQ_NOT_PAST */
    uint64_t due_ms;         /* schedule for then, see slotq_schedule; 0 = push now */
    uint64_t wait_ms;        /* for room, see slotq_push_wait; without due_ms */
    uint64_t *ids;           /* out, or NULL: room for one a message, 0 = not pushed */
    uint8_t *outcomes;       /* out, or NULL: room for one a message, a slotq_outcome */
    uint64_t reserved[4];    /* 0 */
} slotq_push_options;

/* What became of the messages. */
typedef struct slotq_pushed {
    uint64_t first_id;       /* OK, UNCONFIRMED: of the first message; with due_ms its later id */
    slotq_key_holder holder; /* DUPLICATE: the message that has the key */
    bool unconfirmed;        /* DUPLICATE: too few replicas or disks have that message either */
    uint64_t reserved[1];    /* 0 */
} slotq_pushed;

/* slotq_push, slotq_push_wait and slotq_schedule with keys. Outcomes as these, and DUPLICATE: the
 * key of pushed->holder.message (counted from 0) is taken, and nothing was pushed. pushed may be
 * NULL.
 *
 * When a key is taken depends on key_mode. UNIQUE: while its message is unfinished in some group,
 * aside or scheduled. ONCE: also after it is finished, until its slot is used again: for at least
 * the next ring_slots - 1 messages pushed (a message that stepped aside: until its place there is
 * used again; a process that is killed in a push may free a few earlier). A dead message has no
 * key once its slot is used again, and redrive gives it none.
 *
 * In a sharded queue (SHARDS.md) messages with different keys may go to different shards. Such a
 * call must have `outcomes`, and then it is not all or none: each message is pushed, or refused for
 * itself, in the order of messages with its key. The call returns OK if all were pushed, else the
 * outcome of the first one that was not, and first_id is that of message 0 alone. It cannot have a
 * wait_ms. In all other cases all messages have the outcome of the call. After INVALID nothing was
 * pushed, and outcomes and ids say nothing.
 *
 * RESEND is for pushes that are repeated: only the first message's key is judged, as in ONCE, and
 * all messages are in the queue then, as a call pushes all or none (with due_ms INVALID for two and
 * more, as a kill may leave a part). In Redis the library repeats such a push if its reply is lost,
 * and returns OK with the ids of the first try if that had arrived. It holds as long as ONCE. */
SLOTQ_API slotq_outcome slotq_push_with(slotq *queue, const slotq_data *messages, uint32_t count,
                                        const slotq_push_options *options, slotq_pushed *pushed);

/* Where the message of a key is, in the time of one short search however long the queue is. OK;
 * NOTFOUND: no slot has the key. holder->message is 0. */
SLOTQ_API slotq_outcome slotq_find(slotq *queue, uint64_t key, slotq_key_holder *holder);

#ifdef __cplusplus
}
#endif
#endif
