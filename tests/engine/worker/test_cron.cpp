// test_cron.cpp: specs and the times that they have, and every refusal with its text.
#include "catch.hpp"

#include <string>

#include "cron_times.hpp"

using namespace cron_times;

namespace
{

std::string refusal(const char *spec, const char *zone = nullptr)
{
    slotq_error error;
    uint64_t next = 77;
    const slotq_outcome outcome = slotq_cron_next(spec, zone, 0, &next, &error);
    CHECK(outcome == SLOTQ_INVALID);
    CHECK(next == 77);
    return outcome == SLOTQ_INVALID && error.outcome == outcome ? error.text : "(not refused)";
}

} // namespace

TEST_CASE("the fields of a spec")
{
    const struct {
        const char *spec;
        const char *after;
        const char *next;
    } all[] = {
        {"* * * * *", "2026-12-01 10:00", "2026-12-01 10:01"},
        {"  5\t4 * * *  ", "2026-12-01 10:00", "2026-12-02 04:05"},
        {"0 0 * * *", "2026-12-31 23:59", "2027-01-01 00:00"},
        {"*/15 * * * *", "2026-12-01 10:46", "2026-12-01 11:00"},
        {"10-40/10 * * * *", "2026-12-01 10:20", "2026-12-01 10:30"},
        {"59,1,30-31 9 * * *", "2026-12-01 09:30", "2026-12-01 09:31"},
        {"0 0 31 * *", "2027-01-31 00:00", "2027-03-31 00:00"},
        {"0 0 29 2 *", "2026-12-01 00:00", "2028-02-29 00:00"},
        {"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
        {"0 12 * JAN,jul *", "2026-12-01 00:00", "2027-01-01 12:00"},
        {"0 12 1 feb-apr/2 *", "2026-12-01 00:00", "2027-02-01 12:00"},
        {"0 0 * * Sun", "2026-12-01 00:00", "2026-12-06 00:00"},
        {"0 0 * * 7", "2026-12-01 00:00", "2026-12-06 00:00"},
        {"0 0 * * 0", "2026-12-01 00:00", "2026-12-06 00:00"},
        {"0 0 * * mon-fri", "2026-12-04 00:00", "2026-12-07 00:00"},
        {"0 0 * * 5-7", "2026-12-05 00:00", "2026-12-06 00:00"},
        {"0 0 * * sat-sun", "2026-12-01 00:00", "2026-12-05 00:00"},
        {"0 0 * * sun-sun", "2026-12-01 00:00", "2026-12-06 00:00"},
        // Both day fields: either; with one of them *, the other.
        {"0 0 13 * fri", "2026-12-01 00:00", "2026-12-04 00:00"},
        {"0 0 13 * fri", "2026-12-11 00:00", "2026-12-13 00:00"},
        {"0 0 13 * *", "2026-12-01 00:00", "2026-12-13 00:00"},
        {"0 0 */2 * mon", "2026-12-01 00:00", "2026-12-03 00:00"},
        {"0 0 */2 * mon", "2026-12-05 00:00", "2026-12-07 00:00"},
        {"0 0 */2 * tue", "2026-12-07 00:00", "2026-12-08 00:00"},
        {"0 0 13 * */2", "2026-12-01 00:00", "2026-12-03 00:00"},
        {"@hourly", "2026-12-01 10:00", "2026-12-01 11:00"},
        {"@daily", "2026-12-01 10:00", "2026-12-02 00:00"},
        {"@midnight", "2026-12-01 10:00", "2026-12-02 00:00"},
        {"@weekly", "2026-12-01 10:00", "2026-12-06 00:00"},
        {"@monthly", "2026-12-01 10:00", "2027-01-01 00:00"},
        {"@yearly", "2026-12-01 10:00", "2027-01-01 00:00"},
        {"@annually", "2026-12-01 10:00", "2027-01-01 00:00"},
    };
    for (const auto &one : all) {
        uint64_t next = 0;
        slotq_error error;
        INFO(one.spec);
        REQUIRE(slotq_cron_next(one.spec, nullptr, at(one.after), &next, &error) == SLOTQ_OK);
        CHECK(text_of(next) == one.next);
        // An occurrence is behind the time that is asked for, by a millisecond or more.
        CHECK(slotq_cron_next(one.spec, "UTC", next - 1, &next, nullptr) == SLOTQ_OK);
        CHECK(text_of(next) == one.next);
    }
}

TEST_CASE("@every counts from 1970")
{
    const struct {
        const char *spec;
        uint64_t period_ms;
    } all[] = {{"@every 1s", 1000},
               {"@every 90s", 90000},
               {"@every 5m", 5 * MINUTE_MS},
               {"@every 1h30m", 90 * MINUTE_MS},
               {"@every 2d", 2 * DAY_MS},
               {"@every 1d1h1m1s", DAY_MS + HOUR_MS + MINUTE_MS + 1000},
               {"@every 2922d", 2922 * DAY_MS}};
    const uint64_t now = at("2026-12-01 10:00:07");
    for (const auto &one : all) {
        uint64_t next = 0;
        INFO(one.spec);
        for (const uint64_t after : {now - 1, now, now + 999, uint64_t(0)}) {
            REQUIRE(slotq_cron_next(one.spec, "UTC", after, &next, nullptr) == SLOTQ_OK);
            CHECK(next == (after / one.period_ms + 1) * one.period_ms);
        }
    }
}

namespace
{

const struct {
    const char *spec;
    const char *text;
} refusals[] = {
    {"60 * * * *", "cron: minute 60 is out of range: 0 to 59"},
    {"* 24 * * *", "cron: hour 24 is out of range: 0 to 23"},
    {"* * 0 * *", "cron: day of month 0 is out of range: 1 to 31"},
    {"* * 32 * *", "cron: day of month 32 is out of range: 1 to 31"},
    {"* * * 0 *", "cron: month 0 is out of range: 1 to 12"},
    {"* * * 13 *", "cron: month 13 is out of range: 1 to 12"},
    {"* * * * 8", "cron: day of week 8 is out of range: 0 to 7"},
    {"0-60 * * * *", "cron: minute 60 is out of range: 0 to 59"},
    {"99999999999999999999 * * * *", "cron: minute 99999999999999999999 is out of range: 0 to 59"},
    {"*/0 * * * *", "cron: minute: step \"0\" is out of range: 1 to 59"},
    {"* */24 * * *", "cron: hour: step \"24\" is out of range: 1 to 23"},
    {"*/ * * * *", "cron: minute: step \"\" is out of range: 1 to 59"},
    {"1-5/x * * * *", "cron: minute: step \"x\" is out of range: 1 to 59"},
    {"1-5/2/2 * * * *", "cron: minute: step \"2/2\" is out of range: 1 to 59"},
    {"5/10 * * * *", "cron: minute \"5/10\": a step needs * or a range; write 5-59/10"},
    {"* * * * fri-mon", "cron: day of week \"fri-mon\": the range 5 to 1 runs backwards; write "
                        "two ranges with a comma, within 0 to 7"},
    {"* 22-2 * * *", "cron: hour \"22-2\": the range 22 to 2 runs backwards; write two ranges "
                     "with a comma, within 0 to 23"},
    {"* * ? * *", "cron: day of month \"?\": ? is not supported; write *"},
    {"* * L * *", "cron: day of month \"L\": L, W and # are not supported; write values from 1 "
                  "to 31, and let the task look at the date"},
    {"* * 15W * *", "cron: day of month \"15W\": L, W and # are not supported; write values "
                    "from 1 to 31, and let the task look at the date"},
    {"* * * * 5#3", "cron: day of week \"5#3\": L, W and # are not supported; write values from "
                    "0 to 7, and let the task look at the date"},
    {"* * * * friL", "cron: day of week \"friL\": L, W and # are not supported; write values "
                     "from 0 to 7, and let the task look at the date"},
    {"mon * * * *", "cron: minute \"mon\" is not a value: it must be 0 to 59"},
    {"* * * mon *", "cron: month \"mon\" is not a value: it must be 1 to 12, or jan to dec"},
    {"* * * * jan", "cron: day of week \"jan\" is not a value: it must be 0 to 7, or sun to sat"},
    {"* * * * monday",
     "cron: day of week \"monday\" is not a value: it must be 0 to 7, or sun to sat"},
    {"+5 * * * *", "cron: minute \"+5\" is not a value: it must be 0 to 59"},
    {"*-5 * * * *", "cron: minute \"*\" is not a value: it must be 0 to 59"},
    {"1,,2 * * * *", "cron: minute: a value is missing; it must be 0 to 59"},
    {"1, * * * *", "cron: minute: a value is missing; it must be 0 to 59"},
    {"* -5 * * *", "cron: hour: a value is missing; it must be 0 to 23"},
    {"* 5- * * *", "cron: hour: a value is missing; it must be 0 to 23"},
    {"", "cron: the spec has 0 fields; it must have 5: minute, hour, day of month, month, day "
         "of week"},
    {"* * * *", "cron: the spec has 4 fields; it must have 5: minute, hour, day of month, "
                "month, day of week"},
    {"0 * * * * *", "cron: the spec has 6 fields; it must have 5: minute, hour, day of month, "
                    "month, day of week (there are no seconds and no years)"},
    {"TZ=Asia/Tokyo 0 * * * *", "cron: \"TZ=Asia/Tokyo\": a zone is not part of the spec; it is "
                                "given beside it"},
    {"CRON_TZ=UTC 0 * * * *",
     "cron: \"CRON_TZ=UTC\": a zone is not part of the spec; it is given beside it"},
    {"@reboot", "cron: @reboot is not a time; push the task when the program starts"},
    {"@noon", "cron: \"@noon\" is not known: it must be @hourly, @daily, @midnight, @weekly, "
              "@monthly, @yearly or @annually alone, or @every and a period"},
    {"@daily 5", "cron: \"@daily\" with more behind it is not known: it must be @hourly, "
                 "@daily, @midnight, @weekly, @monthly, @yearly or @annually alone, or @every "
                 "and a period"},
    {"@every", "cron: @every needs one period behind it: 90s, 5m, 1h30m, 2d"},
    {"@every 1h 30m", "cron: @every needs one period behind it: 90s, 5m, 1h30m, 2d"},
    {"@every 0s", "cron: @every 0s is out of range: 1s to 2922d"},
    {"@every 2923d", "cron: @every 2923d is out of range: 1s to 2922d"},
    {"@every 500ms",
     "cron: @every \"500ms\" is not a period: 90s, 5m, 1h30m, 2d; from 1s to 2922d"},
    {"@every 30m1h",
     "cron: @every \"30m1h\" is not a period: 90s, 5m, 1h30m, 2d; from 1s to 2922d"},
    {"@every 90", "cron: @every \"90\" is not a period: 90s, 5m, 1h30m, 2d; from 1s to 2922d"},
    {"@every s", "cron: @every \"s\" is not a period: 90s, 5m, 1h30m, 2d; from 1s to 2922d"},
    {"\x1b[31m * * * *", "cron: minute \"?[31m\" is not a value: it must be 0 to 59"},
};

} // namespace

TEST_CASE("every refusal names the field, the value and the range")
{
    for (const auto &one : refusals) {
        INFO(one.spec);
        CHECK(refusal(one.spec) == one.text);
    }
    const std::string is_long(257, '*');
    CHECK(refusal(is_long.c_str()) == "cron: the spec is longer than 256 bytes");
    const std::string word(100, 'x');
    CHECK(refusal((word + " * * * *").c_str()) ==
          "cron: minute \"" + std::string(40, 'x') + "...\" is not a value: it must be 0 to 59");
    CHECK(refusal(nullptr) == "cron: spec or next_ms is NULL");
    CHECK(slotq_cron_next("@daily", nullptr, 0, nullptr, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("a spec without a time in the next 8 years is empty")
{
    for (const char *spec : {"0 0 31 2 *", "0 0 30 2 *", "0 0 31 2,4,6,9,11 *"}) {
        slotq_error error;
        uint64_t next = 77;
        CHECK(slotq_cron_next(spec, nullptr, at("2026-12-01 00:00"), &next, &error) == SLOTQ_EMPTY);
        CHECK(std::string(error.text) == "cron: the spec has no time in the next 8 years");
        CHECK(next == 77);
    }
}

TEST_CASE("the first and the last moment of a queue")
{
    uint64_t next = 0;
    slotq_error error;
    REQUIRE(slotq_cron_next("* * * * *", nullptr, 0, &next, &error) == SLOTQ_OK);
    CHECK(next == MINUTE_MS);
    next = 77;
    CHECK(slotq_cron_next("* * * * *", nullptr, SLOTQ_NOW_MS_MAX, &next, &error) == SLOTQ_EMPTY);
    CHECK(slotq_cron_next("@every 1s", nullptr, SLOTQ_NOW_MS_MAX, &next, &error) == SLOTQ_EMPTY);
    CHECK(next == 77);
    CHECK(slotq_cron_next("* * * * *", nullptr, SLOTQ_NOW_MS_MAX + 1, &next, &error) ==
          SLOTQ_INVALID);
    CHECK(slotq_cron_next("* * * * *", nullptr, UINT64_MAX, &next, &error) == SLOTQ_INVALID);
}

TEST_CASE("zones that cannot be read are refused with their path")
{
    CHECK(refusal("@daily", "Mars/Olympus").rfind("zone Mars/Olympus: ", 0) == 0);
    CHECK(refusal("@daily", "Mars/Olympus").find("/Mars/Olympus: No such file or directory") !=
          std::string::npos);
    for (const char *name : {"../../etc/passwd", "/etc/passwd", "", "a//b", "a/", "a b", "a\nb",
                             ":Europe/Berlin", "Europe/Berlin.", "caf\xc3\xa9"}) {
        CHECK(refusal("@daily", name) ==
              "a zone must be a name such as Europe/Berlin: 1 to 64 letters, digits, _, +, - and / "
              "in between");
    }
    CHECK(refusal("@daily", std::string(65, 'a').c_str()).rfind("a zone must", 0) == 0);
    CHECK(refusal("60 * * * *", "Mars/Olympus") == "cron: minute 60 is out of range: 0 to 59");
}
