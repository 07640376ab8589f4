/* answer.h: a hand that was worked through: its batch is made ready to be settled, and what the
 * queue answers is told, message by message.
 */
#ifndef SLOTQ_WORKER_ANSWER_H
#define SLOTQ_WORKER_ANSWER_H

#include "worker.h"

/* What the keeper settled, and what left, is no more in the batch; what is not acked is marked; an
 * extended message has a token that the batch does not know, and is settled apart. */
void answer_prepare(worker_hand *hand, bool taken);
/* The answers, one a message; was_sent: a trip was made. True: some message is still to be settled.
 */
bool answer_tell(worker_hand *hand, bool was_sent);
/* The runs; and the acks, if all are plain and were OK. */
void answer_count(worker_thread *self, worker_hand *hand, uint64_t ns);

#endif
