// cron_times.hpp: moments as text, and all times of a spec in a stretch of time.
#ifndef SLOTQ_TESTS_ENGINE_WORKER_CRON_TIMES_HPP
#define SLOTQ_TESTS_ENGINE_WORKER_CRON_TIMES_HPP

#include "catch.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "skip.hpp"

extern "C" {
#include "engine/slotq_cron.h"
#include "engine/worker/zone.h"
}

namespace cron_times
{

constexpr uint64_t MINUTE_MS = 60000;
constexpr uint64_t HOUR_MS = 60 * MINUTE_MS;
constexpr uint64_t DAY_MS = 24 * HOUR_MS;

// "2027-03-28 01:00" or with seconds, in UTC.
inline uint64_t at(const std::string &text)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    const int count =
        sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &year, &month, &day, &hour, &minute, &second);
    REQUIRE(count >= 5);
    const int64_t days = zone_days_of(year, month, day);
    return static_cast<uint64_t>((days * 24 + hour) * 3600 + minute * 60 + second) * 1000;
}

inline std::string text_of(uint64_t ms)
{
    const int64_t seconds = static_cast<int64_t>(ms / 1000);
    const zone_day date = zone_day_of(zone_days_of_s(seconds));
    const int minutes = static_cast<int>(seconds % 86400 / 60);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", static_cast<int>(date.year), date.month,
             date.day, minutes / 60, minutes % 60);
    return seconds % 60 == 0 && ms % 1000 == 0 ? text : std::string(text) + " and a part";
}

inline void need_zones()
{
    slotq_error error;
    uint64_t next = 0;
    if (slotq_cron_next("@daily", "Europe/Berlin", 0, &next, &error) != SLOTQ_OK) {
        support::skip(std::string("no zones here (Debian: tzdata), ") + error.text);
    }
}

// Every time in [from, until), one behind the other.
inline std::vector<std::string> times(const char *spec, const char *zone, const std::string &from,
                                      const std::string &until)
{
    slotq_error error;
    std::vector<std::string> all;
    uint64_t next = at(from) - 1;
    for (;;) {
        const slotq_outcome outcome = slotq_cron_next(spec, zone, next, &next, &error);
        INFO(spec << " " << (outcome == SLOTQ_OK ? "" : error.text));
        REQUIRE(outcome == SLOTQ_OK);
        if (next >= at(until)) {
            return all;
        }
        all.push_back(text_of(next));
    }
}

using list = std::vector<std::string>;

} // namespace cron_times
#endif
