/* look.cpp: see model.hpp. Here: the verbs that only look.
 */
#include <algorithm>

#include "model.hpp"

namespace support
{

slotq_outcome Model::run_look(slotq_call &call) const
{
    switch (call.verb) {
    case SLOTQ_STATUS:
        return status(call.status);
    case SLOTQ_PEEK:
        return peek(call.look);
    case SLOTQ_DEAD_LIST:
        return dead_list(call.look);
    case SLOTQ_LATER_LIST:
        return later_list(call.look);
    case SLOTQ_FIND:
        return find_key(call.find);
    case SLOTQ_FINISH:
        return finish(call.finish);
    default:
        return stats(call.stats);
    }
}

slotq_outcome Model::status(slotq_call_status &status) const
{
    if (status.group >= geometry.groups) {
        return SLOTQ_INVALID;
    }
    if (status.id == 0 || status.id > last_id) {
        return SLOTQ_NOTFOUND;
    }
    const Share *share = this->share(status.id, status.group);
    if (share == nullptr) {
        return SLOTQ_FINISHED;
    }
    status.status = slotq_status();
    status.status.state = share->state;
    status.status.why = share->why;
    status.status.attempts = static_cast<uint8_t>(share->attempts);
    status.status.deadline_ms = share->live() ? share->deadline * geometry.tick_ms : 0;
    return SLOTQ_OK;
}

slotq_outcome Model::peek(slotq_call_look &look) const
{
    look.count = 0;
    if (look.group >= geometry.groups || look.capacity == 0 ||
        look.capacity > SLOTQ_CALL_MESSAGES_MAX || look.items == nullptr) {
        return SLOTQ_INVALID;
    }
    const auto show = [&](uint64_t id, const Share &share) {
        slotq_item item = {};
        item.id = id;
        item.word = share.word();
        item.group = look.group;
        item.attempts = static_cast<uint8_t>(share.attempts);
        item.state = share.state;
        look.items[look.count++] = item;
    };
    for (const Message &message : aside) {
        if (message.id >= look.from && look.count < look.capacity &&
            message.shares[look.group].state != SLOTQ_STATE_DONE) {
            show(message.id, message.shares[look.group]);
        }
    }
    const uint64_t from = std::max(look.from, groups[look.group].head);
    for (uint64_t id = from; id <= last_id && look.count < look.capacity; id++) {
        show(id, *share(id, look.group));
    }
    return look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

slotq_outcome Model::dead_list(slotq_call_look &look) const
{
    look.count = 0;
    const bool no_group =
        look.id != 0 && look.group >= geometry.groups && look.group != SLOTQ_ALL_GROUPS;
    if (look.capacity == 0 || look.capacity > SLOTQ_CALL_MESSAGES_MAX || look.items == nullptr ||
        no_group) {
        return SLOTQ_INVALID;
    }
    uint64_t passed = 0;
    for (const DeadMessage &entry : dead) {
        const bool asked = look.id == 0 ? entry.id != 0 : is_asked(entry, look.id, look.group);
        if (!asked || passed++ < look.from || look.count == look.capacity) {
            continue;
        }
        slotq_item item = {};
        item.id = entry.id;
        item.died_at_ms = entry.died_at_ms;
        item.group = static_cast<uint8_t>(entry.group);
        item.reason = static_cast<uint8_t>(entry.reason);
        item.attempts = static_cast<uint8_t>(entry.attempts);
        item.note_bytes = static_cast<uint8_t>(entry.note.size());
        look.items[look.count++] = item;
    }
    return look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

slotq_holder Model::holder() const
{
    slotq_holder holder = {};
    if (messages.empty()) {
        return holder;
    }
    uint32_t index = 0;
    while (groups[index].head != oldest()) {
        index++;
    }
    holder.id = oldest();
    holder.held = static_cast<uint32_t>(messages.size());
    holder.group = static_cast<uint8_t>(index);
    const Share &share = messages.front().shares[index];
    holder.state = share.state;
    holder.dead_full = share.state == SLOTQ_STATE_WAITING && dies(share) &&
                       geometry.dead_slots > 0 && dead_is_full();
    for (const Message &message : messages) {
        holder.unfinished += message.shares[index].state != SLOTQ_STATE_DONE;
    }
    for (const Message &message : aside) {
        holder.unfinished += message.shares[index].state != SLOTQ_STATE_DONE;
    }
    return holder;
}

slotq_outcome Model::stats(slotq_call_stats &call) const
{
    if (call.group >= geometry.groups) {
        return SLOTQ_INVALID;
    }
    const Group &group = groups[call.group];
    slotq_stats stats = {};
    stats.last_id = last_id;
    stats.capacity = geometry.ring_slots - 1u;
    stats.used = static_cast<uint32_t>(messages.size());
    stats.group = call.group;
    stats.undelivered = static_cast<uint32_t>(last_id + 1 - group.cursor);
    stats.ready = count(call.group, SLOTQ_STATE_READY, true) + stats.undelivered;
    stats.leased = count(call.group, SLOTQ_STATE_LEASED, true);
    stats.waiting = count(call.group, SLOTQ_STATE_WAITING, true);
    stats.unfinished = stats.ready + stats.leased + stats.waiting;
    stats.acked = group.acked;
    stats.redelivered = group.redelivered;
    stats.died = group.died;
    stats.next_due_ms = group.due ? *group.due * geometry.tick_ms : 0;
    stats.later = static_cast<uint32_t>(later.size());
    stats.later_capacity = geometry.later_slots;
    stats.later_due_ms = later.empty() ? 0 : later.front().due_ms;
    stats.dead = dead_count();
    stats.dead_capacity = geometry.dead_slots;
    stats.dropped = dropped;
    stats.dead_dropped = dead_dropped;
    stats.paused = static_cast<uint8_t>(paused);
    stats.limits.max_leased = static_cast<uint16_t>(group.max_leased);
    stats.limits.rate_burst = static_cast<uint16_t>(group.burst);
    stats.limits.rate_interval_us = group.interval_us;
    stats.limited_until_ms = may_go(call.group) ? 0 : limited_until_ms(call.group);
    stats.aside = static_cast<uint32_t>(aside.size());
    stats.aside_capacity = geometry.aside_slots;
    stats.holder = holder();
    call.stats = stats;
    return SLOTQ_OK;
}

} // namespace support
