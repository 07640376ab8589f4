/* reply_values.c: see reply_values.h.
 */
#include "reply_values.h"

#include <string.h>

enum { DIGITS_MAX = 15 };

static bool digits(const char *text, size_t length, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        sum = sum * 10 + (uint64_t)(text[i] - '0');
    }
    *value = sum;
    return length >= 1;
}

bool value_digits(const char *text, size_t length, uint64_t *value)
{
    return length >= 2 && length <= 1 + DIGITS_MAX && text[0] == ' ' &&
           digits(text + 1, length - 1, value) && *value < VALUE_MS_END;
}

bool value_number(const redisReply *reply, uint64_t most, uint64_t *value)
{
    if (reply->type == REDIS_REPLY_STRING && reply->len <= DIGITS_MAX) {
        return digits(reply->str, reply->len, value) && *value <= most;
    }
    *value = (uint64_t)reply->integer;
    return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 && *value <= most;
}

bool value_is_array(const redisReply *reply, size_t elements)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == elements;
}

static bool is_text(const redisReply *reply, const char *text)
{
    return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) &&
           reply->len == strlen(text) && memcmp(reply->str, text, reply->len) == 0;
}

static const struct {
    slotq_outcome outcome;
    const char *name;
} names[] = {
#define SLOTQ_CODE(name, number, kind, exit_code, text) {SLOTQ_##name, #name},
#include "../../../errors.def"
#undef SLOTQ_CODE
};

size_t value_bytes_behind_first(const redisReply *reply, size_t most)
{
    size_t bytes = 0;
    for (size_t i = 1; i < reply->elements; i++) {
        const redisReply *piece = reply->element[i];
        if (piece->type != REDIS_REPLY_STRING || piece->len > most - bytes) {
            return SIZE_MAX;
        }
        bytes += piece->len;
    }
    return bytes;
}

bool value_outcome(const redisReply *reply, const slotq_outcome *possible, size_t count,
                   slotq_outcome *outcome)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!is_text(reply, names[i].name)) {
            continue;
        }
        for (size_t k = 0; k < count; k++) {
            if (possible[k] == names[i].outcome) {
                *outcome = possible[k];
                return true;
            }
        }
    }
    return false;
}

static const char *const state_names[] = {"READY", "LEASED", "WAITING", "DONE"};

/* By name, or as the number of a stats or FULL. */
static bool value_state(const redisReply *reply, slotq_state *state)
{
    uint64_t number;
    for (uint32_t i = 0; i < 4; i++) {
        if (is_text(reply, state_names[i])) {
            *state = (slotq_state)i;
            return true;
        }
    }
    if (!value_number(reply, SLOTQ_STATE_DONE, &number)) {
        return false;
    }
    *state = (slotq_state)number;
    return true;
}

static bool is_why(uint64_t why)
{
    return why <= SLOTQ_WHY_REMOVED || why == SLOTQ_WHY_OTHER_GROUP;
}

bool value_status(redisReply *const *parts, slotq_status *status, slotq_outcome *outcome)
{
    static const slotq_outcome absent[] = {SLOTQ_FINISHED, SLOTQ_NOTFOUND};
    uint64_t why;
    uint64_t attempts;
    uint64_t deadline_ms;
    uint64_t position;
    uint64_t pushed_ms;
    if (value_outcome(parts[0], absent, 2, outcome)) {
        return true;
    }
    /* the age (parts[4]) is for clients without a clock in step with the server's */
    if (parts[0]->type == REDIS_REPLY_INTEGER || !value_state(parts[0], &status->state) ||
        !value_number(parts[1], SLOTQ_WHY_OTHER_GROUP, &why) || !is_why(why) ||
        !value_number(parts[2], 63, &attempts) ||
        !value_number(parts[3], VALUE_MS_END, &deadline_ms) ||
        !value_number(parts[5], SLOTQ_RING_SLOTS_MAX, &position) ||
        !value_number(parts[6], VALUE_MS_END, &pushed_ms)) {
        return false;
    }
    status->why = (slotq_why)why;
    status->attempts = (uint8_t)attempts;
    status->deadline_ms = deadline_ms;
    status->position = (uint32_t)position;
    status->pushed_ms = pushed_ms;
    *outcome = SLOTQ_OK;
    return true;
}

/* ---- stats ---- */

typedef enum stats_part {
    STATS_last_id,
    STATS_capacity,
    STATS_used,
    STATS_group,
    STATS_ready,
    STATS_undelivered,
    STATS_leased,
    STATS_waiting,
    STATS_unfinished,
    STATS_acked,
    STATS_redelivered,
    STATS_died,
    STATS_next_due_ms,
    STATS_oldest_ms,
    STATS_aside,
    STATS_aside_capacity,
    STATS_later,
    STATS_later_capacity,
    STATS_later_due_ms,
    STATS_dead,
    STATS_dead_capacity,
    STATS_dropped,
    STATS_dead_dropped,
    STATS_paused,
    STATS_max_leased,
    STATS_rate_burst,
    STATS_rate_interval_us,
    STATS_limited_until_ms,
    STATS_holder_id,
    STATS_holder_held,
    STATS_holder_unfinished,
    STATS_holder_group,
    STATS_holder_state,
    STATS_holder_steps_aside,
    STATS_holder_dead_full,
    STATS_PARTS
} stats_part;

#define PART(name, most) [STATS_##name] = {#name, most}

static const struct {
    const char *name;
    uint64_t most;
} stats_parts[STATS_PARTS] = {
    PART(last_id, SLOTQ_ID_MAX),
    PART(capacity, SLOTQ_RING_SLOTS_MAX),
    PART(used, SLOTQ_RING_SLOTS_MAX),
    PART(group, SLOTQ_GROUPS_MAX - 1),
    PART(ready, 2 * SLOTQ_RING_SLOTS_MAX),
    PART(undelivered, SLOTQ_RING_SLOTS_MAX),
    PART(leased, SLOTQ_RING_SLOTS_MAX),
    PART(waiting, SLOTQ_RING_SLOTS_MAX),
    PART(unfinished, 4 * SLOTQ_RING_SLOTS_MAX),
    PART(acked, UINT32_MAX),
    PART(redelivered, UINT32_MAX),
    PART(died, UINT32_MAX),
    PART(next_due_ms, UINT64_C(1) << 63), /* a damaged due is shown as it is */
    PART(oldest_ms, VALUE_MS_END),
    PART(aside, UINT8_MAX),
    PART(aside_capacity, UINT8_MAX),
    PART(later, SLOTQ_RING_SLOTS_MAX),
    PART(later_capacity, SLOTQ_RING_SLOTS_MAX),
    PART(later_due_ms, VALUE_MS_END),
    PART(dead, SLOTQ_RING_SLOTS_MAX),
    PART(dead_capacity, SLOTQ_RING_SLOTS_MAX),
    PART(dropped, UINT32_MAX),
    PART(dead_dropped, UINT32_MAX),
    PART(paused, UINT8_MAX),
    PART(max_leased, UINT16_MAX),
    PART(rate_burst, UINT16_MAX),
    PART(rate_interval_us, SLOTQ_RATE_INTERVAL_US_MAX),
    PART(limited_until_ms, UINT64_C(1) << 63),
    PART(holder_id, SLOTQ_ID_MAX),
    PART(holder_held, SLOTQ_RING_SLOTS_MAX),
    PART(holder_unfinished, 4 * SLOTQ_RING_SLOTS_MAX),
    PART(holder_group, SLOTQ_GROUPS_MAX - 1),
    PART(holder_state, SLOTQ_STATE_DONE),
    PART(holder_steps_aside, 1),
    PART(holder_dead_full, 1),
};

static void fill_stats(const uint64_t *values, slotq_stats *stats)
{
#define TAKE(name, type) stats->name = (type)values[STATS_##name]
    TAKE(last_id, uint64_t);
    TAKE(capacity, uint32_t);
    TAKE(used, uint32_t);
    TAKE(group, uint32_t);
    TAKE(ready, uint32_t);
    TAKE(undelivered, uint32_t);
    TAKE(leased, uint32_t);
    TAKE(waiting, uint32_t);
    TAKE(unfinished, uint32_t);
    TAKE(acked, uint32_t);
    TAKE(redelivered, uint32_t);
    TAKE(died, uint32_t);
    TAKE(next_due_ms, uint64_t);
    TAKE(oldest_ms, uint64_t);
    TAKE(aside, uint32_t);
    TAKE(aside_capacity, uint32_t);
    TAKE(later, uint32_t);
    TAKE(later_capacity, uint32_t);
    TAKE(later_due_ms, uint64_t);
    TAKE(dead, uint32_t);
    TAKE(dead_capacity, uint32_t);
    TAKE(dropped, uint32_t);
    TAKE(dead_dropped, uint32_t);
    TAKE(paused, uint8_t);
#undef TAKE
    stats->limits.max_leased = (uint16_t)values[STATS_max_leased];
    stats->limits.rate_burst = (uint16_t)values[STATS_rate_burst];
    stats->limits.rate_interval_us = values[STATS_rate_interval_us];
    stats->limited_until_ms = values[STATS_limited_until_ms];
    stats->holder.id = values[STATS_holder_id];
    stats->holder.held = (uint32_t)values[STATS_holder_held];
    stats->holder.unfinished = (uint32_t)values[STATS_holder_unfinished];
    stats->holder.group = (uint8_t)values[STATS_holder_group];
    stats->holder.state = (slotq_state)values[STATS_holder_state];
    stats->holder.steps_aside = values[STATS_holder_steps_aside] != 0;
    stats->holder.dead_full = values[STATS_holder_dead_full] == 1;
}

bool value_stats(const redisReply *reply, slotq_stats *stats)
{
    uint64_t values[STATS_PARTS];
    if (!value_is_array(reply, (size_t)2 * STATS_PARTS)) {
        return false;
    }
    for (uint32_t i = 0; i < STATS_PARTS; i++) {
        const redisReply *value = reply->element[2 * i + 1];
        slotq_state state;
        if (!is_text(reply->element[2 * i], stats_parts[i].name)) {
            return false;
        }
        if (i == STATS_holder_state && value_state(value, &state)) {
            values[i] = (uint64_t)state;
        } else if (!value_number(value, stats_parts[i].most, &values[i])) {
            return false;
        }
    }
    fill_stats(values, stats);
    return true;
}

bool value_finish(const redisReply *reply, uint64_t *last_id, slotq_outcome *outcome)
{
    static const slotq_outcome possible[] = {SLOTQ_UNFINISHED};
    if (value_outcome(reply, possible, 1, outcome)) {
        return true;
    }
    *outcome = SLOTQ_OK;
    return value_number(reply, SLOTQ_ID_MAX, last_id);
}
