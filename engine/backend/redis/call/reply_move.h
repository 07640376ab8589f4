/* reply_move.h: the reply of the script move. Knows how its errors name a queue; no connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_REPLY_MOVE_H
#define SLOTQ_BACKEND_REDIS_CALL_REPLY_MOVE_H

#include <hiredis/hiredis.h>

#include "../../backend.h"

/* Fill the move's outputs; answers as store_ops.move. OUTCOME_UNKNOWN: the reply is not one that
 * the script can give. */
slotq_outcome redis_reply_take_move(store_move *move, const redisReply *reply, store_fault *fault);

#endif
