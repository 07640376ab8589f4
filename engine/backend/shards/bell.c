/* bell.c: see bell.h. tests/protocol searches these rules as a state machine that was written
 * apart; the names of the phases are the same there. A round goes from shard to shard, and ends at
 * the first that has a message.
 */
#include "bell.h"

#include <string.h>

/* ---- sets ---- */

void shards_set_put(shards_set *set, uint32_t what)
{
    if (what < SLOTQ_SHARDS_MAX) {
        set->words[what / 64] |= UINT64_C(1) << what % 64;
    } else if (what == SHARDS_BELL_WHOLE) {
        set->whole = true;
    }
}

void shards_set_take(shards_set *set, uint32_t what)
{
    if (what < SLOTQ_SHARDS_MAX) {
        set->words[what / 64] &= ~(UINT64_C(1) << what % 64);
    } else if (what == SHARDS_BELL_WHOLE) {
        set->whole = false;
    }
}

bool shards_set_has(const shards_set *set, uint32_t what)
{
    return what < SLOTQ_SHARDS_MAX ? (set->words[what / 64] >> what % 64 & 1) != 0
                                   : what == SHARDS_BELL_WHOLE && set->whole;
}

static void clear(shards_set *set)
{
    memset(set, 0, sizeof *set);
}

static void unite(shards_set *set, const shards_set *other)
{
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX / 64; i++) {
        set->words[i] |= other->words[i];
    }
    set->whole = set->whole || other->whole;
}

/* The lowest shard of it; SHARDS_BELL_WHOLE: none. */
static uint32_t lowest(const shards_set *set)
{
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX / 64; i++) {
        for (uint32_t bit = 0; set->words[i] != 0 && bit < 64; bit++) {
            if ((set->words[i] >> bit & 1) != 0) {
                return i * 64 + bit;
            }
        }
    }
    return SHARDS_BELL_WHOLE;
}

static bool is_empty(const shards_set *set)
{
    return !set->whole && lowest(set) == SHARDS_BELL_WHOLE;
}

/* The lowest shard that it was told of, and not of the bell. */
static uint32_t next_hint(const shards_bell *bell)
{
    shards_set hints = bell->hints;
    shards_set_take(&hints, bell->shard);
    return lowest(&hints);
}

/* ---- leaving ---- */

/* What it has when it stops waiting goes to another consumer (rule 43). The bell itself rings for
 * what is there. */
static void end(shards_bell *bell, uint64_t now_ms)
{
    shards_set_take(&bell->hints, bell->shard);
    unite(&bell->owed, &bell->hints);
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
        const uint64_t due_ms = i != bell->shard ? bell->due_ms[i] : 0;
        if (due_ms != 0 && due_ms < now_ms + SHARDS_BELL_NEAR_DUE_MS) {
            shards_set_put(&bell->owed, i);
        }
        bell->due_ms[i] = 0;
    }
    clear(&bell->hints);
    clear(&bell->left);
    clear(&bell->late); /* if it is newer than the place, that was not set any more */
    bell->believes = false;
    bell->phase = SHARDS_BELL_HANDS_OVER;
}

void shards_bell_stop(shards_bell *bell)
{
    if (bell->phase == SHARDS_BELL_IDLE || bell->phase >= SHARDS_BELL_LEAVES) {
        return;
    }
    bell->hints.whole = bell->hints.whole || !is_empty(&bell->left);
    bell->phase = SHARDS_BELL_LEAVES;
}

void shards_bell_unwaited(shards_bell *bell, bool was_set, uint64_t now_ms)
{
    /* it was told of something that it will not look at (rule 41) */
    bell->hints.whole = bell->hints.whole || (!was_set && bell->believes);
    end(bell, now_ms);
}

void shards_bell_owe(shards_bell *bell, uint32_t shard)
{
    shards_set_put(&bell->owed, shard);
    if (bell->phase == SHARDS_BELL_IDLE) {
        bell->phase = SHARDS_BELL_HANDS_OVER;
    }
}

/* ---- waiting ---- */

void shards_bell_told(shards_bell *bell, uint32_t what)
{
    shards_set_put(&bell->hints, what);
    bell->believes = false;
}

void shards_bell_lost(shards_bell *bell)
{
    bell->hears = false;
    if (bell->phase == SHARDS_BELL_SLEEPS) {
        bell->phase = SHARDS_BELL_SUBSCRIBES;
    }
}

void shards_bell_subscribed(shards_bell *bell)
{
    bell->hears = true;
    bell->hints.whole = true; /* what was told meanwhile is lost */
    bell->phase = SHARDS_BELL_REGISTERS;
}

static void look_where_told(shards_bell *bell)
{
    bell->phase = next_hint(bell) != SHARDS_BELL_WHOLE ? SHARDS_BELL_HINTS : SHARDS_BELL_REGISTERS;
}

void shards_bell_wait(shards_bell *bell, uint64_t now_ms)
{
    if (bell->phase == SHARDS_BELL_IDLE) {
        bell->phase = bell->hears ? SHARDS_BELL_REGISTERS : SHARDS_BELL_SUBSCRIBES;
    } else if (bell->phase == SHARDS_BELL_SLEEPS) {
        for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
            if (bell->due_ms[i] != 0 && bell->due_ms[i] <= now_ms) {
                bell->due_ms[i] = 0;
                shards_set_put(&bell->hints, i);
            }
        }
        look_where_told(bell);
    }
}

/* What it read when it registered last may be newer than that: then its place is clear again. */
static void fall_asleep(shards_bell *bell)
{
    bell->phase = SHARDS_BELL_SLEEPS;
    if (!is_empty(&bell->late)) {
        unite(&bell->hints, &bell->late);
        clear(&bell->late);
        bell->was_told = true;
        look_where_told(bell);
    }
}

static void see_due(shards_bell *bell, uint32_t shard, uint64_t due_ms)
{
    bell->due_ms[shard] = due_ms != UINT64_MAX ? due_ms : 0;
}

static bool is_round_due(const shards_bell *bell, uint32_t before, uint64_t now_ms)
{
    const uint64_t age_ms = SHARDS_BELL_ROUND_MS * (UINT64_C(1) + before);
    const uint64_t most_ms = age_ms < SHARDS_BELL_ROUND_MS_MAX ? age_ms : SHARDS_BELL_ROUND_MS_MAX;
    return bell->hints.whole || bell->others == 0 || bell->round_ms == 0 ||
           now_ms - bell->round_ms >= most_ms;
}

/* Rules 37, 38 and 40. */
static void is_registered(shards_bell *bell, uint32_t before, uint64_t now_ms)
{
    shards_set_take(&bell->hints, bell->shard);
    if (is_round_due(bell, before, now_ms)) {
        clear(&bell->hints); /* a round covers what it was told of */
        bell->round_ms = now_ms;
        bell->phase = SHARDS_BELL_SEARCHES;
        bell->left = bell->looked_at;
        if (is_empty(&bell->left)) {
            fall_asleep(bell);
        }
    } else if (is_empty(&bell->hints)) {
        fall_asleep(bell);
    } else {
        bell->phase = SHARDS_BELL_HINTS;
    }
}

void shards_bell_registered(shards_bell *bell, const shards_bell_answer *answer, uint64_t now_ms)
{
    if (answer->found) {
        bell->hints.whole = bell->hints.whole || bell->believes; /* rule 42 */
        end(bell, now_ms);
        return;
    }
    const bool is_lost =
        bell->believes && !bell->was_told && !answer->kept && is_empty(&answer->read);
    if (bell->believes) { /* else it is newer than its place */
        unite(&bell->hints, &answer->read);
    }
    bell->believes = true;
    bell->others = answer->others;
    see_due(bell, bell->shard, answer->due_ms);
    bell->late = answer->read;
    bell->was_told = false;
    if (answer->broke || is_lost) {
        bell->hears = false;
        bell->hints.whole = true; /* others that register from now on rely on its round */
        bell->phase = SHARDS_BELL_SUBSCRIBES;
    } else {
        is_registered(bell, answer->before, now_ms);
    }
}

static void look_of_round(shards_bell *bell, uint32_t shard, bool found, uint64_t due_ms)
{
    shards_set_take(&bell->left, shard);
    if (found) {
        bell->hints.whole = !is_empty(&bell->left);
        clear(&bell->left);
        bell->phase = SHARDS_BELL_LEAVES;
        return;
    }
    see_due(bell, shard, due_ms);
    if (is_empty(&bell->left)) {
        fall_asleep(bell);
    }
}

void shards_bell_looked(shards_bell *bell, uint32_t shard, bool found, uint64_t due_ms,
                        uint64_t now_ms)
{
    if (bell->phase == SHARDS_BELL_SEARCHES) {
        look_of_round(bell, shard, found, due_ms);
        return;
    }
    shards_set_take(&bell->hints, shard);
    if (!found) {
        see_due(bell, shard, due_ms);
        look_where_told(bell);
    } else if (bell->believes || shards_set_has(&bell->hints, bell->shard)) {
        bell->phase = SHARDS_BELL_LEAVES;
    } else {
        end(bell, now_ms);
    }
}

/* ---- the next step ---- */

static uint64_t earliest_due(const shards_bell *bell)
{
    uint64_t earliest_ms = UINT64_MAX;
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) {
        const uint64_t due_ms = bell->due_ms[i];
        earliest_ms = due_ms != 0 && due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    return earliest_ms;
}

static shards_bell_step hand_over(shards_bell *bell)
{
    const uint32_t shard = lowest(&bell->owed);
    if (is_empty(&bell->owed)) {
        bell->phase = SHARDS_BELL_IDLE;
        return (shards_bell_step){SHARDS_BELL_DONE, 0, 0};
    }
    shards_set_take(&bell->owed, shard);
    return (shards_bell_step){SHARDS_BELL_NUDGE, shard, 0};
}

shards_bell_step shards_bell_next(shards_bell *bell)
{
    switch (bell->phase) {
    case SHARDS_BELL_SLEEPS:
        return (shards_bell_step){SHARDS_BELL_SLEEP, bell->shard, earliest_due(bell)};
    case SHARDS_BELL_SUBSCRIBES:
        return (shards_bell_step){SHARDS_BELL_SUBSCRIBE, bell->shard, 0};
    case SHARDS_BELL_REGISTERS:
        return (shards_bell_step){SHARDS_BELL_REGISTER, bell->shard, 0};
    case SHARDS_BELL_HINTS:
        return (shards_bell_step){SHARDS_BELL_LOOK, next_hint(bell), 0};
    case SHARDS_BELL_SEARCHES:
        return (shards_bell_step){SHARDS_BELL_SEARCH, lowest(&bell->left), 0};
    case SHARDS_BELL_LEAVES:
        return (shards_bell_step){SHARDS_BELL_UNWAIT, bell->shard, 0};
    case SHARDS_BELL_HANDS_OVER:
        return hand_over(bell);
    default:
        return (shards_bell_step){SHARDS_BELL_DONE, 0, 0};
    }
}
