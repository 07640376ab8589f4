/* values.h: numbers, sizes, times, ids and tokens read from text. Pure: no output, no queue. A
 * parser returns false unless the whole text is one value.
 */
#ifndef SLOTQ_TOOLS_LINE_VALUES_H
#define SLOTQ_TOOLS_LINE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slotq.h"

/* Decimal digits only, below 2^64. */
bool parse_count(const char *text, uint64_t *value);
/* A count, or one with k, K, KiB, m, M or MiB after it (powers of 1024). */
bool parse_bytes(const char *text, uint64_t *value);
/* 500ms, 30s, 5m, 2h, 1d, also 1.5s and 1m30s; 0 needs no unit. In milliseconds. */
bool parse_time(const char *text, uint64_t *value_ms);
/* One time, or two with .. between (least first); with one, both are it. */
bool parse_times(const char *text, uint64_t *least_ms, uint64_t *most_ms);
/* N/s, N/m, N/h, N/d, or N per several of them (1/90s), as the time between two messages, rounded
 * up to microseconds: 1 to SLOTQ_RATE_INTERVAL_US_MAX. */
bool parse_rate(const char *text, uint64_t *interval_us);
/* An id: 1 to SLOTQ_ID_MAX, or SHARD-ID of a sharded queue. */
bool parse_id(const char *text, uint64_t *id);
/* ID:TOKEN as reserve prints it; run->count is 1. */
bool parse_token(const char *text, slotq_run *run);

#endif
