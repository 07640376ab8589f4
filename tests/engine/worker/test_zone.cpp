// test_zone.cpp: zones from bytes that the test writes: versions, tails, and every refusal.
// test_zoneinfo.sh holds the zones of this machine against Python's.
#include "catch.hpp"

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "engine/worker/zone.h"
}

namespace
{

std::string big(int64_t value, int bytes)
{
    std::string text;
    for (int i = bytes - 1; i >= 0; i--) {
        text += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xFF);
    }
    return text;
}

struct change {
    int64_t at_s;
    int type;
};

// A block with its header: changes, and the offsets of its types.
std::string block(char version, int time_bytes, const std::vector<change> &changes,
                  const std::vector<int32_t> &offsets, uint32_t leaps = 0)
{
    std::string text = std::string("TZif") + version + std::string(15, '\0') + big(0, 4) +
                       big(0, 4) + big(leaps, 4) + big(static_cast<int64_t>(changes.size()), 4) +
                       big(static_cast<int64_t>(offsets.size()), 4) + big(4, 4);
    for (const change &one : changes) {
        text += big(one.at_s, time_bytes);
    }
    for (const change &one : changes) {
        text += static_cast<char>(one.type);
    }
    for (const int32_t offset : offsets) {
        text += big(offset, 4) + std::string(2, '\0');
    }
    return text + std::string("ABC\0", 4) + std::string(leaps * (time_bytes + 4u), '\0');
}

std::string file(const std::vector<change> &changes, const std::vector<int32_t> &offsets,
                 const std::string &tail, char version = '2')
{
    return block(version, 4, {}, {0}) + block(version, 8, changes, offsets) + "\n" + tail + "\n";
}

// The bytes in a block of just their size, so that a sanitizer sees a read behind them.
struct reader {
    std::vector<uint8_t> bytes;
    time_zone zone{};
    const char *why = nullptr;
    bool good;

    explicit reader(const std::string &text) : bytes(text.begin(), text.end())
    {
        bytes.shrink_to_fit();
        good = zone_read(&zone, bytes.data(), bytes.size(), &why);
    }
    int32_t offset(int64_t utc_s) const
    {
        REQUIRE(good);
        return zone_offset_s(&zone, utc_s);
    }
};

std::string refusal(const std::string &text)
{
    const reader read(text);
    CHECK(!read.good);
    return read.good ? "(read)" : read.why;
}

int64_t at(int year, int month, int day, int hour = 0)
{
    return zone_days_of(year, month, day) * 86400 + hour * 3600;
}

} // namespace

TEST_CASE("the calendar there and back")
{
    CHECK(zone_days_of(1970, 1, 1) == 0);
    CHECK(zone_days_of(2000, 2, 29) == 11016);
    CHECK(zone_weekday_of(0) == 4);
    CHECK(zone_weekday_of(-1) == 3);
    CHECK(zone_days_of_s(-1) == -1);
    CHECK(zone_days_of_s(-86400) == -1);
    CHECK(zone_days_of_s(-86401) == -2);
    CHECK(zone_days_of_s(86399) == 0);
    int64_t days = zone_days_of(1600, 1, 1);
    for (int64_t year = 1600; year < 2500; year++) {
        for (int32_t month = 1; month <= 12; month++) {
            for (int32_t day = 1; day <= zone_month_days(year, month); day++, days++) {
                const zone_day date = zone_day_of(days);
                if (date.year != year || date.month != month || date.day != day ||
                    zone_days_of(year, month, day) != days) {
                    FAIL(year << "-" << month << "-" << day << " is day " << days);
                }
            }
        }
    }
    CHECK(days == zone_days_of(2500, 1, 1));
}

TEST_CASE("UTC needs no file")
{
    time_zone zone;
    zone_utc(&zone);
    for (const int64_t utc_s : {INT64_MIN, INT64_C(-1), INT64_C(0), INT64_MAX}) {
        CHECK(zone_offset_s(&zone, utc_s) == 0);
        CHECK(zone_next_change_s(&zone, utc_s) == INT64_MAX);
    }
}

TEST_CASE("changes of the file, then its tail")
{
    const reader read(file({{1000, 1}, {2000, 0}}, {3600, 7200}, "AAA-1"));
    CHECK(read.offset(999) == 3600);
    CHECK(read.offset(1000) == 7200);
    CHECK(read.offset(1999) == 7200);
    CHECK(read.offset(2000) == 3600);
    CHECK(read.offset(INT64_MAX) == 3600);
    CHECK(read.offset(INT64_MIN) == 3600);
    CHECK(zone_next_change_s(&read.zone, INT64_MIN) == 1000);
    CHECK(zone_next_change_s(&read.zone, 1000) == 2000);
    CHECK(zone_next_change_s(&read.zone, 2000) == INT64_MAX);
}

TEST_CASE("version 1 has short times and no tail; without a tail the last offset stays")
{
    const reader old(block('\0', 4, {{-5, 1}, {5, 0}}, {0, -3600}));
    CHECK(old.offset(-6) == 0);
    CHECK(old.offset(-5) == -3600);
    CHECK(old.offset(5) == 0);
    const reader open(file({{5, 1}}, {0, -3600}, ""));
    CHECK(open.offset(at(2100, 1, 1)) == -3600);
    CHECK(zone_next_change_s(&open.zone, 5) == INT64_MAX);
    for (const char version : {'2', '3', '4'}) {
        CHECK(reader(file({}, {0}, "<+01>-1", version)).offset(0) == 3600);
    }
}

TEST_CASE("tails: weeks, days of the year, and times beyond a day")
{
    // Berlin, from its tail alone.
    const reader berlin(file({}, {3600}, "CET-1CEST,M3.5.0,M10.5.0/3"));
    CHECK(berlin.offset(at(2027, 3, 28, 1) - 1) == 3600);
    CHECK(berlin.offset(at(2027, 3, 28, 1)) == 7200);
    CHECK(berlin.offset(at(2027, 10, 31, 1) - 1) == 7200);
    CHECK(berlin.offset(at(2027, 10, 31, 1)) == 3600);
    CHECK(zone_next_change_s(&berlin.zone, at(2027, 3, 28, 1) - 1) == at(2027, 3, 28, 1));
    CHECK(zone_next_change_s(&berlin.zone, at(2027, 3, 28, 1)) == at(2027, 10, 31, 1));
    CHECK(zone_next_change_s(&berlin.zone, at(2027, 10, 31, 1)) == at(2028, 3, 26, 1));
    // South: the summer goes over the new year.
    const reader south(file({}, {0}, "AAA-10BBB,M10.1.0,M4.1.0/3"));
    CHECK(south.offset(at(2027, 1, 1)) == 39600);
    CHECK(south.offset(at(2027, 7, 1)) == 36000);
    // A negative summer (Dublin), a negative time (Nuuk), one of another day (Gaza).
    const reader dublin(file({}, {0}, "IST-1GMT0,M10.5.0,M3.5.0/1"));
    CHECK(dublin.offset(at(2027, 1, 1)) == 0);
    CHECK(dublin.offset(at(2027, 7, 1)) == 3600);
    const reader nuuk(file({}, {0}, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"));
    CHECK(nuuk.offset(at(2027, 3, 28, 1) - 1) == -7200);
    CHECK(nuuk.offset(at(2027, 3, 28, 1)) == -3600);
    const reader gaza(file({}, {0}, "EET-2EEST,M3.4.4/50,M10.4.4/50"));
    CHECK(gaza.offset(at(2027, 3, 27, 0) - 1) == 7200);
    CHECK(gaza.offset(at(2027, 3, 27, 0)) == 10800);
    // J60 is March 1 in each year, 59 is February 29 where there is one.
    const reader days(file({}, {0}, "AAA0BBB,J60/0,59/0"));
    CHECK(days.offset(at(2028, 2, 28, 23) - 1) == 3600);
    CHECK(days.offset(at(2028, 2, 28, 23)) == 0);
    CHECK(days.offset(at(2028, 3, 1) - 1) == 0);
    CHECK(days.offset(at(2028, 3, 1)) == 3600);
    CHECK(days.offset(at(2027, 3, 1)) == 3600);
    // Summer all the year.
    const reader always(file({}, {0}, "XXX3EDT4,0/0,J365/23"));
    for (int year = 1971; year < 2100; year++) {
        for (const int64_t near : {-7200, -1, 0, 1, 7200, 86400 * 180}) {
            CHECK(always.offset(at(year, 1, 1, 3) + near) == -4 * 3600);
        }
    }
}

TEST_CASE("moments that are far off end the search")
{
    const reader berlin(file({}, {3600}, "CET-1CEST,M3.5.0,M10.5.0/3"));
    for (const int64_t utc_s :
         {INT64_MIN, INT64_MIN + 1, INT64_C(-60000000001), INT64_C(-60000000000), INT64_C(1) << 50,
          INT64_MAX - 1, INT64_MAX}) {
        const int32_t offset_s = berlin.offset(utc_s);
        CHECK((offset_s == 3600 || offset_s == 7200));
        CHECK((zone_next_change_s(&berlin.zone, utc_s) > utc_s || utc_s == INT64_MAX));
    }
}

TEST_CASE("every fault of a file has its text")
{
    const std::string good = file({{1000, 1}, {2000, 0}}, {0, 3600}, "CET-1CEST,M3.5.0,M10.5.0/3");
    REQUIRE(reader(good).good);
    const std::string header = "does not have the header of a zone (TZif, version 1 to 4)";
    CHECK(refusal("") == header);
    CHECK(refusal("TZif2") == header);
    CHECK(refusal("X" + good.substr(1)) == header);
    CHECK(refusal(file({}, {0}, "A0", '5')) == header);
    CHECK(refusal(file({}, {0}, "A0", '1')) == header);
    CHECK(refusal(std::string(65537, 'x')) == "is larger than 65,536 bytes");
    CHECK(refusal(block('2', 4, {}, {0}) + "TZzz" + std::string(60, '\0')) ==
          "does not have the second header of a zone");
    CHECK(refusal(file({{1000, 2}}, {0, 3600}, "AAA0")) ==
          "has a change to an offset that it does not list");
    CHECK(refusal(file({{2000, 0}, {1000, 0}}, {0}, "AAA0")) ==
          "has changes that are not in order");
    CHECK(refusal(file({{2000, 0}, {2000, 0}}, {0}, "AAA0")) ==
          "has changes that are not in order");
    CHECK(refusal(file({}, {}, "AAA0")) == "does not have 1 to 256 offsets");
    CHECK(refusal(file({}, {93601}, "AAA0")) == "has an offset of more than 26 hours");
    CHECK(refusal(file({}, {INT32_MIN}, "AAA0")) == "has an offset of more than 26 hours");
    CHECK(refusal(block('\0', 4, {}, {0}, 2)) == "counts leap seconds");
    // Cut anywhere, it is refused; nothing behind it is read.
    for (size_t size = 0; size < good.size(); size++) {
        CHECK(!reader(good.substr(0, size)).good);
    }
    // Counts that are larger than the file.
    for (const size_t field : {20u, 24u, 28u, 32u, 36u, 40u}) {
        std::string bad = good;
        bad.replace(field, 4, "\xFF\xFF\xFF\xFF");
        CHECK(refusal(bad) == "is cut");
    }
}

TEST_CASE("tails that are not POSIX are refused")
{
    for (const char *tail : {"AA0",
                             "AAA",
                             "AAA25",
                             "AAA0:60",
                             "AAA-",
                             "<+1",
                             "<1>0",
                             "AAA0BBB",
                             "AAA0BBB,M3.5.0",
                             "AAA0BBB,M13.5.0,M10.5.0",
                             "AAA0BBB,M0.5.0,M10.5.0",
                             "AAA0BBB,M3.6.0,M10.5.0",
                             "AAA0BBB,M3.0.0,M10.5.0",
                             "AAA0BBB,M3.5.7,M10.5.0",
                             "AAA0BBB,J0,J5",
                             "AAA0BBB,J366,J5",
                             "AAA0BBB,366,5",
                             "AAA0BBB,M3.5.0/168,M10.5.0",
                             "AAA0BBB,M3.5.0,M10.5.0x",
                             "AAA0x",
                             "AAA0BBB,M3.5.0,M10.5.0,",
                             "AAA 0",
                             "AAA0BB,J1,J2",
                             "AAA0BBB,,J2",
                             "0"}) {
        INFO(tail);
        CHECK(refusal(file({}, {0}, tail)) == "has a rule for later years that is not POSIX");
    }
}

TEST_CASE("names of zones")
{
    for (const char *name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5",
                             "Etc/GMT-14", "EST5EDT", "a"}) {
        CHECK(zone_name_is_good(name));
    }
    CHECK(zone_name_is_good(std::string(64, 'a').c_str()));
    for (const char *name : {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a.b", "a b", "a\\b",
                             "a:b", "~a", "a\n"}) {
        INFO(name);
        CHECK(!zone_name_is_good(name));
    }
    CHECK(!zone_name_is_good(std::string(65, 'a').c_str()));
}
