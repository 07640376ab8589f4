/* game.cpp: see game.hpp.
 */
#include "game.hpp"

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

Game::Game(Choices &choices, const slotq_geometry &geometry)
    : choices_(choices), image_(geometry), holds_(geometry.aside_slots > 0 && !choices.one_in(4)),
      limited_(choices.one_in(3))
{
}

void Game::give_a_past()
{
    const slotq_geometry &shape = image_.geometry();
    const uint64_t last_id = choose_last_id(choices_);
    image_.start_at(last_id, choices_.small(shape.ring_slots));
    now_ms_ = choose_now_ms(choices_, shape.tick_ms);
    if (choices_.one_in(2)) { /* counters about to wrap */
        const uint32_t start = UINT32_MAX - choices_.small(20);
        image_.set(field::shared_dropped, start);
        image_.set(field::shared_dead_dropped, start);
        image_.set(field::shared_wake, (start & ~7u) + (choices_.one_in(3) ? 4 : 0));
        image_.set(field::shared_later_last_id, choices_.one_in(2) ? start : start & 0xFFFF);
        for (uint32_t g = 0; g < shape.groups; g++) {
            image_.set(field::group_acked, g, start);
            image_.set(field::group_redelivered, g, start);
            image_.set(field::group_died, g, start);
        }
    }
}

/* ---- arguments ---- */

slotq_call Game::fresh(slotq_verb verb) const
{
    slotq_call call = {};
    call.verb = verb;
    call.now_ms = now_ms_;
    return call;
}

/* Mostly a little later; now and then far ahead or back. */
void Game::move_clock()
{
    const uint64_t tick_ms = image_.geometry().tick_ms;
    uint64_t ahead = 0;
    uint64_t back = 0;
    const uint32_t kind = choices_.small(holds_ ? 4000 : 200);
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
}

uint64_t Game::choose_duration()
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

/* Of a lease; where messages are held for long, a quarter of them for thousands of ticks. */
uint64_t Game::choose_lease()
{
    const uint64_t tick_ms = image_.geometry().tick_ms;
    return holds_ && choices_.one_in(4) ? (100000 + choices_.below(100000)) * tick_ms
                                        : choose_duration();
}

/* Mostly such that a worker meets them now and then; at times any, or none. */
slotq_call_limit Game::choose_limit()
{
    const uint64_t tick_us = image_.geometry().tick_ms * UINT64_C(1000);
    slotq_call_limit call = {};
    call.group = static_cast<uint8_t>(choose_group());
    call.what = static_cast<uint8_t>(choices_.one_in(30) ? choices_.small(10)
                                                         : 1 + choices_.small(SLOTQ_LIMIT_ALL));
    if (choices_.one_in(4)) { /* off */
        call.what = SLOTQ_LIMIT_ALL;
        return call;
    }
    const bool any = choices_.one_in(6);
    call.limits.max_leased = static_cast<uint16_t>(choices_.small(any ? 65536 : 8));
    call.limits.rate_burst = static_cast<uint16_t>(choices_.small(any ? 65536 : 8));
    call.limits.rate_interval_us =
        any ? choices_.below(UINT64_C(1) << choices_.small(42)) : choices_.below(3 * tick_us);
    return call;
}

uint32_t Game::choose_group()
{
    const uint32_t groups = image_.geometry().groups;
    return choices_.one_in(60) ? groups : choices_.small(groups);
}

uint64_t Game::choose_id()
{
    const uint64_t last = image_.last_id();
    const uint64_t used =
        image_.distance(image_.get(field::header_head), image_.get(field::header_tail));
    if (image_.aside_count() > 0 && choices_.one_in(3)) {
        return image_.aside_id(choices_.small(image_.aside_count())) + (choices_.one_in(8) ? 1 : 0);
    }
    if (choices_.one_in(12)) {
        return choices_.one_in(2) ? last + choices_.below(3) : choices_.below(3);
    }
    return last + 1 - std::min<uint64_t>(last + 1, choices_.below(used + 2));
}

/* Mostly an id of the dead section, if a message is there. */
uint64_t Game::choose_dead_id()
{
    const uint32_t slots = image_.geometry().dead_slots;
    const uint64_t span =
        image_.get(field::shared_dead_count) + image_.get(field::shared_dead_holes);
    if (span == 0 || choices_.one_in(12)) {
        return choose_id();
    }
    const uint64_t place = image_.get(field::shared_dead_head) + choices_.below(span);
    return load(image_.data() + image_.dead_offset(static_cast<uint32_t>(place % slots)), 6);
}

/* Mostly soon, at times past, far or out of range. */
uint64_t Game::choose_due_ms()
{
    if (is_rush()) {
        return rush_ms_;
    }
    const uint64_t tick_ms = image_.geometry().tick_ms;
    const uint64_t most = SLOTQ_NOW_MS_MAX + (choices_.one_in(8) ? 1 : 0);
    const uint32_t kind = choices_.small(16);
    if (kind == 0) {
        return most - choices_.below(2);
    }
    if (kind == 1) {
        return choices_.below(SLOTQ_NOW_MS_MAX);
    }
    if (kind < 4) {
        return now_ms_ - choices_.below(std::min<uint64_t>(now_ms_, 3 * tick_ms) + 1);
    }
    const uint64_t ahead = choices_.below(kind < 10 ? 3 * tick_ms : 50 * tick_ms);
    return std::min(now_ms_ + ahead, SLOTQ_NOW_MS_MAX);
}

/* Mostly that of a scheduled message. */
uint32_t Game::choose_later_id()
{
    const uint32_t count = static_cast<uint32_t>(image_.get(field::shared_later_count));
    if (count == 0 || choices_.one_in(8)) {
        return choices_.small(3) +
               (choices_.one_in(2)
                    ? 0
                    : static_cast<uint32_t>(image_.get(field::shared_later_last_id)));
    }
    return image_.later_id(choices_.small(count));
}

/* A note, longer than there is room for now and then. */
void Game::choose_note(slotq_call_settle &settle)
{
    const uint32_t room = image_.geometry().note_bytes;
    note_.assign(choices_.small(std::min(room + 3, 255u) + 1),
                 static_cast<char>('A' + choices_.small(26)));
    settle.note = note_.empty() ? nullptr : note_.data();
    settle.note_bytes = static_cast<uint8_t>(note_.size());
}

/* Tokens held, mostly of late, some of them old, made up, or shifted; several runs at times. The
 * group they are of. */
uint32_t Game::choose_runs()
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

void Game::keep(uint32_t group, const slotq_run &run)
{
    if (held_.size() == held_max) {
        held_[choices_.small(held_max)] = held_.back();
        held_.pop_back();
    }
    held_.push_back({group, run});
}

/* ---- what verbs alone seldom lead to ---- */

/* Whether a word is changed, and the attempts that it gets. */
bool Game::wear(uint32_t word, uint32_t &attempts)
{
    const uint32_t most = image_.geometry().max_attempts == 0 ? 63 : 62;
    if ((word & 3) == SLOTQ_STATE_DONE || (word >> 2 & 63) == 0 || !choices_.one_in(2)) {
        return false;
    }
    const bool spent = most == 62 && (word & 3) == SLOTQ_STATE_READY;
    attempts = most - (spent ? 1 : 0) - choices_.small(3);
    return true;
}

void Game::wear_out_aside(uint32_t group)
{
    for (uint32_t i = 0; i < image_.aside_count(); i++) {
        const uint32_t slot = image_.aside_slot(i);
        const uint32_t word = image_.get_aside_word(group, slot);
        uint32_t attempts = 0;
        if (wear(word, attempts)) {
            image_.set_aside_word(group, slot, (word & ~0xFCu) | attempts << 2);
            worn(group, image_.aside_id(i), attempts);
        }
    }
}

/* Attempts near their end. */
void Game::wear_out()
{
    const uint64_t oldest = image_.head_id();
    for (uint32_t g = 0; g < image_.geometry().groups; g++) {
        const uint64_t head = image_.get(field::group_head, g);
        const uint64_t first = oldest + image_.distance(image_.get(field::header_head), head);
        const uint32_t delivered = image_.distance(head, image_.get(field::group_cursor, g));
        for (uint32_t i = 0; i < delivered; i++) {
            const uint32_t index = static_cast<uint32_t>((head + i) % image_.geometry().ring_slots);
            const uint32_t word = image_.get_word(g, index);
            uint32_t attempts = 0;
            if (wear(word, attempts)) {
                image_.set_word(g, index, (word & ~0xFCu) | attempts << 2);
                worn(g, first + i, attempts);
            }
        }
        wear_out_aside(g);
    }
}

/* As after a crash between the header's store and the era's. */
void Game::interrupt_crossing()
{
    const uint64_t low = image_.get(field::header_last_id);
    const uint64_t era = image_.get(field::shared_era);
    if (era > 0 && (era & 1) == low >> 31 && (low & 0x7FFFFFFF) < 4096) {
        image_.set(field::shared_era, era - 1);
    }
}

/* What the format leaves open may be anything: words outside [head, written). */
void Game::stir_words(uint32_t group)
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

/* And all of the section aside that no entry in use names. */
void Game::stir_aside()
{
    const slotq_geometry &shape = image_.geometry();
    const auto scribble = [&](uint32_t offset, uint32_t bytes) {
        std::memset(image_.data() + offset, static_cast<int>(choices_.below(256)), bytes);
    };
    for (uint32_t entry = image_.aside_count(); entry < shape.aside_slots; entry++) {
        scribble(image_.aside_entry_offset(entry), aside_entry_bytes);
    }
    for (uint32_t slot = 0; slot < shape.aside_slots; slot++) {
        if (image_.aside_slot_used(slot)) {
            continue;
        }
        for (uint32_t group = 0; group < shape.groups; group++) {
            scribble(image_.aside_word_offset(group, slot), 4);
        }
        scribble(image_.aside_slot_offset(slot), image_.view().stride);
    }
}

/* Slots of free slot numbers. */
void Game::stir_later()
{
    const slotq_geometry &shape = image_.geometry();
    const uint32_t count = static_cast<uint32_t>(image_.get(field::shared_later_count));
    for (uint32_t entry = count; entry < shape.later_slots; entry++) {
        const uint32_t slot = image_.later_slot(entry);
        const int fill = static_cast<int>(choices_.below(256));
        std::memset(image_.data() + image_.later_slot_offset(slot), fill, image_.view().stride);
    }
}

/* A length that cannot be, which every script can see; the reason is that of a reserve's kill. */
void Game::damage_dead()
{
    const slotq_geometry &shape = image_.geometry();
    const uint32_t span = static_cast<uint32_t>(image_.get(field::shared_dead_count) +
                                                image_.get(field::shared_dead_holes));
    if (span == 0) {
        return;
    }
    const uint32_t which = choices_.small(span);
    const uint64_t place = image_.get(field::shared_dead_head) + which;
    const uint32_t at = static_cast<uint32_t>(place % shape.dead_slots);
    if (load(image_.data() + image_.dead_offset(at), 6) == 0) {
        return; /* a hole */
    }
    image_.data()[image_.dead_offset(at) + 14] = SLOTQ_REASON_DAMAGED;
    store(image_.data() + image_.dead_slot_offset(at), 2, shape.payload_bytes + 1u);
    damaged(which);
}

/* And a retry_from may be earlier than it could be, a dead message damaged. */
void Game::stir()
{
    for (uint32_t g = 0; g < image_.geometry().groups; g++) {
        stir_words(g);
        if (image_.get(field::group_ready_behind, g) > 0 && choices_.one_in(2)) {
            image_.set(field::group_retry_from, g, image_.get(field::group_head, g));
        }
    }
    stir_aside();
    stir_later();
    damage_dead();
}

} // namespace support
