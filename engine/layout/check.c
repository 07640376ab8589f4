/* check.c: checks every rule of FORMAT.md over a whole image, in the order of the bytes. The front
 * comes first, because all other sections are found through it.
 */
#include "assert.h"
#include "check.h"
#include "fields.h"
#include "geometry.h"

enum {
    ERA_LATE_IDS = SLOTQ_CALL_MESSAGES_MAX
}; /* one push can cross a multiple before its era is stored */

/* The geometry must be the same as at opening: a mapped file can be replaced underneath. */
static bool check_fixed(const slotq_view *view, slotq_damage *damage)
{
    uint8_t opened[GEOMETRY_END];
    geometry_store(opened, &view->geometry);
    for (uint32_t i = AT_geometry_magic; i < sizeof opened; i++) {
        if (view->bytes[i] != opened[i]) {
            return damage_found(damage, i, "the geometry has changed since it was opened");
        }
    }
    return true;
}

static bool check_era(const front_block *front, slotq_damage *damage)
{
    if (front->stored_era == front->era) {
        return true;
    }
    if (front->era == 0) {
        return damage_found(damage, AT_shared_era, "era is past its end");
    }
    if ((front->last_id & 0x7FFFFFFF) >= ERA_LATE_IDS) {
        return damage_found(damage, AT_shared_era, "era's lowest bit is not last_id's top bit");
    }
    return true; /* the last push crossed and was interrupted: the next write repairs it */
}

static bool check_shared(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    if (!check_era(front, damage)) {
        return false;
    }
    if (front->paused > SLOTQ_PAUSE_ALL) {
        return damage_found(damage, AT_shared_paused, "paused is above 7");
    }
    if (load_u16(view->bytes + AT_shared_reserved_78) != 0) {
        return damage_found(damage, AT_shared_reserved_78, "bytes 78 and 79 are not 0");
    }
    return true;
}

slotq_outcome slotq_core_check(const slotq_view *view, slotq_damage *damage)
{
    front_block front;
    SLOTQ_ASSERT(view->bytes != NULL);
    damage->offset = 0;
    damage->what = NULL;
    const bool sound = check_fixed(view, damage) && front_load(view, &front, damage) &&
                       check_shared(view, &front, damage) && check_groups(view, &front, damage) &&
                       check_ring(view, &front, damage) && check_later(view, damage) &&
                       check_aside(view, &front, damage) && check_keys(view, &front, damage) &&
                       check_dead(view, &front, damage);
    SLOTQ_ASSERT(sound == (damage->what == NULL));
    return sound ? SLOTQ_OK : SLOTQ_CORRUPT;
}
