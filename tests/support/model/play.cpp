/* play.cpp: see play.hpp. Here: choosing what to do.
 */
#include "play.hpp"

#include <algorithm>

namespace support
{

namespace
{

constexpr uint64_t ticks_2_23 = UINT64_C(1) << 23;
constexpr uint64_t ticks_2_24 = UINT64_C(1) << 24;
constexpr size_t held_max = 48;

} // namespace

uint64_t RandomChoices::below(uint64_t limit)
{
    state_ += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return (mixed ^ mixed >> 31) % limit;
}

uint64_t ByteChoices::below(uint64_t limit)
{
    uint64_t value = 0;
    for (uint64_t reach = 1; reach < limit && at_ != end_; reach *= 256) {
        value = value << 8 | *at_++;
        if (reach > UINT64_MAX / 256) {
            break;
        }
    }
    return value % limit;
}

/* ---- the beginning ---- */

slotq_geometry Play::choose_geometry(Choices &choices)
{
    static const uint32_t groups[] = {1, 1, 1, 2, 2, 3, 3, 16};
    static const uint32_t attempts[] = {0, 0, 1, 2, 3, 3, 62};
    static const uint32_t ticks[] = {1, 3, 100, 1000};
    const bool large = choices.one_in(5);
    slotq_geometry made = geometry(
        2 + (large ? choices.small(299) : choices.small(14)), 1 + 2 * choices.small(12),
        groups[choices.small(8)], choices.small(32), attempts[choices.small(7)],
        choices.one_in(3) ? 0 : 1 + choices.small(5) * (large ? 10 : 1), ticks[choices.small(4)]);
    if (choices.one_in(3)) { /* room for a large dead section that is seldom full */
        made.dead_slots = static_cast<uint16_t>(made.dead_slots * 7);
    }
    made.later_slots = static_cast<uint16_t>(choices.one_in(4) ? choices.small(4) : 0);
    if (made.groups == 16) {
        made.ring_slots = static_cast<uint16_t>(2 + made.ring_slots % 20);
    }
    return made;
}

uint64_t choose_last_id(Choices &choices)
{
    static const uint64_t marks[] = {UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(3) << 31,
                                     UINT64_C(1) << 46};
    switch (choices.small(4)) {
    case 0:
        return marks[choices.small(4)] - choices.small(40);
    case 1:
        return choices.below(UINT64_C(1) << 46);
    case 2:
        return choices.one_in(4) ? SLOTQ_ID_MAX - choices.small(400) : 0;
    default:
        return 0;
    }
}

uint64_t choose_now_ms(Choices &choices, uint64_t tick_ms)
{
    switch (choices.small(4)) {
    case 0: /* about to pass a multiple of 2^24 ticks */
        return choices.between(1, 60) * ticks_2_24 * tick_ms - choices.below(300 * tick_ms);
    case 1:
        return choices.below(3 * tick_ms);
    case 2:
        return SLOTQ_NOW_MS_MAX - choices.below(ticks_2_24 * tick_ms);
    default:
        return choices.below(UINT64_C(1) << 41);
    }
}

Play::Play(Choices &choices)
    : choices_(choices), image_(choose_geometry(choices)), model_(image_.geometry()), last_()
{
    const uint64_t last_id = choose_last_id(choices_);
    image_.start_at(last_id, choices_.small(image_.geometry().ring_slots));
    image_.check_each_step(true);
    model_ = Model(image_.geometry(), last_id);
    now_ms_ = choose_now_ms(choices_, image_.geometry().tick_ms);
    if (choices_.one_in(2)) { /* counters about to wrap */
        const uint32_t start = UINT32_MAX - choices_.small(20);
        model_.dropped = start;
        model_.dead_dropped = start;
        model_.wake = start & ~3u;
        image_.set(field::shared_dropped, start);
        image_.set(field::shared_dead_dropped, start);
        image_.set(field::shared_wake, start & ~3u);
        for (uint32_t g = 0; g < model_.groups.size(); g++) {
            model_.groups[g].acked = start;
            model_.groups[g].redelivered = start;
            model_.groups[g].died = start;
            image_.set(field::group_acked, g, start);
            image_.set(field::group_redelivered, g, start);
            image_.set(field::group_died, g, start);
        }
    }
}

/* ---- arguments ---- */

slotq_call Play::fresh(slotq_verb verb) const
{
    slotq_call call = {};
    call.verb = verb;
    call.now_ms = now_ms_;
    return call;
}

/* Mostly a little later; now and then far ahead or back. */
void Play::move_clock()
{
    const uint64_t tick_ms = image_.geometry().tick_ms;
    uint64_t ahead = 0;
    uint64_t back = 0;
    const uint32_t kind = choices_.small(200);
    if (kind < 60) {
        ahead = choices_.below(2 * tick_ms);
    } else if (kind < 85) {
        ahead = choices_.below(40 * tick_ms);
    } else if (kind < 90) {
        ahead = (4080 + choices_.below(40)) * tick_ms;
    } else if (kind == 90) {
        ahead = (ticks_2_23 - 4200 + choices_.below(8600)) * tick_ms;
    } else if (kind == 91) {
        ahead = (ticks_2_24 - 4200 + choices_.below(8600)) * tick_ms;
    } else if (kind == 92) {
        ahead = choices_.below(ticks_2_24 * 3) * tick_ms;
    } else if (kind == 93) {
        back = choices_.below(3 * ticks_2_23) * tick_ms;
    } else if (kind < 96) {
        back = choices_.below(20 * tick_ms);
    }
    now_ms_ = std::min<uint64_t>(now_ms_ + ahead, SLOTQ_NOW_MS_MAX);
    now_ms_ -= std::min(now_ms_, back);
}

uint64_t Play::choose_duration()
{
    const uint64_t tick_ms = image_.geometry().tick_ms;
    const uint64_t longest = (ticks_2_23 - 1) * tick_ms;
    switch (choices_.small(16)) {
    case 0:
        return longest - choices_.below(3 * tick_ms);
    case 1:
        return choices_.one_in(4) ? choices_.small(2) * (longest + 1) : tick_ms;
    case 2:
    case 3:
        return (4080 + choices_.below(30)) * tick_ms;
    default:
        return 1 + choices_.below(choices_.one_in(2) ? 2 * tick_ms : 30 * tick_ms);
    }
}

uint32_t Play::choose_group()
{
    const uint32_t groups = image_.geometry().groups;
    return choices_.one_in(60) ? groups : choices_.small(groups);
}

uint64_t Play::choose_id()
{
    const uint64_t last = model_.last_id;
    const uint64_t used = model_.messages.size();
    if (choices_.one_in(12)) {
        return choices_.one_in(2) ? last + choices_.below(3) : choices_.below(3);
    }
    return last + 1 - std::min<uint64_t>(last + 1, choices_.below(used + 2));
}

/* Tokens held, mostly of late, some of them old, made up, or shifted; several runs at times. The
 * group they are of. */
uint32_t Play::choose_runs()
{
    const uint32_t count = choices_.one_in(4) ? 1 + choices_.small(5) : 1;
    uint32_t group = choices_.small(image_.geometry().groups);
    runs_.clear();
    for (uint32_t i = 0; i < count; i++) {
        if (held_.empty() || choices_.one_in(20)) {
            runs_.push_back({choose_id(), choices_.one_in(2) ? 3u : 5u + choices_.small(99),
                             1 + choices_.small(4)});
            continue;
        }
        const size_t recent = choices_.one_in(5) ? held_.size() : std::min<size_t>(held_.size(), 3);
        const size_t pick = held_.size() - 1 - static_cast<size_t>(choices_.below(recent));
        slotq_run run = held_[pick].run;
        const uint32_t change = choices_.small(15);
        group = held_[pick].group;
        if (change == 0) { /* a part of it */
            const uint32_t skip = choices_.small(run.count);
            run.id += skip;
            run.count = 1 + choices_.small(run.count - skip);
        } else if (change == 1) {
            run.count += choices_.small(3);
        } else if (change == 2) {
            run.token ^= 1u << choices_.small(32);
        } else if (change < 14) { /* done with it */
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(pick));
        }
        runs_.push_back(run);
    }
    return choices_.one_in(40) ? choose_group() : group;
}

/* Attempts near their end, which takes long to reach by verbs. */
void Play::wear_out()
{
    const uint32_t most = image_.geometry().max_attempts == 0 ? 63 : 62;
    for (Message &message : model_.messages) {
        for (uint32_t g = 0; g < model_.groups.size(); g++) {
            Share &share = message.shares[g];
            const bool delivered =
                message.id >= model_.groups[g].head && message.id < model_.groups[g].cursor;
            if (!delivered || share.attempts == 0 || !choices_.one_in(2)) {
                continue;
            }
            const bool spent = most == 62 && share.state == SLOTQ_STATE_READY;
            share.attempts = most - (spent ? 1 : 0) - choices_.small(3);
            image_.set_word(g, image_.index_of(message.id), share.word());
        }
    }
}

/* As after a crash between the header's store and the era's. */
void Play::interrupt_crossing()
{
    const uint64_t low = image_.get(field::header_last_id);
    const uint64_t era = image_.get(field::shared_era);
    if (era > 0 && (era & 1) == low >> 31 && (low & 0x7FFFFFFF) < 4096) {
        image_.set(field::shared_era, era - 1);
    }
}

/* What the format leaves open may be anything: words outside [head, written), and a retry_from
 * that is earlier than it could be. */
void Play::stir()
{
    static const uint32_t garbage[] = {0, 3, 0x103, 5, 0xFFFFFFFF, 0x203};
    for (uint32_t g = 0; g < model_.groups.size(); g++) {
        const uint64_t head = image_.get(field::group_head, g);
        const uint32_t written = image_.distance(head, image_.get(field::group_written, g));
        for (uint32_t index = 0; index < image_.geometry().ring_slots; index++) {
            if (image_.distance(head, index) >= written) {
                image_.set_word(g, index, garbage[choices_.small(6)]);
            }
        }
        if (image_.get(field::group_ready_behind, g) > 0 && choices_.one_in(2)) {
            image_.set(field::group_retry_from, g, head);
        }
    }
}

/* ---- verbs ---- */

std::string Play::push()
{
    const slotq_geometry &shape = image_.geometry();
    const uint32_t most = choices_.one_in(3) ? shape.ring_slots : 4u;
    const uint32_t count =
        choices_.one_in(40) ? choices_.small(2) * 4097 : 1 + choices_.small(most);
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
    slotq_call core = fresh(SLOTQ_PUSH);
    core.push.messages = data_.data();
    core.push.count = count;
    core.push.may_wait = choices_.one_in(2);
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::reserve()
{
    const uint32_t group = choose_group();
    slotq_call core = fresh(SLOTQ_RESERVE);
    core.reserve.group = static_cast<uint8_t>(group);
    core.reserve.lease_ms = choose_duration();
    core.reserve.limit = choices_.one_in(50) ? choices_.small(2) * 4097
                                             : 1 + choices_.small(choices_.one_in(4) ? 300 : 5);
    core.reserve.run_capacity =
        choices_.one_in(6) ? 1 + choices_.small(3) : std::max(1u, core.reserve.limit);
    core.reserve.may_wait = choices_.one_in(2);
    core_runs_.assign(core.reserve.run_capacity, slotq_run());
    model_runs_ = core_runs_;
    slotq_call model = core;
    core.reserve.runs = core_runs_.data();
    model.reserve.runs = model_runs_.data();
    const std::string fault = ask(core, model);
    for (uint32_t i = 0; outcome_ == SLOTQ_OK && i < core.reserve.run_count; i++) {
        if (held_.size() == held_max) {
            held_[choices_.small(held_max)] = held_.back();
            held_.pop_back();
        }
        held_.push_back({group, core_runs_[i]});
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
    core.settle.ms = core.verb == SLOTQ_NACK && choices_.one_in(2) ? 0 : choose_duration();
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
    if (core.verb == SLOTQ_EXTEND && outcome_ == SLOTQ_OK && wants && held_.size() < held_max) {
        held_.push_back({group, {runs_[0].id, core_tokens_[0], runs_[0].count}});
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
        const uint32_t both = core.verb == SLOTQ_RESUME && !choices_.one_in(3) ? 3 : 0;
        core.pause.what = static_cast<uint8_t>(
            choices_.one_in(20) ? choices_.small(2) * 4 : both | (1 + choices_.small(3)));
    } else if (!choices_.one_in(4)) {
        return "";
    }
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::look()
{
    static const slotq_verb verbs[] = {SLOTQ_PEEK, SLOTQ_DEAD_LIST, SLOTQ_STATS};
    slotq_call core = fresh(verbs[choices_.small(3)]);
    if (core.verb == SLOTQ_STATS) {
        core.stats.group = static_cast<uint8_t>(choose_group());
        slotq_call model = core;
        return ask(core, model);
    }
    core.look.from =
        core.verb == SLOTQ_PEEK ? (choices_.one_in(3) ? 0 : choose_id()) : choices_.below(4);
    core.look.capacity = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(300);
    core.look.group = static_cast<uint8_t>(choose_group());
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
        &Play::push,    &Play::push,    &Play::push,    &Play::push,       &Play::push,
        &Play::reserve, &Play::reserve, &Play::reserve, &Play::reserve,    &Play::reserve,
        &Play::reserve, &Play::settle,  &Play::settle,  &Play::settle,     &Play::settle,
        &Play::settle,  &Play::settle,  &Play::settle,  &Play::remove,     &Play::reclaim,
        &Play::redrive, &Play::look,    &Play::status,  &Play::administer,
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
