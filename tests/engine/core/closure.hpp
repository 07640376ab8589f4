/* closure.hpp: all states that a tiny queue can reach, with the core as transition function.
 *
 * A state is what matters of an image: places counted from head, words without their exact
 * deadline (passed or not), no ids and counters, and of the messages aside no slot numbers; of the
 * scheduled ones whether they are due, of the keys their holders. Before a verb is tried the state
 * becomes an image again, turned round the ring by some amount, with garbage where the format
 * leaves bytes undefined. Groups are alike, so a state and its mirror count once.
 */
#ifndef TESTS_ENGINE_CORE_CLOSURE_HPP
#define TESTS_ENGINE_CORE_CLOSURE_HPP

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "closure_keys.hpp"
#include "closure_state.hpp"

namespace closure
{

/* What is tried besides the verbs of every queue. */
struct Trial {
    bool stops = false;  /* a verb that stops between two steps, as in a crash */
    bool pauses = false; /* pause and resume */
    bool limits = false; /* one leased at a time, or any number */
    bool looks = false;  /* verbs that only read, and change nothing */
    uint32_t max_leased = 0;
    uint32_t keys = 0; /* in a queue that has keys: of how many the callers choose */
};

class Closure
{
public:
    Closure(const slotq_geometry &geometry, const Trial &trial)
        : shape_(geometry), trial_(trial), image_(limited(geometry, trial)), base_(image_),
          codec_(image_)
    {
        add(codec_.encode(image_));
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
            states += static_cast<uint32_t>((*state)[codec_.aside_from()]) == count;
        }
        return states;
    }
    uint64_t promotions() const
    {
        return promotions_;
    }
    uint64_t duplicates() const
    {
        return duplicates_;
    }
    /* Transitions by a verb, and those of them that changed the image. */
    uint64_t tried(slotq_verb verb) const
    {
        return tried_[verb];
    }
    uint64_t changed(slotq_verb verb) const
    {
        return changed_[verb];
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

    /* ---- transitions ---- */

    static support::Image limited(const slotq_geometry &geometry, const Trial &trial)
    {
        Image image(geometry);
        for (uint32_t group = 0; group < geometry.groups; group++) {
            image.set(field::limit_max_leased, group, trial.max_leased);
        }
        return image;
    }

    static slotq_call make(slotq_verb verb, uint64_t at_ms = now_ms)
    {
        slotq_call call = {};
        call.verb = verb;
        call.now_ms = at_ms;
        return call;
    }

    slotq_outcome go(Image &image, slotq_call &call)
    {
        const slotq_outcome outcome = image.run(call);
        fault_ = image.fault().empty() ? image.check() : image.fault();
        return outcome;
    }

    void judge(const slotq_call &call, slotq_outcome outcome)
    {
        if (fault_.empty() && shape_.later_slots > 0) {
            fault_ = LaterJudge::judge(base_, image_, call, outcome);
        }
        if (fault_.empty() && trial_.keys > 0) {
            fault_ = KeyJudge::judge(base_, image_, call, outcome, trial_.keys);
        }
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
        const slotq_outcome outcome = image_.run(whole);
        transitions_++;
        tried_[call.verb]++;
        duplicates_ += outcome == SLOTQ_DUPLICATE ? 1 : 0;
        fault_ = image_.fault();
        judge(whole, outcome);
        if (fault_.empty() && image_.bytes() == base_.bytes()) {
            return;
        }
        changed_[call.verb]++;
        fault_ = fault_.empty() ? image_.check() : fault_;
        promotions_ += call.verb <= SLOTQ_RESERVE && image_.get(field::shared_later_count) <
                                                         base_.get(field::shared_later_count)
                           ? 1
                           : 0;
        add(codec_.encode(image_));
        if (trial_.stops && image_.steps() > 1) {
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
            if (fault_.empty() && trial_.keys > 0) {
                fault_ = KeyJudge::judge_stop(base_, image_, call, trial_.keys);
            }
            add(codec_.encode(image_));
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
            call = make(SLOTQ_KICK);
            call.kick.id = id;
            call.kick.group = static_cast<uint8_t>(group);
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

    /* Put messages in without keys, and each key in each mode, alone or with another. */
    template <typename Put>
    void attempt_keyed(uint32_t count_max, Put put)
    {
        for (uint32_t count = 1; count <= count_max; count++) {
            put(nullptr, count, SLOTQ_KEY_UNIQUE);
        }
        for (const slotq_key_mode mode : {SLOTQ_KEY_UNIQUE, SLOTQ_KEY_ONCE, SLOTQ_KEY_RESEND}) {
            for (uint32_t nth = 0; nth < trial_.keys; nth++) {
                uint64_t keys[2] = {nth_key(nth), 0};
                put(keys, 1, mode);
                for (uint32_t other = 0; other < trial_.keys && count_max > 1; other++) {
                    keys[1] = other == nth ? 0 : nth_key(other);
                    put(keys, 2, mode);
                }
                if (count_max > 1) {
                    const uint64_t second[2] = {0, nth_key(nth)};
                    put(second, 2, mode);
                }
            }
        }
    }

    void attempt_push()
    {
        attempt_keyed(shape_.ring_slots - 1u,
                      [&](const uint64_t *keys, uint32_t count, slotq_key_mode mode) {
                          static const slotq_data data[8] = {};
                          slotq_call call = make(SLOTQ_PUSH);
                          call.push.messages = data;
                          call.push.count = count;
                          call.push.keys = keys;
                          call.push.key_mode = mode;
                          attempt(call);
                      });
    }

    /* Due before all others, now, before all that are to come, amid them, and after them. */
    void attempt_schedule()
    {
        for (const uint64_t due_ms :
             {UINT64_C(0), now_ms, now_ms + 1, now_ms + 10, now_ms + 20, now_ms + 1000}) {
            if (due_ms > now_ms + 1 && due_ms < now_ms + 1000 && shape_.later_slots < 3) {
                continue;
            }
            attempt_keyed(shape_.later_slots,
                          [&](const uint64_t *keys, uint32_t count, slotq_key_mode mode) {
                              static const slotq_data data[later_max] = {};
                              slotq_call call = make(SLOTQ_SCHEDULE);
                              call.schedule.messages = data;
                              call.schedule.count = count;
                              call.schedule.due_ms = due_ms;
                              call.schedule.keys = keys;
                              call.schedule.key_mode = mode;
                              attempt(call);
                          });
        }
        for (uint32_t place = 0; place < base_.get(field::shared_later_count); place++) {
            slotq_call call = make(SLOTQ_CANCEL);
            call.cancel.later_id = base_.later_id(place);
            attempt(call);
            call = make(SLOTQ_KICK);
            call.kick.id = base_.later_id(place);
            call.kick.is_later = true;
            attempt(call);
        }
    }

    void attempt_limits(uint32_t group)
    {
        for (const uint16_t most : {uint16_t{0}, uint16_t{1}}) {
            slotq_call call = make(SLOTQ_LIMIT);
            call.limit.group = static_cast<uint8_t>(group);
            call.limit.what = SLOTQ_LIMIT_LEASED;
            call.limit.limits.max_leased = most;
            attempt(call);
        }
    }

    void attempt_looks(uint32_t group)
    {
        slotq_item items[8];
        for (const slotq_verb verb : {SLOTQ_PEEK, SLOTQ_DEAD_LIST, SLOTQ_LATER_LIST}) {
            slotq_call call = make(verb);
            call.look.items = items;
            call.look.capacity = 8;
            call.look.group = static_cast<uint8_t>(group);
            attempt(call);
        }
        slotq_call call = make(SLOTQ_STATS);
        call.stats.group = static_cast<uint8_t>(group);
        attempt(call);
        call = make(SLOTQ_STATUS);
        call.status.group = static_cast<uint8_t>(group);
        for (uint64_t id = base_.head_id(); id <= newest; id++) {
            call.status.id = id;
            attempt(call);
        }
    }

    void find_keys()
    {
        for (uint32_t nth = 0; nth < trial_.keys && fault_.empty(); nth++) {
            slotq_call call = make(SLOTQ_FIND);
            call.find.key = nth_key(nth);
            const slotq_outcome outcome = base_.run(call);
            tried_[SLOTQ_FIND]++;
            fault_ =
                base_.fault().empty() ? KeyJudge::judge_find(base_, call, outcome) : base_.fault();
        }
    }

    void expand(const std::string &state)
    {
        codec_.decode(base_, state);
        fault_ = base_.check();
        if (fault_.empty() && codec_.encode(base_) != state) {
            fault_ = "a state does not come back from its image";
        }
        attempt_push();
        if (shape_.later_slots > 0) {
            attempt_schedule();
        }
        find_keys();
        for (uint32_t group = 0; group < shape_.groups; group++) {
            attempt_group(group);
            if (trial_.limits) {
                attempt_limits(group);
            }
            if (trial_.looks) {
                attempt_looks(group);
            }
        }
        slotq_call call = make(SLOTQ_REDRIVE);
        call.dead.limit = 1;
        attempt(call);
        attempt_dead();
        attempt(make(SLOTQ_DEAD_PURGE));
        attempt(make(SLOTQ_PURGE));
        attempt(make(SLOTQ_FINISH));
        for (uint8_t what = 1; trial_.pauses && what <= SLOTQ_PAUSE_CLOSED; what *= 2) {
            call = make(SLOTQ_PAUSE);
            call.pause.what = what;
            attempt(call);
            call.verb = SLOTQ_RESUME;
            attempt(call);
        }
        codec_.decode(image_, codec_.passed(state));
        add(codec_.encode(image_));
        if (fault_.empty()) { /* drain forgets what was found before */
            drain();
        }
        if (!fault_.empty()) {
            fault_ += " after " + std::to_string(transitions_) + " transitions";
        }
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
                image_.aside_count() == 0 && image_.get(field::shared_later_count) == 0) {
                return;
            }
        }
        fault_ += fault_.empty() ? "a message is never finished" : "";
    }

    slotq_geometry shape_;
    Trial trial_;
    Image image_;
    Image base_;
    States codec_;
    std::vector<std::string> recent_{size_t{1} << 15}; /* by hash, each the last such */
    std::unordered_set<std::string> seen_;
    std::vector<const std::string *> states_; /* of seen_, in the order in which they came */
    uint64_t transitions_ = 0;
    uint64_t tried_[SLOTQ_VERB_COUNT] = {};
    uint64_t changed_[SLOTQ_VERB_COUNT] = {};
    uint64_t promotions_ = 0; /* transitions that promote */
    uint64_t duplicates_ = 0; /* and those that are refused for a key */
    std::string fault_;
};

} // namespace closure

#endif
