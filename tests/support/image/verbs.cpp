/* verbs.cpp: see verbs.hpp.
 */
#include "verbs.hpp"

#include <algorithm>

namespace support
{

namespace
{

constexpr uint32_t capacity = 64;

/* Buffers that a call's pointers go to, and the call. */
struct Trial {
    Image &image;
    uint64_t now_ms;
    uint64_t salt;
    slotq_call call = {};
    slotq_data data[3] = {{"a", 1}, {"b", 1}, {"", 0}};
    slotq_run runs[capacity] = {};
    slotq_run settled[3] = {};
    uint8_t outcomes[capacity] = {};
    uint32_t tokens[capacity] = {};
    slotq_item items[capacity] = {};
    uint64_t keys[3] = {};
    uint8_t note[200] = {1, 2, 3};

    uint32_t pick(uint32_t limit)
    {
        salt = salt * UINT64_C(6364136223846793005) + 1442695040888963407u;
        return static_cast<uint32_t>(salt >> 33) % limit;
    }
    uint64_t pick_id()
    {
        const uint64_t last = image.last_id();
        const uint64_t slots = image.geometry().ring_slots;
        if (image.aside_count() > 0 && pick(3) == 0) {
            return image.aside_id(pick(image.aside_count()));
        }
        return pick(8) == 0 ? pick(1000) : last + 2 - std::min<uint64_t>(last, pick(80) % slots);
    }
    /* Of the first entries, or another. */
    uint64_t pick_dead_id()
    {
        const uint32_t slots = image.geometry().dead_slots;
        return slots == 0 || pick(4) == 0
                   ? pick_id()
                   : load(image.data() + image.dead_offset(pick(std::min(slots, 4u))), 6);
    }
    uint32_t pick_later_id()
    {
        const uint32_t slots = image.geometry().later_slots;
        return slots == 0 || pick(4) == 0 ? pick(100) : image.later_id(pick(std::min(slots, 4u)));
    }
    /* Of a holder, or another; never 0 in the low byte. */
    uint64_t pick_key()
    {
        const bool may = (image.geometry().flags & SLOTQ_FLAG_KEYS) != 0;
        const uint64_t key = may ? image.key_of(pick(image.holders())) : 0;
        return (pick(4) == 0 || key == 0 ? 1 + 256 * pick(100) + pick(200) : key) | (may ? 0 : 1);
    }
    const uint64_t *pick_keys()
    {
        for (uint64_t &key : keys) {
            key = pick(3) == 0 ? 0 : pick_key();
        }
        return pick(3) == 0 ? nullptr : keys;
    }
    slotq_run pick_run()
    {
        const uint64_t id = pick_id();
        const uint32_t group = pick(image.geometry().groups);
        const uint32_t entry = image.aside_entry_of(id);
        const bool aside =
            entry < image.aside_count() && image.aside_slot(entry) < image.geometry().aside_slots;
        const uint32_t word = aside ? image.get_aside_word(group, image.aside_slot(entry))
                                    : image.get_word(group, image.index_of(id));
        return {id, word, 1 + pick(4)};
    }
    void set_inputs(slotq_verb verb);
    void set_later_inputs(slotq_verb verb, uint8_t group);
};

void Trial::set_inputs(slotq_verb verb)
{
    call = slotq_call();
    call.verb = verb;
    call.now_ms = now_ms;
    const uint8_t group = static_cast<uint8_t>(pick(image.geometry().groups));
    if (verb == SLOTQ_PUSH) {
        call.push.messages = data;
        call.push.count = 1 + pick(3);
        call.push.may_wait = pick(2) == 0;
        call.push.keys = pick_keys();
        call.push.key_mode = static_cast<slotq_key_mode>(1 + pick(3));
    } else if (verb == SLOTQ_RESERVE) {
        call.reserve.lease_ms = 1 + pick(100000);
        call.reserve.runs = runs;
        call.reserve.run_capacity = capacity;
        call.reserve.limit = 1 + pick(capacity);
        call.reserve.group = group;
        call.reserve.may_wait = pick(2) == 0;
    } else if (verb <= SLOTQ_KILL) {
        for (slotq_run &run : settled) {
            run = pick_run();
        }
        call.settle.runs = settled;
        call.settle.run_count = 1 + pick(3);
        call.settle.group = group;
        call.settle.reason = static_cast<uint8_t>(pick(256));
        call.settle.note = note;
        call.settle.note_bytes = static_cast<uint8_t>(pick(sizeof note));
        call.settle.ms = verb == SLOTQ_NACK && pick(2) == 0 ? 0 : 1 + pick(100000);
        call.settle.outcomes = outcomes;
        call.settle.tokens = tokens;
    } else if (verb == SLOTQ_REMOVE) {
        call.remove.id = pick_id();
        call.remove.group = pick(2) == 0 ? uint8_t{SLOTQ_ALL_GROUPS} : group;
    } else if (verb == SLOTQ_RECLAIM) {
        call.reclaim.group = group;
    } else if (verb == SLOTQ_REDRIVE) {
        call.dead.limit = 1 + pick(3);
        call.dead.id = pick(2) == 0 ? 0 : pick_dead_id();
        call.dead.group = pick(2) == 0 ? uint8_t{SLOTQ_ALL_GROUPS} : group;
    } else if (verb == SLOTQ_DEAD_REMOVE) {
        call.dead.id = pick_dead_id();
        call.dead.group = pick(2) == 0 ? uint8_t{SLOTQ_ALL_GROUPS} : group;
    } else if (verb == SLOTQ_PAUSE || verb == SLOTQ_RESUME) {
        call.pause.what = SLOTQ_PAUSE_BOTH;
    } else if (verb == SLOTQ_STATUS) {
        call.status.id = pick_id();
        call.status.group = group;
    } else if (verb == SLOTQ_PEEK || verb == SLOTQ_DEAD_LIST) {
        call.look.from = pick(2) == 0 ? 0 : pick_id();
        call.look.items = items;
        call.look.capacity = 1 + pick(capacity);
        call.look.group = group;
        call.look.id = verb == SLOTQ_DEAD_LIST && pick(2) == 0 ? pick_dead_id() : 0;
    } else if (verb == SLOTQ_STATS) {
        call.stats.group = group;
    } else if (verb == SLOTQ_LIMIT) {
        call.limit.group = group;
        call.limit.what = static_cast<uint8_t>(1 + pick(SLOTQ_LIMIT_ALL));
        call.limit.limits.max_leased = static_cast<uint16_t>(pick(3));
        call.limit.limits.rate_burst = static_cast<uint16_t>(pick(3));
        call.limit.limits.rate_interval_us = pick(3) * UINT64_C(1000000000);
    } else {
        set_later_inputs(verb, group);
    }
}

void Trial::set_later_inputs(slotq_verb verb, uint8_t group)
{
    if (verb == SLOTQ_SCHEDULE) {
        call.schedule.messages = data;
        call.schedule.count = 1 + pick(3);
        call.schedule.due_ms = now_ms + pick(3000);
        call.schedule.not_past = pick(2) == 0;
        call.schedule.keys = pick_keys();
        call.schedule.key_mode = static_cast<slotq_key_mode>(1 + pick(3));
    } else if (verb == SLOTQ_FIND) {
        call.find.key = pick_key();
    } else if (verb == SLOTQ_CANCEL) {
        call.cancel.later_id = pick_later_id();
    } else if (verb == SLOTQ_KICK) {
        call.kick.is_later = pick(2) == 0;
        call.kick.id = call.kick.is_later ? pick_later_id() : pick_id();
        call.kick.group = group;
    } else if (verb == SLOTQ_LATER_LIST) {
        call.look.from = pick(4);
        call.look.items = items;
        call.look.capacity = 1 + pick(capacity);
    }
}

/* What the answer points at is read too, as a caller would. */
void read_slots(Trial &trial)
{
    volatile uint32_t sum = 0;
    slotq_slot slot;
    const slotq_view &view = trial.image.view();
    if (trial.call.verb == SLOTQ_RESERVE) {
        for (uint32_t i = 0; i < trial.call.reserve.run_count; i++) {
            if (slotq_core_slot(&view, slotq_core_slot_offset(&view, trial.runs[i].id), &slot) &&
                slot.payload_bytes > 0) {
                sum = sum + slot.payload[slot.payload_bytes - 1];
            }
        }
    } else if (trial.call.verb == SLOTQ_PEEK || trial.call.verb == SLOTQ_DEAD_LIST ||
               trial.call.verb == SLOTQ_LATER_LIST) {
        for (uint32_t i = 0; i < trial.call.look.count; i++) {
            if (slotq_core_slot(&view, trial.items[i].slot_offset, &slot) &&
                slot.payload_bytes > 0) {
                sum = sum + slot.payload[slot.payload_bytes - 1];
            }
            const uint8_t *end = view.bytes + trial.items[i].slot_offset - view.geometry.note_bytes;
            sum = sum + end[trial.items[i].note_bytes];
        }
    }
}

} // namespace

std::string try_all_verbs(Image &image, uint64_t now_ms, uint64_t salt, bool afresh)
{
    static const slotq_verb order[] = {
        SLOTQ_STATS,     SLOTQ_RESERVE, SLOTQ_PUSH,       SLOTQ_ACK,         SLOTQ_NACK,
        SLOTQ_RELEASE,   SLOTQ_EXTEND,  SLOTQ_KILL,       SLOTQ_REMOVE,      SLOTQ_RECLAIM,
        SLOTQ_REDRIVE,   SLOTQ_PAUSE,   SLOTQ_RESUME,     SLOTQ_STATUS,      SLOTQ_PEEK,
        SLOTQ_DEAD_LIST, SLOTQ_RESERVE, SLOTQ_PUSH,       SLOTQ_DEAD_REMOVE, SLOTQ_DEAD_PURGE,
        SLOTQ_PURGE,     SLOTQ_LIMIT,   SLOTQ_LATER_LIST, SLOTQ_SCHEDULE,    SLOTQ_KICK,
        SLOTQ_CANCEL,    SLOTQ_PUSH,    SLOTQ_RESERVE,    SLOTQ_FIND,        SLOTQ_FINISH,
    };
    const Bytes before = image.bytes();
    const bool sound = image.check().empty();
    Trial trial{image, now_ms, salt};
    for (const slotq_verb verb : order) {
        if (afresh) {
            std::memcpy(image.data(), before.data(), before.size());
        }
        trial.set_inputs(verb);
        const slotq_outcome outcome = image.run(trial.call);
        if (!image.fault().empty()) {
            return image.fault() + " (verb " + std::to_string(verb) + ")";
        }
        if (outcome == SLOTQ_CORRUPT && trial.call.damage.what == nullptr) {
            return "CORRUPT without saying what (verb " + std::to_string(verb) + ")";
        }
        if (sound && outcome == SLOTQ_CORRUPT) {
            return std::string("sound to the check, CORRUPT to verb ") + std::to_string(verb) +
                   ": " + trial.call.damage.what;
        }
        if (sound && !image.check().empty()) {
            return image.check() + " after verb " + std::to_string(verb);
        }
        read_slots(trial);
    }
    return "";
}

} // namespace support
