/* places.hpp: the protocol of places (FORMAT.md, "Places") as a state machine that is searched
 * whole: waiting clients, rows, subscriptions, pushes, connections that break, crashes. Knows the
 * rules, and how to leave one out; must not know scripts or bytes.
 */
#ifndef TESTS_PROTOCOL_PLACES_HPP
#define TESTS_PROTOCOL_PLACES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "search.hpp"

namespace protocol
{

/* The rules that a test may leave out, to see that the search can fail. */
enum class Rule {
    none,
    hand_over,            /* a call that leaves something rings one more */
    look_after_subscribe, /* the look that registers comes after the confirmation */
    last_look,            /* leaving looks once more, or asks another to */
    next_if_unheard,      /* a place that no client hears is passed over */
    clear_own_place,      /* a call that succeeds, or leaves, clears its place and tells sharers */
    unwait_old_place,     /* a change of place gives the old one up */
    bit_until_rows_empty, /* the bit stays while any row has a place that is set */
    all_if_aside,         /* if a message may step aside, all that wait for room are rung */
    room_after_redrive    /* a redrive, which takes room, rings for what is left */
};

enum class Crash {
    never,
    asleep, /* only of a client that sleeps, and has not been told */
    ever    /* at any moment; a lost wake-up must then end with one poll */
};

constexpr uint32_t actors_max = 3, places_max = 3, rows_max = 2;

struct Setting {
    std::string name;
    bool room = false;            /* rows of producers: each takes its wants or nothing */
    uint32_t places = 2;          /* P */
    std::vector<uint32_t> rows;   /* of each client: the row that it waits in */
    std::vector<uint32_t> wants;  /* of each client */
    std::vector<uint32_t> pushes; /* what comes, in this order: messages, or free slots */
    uint32_t returns = 1;         /* nacks, of all clients together */
    std::vector<uint32_t> aside;  /* of each push: what a step aside may free from then on */
    uint32_t redrives = 0;        /* calls that take one free slot and are no client's */
    bool apart = false;           /* client i always has place i */
    Crash crash = Crash::never;
    Rule without = Rule::none;
};

Found search(const Setting &setting);

} // namespace protocol
#endif
