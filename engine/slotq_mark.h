/* slotq_mark.h: messages of one batch that are settled in different ways by one call, and the
 * outcome of each message. slotq.h includes it.
 *
 *     while (slotq_batch_next(batch, &message)) {
 *         if (!work(&message)) {
 *             slotq_mark(queue, SLOTQ_SETTLE_NACK, batch, message.id, 5000, 1, NULL);
 *         }
 *     }
 *     outcome = slotq_next(queue, 0, 64, 30000, 1000, batch, &settled); // acks the others
 *     for (uint32_t i = 0; slotq_batch_settled(batch, i, &was); i++) …
 */
#ifndef SLOTQ_MARK_H
#define SLOTQ_MARK_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mark a message of a reserved batch: the next slotq_next or slotq_settle_batch (slotq_ack_batch)
 * of the batch settles it in this way, and not as the others. Nothing is sent now. Arguments as
 * slotq_settle_message_noted; note may be NULL, and is copied. A new mark replaces the old one.
 * OK; INVALID: an argument is out of range, or the batch has no message with this id; NOMEMORY.
 * After both the message has the mark that it had.
 *
 * A call on a batch with marks first settles the messages to be acked, then nack, release, extend
 * and kill, messages of the same way together: in Redis all of it and the reserve of slotq_next in
 * one round trip, in memory under one hold of the lock. In a file too, but others get in between
 * two ways where each waits for the disk (SLOTQ_SYNC_ALWAYS) or those before took 50 ms. Each way
 * is atomic. In Redis verbs of other clients may run between two of them, and it costs one script
 * per way; a way in which messages may die is in parts, as in slotq_settle. Distinct delays,
 * reasons and notes are distinct ways. After a failure a file and memory try no other way; in Redis
 * all were sent.
 *
 * What the batch has afterwards:
 * - slotq_settle_batch: the extended messages, with their new tokens and payloads and without a
 *   mark; those that were DEADFULL, with their marks (without marks such a batch is empty: settle
 *   them by id); and after a failure the messages that may not be settled, with their marks. Its
 * `how` is that of messages without a mark: RELEASE gives back what was not begun, if each message
 * that is done has the mark ACK. It returns OK, the outcome of the first refused message, or the
 * first failure.
 * - slotq_next: the next messages alone, or none with EMPTY: slotq_batch_settled tells of the
 *   settled ones in that case too. An extended message, and one that was DEADFULL, has left the
 * batch: settle it by its id and the token of slotq_batch_settled. If it returns a failure of the
 * settles, the batch has only the messages that may not be settled, with their marks and without
 * payloads. slotq_settle_message settles a marked message at once; after EXTEND it keeps its mark.
 * Any call that fills the batch ends all marks. A pipeline refuses a batch that was marked:
 * INVALID. */
SLOTQ_API slotq_outcome slotq_mark(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                   uint64_t id, uint64_t ms, uint8_t reason,
                                   const slotq_data *note);
/* Take the mark of a message away. False: it has none. */
SLOTQ_API bool slotq_batch_unmark(slotq_batch *batch, uint64_t id);

/* What became of one message. */
typedef struct slotq_settled_message {
    uint64_t id;
    uint32_t token;        /* the one that it was settled with; EXTEND and OK: the new one */
    slotq_settle_how how;  /* as it was marked, or as the others */
    slotq_outcome outcome; /* OK; STALE, GONE, NOTFOUND: the lease was lost before; DEADFULL: not
                              dead, the lease goes on; OUTCOME_UNKNOWN: it was sent and not
                              answered; any other failure: it was not settled, and the token is
                              valid as long as the lease (REMADE: the message is gone) */
    uint64_t reserved[2];  /* 0 */
} slotq_settled_message;

/* The index-th message, from 0, of the last slotq_next or slotq_settle_batch of this batch, in the
 * order in which the batch had them; with or without marks. Valid until the next of these calls;
 * reserve and other calls that fill the batch leave it. O(1) for the index after the last one.
 * False: there is none, as past the last, and all after a call that refused its arguments. */
SLOTQ_API bool slotq_batch_settled(slotq_batch *batch, uint32_t index,
                                   slotq_settled_message *message);

#ifdef __cplusplus
}
#endif
#endif
