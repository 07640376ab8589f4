/* queue.hpp: an image with a clock and short names for verbs, for tests that tell a story. Each
 * verb is held against the promises of every step and the whole check.
 */
#ifndef TESTS_ENGINE_CORE_QUEUE_HPP
#define TESTS_ENGINE_CORE_QUEUE_HPP

#include <algorithm>
#include <string>
#include <vector>

#include "../../support/catch.hpp"
#include "../../support/image/image.hpp"

namespace field = support::field;

class Queue
{
public:
    explicit Queue(const slotq_geometry &geometry) : image(geometry)
    {
        image.check_each_step(true);
    }

    support::Image image;
    uint64_t now_ms = 1000000;
    slotq_call call = {};          /* the last one, with its outputs */
    std::vector<slotq_run> runs;   /* what the last reserve gave */
    std::vector<uint8_t> outcomes; /* of the last settle */
    std::vector<uint32_t> tokens;  /* of the last extend */
    std::vector<slotq_item> items; /* of the last peek, dead_list or later_list */
    std::vector<uint64_t> keys;    /* of the next pushes and schedules, if there are any */
    slotq_key_mode key_mode = SLOTQ_KEY_UNIQUE;
    bool sound = true; /* the image is meant to be sound */

    void start(slotq_verb verb)
    {
        call = slotq_call();
        call.verb = verb;
        call.now_ms = now_ms;
    }

    slotq_outcome go()
    {
        const slotq_outcome outcome = image.run(call);
        if (sound) {
            INFO(image.fault());
            REQUIRE(image.fault().empty());
            const std::string damage = image.check();
            INFO(damage);
            REQUIRE(damage.empty());
        }
        return outcome;
    }

    uint64_t tick_ms() const
    {
        return image.geometry().tick_ms;
    }
    uint64_t tick() const
    {
        return now_ms / tick_ms();
    }

    slotq_outcome push(uint32_t count = 1, const std::string &payload = "p", bool may_wait = false)
    {
        const std::vector<slotq_data> data(count,
                                           {payload.data(), static_cast<uint32_t>(payload.size())});
        start(SLOTQ_PUSH);
        call.push.messages = data.data();
        call.push.count = count;
        call.push.may_wait = may_wait;
        call.push.keys = keys.empty() ? nullptr : keys.data();
        call.push.key_mode = key_mode;
        return go();
    }
    /* A message for each key, 0 = without one. */
    slotq_outcome push_keys(const std::vector<uint64_t> &given,
                            slotq_key_mode mode = SLOTQ_KEY_UNIQUE)
    {
        keys = given;
        key_mode = mode;
        const slotq_outcome outcome = push(static_cast<uint32_t>(given.size()));
        keys.clear();
        return outcome;
    }
    slotq_outcome schedule_keys(const std::vector<uint64_t> &given, uint64_t due_ms,
                                slotq_key_mode mode = SLOTQ_KEY_UNIQUE)
    {
        keys = given;
        key_mode = mode;
        const slotq_outcome outcome = schedule(due_ms, static_cast<uint32_t>(given.size()));
        keys.clear();
        return outcome;
    }
    slotq_outcome find(uint64_t key)
    {
        start(SLOTQ_FIND);
        call.find.key = key;
        return go();
    }

    slotq_outcome reserve(uint32_t limit = 1, uint64_t lease_ms = 10000, uint32_t group = 0,
                          bool may_wait = false)
    {
        runs.assign(limit > 0 ? limit : 1, slotq_run());
        start(SLOTQ_RESERVE);
        call.reserve.group = static_cast<uint8_t>(group);
        call.reserve.limit = limit;
        call.reserve.lease_ms = lease_ms;
        call.reserve.runs = runs.data();
        call.reserve.run_capacity = static_cast<uint32_t>(runs.size());
        call.reserve.may_wait = may_wait;
        const slotq_outcome outcome = go();
        runs.resize(outcome == SLOTQ_OK ? call.reserve.run_count : 0);
        return outcome;
    }

    slotq_outcome settle(slotq_verb verb, const std::vector<slotq_run> &which, uint64_t ms = 0,
                         uint32_t group = 0, uint8_t reason = 7)
    {
        size_t count = 0;
        for (const slotq_run &run : which) {
            count += run.count;
        }
        count = std::min<size_t>(count, 2 * SLOTQ_CALL_MESSAGES_MAX); /* more is refused */
        outcomes.assign(count + 1, 99);
        tokens.assign(count + 1, 99);
        start(verb);
        call.settle.runs = which.data();
        call.settle.run_count = static_cast<uint32_t>(which.size());
        call.settle.group = static_cast<uint8_t>(group);
        call.settle.reason = reason;
        call.settle.ms = ms;
        call.settle.outcomes = outcomes.data();
        call.settle.tokens = tokens.data();
        return go();
    }
    slotq_outcome settle(slotq_verb verb, uint64_t id, uint32_t token, uint64_t ms = 0,
                         uint32_t group = 0, uint8_t reason = 7)
    {
        return settle(verb, std::vector<slotq_run>{{id, token, 1}}, ms, group, reason);
    }

    slotq_outcome remove(uint64_t id, uint32_t group = SLOTQ_ALL_GROUPS)
    {
        start(SLOTQ_REMOVE);
        call.remove.id = id;
        call.remove.group = static_cast<uint8_t>(group);
        return go();
    }
    slotq_outcome reclaim(uint32_t group = 0)
    {
        start(SLOTQ_RECLAIM);
        call.reclaim.group = static_cast<uint8_t>(group);
        return go();
    }
    slotq_outcome kill_noted(uint64_t id, uint32_t token, const std::string &note,
                             slotq_verb verb = SLOTQ_KILL)
    {
        const slotq_run run = {id, token, 1};
        start(verb);
        call.settle.runs = &run;
        call.settle.run_count = 1;
        call.settle.reason = 7;
        call.settle.note = note.data();
        call.settle.note_bytes = static_cast<uint8_t>(note.size());
        return go();
    }
    slotq_outcome dead_remove(uint64_t id, uint32_t group = SLOTQ_ALL_GROUPS)
    {
        start(SLOTQ_DEAD_REMOVE);
        call.dead.id = id;
        call.dead.group = static_cast<uint8_t>(group);
        return go();
    }
    slotq_outcome redrive_id(uint64_t id, uint32_t group = SLOTQ_ALL_GROUPS, uint32_t limit = 16)
    {
        start(SLOTQ_REDRIVE);
        call.dead.id = id;
        call.dead.group = static_cast<uint8_t>(group);
        call.dead.limit = limit;
        return go();
    }
    slotq_outcome dead_find(uint64_t id, uint32_t group = SLOTQ_ALL_GROUPS, uint64_t from = 0)
    {
        items.assign(16, slotq_item());
        start(SLOTQ_DEAD_LIST);
        call.look.id = id;
        call.look.from = from;
        call.look.items = items.data();
        call.look.capacity = 16;
        call.look.group = static_cast<uint8_t>(group);
        const slotq_outcome outcome = go();
        items.resize(outcome == SLOTQ_OK ? call.look.count : 0);
        return outcome;
    }
    slotq_outcome redrive(uint32_t limit = 1)
    {
        start(SLOTQ_REDRIVE);
        call.dead.limit = limit;
        return go();
    }
    slotq_outcome schedule(uint64_t due_ms, uint32_t count = 1, const std::string &payload = "p",
                           bool not_past = false)
    {
        const std::vector<slotq_data> data(count,
                                           {payload.data(), static_cast<uint32_t>(payload.size())});
        start(SLOTQ_SCHEDULE);
        call.schedule.messages = data.data();
        call.schedule.count = count;
        call.schedule.due_ms = due_ms;
        call.schedule.not_past = not_past;
        call.schedule.keys = keys.empty() ? nullptr : keys.data();
        call.schedule.key_mode = key_mode;
        return go();
    }
    slotq_outcome cancel(uint32_t later_id)
    {
        start(SLOTQ_CANCEL);
        call.cancel.later_id = later_id;
        return go();
    }
    slotq_outcome kick(uint64_t id, uint32_t group = 0)
    {
        start(SLOTQ_KICK);
        call.kick.id = id;
        call.kick.group = static_cast<uint8_t>(group);
        return go();
    }
    slotq_outcome kick_later(uint64_t later_id)
    {
        start(SLOTQ_KICK);
        call.kick.id = later_id;
        call.kick.is_later = true;
        return go();
    }
    slotq_outcome plain(slotq_verb verb) /* purge, dead_purge */
    {
        start(verb);
        return go();
    }
    slotq_outcome pause(slotq_verb verb, uint8_t what)
    {
        start(verb);
        call.pause.what = what;
        return go();
    }
    slotq_outcome limit(uint32_t what, uint32_t max_leased, uint64_t interval_us = 0,
                        uint32_t burst = 0, uint32_t group = 0)
    {
        start(SLOTQ_LIMIT);
        call.limit.group = static_cast<uint8_t>(group);
        call.limit.what = static_cast<uint8_t>(what);
        call.limit.limits.max_leased = static_cast<uint16_t>(max_leased);
        call.limit.limits.rate_interval_us = interval_us;
        call.limit.limits.rate_burst = static_cast<uint16_t>(burst);
        return go();
    }
    slotq_outcome status(uint64_t id, uint32_t group = 0)
    {
        start(SLOTQ_STATUS);
        call.status.id = id;
        call.status.group = static_cast<uint8_t>(group);
        return go();
    }
    slotq_outcome look(slotq_verb verb, uint64_t from = 0, uint32_t capacity = 4096,
                       uint32_t group = 0)
    {
        items.assign(capacity > 0 ? capacity : 1, slotq_item());
        start(verb);
        call.look.from = from;
        call.look.items = items.data();
        call.look.capacity = capacity;
        call.look.group = static_cast<uint8_t>(group);
        const slotq_outcome outcome = go();
        items.resize(outcome == SLOTQ_OK ? call.look.count : 0);
        return outcome;
    }
    slotq_stats stats(uint32_t group = 0)
    {
        start(SLOTQ_STATS);
        call.stats.group = static_cast<uint8_t>(group);
        REQUIRE(go() == SLOTQ_OK);
        return call.stats.stats;
    }

    uint32_t word(uint64_t id, uint32_t group = 0) const /* in the ring or aside */
    {
        return image.word_of(id, group);
    }
    std::vector<uint64_t> aside_ids() const
    {
        std::vector<uint64_t> ids;
        for (uint32_t entry = 0; entry < image.aside_count(); entry++) {
            ids.push_back(image.aside_id(entry));
        }
        return ids;
    }
    std::vector<uint32_t> aside_slots() const /* their slot numbers, in the order of the index */
    {
        std::vector<uint32_t> slots;
        for (uint32_t entry = 0; entry < image.aside_count(); entry++) {
            slots.push_back(image.aside_slot(entry));
        }
        return slots;
    }
    uint64_t group(support::Field which, uint32_t index = 0) const
    {
        return image.get(which, index);
    }
    std::string note(const slotq_item &item) const
    {
        return std::string(reinterpret_cast<const char *>(image.data()) + item.slot_offset -
                               image.geometry().note_bytes,
                           item.note_bytes);
    }
    std::string payload(uint32_t slot_offset) const
    {
        slotq_slot slot;
        REQUIRE(slotq_core_slot(&image.view(), slot_offset, &slot));
        return std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes);
    }
};

/* The verb answers this, and not a byte of the image changes. */
#define REQUIRE_REFUSED(queue, verb, answer)                                                       \
    do {                                                                                           \
        const support::Bytes before_ = (queue).image.bytes();                                      \
        REQUIRE((queue).verb == (answer));                                                         \
        REQUIRE((queue).image.bytes() == before_);                                                 \
        REQUIRE((queue).image.patches() == 0);                                                     \
    } while (0)

/* The verb finds damage at this offset, and not a byte of the image changes. */
#define REQUIRE_CORRUPT(queue, verb, at)                                                           \
    do {                                                                                           \
        REQUIRE_REFUSED(queue, verb, SLOTQ_CORRUPT);                                               \
        REQUIRE((queue).call.damage.what != nullptr);                                              \
        REQUIRE((queue).call.damage.offset == (at));                                               \
        REQUIRE((queue).image.fault().empty());                                                    \
    } while (0)

#endif
