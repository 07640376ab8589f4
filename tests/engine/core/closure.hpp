/* closure.hpp: all states that a tiny queue can reach, with the core as transition function.
 *
 * A state is what matters of an image: places counted from head, words without their exact
 * deadline (passed or not), no ids and counters, and of the messages aside no slot numbers. Before
 * a verb is tried the state becomes an image again, turned round the ring by some amount, with
 * garbage where the format leaves bytes undefined. Groups are alike, so a state and its mirror
 * count once.
 */
#ifndef TESTS_ENGINE_CORE_CLOSURE_HPP
#define TESTS_ENGINE_CORE_CLOSURE_HPP

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "queue.hpp"

namespace closure
{

constexpr uint64_t now_tick = 5000;
constexpr uint64_t tick_ms = 100;
constexpr uint64_t newest = 100; /* last_id of every image */
constexpr char hole = '\x7E';    /* the code of one in the dead section */

class Closure
{
public:
    Closure(const slotq_geometry &geometry, bool stops, bool pauses, uint32_t max_leased)
        : shape_(geometry), fresh_(geometry), image_(geometry), stops_(stops), pauses_(pauses),
          group_texts_(geometry.groups)
    {
        for (uint32_t group = 0; group < geometry.groups; group++) {
            fresh_.set(field::limit_max_leased, group, max_leased);
        }
        add(encode(fresh_));
    }

    size_t run()
    {
        for (size_t next = 0; next < states_.size() && fault_.empty(); next++) {
            expand(*states_[next]);
        }
        return states_.size();
    }
    const std::string &fault() const
    {
        return fault_;
    }
    uint64_t transitions() const
    {
        return transitions_;
    }
    size_t states_aside(uint32_t count) const
    {
        size_t states = 0;
        for (const std::string *state : states_) {
            states += static_cast<uint32_t>((*state)[aside_from()]) == count;
        }
        return states;
    }

private:
    using Image = support::Image;

    /* Most verbs lead to one of the newest states; those are found without a walk through all. */
    void add(const std::string &state)
    {
        std::string &recent = recent_[std::hash<std::string>()(state) % recent_.size()];
        if (recent == state) {
            return;
        }
        recent = state;
        const auto place = seen_.insert(state);
        if (place.second) {
            states_.push_back(&*place.first);
        }
    }

    /* ---- image to state ---- */

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
        text += from_due(image.get(field::group_due, group));
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
        const uint64_t span =
            image.get(field::shared_dead_count) + image.get(field::shared_dead_holes);
        for (uint64_t i = 0; i < span; i++) {
            const uint64_t entry = (image.get(field::shared_dead_head) + i) % shape_.dead_slots;
            const uint8_t *dead = image.data() + image.dead_offset(static_cast<uint32_t>(entry));
            const bool is_hole = support::load(dead, 6) == 0;
            text += is_hole ? hole : static_cast<char>(mirrored ? last - dead[13] : dead[13]);
        }
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
    size_t aside_from() const
    {
        return 2 + shape_.groups * group_length();
    }

    /* The messages aside, in slots of some other order, and the undefined rest of the section. */
    void decode_aside(Image &image, const std::string &state, uint32_t turn) const
    {
        const uint32_t count = static_cast<uint32_t>(state[aside_from()]);
        const uint64_t head_id = newest + 1 - static_cast<uint32_t>(state[0]);
        image.set(field::shared_aside_count, count);
        for (uint32_t i = 0; i < shape_.aside_slots; i++) {
            const uint32_t slot = (i + turn) % shape_.aside_slots;
            const bool exists = i < count;
            uint8_t *entry = image.data() + image.aside_entry_offset(i);
            support::store(entry, 6, exists ? head_id - 2 * (count - i) : turn);
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
        image.set(field::group_due, group, to_due(text[5]));
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
        const size_t dead_from =
            aside_from() + 1 + static_cast<size_t>(state[aside_from()]) * shape_.groups;
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

    /* ---- transitions ---- */

    static slotq_call make(slotq_verb verb, uint64_t now_ms = now_tick * tick_ms)
    {
        slotq_call call = {};
        call.verb = verb;
        call.now_ms = now_ms;
        return call;
    }

    slotq_outcome go(Image &image, slotq_call &call)
    {
        const slotq_outcome outcome = image.run(call);
        fault_ = image.fault().empty() ? image.check() : image.fault();
        return outcome;
    }

    /* One verb from the state at hand; and what is left where it stops between two steps. If no
     * byte changed, the state at hand was checked. */
    void attempt(const slotq_call &call)
    {
        if (!fault_.empty()) {
            return;
        }
        slotq_call whole = call;
        image_ = base_;
        image_.run(whole);
        transitions_++;
        fault_ = image_.fault();
        if (fault_.empty() && image_.bytes() == base_.bytes()) {
            return;
        }
        fault_ = fault_.empty() ? image_.check() : fault_;
        add(encode(image_));
        if (stops_ && image_.steps() > 1) {
            attempt_steps(call);
        }
    }

    void attempt_steps(slotq_call call)
    {
        static slotq_step step;
        image_ = base_;
        while (slotq_core_step(&image_.view(), &call, &step) == SLOTQ_MORE) {
            slotq_core_apply(image_.data(), &image_.view(), &step);
            fault_ = fault_.empty() ? image_.check() : fault_;
            add(encode(image_));
        }
    }

    void attempt_settle(uint32_t group, const slotq_run &run)
    {
        for (const slotq_verb verb :
             {SLOTQ_ACK, SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND, SLOTQ_KILL}) {
            slotq_call call = make(verb);
            call.settle.runs = &run;
            call.settle.run_count = 1;
            call.settle.group = static_cast<uint8_t>(group);
            call.settle.ms = verb == SLOTQ_EXTEND ? tick_ms : 0;
            attempt(call);
            if (verb == SLOTQ_NACK || verb == SLOTQ_RELEASE) {
                call.settle.ms = tick_ms;
                attempt(call);
            }
        }
    }

    void attempt_messages(uint32_t group)
    {
        std::vector<uint64_t> ids;
        for (uint32_t i = 0; i < base_.aside_count(); i++) {
            ids.push_back(base_.aside_id(i));
        }
        for (uint64_t id = base_.head_id(); id <= newest; id++) {
            ids.push_back(id);
        }
        for (const uint64_t id : ids) {
            slotq_run run = {id, base_.word_of(id, group), 1};
            slotq_call call = make(SLOTQ_REMOVE);
            call.remove.id = id;
            call.remove.group = static_cast<uint8_t>(group);
            attempt(call);
            call.remove.group = SLOTQ_ALL_GROUPS;
            attempt(call);
            if ((run.token & 3) == SLOTQ_STATE_LEASED) {
                attempt_settle(group, run);
                run.count = 2; /* the next one too, if it carries the token */
                attempt_settle(group, run);
            }
        }
    }

    void attempt_group(uint32_t group)
    {
        slotq_run runs[8];
        slotq_call call = make(SLOTQ_RESERVE);
        call.reserve.runs = runs;
        call.reserve.run_capacity = 8;
        call.reserve.lease_ms = tick_ms;
        call.reserve.group = static_cast<uint8_t>(group);
        for (const uint32_t limit : {1u, 2u, 8u}) {
            call.reserve.limit = limit;
            attempt(call);
        }
        call = make(SLOTQ_RECLAIM);
        call.reclaim.group = static_cast<uint8_t>(group);
        attempt(call);
        attempt_messages(group);
    }

    /* Take the dead out one by one, from every place. */
    void attempt_dead()
    {
        const uint64_t span =
            base_.get(field::shared_dead_count) + base_.get(field::shared_dead_holes);
        for (uint64_t id = 1; id <= span; id++) {
            slotq_call call = make(SLOTQ_DEAD_REMOVE);
            call.dead.id = id;
            call.dead.group = SLOTQ_ALL_GROUPS;
            attempt(call);
            call.verb = SLOTQ_REDRIVE;
            call.dead.limit = 1;
            attempt(call);
        }
    }

    void expand(const std::string &state)
    {
        decode(base_, state);
        fault_ = base_.check();
        if (fault_.empty() && encode(base_) != state) {
            fault_ = "a state does not come back from its image";
        }
        const slotq_data data[3] = {};
        slotq_call call = make(SLOTQ_PUSH);
        call.push.messages = data;
        for (call.push.count = 1; call.push.count < shape_.ring_slots; call.push.count++) {
            attempt(call);
        }
        for (uint32_t group = 0; group < shape_.groups; group++) {
            attempt_group(group);
        }
        call = make(SLOTQ_REDRIVE);
        call.dead.limit = 1;
        attempt(call);
        attempt_dead();
        attempt(make(SLOTQ_DEAD_PURGE));
        attempt(make(SLOTQ_PURGE));
        for (uint8_t what = 1; pauses_ && what < 3; what++) {
            call = make(SLOTQ_PAUSE);
            call.pause.what = what;
            attempt(call);
            call.verb = SLOTQ_RESUME;
            attempt(call);
        }
        let_time_pass(state);
        if (fault_.empty()) { /* drain forgets what was found before */
            drain();
        }
        if (!fault_.empty()) {
            fault_ += " after " + std::to_string(transitions_) + " transitions";
        }
    }

    /* Every deadline that was to come has passed: the same words, another code. */
    void let_time_pass(const std::string &state)
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
                text[due] = text[due] == 2 ? 1 : text[due];
            }
            std::for_each(text + 7, text + group_length(), pass);
        }
        char *aside = &later[aside_from()];
        std::for_each(aside + 1, aside + 1 + aside[0] * shape_.groups, pass);
        decode(image_, later);
        add(encode(image_));
    }

    /* With time, room among the dead and a worker, every message comes to an end. */
    void drain()
    {
        slotq_run runs[8];
        slotq_call call = make(SLOTQ_DEAD_PURGE);
        image_ = base_;
        go(image_, call);
        image_.set(field::shared_paused, 0);
        for (uint64_t round = 1; round < 12 && fault_.empty(); round++) {
            for (uint32_t group = 0; group < shape_.groups && fault_.empty(); group++) {
                call = make(SLOTQ_RESERVE, (now_tick + 700 * round) * tick_ms);
                call.reserve.runs = runs;
                call.reserve.run_capacity = 8;
                call.reserve.limit = 8;
                call.reserve.lease_ms = tick_ms;
                call.reserve.group = static_cast<uint8_t>(group);
                if (go(image_, call) != SLOTQ_OK) {
                    continue;
                }
                slotq_call settle = make(SLOTQ_ACK, call.now_ms);
                settle.settle.runs = runs;
                settle.settle.run_count = call.reserve.run_count;
                settle.settle.group = static_cast<uint8_t>(group);
                if (go(image_, settle) != SLOTQ_OK) {
                    fault_ = "what was just reserved could not be acked";
                }
            }
            call = make(SLOTQ_DEAD_PURGE);
            go(image_, call);
            if (image_.get(field::header_head) == image_.get(field::header_tail) &&
                image_.aside_count() == 0) {
                return;
            }
        }
        fault_ += fault_.empty() ? "a message is never finished" : "";
    }

    slotq_geometry shape_;
    Image fresh_;
    Image image_;
    Image base_{shape_};
    bool stops_; /* verbs that stop between two steps are tried too */
    bool pauses_;
    std::vector<std::string> group_texts_;
    std::string text_;
    std::string mirrored_;
    std::vector<std::string> recent_{size_t{1} << 15}; /* by hash, each the last such */
    std::unordered_set<std::string> seen_;
    std::vector<const std::string *> states_; /* of seen_, in the order in which they came */
    uint64_t transitions_ = 0;
    std::string fault_;
};

} // namespace closure

#endif
