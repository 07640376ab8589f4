/* places.h: clients of a server that wait at places, and how a verb tells them (FORMAT.md, "Waking
 * with places"). Must not know what the verb was for.
 */
#ifndef SLOTQ_MODULE_PLACES_H
#define SLOTQ_MODULE_PLACES_H

#include "call.h"

/* What clients at places are told: to look here, to look in another shard, or to look in all. */
typedef struct module_shout {
    const char *word; /* "wake" or "round" */
    uint32_t shard;   /* SLOTQ_SHARDS_MAX: here */
} module_shout;

/* The optional word that names the caller's place; row: its row; wants: messages it waits for. */
bool places_read(module_call *call, uint32_t index, uint32_t row, uint64_t wants);

/* Before the first step of a verb: what its steps will not tell. */
void places_note(module_call *call);

/* After a verb, once: register or give up the caller's place, and tell the places of others.
 * Returns whether the caller's place was set before; if it is now, call->mine has `others` and
 * `before`. */
bool places_settle(module_call *call);

/* Ring places of a group's row, or of all groups', until `need` messages are wanted in each; clear
 * the bit of clients that wait for messages, if no place is set then. How many places with clients
 * it told, and whether others may be set. */
uint32_t places_nudge(module_call *call, uint32_t group, uint32_t need, const module_shout *shout,
                      bool *sleep);

/* How many messages the verb let go that has just run, if its core says that it owes a nudge: a
 * verb that lets all of them go again counts those that are there. */
uint32_t places_need(const module_call *call);

/* A client does not wait any more. Returns whether its place was set. */
bool places_leave(module_call *call);

#endif
