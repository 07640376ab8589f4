/* bell.h: what a consumer of a sharded queue on servers does next while it waits (SHARDS.md, "The
 * bell"): registering, rounds, looking where it was told, leaving, hand-over. Must not know how a
 * server is asked: the caller does each step, and says what came of it.
 *
 *     shards_bell_wait(&bell, now_ms);
 *     while ((step = shards_bell_next(&bell)).act > SHARDS_BELL_SLEEP) {
 *         … do it, and call the function that stands beside it …
 *     }
 */
#ifndef SLOTQ_BACKEND_SHARDS_BELL_H
#define SLOTQ_BACKEND_SHARDS_BELL_H

#include "../../slotq_core.h"

enum {
    SHARDS_BELL_ROUND_MS = 3000,      /* rule 38 */
    SHARDS_BELL_ROUND_MS_MAX = 60000, /* rule 38 */
    SHARDS_BELL_NEAR_DUE_MS = 12000   /* rule 43 */
};

#define SHARDS_BELL_WHOLE UINT32_MAX /* instead of a shard: a round */

typedef enum shards_bell_act {
    SHARDS_BELL_DONE,      /* it does not wait */
    SHARDS_BELL_SLEEP,     /* till it is told something: shards_bell_told; or until_ms */
    SHARDS_BELL_SUBSCRIBE, /* to its place anew: shards_bell_subscribed */
    SHARDS_BELL_REGISTER,  /* a reserve at the bell with the place, then PING, and what has come
                              before the reply to it: shards_bell_registered */
    SHARDS_BELL_LOOK,      /* a reserve at the shard: shards_bell_looked */
    SHARDS_BELL_SEARCH,    /* the same for one message, which sets bit 2: shards_bell_looked */
    SHARDS_BELL_UNWAIT,    /* shards_bell_unwaited */
    SHARDS_BELL_NUDGE      /* for the shard or a round, with need 1; no hush follows. Nothing to
                              call */
} shards_bell_act;

typedef struct shards_bell_step {
    shards_bell_act act;
    uint32_t shard;    /* or SHARDS_BELL_WHOLE */
    uint64_t until_ms; /* SLEEP: the earliest due time that it knows; UINT64_MAX: none */
} shards_bell_step;

/* Shards by their numbers, and whether a whole round is meant. */
typedef struct shards_set {
    uint64_t words[SLOTQ_SHARDS_MAX / 64];
    bool whole;
} shards_set;

void shards_set_put(shards_set *set, uint32_t what);
void shards_set_take(shards_set *set, uint32_t what);
bool shards_set_has(const shards_set *set, uint32_t what);

typedef enum shards_bell_phase {
    SHARDS_BELL_IDLE,
    SHARDS_BELL_SLEEPS,
    SHARDS_BELL_SUBSCRIBES,
    SHARDS_BELL_REGISTERS,
    SHARDS_BELL_HINTS, /* looks where it was told */
    SHARDS_BELL_SEARCHES,
    SHARDS_BELL_LEAVES,
    SHARDS_BELL_HANDS_OVER
} shards_bell_phase;

/* Of one handle; zero at first. One that was told to stop, or has found, is to be asked for its
 * next step until that is DONE. */
typedef struct shards_bell {
    shards_bell_phase phase;
    uint32_t shard;       /* the bell: the open shard with the lowest number */
    shards_set looked_at; /* shards besides the bell that have queues; set by the caller */
    bool hears;           /* it is subscribed */
    bool believes;        /* its place may be set: it has read no message since it registered */
    uint32_t others;      /* that slept when it registered last */
    uint64_t round_ms;    /* when its last round began; 0: never */
    shards_set hints;     /* what it was told, and has not looked at */
    shards_set late;      /* what it read when it registered last */
    bool was_told;        /* by that: its place need not be set */
    shards_set left;      /* of its round */
    shards_set owed;      /* nudges */
    uint64_t due_ms[SLOTQ_SHARDS_MAX]; /* that it has seen since it last took a message; 0: none */
} shards_bell;

/* What a registration said. */
typedef struct shards_bell_answer {
    bool found;
    bool broke;      /* nothing was found, but the PING was not answered */
    bool kept;       /* its place was set before */
    uint32_t others; /* places of its row that are set besides */
    uint32_t before; /* of these before its own */
    uint64_t due_ms; /* UINT64_MAX: none */
    shards_set read; /* messages of its row */
} shards_bell_answer;

/* A call that waits begins, or goes on after a sleep. */
void shards_bell_wait(shards_bell *bell, uint64_t now_ms);
shards_bell_step shards_bell_next(shards_bell *bell);
void shards_bell_told(shards_bell *bell, uint32_t what);
void shards_bell_lost(shards_bell *bell); /* the subscription, while it sleeps or does not wait */
void shards_bell_subscribed(shards_bell *bell);
void shards_bell_registered(shards_bell *bell, const shards_bell_answer *answer, uint64_t now_ms);
/* due_ms: where nothing was found, UINT64_MAX if none. */
void shards_bell_looked(shards_bell *bell, uint32_t shard, bool found, uint64_t due_ms,
                        uint64_t now_ms);
void shards_bell_unwaited(shards_bell *bell, bool was_set, uint64_t now_ms);
/* The reply to a reserve at a shard said that it leaves something there, and to ring (rule 43). */
void shards_bell_owe(shards_bell *bell, uint32_t shard);
/* It waits no more: its time is over, or another bell has taken this one's place. */
void shards_bell_stop(shards_bell *bell);

/* After a nudge of rule 45, which told so many: whether a hush is to follow. */
static inline bool shards_bell_hushes(uint32_t told, bool bell_has_sleepers)
{
    return told == 0 && !bell_has_sleepers;
}

#endif
