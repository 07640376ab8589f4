/* closure_later.hpp: what matters of the scheduled messages and of the keys of a tiny queue; see
 * closure.hpp.
 *
 * Of a scheduled message: its place in the heap, its turn, and whether it is due. All keys are of
 * one bucket and alike, so of them only the chain counts: the holders of the first, the second and
 * so on. Slot numbers do not count, so a queue with keys has one place aside at most.
 */
#ifndef TESTS_ENGINE_CORE_CLOSURE_LATER_HPP
#define TESTS_ENGINE_CORE_CLOSURE_LATER_HPP

#include <algorithm>
#include <string>
#include <vector>

#include "queue.hpp"

namespace closure
{

constexpr uint64_t now_tick = 5000;
constexpr uint64_t tick_ms = 100;
constexpr uint64_t now_ms = now_tick * tick_ms;
constexpr uint64_t newest = 100; /* last_id of every image */
constexpr uint32_t later_max = 4;
constexpr uint32_t chain_max = 16; /* a longer one is a loop */

/* The key that is the nth of its chain in every image. */
inline uint64_t nth_key(uint32_t nth)
{
    return 1 + (static_cast<uint64_t>(nth) << 32);
}

/* The holders of the chain that all keys are of, in order. */
inline std::vector<uint32_t> chain_of(const support::Image &image)
{
    std::vector<uint32_t> chain;
    const uint32_t bucket = 1 % image.holders();
    uint64_t next = support::load(image.data() + image.bucket_offset(bucket), 2);
    while (next != 0 && chain.size() < chain_max && next <= image.holders()) {
        chain.push_back(static_cast<uint32_t>(next - 1));
        next = support::load(image.data() + image.key_offset(chain.back()) + field::key_next.offset,
                             2);
    }
    return chain;
}

inline bool has_keys(const support::Image &image)
{
    return (image.geometry().flags & SLOTQ_FLAG_KEYS) != 0;
}

class LaterStates
{
public:
    using Image = support::Image;

    explicit LaterStates(const slotq_geometry &geometry)
        : slots_(geometry.ring_slots), aside_slots_(geometry.aside_slots),
          later_slots_(geometry.later_slots)
    {
        REQUIRE(later_slots_ <= later_max);
        REQUIRE(((geometry.flags & SLOTQ_FLAG_KEYS) == 0 || aside_slots_ <= 1));
    }

    /* Two counts, each with a code for each. */
    void encode(const Image &image, std::string &text) const
    {
        const uint64_t count = image.get(field::shared_later_count);
        text += static_cast<char>(count);
        for (uint32_t place = 0; place < count; place++) {
            const char code = image.later_due_ms(place) <= now_ms ? is_due : is_to_come;
            text += static_cast<char>(code | turn_of(image, place) << 2);
        }
        if (!has_keys(image)) {
            text += '\0';
            return;
        }
        const std::vector<uint32_t> chain = chain_of(image);
        text += static_cast<char>(chain.size());
        for (const uint32_t holder : chain) {
            text += holder_code(image, holder);
        }
    }

    /* The same into an image whose ring and messages aside are made. Where they end in the state.
     */
    size_t decode(Image &image, const std::string &state, size_t from, uint32_t turn) const
    {
        const uint32_t count = static_cast<uint32_t>(state[from]);
        image.set(field::shared_later_count, count);
        image.set(field::shared_later_last_id, later_last_id);
        const auto has_passed = [](char code) { return (code & 3) == is_due; };
        const auto codes = state.begin() + static_cast<std::ptrdiff_t>(from) + 1;
        const int64_t dues = std::count_if(codes, codes + count, has_passed);
        for (uint32_t place = 0; place < later_slots_; place++) {
            const char code = place < count ? state[from + 1 + place] : '\0';
            decode_entry(image, place, (place + turn) % later_slots_, code, dues);
        }
        if (count > 0) {
            image.set(field::shared_later_due_ms, image.later_due_ms(0));
        }
        const size_t keys_from = from + 1 + count;
        const uint32_t keys = static_cast<uint32_t>(state[keys_from]);
        uint32_t at = keys > 0 ? image.bucket_offset(1 % image.holders()) : 0;
        for (uint32_t nth = 0; nth < keys; nth++) {
            const uint32_t holder = holder_of(image, state[keys_from + 1 + nth]);
            support::store(image.data() + at, 2, holder + 1);
            at = image.key_offset(holder) + field::key_next.offset;
            decode_key(image, holder, nth);
        }
        return keys_from + 1 + keys;
    }

    /* What was to come is due now. */
    static void pass(char *text)
    {
        for (char *code = text + 1; code <= text + text[0]; code++) {
            *code = static_cast<char>((*code & ~3) | is_due);
        }
    }

    /* How many come before it. */
    static uint32_t turn_of(const Image &image, uint32_t place)
    {
        uint32_t turn = 0;
        for (uint32_t other = 0; other < image.get(field::shared_later_count); other++) {
            const uint64_t due_ms = image.later_due_ms(other);
            turn += due_ms < image.later_due_ms(place) ||
                            (due_ms == image.later_due_ms(place) &&
                             image.later_id(other) < image.later_id(place))
                        ? 1
                        : 0;
        }
        return turn;
    }

private:
    static constexpr char is_due = 1, is_to_come = 2;
    static constexpr char is_aside = 0x20, was_aside = 0x2F, is_later = 0x40; /* else in the ring */
    static constexpr uint32_t later_last_id = 1000;
    static constexpr int64_t apart_ms = 10;

    uint32_t first_later() const
    {
        return slots_ + aside_slots_;
    }

    /* Ring slots from the head of the window on, so those of finished messages come last. */
    char holder_code(const Image &image, uint32_t holder) const
    {
        if (holder < slots_) {
            return static_cast<char>(image.distance(image.get(field::header_head), holder));
        }
        if (holder < first_later()) {
            return image.aside_slot_used(holder - slots_) ? is_aside : was_aside;
        }
        uint32_t place = 0;
        while (image.later_slot(place) != holder - first_later()) {
            place++;
        }
        return static_cast<char>(is_later + place);
    }

    uint32_t holder_of(const Image &image, char code) const
    {
        if (code >= is_later) {
            return first_later() + image.later_slot(static_cast<uint32_t>(code - is_later));
        }
        return code >= is_aside
                   ? slots_
                   : static_cast<uint32_t>(
                         (image.get(field::header_head) + static_cast<uint32_t>(code)) % slots_);
    }

    /* The last of those that are due is due just now. Of a free entry only the slot number counts,
     * and its slot is garbage. */
    void decode_entry(Image &image, uint32_t place, uint32_t slot, char code, int64_t dues) const
    {
        uint8_t *entry = image.data() + image.later_entry_offset(place);
        const bool is_late = (code & 3) == is_due;
        const int64_t turns = (code >> 2) - (is_late ? dues - 1 : 0);
        const uint64_t due_ms =
            now_ms + static_cast<uint64_t>(turns * apart_ms) + (is_late ? 0 : apart_ms / 2);
        support::store(entry + field::later_due_ms.offset, 6, code == 0 ? 0 : due_ms);
        support::store(entry + field::later_later_id.offset, 4, code == 0 ? 0 : 1 + place);
        support::store(entry + field::later_slot.offset, 2, slot ^ place);
        if (code == 0) {
            std::memset(image.data() + image.later_slot_offset(slot), 0xEE, image.view().stride);
        }
    }

    void decode_key(Image &image, uint32_t holder, uint32_t nth) const
    {
        uint8_t *entry = image.data() + image.key_offset(holder);
        support::store(entry, support::key_bytes, nth_key(nth));
        if (holder >= first_later()) {
            uint32_t place = 0;
            while (image.later_slot(place) != holder - first_later()) {
                place++;
            }
            support::store(entry + field::later_key_later_id.offset, 4, image.later_id(place));
        } else if (holder >= slots_) { /* one that left it was before all that are there */
            const bool used = image.aside_slot_used(holder - slots_);
            support::store(entry + field::aside_key_id.offset, 6, used ? image.aside_id(0) : 1);
        }
    }

    uint32_t slots_;
    uint32_t aside_slots_;
    uint32_t later_slots_;
};

/* What verbs may do to the heap, by FORMAT.md: an oracle for each transition. */
class LaterJudge
{
public:
    using Image = support::Image;

    static std::string judge(const Image &before, const Image &after, const slotq_call &call,
                             slotq_outcome outcome)
    {
        const uint64_t had = before.get(field::shared_later_count);
        const uint64_t has = after.get(field::shared_later_count);
        switch (call.verb) {
        case SLOTQ_PUSH:
        case SLOTQ_RESERVE:
            return judge_promoted(before, after, call, outcome);
        case SLOTQ_SCHEDULE:
            return has == had + (outcome == SLOTQ_OK ? call.schedule.count : 0) &&
                           had - kept(before, after) == 0
                       ? ""
                       : "schedule left another number of messages";
        case SLOTQ_CANCEL:
            return has + 1 == had && outcome == SLOTQ_OK &&
                           place_of(after, call.cancel.later_id) == has
                       ? ""
                       : "cancel left another number of messages";
        case SLOTQ_KICK:
            if (call.kick.is_later) {
                const uint32_t place = place_of(after, static_cast<uint32_t>(call.kick.id));
                return has == had && place < has && after.later_due_ms(place) <= now_ms
                           ? ""
                           : "a message that was kicked is not due";
            }
            break;
        default:
            break;
        }
        return has == had && kept(before, after) == had ? "" : "a verb changed the heap";
    }

private:
    static uint32_t place_of(const Image &image, uint32_t later_id)
    {
        uint32_t place = 0;
        while (place < image.get(field::shared_later_count) && image.later_id(place) != later_id) {
            place++;
        }
        return place;
    }

    /* Messages that are still there, as they were. */
    static uint64_t kept(const Image &before, const Image &after)
    {
        uint64_t count = 0;
        for (uint32_t place = 0; place < before.get(field::shared_later_count); place++) {
            const uint32_t now_at = place_of(after, before.later_id(place));
            count += now_at < after.get(field::shared_later_count) &&
                             after.later_due_ms(now_at) == before.later_due_ms(place)
                         ? 1
                         : 0;
        }
        return count;
    }

    /* The first ones are messages of the ring now, each of them due; one at least if there was
     * room. */
    static std::string judge_promoted(const Image &before, const Image &after,
                                      const slotq_call &call, slotq_outcome outcome)
    {
        const uint64_t had = before.get(field::shared_later_count);
        const uint64_t promoted = had - after.get(field::shared_later_count);
        const bool pushes = call.verb == SLOTQ_PUSH && outcome == SLOTQ_OK;
        const uint64_t pushed = pushes ? call.push.count : 0;
        if (kept(before, after) != had - promoted ||
            after.last_id() != before.last_id() + promoted + pushed) {
            return "a message was promoted, and is not in the ring";
        }
        for (uint32_t place = 0; place < had; place++) {
            const bool is_gone =
                place_of(after, before.later_id(place)) == after.get(field::shared_later_count);
            const bool is_first = LaterStates::turn_of(before, place) < promoted;
            if (is_gone != is_first || (is_gone && before.later_due_ms(place) > now_ms)) {
                return "another message was promoted than the first that is due";
            }
        }
        const bool has_room =
            before.distance(before.get(field::header_head), before.get(field::header_tail)) <
            before.geometry().ring_slots - 1u;
        const bool is_due = before.get(field::shared_later_due_ms) <= now_ms;
        const bool refused = outcome == SLOTQ_PAUSED || outcome == SLOTQ_CLOSED ||
                             outcome == SLOTQ_INVALID || outcome == SLOTQ_TOOBIG;
        return is_due && has_room && !refused && promoted == 0 &&
                       (before.get(field::shared_paused) & SLOTQ_PAUSE_IN) == 0
                   ? "a message is due and was not promoted"
                   : "";
    }
};

} // namespace closure

#endif
