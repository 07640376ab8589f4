/* reply_items.h: the reply of a peek, dead_list or later_list as items: what stands before each
 * slot, and the slots. Knows what a script packs there; no outcome, no fault.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_REPLY_ITEMS_H
#define SLOTQ_BACKEND_REDIS_CALL_REPLY_ITEMS_H

#include <hiredis/hiredis.h>

#include "../../backend.h"
#include "request.h"

/* Fill look.items and look.count, and the harvest if there is one. False: the script cannot give
 * such a reply; look.count is 0 then. */
bool redis_take_items(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                      store_harvest *harvest);

#endif
