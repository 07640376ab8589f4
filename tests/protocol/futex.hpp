/* futex.hpp: the protocol by which a file and memory wake one sleeper after another (FORMAT.md,
 * "Waking one by one") as a state machine that is searched whole: callers that register, sleep and
 * are woken, pushes, room, crashes. Knows the rules, and how to leave one out; must not know bytes.
 */
#ifndef TESTS_PROTOCOL_FUTEX_HPP
#define TESTS_PROTOCOL_FUTEX_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "search.hpp"

namespace protocol::futex
{

/* What an actor waits for: messages of one of two groups, one slot, or more. */
enum Kind : uint8_t { GROUP_0, GROUP_1, SLOT, SLOTS, KINDS };

enum class Rule {
    none,
    ring_changes_word, /* a ring changes the word, so that no sleep on the old one begins */
    set_bit,           /* registering sets the bit of its kind */
    keep_bit,          /* the bit stays unless fewer woke than were asked for */
    own_kind,          /* a wake-up is for sleepers of one kind */
    hand_over,         /* a reserve that leaves messages wakes one more */
    hand_over_room,    /* a push that leaves room wakes one more */
    hand_over_aside,   /* so does one after which the oldest message may step aside */
    all_for_slots,     /* all that wait for more than one slot are woken */
    last_look          /* a woken caller looks, even if its time is over */
};

constexpr uint32_t actors_max = 4;

struct Setting {
    std::string name;
    std::vector<Kind> kinds;      /* of each actor */
    std::vector<uint32_t> wants;  /* of each: slots; a reserve takes one message */
    std::vector<uint32_t> pushes; /* what comes, in this order: messages, or free slots */
    uint32_t returns = 0;         /* nacks, of all actors together */
    uint32_t aside = 0;           /* messages that may step aside, all from one moment on */
    bool crash = false;           /* one actor dies, at any moment */
    Rule without = Rule::none;
};

/* lost_beyond_poll is what a poll of each sleeper does not find. */
Found search(const Setting &setting);

} // namespace protocol::futex
#endif
