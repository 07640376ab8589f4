/* places.h: what an open queue's calls say of its handle's place (FORMAT.md, "Waking with places"),
 * and giving it up. Knows jobs and the waiter; no socket.
 */
#ifndef SLOTQ_BACKEND_REDIS_PLACES_H
#define SLOTQ_BACKEND_REDIS_PLACES_H

#include "run.h"

/* A job is about to be built: what it says of the place, and where that may then be set. */
void redis_places_put(redis_store *self, redis_job *job);

/* Its reply came: a call that found something, or looked a last time, has left its place. */
void redis_places_take(redis_store *self, const redis_job *job, const redisReply *reply);

/* This handle looks no more: its place is given up, and others are woken for what is there. A
 * server that is gone has forgotten it. */
void redis_places_leave(redis_store *self);

/* After a change of place: the old one may still be set, and clients of other rows hear it. */
void redis_places_leave_old(redis_store *self);

#endif
