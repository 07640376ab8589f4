/* refuse.h: the slotq_error of a call without a queue. Knows texts, not what they are about.
 */
#ifndef SLOTQ_WORKER_REFUSE_H
#define SLOTQ_WORKER_REFUSE_H

#include "../slotq.h"

/* Fill error (may be NULL) and return outcome. */
slotq_outcome refuse(slotq_error *error, slotq_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
