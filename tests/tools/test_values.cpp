// test_values.cpp: numbers, sizes, times, ids and tokens between text and value.
#include "catch.hpp"

#include <string>

extern "C" {
#include "tools/slotq/line/values.h"
#include "tools/slotq/say/texts.h"
}

namespace
{

uint64_t time_of(const char *text)
{
    uint64_t value_ms = 0;
    INFO(text);
    REQUIRE(parse_time(text, &value_ms));
    return value_ms;
}

} // namespace

TEST_CASE("counts are digits alone, below 2^64")
{
    uint64_t value;
    CHECK((parse_count("18446744073709551615", &value) && value == UINT64_MAX));
    for (const char *text : {"", "-1", "+1", " 1", "1 ", "0x10", "18446744073709551616", "1.5"}) {
        INFO(text);
        CHECK_FALSE(parse_count(text, &value));
    }
}

TEST_CASE("short times have three digits")
{
    CHECK(std::string(fine_time_text(0).text) == "0.00 ns");
    CHECK(std::string(fine_time_text(9.994).text) == "9.99 ns");
    CHECK(std::string(fine_time_text(9.996).text) == "10.0 ns");
    CHECK(std::string(fine_time_text(13.5).text) == "13.5 ns");
    CHECK(std::string(fine_time_text(99.96).text) == "100 ns");
    CHECK(std::string(fine_time_text(999.6).text) == "1.00 us");
    CHECK(std::string(fine_time_text(240e3).text) == "240 us");
    CHECK(std::string(fine_time_text(1.2e6).text) == "1.20 ms");
    CHECK(std::string(fine_time_text(2.5e9).text) == "2.50 s");
    CHECK(std::string(fine_time_text(2.5e12).text) == "2500 s");
}

TEST_CASE("bytes take a unit")
{
    uint64_t value;
    CHECK((parse_bytes("4k", &value) && value == 4096));
    CHECK((parse_bytes("1MiB", &value) && value == 1048576));
    CHECK((parse_bytes("12", &value) && value == 12));
    CHECK_FALSE(parse_bytes("4kb", &value));
    CHECK_FALSE(parse_bytes("k", &value));
    CHECK_FALSE(parse_bytes("18446744073709551615k", &value));
}

TEST_CASE("a rate is messages per time, kept as the time between two")
{
    struct {
        const char *text;
        uint64_t interval_us;
        const char *shown;
    } const rates[] = {
        {"100/s", 10000, "100/s"},
        {"1000000/s", 1, "1,000,000/s"},
        {"3/s", 333334, "3/s"},
        {"5/m", 12000000, "5/m"},
        {"7/h", 514285715, "7/h"},
        {"1/d", UINT64_C(86400000000), "1/d"},
        {"1/24d", UINT64_C(2073600000000), "1/2073600s"},
        {"2/90s", 45000000, "80/h"},
        {"1/1500ms", 1500000, "40/m"},
    };
    for (const auto &rate : rates) {
        uint64_t interval_us = 0;
        INFO(rate.text);
        CHECK(parse_rate(rate.text, &interval_us));
        CHECK(interval_us == rate.interval_us);
        CHECK(std::string(rate_text(interval_us).text) == rate.shown);
    }
    CHECK(std::string(rate_text(0).text) == "-");
    CHECK(std::string(rate_text(1234567).text) == "1/1.234567s");
    for (const char *text : {"", "/s", "1", "1/", "0/s", "-1/s", "1/x", "1/0s", "1000001/s",
                             "1/25d", "1 /s", "1/s ", "18446744073709551616/s", "1/99999999d"}) {
        uint64_t interval_us;
        INFO(text);
        CHECK_FALSE(parse_rate(text, &interval_us));
    }
}

TEST_CASE("times have a unit, 0 needs none")
{
    CHECK(time_of("0") == 0);
    CHECK(time_of("500ms") == 500);
    CHECK(time_of("30s") == 30000);
    CHECK(time_of("1.5s") == 1500);
    CHECK(time_of("1.2345s") == 1234);
    CHECK(time_of("5m") == 300000);
    CHECK(time_of("2h") == 7200000);
    CHECK(time_of("1d") == 86400000);
    CHECK(time_of("1m30s") == 90000);
    uint64_t value;
    for (const char *text : {"", "5", "s", "5 s", "-5s", "5x", "1.s", "5s ",
                             "99999999999999999999s", "9999999999999999d", "5s.."}) {
        INFO(text);
        CHECK_FALSE(parse_time(text, &value));
    }
}

TEST_CASE("a range of times, least first")
{
    uint64_t least;
    uint64_t most;
    CHECK((parse_times("50ms..1s", &least, &most) && least == 50 && most == 1000));
    CHECK((parse_times("0..1s", &least, &most) && least == 0 && most == 1000));
    CHECK((parse_times("1.5s..2.5s", &least, &most) && least == 1500 && most == 2500));
    CHECK((parse_times("5s", &least, &most) && least == 5000 && most == 5000));
    CHECK((parse_times("0", &least, &most) && least == 0 && most == 0));
    for (const char *text :
         {"", "..", "1s..", "..1s", "2s..1s", "1s...2s", "1s..2s..3s", "1s.2s"}) {
        INFO(text);
        CHECK_FALSE(parse_times(text, &least, &most));
    }
}

TEST_CASE("ids and tokens keep to their ranges")
{
    uint64_t id;
    slotq_run run;
    CHECK((parse_id("140737488355327", &id) && id == SLOTQ_ID_MAX));
    CHECK_FALSE(parse_id("140737488355328", &id));
    CHECK_FALSE(parse_id("0", &id));
    CHECK((parse_id("3-1042", &id) && std::string(id_text(id).text) == "3-1042"));
    CHECK_FALSE(parse_id("1024-1", &id));
    CHECK((parse_token("0-7:5", &run) && std::string(id_text(run.id).text) == "0-7" &&
           run.token == 5));
    CHECK((parse_token("7:4294967295", &run) && run.id == 7 && run.token == UINT32_MAX &&
           run.count == 1));
    for (const char *text : {"", "7", "7:", ":7", "0:1", "7:4294967296", "7:1:1", "7:x", "7 :1"}) {
        INFO(text);
        CHECK_FALSE(parse_token(text, &run));
    }
}

TEST_CASE("values as people read them")
{
    CHECK(std::string(count_text(0).text) == "0");
    CHECK(std::string(count_text(1234567).text) == "1,234,567");
    CHECK(std::string(count_text(UINT64_MAX).text) == "18,446,744,073,709,551,615");
    CHECK(std::string(time_text(999).text) == "999 ms");
    CHECK(std::string(time_text(1500).text) == "1.5 s");
    CHECK(std::string(time_text(61000).text) == "1 m 1 s");
    CHECK(std::string(time_text(3660000).text) == "1 h 1 m");
    CHECK(std::string(time_text(UINT64_C(3) * 86400000).text) == "3 d 0 h");
    CHECK(std::string(bytes_text(1023).text) == "1023 B");
    CHECK(std::string(bytes_text(1536).text) == "1.5 KiB");
    CHECK(std::string(bytes_text(512 << 20).text) == "512.0 MiB");
    CHECK(std::string(moment_text(0).text) == "-");
    CHECK(std::string(moment_text(1700000000123).text) == "2023-11-14T22:13:20.123Z");
}
