/* move.h: moving a message between two queues of one server by one script. Knows what makes two
 * handles reach one server; no reply.
 */
#ifndef SLOTQ_BACKEND_REDIS_MOVE_H
#define SLOTQ_BACKEND_REDIS_MOVE_H

#include "../backend.h"

store_meeting redis_meet(const store *source, const store *target);
slotq_outcome redis_move(store *source, store *target, store_move *move, store_fault *fault);

#endif
