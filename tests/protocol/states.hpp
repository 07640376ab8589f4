/* states.hpp: a state of the protocol of places, and the set of those that a search has reached.
 * Must not know the rules that lead from one to another.
 */
#ifndef TESTS_PROTOCOL_STATES_HPP
#define TESTS_PROTOCOL_STATES_HPP

#include <cstdint>
#include <cstring>
#include <vector>

#include "places.hpp"

namespace protocol
{

/* How far a client is. From SUBSCRIBES to UNWAITS it takes its next step unasked; the others wait
 * for something. */
enum Phase : uint8_t { IDLE, SLEEPS, DEAD, SUBSCRIBES, LOOKS, LEAVES, MOVES, UNWAITS };

struct Actor {
    uint8_t phase = IDLE;
    uint8_t place = 0;
    uint8_t old_place = 0; /* while it changes */
    uint8_t heard = 0;     /* channels that it is subscribed to, a bit each */
    uint8_t told = 0;      /* something lies on its socket */
    uint8_t row = 0, wants = 0;
};

struct State {
    Actor actors[actors_max];
    uint8_t set[rows_max][places_max] = {}; /* the wants */
    uint8_t cursor[rows_max] = {};
    uint8_t there[rows_max] = {}; /* messages, or free slots */
    uint8_t aside = 0;            /* slots more, once a push lets a message step aside */
    uint8_t redriven = 0;
    uint8_t bit = 0;
    uint8_t pushed = 0;
    uint8_t returned = 0;
    uint8_t crashed = 0;
    uint8_t polled = 0;
};

static_assert(sizeof(State) == sizeof(Actor) * actors_max + rows_max * (places_max + 2) + 7,
              "no padding, whose bytes would tell states apart");

/* The states that are known, by their number. */
class States
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

} // namespace protocol
#endif
