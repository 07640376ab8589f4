/* settle.h: how the commands that settle a leased message print what became of it in JSON.
 */
#ifndef SLOTQ_TOOLS_VERBS_SETTLE_H
#define SLOTQ_TOOLS_VERBS_SETTLE_H

#include <jansson.h>

#include "slotq.h"

/* Its id, token, both as ID:TOKEN, and the outcome; NULL without memory. */
json_t *settled_json(uint64_t id, uint32_t token, slotq_outcome outcome);

#endif
