/* model.cpp: see model.hpp. Here: time, deaths, the sweep, heads, and what only looks.
 */
#include "model.hpp"

#include <algorithm>

namespace support
{

namespace
{

constexpr uint64_t half_range = UINT64_C(1) << 23;
constexpr uint64_t range = UINT64_C(1) << 24;
constexpr uint64_t token_near = 4096;
constexpr uint32_t burials_max = 16;

void lower(std::optional<uint64_t> &bound, uint64_t value)
{
    if (!bound || value < *bound) {
        bound = value;
    }
}

} // namespace

uint32_t Share::word() const
{
    switch (state) {
    case SLOTQ_STATE_DONE:
        return 3u | static_cast<uint32_t>(why) << 8;
    case SLOTQ_STATE_READY:
        return attempts << 2 | last_bits << 8;
    default:
        return static_cast<uint32_t>(state) | attempts << 2 |
               (static_cast<uint32_t>(deadline) & 0xFFFFFFu) << 8;
    }
}

Model::Model(const slotq_geometry &made, uint64_t newest)
    : geometry(made), groups(made.groups), last_id(newest)
{
    for (Group &group : groups) {
        group.head = newest + 1;
        group.cursor = newest + 1;
    }
}

const Message *Model::find(uint64_t id) const
{
    if (messages.empty() || id < messages.front().id || id > last_id) {
        return nullptr;
    }
    return &messages[static_cast<size_t>(id - messages.front().id)];
}

Message &Model::at(uint64_t id)
{
    return messages.at(static_cast<size_t>(id - messages.front().id));
}

const Share *Model::share(uint64_t id, uint32_t group) const
{
    const Message *message = find(id);
    return message == nullptr || id < groups[group].head ? nullptr : &message->shares[group];
}

uint32_t Model::count(uint32_t group, slotq_state state, bool delivered) const
{
    uint32_t found = 0;
    for (const Message &message : messages) {
        const bool behind = message.id < groups[group].cursor;
        found += message.id >= groups[group].head && behind == delivered &&
                 message.shares[group].state == state;
    }
    return found;
}

/* ---- time ---- */

uint64_t Model::deadline_after(uint64_t ms) const
{
    return (now_ms_ + ms + geometry.tick_ms - 1) / geometry.tick_ms;
}

bool Model::passed(uint64_t deadline) const
{
    return deadline <= tick_ || deadline > tick_ + half_range + token_near;
}

bool Model::duration_fits(uint64_t ms) const
{
    return ms >= 1 && ms <= (half_range - 1) * geometry.tick_ms;
}

void Model::set_due(Group &group, uint64_t deadline)
{
    lower(group.due, deadline);
    if (group.sweep) {
        lower(group.due_next, deadline);
    }
    refold(static_cast<uint32_t>(&group - groups.data()));
}

void Model::gather(Group &group, uint64_t deadline)
{
    lower(group.due_next, deadline);
}

/* A word keeps 24 bits: a deadline is the first at or after due that has them. Only a clock that
 * went back, or a sleep of a whole range, makes that another than the one that was set. */
void Model::refold(uint32_t index)
{
    const Group &group = groups[index];
    for (Message &message : messages) {
        Share &share = message.shares[index];
        if (message.id < group.head || !share.live() || !group.due) {
            continue;
        }
        const uint64_t deadline = *group.due + ((share.deadline - *group.due) & (range - 1));
        folded = folded || deadline != share.deadline;
        share.deadline = deadline;
    }
}

/* No token comes back soon. */
bool Model::fresh(const Share &share, uint64_t &deadline) const
{
    const uint32_t word = share.word();
    const uint64_t near = (word >> 8) - deadline;
    const uint64_t difference = near & (range - 1);
    if (word == 0 || difference >= token_near) {
        return true;
    }
    deadline += difference + 1;
    return difference != token_near - 1;
}

/* ---- heads ---- */

void Model::forget_finished()
{
    uint64_t oldest_head = last_id + 1;
    for (const Group &group : groups) {
        oldest_head = std::min(oldest_head, group.head);
    }
    while (!messages.empty() && messages.front().id < oldest_head) {
        messages.pop_front();
        frees_ = true;
    }
}

void Model::move_heads()
{
    for (uint32_t index = 0; index < groups.size(); index++) {
        Group &group = groups[index];
        while (group.head <= last_id && at(group.head).shares[index].state == SLOTQ_STATE_DONE) {
            group.head++;
        }
        group.cursor = std::max(group.cursor, group.head);
        if (group.sweep) {
            group.sweep = std::max(*group.sweep, group.head);
        }
    }
    forget_finished();
}

/* ---- death ---- */

bool Model::dies(const Share &share) const
{
    return geometry.max_attempts != 0 && share.attempts >= geometry.max_attempts;
}

bool Model::bury(Message &message, uint32_t group, uint32_t reason)
{
    Share &share = message.shares[group];
    if (geometry.dead_slots == 0) {
        dead_dropped++;
    } else {
        if (dead.size() == geometry.dead_slots) {
            if ((geometry.flags & SLOTQ_FLAG_DEAD_OVERWRITE) == 0) {
                return false;
            }
            dead.pop_front();
            dead_dropped++;
        }
        DeadMessage entry;
        entry.id = message.id;
        entry.died_at_ms = now_ms_;
        entry.attempts = share.attempts;
        entry.group = group;
        entry.reason = reason;
        entry.payload = message.payload;
        entry.stamp = message.stamp;
        dead.push_back(entry);
    }
    share = Share();
    share.state = SLOTQ_STATE_DONE;
    share.why = SLOTQ_WHY_DEAD;
    groups[group].died++;
    return true;
}

/* ---- sweep ---- */

bool Model::sweep_wanted(const Group &group) const
{
    return group.sweep || (group.due && passed(*group.due));
}

bool Model::sweep_far(const Group &group) const
{
    return group.due && *group.due + half_range - token_near <= tick_;
}

void Model::make_ready(Share &share, uint32_t attempts)
{
    share.last_bits = static_cast<uint32_t>(share.deadline & (range - 1));
    share.state = SLOTQ_STATE_READY;
    share.attempts = attempts;
    delivers_ = true;
}

/* A live share whose deadline has passed. */
void Model::sweep_message(uint32_t index, Message &message, bool whole, Swept &swept)
{
    Group &group = groups[index];
    Share &share = message.shares[index];
    uint64_t again = deadline_after(60000);
    if (!dies(share)) {
        make_ready(share, share.attempts);
        swept.ready++;
        return;
    }
    if (whole && swept.died == burials_max) {
        again = tick_ + 1;
    } else if (bury(message, index, SLOTQ_REASON_LEASE_ENDED)) {
        swept.died++;
        return;
    }
    share.state = SLOTQ_STATE_WAITING;
    share.deadline = again;
    set_due(group, again);
}

/* A whole sweep, or a round of the running or a new one. named: tokens that a settle under way
 * names; their messages are its own. */
Model::Swept Model::sweep(uint32_t index, bool whole, const Named *named)
{
    Group &group = groups[index];
    Swept swept;
    if (whole || !group.sweep) {
        group.sweep = group.head;
        group.due_next.reset();
    }
    if (count(index, SLOTQ_STATE_LEASED, true) + count(index, SLOTQ_STATE_WAITING, true) == 0) {
        group.sweep = group.cursor;
    }
    while (*group.sweep < group.cursor && (whole || swept.died < burials_max)) {
        Message &message = at(*group.sweep);
        Share &share = message.shares[index];
        group.sweep = *group.sweep + 1;
        if (!share.live()) {
            continue;
        }
        if (!passed(share.deadline)) {
            gather(group, share.deadline);
            continue;
        }
        const bool spared = named != nullptr && share.state == SLOTQ_STATE_LEASED &&
                            std::any_of(named->begin(), named->end(), [&](const slotq_run &run) {
                                return run.token == share.word() && message.id >= run.id &&
                                       message.id - run.id < run.count;
                            });
        if (spared) {
            gather(group, tick_ + 1);
        } else {
            sweep_message(index, message, whole, swept);
        }
    }
    if (*group.sweep == group.cursor) {
        group.due = group.due_next;
        group.due_next.reset();
        group.sweep.reset();
        refold(index);
    }
    move_heads();
    return swept;
}

/* ---- looking ---- */

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
    const uint64_t from = std::max(look.from, groups[look.group].head);
    for (uint64_t id = from; id <= last_id && look.count < look.capacity; id++) {
        const Share &share = *this->share(id, look.group);
        slotq_item item = {};
        item.id = id;
        item.word = share.word();
        item.group = look.group;
        item.attempts = static_cast<uint8_t>(share.attempts);
        item.state = share.state;
        look.items[look.count++] = item;
    }
    return look.count > 0 ? SLOTQ_OK : SLOTQ_EMPTY;
}

slotq_outcome Model::dead_list(slotq_call_look &look) const
{
    look.count = 0;
    if (look.capacity == 0 || look.capacity > SLOTQ_CALL_MESSAGES_MAX || look.items == nullptr) {
        return SLOTQ_INVALID;
    }
    for (uint64_t i = look.from; i < dead.size() && look.count < look.capacity; i++) {
        const DeadMessage &entry = dead[static_cast<size_t>(i)];
        slotq_item item = {};
        item.id = entry.id;
        item.died_at_ms = entry.died_at_ms;
        item.group = static_cast<uint8_t>(entry.group);
        item.reason = static_cast<uint8_t>(entry.reason);
        item.attempts = static_cast<uint8_t>(entry.attempts);
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
    holder.state = messages.front().shares[index].state;
    for (const Message &message : messages) {
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
    stats.dead = static_cast<uint32_t>(dead.size());
    stats.dead_capacity = geometry.dead_slots;
    stats.dropped = dropped;
    stats.dead_dropped = dead_dropped;
    stats.paused = static_cast<uint8_t>(paused);
    stats.holder = holder();
    call.stats = stats;
    return SLOTQ_OK;
}

} // namespace support
