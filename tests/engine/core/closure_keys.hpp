/* closure_keys.hpp: what a verb may do to the keys of a tiny queue, by FORMAT.md, "Keys" and
 * "Judging keys": an oracle for each transition of closure.hpp. It reads bytes; it asks the core
 * nothing.
 */
#ifndef TESTS_ENGINE_CORE_CLOSURE_KEYS_HPP
#define TESTS_ENGINE_CORE_CLOSURE_KEYS_HPP

#include <algorithm>
#include <string>

#include "closure_later.hpp"

namespace closure
{

/* Of the keys of a call: of push and schedule alone. */
struct KeyCall {
    const uint64_t *keys = nullptr;
    uint32_t count = 0;
    slotq_key_mode mode = SLOTQ_KEY_UNIQUE;
    slotq_key_holder taken = {};
    slotq_key_holder made = {}; /* the first message, if it is there */

    explicit KeyCall(const slotq_call &call)
    {
        if (call.verb == SLOTQ_PUSH) {
            keys = call.push.keys;
            count = call.push.count;
            mode = call.push.key_mode;
            taken = call.push.taken;
            made = {call.push.first_id, 0, SLOTQ_KEY_IN_RING, true};
        } else if (call.verb == SLOTQ_SCHEDULE) {
            keys = call.schedule.keys;
            count = call.schedule.count;
            mode = call.schedule.key_mode;
            taken = call.schedule.taken;
            made = {call.schedule.first_later_id, 0, SLOTQ_KEY_SCHEDULED, true};
        }
    }

    bool has(uint64_t key) const
    {
        return keys != nullptr && std::find(keys, keys + count, key) != keys + count;
    }
};

class KeyJudge
{
public:
    using Image = support::Image;

    /* "" or the rule that a verb from one image to another broke. */
    static std::string judge(const Image &before, const Image &after, const slotq_call &call,
                             slotq_outcome outcome, uint32_t keys)
    {
        const KeyCall asked(call);
        for (uint32_t nth = 0; nth < keys; nth++) {
            const bool is_put = asked.has(nth_key(nth)) && outcome == SLOTQ_OK;
            const std::string fault = judge_key(before, after, nth_key(nth), call, is_put);
            if (!fault.empty()) {
                return fault;
            }
        }
        if (asked.keys == nullptr || (outcome != SLOTQ_OK && outcome != SLOTQ_DUPLICATE)) {
            return "";
        }
        return outcome == SLOTQ_OK ? judge_put(before, after, asked) : judge_taken(after, asked);
    }

    /* The same where the verb stopped between two steps: a message that is not finished keeps its
     * key, unless this call takes it. */
    static std::string judge_stop(const Image &before, const Image &after, const slotq_call &call,
                                  uint32_t keys)
    {
        const KeyCall asked(call);
        for (uint32_t nth = 0; nth < keys; nth++) {
            const uint64_t key = nth_key(nth);
            const Told was = told(before, key);
            const bool takes = asked.mode == SLOTQ_KEY_RESEND && asked.has(key);
            if (was.is_held && was.holder.is_unfinished && !takes && !told(after, key).is_held &&
                is_open(after, was.holder)) {
                return "a stop took the key of a message that is not finished";
            }
        }
        return "";
    }

    static std::string judge_find(const Image &image, const slotq_call &call, slotq_outcome outcome)
    {
        const Told is = told(image, call.find.key);
        const bool agrees = is.is_held
                                ? outcome == SLOTQ_OK && are_equal(is.holder, call.find.holder)
                                : outcome == SLOTQ_NOTFOUND;
        return agrees ? "" : "find tells of another holder";
    }

private:
    struct Told {
        bool is_held;
        slotq_key_holder holder;
    };

    /* Some group has not finished the message with this id, in the ring or aside. */
    static bool is_open_id(const Image &image, uint64_t id)
    {
        if (image.aside_entry_of(id) < image.aside_count()) {
            return true;
        }
        const uint64_t laps = image.last_id() + 1 - id;
        const uint64_t tail = image.get(field::header_tail);
        bool open = false;
        for (uint32_t group = 0; group < image.geometry().groups; group++) {
            const uint64_t written = image.get(field::group_written, group);
            const bool exists = laps <= image.distance(image.get(field::group_head, group), tail);
            const bool is_new = laps <= image.distance(written, tail);
            open = open || (exists && (is_new || (image.word_of(id, group) & 3) != 3));
        }
        return open;
    }

    static bool is_scheduled(const Image &image, uint64_t later_id)
    {
        bool is_there = false;
        for (uint32_t i = 0; i < image.get(field::shared_later_count); i++) {
            is_there = is_there || image.later_id(i) == later_id;
        }
        return is_there;
    }

    static bool is_open(const Image &image, const slotq_key_holder &holder)
    {
        return holder.place == SLOTQ_KEY_SCHEDULED ? is_scheduled(image, holder.id)
                                                   : is_open_id(image, holder.id);
    }

    static Told told(const Image &image, uint64_t key)
    {
        const uint32_t slots = image.geometry().ring_slots;
        const uint32_t first_later = slots + image.geometry().aside_slots;
        for (const uint32_t holder : chain_of(image)) {
            if (image.key_of(holder) != key) {
                continue;
            }
            const uint8_t *id =
                image.data() + image.key_offset(holder) + field::aside_key_id.offset;
            if (holder >= first_later) {
                return {true, {support::load(id, 4), 0, SLOTQ_KEY_SCHEDULED, true}};
            }
            if (holder >= slots) {
                const bool used = image.aside_slot_used(holder - slots);
                return {true, {support::load(id, 6), 0, SLOTQ_KEY_ASIDE, used}};
            }
            const uint32_t back = image.distance(holder, image.get(field::header_tail));
            const uint64_t in_ring = image.last_id() + 1 - (back == 0 ? slots : back);
            return {true, {in_ring, 0, SLOTQ_KEY_IN_RING, is_open_id(image, in_ring)}};
        }
        return {false, {}};
    }

    static bool are_equal(const slotq_key_holder &a, const slotq_key_holder &b)
    {
        return a.id == b.id && a.place == b.place && a.is_unfinished == b.is_unfinished;
    }

    /* A key that the call does not put in. */
    static std::string judge_key(const Image &before, const Image &after, uint64_t key,
                                 const slotq_call &call, bool is_put)
    {
        const Told was = told(before, key);
        const Told is = told(after, key);
        if (is_put) {
            return "";
        }
        if (!was.is_held) {
            return is.is_held ? "a key came from nowhere" : "";
        }
        if (is.is_held) {
            return judge_move(before, was.holder, is.holder);
        }
        if (was.holder.place == SLOTQ_KEY_SCHEDULED) { /* also dropped after it was promoted */
            return is_scheduled(after, was.holder.id) ? "a scheduled message lost its key" : "";
        }
        if (is_open_id(after, was.holder.id)) {
            return "a message that is not finished lost its key";
        }
        const bool is_used = was.holder.place == SLOTQ_KEY_IN_RING
                                 ? was.holder.id + after.geometry().ring_slots <= after.last_id()
                                 : call.verb == SLOTQ_PUSH || call.verb == SLOTQ_RESERVE ||
                                       call.verb == SLOTQ_REDRIVE;
        return is_used ? "" : "a key is gone, and its slot was not used again";
    }

    /* The key is where it was, or went along: aside, or into the ring as a new message. */
    static std::string judge_move(const Image &before, const slotq_key_holder &was,
                                  const slotq_key_holder &is)
    {
        const bool stays = was.place == is.place && was.id == is.id;
        const bool steps_aside = was.place == SLOTQ_KEY_IN_RING && is.place == SLOTQ_KEY_ASIDE &&
                                 was.id == is.id && was.is_unfinished;
        const bool is_promoted = was.place == SLOTQ_KEY_SCHEDULED && is.id > before.last_id() &&
                                 is.place != SLOTQ_KEY_SCHEDULED;
        if (!stays && !steps_aside && !is_promoted) {
            return "a key went to another message";
        }
        return is.is_unfinished && !was.is_unfinished ? "a message is unfinished again" : "";
    }

    static bool is_taken(const Told &told, slotq_key_mode mode, uint32_t message)
    {
        return told.is_held && (mode == SLOTQ_KEY_UNIQUE ? told.holder.is_unfinished
                                                         : mode == SLOTQ_KEY_ONCE || message == 0);
    }

    /* Each message has its key, and none was taken; a promotion may have ended that it was. */
    static std::string judge_put(const Image &before, const Image &after, const KeyCall &asked)
    {
        const bool promotes = before.get(field::shared_later_due_ms) <= now_ms;
        for (uint32_t i = 0; i < asked.count; i++) {
            slotq_key_holder made = asked.made;
            made.id += i;
            if (asked.keys[i] == 0) {
                continue;
            }
            const Told is = told(after, asked.keys[i]);
            if (!is.is_held || !are_equal(is.holder, made)) {
                return "a key is not with the message that it was given to";
            }
            if (!promotes && is_taken(told(before, asked.keys[i]), asked.mode, i)) {
                return "a key that is taken was given to another message";
            }
        }
        return "";
    }

    /* The first message whose key is taken, as after all that the call did before. */
    static std::string judge_taken(const Image &after, const KeyCall &asked)
    {
        for (uint32_t i = 0; i < asked.count; i++) {
            const Told is = asked.keys[i] == 0 ? Told{false, {}} : told(after, asked.keys[i]);
            if (is_taken(is, asked.mode, i)) {
                return i == asked.taken.message && are_equal(is.holder, asked.taken)
                           ? ""
                           : "DUPLICATE names another holder";
            }
        }
        return "DUPLICATE without a key that is taken";
    }
};

} // namespace closure

#endif
