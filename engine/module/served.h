/* served.h: messages that were leased for a client that slept, and are released if it has gone
 * before the server could send them. Knows leases; must not know why a client was served.
 */
#ifndef SLOTQ_MODULE_SERVED_H
#define SLOTQ_MODULE_SERVED_H

#include "call.h"

typedef struct module_served module_served;

/* Note what the reserve has leased that ran last. */
module_served *served_note(const module_call *call, uint64_t group);

/* The client has it. */
void served_forget(module_served *served);

/* The client does not get it: release it at the end of this turn of the server. The context is of
 * the database of the queue. */
void served_give_back(server_context *context, module_served *served);

/* A release is still to come. */
bool served_is_busy(void);

#endif
