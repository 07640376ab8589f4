/* test_open.cpp: what opening an image refuses: sizes, magic, version, geometry, and ranges of
 * the front; each with the offset and the rule, and nothing written.
 */
#include <cstring>

#include "sample.hpp"

using namespace support;

namespace
{

struct Refusal {
    slotq_outcome outcome;
    uint64_t offset;
    std::string what;
};

Refusal open_bytes(const uint8_t *bytes, uint64_t size)
{
    const Bytes before(bytes, size);
    const Bytes exact(bytes, size); /* of just this size, so that a sanitizer sees more */
    slotq_view view;
    slotq_damage damage = {77, "before"};
    const slotq_outcome outcome = slotq_core_open(&view, exact.data(), size, &damage);
    CHECK(exact == before);
    CHECK((outcome == SLOTQ_OK) == (damage.what == nullptr));
    return {outcome, damage.offset, damage.what != nullptr ? damage.what : ""};
}

void expect_refusal(const Refusal &found, uint64_t offset, const std::string &what,
                    slotq_outcome outcome = SLOTQ_CORRUPT)
{
    INFO("expected: " << what);
    CHECK(found.outcome == outcome);
    CHECK(found.what == what);
    CHECK(found.offset == offset);
}

void refused(const Image &image, uint64_t offset, const std::string &what,
             slotq_outcome outcome = SLOTQ_CORRUPT)
{
    expect_refusal(open_bytes(image.data(), image.bytes().size()), offset, what, outcome);
}

/* A geometry byte changed, with its check made right. */
void set_geometry(Image &image, Field part, uint64_t value)
{
    image.set(part, value);
    image.set(field::geometry_geometry_check, xxh32(image.data() + 8, 32));
}

} // namespace

TEST_CASE("sizes other than the formula's", "[open]")
{
    const Image image(geometry(4, 8));
    const uint64_t size = image.bytes().size();
    const std::string shortest = "shorter than the smallest queue";
    CHECK(open_bytes(image.data(), size).outcome == SLOTQ_OK);
    for (uint64_t cut = 0; cut < size; cut++) {
        expect_refusal(open_bytes(image.data(), cut), cut,
                       cut < 136 ? shortest : "the bytes end before the geometry's size");
    }
    std::vector<uint8_t> longer(image.data(), image.data() + size);
    longer.resize(size + 9);
    for (uint64_t more = 1; more < 9; more++) {
        expect_refusal(open_bytes(longer.data(), size + more), size,
                       "bytes follow after the geometry's size");
    }
}

TEST_CASE("magic and version", "[open]")
{
    Image image(geometry(4, 8));
    for (uint32_t byte = 0; byte < 3; byte++) {
        Image broken = image;
        broken.data()[8 + byte] ^= 0x20;
        refused(broken, 8, "not a slotq: the magic is not SLQ1");
    }
    image.data()[11] = '2';
    refused(image, 11, "another format version: this build reads version 1", SLOTQ_VERSION);
}

TEST_CASE("the descriptor of a sharded queue, however short, is told from a queue", "[open]")
{
    Image image(geometry(4, 8));
    const std::string what = "a sharded queue's descriptor";
    image.data()[11] = 'S';
    refused(image, 8, what, SLOTQ_SHARDED);
    for (const uint64_t size : {12u, 104u, 135u}) {
        expect_refusal(open_bytes(image.data(), size), 8, what, SLOTQ_SHARDED);
    }
    expect_refusal(open_bytes(image.data(), 11), 11, "shorter than the smallest queue");
    for (uint32_t byte = 0; byte < 8; byte++) { /* only with 8 zero bytes before it */
        Image other(geometry(4, 8));
        other.data()[byte] = 1;
        other.data()[11] = 'S';
        refused(other, 11, "another format version: this build reads version 1", SLOTQ_VERSION);
    }
}

TEST_CASE("geometry_check, and every bit that it covers", "[open]")
{
    Image image(geometry(4, 8));
    const std::string what = "geometry_check is not that of bytes 8 to 39";
    for (uint32_t bit = 12 * 8; bit < 44 * 8; bit++) {
        Image broken = image;
        broken.data()[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
        refused(broken, 40, what);
    }
}

TEST_CASE("a geometry out of range names the field", "[open]")
{
    const auto broken = [](Field part, uint64_t value, const std::string &what) {
        Image image(geometry(4, 8));
        set_geometry(image, part, value);
        refused(image, part.offset, what);
    };
    broken(field::geometry_ring_slots, 1, "ring_slots is below 2");
    broken(field::geometry_payload_bytes, 0, "payload_bytes is not 1 to 65535");
    broken(field::geometry_groups, 17, "groups is not 1 to 16");
    broken(field::geometry_flags, 32, "flags has bits above 16 (stamps)");
    broken(field::geometry_max_attempts, 63, "max_attempts is above 62");
    broken(field::geometry_tick_ms, 0, "tick_ms is not 1 to 60000");
    broken(field::geometry_generation, 0, "generation is 0: it must be a random number");
    broken(field::geometry_shard, 1, "shard is not 0, but set is 0");
    broken(field::geometry_reserved_38, 1, "a reserved byte of the geometry is not 0");
}

TEST_CASE("header and shared ranges", "[open]")
{
    const auto broken = [](Field part, uint64_t value, const std::string &what) {
        Image image = sample::dead(); /* 8 slots, 3 dead slots, 3 messages */
        image.set(part, value);
        refused(image, part.offset, what);
    };
    broken(field::header_head, 8, "header.head is not below ring_slots");
    broken(field::header_tail, 65535, "header.tail is not below ring_slots");
    broken(field::header_last_id, 0, "header.last_id is below the messages in the ring");
    broken(field::shared_dead_count, 4, "dead_count is above dead_slots");
    broken(field::shared_dead_head, 3, "dead_head is not below dead_slots");
    Image none(geometry(4, 8));
    none.set(field::shared_dead_head, 1);
    refused(none, field::shared_dead_head.offset, "dead_head is not below dead_slots");
}

TEST_CASE("group ranges", "[open]")
{
    const auto broken = [](Field part, uint64_t value, const std::string &what,
                           Field named = {0, 0}) {
        Image image = sample::states(); /* group 0: head 0, cursor 4, written 6, tail 6 */
        image.set(part, 0, value);
        refused(image, sample::at(named.bytes != 0 ? named : part, 0), what);
    };
    for (const uint64_t index : {7u, 8u, 65535u}) {
        broken(field::group_head, index, "group.head is outside the ring's [head, tail]");
        broken(field::group_written, index, "group.written is outside [head, tail]");
        broken(field::group_cursor, index, "group.cursor is outside [head, written]");
        broken(field::group_retry_from, index, "group.retry_from is outside [head, cursor]");
    }
    broken(field::group_written, 3, "group.cursor is outside [head, written]", field::group_cursor);
    broken(field::group_cursor, 0, "group.retry_from is outside [head, cursor]",
           field::group_retry_from);
    broken(field::group_sweep, 8, "group.sweep is outside [head, cursor]");
    broken(field::group_sweep, 5, "group.sweep is outside [head, cursor]");
    broken(field::group_ready_behind, 3, "group counts are above the messages before cursor");
    broken(field::group_ready_behind, 0, "group.retry_from is not cursor though ready_behind is 0",
           field::group_retry_from);
    Image sound = sample::states();
    sound.set(field::group_sweep, 0, 4);
    CHECK(open_bytes(sound.data(), sound.bytes().size()).outcome == SLOTQ_OK);
}

TEST_CASE("a view that was used before has the geometry of the image alone", "[open]")
{
    const Image image = sample::states();
    slotq_view view;
    slotq_damage damage;
    std::memset(&view, 0xFF, sizeof view);
    REQUIRE(slotq_core_open(&view, image.data(), image.bytes().size(), &damage) == SLOTQ_OK);
    for (const uint16_t reserved : view.geometry.reserved) {
        CHECK(reserved == 0);
    }
}

TEST_CASE("a sweep at ring_slots is outside, also where the window passes the ring's end", "[open]")
{
    Image image(geometry(8, 8));
    REQUIRE(sample::push(image, {"a", "b", "c", "d", "e"}, sample::now_ms) == SLOTQ_OK);
    const std::vector<slotq_run> runs = sample::reserve(image, 0, 5, 1000, sample::now_ms);
    REQUIRE(sample::settle(image, SLOTQ_ACK, 0, runs.at(0), sample::now_ms) == SLOTQ_OK);
    REQUIRE(sample::push(image, {"f", "g", "h", "i", "j", "k"}, sample::now_ms) == SLOTQ_OK);
    REQUIRE(sample::reserve(image, 0, 6, 1000, sample::now_ms).size() == 1);
    image.set(field::group_sweep, 0, 8);
    refused(image, sample::at(field::group_sweep, 0), "group.sweep is outside [head, cursor]");
}

TEST_CASE("the second group is looked at too", "[open]")
{
    Image image = sample::states();
    image.set(field::group_written, 1, 7);
    refused(image, sample::at(field::group_written, 1), "group.written is outside [head, tail]");
}

TEST_CASE("what never changes is opened although the front is half written", "[open]")
{
    const Image sound = sample::states();
    const uint64_t size = sound.bytes().size();
    Image torn = sound;
    torn.set(field::group_cursor, 0, 7);
    torn.set(field::header_head, 65535);
    slotq_view whole;
    slotq_view view;
    slotq_damage damage = {77, "before"};
    REQUIRE(slotq_core_open(&view, torn.data(), size, &damage) == SLOTQ_CORRUPT);
    REQUIRE(slotq_core_open_geometry(&view, torn.data(), size, &damage) == SLOTQ_OK);
    CHECK(damage.what == nullptr);
    CHECK(view.bytes == torn.data());
    REQUIRE(slotq_core_open(&whole, sound.data(), size, &damage) == SLOTQ_OK);
    CHECK(view.image_bytes == whole.image_bytes);
    CHECK(view.stride == whole.stride);
    CHECK(view.states_offset == whole.states_offset);
    CHECK(view.ring_end == whole.ring_end);
    CHECK(view.dead_offset == whole.dead_offset);
    CHECK(view.geometry.ring_slots == whole.geometry.ring_slots);
    CHECK(slotq_core_open_geometry(&view, torn.data(), size - 1, &damage) == SLOTQ_CORRUPT);
    CHECK(damage.offset == size - 1);
    torn.data()[11] = '2';
    CHECK(slotq_core_open_geometry(&view, torn.data(), size, &damage) == SLOTQ_VERSION);
}
