/* test_futex.cpp: in a file and in memory too no wake-up is lost without a crash, and none beyond a
 * poll with one: every state that a few callers can reach is looked at. Without any single rule
 * the search finds a wake-up that is lost.
 */
#include "../support/catch.hpp"
#include "futex.hpp"

using protocol::Found;
using namespace protocol::futex;

namespace
{

Found searched(const Setting &setting)
{
    const Found found = search(setting);
    found.tell("futex: " + setting.name, setting.crash);
    return found;
}

Setting consumers()
{
    Setting setting;
    setting.name = "three consumers";
    setting.kinds = {GROUP_0, GROUP_0, GROUP_0};
    setting.wants = {1, 1, 1};
    setting.pushes = {2, 1, 1};
    setting.returns = 1;
    return setting;
}

Setting groups()
{
    Setting setting;
    setting.name = "two groups";
    setting.kinds = {GROUP_0, GROUP_0, GROUP_1, GROUP_1};
    setting.wants = {1, 1, 1, 1};
    setting.pushes = {1, 1};
    return setting;
}

Setting producers()
{
    Setting setting;
    setting.name = "producers of one, two and three messages";
    setting.kinds = {SLOT, SLOT, SLOTS, SLOTS};
    setting.wants = {1, 1, 3, 2};
    setting.pushes = {2, 1, 2};
    return setting;
}

Setting crowded()
{
    Setting setting;
    setting.name = "producers, and messages that step aside";
    setting.kinds = {SLOT, SLOT, SLOTS};
    setting.wants = {1, 1, 2};
    setting.pushes = {1, 1};
    setting.aside = 2;
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

} // namespace

TEST_CASE("futex: no wake-up is lost without a crash")
{
    for (const Setting &setting : {consumers(), groups(), producers(), crowded()}) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost == 0);
        CHECK(found.states > 1000);
    }
}

TEST_CASE("futex: what a crash loses is found by the next poll")
{
    for (const Setting &setting : {with_crash(consumers()), with_crash(groups())}) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost > 0); /* so the search sees them */
        CHECK(found.lost_beyond_poll == 0);
    }
}

TEST_CASE("futex: without any single rule a wake-up is lost")
{
    const std::vector<Setting> lacking = {
        without(consumers(), Rule::ring_changes_word, "a ring changes the word"),
        without(consumers(), Rule::set_bit, "registering sets its bit"),
        without(consumers(), Rule::keep_bit, "the bit stays while all woke that were asked for"),
        without(consumers(), Rule::hand_over, "hand-over"),
        without(consumers(), Rule::last_look, "a woken caller looks"),
        without(groups(), Rule::own_kind, "a wake-up is for one kind"),
        without(producers(), Rule::hand_over_room, "hand-over of room"),
        without(producers(), Rule::all_for_slots, "all are woken that need more slots"),
        without(crowded(), Rule::hand_over_aside, "hand-over if a message may step aside"),
    };
    for (const Setting &setting : lacking) {
        const Found found = searched(setting);
        CAPTURE(setting.name);
        CHECK(found.lost > 0);
        CHECK_FALSE(found.first.empty());
    }
}
