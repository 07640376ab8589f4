/* test_parity_play.cpp: see parity_play.hpp. Here: the beginning, the clock, and arguments.
 */
#include "parity_play.hpp"

#include <algorithm>
#include <stdexcept>

namespace parity
{

namespace field = support::field;

namespace
{

constexpr uint64_t ticks_2_23 = UINT64_C(1) << 23;
constexpr uint64_t ticks_2_24 = UINT64_C(1) << 24;
constexpr size_t held_max = 48;

} // namespace

/* ---- the beginning ---- */

slotq_geometry Play::choose_geometry(Choices &choices, bool wide)
{
    static const uint32_t attempts[] = {0, 1, 1, 2, 3, 4, 62};
    static const uint32_t ticks[] = {1, 3, 100, 1000};
    const bool large = choices.one_in(5);
    const uint32_t flags = choices.small(32) & ~uint32_t{SLOTQ_FLAG_KEYS};
    const uint32_t groups = wide ? 1 + choices.small(2) : 1 + choices.small(3);
    const uint32_t slots = wide    ? 1500 + choices.small(4500)
                           : large ? 2 + choices.small(299)
                                   : 2 + choices.small(14);
    const uint32_t dead = choices.one_in(4) ? 0 : (1 + choices.small(4)) * (wide || large ? 12 : 1);
    const bool fat = !wide && !large && choices.one_in(12); /* scripts copy such slots apart */
    const uint32_t payload = wide  ? 1 + choices.small(4)
                             : fat ? 4080 + choices.small(choices.one_in(2) ? 20 : 16000)
                                   : 1 + choices.small(25);
    slotq_geometry made = support::geometry(
        slots, payload, groups, flags, attempts[choices.small(7)], dead, ticks[choices.small(4)]);
    made.later_slots = static_cast<uint16_t>(choices.one_in(4) ? choices.small(4) : 0);
    return made;
}

Play::Play(Choices &choices, redis::Connection &connection, redis::Scripts &scripts,
           redis::Connection &listener, const std::string &key)
    : choices_(choices), connection_(connection), scripts_(scripts), listener_(listener), key_(key),
      wide_(choices.one_in(12)), damages_(choices.one_in(4)),
      image_(choose_geometry(choices, wide_))
{
    listener_.command({"SUBSCRIBE", "slotq:" + key_});
    start();
}

/* create makes the same bytes; then the queue has a past. */
void Play::start()
{
    const slotq_geometry &shape = image_.geometry();
    redis::Arguments arguments = {""};
    for (const uint32_t value :
         {uint32_t{shape.ring_slots}, uint32_t{shape.payload_bytes}, uint32_t{shape.later_slots},
          uint32_t{shape.dead_slots}, uint32_t{shape.groups}, uint32_t{shape.flags},
          uint32_t{shape.max_attempts}, uint32_t{shape.tick_ms}}) {
        arguments.push_back(std::to_string(value));
    }
    connection_.command({"DEL", key_});
    const redis::Reply made = scripts_.run("create", key_, arguments);
    const std::string fault = differ(image_, connection_.command({"GET", key_}).text);
    if (!made.is_status("OK") || !fault.empty()) {
        throw std::runtime_error("create: " + made.told() + " " + fault);
    }
    image_.start_at(support::choose_last_id(choices_), choices_.small(shape.ring_slots));
    now_ms_ = support::choose_now_ms(choices_, shape.tick_ms);
    if (choices_.one_in(2)) { /* counters about to wrap */
        const uint32_t start = UINT32_MAX - choices_.small(20);
        image_.set(field::shared_dropped, start);
        image_.set(field::shared_dead_dropped, start);
        image_.set(field::shared_wake, start & ~3u);
        for (uint32_t g = 0; g < shape.groups; g++) {
            image_.set(field::group_acked, g, start);
            image_.set(field::group_redelivered, g, start);
            image_.set(field::group_died, g, start);
        }
    }
    put_image();
}

void Play::put_image()
{
    connection_.command(
        {"SET", key_,
         std::string(reinterpret_cast<const char *>(image_.data()), image_.bytes().size())});
}

/* ---- arguments ---- */

slotq_call Play::fresh(slotq_verb verb) const
{
    slotq_call call = {};
    call.verb = verb;
    call.now_ms = now_ms_;
    return call;
}

std::string Play::now() const
{
    return std::to_string(now_ms_);
}

/* Of verbs that do not ask what time it is. */
std::string Play::any_now()
{
    return now_ms_ <= SLOTQ_NOW_MS_MAX && choices_.one_in(2) ? "" : now();
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
    now_ms_ = std::min<uint64_t>(now_ms_, SLOTQ_NOW_MS_MAX);
    now_ms_ = std::min<uint64_t>(now_ms_ + ahead, SLOTQ_NOW_MS_MAX);
    now_ms_ -= std::min(now_ms_, back);
    if (choices_.one_in(400)) {
        now_ms_ = SLOTQ_NOW_MS_MAX + 1; /* for one verb, which must refuse it */
    }
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

uint32_t Play::choose_count(uint32_t most)
{
    if (choices_.one_in(50)) {
        return choices_.small(2) * 4097;
    }
    return 1 + choices_.small(wide_ ? most : choices_.one_in(4) ? std::min(most, 300u) : 5);
}

uint64_t Play::choose_id()
{
    const uint64_t last = image_.last_id();
    const uint64_t used =
        image_.distance(image_.get(field::header_head), image_.get(field::header_tail));
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
        const uint32_t change = choices_.small(20);
        group = held_[pick].group;
        if (change < 6) { /* a part of it; the rest another time */
            const uint32_t skip = choices_.small(run.count);
            run.id += skip;
            run.count = change < 3 ? 1 : 1 + choices_.small(run.count - skip);
        } else if (change == 6) {
            run.count += choices_.small(3);
        } else if (change == 7) {
            run.token ^= 1u << choices_.small(32);
        } else if (change < 19) { /* done with it */
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(pick));
        }
        runs_.push_back(run);
    }
    return choices_.one_in(40) ? choose_group() : group;
}

void Play::keep(uint32_t group, const slotq_run &run)
{
    if (held_.size() == held_max) {
        held_[choices_.small(held_max)] = held_.back();
        held_.pop_back();
    }
    held_.push_back({group, run});
}

/* ---- what verbs alone seldom lead to ---- */

/* Attempts near their end. */
void Play::wear_out()
{
    const uint32_t most = image_.geometry().max_attempts == 0 ? 63 : 62;
    for (uint32_t g = 0; g < image_.geometry().groups; g++) {
        const uint64_t head = image_.get(field::group_head, g);
        const uint32_t delivered = image_.distance(head, image_.get(field::group_cursor, g));
        for (uint32_t i = 0; i < delivered; i++) {
            const uint32_t index = static_cast<uint32_t>((head + i) % image_.geometry().ring_slots);
            const uint32_t word = image_.get_word(g, index);
            if ((word & 3) == SLOTQ_STATE_DONE || (word >> 2 & 63) == 0 || !choices_.one_in(2)) {
                continue;
            }
            const bool spent = most == 62 && (word & 3) == SLOTQ_STATE_READY;
            const uint32_t attempts = most - (spent ? 1 : 0) - choices_.small(3);
            image_.set_word(g, index, (word & ~0xFCu) | attempts << 2);
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

/* What the format leaves open may be anything: words outside [head, written). */
void Play::stir_words(uint32_t group)
{
    static const uint32_t garbage[] = {0, 3, 0x103, 5, 0xFFFFFFFF, 0x203};
    const uint64_t head = image_.get(field::group_head, group);
    const uint32_t written = image_.distance(head, image_.get(field::group_written, group));
    for (uint32_t index = 0; index < image_.geometry().ring_slots; index++) {
        if (image_.distance(head, index) >= written) {
            image_.set_word(group, index, garbage[choices_.small(6)]);
        }
    }
}

/* And a retry_from may be earlier than it could be. */
void Play::stir()
{
    for (uint32_t g = 0; g < image_.geometry().groups; g++) {
        stir_words(g);
        if (image_.get(field::group_ready_behind, g) > 0 && choices_.one_in(2)) {
            image_.set(field::group_retry_from, g, image_.get(field::group_head, g));
        }
    }
}

/* Many removed ahead of the cursor, more than the bounds of a round and of a head's move. */
void Play::finish_ahead()
{
    const uint32_t group = choices_.small(image_.geometry().groups);
    const uint64_t tail = image_.get(field::header_tail);
    const uint64_t cursor = image_.get(field::group_cursor, group);
    const uint32_t ahead = image_.distance(cursor, tail);
    const uint32_t kept = choices_.one_in(2) ? 0 : 1 + choices_.small(2500);
    for (uint32_t i = 0; i < ahead; i++) {
        const uint32_t index = static_cast<uint32_t>((cursor + i) % image_.geometry().ring_slots);
        const bool left = kept > 0 && choices_.one_in(kept);
        image_.set_word(group, index, left ? 0 : choices_.one_in(9) ? 0x403 : 0x203);
    }
    image_.set(field::group_written, group, tail);
}

std::string Play::step()
{
    static const Step steps[] = {
        &Play::push,    &Play::push,    &Play::push,    &Play::push,    &Play::push,
        &Play::reserve, &Play::reserve, &Play::reserve, &Play::reserve, &Play::reserve,
        &Play::reserve, &Play::settle,  &Play::settle,  &Play::settle,  &Play::settle,
        &Play::settle,  &Play::settle,  &Play::settle,  &Play::remove,  &Play::reclaim,
        &Play::redrive, &Play::look,    &Play::stats,   &Play::status,  &Play::administer,
    };
    move_clock();
    const uint32_t most = image_.geometry().max_attempts;
    const bool worn = (most == 0 || most == 62) && choices_.one_in(300);
    const bool crossed = choices_.one_in(100);
    const bool stirred = choices_.one_in(60);
    const bool finished = wide_ && choices_.one_in(25);
    if (worn) {
        wear_out();
    }
    if (crossed) {
        interrupt_crossing();
    }
    if (stirred) {
        stir();
    }
    if (finished) {
        finish_ahead();
    }
    if (worn || crossed || stirred || finished) {
        put_image();
    }
    steps_++;
    const uint32_t pick = choices_.small(sizeof steps / sizeof steps[0]);
    const std::string fault = (this->*steps[pick])();
    return fault.empty() && steps_ % 40 == 0 ? count_wakes() : fault;
}

} // namespace parity
