/* wait.h: clients that sleep in the server until a queue has messages for their group. Knows which
 * keys they wait for; must not know verbs.
 */
#ifndef SLOTQ_MODULE_WAIT_H
#define SLOTQ_MODULE_WAIT_H

#include "reserve.h"

/* Hear of changes of keys. False: the server refuses. */
bool wait_listen(server_context *context);

/* The module is to be unloaded. False: it must stay, while a client sleeps. */
bool wait_end(void);

/* Let the client of a call sleep, at most block_ms (0 = for ever); a message may go at due_ms. */
void wait_begin(module_call *call, const module_reserve *asked, uint64_t block_ms, uint64_t due_ms);

/* A command of the module has changed the open queue: those that sleep there are offered what may
 * go, and a timer what may go later. */
void wait_changed(module_call *call);

/* Tell the server, and other modules, that the key has changed. */
void wait_tell(server_context *context, server_string *key_name);

#endif
