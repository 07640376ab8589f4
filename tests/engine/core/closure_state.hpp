/* closure_state.hpp: images of a tiny queue as states, and states as images again; see closure.hpp.
 */
#ifndef TESTS_ENGINE_CORE_CLOSURE_STATE_HPP
#define TESTS_ENGINE_CORE_CLOSURE_STATE_HPP

#include <algorithm>
#include <string>
#include <vector>

#include "closure_later.hpp"

namespace closure
{

constexpr char hole = '\x7E'; /* the code of one in the dead section */

class States
{
public:
    using Image = support::Image;

    explicit States(const Image &fresh)
        : shape_(fresh.geometry()), fresh_(fresh), later_(shape_), group_texts_(shape_.groups)
    {
    }

    /* Where a state has the number of messages aside. */
    size_t aside_from() const
    {
        return 2 + shape_.groups * group_length();
    }

    /* Good until the next one. */
    const std::string &encode(const Image &image)
    {
        const uint64_t front = image.get(field::header_head);
        for (uint32_t group = 0; group < shape_.groups; group++) {
            encode_group(image, group, front, group_texts_[group]);
        }
        encode_as(image, false, text_);
        if (shape_.groups == 1) {
            return text_;
        }
        encode_as(image, true, mirrored_);
        return text_ < mirrored_ ? text_ : mirrored_;
    }

    void decode(Image &image, const std::string &state) const
    {
        const uint32_t turn = static_cast<uint32_t>(std::hash<std::string>()(state) >> 5);
        const uint32_t front = turn % shape_.ring_slots;
        image = fresh_;
        image.set(field::header_last_id, newest);
        image.set(field::header_head, front);
        image.set(field::header_tail,
                  (front + static_cast<uint32_t>(state[0])) % shape_.ring_slots);
        image.set(field::shared_paused, static_cast<uint64_t>(state[1]));
        decode_aside(image, state, turn);
        for (uint32_t group = 0; group < shape_.groups; group++) {
            decode_group(image, group, state.data() + 2 + group * group_length(), front);
        }
        const size_t dead_from = later_.decode(image, state, later_from(state), turn);
        const size_t dead = state.size() - dead_from;
        const uint32_t dead_head = shape_.dead_slots > 0 ? turn % shape_.dead_slots : 0;
        image.set(field::shared_dead_head, dead_head);
        const size_t holes = static_cast<size_t>(
            std::count(state.begin() + static_cast<std::ptrdiff_t>(dead_from), state.end(), hole));
        image.set(field::shared_dead_count, dead - holes);
        image.set(field::shared_dead_holes, holes);
        for (size_t i = 0; i < dead; i++) {
            const size_t entry = (dead_head + i) % shape_.dead_slots;
            uint8_t *bytes = image.data() + image.dead_offset(static_cast<uint32_t>(entry));
            const bool is_hole = state[dead_from + i] == hole;
            bytes[0] = static_cast<uint8_t>(is_hole ? 0 : 1 + i); /* id: its place */
            bytes[12] = 1;
            bytes[13] = static_cast<uint8_t>(state[dead_from + i]);
        }
    }

    /* Every deadline that was to come has passed: the same words, another code. */
    std::string passed(const std::string &state) const
    {
        std::string later = state;
        const auto pass = [](char &code) {
            const int kind = code & 3;
            if (kind == SLOTQ_STATE_LEASED || kind == SLOTQ_STATE_WAITING) {
                code = static_cast<char>(code & ~0x40);
            }
        };
        for (uint32_t group = 0; group < shape_.groups; group++) {
            char *text = &later[2 + group * group_length()];
            for (const size_t due : {size_t{5}, size_t{6}}) {
                text[due] = static_cast<char>(text[due] - ((text[due] & 3) == 2 ? 1 : 0));
            }
            std::for_each(text + 7, text + group_length(), pass);
        }
        char *aside = &later[aside_from()];
        std::for_each(aside + 1, aside + 1 + aside[0] * shape_.groups, pass);
        LaterStates::pass(&later[later_from(state)]);
        return later;
    }

private:
    static char from_due(uint64_t due)
    {
        return due == support::u48_none ? 0 : due <= now_tick ? 1 : 2;
    }

    static char word_code(const Image &image, uint32_t group, uint32_t word)
    {
        const uint64_t due = image.get(field::group_due, group);
        const uint32_t state = word & 3;
        const uint32_t bits = word >> 8;
        bool late = bits != 0; /* READY: was delivered; DONE: other than acked */
        if (state == SLOTQ_STATE_LEASED || state == SLOTQ_STATE_WAITING) {
            late = due + ((bits - due) & 0xFFFFFF) > now_tick;
        }
        return static_cast<char>((word & 0x3F) | (late ? 0x40 : 0));
    }

    void encode_group(const Image &image, uint32_t group, uint64_t front, std::string &text) const
    {
        const uint64_t sweep = image.get(field::group_sweep, group);
        const auto place = [&](uint64_t index) {
            return static_cast<char>(image.distance(front, index));
        };
        text.clear();
        text += place(image.get(field::group_head, group));
        text += place(image.get(field::group_cursor, group));
        text += place(image.get(field::group_retry_from, group));
        text += place(image.get(field::group_written, group));
        text += sweep == support::sweep_none ? '\x7F' : place(sweep);
        text += static_cast<char>(from_due(image.get(field::group_due, group)) |
                                  image.get(field::limit_max_leased, group) << 2);
        text += from_due(image.get(field::group_due_next, group));
        for (char i = 0; i < static_cast<char>(shape_.ring_slots - 1); i++) {
            const bool exists = i >= text[0] && i < text[3];
            const uint64_t index = (front + static_cast<uint64_t>(i)) % shape_.ring_slots;
            text += exists ? word_code(image, group,
                                       image.get_word(group, static_cast<uint32_t>(index)))
                           : '\0';
        }
    }

    /* group_texts_ in one order, and what else there is. */
    void encode_as(const Image &image, bool mirrored, std::string &text) const
    {
        const uint32_t last = shape_.groups - 1u;
        const uint32_t aside_count = image.aside_count();
        text.clear();
        text += static_cast<char>(
            image.distance(image.get(field::header_head), image.get(field::header_tail)));
        text += static_cast<char>(image.get(field::shared_paused));
        for (uint32_t group = 0; group <= last; group++) {
            text += group_texts_[mirrored ? last - group : group];
        }
        text += static_cast<char>(aside_count);
        for (uint32_t i = 0; i < aside_count; i++) {
            for (uint32_t group = 0; group <= last; group++) {
                const uint32_t which = mirrored ? last - group : group;
                text += word_code(image, which, image.get_aside_word(which, image.aside_slot(i)));
            }
        }
        later_.encode(image, text);
        const uint64_t span =
            image.get(field::shared_dead_count) + image.get(field::shared_dead_holes);
        for (uint64_t i = 0; i < span; i++) {
            const uint64_t entry = (image.get(field::shared_dead_head) + i) % shape_.dead_slots;
            const uint8_t *dead = image.data() + image.dead_offset(static_cast<uint32_t>(entry));
            const bool is_hole = support::load(dead, 6) == 0;
            text += is_hole ? hole : static_cast<char>(mirrored ? last - dead[13] : dead[13]);
        }
    }

    /* ---- state to image ---- */

    static uint64_t to_due(char code)
    {
        return code == 0 ? support::u48_none : now_tick - 1 + static_cast<uint64_t>(code);
    }

    static uint32_t to_word(char code)
    {
        const uint32_t low = static_cast<uint32_t>(code) & 0x3F;
        const bool late = (code & 0x40) != 0;
        switch (low & 3) {
        case SLOTQ_STATE_READY:
            return low | (late ? static_cast<uint32_t>(now_tick) << 8 : 0);
        case SLOTQ_STATE_DONE:
            return late ? 0x203 : 3;
        default:
            return low | static_cast<uint32_t>(now_tick + (late ? 1 : 0)) << 8;
        }
    }

    size_t group_length() const
    {
        return 7 + shape_.ring_slots - 1u;
    }
    size_t later_from(const std::string &state) const
    {
        return aside_from() + 1 + static_cast<size_t>(state[aside_from()]) * shape_.groups;
    }

    /* The messages aside, in slots of some other order, and the undefined rest of the section. */
    void decode_aside(Image &image, const std::string &state, uint32_t turn) const
    {
        const uint32_t count = static_cast<uint32_t>(state[aside_from()]);
        /* older than what ring slots had last, which may hold its key */
        const uint64_t above = newest + 1 - shape_.ring_slots;
        image.set(field::shared_aside_count, count);
        for (uint32_t i = 0; i < shape_.aside_slots; i++) {
            const uint32_t slot = (i + turn) % shape_.aside_slots;
            const bool exists = i < count;
            uint8_t *entry = image.data() + image.aside_entry_offset(i);
            support::store(entry, 6, exists ? above - 2 * (count - i) : turn);
            entry[6] = static_cast<uint8_t>(exists ? slot : turn);
            for (uint32_t group = 0; group < shape_.groups; group++) {
                const char *codes = state.data() + aside_from() + 1 + i * shape_.groups;
                image.set_aside_word(group, slot, exists ? to_word(codes[group]) : turn);
            }
        }
    }

    void decode_group(Image &image, uint32_t group, const char *text, uint32_t front) const
    {
        uint32_t counts[4] = {};
        for (uint32_t i = 0; i < image.aside_count(); i++) {
            counts[image.get_aside_word(group, image.aside_slot(i)) & 3]++;
        }
        const auto set = [&](support::Field which, char place) {
            image.set(which, group, (front + static_cast<uint32_t>(place)) % shape_.ring_slots);
        };
        set(field::group_head, text[0]);
        set(field::group_cursor, text[1]);
        set(field::group_retry_from, text[2]);
        set(field::group_written, text[3]);
        if (text[4] != '\x7F') {
            set(field::group_sweep, text[4]);
        }
        image.set(field::group_due, group, to_due(text[5] & 3));
        image.set(field::limit_max_leased, group, static_cast<uint64_t>(text[5] >> 2));
        image.set(field::group_due_next, group, to_due(text[6]));
        for (char i = 0; i < static_cast<char>(shape_.ring_slots); i++) {
            const bool exists = i >= text[0] && i < text[3];
            const uint32_t garbage = front % 2 == 0 ? 3u : 0x0013880Du;
            const uint32_t word = exists ? to_word(text[7 + i]) : garbage;
            const uint32_t index = (front + static_cast<uint32_t>(i)) % shape_.ring_slots;
            image.set_word(group, index, word);
            counts[word & 3] += exists && i < text[1];
        }
        image.set(field::group_ready_behind, group, counts[SLOTQ_STATE_READY]);
        image.set(field::group_leased, group, counts[SLOTQ_STATE_LEASED]);
        image.set(field::group_waiting, group, counts[SLOTQ_STATE_WAITING]);
    }

    slotq_geometry shape_;
    Image fresh_;
    LaterStates later_;
    std::vector<std::string> group_texts_;
    std::string text_;
    std::string mirrored_;
};

} // namespace closure

#endif
