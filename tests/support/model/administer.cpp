/* administer.cpp: see model.hpp. Here: remove, reclaim, pause and purge.
 */
#include "model.hpp"

namespace support
{

slotq_outcome Model::remove(slotq_call_remove &remove)
{
    const bool all = remove.group == SLOTQ_ALL_GROUPS;
    if (!all && remove.group >= geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (remove.id == 0 || remove.id > last_id) {
        return SLOTQ_NOTFOUND;
    }
    bool open = false;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t g = 0; g < groups.size(); g++) {
            const Share *share = this->share(remove.id, g);
            if ((!all && remove.group != g) || share == nullptr ||
                share->state == SLOTQ_STATE_DONE) {
                continue;
            }
            if (share->state == SLOTQ_STATE_LEASED) {
                return SLOTQ_LEASED;
            }
            open = true;
            if (pass == 1) {
                at(remove.id).shares[g] = Share();
                at(remove.id).shares[g].state = SLOTQ_STATE_DONE;
                at(remove.id).shares[g].why = SLOTQ_WHY_REMOVED;
            }
        }
    }
    forget_aside(remove.id);
    move_heads();
    note_change();
    return open ? SLOTQ_OK : SLOTQ_GONE;
}

slotq_outcome Model::reclaim(slotq_call_reclaim &reclaim)
{
    if (reclaim.group >= geometry.groups) {
        return SLOTQ_INVALID;
    }
    Group &group = groups[reclaim.group];
    Swept swept;
    if (sweep_wanted(group)) {
        swept = sweep(reclaim.group, sweep_far(group), nullptr);
    }
    reclaim.ready_count = swept.ready;
    reclaim.dead_count = swept.died;
    return group.sweep ? SLOTQ_AGAIN : SLOTQ_OK;
}

slotq_outcome Model::pause(slotq_verb verb, const slotq_call_pause &pause)
{
    if (pause.what < 1 || pause.what > SLOTQ_PAUSE_ALL) {
        return SLOTQ_INVALID;
    }
    if (verb == SLOTQ_PAUSE) {
        paused |= pause.what;
    } else {
        delivers_ = (paused & pause.what & SLOTQ_PAUSE_BOTH) != 0;
        paused &= ~static_cast<uint32_t>(pause.what);
    }
    return SLOTQ_OK;
}

slotq_outcome Model::finish(slotq_call_finish &finish) const
{
    bool finished =
        (paused & SLOTQ_PAUSE_CLOSED) != 0 && aside.empty() && later.empty() && dead.empty();
    for (const Group &group : groups) {
        finished = finished && group.head == last_id + 1;
    }
    finish.last_id = last_id;
    return finished ? SLOTQ_OK : SLOTQ_UNFINISHED;
}

slotq_outcome Model::purge()
{
    for (Group &group : groups) {
        group.head = last_id + 1;
        group.cursor = last_id + 1;
        group.due.reset();
        group.due_next.reset();
        group.sweep.reset();
    }
    aside.clear();
    forget_finished();
    return SLOTQ_OK;
}

} // namespace support
