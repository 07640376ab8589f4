/* compare.cpp: see play.hpp. Here: asking both the same, and comparing everything.
 */
#include <algorithm>
#include <sstream>

#include "comparison.hpp"
#include "play.hpp"

namespace support
{

namespace
{

constexpr const char *verb_names[] = {
    "push",   "reserve", "ack",        "nack",       "release", "extend",      "kill",
    "remove", "reclaim", "redrive",    "dead_purge", "pause",   "resume",      "purge",
    "status", "peek",    "dead_list",  "stats",      "limit",   "dead_remove", "schedule",
    "cancel", "kick",    "later_list", "find",       "finish"};

} // namespace

std::string Play::ask(slotq_call &core, slotq_call &model)
{
    outcome_ = image_.run(core);
    last_ = core;
    const slotq_outcome expected = model_.run(model);
    Comparison comparison;
    comparison.note(image_.fault());
    comparison.note(image_.check());
    comparison.equal("answer", outcome_, expected);
    comparison.equal("woke", image_.woke(), model_.woke);
    comparison.note(compare_answers(core, model));
    comparison.note(compare_front());
    for (uint32_t g = 0; g < model_.groups.size() && comparison.text().empty(); g++) {
        comparison.note(compare_group(g));
        comparison.note(compare_words(g));
    }
    comparison.note(compare_dead());
    comparison.note(compare_aside());
    comparison.note(compare_later());
    comparison.note(compare_keys());
    if (!model_.messages.empty()) {
        comparison.note(compare_payload(model_.oldest() + choices_.below(model_.messages.size())));
    }
    if (!model_.aside.empty()) {
        comparison.note(compare_payload(model_.aside[choices_.below(model_.aside.size())].id));
    }
    return comparison.text();
}

/* ---- what was answered ---- */

std::string Play::compare_answers(const slotq_call &core, const slotq_call &model) const
{
    Comparison comparison;
    if (outcome_ == SLOTQ_INVALID) {
        return "";
    }
    if (core.verb == SLOTQ_PUSH && outcome_ == SLOTQ_OK) {
        comparison.equal("first_id", core.push.first_id, model.push.first_id);
    } else if (core.verb == SLOTQ_PUSH && outcome_ == SLOTQ_FULL) {
        comparison.note(compare_holder(core.push.holder, model.push.holder));
    } else if (core.verb == SLOTQ_RESERVE && outcome_ != SLOTQ_PAUSED) {
        comparison.equal("run_count", core.reserve.run_count, model.reserve.run_count);
        comparison.equal("messages", core.reserve.message_count, model.reserve.message_count);
        for (uint32_t i = 0; i < model.reserve.run_count && comparison.text().empty(); i++) {
            comparison.equal("run.id", core_runs_[i].id, model_runs_[i].id);
            comparison.equal("run.token", core_runs_[i].token, model_runs_[i].token);
            comparison.equal("run.count", core_runs_[i].count, model_runs_[i].count);
        }
        comparison.equal("next_due_ms", core.reserve.next_due_ms, model.reserve.next_due_ms);
    } else if (core.verb >= SLOTQ_ACK && core.verb <= SLOTQ_KILL) {
        comparison.equal("ok_count", core.settle.ok_count, model.settle.ok_count);
        comparison.equal("dead_count", core.settle.dead_count, model.settle.dead_count);
        comparison.holds("outcome bytes differ", core_outcomes_ == model_outcomes_);
        comparison.holds("new tokens differ", core_tokens_ == model_tokens_);
    } else if (core.verb == SLOTQ_RECLAIM) {
        comparison.equal("ready", core.reclaim.ready_count, model.reclaim.ready_count);
        comparison.equal("died", core.reclaim.dead_count, model.reclaim.dead_count);
    } else if (core.verb == SLOTQ_REDRIVE || core.verb == SLOTQ_DEAD_PURGE ||
               core.verb == SLOTQ_DEAD_REMOVE) {
        comparison.equal("count", core.dead.count, model.dead.count);
        comparison.equal("first_id", core.dead.first_id, model.dead.first_id);
        comparison.equal("damaged", core.dead.damaged, model.dead.damaged);
    } else if (core.verb == SLOTQ_STATUS && outcome_ == SLOTQ_OK) {
        comparison.note(compare_status(core.status, model.status));
    } else if (core.verb == SLOTQ_PEEK || core.verb == SLOTQ_DEAD_LIST) {
        comparison.note(compare_items(core, model));
    } else if (core.verb == SLOTQ_LATER_LIST) {
        comparison.note(compare_later_list(core, model));
    } else if (core.verb == SLOTQ_SCHEDULE && outcome_ == SLOTQ_OK) {
        comparison.equal("first_later_id", core.schedule.first_later_id,
                         model.schedule.first_later_id);
    } else if (outcome_ == SLOTQ_DUPLICATE) {
        const bool pushes = core.verb == SLOTQ_PUSH;
        comparison.note(compare_key_holder(pushes ? core.push.taken : core.schedule.taken,
                                           pushes ? model.push.taken : model.schedule.taken));
    } else if (core.verb == SLOTQ_FIND && outcome_ == SLOTQ_OK) {
        comparison.note(compare_key_holder(core.find.holder, model.find.holder));
    } else if (core.verb == SLOTQ_FINISH && outcome_ == SLOTQ_OK) {
        comparison.equal("last_id", core.finish.last_id, model.finish.last_id);
    } else if (core.verb == SLOTQ_STATS) {
        comparison.note(compare_stats(core.stats.stats, model.stats.stats));
    }
    return comparison.text();
}

/* READY words aside with an id below. */
uint32_t Play::ready_aside(uint32_t group, uint64_t below) const
{
    uint32_t ready = 0;
    for (const Message &message : model_.aside) {
        ready += message.id < below && message.shares[group].state == SLOTQ_STATE_READY;
    }
    return ready;
}

/* The formula of FORMAT.md; retry_from, which the model does not have, is the image's. */
uint32_t Play::position(const slotq_call_status &call) const
{
    const Group &group = model_.groups[call.group];
    const uint32_t aside = ready_aside(call.group, model_.oldest());
    const uint32_t behind = model_.count(call.group, SLOTQ_STATE_READY, true);
    if (call.status.state == SLOTQ_STATE_LEASED || call.status.state == SLOTQ_STATE_DONE) {
        return 0;
    }
    if (call.id < group.head) {
        return ready_aside(call.group, call.id);
    }
    if (call.id >= group.cursor) {
        return behind + static_cast<uint32_t>(call.id - group.cursor);
    }
    const uint32_t others = behind - aside - (call.status.state == SLOTQ_STATE_READY ? 1 : 0);
    const uint64_t head = image_.get(field::group_head, call.group);
    const uint32_t from = image_.distance(head, image_.get(field::group_retry_from, call.group));
    const uint32_t place = static_cast<uint32_t>(call.id - group.head);
    return aside + std::min(others, place < from ? 0 : place - from);
}

/* The position is the formula's, and no less than the number of messages before this one. */
std::string Play::compare_status(const slotq_call_status &core,
                                 const slotq_call_status &model) const
{
    Comparison comparison;
    const Group &group = model_.groups[core.group];
    const Message &message = *model_.find(core.id);
    const bool stamps = (model_.geometry.flags & SLOTQ_FLAG_STAMPS) != 0;
    const uint64_t stamp_ms = slotq_core_stamp_ms(&model_.geometry, message.stamp, now_ms_);
    comparison.equal("status.state", core.status.state, model.status.state);
    comparison.equal("status.why", core.status.why, model.status.why);
    comparison.equal("status.attempts", core.status.attempts, model.status.attempts);
    comparison.equal("status.deadline_ms", core.status.deadline_ms, model.status.deadline_ms);
    comparison.equal("status.pushed_ms", core.status.pushed_ms, stamps ? stamp_ms : 0);
    comparison.equal("status.position", core.status.position, position(model));
    if (core.status.state == SLOTQ_STATE_READY && core.id < group.cursor) {
        uint32_t before = ready_aside(core.group, core.id);
        for (uint64_t id = group.head; id < core.id; id++) {
            before += model_.share(id, core.group)->state == SLOTQ_STATE_READY;
        }
        comparison.holds("status.position is too low", core.status.position >= before);
    }
    return comparison.text();
}

std::string Play::compare_items(const slotq_call &core, const slotq_call &model) const
{
    Comparison comparison;
    comparison.equal("items", core.look.count, model.look.count);
    for (uint32_t i = 0; i < model.look.count && comparison.text().empty(); i++) {
        const slotq_item &left = core_items_[i];
        const slotq_item &right = model_items_[i];
        comparison.equal("item.id", left.id, right.id);
        comparison.equal("item.attempts", left.attempts, right.attempts);
        comparison.equal("item.group", left.group, right.group);
        comparison.equal("item.reason", left.reason, right.reason);
        comparison.equal("item.note_bytes", left.note_bytes, right.note_bytes);
        comparison.equal("item.died_at_ms", left.died_at_ms, right.died_at_ms);
        if (core.verb == SLOTQ_PEEK) {
            comparison.equal("item.word", left.word, right.word);
            comparison.equal("item.state", left.state, right.state);
            comparison.equal("item.slot_offset", left.slot_offset, image_.slot_offset_of(left.id));
        }
    }
    return comparison.text();
}

std::string Play::compare_holder(const slotq_holder &core, const slotq_holder &model) const
{
    Comparison comparison;
    comparison.equal("holder.id", core.id, model.id);
    comparison.equal("holder.held", core.held, model.held);
    if (model.held == 0) {
        return comparison.text();
    }
    comparison.equal("holder.group", core.group, model.group);
    comparison.equal("holder.state", core.state, model.state);
    comparison.equal("holder.dead_full", core.dead_full, model.dead_full);
    /* what was removed ahead of the cursor is still counted there */
    comparison.holds("holder.unfinished is too low", core.unfinished >= model.unfinished);
    comparison.holds("holder.unfinished is too high",
                     core.unfinished <= core.held + model_.aside.size());
    return comparison.text();
}

std::string Play::compare_stats(const slotq_stats &core, const slotq_stats &model) const
{
    Comparison comparison;
    comparison.equal("stats.last_id", core.last_id, model.last_id);
    comparison.equal("stats.capacity", core.capacity, model.capacity);
    comparison.equal("stats.used", core.used, model.used);
    comparison.equal("stats.group", core.group, model.group);
    comparison.equal("stats.ready", core.ready, model.ready);
    comparison.equal("stats.undelivered", core.undelivered, model.undelivered);
    comparison.equal("stats.leased", core.leased, model.leased);
    comparison.equal("stats.waiting", core.waiting, model.waiting);
    comparison.equal("stats.unfinished", core.unfinished, model.unfinished);
    comparison.equal("stats.acked", core.acked, model.acked);
    comparison.equal("stats.redelivered", core.redelivered, model.redelivered);
    comparison.equal("stats.died", core.died, model.died);
    comparison.equal("stats.next_due_ms", core.next_due_ms, model.next_due_ms);
    comparison.equal("stats.later", core.later, model.later);
    comparison.equal("stats.later_capacity", core.later_capacity, model.later_capacity);
    comparison.equal("stats.later_due_ms", core.later_due_ms, model.later_due_ms);
    comparison.equal("stats.dead", core.dead, model.dead);
    comparison.equal("stats.dead_capacity", core.dead_capacity, model.dead_capacity);
    comparison.equal("stats.dropped", core.dropped, model.dropped);
    comparison.equal("stats.dead_dropped", core.dead_dropped, model.dead_dropped);
    comparison.equal("stats.paused", core.paused, model.paused);
    comparison.equal("stats.max_leased", core.limits.max_leased, model.limits.max_leased);
    comparison.equal("stats.limited_until_ms", core.limited_until_ms, model.limited_until_ms);
    comparison.equal("stats.burst", core.limits.rate_burst, model.limits.rate_burst);
    comparison.equal("stats.interval", core.limits.rate_interval_us, model.limits.rate_interval_us);
    comparison.equal("stats.aside", core.aside, model.aside);
    comparison.equal("stats.aside_capacity", core.aside_capacity, model.aside_capacity);
    const Message *oldest = model_.oldest_of(core.group);
    const bool stamps = (model_.geometry.flags & SLOTQ_FLAG_STAMPS) != 0 && oldest != nullptr;
    comparison.equal("stats.oldest_ms", core.oldest_ms,
                     stamps ? slotq_core_stamp_ms(&model_.geometry, oldest->stamp, now_ms_) : 0);
    comparison.note(compare_holder(core.holder, model.holder));
    return comparison.text();
}

/* ---- what is in the bytes ---- */

std::string Play::compare_front() const
{
    Comparison comparison;
    comparison.equal("last_id", image_.last_id(), model_.last_id);
    comparison.equal(
        "used", image_.distance(image_.get(field::header_head), image_.get(field::header_tail)),
        model_.messages.size());
    comparison.equal("paused", image_.get(field::shared_paused), model_.paused);
    comparison.equal("dropped", image_.get(field::shared_dropped), model_.dropped);
    comparison.equal("dead_dropped", image_.get(field::shared_dead_dropped), model_.dead_dropped);
    comparison.equal("aside_count", image_.aside_count(), model_.aside.size());
    comparison.equal("dead_count", image_.get(field::shared_dead_count), model_.dead_count());
    comparison.equal("dead_holes", image_.get(field::shared_dead_holes),
                     model_.dead.size() - model_.dead_count());
    comparison.equal("wake", image_.get(field::shared_wake), model_.wake);
    return comparison.text();
}

std::string Play::compare_group(uint32_t index) const
{
    const Group &group = model_.groups[index];
    const uint64_t sweep = group.sweep ? image_.index_of(*group.sweep) : sweep_none;
    Comparison comparison;
    comparison.equal("group.head", image_.get(field::group_head, index),
                     image_.index_of(group.head));
    comparison.equal("group.cursor", image_.get(field::group_cursor, index),
                     image_.index_of(group.cursor));
    comparison.equal("group.ready_behind", image_.get(field::group_ready_behind, index),
                     model_.count(index, SLOTQ_STATE_READY, true));
    comparison.equal("group.leased", image_.get(field::group_leased, index),
                     model_.count(index, SLOTQ_STATE_LEASED, true));
    comparison.equal("group.waiting", image_.get(field::group_waiting, index),
                     model_.count(index, SLOTQ_STATE_WAITING, true));
    comparison.equal("group.sweep", image_.get(field::group_sweep, index), sweep);
    comparison.equal("group.due", image_.get(field::group_due, index),
                     group.due.value_or(u48_none));
    comparison.equal("group.due_next", image_.get(field::group_due_next, index),
                     group.due_next.value_or(u48_none));
    comparison.equal("group.acked", image_.get(field::group_acked, index), group.acked);
    comparison.equal("group.redelivered", image_.get(field::group_redelivered, index),
                     group.redelivered);
    comparison.equal("group.died", image_.get(field::group_died, index), group.died);
    const uint64_t stored = group.interval_us < UINT64_C(1) << 31
                                ? group.interval_us
                                : (UINT64_C(1) << 31) + group.interval_us / 1000;
    comparison.equal("max_leased", image_.get(field::limit_max_leased, index), group.max_leased);
    comparison.equal("rate_burst", image_.get(field::limit_rate_burst, index), group.burst);
    comparison.equal("rate_interval", image_.get(field::limit_rate_interval, index), stored);
    comparison.equal("rate_tat",
                     image_.get(field::limit_rate_tat_ms, index) * 1000 +
                         image_.get(field::limit_rate_tat_us, index),
                     group.full_us);
    return comparison.text();
}

std::string Play::compare_words(uint32_t group) const
{
    const uint64_t head = image_.get(field::group_head, group);
    const uint32_t written = image_.distance(head, image_.get(field::group_written, group));
    for (const Message &message : model_.messages) {
        if (message.id < model_.groups[group].head) {
            continue;
        }
        const uint32_t index = image_.index_of(message.id);
        const uint32_t word =
            image_.distance(head, index) < written ? image_.get_word(group, index) : 0;
        if (word != message.shares[group].word()) {
            return differ("word", word, message.shares[group].word()) + " of id " +
                   std::to_string(message.id) + " in group " + std::to_string(group);
        }
    }
    return "";
}

/* The index and the words; payloads one at a time (ask). */
std::string Play::compare_aside() const
{
    for (uint32_t i = 0; i < model_.aside.size(); i++) {
        const Message &message = model_.aside[i];
        Comparison comparison;
        comparison.equal("aside.id", image_.aside_id(i), message.id);
        comparison.equal("aside.slot", image_.aside_slot(i), message.aside_slot);
        for (uint32_t g = 0; g < model_.groups.size(); g++) {
            comparison.equal("a word aside", image_.get_aside_word(g, message.aside_slot),
                             message.shares[g].word());
        }
        if (!comparison.text().empty()) {
            return comparison.text() + " of id " + std::to_string(message.id);
        }
    }
    return "";
}

std::string Play::compare_dead() const
{
    uint32_t entry = static_cast<uint32_t>(image_.get(field::shared_dead_head));
    for (const DeadMessage &dead : model_.dead) {
        const uint8_t *bytes = image_.data() + image_.dead_offset(entry);
        slotq_slot slot;
        Comparison comparison;
        comparison.equal("dead.id", load(bytes, 6), dead.id);
        if (dead.id == 0) {
            entry = (entry + 1) % image_.geometry().dead_slots;
            continue;
        }
        comparison.equal("dead.died_at_ms", load(bytes + 6, 6), dead.died_at_ms);
        comparison.equal("dead.attempts", bytes[12], dead.attempts);
        comparison.equal("dead.group", bytes[13], dead.group);
        comparison.equal("dead.reason", bytes[14], dead.reason);
        comparison.holds("a note differs",
                         std::string(reinterpret_cast<const char *>(bytes + dead_entry_bytes),
                                     bytes[15]) == dead.note);
        const bool is_sound =
            slotq_core_slot(&image_.view(), image_.dead_slot_offset(entry), &slot);
        comparison.equal("a dead slot is damaged", !is_sound, dead.damaged);
        if (is_sound) {
            comparison.holds("a dead payload differs",
                             std::string(reinterpret_cast<const char *>(slot.payload),
                                         slot.payload_bytes) == dead.payload);
            comparison.equal("a dead stamp", slot.stamp, dead.stamp);
        }
        if (!comparison.text().empty()) {
            return comparison.text();
        }
        entry = (entry + 1) % image_.geometry().dead_slots;
    }
    return "";
}

std::string Play::compare_payload(uint64_t id) const
{
    const Message &message = *model_.find(id);
    const uint32_t offset = slotq_core_slot_offset(&image_.view(), id);
    slotq_slot slot;
    Comparison comparison;
    comparison.equal("slot offset", offset, image_.slot_offset_of(id));
    comparison.holds("a slot is damaged", slotq_core_slot(&image_.view(), offset, &slot));
    comparison.equal("stamp", slot.stamp, message.stamp);
    comparison.holds("a payload differs", std::string(reinterpret_cast<const char *>(slot.payload),
                                                      slot.payload_bytes) == message.payload);
    const bool checks = (model_.geometry.flags & SLOTQ_FLAG_CHECKS) != 0;
    comparison.equal("check", slot.check, checks ? xxh32(slot.payload, slot.payload_bytes) : 0);
    return comparison.text();
}

/* ---- telling ---- */

std::string Play::geometry_told() const
{
    const slotq_geometry &shape = image_.geometry();
    std::ostringstream text;
    text << "ring_slots " << shape.ring_slots << " payload " << shape.payload_bytes << " groups "
         << +shape.groups << " flags " << +shape.flags << " max_attempts " << +shape.max_attempts
         << " dead " << shape.dead_slots << " tick_ms " << shape.tick_ms << " aside "
         << +shape.aside_slots;
    return text.str();
}

std::string Play::told() const
{
    std::ostringstream text;
    const uint64_t tick = now_ms_ / image_.geometry().tick_ms;
    text << verb_names[last_.verb] << " tick " << tick;
    if (last_.verb == SLOTQ_PUSH) {
        text << " count " << last_.push.count;
    } else if (last_.verb == SLOTQ_RESERVE) {
        text << " group " << +last_.reserve.group << " limit " << last_.reserve.limit << " runs "
             << last_.reserve.run_capacity << " lease_ms " << last_.reserve.lease_ms;
    } else if (last_.verb >= SLOTQ_ACK && last_.verb <= SLOTQ_KILL) {
        text << " group " << +last_.settle.group << " ms " << last_.settle.ms;
        for (const slotq_run &run : runs_) {
            text << " " << run.id << ":" << std::hex << run.token << std::dec << "x" << run.count;
        }
    } else if (last_.verb == SLOTQ_REMOVE) {
        text << " id " << last_.remove.id << " group " << +last_.remove.group;
    }
    text << " -> " << outcome_ << " aside " << image_.aside_count();
    for (uint32_t g = 0; g < model_.groups.size(); g++) {
        text << "\n    group " << g << ": head " << image_.get(field::group_head, g) << " cursor "
             << image_.get(field::group_cursor, g) << " written "
             << image_.get(field::group_written, g) << " retry_from "
             << image_.get(field::group_retry_from, g) << " ready_behind "
             << image_.get(field::group_ready_behind, g) << " sweep "
             << image_.get(field::group_sweep, g) << " due " << image_.get(field::group_due, g)
             << " tail " << image_.get(field::header_tail);
    }
    return text.str();
}

} // namespace support
