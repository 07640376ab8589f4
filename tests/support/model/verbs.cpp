/* verbs.cpp: see model.hpp. Here: push, reserve and settle.
 */
#include <algorithm>

#include "model.hpp"

namespace support
{

slotq_outcome Model::run_dead(slotq_call &call)
{
    switch (call.verb) {
    case SLOTQ_REDRIVE:
        return redrive(call.dead);
    case SLOTQ_DEAD_REMOVE:
        return dead_remove(call.dead);
    default:
        return dead_purge(call.dead);
    }
}

/* Those that wait for what the verb has made. */
void Model::wake_callers()
{
    if (delivers_ && (wake & 1) != 0) {
        wake = (wake & ~1u) + 8;
        woke = true;
    }
    if (frees_ && (wake & 2) != 0) {
        wake = (wake & ~2u) + 8;
        woke = true;
    }
}

slotq_outcome Model::run(slotq_call &call)
{
    woke = false;
    delivers_ = false;
    frees_ = false;
    now_ms_ = call.now_ms;
    tick_ = call.now_ms / geometry.tick_ms;
    if (call.now_ms > SLOTQ_NOW_MS_MAX) {
        return SLOTQ_INVALID;
    }
    slotq_outcome outcome;
    bool waits = false;
    switch (call.verb) {
    case SLOTQ_PUSH:
        outcome = push(call.push);
        waits = outcome == SLOTQ_FULL && call.push.may_wait &&
                last_id + call.push.count <= SLOTQ_ID_MAX; /* no push waits for ids */
        break;
    case SLOTQ_RESERVE:
        outcome = reserve(call.reserve);
        if (call.progress.asks_ring && outcome != SLOTQ_INVALID && outcome != SLOTQ_PAUSED) {
            wake = (wake | 4u) + 8;
        }
        waits = call.reserve.may_wait &&
                (outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN || outcome == SLOTQ_LIMITED);
        break;
    case SLOTQ_REMOVE:
        outcome = remove(call.remove);
        break;
    case SLOTQ_RECLAIM:
        outcome = reclaim(call.reclaim);
        break;
    case SLOTQ_REDRIVE:
    case SLOTQ_DEAD_REMOVE:
    case SLOTQ_DEAD_PURGE:
        outcome = run_dead(call);
        break;
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
        outcome = pause(call.verb, call.pause);
        break;
    case SLOTQ_PURGE:
        outcome = purge();
        break;
    case SLOTQ_LIMIT:
        outcome = limit(call.limit);
        break;
    case SLOTQ_STATUS:
    case SLOTQ_PEEK:
    case SLOTQ_DEAD_LIST:
    case SLOTQ_STATS:
    case SLOTQ_LATER_LIST:
    case SLOTQ_FIND:
    case SLOTQ_FINISH:
        return run_look(call);
    case SLOTQ_SCHEDULE:
    case SLOTQ_CANCEL:
    case SLOTQ_KICK:
        outcome = run_later(call);
        break;
    default:
        outcome = settle(call.verb, call.settle);
        break;
    }
    wake_callers();
    if (waits) {
        wake |= outcome == SLOTQ_FULL ? 2u : 1u;
    }
    return outcome;
}

/* ---- push ---- */

void Model::add(std::string payload)
{
    Message message;
    message.id = ++last_id;
    lose_key(SLOTQ_KEY_IN_RING, last_id - geometry.ring_slots);
    message.payload = std::move(payload);
    message.stamp = (geometry.flags & SLOTQ_FLAG_STAMPS) != 0 ? static_cast<uint32_t>(tick_) : 0;
    messages.push_back(std::move(message));
    delivers_ = true;
}

void Model::drop_oldest(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const Message &message = messages[i];
        bool unfinished = false;
        for (uint32_t g = 0; g < groups.size(); g++) {
            unfinished = unfinished || (message.id >= groups[g].head &&
                                        message.shares[g].state != SLOTQ_STATE_DONE);
        }
        dropped += unfinished;
    }
    const uint64_t least = oldest() + count;
    for (Group &group : groups) {
        group.head = std::max(group.head, least);
        group.cursor = std::max(group.cursor, least);
        if (group.sweep) {
            group.sweep = std::max(*group.sweep, least);
        }
    }
    forget_finished();
    move_heads();
}

slotq_outcome Model::push(slotq_call_push &push)
{
    if (push.count < 1 || push.count > SLOTQ_CALL_MESSAGES_MAX) {
        return SLOTQ_INVALID;
    }
    for (uint32_t i = 0; i < push.count; i++) {
        if (push.messages[i].size > geometry.payload_bytes) {
            return SLOTQ_TOOBIG;
        }
    }
    const uint32_t capacity = geometry.ring_slots - 1u;
    if (push.count > capacity) {
        return SLOTQ_TOOBIG;
    }
    if (!keys_fit(push.keys, push.count, push.key_mode)) {
        return SLOTQ_INVALID;
    }
    if ((paused & SLOTQ_PAUSE_CLOSED) != 0) {
        return SLOTQ_CLOSED;
    }
    if ((paused & SLOTQ_PAUSE_IN) != 0) {
        return SLOTQ_PAUSED;
    }
    promote();
    if (last_id + push.count > SLOTQ_ID_MAX) {
        push.holder = holder();
        return SLOTQ_FULL;
    }
    if (is_taken(push.keys, push.count, push.key_mode, push.taken)) {
        return SLOTQ_DUPLICATE;
    }
    const uint32_t room = capacity - static_cast<uint32_t>(messages.size());
    if (!make_room(push.count)) {
        if ((geometry.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
            push.holder = holder();
            return SLOTQ_FULL;
        }
        drop_oldest(push.count - room);
    }
    push.first_id = last_id + 1;
    for (uint32_t i = 0; i < push.count; i++) {
        const slotq_data &data = push.messages[i];
        add(data.size > 0 ? std::string(static_cast<const char *>(data.bytes), data.size)
                          : std::string());
        give_key(push.keys == nullptr ? 0 : push.keys[i], SLOTQ_KEY_IN_RING, last_id);
    }
    return SLOTQ_OK;
}

/* ---- reserve ---- */

/* One message more, in the last run or a new one; false: no room in the reply. */
bool Model::lease(slotq_call_reserve &reserve, Message &message, bool new_run)
{
    Share &share = message.shares[reserve.group];
    uint64_t deadline = deadline_after(reserve.lease_ms);
    fresh(share, deadline);
    Share leased;
    leased.state = SLOTQ_STATE_LEASED;
    leased.attempts = std::min(share.attempts + 1, 63u);
    leased.deadline = deadline;
    slotq_run *last = reserve.run_count > 0 ? &reserve.runs[reserve.run_count - 1] : nullptr;
    const bool joins = !new_run && last != nullptr && last->token == leased.word() &&
                       last->id + last->count == message.id;
    if (!joins && reserve.run_count == reserve.run_capacity) {
        return false;
    }
    share = leased;
    if (joins) {
        last->count++;
    } else {
        reserve.runs[reserve.run_count++] = {message.id, leased.word(), 1};
    }
    reserve.message_count++;
    count_gone(groups[reserve.group]);
    set_due(groups[reserve.group], deadline);
    return true;
}

/* Each is one run. */
uint32_t Model::lease_aside(slotq_call_reserve &reserve, bool &left)
{
    Group &group = groups[reserve.group];
    uint32_t leased = 0;
    for (Message &message : aside) {
        uint64_t deadline = deadline_after(reserve.lease_ms);
        if (message.shares[reserve.group].state != SLOTQ_STATE_READY) {
            continue;
        }
        if (reserve.message_count == reserve.limit || !may_go(reserve.group) ||
            reserve.run_count == reserve.run_capacity) {
            break;
        }
        if (!fresh(message.shares[reserve.group], deadline)) {
            left = true;
            continue;
        }
        lease(reserve, message, true);
        group.redelivered++;
        leased++;
    }
    return leased;
}

uint32_t Model::lease_retries(slotq_call_reserve &reserve, bool &left)
{
    Group &group = groups[reserve.group];
    uint32_t leased = 0;
    for (uint64_t id = group.head; id < group.cursor; id++) {
        Message &message = at(id);
        uint64_t deadline = deadline_after(reserve.lease_ms);
        if (message.shares[reserve.group].state != SLOTQ_STATE_READY) {
            continue;
        }
        if (!fresh(message.shares[reserve.group], deadline)) {
            left = true;
            continue;
        }
        if (reserve.message_count == reserve.limit || !may_go(reserve.group) ||
            !lease(reserve, message, leased == 0)) {
            break;
        }
        group.redelivered++;
        leased++;
    }
    return leased;
}

uint32_t Model::lease_new(slotq_call_reserve &reserve)
{
    Group &group = groups[reserve.group];
    uint32_t leased = 0;
    while (reserve.message_count < reserve.limit && may_go(reserve.group) &&
           group.cursor <= last_id) {
        Message &message = at(group.cursor);
        if (message.shares[reserve.group].state != SLOTQ_STATE_DONE) {
            if (!lease(reserve, message, leased == 0)) {
                break;
            }
            leased++;
        } else if (reserve.run_count == reserve.run_capacity) {
            break; /* nothing behind it could be told */
        }
        group.cursor++;
    }
    return leased;
}

slotq_outcome Model::reserve(slotq_call_reserve &reserve)
{
    if (reserve.group >= geometry.groups || reserve.limit < 1 ||
        reserve.limit > SLOTQ_CALL_MESSAGES_MAX || !duration_fits(reserve.lease_ms) ||
        reserve.run_capacity == 0) {
        return SLOTQ_INVALID;
    }
    if ((paused & SLOTQ_PAUSE_OUT) != 0) {
        return SLOTQ_PAUSED;
    }
    Group &group = groups[reserve.group];
    reserve.run_count = 0;
    reserve.message_count = 0;
    promote();
    if (sweep_far(group)) {
        sweep(reserve.group, true, nullptr);
    }
    bool left = false;
    for (uint32_t round = 0; round < 4; round++) {
        if (sweep_wanted(group)) {
            sweep(reserve.group, false, nullptr);
        }
        if (!may_go(reserve.group)) {
            left = false;
            if (is_ready(reserve.group) && !group.sweep) {
                set_back(group);
                reserve.next_due_ms = limited_until_ms(reserve.group);
                return SLOTQ_LIMITED;
            }
            if (!group.sweep) {
                reserve.next_due_ms = next_due_ms(group);
                return SLOTQ_EMPTY;
            }
            continue;
        }
        left = false;
        lease_aside(reserve, left);
        lease_retries(reserve, left);
        const bool full =
            reserve.message_count == reserve.limit || reserve.run_count == reserve.run_capacity;
        if (!full) {
            lease_new(reserve);
        }
        note_change();
        if (reserve.message_count > 0) {
            return SLOTQ_OK;
        }
        if (group.cursor == last_id + 1 && !group.sweep && !left) {
            reserve.next_due_ms = next_due_ms(group);
            return SLOTQ_EMPTY;
        }
    }
    reserve.next_due_ms = left ? (tick_ + 1) * geometry.tick_ms : now_ms_;
    return SLOTQ_AGAIN;
}

/* ---- settle ---- */

/* The message is its holder's. */
slotq_outcome Model::settle_share(slotq_verb verb, slotq_call_settle &settle, Message &message,
                                  uint32_t &new_token)
{
    Group &group = groups[settle.group];
    Share &share = message.shares[settle.group];
    if (verb == SLOTQ_KILL || (verb == SLOTQ_NACK && dies(share))) {
        const std::string note(static_cast<const char *>(settle.note), settle.note_bytes);
        if (!bury(message, settle.group, settle.reason, note)) {
            if (swept_whole_) {
                share.state = SLOTQ_STATE_WAITING;
                share.deadline = deadline_after(60000);
                set_due(group, share.deadline);
            }
            return SLOTQ_DEADFULL;
        }
        settle.dead_count++;
    } else if (verb == SLOTQ_ACK) {
        share = Share();
        share.state = SLOTQ_STATE_DONE;
        group.acked++;
    } else if (verb == SLOTQ_RELEASE && settle.ms == 0) {
        make_ready(share, share.attempts - 1);
    } else if (verb == SLOTQ_NACK && settle.ms == 0) {
        make_ready(share, share.attempts);
    } else {
        uint64_t deadline = deadline_after(settle.ms);
        if (verb != SLOTQ_EXTEND) {
            share.state = SLOTQ_STATE_WAITING;
            share.attempts -= verb == SLOTQ_RELEASE ? 1 : 0;
        } else if (!fresh(share, deadline)) {
            new_token = share.word();
            return SLOTQ_OK;
        }
        share.deadline = deadline;
        new_token = share.word();
        set_due(group, deadline);
    }
    return SLOTQ_OK;
}

slotq_outcome Model::settle_one(slotq_verb verb, slotq_call_settle &settle, uint64_t id,
                                uint32_t token, uint32_t &new_token)
{
    if (id == 0 || id > last_id) {
        return SLOTQ_NOTFOUND;
    }
    const Share *share = this->share(id, settle.group);
    if (share == nullptr || share->state == SLOTQ_STATE_DONE) {
        return SLOTQ_GONE;
    }
    if (share->state != SLOTQ_STATE_LEASED || share->word() != token) {
        return SLOTQ_STALE;
    }
    const slotq_outcome outcome = settle_share(verb, settle, at(id), new_token);
    forget_aside(id);
    move_heads();
    note_change();
    return outcome;
}

/* Words of a run that lie side by side are settled in one step. True: the message, still to be
 * settled, is the last of its step. */
bool Model::ends_step(slotq_verb verb, uint32_t group, uint64_t id, const slotq_run &run) const
{
    const Share *next = share(id + 1, group);
    return id + 1 - run.id == run.count || (id + 1 - lap_begins) % geometry.ring_slots == 0 ||
           find_aside(id) != nullptr || next == nullptr || next->state != SLOTQ_STATE_LEASED ||
           next->word() != run.token || verb == SLOTQ_KILL || (verb == SLOTQ_NACK && dies(*next));
}

slotq_outcome Model::settle(slotq_verb verb, slotq_call_settle &settle)
{
    uint64_t count = 0;
    bool empty_run = false;
    for (uint32_t i = 0; i < settle.run_count; i++) {
        count += settle.runs[i].count;
        empty_run = empty_run || settle.runs[i].count == 0;
    }
    const bool may_delay = verb == SLOTQ_NACK || verb == SLOTQ_RELEASE;
    const bool deadlines = verb == SLOTQ_EXTEND || (may_delay && settle.ms > 0);
    if (settle.group >= geometry.groups || empty_run || count < 1 ||
        count > SLOTQ_CALL_MESSAGES_MAX || (deadlines && !duration_fits(settle.ms))) {
        return SLOTQ_INVALID;
    }
    swept_whole_ = deadlines && sweep_far(groups[settle.group]);
    if (swept_whole_) {
        const Named named(settle.runs, settle.runs + settle.run_count);
        sweep(settle.group, true, &named);
    }
    settle.ok_count = 0;
    settle.dead_count = 0;
    slotq_outcome answer = SLOTQ_OK;
    size_t place = 0;
    uint32_t leased = this->count(settle.group, SLOTQ_STATE_LEASED, true);
    for (uint32_t i = 0; i < settle.run_count; i++) {
        const slotq_run &run = settle.runs[i];
        for (uint32_t k = 0; k < run.count; k++, place++) {
            uint32_t token = 0;
            const bool ends = ends_step(verb, settle.group, run.id + k, run);
            const slotq_outcome outcome = settle_one(verb, settle, run.id + k, run.token, token);
            if (ends) {
                note_freed(settle.group, leased);
                leased = this->count(settle.group, SLOTQ_STATE_LEASED, true);
            }
            settle.ok_count += outcome == SLOTQ_OK;
            answer = answer == SLOTQ_OK ? outcome : answer;
            if (settle.outcomes != nullptr) {
                settle.outcomes[place] = static_cast<uint8_t>(outcome);
            }
            if (settle.tokens != nullptr && verb == SLOTQ_EXTEND) {
                settle.tokens[place] =
                    outcome == SLOTQ_OK ? token : 4 * static_cast<uint32_t>(outcome);
            }
        }
    }
    return answer;
}

} // namespace support
