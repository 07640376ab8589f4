/* dead.cpp: see model.hpp. Here: the verbs that take messages out of the dead section.
 */
#include <algorithm>

#include "model.hpp"

namespace support
{

slotq_outcome Model::redrive(slotq_call_dead &redrive)
{
    redrive.count = 0;
    redrive.damaged = 0;
    redrive.first_id = 0;
    if (redrive.limit < 1 || redrive.limit > SLOTQ_CALL_MESSAGES_MAX ||
        (redrive.id != 0 && redrive.group >= geometry.groups &&
         redrive.group != SLOTQ_ALL_GROUPS)) {
        return SLOTQ_INVALID;
    }
    if ((paused & SLOTQ_PAUSE_IN) != 0) {
        return SLOTQ_PAUSED;
    }
    const size_t there = dead_count();
    size_t place = 0;
    for (size_t i = 0; i < redrive.limit && i < there; i++) {
        while (redrive.id != 0 && place < dead.size() &&
               !is_asked(dead[place], redrive.id, redrive.group)) {
            place++;
        }
        if (place == dead.size()) {
            break;
        }
        if (last_id == SLOTQ_ID_MAX || !make_room(1)) {
            return SLOTQ_FULL;
        }
        const DeadMessage entry = dead[place];
        if (entry.damaged) {
            redrive.damaged++;
            if (redrive.id == 0) {
                dead.push_back(entry);
                take_out(0);
            } else {
                place++;
            }
            continue;
        }
        take_out(place);
        place = std::min(place, dead.size());
        add(entry.payload);
        for (uint32_t g = 0; g < groups.size(); g++) {
            if (g != entry.group) {
                messages.back().shares[g].state = SLOTQ_STATE_DONE;
                messages.back().shares[g].why = SLOTQ_WHY_OTHER_GROUP;
            }
        }
        move_heads();
        note_change();
        redrive.first_id = redrive.count == 0 ? last_id : redrive.first_id;
        redrive.count++;
    }
    const bool none = redrive.id != 0 && redrive.count + redrive.damaged == 0;
    return none ? SLOTQ_NOTFOUND : SLOTQ_OK;
}

slotq_outcome Model::dead_remove(slotq_call_dead &remove)
{
    remove.count = 0;
    if (remove.id == 0 || (remove.group >= geometry.groups && remove.group != SLOTQ_ALL_GROUPS)) {
        return SLOTQ_INVALID;
    }
    for (size_t place = 0; place < dead.size();) {
        if (is_asked(dead[place], remove.id, remove.group)) {
            take_out(place);
            remove.count++;
            place = 0;
        } else {
            place++;
        }
    }
    return remove.count > 0 ? SLOTQ_OK : SLOTQ_NOTFOUND;
}

slotq_outcome Model::dead_purge(slotq_call_dead &purge)
{
    purge.count = dead_count();
    dead.clear();
    return SLOTQ_OK;
}

} // namespace support
