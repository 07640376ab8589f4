/* bell_states.hpp: a state of the protocol of the bell, and its standard form: states that differ
 * only in the names of consumers or of shards are one. Must not know the rules that lead from one
 * to another.
 */
#ifndef TESTS_PROTOCOL_BELL_STATES_HPP
#define TESTS_PROTOCOL_BELL_STATES_HPP

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "bell.hpp"

namespace protocol::bell
{

/* What a consumer does next. From SUBSCRIBES on it takes its step unasked. */
enum Phase : uint8_t { IDLE, SLEEPS, DEAD, SUBSCRIBES, REGISTERS, HINTS, ROUND, RELEASES, LEAVES };

/* Masks of shards; the bell is bit 0. */
enum : uint8_t { BELL = 1, WHOLE_ROUND = 0x40, SHARDS = 0x3f };

/* flags of a consumer */
enum : uint8_t {
    SET = 1,      /* its place is set: a fact of the bell, kept with the first client of a place */
    BELIEVES = 2, /* the client believes so */
    TOOK = 4      /* in its round it got a message */
};

struct Actor {
    uint8_t phase = IDLE;
    uint8_t group = 0;
    uint8_t flags = 0;
    uint8_t told = 0;  /* what lies on its socket */
    uint8_t hints = 0; /* what it has read, and not looked at */
    uint8_t left = 0;  /* shards that its round has not looked at */
    uint8_t has = 0;   /* shards of which it must release a message */
    uint8_t knows = 0; /* shards whose due time it has seen */
    uint8_t timer = 0; /* shards whose due time has come */
};

constexpr uint32_t rows_max = groups_max + 1; /* the last stands for all groups */

struct State {
    Actor actors[actors_max];
    uint8_t ready[groups_max][shards_max] = {};
    uint8_t delayed[groups_max][shards_max] = {};
    /* nudges that are under way, by group, shard, whether the counter has moved since, need - 1 */
    uint8_t nudges[rows_max][shards_max][2][2] = {};
    uint8_t rounds[groups_max] = {}; /* nudges for a round that are under way */
    uint8_t held[groups_max] = {};
    uint8_t hushes = 0; /* shards whose hush is under way, and would clear the bit */
    uint8_t bits = 0;   /* shards with bit 2; BELL: bit 0 of the bell */
    uint8_t pushed = 0, returned = 0, delays = 0, leaves = 0;
    uint8_t crashed = 0;
    uint8_t polled = 0; /* groups of which a sleeper made a round since */
};

static_assert(sizeof(State) == sizeof(Actor) * actors_max + groups_max * shards_max * 2 +
                                   rows_max * shards_max * 4 + groups_max * 2 + 8,
              "no padding, whose bytes would tell states apart");

inline uint8_t swapped(uint8_t mask)
{
    return static_cast<uint8_t>((mask & ~6u) | (mask & 2u) << 1 | (mask & 4u) >> 1);
}

/* The same with shards 1 and 2 exchanged. */
inline State swapped(State state)
{
    for (Actor &actor : state.actors) {
        for (uint8_t *mask :
             {&actor.told, &actor.hints, &actor.left, &actor.has, &actor.knows, &actor.timer}) {
            *mask = swapped(*mask);
        }
    }
    for (uint32_t group = 0; group < groups_max; group++) {
        std::swap(state.ready[group][1], state.ready[group][2]);
        std::swap(state.delayed[group][1], state.delayed[group][2]);
    }
    for (auto &row : state.nudges) {
        std::swap(row[1], row[2]);
    }
    state.hushes = swapped(state.hushes);
    state.bits = swapped(state.bits);
    return state;
}

inline void sort_actors(State &state, uint32_t actors)
{
    std::sort(state.actors, state.actors + actors,
              [](const Actor &a, const Actor &b) { return memcmp(&a, &b, sizeof a) < 0; });
}

/* Consumers with separate places, and shards other than the bell, have no names. */
inline State standard(State state, const Setting &setting)
{
    const uint32_t actors = static_cast<uint32_t>(setting.groups.size());
    if (setting.places.empty()) {
        sort_actors(state, actors);
    }
    if (setting.shards == 3) {
        State other = swapped(state);
        if (setting.places.empty()) {
            sort_actors(other, actors);
        }
        state = memcmp(&other, &state, sizeof state) < 0 ? other : state;
    }
    return state;
}

} // namespace protocol::bell
#endif
