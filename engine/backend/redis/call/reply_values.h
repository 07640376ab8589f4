/* reply_values.h: the single values that replies are made of, judged: numbers, names of outcomes,
 * a status, the stats. Knows shapes and ranges; no call.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_REPLY_VALUES_H
#define SLOTQ_BACKEND_REDIS_CALL_REPLY_VALUES_H

#include <hiredis/hiredis.h>

#include "../../../slotq_types.h"

enum { VALUE_STATUS_PARTS = 7 };

/* Times of a reply are below this: now's limit and the longest lease. */
#define VALUE_MS_END (UINT64_C(1) << 48)

/* An integer, or a string of digits (some hosts of scripts give those), 0 to most. */
bool value_number(const redisReply *reply, uint64_t most, uint64_t *value);

/* " 123" of a status: one space, digits. */
bool value_digits(const char *text, size_t length, uint64_t *value);

bool value_is_array(const redisReply *reply, size_t elements);

/* The bytes of all strings after an array's first element; SIZE_MAX: they are more than most, or
 * something else is among them. */
size_t value_bytes_behind_first(const redisReply *reply, size_t most);

/* A string or status that is the name of one of count outcomes. */
bool value_outcome(const redisReply *reply, const slotq_outcome *possible, size_t count,
                   slotq_outcome *outcome);

/* The seven values of one id; outcome is OK, FINISHED or NOTFOUND. */
bool value_status(redisReply *const *parts, slotq_status *status, slotq_outcome *outcome);

/* Names and values, in the order of slotq_stats. */
bool value_stats(const redisReply *reply, slotq_stats *stats);

/* The last id of a queue at its end, or UNFINISHED. */
bool value_finish(const redisReply *reply, uint64_t *last_id, slotq_outcome *outcome);

#endif
