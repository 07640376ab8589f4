/* test_parity_play.cpp: see parity_play.hpp. Here: the beginning, the clock, and arguments.
 */
#include "parity_play.hpp"

#include <algorithm>
#include <stdexcept>

namespace parity
{

namespace field = support::field;

/* ---- the beginning ---- */

Kind Play::choose_kind(Choices &choices)
{
    const uint32_t kind = choices.small(12);
    return kind == 0 ? Kind::wide : kind < 7 ? Kind::crowded : Kind::usual;
}

slotq_geometry Play::choose_geometry(Choices &choices, Kind kind)
{
    if (kind == Kind::crowded) {
        slotq_geometry made = crowded_geometry(choices);
        const bool may = (made.flags & SLOTQ_FLAG_OVERWRITE) == 0 && choices.one_in(4);
        made.places = static_cast<uint8_t>(may ? 1 + choices.small(3) : 0);
        return made;
    }
    const bool wide = kind == Kind::wide;
    static const uint32_t attempts[] = {0, 1, 1, 2, 3, 4, 62};
    static const uint32_t ticks[] = {1, 3, 100, 1000};
    const bool large = choices.one_in(5);
    const uint32_t flags = choices.small(32);
    const uint32_t groups = wide ? 1 + choices.small(2) : 1 + choices.small(3);
    const uint32_t slots = wide    ? 1500 + choices.small(4500)
                           : large ? 2 + choices.small(299)
                                   : 2 + choices.small(14);
    const uint32_t dead = choices.one_in(4) ? 0 : (1 + choices.small(4)) * (wide || large ? 12 : 1);
    const bool fat = !wide && !large && choices.one_in(12);   /* scripts copy such slots apart */
    const bool roomy = !wide && !large && choices.one_in(12); /* and write such gaps not at all */
    const uint32_t payload = wide    ? 1 + choices.small(4)
                             : roomy ? 60 + choices.small(200)
                             : fat   ? 4080 + choices.small(choices.one_in(2) ? 20 : 16000)
                                     : 1 + choices.small(25);
    slotq_geometry made = support::geometry(
        slots, payload, groups, flags, attempts[choices.small(7)], dead, ticks[choices.small(4)]);
    made.later_slots = static_cast<uint16_t>(choices.one_in(3)   ? 0
                                             : wide              ? choices.small(3000)
                                             : choices.one_in(3) ? choices.small(300)
                                                                 : choices.small(20));
    made.generation = choices.one_in(4) ? 0xFFFFFFFF - choices.small(9) : 1 + choices.small(9);
    if (choices.one_in(4)) {
        made.set = choices.one_in(2) ? 0xFFFFFFFF : 1;
        made.shard = static_cast<uint16_t>(choices.small(SLOTQ_SHARDS_MAX));
    }
    if ((flags & SLOTQ_FLAG_OVERWRITE) == 0 && !choices.one_in(4)) {
        made.aside_slots = static_cast<uint8_t>(1 + choices.small(choices.one_in(4) ? 255 : 6));
    }
    static const uint8_t notes[] = {0, 0, 1, 5, 80, 255};
    made.note_bytes = notes[choices.small(6)];
    if ((flags & SLOTQ_FLAG_OVERWRITE) == 0 && choices.one_in(2)) {
        made.places = static_cast<uint8_t>(1 + choices.small(choices.one_in(3) ? 255 : 3));
    }
    return made;
}

Play::Play(Choices &choices, redis::Connection &connection, redis::Scripts &scripts,
           redis::Connection &listener, const std::string &key)
    : Play(choices, connection, scripts, listener, key, choose_kind(choices))
{
}

Play::Play(Choices &choices, redis::Connection &connection, redis::Scripts &scripts,
           redis::Connection &listener, const std::string &key, Kind kind)
    : Game(choices, choose_geometry(choices, kind)), connection_(connection), scripts_(scripts),
      listener_(listener), key_(key), kind_(kind), wide_(kind == Kind::wide),
      damages_(choices.one_in(4))
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
          uint32_t{shape.max_attempts}, uint32_t{shape.tick_ms}, uint32_t{shape.aside_slots},
          uint32_t{shape.places}, uint32_t{shape.note_bytes}, shape.generation, shape.set,
          uint32_t{shape.shard}}) {
        arguments.push_back(std::to_string(value));
    }
    connection_.command({"DEL", key_});
    const redis::Reply made = scripts_.run("create", key_, arguments);
    const std::string fault = differ(image_, connection_.command({"GET", key_}).text);
    if (!made.is_status("OK") || !fault.empty()) {
        throw std::runtime_error("create: " + made.told() + " " + fault);
    }
    give_a_past();
    put_image();
}

void Play::put_image()
{
    connection_.command(
        {"SET", key_,
         std::string(reinterpret_cast<const char *>(image_.data()), image_.bytes().size())});
}

/* ---- arguments ---- */

/* The geometry that a caller knows may stand before it. */
std::string Play::now()
{
    const std::string bytes(reinterpret_cast<const char *>(image_.data()) + 8, 36);
    return (choices_.one_in(2) ? bytes : "") + std::to_string(now_ms_);
}

/* Of verbs that do not ask what time it is. */
std::string Play::any_now()
{
    return now_ms_ <= SLOTQ_NOW_MS_MAX && choices_.one_in(2) ? "" : now();
}

void Play::move_clock()
{
    Game::move_clock();
    if (choices_.one_in(400)) {
        now_ms_ = SLOTQ_NOW_MS_MAX + 1; /* for one verb, which must refuse it */
    }
}

uint32_t Play::choose_count(uint32_t most)
{
    if (choices_.one_in(50)) {
        return choices_.small(2) * 4097;
    }
    return 1 + choices_.small(wide_ ? most : choices_.one_in(4) ? std::min(most, 300u) : 5);
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

Play::Step Play::choose_step()
{
    static const Step usual[] = {
        &Play::push,     &Play::push,        &Play::push,    &Play::push,     &Play::push,
        &Play::reserve,  &Play::reserve,     &Play::reserve, &Play::reserve,  &Play::reserve,
        &Play::reserve,  &Play::settle,      &Play::settle,  &Play::settle,   &Play::settle,
        &Play::settle,   &Play::settle,      &Play::settle,  &Play::remove,   &Play::reclaim,
        &Play::redrive,  &Play::look,        &Play::stats,   &Play::status,   &Play::administer,
        &Play::limit,    &Play::dead_remove, &Play::unwait,  &Play::schedule, &Play::schedule,
        &Play::schedule, &Play::cancel,      &Play::kick,    &Play::kick,     &Play::later_list,
        &Play::find,
    };
    static const Step crowded[] = {
        &Play::push,       &Play::push,         &Play::push,         &Play::push,
        &Play::push,       &Play::push,         &Play::reserve,      &Play::reserve,
        &Play::reserve,    &Play::reserve,      &Play::settle,       &Play::settle,
        &Play::settle,     &Play::settle,       &Play::schedule,     &Play::schedule,
        &Play::schedule,   &Play::schedule,     &Play::redrive,      &Play::redrive,
        &Play::remove,     &Play::reclaim,      &Play::kick,         &Play::cancel,
        &Play::find,       &Play::status,       &Play::look,         &Play::limit,
        &Play::administer, &Play::rush,         &Play::rush,         &Play::rush,
        &Play::rush,       &Play::redrive_full, &Play::redrive_full, &Play::redrive_full,
        &Play::expire,     &Play::expire,
    };
    return kind_ == Kind::crowded ? crowded[choices_.small(sizeof crowded / sizeof crowded[0])]
                                  : usual[choices_.small(sizeof usual / sizeof usual[0])];
}

std::string Play::step()
{
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
    steps_aside_ += image_.get(field::shared_aside_count) > 0 ? 1 : 0;
    const uint64_t later = image_.get(field::shared_later_count);
    const Step verb = choose_step();
    const bool delivers = verb == &Play::push || verb == &Play::reserve;
    const std::string fault = (this->*verb)();
    promoted_ +=
        delivers ? static_cast<uint32_t>(later - image_.get(field::shared_later_count)) : 0;
    return fault.empty() && steps_ % 40 == 0 ? count_wakes() : fault;
}

} // namespace parity
