/* damage.h: how a rule that is broken is told: the offset and the rule. Knows no rule.
 */
#ifndef SLOTQ_LAYOUT_DAMAGE_H
#define SLOTQ_LAYOUT_DAMAGE_H

#include "../slotq_core.h"

/* Say where and what, and be false. */
static inline bool damage_found(slotq_damage *damage, uint64_t offset, const char *what)
{
    damage->offset = offset;
    damage->what = what;
    return false;
}

#endif
