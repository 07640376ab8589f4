/* play.cpp: see play.hpp. Here: choosing what to do.
 */
#include "play.hpp"

#include <algorithm>

namespace support
{

/* ---- the beginning ---- */

slotq_geometry Play::choose_geometry(Choices &choices)
{
    static const uint32_t groups[] = {1, 1, 1, 2, 2, 3, 3, 16};
    static const uint32_t attempts[] = {0, 0, 1, 2, 3, 3, 62};
    static const uint32_t ticks[] = {1, 3, 100, 1000};
    static const uint32_t aside[] = {0, 0, 1, 2, 7, 7, 7, 255};
    if (choices.one_in(4)) {
        return crowded_geometry(choices);
    }
    const bool large = choices.one_in(5);
    slotq_geometry made = geometry(
        2 + (large ? choices.small(299) : choices.small(14)), 1 + 2 * choices.small(12),
        groups[choices.small(8)], choices.small(32), attempts[choices.small(7)],
        choices.one_in(3) ? 0 : 1 + choices.small(5) * (large ? 10 : 1), ticks[choices.small(4)]);
    if (choices.one_in(3)) { /* room for a large dead section that is seldom full */
        made.dead_slots = static_cast<uint16_t>(made.dead_slots * 7);
    }
    static const uint8_t notes[] = {0, 0, 1, 5, 80, 255};
    made.note_bytes = notes[choices.small(6)];
    made.later_slots =
        static_cast<uint16_t>(choices.one_in(3) ? 0 : choices.small(large ? 100 : 12));
    if (made.groups == 16) {
        made.ring_slots = static_cast<uint16_t>(2 + made.ring_slots % 20);
    }
    if ((made.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
        made.aside_slots = static_cast<uint8_t>(aside[choices.small(8)]);
    }
    return made;
}

Play::Play(Choices &choices)
    : Game(choices, choose_geometry(choices)), model_(image_.geometry()), last_()
{
    give_a_past();
    image_.check_each_step(true);
    model_ = Model(image_.geometry(), image_.last_id());
    model_.dropped = image_.get(field::shared_dropped);
    model_.dead_dropped = image_.get(field::shared_dead_dropped);
    model_.wake = image_.get(field::shared_wake);
    model_.lap_begins = image_.last_id() + 1 - image_.get(field::header_tail);
    model_.later_last_id = static_cast<uint32_t>(image_.get(field::shared_later_last_id));
    for (uint32_t g = 0; g < model_.groups.size(); g++) {
        model_.groups[g].acked = image_.get(field::group_acked, g);
        model_.groups[g].redelivered = image_.get(field::group_redelivered, g);
        model_.groups[g].died = image_.get(field::group_died, g);
    }
}

void Play::worn(uint32_t group, uint64_t id, uint32_t attempts)
{
    for (Message &message : model_.aside) {
        if (message.id == id) {
            message.shares[group].attempts = attempts;
        }
    }
    if (id >= model_.oldest()) {
        const size_t place = static_cast<size_t>(id - model_.oldest());
        model_.messages.at(place).shares[group].attempts = attempts;
    }
}

void Play::damaged(uint32_t which)
{
    model_.dead[which].reason = SLOTQ_REASON_DAMAGED;
    model_.dead[which].damaged = true;
}

/* ---- verbs ---- */

/* count messages in data_, one of them too large at times. */
void Play::choose_payloads(uint32_t count)
{
    const slotq_geometry &shape = image_.geometry();
    payloads_.assign(count, std::string());
    data_.assign(count, slotq_data());
    const bool too_big = choices_.one_in(60);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t size = choices_.small(shape.payload_bytes + 1u);
        payloads_[i].assign(size, static_cast<char>('a' + choices_.small(26)));
        data_[i].bytes = size > 0 ? payloads_[i].data() : nullptr;
        data_[i].size = too_big && i + 1 == count ? shape.payload_bytes + 1u : size;
    }
    if (too_big && count > 0) {
        payloads_[count - 1].assign(shape.payload_bytes + 1u, 'z');
        data_[count - 1].bytes = payloads_[count - 1].data();
    }
}

std::string Play::push()
{
    const uint32_t most = choices_.one_in(3) ? image_.geometry().ring_slots : 4u;
    const uint32_t count =
        choices_.one_in(40) ? choices_.small(2) * 4097 : 1 + choices_.small(most);
    choose_payloads(count);
    slotq_call core = fresh(SLOTQ_PUSH);
    core.push.messages = data_.data();
    core.push.count = count;
    core.push.may_wait = choices_.one_in(2);
    core.push.keys = choose_keys(count);
    core.push.key_mode = choose_mode();
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::reserve()
{
    const uint32_t group = choose_group();
    slotq_call core = fresh(SLOTQ_RESERVE);
    core.reserve.group = static_cast<uint8_t>(group);
    core.reserve.lease_ms = choose_lease();
    core.reserve.limit = choices_.one_in(50) ? choices_.small(2) * 4097
                                             : 1 + choices_.small(choices_.one_in(4) ? 300 : 5);
    core.reserve.run_capacity =
        choices_.one_in(6) ? 1 + choices_.small(3) : std::max(1u, core.reserve.limit);
    core.reserve.may_wait = choices_.one_in(2);
    core.progress.asks_ring = choices_.one_in(8);
    core_runs_.assign(core.reserve.run_capacity, slotq_run());
    model_runs_ = core_runs_;
    slotq_call model = core;
    core.reserve.runs = core_runs_.data();
    model.reserve.runs = model_runs_.data();
    const std::string fault = ask(core, model);
    for (uint32_t i = 0; outcome_ == SLOTQ_OK && i < core.reserve.run_count; i++) {
        keep(group, core_runs_[i]);
    }
    return fault;
}

std::string Play::settle()
{
    static const slotq_verb verbs[] = {SLOTQ_ACK,    SLOTQ_ACK,  SLOTQ_ACK,     SLOTQ_NACK,
                                       SLOTQ_NACK,   SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND,
                                       SLOTQ_EXTEND, SLOTQ_KILL};
    slotq_call core = fresh(verbs[choices_.small(10)]);
    const uint32_t group = choose_runs();
    if (choices_.one_in(60)) {
        runs_.back().count = choices_.small(2) * 4097;
    }
    uint64_t total = 0;
    for (const slotq_run &run : runs_) {
        total += run.count;
    }
    core.settle.runs = runs_.data();
    core.settle.run_count = choices_.one_in(80) ? 0 : static_cast<uint32_t>(runs_.size());
    core.settle.group = static_cast<uint8_t>(group);
    core.settle.reason = static_cast<uint8_t>(choices_.small(256));
    choose_note(core.settle);
    const bool at_once = core.verb == SLOTQ_NACK || core.verb == SLOTQ_RELEASE;
    core.settle.ms = at_once && choices_.one_in(2) ? 0 : choose_duration();
    core_outcomes_.assign(total + 1, 77);
    core_tokens_.assign(total + 1, 77);
    model_outcomes_ = core_outcomes_;
    model_tokens_ = core_tokens_;
    slotq_call model = core;
    const bool wants = !choices_.one_in(3);
    core.settle.outcomes = wants ? core_outcomes_.data() : nullptr;
    core.settle.tokens = wants ? core_tokens_.data() : nullptr;
    model.settle.outcomes = wants ? model_outcomes_.data() : nullptr;
    model.settle.tokens = wants ? model_tokens_.data() : nullptr;
    const std::string fault = ask(core, model);
    if (core.verb == SLOTQ_EXTEND && outcome_ == SLOTQ_OK && wants) {
        keep(group, {runs_[0].id, core_tokens_[0], runs_[0].count});
    }
    return fault;
}

std::string Play::remove()
{
    slotq_call core = fresh(SLOTQ_REMOVE);
    core.remove.id = choose_id();
    const uint32_t group = choose_group();
    core.remove.group =
        choices_.one_in(3) ? uint8_t{SLOTQ_ALL_GROUPS} : static_cast<uint8_t>(group);
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::reclaim()
{
    slotq_call core = fresh(SLOTQ_RECLAIM);
    core.reclaim.group = static_cast<uint8_t>(choose_group());
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::redrive()
{
    slotq_call core = fresh(SLOTQ_REDRIVE);
    core.dead.limit = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(5);
    choose_dead(core);
    slotq_call model = core;
    return ask(core, model);
}

/* All, or one id in one group or in all. */
void Play::choose_dead(slotq_call &core)
{
    const uint32_t group = choose_group();
    core.dead.id = core.verb == SLOTQ_REDRIVE && choices_.one_in(2) ? 0 : choose_dead_id();
    core.dead.group = choices_.one_in(2) ? uint8_t{SLOTQ_ALL_GROUPS} : static_cast<uint8_t>(group);
}

std::string Play::dead_remove()
{
    slotq_call core = fresh(SLOTQ_DEAD_REMOVE);
    choose_dead(core);
    slotq_call model = core;
    return ask(core, model);
}

/* Seldom, or nothing else would happen. */
std::string Play::administer()
{
    static const slotq_verb verbs[] = {SLOTQ_PAUSE,  SLOTQ_RESUME, SLOTQ_RESUME,
                                       SLOTQ_RESUME, SLOTQ_PURGE,  SLOTQ_DEAD_PURGE};
    slotq_call core = fresh(verbs[choices_.small(6)]);
    if (core.verb == SLOTQ_PAUSE || core.verb == SLOTQ_RESUME) {
        const uint32_t all = SLOTQ_PAUSE_ALL;
        const uint32_t least = core.verb == SLOTQ_RESUME && !choices_.one_in(3) ? all : 0;
        const uint32_t some = least | (1 + choices_.small(all));
        core.pause.what =
            static_cast<uint8_t>(choices_.one_in(20) ? choices_.small(2) * (all + 1) : some);
    } else if (!choices_.one_in(4)) {
        return "";
    }
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::limit()
{
    if (!limited_) {
        return "";
    }
    slotq_call core = fresh(SLOTQ_LIMIT);
    core.limit = choose_limit();
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::schedule()
{
    const uint32_t room = image_.geometry().later_slots;
    const uint32_t count = choices_.one_in(40) ? choices_.small(2) * 4097
                           : choices_.one_in(20)
                               ? room + choices_.small(2)
                               : 1 + choices_.small(choices_.one_in(3) ? room + 1u : 3);
    choose_payloads(count);
    slotq_call core = fresh(SLOTQ_SCHEDULE);
    core.schedule.messages = data_.data();
    core.schedule.count = count;
    core.schedule.due_ms = choose_due_ms();
    core.schedule.not_past = choices_.one_in(3);
    core.schedule.keys = choose_keys(count);
    core.schedule.key_mode = choose_mode();
    slotq_call model = core;
    return ask(core, model);
}

/* The next verb finds it all due. */
std::string Play::rush()
{
    std::string fault;
    begin_rush();
    for (uint32_t i = 0; i < 3 && fault.empty(); i++) {
        fault = schedule();
    }
    end_rush();
    return !fault.empty() ? fault : choices_.one_in(2) ? push() : reserve();
}

std::string Play::cancel()
{
    slotq_call core = fresh(SLOTQ_CANCEL);
    core.cancel.later_id = choose_later_id();
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::kick()
{
    slotq_call core = fresh(SLOTQ_KICK);
    core.kick.is_later = choices_.one_in(2);
    core.kick.id = core.kick.is_later ? choose_later_id() : choose_id();
    core.kick.id += choices_.one_in(60) ? UINT64_C(1) << 32 : 0;
    core.kick.group = static_cast<uint8_t>(choose_group());
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::look()
{
    static const slotq_verb verbs[] = {SLOTQ_PEEK, SLOTQ_DEAD_LIST, SLOTQ_STATS, SLOTQ_LATER_LIST};
    slotq_call core = fresh(verbs[choices_.small(4)]);
    if (core.verb == SLOTQ_STATS) {
        core.stats.group = static_cast<uint8_t>(choose_group());
        slotq_call model = core;
        return ask(core, model);
    }
    core.look.from =
        core.verb == SLOTQ_PEEK ? (choices_.one_in(3) ? 0 : choose_id()) : choices_.below(4);
    core.look.capacity = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(300);
    core.look.group = static_cast<uint8_t>(choose_group());
    if (core.verb == SLOTQ_DEAD_LIST && choices_.one_in(2)) {
        core.look.id = choose_dead_id();
        core.look.group = choices_.one_in(2) ? uint8_t{SLOTQ_ALL_GROUPS} : core.look.group;
    }
    core_items_.assign(core.look.capacity + 1, slotq_item());
    model_items_ = core_items_;
    slotq_call model = core;
    core.look.items = core_items_.data();
    model.look.items = model_items_.data();
    return ask(core, model);
}

std::string Play::status()
{
    slotq_call core = fresh(SLOTQ_STATUS);
    core.status.id = choose_id();
    core.status.group = static_cast<uint8_t>(choose_group());
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::step()
{
    static const Step steps[] = {
        &Play::push,    &Play::push,     &Play::push,     &Play::push,       &Play::push,
        &Play::reserve, &Play::reserve,  &Play::reserve,  &Play::reserve,    &Play::reserve,
        &Play::reserve, &Play::settle,   &Play::settle,   &Play::settle,     &Play::settle,
        &Play::settle,  &Play::settle,   &Play::settle,   &Play::remove,     &Play::reclaim,
        &Play::redrive, &Play::look,     &Play::status,   &Play::administer, &Play::dead_remove,
        &Play::limit,   &Play::schedule, &Play::schedule, &Play::cancel,     &Play::kick,
        &Play::find,    &Play::rush,
    };
    move_clock();
    const slotq_geometry &shape = image_.geometry();
    if ((shape.max_attempts == 0 || shape.max_attempts == 62) && choices_.one_in(300)) {
        wear_out();
    }
    if (choices_.one_in(100)) {
        interrupt_crossing();
    }
    if (choices_.one_in(60)) {
        stir();
    }
    return (this->*steps[choices_.small(sizeof steps / sizeof steps[0])])();
}

} // namespace support
