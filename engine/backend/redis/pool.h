/* pool.h: connections that the stores of one handle share, one for each server: a sharded queue has
 * more shards than nodes. A caller takes one out, and puts it back after its last reply.
 * Knows addresses; no key and no command.
 */
#ifndef SLOTQ_BACKEND_REDIS_POOL_H
#define SLOTQ_BACKEND_REDIS_POOL_H

#include "wire/connection.h"

/* Belongs to one thread at a time, as its handle. */
typedef struct redis_pool redis_pool;

/* NULL: no memory. */
redis_pool *redis_pool_new(void);
void redis_pool_free(redis_pool *pool);

/* Take the connection to the server of to->address that is as to wants it (reads_replica). false:
 * there is none; `to` stays. It may be stale. *scripts: what was put in with it. */
bool redis_pool_take(redis_pool *pool, redis_connection *to, uint64_t *scripts);

/* Put it in. Where one to the same server is there, or it is for one call only (asking), it is
 * dropped. It keeps its address. */
void redis_pool_put(redis_pool *pool, redis_connection *from, uint64_t scripts);

/* A server let a caller wait in vain: for a while calls that can go elsewhere do not try it. */
void redis_pool_note_silent(redis_pool *pool, const redis_address *address, uint64_t for_ms);
bool redis_pool_is_silent(const redis_pool *pool, const redis_address *address);

/* How many it has. */
uint32_t redis_pool_count(const redis_pool *pool);

#endif
