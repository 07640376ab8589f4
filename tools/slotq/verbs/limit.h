/* limit.h: the limits of a group as JSON, for limit and stats.
 */
#ifndef SLOTQ_TOOLS_VERBS_LIMIT_H
#define SLOTQ_TOOLS_VERBS_LIMIT_H

#include <jansson.h>

#include "slotq.h"

/* A new object; NULL when memory is out. */
json_t *limits_object(const slotq_stats *stats);

#endif
