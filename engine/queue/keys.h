/* keys.h: what pushing and scheduling share about keys. */
#ifndef SLOTQ_QUEUE_KEYS_H
#define SLOTQ_QUEUE_KEYS_H

#include "../slotq_keys.h"
#include "handle.h"

/* What a call adds to the queue. */
typedef struct queue_additions {
    const slotq_data *messages;
    const uint64_t *keys; /* or NULL */
    uint32_t count;
    slotq_key_mode key_mode; /* with keys */
    uint64_t *ids;           /* or NULL */
    uint8_t *outcomes;       /* or NULL */
} queue_additions;

/* INVALID, with its text and the closing, if the keys break a rule of FORMAT.md, "Judging keys",
 * other than that none is given twice, which the core finds. */
slotq_outcome queue_judge_keys(slotq *queue, const uint64_t *keys, uint32_t count,
                               slotq_key_mode mode, const char *closing);
/* After INVALID: the text, if a key is given twice; otherwise OK, and nothing is kept. */
slotq_outcome queue_refuse_twice(slotq *queue, const queue_additions *added, const char *closing);

/* DUPLICATE, with its text. */
slotq_outcome queue_refuse_taken(slotq *queue, const slotq_key_holder *holder, const char *closing);

/* UNCONFIRMED, with its text: of a message that was in the queue before the call. */
slotq_outcome queue_refuse_unconfirmed(slotq *queue);

/* Schedule (later.c). *pushed may be NULL. */
slotq_outcome queue_schedule(slotq *queue, const queue_additions *added, uint64_t due_ms,
                             uint32_t flags, slotq_pushed *pushed);

#endif
