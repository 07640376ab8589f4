/* pool.c: see pool.h.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "../system/monotonic.h"

/* Beyond so many servers a connection is not kept: the next call makes it anew. */
enum { POOL_MAX = REDIS_NODES_MAX, SILENT_MAX = 4 };

typedef struct pooled {
    redis_connection connection; /* without a context: its place is free */
    uint64_t scripts;
} pooled;

/* A server that let a caller wait in vain. */
typedef struct silence {
    redis_address address;
    uint64_t until_ms; /* monotonic */
} silence;

struct redis_pool {
    pooled *at[POOL_MAX]; /* a reader points into its connection: they do not move */
    uint32_t count;
    silence silent[SILENT_MAX];
    uint32_t next_silent;
};

redis_pool *redis_pool_new(void)
{
    return calloc(1, sizeof(redis_pool));
}

void redis_pool_free(redis_pool *pool)
{
    for (uint32_t i = 0; pool != NULL && i < pool->count; i++) {
        redis_connection_free(&pool->at[i]->connection);
        free(pool->at[i]);
    }
    free(pool);
}

static bool is_there(const pooled *one, const redis_connection *wanted)
{
    return one->connection.context != NULL &&
           one->connection.reads_replica == wanted->reads_replica &&
           redis_address_is_same_server(&one->connection.address, &wanted->address);
}

static pooled *find(const redis_pool *pool, const redis_connection *wanted)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        if (is_there(pool->at[i], wanted)) {
            return pool->at[i];
        }
    }
    return NULL;
}

bool redis_pool_take(redis_pool *pool, redis_connection *to, uint64_t *scripts)
{
    pooled *found = find(pool, to);
    if (found != NULL) {
        redis_connection_hand_over(to, &found->connection);
        *scripts = found->scripts;
    }
    return found != NULL;
}

/* A free place, or NULL. */
static pooled *make_room(redis_pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->at[i]->connection.context == NULL) {
            return pool->at[i];
        }
    }
    pooled *made = pool->count < POOL_MAX ? calloc(1, sizeof *made) : NULL;
    if (made != NULL) {
        pool->at[pool->count++] = made;
    }
    return made;
}

void redis_pool_put(redis_pool *pool, redis_connection *from, uint64_t scripts)
{
    if (from->context == NULL) {
        return;
    }
    pooled *room = from->asking || find(pool, from) != NULL ? NULL : make_room(pool);
    if (room == NULL) {
        redis_connection_drop(from, "");
        return;
    }
    redis_connection_hand_over(&room->connection, from);
    room->scripts = scripts;
}

uint32_t redis_pool_count(const redis_pool *pool)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        count += pool->at[i]->connection.context != NULL;
    }
    return count;
}

void redis_pool_note_silent(redis_pool *pool, const redis_address *address, uint64_t for_ms)
{
    pool->silent[pool->next_silent] = (silence){*address, monotonic_ms() + for_ms};
    pool->next_silent = (pool->next_silent + 1) % SILENT_MAX;
}

bool redis_pool_is_silent(const redis_pool *pool, const redis_address *address)
{
    bool is_silent = false;
    for (uint32_t i = 0; i < SILENT_MAX && !is_silent; i++) {
        is_silent = pool->silent[i].until_ms > monotonic_ms() &&
                    redis_address_is_same_server(&pool->silent[i].address, address);
    }
    return is_silent;
}
