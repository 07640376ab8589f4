/* connect.h: a store's connection is made, and made again; the server and the queue are judged each
 * time. Knows patience and facts; no verb.
 */
#ifndef SLOTQ_BACKEND_REDIS_CONNECT_H
#define SLOTQ_BACKEND_REDIS_CONNECT_H

#include "call/errors.h"
#include "store.h"

/* A new connection, tried again while the patience lasts. OK, REMADE (connected, and the store has
 * the new geometry), or why not. */
slotq_outcome redis_store_connect(redis_store *self, redis_patience *patience, store_fault *fault);

/* After a reply that said REMADE: read the geometry of the queue that has the key now. REMADE with
 * the new one in the store, or why it cannot be had. */
slotq_outcome redis_store_adopt(redis_store *self, store_fault *fault);

/* A store with a pool has the connection to its server during a call only. Without a pool nothing
 * happens. */
void redis_store_take_out(redis_store *self);
void redis_store_give_back(redis_store *self);
/* Where its calls went last: only the address and how to connect are to be used. */
redis_connection redis_store_listens_at(const redis_store *self);

/* The handle may connect to other servers. */
bool redis_store_may_dial(const redis_store *self);

/* A redirection that such a handle does not follow is the answer. Returns the outcome. */
slotq_outcome redis_store_stays(store_fault *fault);

/* A call begins: a node that was asked for the last call alone, while the queue is being moved
 * there, is left. */
void redis_store_begin(redis_store *self);

/* A connection that can be used, made again where it was lost. */
slotq_outcome redis_store_reconnect(redis_store *self, redis_patience *patience,
                                    store_fault *fault);

/* After a refusal that passes: sleep, and leave the server where another may have taken over.
 * false: the refusal is the answer. */
bool redis_store_outlasts(redis_store *self, const redis_refusal *refusal, redis_patience *patience,
                          store_fault *fault);

#endif
