/* test_random.cpp: the core against the model, for as many random steps as asked: SLOTQ_STEPS
 * (a million), SLOTQ_SEED (the first seed), SLOTQ_TORTURE_SECONDS (until then, fresh seeds).
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../support/catch.hpp"
#include "../../support/counted.hpp"
#include "../../support/model/play.hpp"

namespace
{

constexpr uint32_t steps_a_play = 2500;

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/* "" or what went wrong, with the last steps of the same play told. Counts the steps aside. */
std::string play(uint64_t seed, uint32_t steps, uint64_t &aside)
{
    support::RandomChoices choices(seed);
    support::Play play(choices);
    for (uint32_t i = 0; i < steps; i++) {
        const std::string fault = play.step();
        if (!fault.empty()) {
            return "seed " + std::to_string(seed) + " step " + std::to_string(i) + ": " + fault +
                   "\n  " + play.geometry_told();
        }
    }
    aside += play.steps_aside();
    return "";
}

std::string tell_play(uint64_t seed, uint32_t steps, uint32_t last)
{
    support::RandomChoices choices(seed);
    support::Play play(choices);
    std::string told;
    for (uint32_t i = 0; i < steps; i++) {
        const bool over = !play.step().empty();
        if (over || i + last >= steps) {
            told += "  " + std::to_string(i) + " " + play.told() + "\n";
        }
        if (over) {
            break;
        }
    }
    return told;
}

std::string play_and_tell(uint64_t seed, uint32_t steps, uint64_t &aside)
{
    const std::string fault = play(seed, steps, aside);
    if (fault.empty()) {
        return "";
    }
    const uint32_t at =
        static_cast<uint32_t>(std::strtoul(fault.c_str() + fault.find(" step ") + 6, nullptr, 10));
    return fault + "\n" + tell_play(seed, at + 1, 12);
}

} // namespace

TEST_CASE("random: core and model agree after every step")
{
    const uint64_t steps = setting("SLOTQ_STEPS", 1000000);
    const uint64_t first = setting("SLOTQ_SEED", 1);
    std::string fault;
    uint64_t seed = first;
    uint64_t aside = 0;
    for (uint64_t done = 0; done < steps && fault.empty(); done += steps_a_play) {
        fault = play_and_tell(seed++, steps_a_play, aside);
    }
    std::printf("core against model: seeds %llu to %llu, %llu steps aside\n",
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(seed - 1),
                static_cast<unsigned long long>(aside));
    support::counted((seed - first) * steps_a_play, "steps");
    INFO(fault);
    REQUIRE(fault.empty());
    if (steps >= 100000) { /* fewer: a play or two may have no place aside */
        REQUIRE(aside > steps / 1000);
    }
}

TEST_CASE("random: torture for as long as told")
{
    const uint64_t seconds = setting("SLOTQ_TORTURE_SECONDS", 0);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    const uint64_t chance =
        static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    const uint64_t first = setting("SLOTQ_SEED", seconds > 0 ? chance : 1000001);
    std::string fault;
    uint64_t seed = first;
    uint64_t aside = 0;
    do { /* one play at least, so that this case is never empty */
        fault = play_and_tell(seed++, steps_a_play, aside);
    } while (fault.empty() && std::chrono::steady_clock::now() < end);
    if (seconds > 0) {
        std::printf("core against model, torture: seeds %llu to %llu, %llu steps aside\n",
                    static_cast<unsigned long long>(first),
                    static_cast<unsigned long long>(seed - 1),
                    static_cast<unsigned long long>(aside));
    }
    INFO(fault);
    REQUIRE(fault.empty());
}
