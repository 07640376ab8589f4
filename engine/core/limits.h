/* limits.h: how much one call may push or settle, and how long a message that cannot die waits.
 * Inlined, because the plain path judges by it. Knows a geometry and what a caller hands over; must
 * not know an image.
 */
#ifndef SLOTQ_CORE_LIMITS_H
#define SLOTQ_CORE_LIMITS_H

#include "../slotq_types.h"

/* Delay of a message that waits for room in the dead section. */
enum { DEAD_FULL_RETRY_MS = 60000 };

typedef enum push_limit {
    PUSH_FITS,
#define SLOTQ_PUSH_LIMIT(NAME, outcome, text) PUSH_##NAME,
#include "limits.def"
#undef SLOTQ_PUSH_LIMIT
} push_limit;

/* What push_judge found. */
typedef struct push_size {
    uint32_t looked; /* messages whose sizes were added; PUSH_PAYLOAD: the next is too large */
    uint32_t payload_bytes;
} push_size;

static inline bool call_count_fits(uint64_t messages)
{
    return messages >= 1 && messages <= SLOTQ_CALL_MESSAGES_MAX;
}

/* The first limit that messages break which go where there is room for `capacity`. */
static inline push_limit messages_judge(const slotq_geometry *geometry, uint32_t capacity,
                                        const slotq_data *messages, uint32_t count, push_size *size)
{
    size->looked = 0;
    size->payload_bytes = 0; /* cannot wrap: at most 4096 payloads of 65535 bytes */
    if (!call_count_fits(count) || messages == NULL) {
        return PUSH_COUNT;
    }
    for (; size->looked < count; size->looked++) {
        if (messages[size->looked].size > geometry->payload_bytes) {
            return PUSH_PAYLOAD;
        }
        size->payload_bytes += messages[size->looked].size;
    }
    if (count > capacity) {
        return PUSH_CAPACITY;
    }
    return size->payload_bytes > SLOTQ_CALL_BYTES_MAX ? PUSH_BYTES : PUSH_FITS;
}

/* The first limit that a push breaks. */
static inline push_limit push_judge(const slotq_geometry *geometry, const slotq_data *messages,
                                    uint32_t count, push_size *size)
{
    return messages_judge(geometry, geometry->ring_slots - 1u, messages, count, size);
}

/* The first limit that a schedule breaks. */
static inline push_limit schedule_judge(const slotq_geometry *geometry, const slotq_data *messages,
                                        uint32_t count, push_size *size)
{
    return messages_judge(geometry, geometry->later_slots, messages, count, size);
}

static inline slotq_outcome push_limit_outcome(push_limit limit)
{
    static const uint8_t outcomes[] = {
        SLOTQ_OK,
#define SLOTQ_PUSH_LIMIT(NAME, outcome, text) SLOTQ_##outcome,
#include "limits.def"
#undef SLOTQ_PUSH_LIMIT
    };
    return (slotq_outcome)outcomes[limit];
}

/* What runs_judge found. */
typedef struct runs_size {
    uint32_t looked; /* runs that were added; the next one has no message if has_empty */
    bool has_empty;
    uint64_t messages;
} runs_size;

/* True if the runs are 1 to SLOTQ_CALL_MESSAGES_MAX messages, and none is empty. */
static inline bool runs_judge(const slotq_run *runs, uint32_t run_count, runs_size *size)
{
    size->looked = 0;
    size->has_empty = false;
    size->messages = 0;
    for (; size->looked < run_count && size->messages <= SLOTQ_CALL_MESSAGES_MAX; size->looked++) {
        if (runs[size->looked].count == 0) {
            size->has_empty = true;
            return false;
        }
        size->messages += runs[size->looked].count;
    }
    return call_count_fits(size->messages);
}

#endif
