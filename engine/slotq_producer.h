/* slotq_producer.h: a producer collects single messages and pushes them as one batch: one call of
 * the store for many. slotq.h includes it.
 *
 *     slotq_producer_new(queue, NULL, &producer);
 *     for each: slotq_producer_push(producer, bytes, size, tag);
 *     slotq_producer_flush(producer);
 *     slotq_producer_close(producer);
 *
 * The producer pushes its batch when it has max_messages or max_bytes, when the first message is
 * max_delay_ms old, and in flush and close. It has no thread and reads the time only in its calls:
 * a program that may stop pushing must call slotq_producer_poll within slotq_producer_due_ms.
 * Messages that are not yet pushed are lost if the process ends. To know that a message is in the
 * queue, wait for its on_pushed, or for a flush that returns OK.
 *
 * Messages keep their order. A push is all or none, but the producer may split its batch: if a full
 * queue has room for some messages, it pushes those.
 *
 * The producer uses the queue, which must outlive it. The same thread may also use the queue
 * directly. slotq_error_of(queue) has the text of the producer's last outcome that was not OK.
 */
#ifndef SLOTQ_PRODUCER_H
#define SLOTQ_PRODUCER_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct slotq_producer slotq_producer;

/* Reports the outcome of one message, once for each accepted message, in order. OK and its id;
 * UNCONFIRMED and its id: pushed, but not confirmed by wait_replicas replicas; OUTCOME_UNKNOWN and
 * id 0: sent, and whether it was pushed is not known; the producer does not push it again. Any
 * other outcome, id 0: it was not pushed and is dropped (close only). The producer calls it from
 * within its calls; it must not call the producer. */
typedef void slotq_on_pushed(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id);

typedef struct slotq_producer_options {
    uint32_t max_messages; /* 1 to SLOTQ_CALL_MESSAGES_MAX; 0 = 256. Clamped to the queue's
                              capacity */
    uint32_t max_bytes;    /* of payloads, 1 to SLOTQ_CALL_BYTES_MAX; 0 = SLOTQ_CALL_BYTES_MAX */
    uint64_t max_delay_ms; /* 0 = 5; UINT64_MAX = no bound */
    uint64_t wait_ms;      /* max wait of push (if the batch is full) and flush for a full queue */
    slotq_on_pushed *on_pushed; /* or NULL */
    void *context;              /* passed to on_pushed */
    uint64_t reserved[2];       /* 0 */
} slotq_producer_options;

/* Make a producer. OK, INVALID, NOMEMORY. options may be NULL: all 0. It allocates all its memory:
 * min(max_bytes, max_messages * payload_bytes) and 24 bytes per message. */
SLOTQ_API slotq_outcome slotq_producer_new(slotq *queue, const slotq_producer_options *options,
                                           slotq_producer **producer);
/* Accept one message; its bytes are copied. tag is passed to on_pushed. OK: accepted; on_pushed and
 * flush report what becomes of it. Any other outcome: not accepted. TOOBIG: over payload_bytes. If
 * the batch is full because the queue refused it: the queue's outcome, FULL, PAUSED or a failure;
 * no accepted message is lost, call again. */
SLOTQ_API slotq_outcome slotq_producer_push(slotq_producer *producer, const void *bytes,
                                            uint32_t size, uint64_t tag);
/* Push the batch if it is due. OK (also if it is not due), or the outcome of the refused push: the
 * batch stays here and is tried again, at the earliest after max_delay_ms. OUTCOME_UNKNOWN,
 * UNCONFIRMED: see on_pushed. */
SLOTQ_API slotq_outcome slotq_producer_poll(slotq_producer *producer);
/* Push the whole batch. OK: all messages accepted since the last flush are in the queue. FULL,
 * PAUSED, a failure: messages that the queue refused stay here. OUTCOME_UNKNOWN, UNCONFIRMED: the
 * batch is empty, but some messages since the last flush had this outcome. */
SLOTQ_API slotq_outcome slotq_producer_flush(slotq_producer *producer);
/* Milliseconds until slotq_producer_poll must push: 0 = now, UINT64_MAX = nothing, or no bound. */
SLOTQ_API uint64_t slotq_producer_due_ms(const slotq_producer *producer);
/* Messages accepted and not yet pushed. */
SLOTQ_API uint32_t slotq_producer_count(const slotq_producer *producer);
/* Give up the messages accepted and not yet pushed: they are never pushed, and on_pushed is not
 * called for them. Returns their number; 0 also from inside on_pushed. */
SLOTQ_API uint32_t slotq_producer_clear(slotq_producer *producer);
/* Flush, then free the producer, whatever the flush returned; returns the outcome of the flush.
 * Messages that the queue refused are dropped, and on_pushed reports it. NULL is allowed. */
SLOTQ_API slotq_outcome slotq_producer_close(slotq_producer *producer);

#ifdef __cplusplus
}
#endif
#endif
