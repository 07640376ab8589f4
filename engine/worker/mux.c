/* mux.c: which handler a type has, and the middleware around it (mux.h, slotq_worker.h).
 *
 * Exact names and prefixes stand in one open hash table, at most half full. The hash of a type
 * grows with each byte, so on the way to it all its prefixes have been hashed: one look for each
 * length that some registered prefix has, the longest first. The number of handlers costs nothing.
 */
#include "mux.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "handler.h"
#include "refuse.h"

enum {
    INDEX_PLAIN,
    INDEX_UNKNOWN,
    ENTRIES_OWN, /* handlers come behind these two */
    TABLE_BEGIN = 16,
    ENTRIES_MAX = 1 << 24 /* so that sizes are far from their limits */
};

typedef struct mux_middleware {
    slotq_middleware *call;
    void *context;
} mux_middleware;

struct slotq_mux {
    atomic_uint users; /* the owner, and one for each hold */
    atomic_bool is_frozen;
    mux_entry **entries;
    mux_entry **table; /* NULL where nothing is */
    uint32_t count;
    uint32_t room;
    uint32_t table_size; /* a power of 2 */
    uint64_t lengths;    /* bit n - 1: some prefix has n bytes */
    uint32_t middleware_count;
    mux_middleware middlewares[SLOTQ_MIDDLEWARES_MAX];
    slotq_error error;
};

struct slotq_chain {
    const slotq_mux *mux;
    const mux_entry *entry;
    uint32_t next; /* the middleware to call */
    bool was_run;
};

/* ---- names ---- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)
#define HASH_TIMES UINT64_C(0x100000001b3)

static uint64_t hash_more(uint64_t hash, char byte) /* FNV-1a */
{
    return (hash ^ (uint8_t)byte) * HASH_TIMES;
}

/* The low bits of FNV are not mixed by what comes late. */
static uint32_t place_of(uint64_t hash, bool is_prefix, uint32_t table_size)
{
    const uint64_t mixed = hash ^ hash >> 32;
    return (uint32_t)(mixed + is_prefix) & (table_size - 1);
}

static bool is_named(const mux_entry *entry, const char *name, uint32_t name_bytes, uint64_t hash,
                     bool is_prefix)
{
    return entry->hash == hash && entry->name_bytes == name_bytes &&
           entry->is_prefix == is_prefix && memcmp(entry->label, name, name_bytes) == 0;
}

/* Ends, as half of the table is empty. */
static const mux_entry *look_up(const slotq_mux *mux, const char *name, uint32_t name_bytes,
                                uint64_t hash, bool is_prefix)
{
    uint32_t at = place_of(hash, is_prefix, mux->table_size);
    while (mux->table[at] != NULL) {
        if (is_named(mux->table[at], name, name_bytes, hash, is_prefix)) {
            return mux->table[at];
        }
        at = (at + 1) & (mux->table_size - 1);
    }
    return NULL;
}

static const mux_entry *find_type(const slotq_mux *mux, const char *type, uint32_t type_bytes)
{
    uint64_t hashes[SLOTQ_TYPE_BYTES_MAX + 1];
    hashes[0] = HASH_BEGIN;
    for (uint32_t i = 0; i < type_bytes; i++) {
        hashes[i + 1] = hash_more(hashes[i], type[i]);
    }
    const mux_entry *found = look_up(mux, type, type_bytes, hashes[type_bytes], false);
    uint64_t lengths = mux->lengths;
    for (uint32_t bytes = type_bytes; found == NULL && bytes > 0; bytes--) {
        if (lengths >> (bytes - 1) & 1) {
            found = look_up(mux, type, bytes, hashes[bytes], true);
        }
    }
    return found != NULL ? found : mux->entries[INDEX_UNKNOWN];
}

/* ---- register ---- */

static mux_entry *new_entry(const char *label, size_t label_bytes)
{
    mux_entry *entry = calloc(1, sizeof *entry);
    if (entry != NULL) {
        memcpy(entry->label, label, label_bytes);
    }
    return entry;
}

static void put_into_table(mux_entry **table, uint32_t table_size, mux_entry *entry)
{
    uint32_t at = place_of(entry->hash, entry->is_prefix, table_size);
    while (table[at] != NULL) {
        at = (at + 1) & (table_size - 1);
    }
    table[at] = entry;
}

/* Room for one entry more, in both lists. */
static bool grow(slotq_mux *mux)
{
    if (mux->count < mux->room) {
        return true;
    }
    if (mux->count >= ENTRIES_MAX) {
        return false;
    }
    const uint32_t room = mux->room * 2;
    mux_entry **table = calloc((size_t)room * 2, sizeof(mux_entry *));
    mux_entry **entries = realloc(mux->entries, room * sizeof(mux_entry *));
    mux->entries = entries != NULL ? entries : mux->entries;
    if (table == NULL || entries == NULL) {
        free(table);
        return false;
    }
    for (uint32_t i = ENTRIES_OWN; i < mux->count; i++) {
        put_into_table(table, room * 2, entries[i]);
    }
    free(mux->table);
    mux->table = table;
    mux->table_size = room * 2;
    mux->room = room;
    return true;
}

static slotq_outcome judge_change(slotq_mux *mux)
{
    if (mux == NULL) {
        return SLOTQ_INVALID;
    }
    return atomic_load(&mux->is_frozen)
               ? refuse(&mux->error, SLOTQ_INVALID,
                        "the mux is in use: fill it before slotq_worker_new")
               : SLOTQ_OK;
}

/* 0: it is refused. */
static uint32_t name_bytes(slotq_mux *mux, const char *name, uint32_t least_bytes)
{
    const size_t bytes = name != NULL ? strnlen(name, SLOTQ_TYPE_BYTES_MAX + 1) : 0;
    if (bytes >= least_bytes && bytes <= SLOTQ_TYPE_BYTES_MAX &&
        frame_type_span(name, (uint32_t)bytes) == bytes) {
        return (uint32_t)bytes;
    }
    refuse(&mux->error, SLOTQ_INVALID,
           "%s%.64s%s is not %s: it must be %" PRIu32 " to %d of letters, digits and "
           "_ . : / -, the first a letter or a digit",
           name != NULL ? "\"" : "", name != NULL ? name : "NULL", name != NULL ? "\"" : "",
           least_bytes == 1 ? "a prefix of types" : "a type", least_bytes, SLOTQ_TYPE_BYTES_MAX);
    return 0;
}

static slotq_outcome refuse_second(slotq_mux *mux, const char *name)
{
    return refuse(&mux->error, SLOTQ_EXISTS, "the mux has a handler for %s", name);
}

static slotq_outcome add(slotq_mux *mux, const char *name, uint32_t least_bytes, bool is_prefix,
                         const slotq_handler *handler)
{
    slotq_handler taken;
    const slotq_outcome may_change = judge_change(mux);
    if (may_change != SLOTQ_OK) {
        return may_change;
    }
    const uint32_t bytes = name_bytes(mux, name, least_bytes);
    if (bytes == 0) {
        return SLOTQ_INVALID;
    }
    const slotq_outcome judged = handler_take(handler, name, &taken, &mux->error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    uint64_t hash = HASH_BEGIN;
    for (uint32_t i = 0; i < bytes; i++) {
        hash = hash_more(hash, name[i]);
    }
    if (look_up(mux, name, bytes, hash, is_prefix) != NULL) {
        return refuse_second(mux, name);
    }
    mux_entry *entry = grow(mux) ? new_entry(name, bytes) : NULL;
    if (entry == NULL) {
        return refuse(&mux->error, SLOTQ_NOMEMORY, "out of memory");
    }
    entry->handler = taken;
    entry->hash = hash;
    entry->index = mux->count;
    entry->name_bytes = (uint8_t)bytes;
    entry->is_prefix = is_prefix;
    if (is_prefix) {
        entry->label[bytes] = '*';
        mux->lengths |= UINT64_C(1) << (bytes - 1);
    }
    mux->entries[mux->count++] = entry;
    put_into_table(mux->table, mux->table_size, entry);
    return SLOTQ_OK;
}

slotq_outcome slotq_mux_exact(slotq_mux *mux, const char *type, const slotq_handler *handler)
{
    return add(mux, type, SLOTQ_TYPE_BYTES_MIN, false, handler);
}

slotq_outcome slotq_mux_prefix(slotq_mux *mux, const char *prefix, const slotq_handler *handler)
{
    return add(mux, prefix, 1, true, handler);
}

static slotq_outcome set_own(slotq_mux *mux, uint32_t index, const slotq_handler *handler)
{
    slotq_handler taken;
    const char *name = index == INDEX_PLAIN ? MUX_PLAIN : MUX_UNKNOWN;
    slotq_outcome judged = judge_change(mux);
    judged = judged == SLOTQ_OK ? handler_take(handler, name, &taken, &mux->error) : judged;
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (mux_has_handler(mux->entries[index])) {
        return refuse_second(mux, name);
    }
    mux->entries[index]->handler = taken;
    return SLOTQ_OK;
}

slotq_outcome slotq_mux_plain(slotq_mux *mux, const slotq_handler *handler)
{
    return set_own(mux, INDEX_PLAIN, handler);
}

slotq_outcome slotq_mux_unknown(slotq_mux *mux, const slotq_handler *handler)
{
    return set_own(mux, INDEX_UNKNOWN, handler);
}

slotq_outcome slotq_mux_use(slotq_mux *mux, slotq_middleware *middleware, void *context)
{
    const slotq_outcome judged = judge_change(mux);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if (middleware == NULL || mux->middleware_count == SLOTQ_MIDDLEWARES_MAX) {
        return refuse(&mux->error, SLOTQ_INVALID,
                      middleware == NULL ? "middleware is NULL"
                                         : "the mux has %d middlewares, which is the most",
                      SLOTQ_MIDDLEWARES_MAX);
    }
    mux->middlewares[mux->middleware_count++] = (mux_middleware){middleware, context};
    return SLOTQ_OK;
}

slotq_outcome slotq_mux_error(const slotq_mux *mux, slotq_error *error)
{
    if (mux == NULL) {
        return SLOTQ_INVALID;
    }
    if (error != NULL) {
        *error = mux->error;
    }
    return mux->error.outcome;
}

/* ---- make and free ---- */

static void destroy(slotq_mux *mux)
{
    for (uint32_t i = 0; mux->entries != NULL && i < mux->count; i++) {
        free(mux->entries[i]);
    }
    free(mux->entries);
    free(mux->table);
    free(mux);
}

slotq_outcome slotq_mux_new(slotq_mux **mux)
{
    if (mux == NULL) {
        return SLOTQ_INVALID;
    }
    slotq_mux *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return SLOTQ_NOMEMORY;
    }
    atomic_init(&made->users, 1);
    atomic_init(&made->is_frozen, false);
    made->room = TABLE_BEGIN / 2;
    made->table_size = TABLE_BEGIN;
    made->entries = calloc(made->room, sizeof(mux_entry *));
    made->table = calloc(made->table_size, sizeof(mux_entry *));
    if (made->entries != NULL) {
        made->entries[INDEX_PLAIN] = new_entry(MUX_PLAIN, sizeof MUX_PLAIN);
        made->entries[INDEX_UNKNOWN] = new_entry(MUX_UNKNOWN, sizeof MUX_UNKNOWN);
        made->count = ENTRIES_OWN;
    }
    if (made->entries == NULL || made->table == NULL || made->entries[INDEX_PLAIN] == NULL ||
        made->entries[INDEX_UNKNOWN] == NULL) {
        destroy(made);
        return SLOTQ_NOMEMORY;
    }
    made->entries[INDEX_UNKNOWN]->index = INDEX_UNKNOWN;
    *mux = made;
    return SLOTQ_OK;
}

void mux_hold(slotq_mux *mux)
{
    atomic_fetch_add(&mux->users, 1);
    atomic_store(&mux->is_frozen, true);
}

void mux_let_go(slotq_mux *mux)
{
    if (atomic_fetch_sub(&mux->users, 1) == 1) {
        destroy(mux);
    }
}

void slotq_mux_free(slotq_mux *mux)
{
    if (mux != NULL) {
        mux_let_go(mux);
    }
}

/* ---- find ---- */

uint32_t mux_count(const slotq_mux *mux)
{
    return mux->count;
}

const mux_entry *mux_at(const slotq_mux *mux, uint32_t index)
{
    return index < mux->count ? mux->entries[index] : NULL;
}

static inline bool is_cached(const mux_cached *one, const char *payload, uint32_t bytes)
{
    return bytes >= one->size && one->size != 0 && mux_is_same(payload, one->type, one->size);
}

static const mux_entry *find_cached(const slotq_mux *mux, mux_cache *cache,
                                    const slotq_task_info *info)
{
    const uint32_t size = info->type_bytes + 1;
    for (uint32_t i = 0; i < MUX_CACHE_TYPES; i++) {
        if (is_cached(&cache->types[i], info->type, size)) {
            cache->last = i;
            return cache->types[i].entry;
        }
    }
    mux_cached *one = &cache->types[cache->next];
    cache->last = cache->next;
    cache->next = (cache->next + 1) % MUX_CACHE_TYPES;
    one->entry = find_type(mux, info->type, info->type_bytes);
    one->size = size;
    memcpy(one->type, info->type, size);
    return one->entry;
}

const mux_entry *mux_find(const slotq_mux *mux, mux_cache *cache, slotq_frame_rule rule,
                          const void *payload, uint32_t bytes, slotq_task_info *info)
{
    if (rule == SLOTQ_FRAME_PLAIN) {
        frame_read_plain(payload, bytes, info);
        return mux->entries[INDEX_PLAIN];
    }
    for (uint32_t i = 0; i < MUX_CACHE_TYPES;
         i++) { /* what is cached is a type, so this is form A */
        const uint32_t at = (cache->last + i) % MUX_CACHE_TYPES;
        if (is_cached(&cache->types[at], payload, bytes)) {
            cache->last = at;
            frame_read_typed(payload, bytes, cache->types[at].size - 1, info);
            return cache->types[at].entry;
        }
    }
    const frame_form form = frame_read(payload, bytes, info);
    if (form == FRAME_A || form == FRAME_B) {
        return find_cached(mux, cache, info);
    }
    return rule == SLOTQ_FRAME_TYPED ? NULL : mux->entries[INDEX_PLAIN];
}

/* ---- run ---- */

/* Each middleware gets a separate chain, so that its second call is seen, and runs nothing. */
slotq_result slotq_chain_run(slotq_chain *rest, slotq_task *task)
{
    const slotq_result nothing = {0};
    if (rest == NULL || rest->was_run) {
        return nothing;
    }
    rest->was_run = true;
    const slotq_handler *handler = &rest->entry->handler;
    if (rest->next == rest->mux->middleware_count) {
        return handler->run(handler->context, task);
    }
    const mux_middleware *middleware = &rest->mux->middlewares[rest->next];
    slotq_chain behind = {.mux = rest->mux, .entry = rest->entry, .next = rest->next + 1};
    /* cppcheck-suppress returnDanglingLifetime ; a result has no pointer in it */
    return middleware->call(middleware->context, task, &behind);
}

slotq_result mux_run(const slotq_mux *mux, const mux_entry *entry, slotq_task *task)
{
    if (mux->middleware_count == 0) {
        return entry->handler.run(entry->handler.context, task);
    }
    slotq_chain chain = {.mux = mux, .entry = entry};
    return slotq_chain_run(&chain, task);
}
