/* search.hpp: a search of all states that a protocol can reach, what led to each, and what it
 * found. Must not know what a state is, nor the rules that lead from one to another.
 */
#ifndef TESTS_PROTOCOL_SEARCH_HPP
#define TESTS_PROTOCOL_SEARCH_HPP

#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "../support/counted.hpp"

namespace protocol
{

struct Found {
    uint64_t states = 0;
    uint64_t transitions = 0;
    uint64_t lost = 0;             /* states in which a client sleeps over what it could have */
    uint64_t lost_beyond_poll = 0; /* the same after one more poll of any sleeper */
    std::string first;             /* how the first of these comes about */

    void tell(const std::string &name, bool polls) const
    {
        std::cout << name << ": " << states << " states, " << transitions << " transitions, "
                  << lost << " lose a wake-up";
        if (polls) {
            std::cout << ", " << lost_beyond_poll << " beyond a poll";
        }
        std::cout << "\n";
        support::counted(states, "states");
        support::counted(transitions, "transitions");
    }
};

/* The states that are known, by their number. A state has no padding. */
template <typename State>
class Known
{
public:
    /* false: it is known */
    bool add(const State &state)
    {
        if ((states_.size() + 1) * 2 > slots_.size()) {
            grow();
        }
        uint32_t &slot = slots_[find(state)];
        if (slot != 0) {
            return false;
        }
        states_.push_back(state);
        slot = static_cast<uint32_t>(states_.size());
        return true;
    }
    const State &operator[](size_t number) const
    {
        return states_[number];
    }
    size_t size() const
    {
        return states_.size();
    }

private:
    size_t find(const State &state) const
    {
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&state);
        uint64_t hash = 14695981039346656037u;
        for (size_t i = 0; i < sizeof state; i++) {
            hash = (hash ^ bytes[i]) * 1099511628211u;
        }
        size_t at = (hash ^ hash >> 29) & (slots_.size() - 1);
        while (slots_[at] != 0 && memcmp(&states_[slots_[at] - 1], &state, sizeof state) != 0) {
            at = (at + 1) & (slots_.size() - 1);
        }
        return at;
    }
    void grow()
    {
        slots_.assign(slots_.empty() ? 1u << 16 : slots_.size() * 2, 0);
        for (size_t i = 0; i < states_.size(); i++) {
            slots_[find(states_[i])] = static_cast<uint32_t>(i + 1);
        }
    }

    std::vector<State> states_;
    std::vector<uint32_t> slots_;
};

/* The states in the order in which they were found. */
template <typename State>
class Search
{
public:
    /* From here on: judge and expand each state; expand goes on to others. With one_is_enough it
     * ends at the first state that loses a wake-up. */
    template <typename Judge, typename Expand>
    Found run(bool one_is_enough, Judge judge, Expand expand)
    {
        for (here_ = 0; here_ < states_.size(); here_++) {
            const State state = states_[here_];
            judge(state);
            if (found_.lost > 0 && one_is_enough) {
                break;
            }
            expand(state);
        }
        found_.states = states_.size();
        return found_;
    }
    void begin(const State &state)
    {
        add(state, "");
    }
    void go(const State &state, const char *what)
    {
        found_.transitions++;
        add(state, what);
    }
    /* The state at hand loses a wake-up, which a poll would not find, or would. */
    void lose(bool beyond_poll)
    {
        found_.lost++;
        found_.lost_beyond_poll += beyond_poll;
        if (beyond_poll && found_.first.empty()) {
            for (size_t at = here_; at != 0; at = from_[at]) {
                found_.first = std::string(by_[at]) + "\n" + found_.first;
            }
        }
    }

private:
    void add(const State &state, const char *by)
    {
        if (states_.add(state)) {
            from_.push_back(static_cast<uint32_t>(here_));
            by_.push_back(by);
        }
    }

    Found found_;
    Known<State> states_;
    std::vector<uint32_t> from_;   /* of each state: the one before it */
    std::vector<const char *> by_; /* and what led to it */
    size_t here_ = 0;
};

} // namespace protocol
#endif
