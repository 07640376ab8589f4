/* test_bell.cpp: no consumer of a sharded queue loses a wake-up without a crash, and none beyond a
 * round with one: every state that a few consumers can reach is looked at. Without any single rule
 * the search finds a wake-up that is lost.
 */
#include "../support/catch.hpp"
#include "bell.hpp"

#include <cstdlib>

using protocol::Found;
using namespace protocol::bell;

namespace
{

Found searched(const Setting &setting)
{
    const Found found = search(setting);
    found.tell("bell: " + setting.name, setting.crash);
    return found;
}

Setting consumers(uint32_t shards, std::vector<uint32_t> groups, std::vector<uint32_t> pushes)
{
    Setting setting;
    setting.name = std::to_string(groups.size()) + " consumers, " + std::to_string(shards) +
                   " shards, " + std::to_string(pushes.size()) + " pushes";
    setting.shards = shards;
    setting.groups = std::move(groups);
    setting.pushes = std::move(pushes);
    return setting;
}

Setting with(Setting setting, uint32_t returns, uint32_t delays, uint32_t leaves)
{
    setting.name += ", " + std::to_string(returns) + " nacks, " + std::to_string(delays) +
                    " delays, " + std::to_string(leaves) + " leave";
    setting.returns = returns;
    setting.delays = delays;
    setting.leaves = leaves;
    return setting;
}

Setting sharing(Setting setting, std::vector<uint32_t> places)
{
    setting.name += ", places shared";
    setting.places = std::move(places);
    return setting;
}

Setting one_by_one(Setting setting)
{
    setting.name += ", rounds one by one";
    setting.rounds = Rounds::one_by_one;
    return setting;
}

Setting with_crash(Setting setting)
{
    setting.name += ", a crash";
    setting.crash = true;
    return setting;
}

Setting without(Setting setting, Rule rule, const std::string &name)
{
    setting.name += " without: " + name;
    setting.without = rule;
    return setting;
}

Setting three_of_two()
{
    return consumers(2, {0, 0, 0}, {1, 1});
}

Setting three_of_three()
{
    return consumers(3, {0, 0, 0}, {1, 1});
}

Setting two_of_three()
{
    return consumers(3, {0, 0}, {1, 1});
}

Setting groups_of_two()
{
    return consumers(2, {0, 1}, {1});
}

void none_is_lost(const std::vector<Setting> &settings)
{
    for (const Setting &setting : settings) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost == 0);
        CHECK(found.states > 1000);
    }
}

} // namespace

TEST_CASE("bell: no wake-up is lost without a crash")
{
    none_is_lost({
        with(three_of_two(), 0, 0, 1),
        with(consumers(2, {0, 0, 0}, {2}), 1, 0, 0),
        with(consumers(2, {0, 0}, {1, 1}), 0, 1, 0),
        three_of_three(),
        with(groups_of_two(), 1, 0, 1),
        with(groups_of_two(), 0, 1, 0),
        one_by_one(three_of_three()),
        sharing(consumers(2, {0, 0, 0}, {2}), {0, 0, 1}),
        sharing(with(consumers(3, {0, 1}, {1}), 0, 0, 1), {0, 0}),
    });
}

TEST_CASE("bell: what a crash loses is found by the next round of a sleeper")
{
    for (const Setting &setting :
         {with_crash(two_of_three()), with_crash(three_of_two()), with_crash(groups_of_two())}) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost > 0); /* so the search sees them */
        CHECK(found.lost_beyond_poll == 0);
    }
}

TEST_CASE("bell: without any single rule a wake-up is lost")
{
    const Setting left = with(two_of_three(), 0, 0, 1);
    const Setting late = with(consumers(2, {0, 0, 0}, {1, 1}), 0, 1, 0);
    const std::vector<Setting> lacking = {
        without(two_of_three(), Rule::hush_compares, "a hush compares"),
        without(two_of_three(), Rule::counter_moves, "the counter moves if the bit is set"),
        without(two_of_three(), Rule::round_sets_bit, "a round sets the bit"),
        without(two_of_three(), Rule::round_if_alone, "a round if alone"),
        without(two_of_three(), Rule::register_first, "register first"),
        without(groups_of_two(), Rule::others_of_row, "others of the same group"),
        without(two_of_three(), Rule::leave_the_bell, "leave the bell"),
        without(left, Rule::pass_on_if_rung, "pass on if rung"),
        without(three_of_two(), Rule::rung_at_the_bell, "pass on, taken at the bell"),
        without(three_of_two(), Rule::read_when_registered,
                "reading what is on the way when registered"),
        without(sharing(with(consumers(2, {0, 1, 1}, {1, 1}), 1, 0, 0), {0, 0, 1}),
                Rule::message_names_row, "a message names its row"),
        without(sharing(three_of_two(), {0, 0, 1}), Rule::sharers_round, "sharers make a round"),
        without(one_by_one(three_of_three()), Rule::broken_off_is_round,
                "a round that is broken off is handed over as one"),
        without(three_of_three(), Rule::release_is_nudged, "a release nudges"),
        without(three_of_two(), Rule::hand_over_rest, "hand over the rest"),
        without(left, Rule::all_told, "all that was told"),
        without(with(consumers(2, {0, 1}, {1, 1}), 1, 0, 0), Rule::hush_if_all_rows,
                "all rows are empty"),
        without(late, Rule::due_is_nudged, "a due time is nudged"),
        without(late, Rule::due_of_rest, "a due time that is left is nudged"),
        without(late, Rule::due_is_handed_over, "a due time is handed over"),
        without(left, Rule::round_after_loss, "a round after a lost connection"),
    };
    for (const Setting &setting : lacking) {
        const Found found = searched(setting);
        CAPTURE(setting.name);
        CHECK(found.lost > 0);
        CHECK_FALSE(found.first.empty());
    }
}

TEST_CASE("bell: larger bounds", "[deep]")
{
    std::vector<Setting> settings = {with(two_of_three(), 0, 0, 1)};
    if (std::getenv("SLOTQ_PROVE") != nullptr) {
        settings = {
            with(three_of_three(), 0, 0, 1),
            with(three_of_two(), 0, 1, 0),
            with(consumers(3, {0, 0, 0}, {2}), 1, 0, 0),
            with(consumers(2, {0, 0}, {1, 1, 1}), 1, 0, 1),
            with(consumers(2, {0, 0}, {1, 1}), 1, 1, 0),
            with(consumers(2, {0, 0, 1}, {1}), 1, 0, 1),
            with(consumers(3, {0, 1}, {1}), 0, 1, 1),
            one_by_one(with(two_of_three(), 1, 0, 1)),
            sharing(with(three_of_two(), 0, 0, 1), {0, 0, 1}),
        };
    }
    none_is_lost(settings);
}
