// test_cron_days.cpp: entries on days on which clocks change: the table of the contract, and random
// specs beside a naive clock that goes minute by minute.
#include "catch.hpp"

#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include "cron_times.hpp"

extern "C" {
#include "engine/worker/cron.h"
#include "engine/worker/cron_spec.h"
#include "engine/worker/zone.h"
#include "engine/worker/zone_file.h"
}

using namespace cron_times;

namespace
{

const struct {
    const char *spec;
    const char *zone;
    const char *from;
    const char *until;
    list wanted;
} changes[] = {
    // The gap of Berlin: not there, so at its end; several times of one entry are one.
    {"30 2 * * *",
     "Europe/Berlin",
     "2027-03-27 12:00",
     "2027-03-29 12:00",
     {"2027-03-28 01:00", "2027-03-29 00:30"}},
    {"*/15 2 * * *", "Europe/Berlin", "2027-03-28 00:00", "2027-03-28 12:00", {"2027-03-28 01:00"}},
    {"0,30 2,3 * * *",
     "Europe/Berlin",
     "2027-03-28 00:00",
     "2027-03-28 12:00",
     {"2027-03-28 01:00", "2027-03-28 01:30"}},
    {"30 1-3 * * *",
     "Europe/Berlin",
     "2027-03-28 00:00",
     "2027-03-28 12:00",
     {"2027-03-28 00:30", "2027-03-28 01:00", "2027-03-28 01:30"}},
    // The fold: the first pass only.
    {"30 2 * * *",
     "Europe/Berlin",
     "2026-10-24 12:00",
     "2026-10-26 12:00",
     {"2026-10-25 00:30", "2026-10-26 01:30"}},
    {"0 2,3 * * *",
     "Europe/Berlin",
     "2026-10-25 00:00",
     "2026-10-25 12:00",
     {"2026-10-25 00:00", "2026-10-25 02:00"}},
    // By real time, a fold has both passes.
    {"30 * * * *",
     "Europe/Berlin",
     "2026-10-25 00:00",
     "2026-10-25 03:00",
     {"2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"}},
    {"30 */2 * * *",
     "Europe/Berlin",
     "2026-10-25 00:00",
     "2026-10-25 04:00",
     {"2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 03:30"}},
    {"30 */2 * * *",
     "Europe/Berlin",
     "2027-03-27 22:00",
     "2027-03-28 04:00",
     {"2027-03-27 23:30", "2027-03-28 02:30"}},
    {"30 2 * * *",
     "America/New_York",
     "2027-03-14 00:00",
     "2027-03-15 00:00",
     {"2027-03-14 07:00"}},
    {"30 1 * * *",
     "America/New_York",
     "2027-11-07 00:00",
     "2027-11-08 00:00",
     {"2027-11-07 05:30"}},
    {"0 1 * * *", "America/New_York", "2027-11-07 00:00", "2027-11-08 00:00", {"2027-11-07 05:00"}},
    {"0 2 * * *", "America/New_York", "2027-11-07 00:00", "2027-11-08 00:00", {"2027-11-07 07:00"}},
    // Half an hour.
    {"45 1 * * *",
     "Australia/Lord_Howe",
     "2027-04-03 00:00",
     "2027-04-04 00:00",
     {"2027-04-03 14:45"}},
    {"15 2 * * *",
     "Australia/Lord_Howe",
     "2027-10-02 00:00",
     "2027-10-03 00:00",
     {"2027-10-02 15:30"}},
    // Midnight is not there.
    {"0 0 * * *", "Asia/Beirut", "2027-03-27 12:00", "2027-03-28 12:00", {"2027-03-27 22:00"}},
    {"0 0 * * *", "America/Santiago", "2027-09-05 00:00", "2027-09-06 00:00", {"2027-09-05 04:00"}},
    {"0 3 * * *", "Pacific/Chatham", "2027-09-25 00:00", "2027-09-26 00:00", {"2027-09-25 14:00"}},
    // Two hours.
    {"30 1,2 * * *",
     "Antarctica/Troll",
     "2027-03-28 00:00",
     "2027-03-28 12:00",
     {"2027-03-28 01:00"}},
    // Offsets that go the other way in winter, and in Ramadan (Morocco changes its coming rules).
    {"30 1 * * *", "Europe/Dublin", "2027-03-28 00:00", "2027-03-28 12:00", {"2027-03-28 01:00"}},
    {"30 1 * * *", "Europe/Dublin", "2026-10-24 12:00", "2026-10-25 12:00", {"2026-10-25 00:30"}},
    {"30 2 * * *",
     "Africa/Casablanca",
     "2024-03-10 00:00",
     "2024-03-11 00:00",
     {"2024-03-10 01:30"}},
    {"30 2 * * *",
     "Africa/Casablanca",
     "2024-04-14 00:00",
     "2024-04-15 00:00",
     {"2024-04-14 02:00"}},
    // A whole day is not there: gone, because it is longer than three hours.
    {"0 12 * * *",
     "Pacific/Apia",
     "2011-12-29 00:00",
     "2012-01-01 00:00",
     {"2011-12-29 22:00", "2011-12-30 22:00", "2011-12-31 22:00"}},
    {"0 12 30 12 *", "Pacific/Apia", "2011-01-01 00:00", "2012-12-31 00:00", {"2012-12-29 22:00"}},
};

} // namespace

TEST_CASE("on days when clocks change, an entry runs once")
{
    need_zones();
    for (const auto &one : changes) {
        INFO(one.spec << " in " << one.zone << " from " << one.from);
        CHECK(times(one.spec, one.zone, one.from, one.until) == one.wanted);
    }
}

TEST_CASE("a scheduler that starts in the second pass of a fold does not run what was in the first")
{
    need_zones();
    uint64_t next = 0;
    REQUIRE(slotq_cron_next("30 2 * * *", "Europe/Berlin", at("2026-10-25 01:15"), &next,
                            nullptr) == SLOTQ_OK);
    CHECK(text_of(next) == "2026-10-26 01:30");
    REQUIRE(slotq_cron_next("* 2 * * *", "Europe/Berlin", at("2026-10-25 00:59"), &next, nullptr) ==
            SLOTQ_OK);
    CHECK(text_of(next) == "2026-10-26 01:00");
}

TEST_CASE("what a wall has shown does not run again when it goes back twice in an hour")
{
    const auto big = [](int64_t value) {
        const auto bits = static_cast<uint32_t>(value);
        return std::string{static_cast<char>(bits >> 24), static_cast<char>(bits >> 16),
                           static_cast<char>(bits >> 8), static_cast<char>(bits)};
    };
    const auto seconds = [](const char *text) { return static_cast<int64_t>(at(text) / 1000); };
    const std::string offsets[] = {big(0), big(-3600), big(-3660)};
    std::string file = "TZif" + std::string(16, '\0') + big(0) + big(0) + big(0) + big(2) + big(3) +
                       big(4) + big(seconds("2027-01-01 03:00")) +
                       big(seconds("2027-01-01 03:30")) + "\1\2";
    for (const std::string &offset : offsets) {
        file += offset + std::string(2, '\0');
    }
    file += std::string("XXX\0", 4);
    cron_plan *plan = nullptr;
    slotq_error error;
    const slotq_outcome made = cron_plan_make_of(
        "45 2 * * *", reinterpret_cast<const uint8_t *>(file.data()), file.size(), &plan, &error);
    INFO((made == SLOTQ_OK ? "" : error.text));
    REQUIRE(made == SLOTQ_OK);
    uint64_t next = 0;
    CHECK(cron_plan_next(plan, at("2027-01-01 02:00"), &next));
    CHECK(text_of(next) == "2027-01-01 02:45");
    CHECK(cron_plan_next(plan, next, &next));
    CHECK(text_of(next) == "2027-01-02 03:46");
    cron_plan_free(plan);
}

TEST_CASE("every hour is 23 and 25 times on such days")
{
    need_zones();
    CHECK(times("0 * * * *", "Europe/Berlin", "2027-03-27 23:00", "2027-03-28 22:00").size() == 23);
    CHECK(times("0 * * * *", "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00").size() == 25);
    CHECK(times("* 0-23 * * *", "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00").size() ==
          24 * 60);
}

namespace
{

struct zone_file {
    uint8_t *bytes = nullptr;
    size_t size = 0;
    time_zone read{};

    explicit zone_file(const char *name)
    {
        char path[ZONE_PATH_BYTES];
        const char *why = nullptr;
        REQUIRE(zone_file_read(name, path, &bytes, &size, nullptr) == SLOTQ_OK);
        REQUIRE(zone_read(&read, bytes, size, &why));
    }
    ~zone_file()
    {
        free(bytes);
    }
    zone_file(const zone_file &) = delete;
};

// One clock on the wall, looked at every minute of real time: what it shows for the first time, and
// what it jumps over.
std::set<uint64_t> naive(const cron_spec &spec, const time_zone &zone, int64_t from_s,
                         int64_t until_s)
{
    const auto matches = [&](int64_t wall_s) {
        const int64_t days = wall_s / 86400;
        const zone_day date = zone_day_of(days);
        const int minute = static_cast<int>(wall_s % 86400 / 60);
        return wall_s % 60 == 0 &&
               cron_spec_has_day(&spec, date.month, date.day, zone_weekday_of(days)) &&
               (spec.hours >> (minute / 60) & 1) && (spec.minutes >> (minute % 60) & 1);
    };
    std::set<uint64_t> all;
    int64_t shown_s = from_s + zone_offset_s(&zone, from_s) - 60;
    for (int64_t now_s = from_s; now_s < until_s; now_s += 60) {
        const int64_t wall_s = now_s + zone_offset_s(&zone, now_s);
        bool runs = matches(wall_s) && (spec.any_hour || wall_s > shown_s);
        const int64_t missed = (wall_s - shown_s) / 60 - 1;
        for (int64_t i = 1; !spec.any_hour && i <= missed && missed <= 180; i++) {
            runs = runs || matches(shown_s + i * 60);
        }
        if (runs) {
            all.insert(static_cast<uint64_t>(now_s) * 1000);
        }
        shown_s = shown_s > wall_s ? shown_s : wall_s;
    }
    return all;
}

template <typename Random>
std::string random_field(Random &random, int least, int most)
{
    const auto any = [&](int from, int to) {
        return std::uniform_int_distribution<int>(from, to)(random);
    };
    switch (any(0, 5)) {
    case 0:
        return "*/" + std::to_string(any(1, most / 2));
    case 1: {
        const int first = any(least, most);
        return std::to_string(first) + "-" + std::to_string(any(first, most));
    }
    case 2:
        return std::to_string(any(least, most)) + "," + std::to_string(any(least, most));
    case 3:
        return std::to_string(any(least, most));
    default:
        return "*";
    }
}

} // namespace

TEST_CASE("random specs run when a naive clock says so")
{
    need_zones();
    std::mt19937 random(20261201);
    for (const char *name :
         {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut",
          "Africa/Casablanca", "Antarctica/Troll", "America/Santiago", "Pacific/Apia"}) {
        const zone_file zone(name);
        const bool is_apia = std::string(name) == "Pacific/Apia";
        for (int round = 0; round < 12; round++) {
            // Days around a change, and some around none.
            int64_t from_s = static_cast<int64_t>(
                at(is_apia ? "2011-06-01 00:00" : "2026-01-01 00:00") / 1000 + random() % 31536000);
            from_s = zone_next_change_s(&zone.read, from_s) / 60 * 60 - 5 * 86400;
            const int64_t until_s = from_s + 9 * 86400;
            const std::string spec = random_field(random, 0, 59) + " " +
                                     random_field(random, 0, 23) + " " +
                                     random_field(random, 1, 31) + " " +
                                     random_field(random, 1, 12) + " " + random_field(random, 0, 7);
            INFO(spec << " in " << name << " from " << from_s);
            cron_spec read;
            cron_plan *plan = nullptr;
            REQUIRE(cron_spec_read(spec.c_str(), &read, nullptr) == SLOTQ_OK);
            REQUIRE(cron_plan_make(spec.c_str(), name, &plan, nullptr) == SLOTQ_OK);
            // The naive clock starts three days before what is compared.
            const int64_t begin_s = from_s + 3 * 86400;
            std::set<uint64_t> wanted;
            for (const uint64_t time : naive(read, zone.read, from_s, until_s)) {
                if (time >= static_cast<uint64_t>(begin_s) * 1000) {
                    wanted.insert(time);
                }
            }
            std::set<uint64_t> seen;
            uint64_t next = static_cast<uint64_t>(begin_s) * 1000 - 1;
            while (cron_plan_next(plan, next, &next) &&
                   next < static_cast<uint64_t>(until_s) * 1000) {
                seen.insert(next);
            }
            CHECK(seen == wanted);
            cron_plan_free(plan);
        }
    }
}
