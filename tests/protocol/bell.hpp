/* bell.hpp: the protocol by which the consumers of a sharded queue sleep at one shard, the bell
 * (SHARDS.md, "The bell"), as a state machine that is searched whole: registering, rounds, nudges,
 * hushes, hand-over, due times, clients that leave, lost connections, crashes. Knows the rules, and
 * how to leave one out; must not know scripts or bytes.
 */
#ifndef TESTS_PROTOCOL_BELL_HPP
#define TESTS_PROTOCOL_BELL_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "search.hpp"

namespace protocol::bell
{

/* The rules that a test may leave out, to see that the search can fail. */
enum class Rule {
    none,
    hush_compares,        /* a hush clears the bit only if the counter is unchanged */
    counter_moves,        /* a look of a round moves the counter, also if the bit is set */
    round_sets_bit,       /* a look of a round sets the bit of its shard */
    round_if_alone,       /* a consumer that finds no other sleeper looks at all shards */
    register_first,       /* it registers before the round, not after it */
    others_of_row,        /* other sleepers count only if they are of its group */
    leave_the_bell,       /* a consumer that takes a message elsewhere clears its place */
    pass_on_if_rung,      /* if its place was clear, it nudges another one for a round */
    rung_at_the_bell,     /* so does one that polled, and took a message at the bell */
    read_when_registered, /* a consumer that is registered reads what is on the way */
    message_names_row,    /* clients of other groups at that place pass over a message */
    sharers_round,       /* a client that leaves a shared place tells the sharers to make a round */
    broken_off_is_round, /* a round that ends early is handed over as a round, not as a shard */
    release_is_nudged,   /* a release of what a round found twice says that the bit is set */
    hand_over_rest,      /* a reserve that leaves messages nudges one more */
    all_told,            /* a consumer looks at every shard that it was told of, or hands it over */
    hush_if_all_rows,    /* a hush needs all rows of the bell to be empty */
    due_is_nudged,       /* a step that lowers due in a shard nudges */
    due_of_rest,         /* a reserve that leaves a due time in the shard nudges, too */
    due_is_handed_over,  /* a consumer that leaves hands the due times over that it has seen */
    round_after_loss     /* a consumer whose connection broke makes a round */
};

enum class Rounds {
    pipelined, /* all looks are sent at once: a round runs to its end, the surplus is released */
    one_by_one /* it ends at the first message, and is handed over */
};

constexpr uint32_t actors_max = 3, shards_max = 3, groups_max = 2;

struct Setting {
    std::string name;
    uint32_t shards = 2;          /* shard 0 is the bell */
    std::vector<uint32_t> groups; /* of each consumer */
    std::vector<uint32_t> places; /* of each consumer; empty: each has a separate one */
    std::vector<uint32_t> pushes; /* messages, in this order, each push to any shard */
    uint32_t returns = 0;         /* nacks, of all consumers together, to any shard */
    uint32_t delays = 0;          /* nacks with a delay */
    uint32_t leaves = 0;          /* clients that stop waiting, and connections that break */
    bool crash = false;           /* one client dies, or forgets a nudge or hush */
    Rounds rounds = Rounds::pipelined;
    Rule without = Rule::none;
};

/* lost_beyond_poll is what a full round of any sleeper does not find. */
Found search(const Setting &setting);

} // namespace protocol::bell
#endif
