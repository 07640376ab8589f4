/* limit.h: the limits of a group as JSON and in words, for limit, stats and reserve.
 */
#ifndef SLOTQ_TOOLS_VERBS_LIMIT_H
#define SLOTQ_TOOLS_VERBS_LIMIT_H

#include <jansson.h>

#include "slotq.h"

/* A new object; NULL when memory is out. */
json_t *limits_object(const slotq_stats *stats);

typedef struct limits_words {
    char text[200]; /* "" if the group has none */
} limits_words;

/* What limits the group, and for how long none may go. */
limits_words limits_text(const slotq_stats *stats, uint64_t now_ms);

#endif
