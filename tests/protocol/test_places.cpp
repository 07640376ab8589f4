/* test_places.cpp: no wake-up is lost without a crash, and none beyond a poll with one: every
 * state that a few clients can reach is looked at. Without any single rule the search finds a
 * wake-up that is lost.
 */
#include "../support/catch.hpp"
#include "places.hpp"

using protocol::Crash;
using protocol::Found;
using protocol::Rule;
using protocol::Setting;

namespace
{

Found searched(const Setting &setting)
{
    const Found found = protocol::search(setting);
    found.tell("places: " + setting.name, setting.crash == Crash::ever);
    return found;
}

/* Three consumers of one group share two places; up to two messages in a push. */
Setting sharers()
{
    Setting setting;
    setting.name = "three consumers, two places";
    setting.rows = {0, 0, 0};
    setting.wants = {1, 1, 1};
    setting.pushes = {2, 1};
    return setting;
}

/* Two groups, in which each message is delivered once. */
Setting groups()
{
    Setting setting;
    setting.name = "two groups, two places";
    setting.rows = {0, 0, 1};
    setting.wants = {1, 1, 1};
    setting.pushes = {1, 1};
    setting.returns = 0;
    return setting;
}

/* Producers that need one and two slots; slots become free one by one. */
Setting producers()
{
    Setting setting;
    setting.name = "three producers, two places";
    setting.room = true;
    setting.rows = {0, 0, 0};
    setting.wants = {1, 2, 1};
    setting.pushes = {1, 1, 2};
    return setting;
}

/* The same, but a slot comes free and a message may then step aside, and a dead one takes room. */
Setting crowded()
{
    Setting setting = producers();
    setting.name = "three producers, a step aside, a redrive";
    setting.aside = {1};
    setting.redrives = 1;
    return setting;
}

/* Each has a separate place, and one of them may die in its sleep. */
Setting sleepers()
{
    Setting setting;
    setting.name = "a crash asleep, three places";
    setting.places = 3;
    setting.rows = {0, 0, 0};
    setting.wants = {1, 1, 1};
    setting.pushes = {1, 1};
    setting.apart = true;
    setting.crash = Crash::asleep;
    return setting;
}

Setting with_crash(Setting setting)
{
    setting.name += ", a crash";
    setting.crash = Crash::ever;
    setting.returns = 0;
    return setting;
}

Setting without(Setting setting, Rule rule, const std::string &name)
{
    setting.name += " without: " + name;
    setting.without = rule;
    return setting;
}

} // namespace

TEST_CASE("places: no wake-up is lost without a crash")
{
    for (const Setting &setting : {sharers(), groups(), producers(), crowded()}) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost == 0);
        CHECK(found.states > 1000);
    }
}

TEST_CASE("places: a client that dies in its sleep, alone at its place, takes no wake-up along")
{
    const Found found = searched(sleepers());
    CAPTURE(found.first);
    CHECK(found.lost == 0);
}

TEST_CASE("places: what a crash loses is found by the next poll")
{
    for (const Setting &setting : {with_crash(sharers()), with_crash(groups())}) {
        const Found found = searched(setting);
        CAPTURE(setting.name, found.first);
        CHECK(found.lost > 0); /* so the search sees them */
        CHECK(found.lost_beyond_poll == 0);
    }
}

TEST_CASE("places: without any single rule a wake-up is lost")
{
    const std::vector<Setting> lacking = {
        without(sharers(), Rule::hand_over, "hand-over"),
        without(sharers(), Rule::look_after_subscribe, "look after subscribe"),
        without(sharers(), Rule::last_look, "leaving is a last look"),
        without(sleepers(), Rule::next_if_unheard, "0 receivers: next"),
        without(groups(), Rule::clear_own_place, "a client clears its place"),
        without(groups(), Rule::unwait_old_place, "a change gives the old place up"),
        without(groups(), Rule::bit_until_rows_empty, "the bit stays while a row holds a place"),
        without(producers(), Rule::hand_over, "hand-over"),
        without(crowded(), Rule::all_if_aside, "all are rung if a message may step aside"),
        without(crowded(), Rule::room_after_redrive, "a redrive rings for what is left"),
    };
    for (const Setting &setting : lacking) {
        const Found found = searched(setting);
        CAPTURE(setting.name);
        CHECK(found.lost > 0);
        CHECK_FALSE(found.first.empty());
    }
}
