/* later.cpp: see model.hpp. Here: scheduled messages, and kick.
 */
#include <algorithm>

#include "model.hpp"

namespace support
{

namespace
{

constexpr uint32_t promotions_max = 16;

bool is_sooner(const Scheduled &left, const Scheduled &right)
{
    return left.due_ms != right.due_ms ? left.due_ms < right.due_ms
                                       : left.later_id < right.later_id;
}

} // namespace

slotq_outcome Model::run_later(slotq_call &call)
{
    switch (call.verb) {
    case SLOTQ_SCHEDULE:
        return schedule(call.schedule);
    case SLOTQ_CANCEL:
        return cancel(call.cancel);
    default:
        return kick(call.kick);
    }
}

/* The messages that are due go first, while there is room or some can be made. */
void Model::promote()
{
    for (uint32_t i = 0; i < promotions_max; i++) {
        if ((paused & SLOTQ_PAUSE_IN) != 0 || later.empty() || later.front().due_ms > now_ms_ ||
            last_id == SLOTQ_ID_MAX) {
            return;
        }
        if (!make_room(1)) {
            if ((geometry.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
                return;
            }
            drop_oldest(1);
        }
        add(later.front().payload);
        move_key_to_ring(later.front().later_id);
        later.erase(later.begin());
        promotions++;
    }
}

void Model::put_later(const Scheduled &message)
{
    delivers_ = delivers_ || later.empty() || message.due_ms < later.front().due_ms;
    later.insert(std::upper_bound(later.begin(), later.end(), message, is_sooner), message);
}

std::vector<Scheduled>::iterator Model::find_later(uint64_t later_id)
{
    return std::find_if(later.begin(), later.end(),
                        [&](const Scheduled &message) { return message.later_id == later_id; });
}

/* The first of a call. */
uint32_t Model::new_later_ids(uint32_t count) const
{
    if ((later_last_id & 0xFFFF) + count <= 0xFFFF) {
        return later_last_id + 1;
    }
    uint32_t block = (later_last_id >> 16) + 1;
    const auto is_in_block = [&](const Scheduled &message) {
        return message.later_id >> 16 == (block & 0xFFFF);
    };
    while (std::any_of(later.begin(), later.end(), is_in_block)) {
        block++;
    }
    return std::max(block << 16, 1u);
}

slotq_outcome Model::schedule(slotq_call_schedule &schedule)
{
    if (schedule.count < 1 || schedule.count > SLOTQ_CALL_MESSAGES_MAX ||
        schedule.due_ms > SLOTQ_NOW_MS_MAX) {
        return SLOTQ_INVALID;
    }
    for (uint32_t i = 0; i < schedule.count; i++) {
        if (schedule.messages[i].size > geometry.payload_bytes) {
            return SLOTQ_TOOBIG;
        }
    }
    if (schedule.count > geometry.later_slots) {
        return SLOTQ_TOOBIG;
    }
    if (!keys_fit(schedule.keys, schedule.count, schedule.key_mode)) {
        return SLOTQ_INVALID;
    }
    if ((paused & SLOTQ_PAUSE_CLOSED) != 0) {
        return SLOTQ_CLOSED;
    }
    if ((paused & SLOTQ_PAUSE_IN) != 0) {
        return SLOTQ_PAUSED;
    }
    if (schedule.not_past && schedule.due_ms <= now_ms_) {
        return SLOTQ_EMPTY;
    }
    if (is_taken(schedule.keys, schedule.count, schedule.key_mode, schedule.taken)) {
        return SLOTQ_DUPLICATE;
    }
    if (schedule.count > geometry.later_slots - later.size()) {
        return SLOTQ_FULL;
    }
    schedule.first_later_id = new_later_ids(schedule.count);
    for (uint32_t i = 0; i < schedule.count; i++) {
        const slotq_data &data = schedule.messages[i];
        Scheduled message;
        message.due_ms = schedule.due_ms;
        message.later_id = schedule.first_later_id + i;
        message.payload = data.size > 0
                              ? std::string(static_cast<const char *>(data.bytes), data.size)
                              : std::string();
        message.stamp =
            (geometry.flags & SLOTQ_FLAG_STAMPS) != 0 ? static_cast<uint32_t>(tick_) : 0;
        put_later(message);
        later_last_id = message.later_id;
        give_key(schedule.keys == nullptr ? 0 : schedule.keys[i], SLOTQ_KEY_SCHEDULED,
                 message.later_id);
    }
    return SLOTQ_OK;
}

slotq_outcome Model::cancel(const slotq_call_cancel &cancel)
{
    const auto found = find_later(cancel.later_id);
    if (cancel.later_id == 0) {
        return SLOTQ_INVALID;
    }
    if (found == later.end()) {
        return SLOTQ_NOTFOUND;
    }
    later.erase(found);
    lose_key(SLOTQ_KEY_SCHEDULED, cancel.later_id);
    return SLOTQ_OK;
}

slotq_outcome Model::kick_later(uint64_t later_id)
{
    const auto found = find_later(later_id);
    if (later_id == 0) {
        return SLOTQ_INVALID;
    }
    if (found == later.end()) {
        return SLOTQ_NOTFOUND;
    }
    if (found->due_ms > now_ms_) {
        Scheduled message = *found;
        const bool earliest = found == later.begin();
        message.due_ms = now_ms_;
        later.erase(found);
        delivers_ = delivers_ || earliest;
        put_later(message);
    }
    return SLOTQ_OK;
}

slotq_outcome Model::kick(const slotq_call_kick &kick)
{
    if (kick.is_later) {
        return kick_later(kick.id);
    }
    if (kick.group >= geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (kick.id == 0 || kick.id > last_id) {
        return SLOTQ_NOTFOUND;
    }
    const Share *share = this->share(kick.id, kick.group);
    if (share == nullptr || share->state == SLOTQ_STATE_DONE) {
        return SLOTQ_GONE;
    }
    if (share->state == SLOTQ_STATE_LEASED) {
        return SLOTQ_LEASED;
    }
    if (share->state == SLOTQ_STATE_WAITING) {
        if (dies(*share)) {
            return SLOTQ_DEADFULL;
        }
        make_ready(at(kick.id).shares[kick.group], share->attempts);
        note_change();
    }
    return SLOTQ_OK;
}

/* In order of time: where a message lies in the heap is not known here. */
slotq_outcome Model::later_list(slotq_call_look &look) const
{
    look.count = 0;
    if (look.capacity == 0 || look.capacity > SLOTQ_CALL_MESSAGES_MAX || look.items == nullptr) {
        return SLOTQ_INVALID;
    }
    for (uint64_t i = look.from; i < later.size() && look.count < look.capacity; i++) {
        slotq_item item = {};
        item.id = later[static_cast<size_t>(i)].later_id;
        item.due_ms = later[static_cast<size_t>(i)].due_ms;
        look.items[look.count++] = item;
    }
    return look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

/* When a message may come to a group for which there is none now. */
uint64_t Model::next_due_ms(const Group &group) const
{
    const bool promotes = !later.empty() && (paused & SLOTQ_PAUSE_IN) == 0 &&
                          last_id != SLOTQ_ID_MAX && messages.size() < geometry.ring_slots - 1u;
    if (promotes && later.front().due_ms <= now_ms_) {
        return now_ms_;
    }
    uint64_t next_ms = group.due ? *group.due * geometry.tick_ms : UINT64_MAX;
    if (!later.empty() && later.front().due_ms > now_ms_ && (paused & SLOTQ_PAUSE_IN) == 0) {
        next_ms = std::min(next_ms, later.front().due_ms);
    }
    return next_ms;
}

} // namespace support
