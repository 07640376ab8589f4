/* test_crash_random.cpp: verbs at random on queues of random shape, by two handles in turn, one
 * of them sync=always and so with a record that stays live; SIGKILL at instructions at random.
 */
#include <chrono>
#include <cstdio>
#include <memory>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

using calls = std::vector<std::unique_ptr<prepared>>;

constexpr size_t STATES_A_VERB = 12;

slotq_geometry any_shape(std::mt19937_64 &random)
{
    slotq_geometry shape =
        geometry(static_cast<uint16_t>(2 + random() % 12), static_cast<uint16_t>(1 + random() % 40),
                 static_cast<uint8_t>(1 + random() % 4));
    shape.flags = static_cast<uint8_t>(random() % 32);
    shape.max_attempts = static_cast<uint8_t>(random() % 4);
    shape.dead_slots = static_cast<uint16_t>(random() % 4);
    shape.later_slots = static_cast<uint16_t>(random() % 3);
    shape.tick_ms = static_cast<uint16_t>(1 + random() % 200);
    if ((shape.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
        shape.aside_slots = static_cast<uint8_t>(random() % 4);
    }
    return shape;
}

/* The child: each verb by the one handle or the other, a mark after each. */
int live(queue_file &file, const calls &all, uint64_t handles_in_turn)
{
    const batch_handle batch(slotq_batch_new());
    const handle plain = file.open();
    const handle always = file.open(file.options(SLOTQ_SYNC_ALWAYS));
    if (plain == nullptr || always == nullptr || batch == nullptr) {
        return 3;
    }
    stepper::mark();
    for (const std::unique_ptr<prepared> &call : all) {
        file.now_ms = call->now_ms;
        slotq *const queue = handles_in_turn & 1 ? always.get() : plain.get();
        handles_in_turn >>= 1;
        const slotq_outcome outcome = fire(queue, *call, batch.get());
        stepper::mark();
        if (outcome != call->outcome) {
            return 4;
        }
    }
    return 0;
}

/* Of all states of a verb a fair choice, in their order. */
std::vector<crash_state> states_of_verb(stepper::child &child, watched &files,
                                        std::mt19937_64 &random)
{
    std::vector<crash_state> all;
    while (child.step() == stepper::stop::stepped) {
        if (files.changed()) {
            all.push_back(files.last());
        }
    }
    while (all.size() > STATES_A_VERB) {
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(random() % all.size()));
    }
    files.changed();
    all.push_back(files.last());
    return all;
}

/* One queue from its first verb to its last; how many states were tried. */
uint64_t one_life(std::mt19937_64 &random)
{
    simulation world(any_shape(random));
    queue_file file(world.image, world.shape);
    file.now_ms = world.now_ms;
    calls all;
    for (int i = 0; i < 12; i++) {
        all.push_back(std::make_unique<prepared>(world.run(world.any(random))));
    }
    const uint64_t handles_in_turn = random();
    stepper::child child([&] { return live(file, all, handles_in_turn); });
    REQUIRE(child.run_to_mark());
    watched files(file);
    REQUIRE(files.valid());
    std::vector<std::vector<crash_state>> states;
    for (size_t i = 0; i < all.size(); i++) {
        states.push_back(states_of_verb(child, files, random));
    }
    REQUIRE(child.finish() == 0);
    uint64_t tried = 0;
    for (size_t i = 0; i < all.size(); i++) {
        size_t place = 0;
        file.now_ms = all[i]->now_ms;
        for (const crash_state &state : states[i]) {
            file.put(state);
            const std::string wrong = judge(file.recover(), *all[i], &place);
            INFO("verb " << all[i]->wanted.verb << ", call " << i);
            REQUIRE(wrong == "");
            tried++;
        }
    }
    return tried;
}

} // namespace

TEST_CASE("killed at random in verbs at random by two handles", "[crash][torture][deep]")
{
    need_stepping();
    const uint64_t seed = seed_for("crash at random");
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const uint64_t wanted = how_many("SLOTQ_CRASH_STATES", 300, 10000);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(torture_seconds());
    uint64_t tried = 0;
    while (tried < wanted || std::chrono::steady_clock::now() < end) {
        tried += one_life(random);
    }
    support::counted(tried, "crash states");
}
