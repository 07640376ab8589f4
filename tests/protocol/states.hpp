/* states.hpp: a state of the protocol of places. Must not know the rules that lead from one to
 * another.
 */
#ifndef TESTS_PROTOCOL_STATES_HPP
#define TESTS_PROTOCOL_STATES_HPP

#include <cstdint>

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

} // namespace protocol
#endif
