/* damage.h: how a check reports a broken rule: the offset and the rule. Must not know any rule.
 */
#ifndef SLOTQ_LAYOUT_DAMAGE_H
#define SLOTQ_LAYOUT_DAMAGE_H

#include "../slotq_core.h"

/* Note the offset and the rule, and return false. */
static inline bool damage_found(slotq_damage *damage, uint64_t offset, const char *what)
{
    damage->offset = offset;
    damage->what = what;
    return false;
}

#endif
