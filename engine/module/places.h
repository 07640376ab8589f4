/* places.h: clients of a server that wait at places, and how a verb tells them (FORMAT.md, "Waking
 * with places"). Must not know what the verb was for.
 */
#ifndef SLOTQ_MODULE_PLACES_H
#define SLOTQ_MODULE_PLACES_H

#include "call.h"

/* The optional word that names the caller's place; row: its row; wants: messages it waits for. */
bool places_read(module_call *call, uint32_t index, uint32_t row, uint64_t wants);

/* Before the first step of a verb: what its steps will not tell. */
void places_note(module_call *call);

/* After a verb, once: register or give up the caller's place, and tell the places of others.
 * Returns whether the caller's place was set before; if it is now, call->mine has `others` and
 * `before`. */
bool places_settle(module_call *call);

/* A client does not wait any more. Returns whether its place was set. */
bool places_leave(module_call *call);

#endif
