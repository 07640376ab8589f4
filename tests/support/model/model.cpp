/* model.cpp: see model.hpp. Here: time, deaths, the sweep, heads, stepping aside.
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
    if (messages.empty() || id < messages.front().id) {
        return find_aside(id);
    }
    return id > last_id ? nullptr : &messages[static_cast<size_t>(id - messages.front().id)];
}

const Message *Model::find_aside(uint64_t id) const
{
    for (const Message &message : aside) {
        if (message.id == id) {
            return &message;
        }
    }
    return nullptr;
}

Message &Model::at(uint64_t id)
{
    if (!messages.empty() && id >= messages.front().id) {
        return messages.at(static_cast<size_t>(id - messages.front().id));
    }
    return *std::find_if(aside.begin(), aside.end(),
                         [&](const Message &message) { return message.id == id; });
}

const Share *Model::share(uint64_t id, uint32_t group) const
{
    const Message *message = id < groups[group].head ? find_aside(id) : find(id);
    if (message == nullptr ||
        (id < groups[group].head && message->shares[group].state == SLOTQ_STATE_DONE)) {
        return nullptr;
    }
    return &message->shares[group];
}

const Message *Model::oldest_of(uint32_t group) const
{
    for (const Message &message : aside) {
        if (message.shares[group].state != SLOTQ_STATE_DONE) {
            return &message;
        }
    }
    return find(groups[group].head);
}

uint32_t Model::count(uint32_t group, slotq_state state, bool delivered) const
{
    uint32_t found = 0;
    for (const Message &message : messages) {
        const bool behind = message.id < groups[group].cursor;
        found += message.id >= groups[group].head && behind == delivered &&
                 message.shares[group].state == state;
    }
    for (const Message &message : aside) {
        found += delivered && message.shares[group].state == state;
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
    const auto fold = [&](Share &share) {
        if (share.live() && group.due) {
            const uint64_t deadline = *group.due + ((share.deadline - *group.due) & (range - 1));
            folded = folded || deadline != share.deadline;
            share.deadline = deadline;
        }
    };
    for (Message &message : aside) {
        fold(message.shares[index]);
    }
    for (Message &message : messages) {
        if (message.id >= group.head) {
            fold(message.shares[index]);
        }
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
    const bool moves = !messages.empty() && messages.front().id < oldest_head;
    if (moves) {
        note_room();
    }
    while (!messages.empty() && messages.front().id < oldest_head) {
        messages.pop_front();
    }
}

/* The front of the ring is about to be forgotten: room for pushes, and, if the ring was full, for a
 * scheduled message that may be due. */
void Model::note_room()
{
    frees_ = true;
    delivers_ = delivers_ || (!later.empty() && messages.size() == geometry.ring_slots - 1u);
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

/* ---- aside ---- */

/* The message at the front of the ring was delivered to all that have not finished it, and at
 * least about half of the window is done with. */
bool Model::may_step_aside() const
{
    if (messages.empty() || aside.size() == geometry.aside_slots) {
        return false;
    }
    for (uint32_t index = 0; index < groups.size(); index++) {
        const Group &group = groups[index];
        if (group.head != oldest()) {
            continue;
        }
        const uint64_t undelivered = last_id + 1 - group.cursor;
        const uint64_t delivered = count(index, SLOTQ_STATE_READY, true) +
                                   count(index, SLOTQ_STATE_LEASED, true) +
                                   count(index, SLOTQ_STATE_WAITING, true);
        const uint64_t unfinished = delivered - std::min<uint64_t>(delivered, aside.size());
        if (group.cursor == oldest() || 2 * undelivered + unfinished > messages.size()) {
            return false;
        }
    }
    return true;
}

void Model::step_aside()
{
    Message message = messages.front();
    const auto is_taken = [&](const Message &other) {
        return other.aside_slot == message.aside_slot;
    };
    while (std::any_of(aside.begin(), aside.end(), is_taken)) {
        message.aside_slot++;
    }
    for (uint32_t index = 0; index < groups.size(); index++) {
        Group &group = groups[index];
        if (group.head != message.id) { /* finished it, for whatever reason */
            message.shares[index] = Share();
            message.shares[index].state = SLOTQ_STATE_DONE;
            continue;
        }
        group.head++;
        if (group.sweep) {
            group.sweep = std::max(*group.sweep, group.head);
        }
    }
    note_room();
    move_key_aside(message);
    messages.pop_front();
    aside.push_back(message);
    steps_aside++;
    move_heads();
}

bool Model::make_room(uint32_t count)
{
    while (geometry.ring_slots - 1u - messages.size() < count) {
        if (!may_step_aside()) {
            return false;
        }
        step_aside();
    }
    return true;
}

/* True if every group has finished the message aside, which is then no longer there. */
bool Model::forget_aside(uint64_t id)
{
    for (size_t i = 0; i < aside.size(); i++) {
        const Message &message = aside[i];
        const bool done =
            message.id == id &&
            std::all_of(message.shares.begin(), message.shares.begin() + geometry.groups,
                        [](const Share &share) { return share.state == SLOTQ_STATE_DONE; });
        if (done) {
            aside.erase(aside.begin() + static_cast<std::ptrdiff_t>(i));
            return true;
        }
    }
    return false;
}

/* A group or the list aside changed. */
void Model::note_change()
{
    frees_ = frees_ || may_step_aside();
}

/* ---- death ---- */

bool Model::dies(const Share &share) const
{
    return geometry.max_attempts != 0 && share.attempts >= geometry.max_attempts;
}

uint32_t Model::dead_count() const
{
    return static_cast<uint32_t>(std::count_if(
        dead.begin(), dead.end(), [](const DeadMessage &entry) { return entry.id != 0; }));
}

bool Model::dead_is_full() const
{
    return dead_count() == geometry.dead_slots && (geometry.flags & SLOTQ_FLAG_DEAD_OVERWRITE) == 0;
}

bool Model::is_asked(const DeadMessage &entry, uint64_t id, uint32_t group) const
{
    return entry.id == id && (group == SLOTQ_ALL_GROUPS || group == entry.group);
}

void Model::take_out(size_t place)
{
    dead[place] = DeadMessage();
    while (!dead.empty() && dead.front().id == 0) {
        dead.pop_front();
    }
    while (!dead.empty() && dead.back().id == 0) {
        dead.pop_back();
    }
}

bool Model::bury(Message &message, uint32_t group, uint32_t reason, const std::string &note)
{
    Share &share = message.shares[group];
    if (geometry.dead_slots == 0) {
        dead_dropped++;
    } else {
        if (dead_is_full()) {
            return false;
        }
        if (dead_count() == geometry.dead_slots) {
            dead.pop_front();
            dead_dropped++;
        }
        DeadMessage entry;
        entry.note = note.substr(0, geometry.note_bytes);
        entry.id = message.id;
        entry.died_at_ms = now_ms_;
        entry.attempts = share.attempts;
        entry.group = group;
        entry.reason = reason;
        entry.payload = message.payload;
        entry.stamp = message.stamp;
        const auto hole = std::find_if(dead.rbegin(), dead.rend(),
                                       [](const DeadMessage &it) { return it.id == 0; });
        if (dead.size() < geometry.dead_slots) {
            dead.push_back(entry);
        } else {
            *hole = entry;
        }
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
void Model::sweep_passed(uint32_t index, Message &message, bool whole, Swept &swept)
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
    } else if (bury(message, index, SLOTQ_REASON_LEASE_ENDED, "")) {
        swept.died++;
        return;
    }
    share.state = SLOTQ_STATE_WAITING;
    share.deadline = again;
    set_due(group, again);
}

bool Model::is_named(const Message &message, const Share &share, const Named *named) const
{
    return named != nullptr && share.state == SLOTQ_STATE_LEASED &&
           std::any_of(named->begin(), named->end(), [&](const slotq_run &run) {
               return run.token == share.word() && message.id >= run.id &&
                      message.id - run.id < run.count;
           });
}

void Model::sweep_message(uint32_t index, Message &message, bool whole, const Named *named,
                          Swept &swept)
{
    Group &group = groups[index];
    const Share &share = message.shares[index];
    if (!share.live()) {
        return;
    }
    if (!passed(share.deadline)) {
        gather(group, share.deadline);
    } else if (is_named(message, share, named)) {
        gather(group, tick_ + 1);
    } else {
        sweep_passed(index, message, whole, swept);
    }
}

/* True if all aside were read. */
bool Model::sweep_aside(uint32_t index, bool whole, const Named *named, Swept &swept)
{
    size_t i = 0;
    while (i < aside.size() && (whole || swept.died < burials_max)) {
        const uint64_t id = aside[i].id;
        sweep_message(index, aside[i], whole, named, swept);
        i += forget_aside(id) ? 0 : 1;
        note_change();
    }
    return i == aside.size();
}

/* A whole sweep, or a round of the running or a new one. named: tokens that a settle under way
 * names; their messages are its own. */
Model::Swept Model::sweep(uint32_t index, bool whole, const Named *named)
{
    Group &group = groups[index];
    const uint32_t leased = count(index, SLOTQ_STATE_LEASED, true);
    Swept swept;
    bool all = true;
    if (whole || !group.sweep) {
        group.sweep = group.head;
        group.due_next.reset();
    }
    if (count(index, SLOTQ_STATE_LEASED, true) + count(index, SLOTQ_STATE_WAITING, true) == 0) {
        group.sweep = group.cursor;
    } else {
        all = sweep_aside(index, whole, named, swept);
    }
    while (*group.sweep < group.cursor && (whole || swept.died < burials_max)) {
        Message &message = at(*group.sweep);
        group.sweep = *group.sweep + 1;
        sweep_message(index, message, whole, named, swept);
    }
    if (all && *group.sweep == group.cursor) {
        group.due = group.due_next;
        group.due_next.reset();
        group.sweep.reset();
        refold(index);
    }
    note_freed(index, leased);
    note_change();
    move_heads();
    note_change();
    return swept;
}

} // namespace support
