/* test_fields.cpp: offsets of every field against the numbers of the format, written here a second
 * time on purpose: a field that moves is another version.
 */
#include "sample.hpp"

namespace
{

struct Known {
    const char *part;
    const char *name;
    uint32_t offset;
    uint32_t bytes;
};

const Known version_1[] = {
    {"header", "last_id", 0, 4},
    {"header", "head", 4, 2},
    {"header", "tail", 6, 2},
    {"geometry", "magic", 8, 4},
    {"geometry", "ring_slots", 12, 2},
    {"geometry", "payload_bytes", 14, 2},
    {"geometry", "later_slots", 16, 2},
    {"geometry", "dead_slots", 18, 2},
    {"geometry", "groups", 20, 1},
    {"geometry", "flags", 21, 1},
    {"geometry", "max_attempts", 22, 1},
    {"geometry", "aside_slots", 23, 1},
    {"geometry", "tick_ms", 24, 2},
    {"geometry", "places", 26, 1},
    {"geometry", "note_bytes", 27, 1},
    {"geometry", "generation", 28, 4},
    {"geometry", "set", 32, 4},
    {"geometry", "shard", 36, 2},
    {"geometry", "reserved_38", 38, 2},
    {"geometry", "geometry_check", 40, 4},
    {"shared", "paused", 44, 1},
    {"shared", "aside_count", 45, 1},
    {"shared", "era", 46, 2},
    {"shared", "later_due_ms", 48, 6},
    {"shared", "later_count", 54, 2},
    {"shared", "later_last_id", 56, 4},
    {"shared", "dead_head", 60, 2},
    {"shared", "dead_count", 62, 2},
    {"shared", "dropped", 64, 4},
    {"shared", "dead_dropped", 68, 4},
    {"shared", "wake", 72, 4},
    {"shared", "dead_holes", 76, 2},
    {"shared", "reserved_78", 78, 2},
    {"group", "head", 0, 2},
    {"group", "cursor", 2, 2},
    {"group", "ready_behind", 4, 2},
    {"group", "leased", 6, 2},
    {"group", "waiting", 8, 2},
    {"group", "retry_from", 10, 2},
    {"group", "sweep", 12, 2},
    {"group", "written", 14, 2},
    {"group", "due", 16, 6},
    {"group", "due_next", 22, 6},
    {"group", "acked", 28, 4},
    {"group", "redelivered", 32, 4},
    {"group", "died", 36, 4},
    {"limit", "max_leased", 40, 2},
    {"limit", "rate_burst", 42, 2},
    {"limit", "rate_interval", 44, 4},
    {"limit", "rate_tat_ms", 48, 6},
    {"limit", "rate_tat_us", 54, 2},
    {"aside", "id", 0, 6},
    {"aside", "slot", 6, 1},
    {"dead", "id", 0, 6},
    {"dead", "died_at_ms", 6, 6},
    {"dead", "attempts", 12, 1},
    {"dead", "group", 13, 1},
    {"dead", "reason", 14, 1},
    {"dead", "note_length", 15, 1},
    {"later", "due_ms", 0, 6},
    {"later", "later_id", 6, 4},
    {"later", "slot", 10, 2},
    {"key", "key", 0, 8},
    {"key", "next", 8, 2},
    {"aside_key", "id", 10, 6},
    {"later_key", "later_id", 10, 4},
};

const Known defined[] = {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) {#part, #name, (offset), (bytes)},
#include "../../../engine/layout/fields.def"
#undef SLOTQ_FIELD
};

} // namespace

TEST_CASE("fields.def says where version 1 has its fields", "[layout]")
{
    REQUIRE(std::size(defined) == std::size(version_1));
    for (size_t i = 0; i < std::size(version_1); i++) {
        INFO(version_1[i].part << "." << version_1[i].name);
        CHECK(std::string(defined[i].part) == version_1[i].part);
        CHECK(std::string(defined[i].name) == version_1[i].name);
        CHECK(defined[i].offset == version_1[i].offset);
        CHECK(defined[i].bytes == version_1[i].bytes);
    }
}

TEST_CASE("fields of a part leave no gap", "[layout]")
{
    for (size_t i = 1; i < std::size(defined); i++) {
        INFO(defined[i].part << "." << defined[i].name);
        const std::string part = defined[i].part;
        /* header, geometry and shared are one stretch, and so are group and limit; the keys aside
         * and the later keys go on where key ends */
        const bool goes_on = part == "geometry" || part == "shared" || part == "limit";
        if (goes_on || part == defined[i - 1].part) {
            CHECK(defined[i].offset == defined[i - 1].offset + defined[i - 1].bytes);
        } else {
            const bool goes_on_key = part == "aside_key" || part == "later_key";
            CHECK(defined[i].offset == (goes_on_key ? 10 : 0));
        }
    }
}

TEST_CASE("a field lies where a verb writes it", "[layout]")
{
    /* each value another, so that two fields that were swapped would show */
    sample::Image image = sample::states();
    CHECK(image.get(support::field::header_last_id) == 6);
    CHECK(image.get(support::field::header_tail) == 6);
    CHECK(image.get(support::field::group_head, 0) == 0);
    CHECK(image.get(support::field::group_cursor, 0) == 4);
    CHECK(image.get(support::field::group_ready_behind, 0) == 1);
    CHECK(image.get(support::field::group_retry_from, 0) == 1);
    CHECK(image.get(support::field::group_written, 0) == 6);
    CHECK(image.get(support::field::group_sweep, 0) == 65535);
    CHECK(image.get(support::field::group_due, 0) == 10050);
    CHECK(image.get(support::field::group_due_next, 0) == support::u48_none);
    CHECK(image.get(support::field::group_acked, 0) == 1);
    CHECK(image.get_word(0, 5) == 0x203);
}
