// test_moments.cpp: moments of the calendar, with a zone, in the local one, as seconds since 1970.
#include "catch.hpp"

#include <cstdlib>
#include <ctime>
#include <string>

extern "C" {
#include "tools/slotq/line/moments.h"
#include "tools/slotq/say/texts.h"
}

namespace
{

std::string moment(const char *text)
{
    uint64_t moment_ms = 0;
    bool is_local = false;
    const moment_answer answer = parse_moment(text, &moment_ms, &is_local);
    if (answer != MOMENT_READ) {
        return answer == MOMENT_BEYOND ? "beyond" : "none";
    }
    return std::string(moment_text(moment_ms).text) + (is_local ? " local" : "");
}

} // namespace

TEST_CASE("moments with a zone")
{
    CHECK(moment("2026-12-01T10:00:00Z") == "2026-12-01T10:00:00.000Z");
    CHECK(moment("2026-12-01t10:00:00z") == "2026-12-01T10:00:00.000Z");
    CHECK(moment("2026-12-01 10:00Z") == "2026-12-01T10:00:00.000Z");
    CHECK(moment("2026-12-01T10:00:00.25+01:00") == "2026-12-01T09:00:00.250Z");
    CHECK(moment("2026-12-01T10:00:00.0019-00:30") == "2026-12-01T10:30:00.001Z");
    CHECK(moment("2028-02-29T23:59:59-12:00") == "2028-03-01T11:59:59.000Z");
    CHECK(moment("6429-10-17T02:45:55.327Z") == "6429-10-17T02:45:55.327Z");
}

TEST_CASE("moments as seconds since 1970")
{
    CHECK(moment("1796119200") == "2026-12-01T10:00:00.000Z");
    CHECK(moment("1796119200.5") == "2026-12-01T10:00:00.500Z");
    CHECK(moment("@1") == "1970-01-01T00:00:01.000Z");
    CHECK(moment("140737488355.327") == "6429-10-17T02:45:55.327Z");
}

TEST_CASE("moments in the local zone")
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    CHECK(moment("2026-12-01T10:00") == "2026-12-01T09:00:00.000Z local");
    CHECK(moment("2026-07-01 10:00:00") == "2026-07-01T08:00:00.000Z local");
    CHECK(moment("2026-03-29T02:30") == "none"); /* the clock goes from 02:00 to 03:00 */
    CHECK(moment("1970-01-01T00:30") == "beyond"); /* before 1970 in UTC */
    unsetenv("TZ");
    tzset();
}

TEST_CASE("other text is refused")
{
    for (const char *text :
         {"", "@", "@x", "now", "10:30", "2026", "20261201", "2026-12-01", "2026-12-01T", "-1",
          "2026-12-01T10", "2026-12-01T10:00:00Z ", " 2026-12-01T10:00:00Z", "2026-13-01T10:00Z",
          "2026-00-01T10:00Z", "2026-02-29T10:00Z", "2026-12-01T24:00Z", "2026-12-01T10:60Z",
          "2026-12-01T10:00:60Z", "2026-12-01T10:00:00.Z", "2026-12-01T10:00:00+24:00",
          "2026-12-01T10:00:00+0100", "2026-12-01T10:00:00+01:60", "2026-1-1T10:00Z",
          "2026-12-01T1:00Z", "1796119200x"}) {
        INFO(text);
        CHECK(moment(text) == "none");
    }
}

TEST_CASE("moments that no queue can have")
{
    for (const char *text :
         {"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "6429-10-17T02:45:55.328Z",
          "9999-12-31T00:00:00Z", "0000-01-01T00:00Z", "140737488355.328", "@281474976710",
          "99999999999999999999999"}) {
        INFO(text);
        CHECK(moment(text) == "beyond");
    }
}
