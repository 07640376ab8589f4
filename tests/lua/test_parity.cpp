/* test_parity.cpp: the C core against the Lua scripts and against the module on a real server, for
 * as many random steps as asked: SLOTQ_STEPS (20,000; SLOTQ_PROVE: 200,000), SLOTQ_SEED (the first
 * seed), SLOTQ_TORTURE_SECONDS (until then, fresh seeds). Half of the steps for each variant of the
 * scripts; all of them for the module.
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "parity_play.hpp"

namespace
{

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Table {
    redis::Server &server;
    std::unique_ptr<redis::Connection> connection = server.connect();
    std::unique_ptr<redis::Connection> listener = server.connect();
    redis::Scripts scripts;
    explicit Table(const std::string &variant)
        : server(variant == "module" ? redis::module_server() : redis::shared_server()),
          scripts(*connection, variant)
    {
    }
};

struct Counts {
    uint64_t steps = 0;
    uint64_t aside = 0;    /* of them with messages aside */
    uint64_t promoted = 0; /* messages */
    uint64_t refused = 0;  /* pushes that promoted */
};

/* "" or what went wrong, with the last verbs told. Counts the steps. */
std::string play(Table &table, uint64_t seed, Counts &counts)
{
    support::RandomChoices choices(seed);
    parity::Play play(choices, *table.connection, table.scripts, *table.listener,
                      "parity:" + std::to_string(seed));
    std::string fault;
    while (fault.empty() && !play.spent()) {
        fault = play.step();
        counts.steps++;
    }
    counts.aside += play.steps_aside();
    counts.promoted += play.promoted();
    counts.refused += play.refused();
    fault = fault.empty() ? play.end() : fault;
    return fault.empty() ? "" : "seed " + std::to_string(seed) + ": " + fault + "\n" + play.told();
}

void play_many(const std::string &variant, uint64_t steps, uint64_t first)
{
    Table table(variant);
    std::string fault;
    uint64_t seed = first;
    Counts done;
    while (done.steps < steps && fault.empty()) {
        fault = play(table, seed++, done);
    }
    std::printf(
        "core against %s: %llu steps, %llu with messages aside, %llu messages promoted, "
        "%llu pushes refused after that, seeds %llu to %llu\n",
        variant == "module" ? "the module" : (variant + " Lua").c_str(),
        static_cast<unsigned long long>(done.steps), static_cast<unsigned long long>(done.aside),
        static_cast<unsigned long long>(done.promoted),
        static_cast<unsigned long long>(done.refused), static_cast<unsigned long long>(first),
        static_cast<unsigned long long>(seed - 1));
    support::counted(done.steps, "steps");
    INFO(fault);
    REQUIRE(fault.empty());
    CHECK((steps < 5000 || done.aside > steps / 20)); /* or the plays no longer lead there */
    CHECK((steps < 5000 || done.promoted > steps / 100));
    CHECK((steps < 5000 || done.refused > steps / 2000));
}

} // namespace

TEST_CASE("parity: core and Lua agree after every step", "[deep]")
{
    const uint64_t otherwise = setting("SLOTQ_PROVE", 0) != 0 ? 200000 : 20000;
    const uint64_t steps = setting("SLOTQ_STEPS", otherwise);
    const uint64_t first = setting("SLOTQ_SEED", 1);
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    CAPTURE(variant);
    play_many(variant, (steps + 1) / 2, first + (variant == "plain" ? 0 : 500000));
}

TEST_CASE("parity: core and module agree after every step", "[deep]")
{
    const uint64_t otherwise = setting("SLOTQ_PROVE", 0) != 0 ? 200000 : 20000;
    play_many("module", setting("SLOTQ_STEPS", otherwise), setting("SLOTQ_SEED", 1));
}

TEST_CASE("parity: torture for as long as told")
{
    const uint64_t seconds = setting("SLOTQ_TORTURE_SECONDS", 0);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    const uint64_t chance =
        static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    const uint64_t first = setting("SLOTQ_SEED", seconds > 0 ? chance : 1000001);
    Table table("redis7");
    std::string fault;
    uint64_t seed = first;
    Counts done;
    do { /* one play at least, so that this case is never empty */
        fault = play(table, seed++, done);
    } while (fault.empty() && std::chrono::steady_clock::now() < end);
    if (seconds > 0) {
        std::printf("core against Lua, torture: %llu steps, seeds %llu to %llu\n",
                    static_cast<unsigned long long>(done.steps),
                    static_cast<unsigned long long>(first),
                    static_cast<unsigned long long>(seed - 1));
    }
    INFO(fault);
    REQUIRE(fault.empty());
}
