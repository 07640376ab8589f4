/* test_crash_cases.cpp: the table behind test_crash_cases.hpp: for each shape of queue the same
 * list of verbs, then cases that want a shape of their own.
 */
#include "test_crash_cases.hpp"

#include <stdexcept>

namespace crash
{

namespace
{

using actions = std::vector<action>;

constexpr uint64_t LEASE_MS = 1000;
constexpr uint64_t PASSED_MS = 5000;

actions operator+(actions left, const actions &right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

class table
{
public:
    table(std::string shape_name, const slotq_geometry &geometry)
        : prefix(std::move(shape_name)), shape(geometry)
    {
    }

    void add(const std::string &name, const actions &setup, const action &verb,
             uint64_t last_id = 0)
    {
        cases.push_back({prefix + ", " + name, shape, last_id, setup, verb});
    }

    void add_damaged(const std::string &name, const actions &setup, const action &verb)
    {
        add(name, setup, verb);
        cases.back().damages = true;
    }

    /* Every group does it. */
    actions each(const std::vector<action> &wanted) const
    {
        actions all;
        for (uint8_t group = 0; group < shape.groups; group++) {
            for (action one : wanted) {
                one.group = group;
                all.push_back(one);
            }
        }
        return all;
    }

    std::vector<crash_case> cases;
    std::string prefix;
    slotq_geometry shape;
};

void add_pushes(table &to)
{
    const actions five_done = actions{push(5)} + to.each({reserve(0, 5), settle(SLOTQ_ACK, 0)});
    to.add("push 1", {}, push(1));
    to.add("push many", {push(1)}, push(4));
    to.add("push around the end", five_done, push(4));
    to.add("push into full", {push(6)}, push(1));
    to.add("push over the first crossing", {}, push(3), (UINT64_C(1) << 31) - 2);
    to.add("push over the second crossing", {push(1)}, push(3), (UINT64_C(1) << 32) - 3);
    to.add("push after the end of ids", {}, push(1), SLOTQ_ID_MAX);
    to.add("pause", {push(1)}, pause(SLOTQ_PAUSE, SLOTQ_PAUSE_BOTH));
    to.add("resume", {pause(SLOTQ_PAUSE, SLOTQ_PAUSE_BOTH)}, pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN));
    to.add("push when paused", {pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN)}, push(1));
    to.add("close", {push(1)}, pause(SLOTQ_PAUSE, SLOTQ_PAUSE_CLOSED));
    to.add("push when closed", {pause(SLOTQ_PAUSE, SLOTQ_PAUSE_CLOSED)}, push(1));
    to.add("purge", five_done + actions{push(4), reserve(0, 2)}, of(SLOTQ_PURGE));
}

void add_reserves(table &to)
{
    const actions four_held{push(5), reserve(0, 4, LEASE_MS)};
    to.add("reserve new", {push(4)}, reserve(0, 3));
    to.add("reserve of nothing", {}, reserve(0, 3));
    to.add("reserve again and new", four_held + actions{settle(SLOTQ_NACK, 0, {1, 3})},
           reserve(0, 5));
    to.add("reserve released ones", four_held + actions{settle(SLOTQ_RELEASE, 0, {0, 1})},
           reserve(0, 2));
    to.add("reserve with a sweep", four_held, after(PASSED_MS, reserve(0, 5)));
    to.add("reserve with a sweep of waiting ones",
           four_held + actions{settle(SLOTQ_NACK, 0, {0, 2}, LEASE_MS)},
           after(PASSED_MS, reserve(0, 5)));
    to.add("reserve around the end",
           actions{push(5)} + to.each({reserve(0, 5), settle(SLOTQ_ACK, 0)}) + actions{push(4)},
           reserve(0, 4));
    to.add("reclaim", four_held, after(PASSED_MS, of(SLOTQ_RECLAIM)));
    to.add("reclaim with far deadlines", four_held,
           after(((UINT64_C(1) << 23) - 4000) * to.shape.tick_ms, of(SLOTQ_RECLAIM)));
}

void add_settles(table &to)
{
    const actions held{push(5), reserve(0, 4)};
    to.add("ack at head", held, settle(SLOTQ_ACK, 0, {0}));
    to.add("ack elsewhere", held, settle(SLOTQ_ACK, 0, {2}));
    to.add("ack two apart", held, settle(SLOTQ_ACK, 0, {0, 2}));
    to.add("ack all", held, settle(SLOTQ_ACK, 0));
    to.add("ack before finished ones", held + actions{settle(SLOTQ_ACK, 0, {1, 2})},
           settle(SLOTQ_ACK, 0, {0}));
    to.add("ack of a passed lease", held, after(60000, settle(SLOTQ_ACK, 0, {0, 1})));
    to.add("nack", held, settle(SLOTQ_NACK, 0, {1}));
    to.add("nack all", held, settle(SLOTQ_NACK, 0));
    to.add("nack with a delay", held, settle(SLOTQ_NACK, 0, {0, 3}, 5000));
    to.add("release with a delay", held, settle(SLOTQ_RELEASE, 0, {0, 3}, 5000));
    to.add("release", held, settle(SLOTQ_RELEASE, 0, {0, 1}));
    to.add("extend one", held, settle(SLOTQ_EXTEND, 0, {1}, 60000));
    to.add("extend all", held, settle(SLOTQ_EXTEND, 0, {}, 60000));
    to.add("extend with far deadlines", held,
           after(((UINT64_C(1) << 23) - 4000) * to.shape.tick_ms,
                 settle(SLOTQ_EXTEND, 0, {1, 2}, 60000)));
    to.add("kill one", held, settle(SLOTQ_KILL, 0, {1}, 0, 7));
    to.add("kill all", held, settle(SLOTQ_KILL, 0, {}, 0, 7));
    to.add("remove beyond the cursor", {push(5)}, remove(0, 4));
    to.add("remove for all", {push(5)}, remove(SLOTQ_ALL_GROUPS, 3));
    to.add("remove at head", {push(5)}, remove(SLOTQ_ALL_GROUPS, 1));
    to.add("remove one behind", held + actions{settle(SLOTQ_NACK, 0, {2})}, remove(0, 3));
    to.add("remove a leased one", held, remove(0, 1));
}

void add_limits(table &to)
{
    const slotq_limits two_an_hour{UINT64_C(1800000000), 2, 3, 0};
    const slotq_limits one_a_day{UINT64_C(86400000000), 1, 0, 0};
    const actions limited{push(5), limit(0, SLOTQ_LIMIT_ALL, two_an_hour)};
    const actions spent = limited + actions{reserve(0, 5, LEASE_MS)};
    to.add("limit", {push(1)}, limit(0, SLOTQ_LIMIT_ALL, two_an_hour));
    to.add("limit off", spent, limit(0, SLOTQ_LIMIT_ALL, {}));
    to.add("limit of one a day in place of two an hour", spent,
           limit(0, SLOTQ_LIMIT_RATE | SLOTQ_LIMIT_BURST, one_a_day));
    to.add("reserve below limits", limited, reserve(0, 5));
    to.add("reserve above limits", spent, reserve(0, 5));
    to.add("reserve again below limits", spent + actions{settle(SLOTQ_NACK, 0)},
           after(UINT64_C(7200000), reserve(0, 5)));
    to.add("ack below limits", spent, settle(SLOTQ_ACK, 0, {1}));
    to.add("reserve with a sweep below limits", spent, after(UINT64_C(7200000), reserve(0, 5)));
}

void add_deaths(table &to)
{
    const actions held{push(5), reserve(0, 4, LEASE_MS)};
    const actions worn = held + actions{settle(SLOTQ_NACK, 0), reserve(0, 4, LEASE_MS),
                                        settle(SLOTQ_NACK, 0), reserve(0, 4, LEASE_MS)};
    const actions two_dead = held + actions{settle(SLOTQ_KILL, 0, {0, 2}, 0, 9)};
    const actions three_dead = held + actions{settle(SLOTQ_KILL, 0, {0, 1, 2}, 0, 9)};
    to.add("nack that dies", worn, settle(SLOTQ_NACK, 0, {0, 1}, 0, 3));
    to.add("nack that dies, more than there is room", worn, settle(SLOTQ_NACK, 0, {}, 0, 3));
    to.add("kill into a full dead section", three_dead, settle(SLOTQ_KILL, 0, {0}, 0, 3));
    to.add("reserve with burials", worn, after(PASSED_MS, reserve(0, 5)));
    to.add("reclaim with burials", worn, after(PASSED_MS, of(SLOTQ_RECLAIM)));
    action one = of(SLOTQ_REDRIVE);
    action all = one;
    all.count = 0;
    to.add("redrive one", two_dead, one);
    to.add("redrive all", two_dead, all);
    to.add("redrive into full", three_dead + actions{push(1)}, all);
    to.add("redrive when none is there", {push(1)}, all);
    to.add_damaged("redrive past a damaged one", two_dead, all);
    to.add_damaged("redrive past a damaged one, full", three_dead, all);
    to.add("dead purge", two_dead, of(SLOTQ_DEAD_PURGE));
    const actions hole = three_dead + actions{of_dead(SLOTQ_DEAD_REMOVE, 2)};
    to.add("dead remove of the first", three_dead, of_dead(SLOTQ_DEAD_REMOVE, 1));
    to.add("dead remove from between", three_dead, of_dead(SLOTQ_DEAD_REMOVE, 2));
    to.add("dead remove of the first before a hole", hole, of_dead(SLOTQ_DEAD_REMOVE, 1));
    to.add("dead remove of the last behind a hole", hole, of_dead(SLOTQ_DEAD_REMOVE, 3));
    to.add("kill into a hole", hole, settle(SLOTQ_KILL, 0, {0}, 0, 3));
    to.add("redrive from between", three_dead, of_dead(SLOTQ_REDRIVE, 2));
    to.add("redrive of no such id", three_dead, of_dead(SLOTQ_REDRIVE, 5));
    to.add_damaged("redrive of a damaged one by id", three_dead, of_dead(SLOTQ_REDRIVE, 1));
}

/* The ring is full; every group holds the first three. */
actions three_held(const table &to)
{
    return actions{push(6)} + to.each({reserve(0, 6, LEASE_MS), settle(SLOTQ_ACK, 0, {3, 4, 5})});
}

void add_steps_aside(table &to)
{
    const actions three = three_held(to);
    to.add("push that lets one step aside", three, push(1));
    to.add("push that lets two step aside", three, push(2));
    to.add("push that lets one step aside, over a crossing", three, push(2),
           (UINT64_C(1) << 31) - 8);
    to.add("push when no more may step aside", three + actions{push(2)}, push(1));
    to.add("push that lets what groups have finished step aside",
           three + actions{settle(SLOTQ_ACK, 1, {0, 1})}, push(2));
    const actions dead =
        actions{push(2)} + to.each({reserve(0, 2), settle(SLOTQ_KILL, 0, {}, 0, 9)});
    action all = of(SLOTQ_REDRIVE);
    all.count = 0;
    to.add("redrive that lets some step aside", dead + three, all);
}

/* Messages 1 and 2 lie aside, held by every group; 3, 7 and 8 are in the ring. */
void add_asides(table &to)
{
    const actions aside = three_held(to) + actions{push(2)};
    if (to.shape.later_slots > 0) {
        to.add("reserve that promotes and lets one step aside",
               three_held(to) + actions{schedule(2, 0)}, reserve(0, 2));
    }
    to.add("kick aside", aside + actions{settle(SLOTQ_NACK, 0, {0, 1}, 60000)}, kick(0, 1));
    const actions worn = aside + to.each({settle(SLOTQ_NACK, 0), reserve(0, 3, LEASE_MS),
                                          settle(SLOTQ_NACK, 0), reserve(0, 3, LEASE_MS)});
    to.add("ack one aside", aside, settle(SLOTQ_ACK, 0, {0}));
    to.add("ack two aside and one in the ring", aside, settle(SLOTQ_ACK, 0));
    actions last = aside;
    for (uint8_t group = 1; group < to.shape.groups; group++) {
        last.push_back(settle(SLOTQ_ACK, group, {0, 1}));
    }
    to.add("ack one aside, the last group to have it", last, settle(SLOTQ_ACK, 0, {0}));
    to.add("ack all aside, the last group to have them", last, settle(SLOTQ_ACK, 0));
    to.add("kill one aside, the last group to have it", last, settle(SLOTQ_KILL, 0, {1}, 0, 4));
    to.add("kill all aside", aside, settle(SLOTQ_KILL, 0, {0, 1}, 0, 4));
    to.add("nack aside", aside, settle(SLOTQ_NACK, 0));
    to.add("nack aside with a delay", aside, settle(SLOTQ_NACK, 0, {0, 1}, 5000));
    to.add("release aside", aside, settle(SLOTQ_RELEASE, 0, {1}));
    to.add("extend aside", aside, settle(SLOTQ_EXTEND, 0, {}, 60000));
    to.add("nack that dies aside", worn, settle(SLOTQ_NACK, 0, {0}, 0, 3));
    to.add("reserve of what is READY aside", aside + actions{settle(SLOTQ_NACK, 0)}, reserve(0, 5));
    to.add("reserve with a sweep aside", aside, after(PASSED_MS, reserve(0, 4)));
    to.add("reclaim with burials aside", worn, after(PASSED_MS, of(SLOTQ_RECLAIM)));
    to.add("reclaim aside with far deadlines", worn,
           after(((UINT64_C(1) << 23) - 4000) * to.shape.tick_ms, of(SLOTQ_RECLAIM)));
    to.add("remove one aside", aside + to.each({settle(SLOTQ_NACK, 0)}),
           remove(SLOTQ_ALL_GROUPS, 1));
    to.add("purge with some aside", aside, of(SLOTQ_PURGE));
}

void add_laters(table &to)
{
    const actions one{push(2), schedule(1, 2000)};
    const actions full = one + actions{schedule(2, 1000)};
    const actions due = full + actions{of_later(SLOTQ_KICK, 2), of_later(SLOTQ_KICK, 3)};
    to.add("schedule 1", {push(2)}, schedule(1, 1000));
    to.add("schedule 2 that are due before", one, schedule(2, 1000));
    to.add("schedule where none is free", full, schedule(1, 1000));
    to.add("cancel the next", full, of_later(SLOTQ_CANCEL, 2));
    to.add("cancel the last", full, of_later(SLOTQ_CANCEL, 1));
    to.add("cancel the only one", one, of_later(SLOTQ_CANCEL, 1));
    to.add("kick one that is scheduled", full, of_later(SLOTQ_KICK, 1));
    to.add("push that promotes", due, push(1));
    to.add("push that promotes all", due, after(PASSED_MS, push(1)));
    to.add("reserve that promotes", due, reserve(0, 5));
    to.add("push that promotes over a crossing", due, push(1), (UINT64_C(1) << 31) - 4);
    to.add("schedule in a slot that a promotion freed", due + actions{reserve(0, 1)},
           schedule(2, 1000));
}

void add_kicks(table &to)
{
    const actions waiting{push(5), reserve(0, 4), settle(SLOTQ_NACK, 0, {0, 2}, 60000)};
    to.add("kick at head", waiting, kick(0, 1));
    to.add("kick", waiting, kick(0, 3));
    to.add("kick of a leased one", waiting, kick(0, 2));
}

void add_all(table &to, std::vector<crash_case> &cases)
{
    add_pushes(to);
    add_reserves(to);
    add_settles(to);
    add_limits(to);
    add_deaths(to);
    add_kicks(to);
    if (to.shape.later_slots > 0) {
        add_laters(to);
    }
    if (to.shape.aside_slots > 0) {
        add_steps_aside(to);
        add_asides(to);
    }
    cases.insert(cases.end(), to.cases.begin(), to.cases.end());
}

void add_overwrites(std::vector<crash_case> &cases, uint8_t groups)
{
    slotq_geometry shape = geometry(7, 12, groups);
    shape.flags = SLOTQ_FLAG_OVERWRITE | SLOTQ_FLAG_STAMPS;
    shape.later_slots = 2;
    table to("overwrite, " + std::to_string(groups) + " groups", shape);
    const actions held{push(6), reserve(0, 4), settle(SLOTQ_ACK, 0, {1})};
    to.add("push over unread", {push(6)}, push(2));
    to.add("push over leased", held, push(3));
    to.add("push over all", held, push(6));
    to.add("reserve that promotes over unread", {push(6), schedule(2, 0)}, reserve(0, 2));
    to.add("push over a crossing", {push(6)}, push(4), (UINT64_C(1) << 31) - 8);
    cases.insert(cases.end(), to.cases.begin(), to.cases.end());
}

} // namespace

std::vector<crash_case> all_cases()
{
    std::vector<crash_case> cases;
    slotq_geometry shape = geometry(7, 12, 1);
    table plain("1 group", shape);
    add_all(plain, cases);

    shape = geometry(7, 12, 3);
    shape.flags = SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_DEAD_OVERWRITE;
    shape.aside_slots = 2;
    shape.note_bytes = 9;
    table rich("3 groups, checks, stamps, dead overwrite, aside, notes", shape);
    add_all(rich, cases);

    shape = geometry(7, 5, 2);
    shape.flags = SLOTQ_FLAG_KEYS | SLOTQ_FLAG_STAMPS;
    shape.later_slots = 3;
    shape.dead_slots = 0;
    shape.aside_slots = 3;
    table keyed("2 groups, keys, later, no dead section, aside", shape);
    add_all(keyed, cases);

    add_overwrites(cases, 1);
    add_overwrites(cases, 3);
    return cases;
}

static void damage_oldest_dead(simulation &world)
{
    slotq_view view;
    slotq_damage damage;
    if (slotq_core_open(&view, world.image.data(), world.image.size(), &damage) != SLOTQ_OK) {
        throw std::runtime_error("the setup left no queue");
    }
    if (view.geometry.dead_slots > 0) {
        uint8_t *entry = world.image.data() + view.dead_offset;
        entry[14] = SLOTQ_REASON_DAMAGED;
        entry[16 + view.geometry.note_bytes] = 0xFF; /* the length */
    }
}

simulation set_up(const crash_case &one)
{
    simulation world(one.shape);
    if (one.last_id != 0) {
        set_last_id(world.image, one.last_id);
    }
    for (const action &step : one.setup) {
        world.run(step);
    }
    if (one.damages) {
        damage_oldest_dead(world);
    }
    return world;
}

} // namespace crash
