/* test_damage.cpp: every byte of an image set to each of the 255 other values, and every
 * truncation: it is refused on opening, or named by the check, or harmless; and whatever it is,
 * every verb ends, stays inside the image, and leaves sound what was sound.
 */
#include <cstdio>
#include <cstdlib>

#include "../../support/counted.hpp"
#include "../../support/image/verbs.hpp"
#include "queue.hpp"

namespace
{

constexpr uint64_t start_ms = 3000000;

/* Of what is pushed or scheduled next, if the queue has keys; several are in one chain. */
void give_keys(Queue &queue, const std::vector<uint64_t> &keys)
{
    queue.keys.clear();
    if ((queue.image.geometry().flags & SLOTQ_FLAG_KEYS) != 0) {
        queue.keys = keys;
    }
}

/* Two messages aside, leased by both groups. */
uint32_t put_aside(Queue &queue)
{
    const uint64_t first = queue.image.last_id() + 1;
    uint32_t token = 0;
    give_keys(queue, {1, 0, 13 * 3 + 1, 4, 0, 5});
    REQUIRE(queue.push(6, "as") == SLOTQ_OK);
    queue.keys.clear();
    for (const uint32_t group : {0u, 1u}) {
        REQUIRE(queue.reserve(6, 5000, group) == SLOTQ_OK);
        token = queue.runs[0].token;
        REQUIRE(queue.settle(SLOTQ_ACK, {{first + 2, token, 4}}, 0, group) == SLOTQ_OK);
    }
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.remove(first + 6) == SLOTQ_OK);
    REQUIRE(queue.remove(first + 7) == SLOTQ_OK);
    REQUIRE(queue.aside_ids() == std::vector<uint64_t>{first, first + 1});
    return token;
}

/* An image with something in every section: two groups, retries, waits, deaths, a sweep under
 * way, removed messages ahead of the cursor, a ring that wraps, messages aside and scheduled. */
Queue rich_queue(uint32_t flags)
{
    slotq_geometry shape = support::geometry(7, 3, 2, flags, 2, 4, 100);
    shape.aside_slots = (flags & SLOTQ_FLAG_OVERWRITE) != 0 ? 0 : 3;
    shape.note_bytes = 3;
    shape.later_slots = 3;
    Queue queue(shape);
    queue.now_ms = start_ms;
    give_keys(queue, {13 + 1});
    REQUIRE(queue.schedule(start_ms + 600, 1, "l") == SLOTQ_OK);
    give_keys(queue, {13 * 2 + 1});
    REQUIRE(queue.schedule(start_ms + 9000, 1, "la") == SLOTQ_OK);
    queue.image.start_at((UINT64_C(1) << 31) - 11, 3);
    uint32_t aside = 0;
    if (shape.aside_slots > 0) {
        aside = put_aside(queue);
    } else {
        queue.image.start_at((UINT64_C(1) << 31) - 3, 4);
    }
    const uint64_t first = queue.image.last_id() + 1;
    give_keys(queue, {0, 13 * 5 + 1, 0, 8, 9, 0});
    REQUIRE(queue.push(6, "ab") == SLOTQ_OK);
    queue.keys.clear();
    REQUIRE(queue.reserve(4, 5000, 0) == SLOTQ_OK);
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.kill_noted(first + 1, token, "why") == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, first + 2, token) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_NACK, first + 3, token, 9000) == SLOTQ_OK);
    REQUIRE(queue.remove(first + 5, 0) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, 400, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_ACK, first, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, first + 1, queue.runs[0].token, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.reserve(1, 400, 1) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, queue.runs, 0, 1) == SLOTQ_OK);
    REQUIRE(queue.dead_remove(first + 1, 1) == SLOTQ_OK); /* a hole */
    if (shape.aside_slots > 0) {
        REQUIRE(queue.settle(SLOTQ_NACK, first - 8, aside) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_ACK, first - 7, aside, 0, 1) == SLOTQ_OK);
    }
    return queue;
}

struct Result {
    uint32_t refused = 0; /* it did not open */
    uint32_t named = 0;   /* it opened, the check names it */
    uint32_t harmless = 0;
    std::string fault;
};

void try_image(const support::Bytes &bytes, uint64_t salt, Result &result)
{
    slotq_view view;
    slotq_damage damage = {};
    const slotq_outcome opened = slotq_core_open(&view, bytes.data(), bytes.size(), &damage);
    if (opened != SLOTQ_OK) {
        result.refused++;
        if (damage.what == nullptr || damage.offset > bytes.size() ||
            (opened != SLOTQ_CORRUPT && opened != SLOTQ_VERSION && opened != SLOTQ_SHARDED)) {
            result.fault = "an image is refused without a place and a reason";
        }
        return;
    }
    support::Image image(bytes);
    const slotq_outcome checked = slotq_core_check(&image.view(), &damage);
    if (checked == SLOTQ_OK) {
        result.harmless++;
    } else {
        result.named++;
        if (checked != SLOTQ_CORRUPT || damage.what == nullptr || damage.offset >= bytes.size()) {
            result.fault = "the check names no place";
        }
    }
    if (result.fault.empty()) {
        result.fault = support::try_all_verbs(image, start_ms + 600, salt, salt % 2 == 0);
    }
}

Result try_all_bytes(const support::Image &image)
{
    Result result;
    support::Bytes bytes = image.bytes();
    for (size_t at = 0; at < bytes.size(); at++) {
        const uint8_t was = bytes.data()[at];
        for (uint32_t other = 1; other < 256 && result.fault.empty(); other++) {
            bytes.data()[at] = static_cast<uint8_t>(was ^ other);
            try_image(bytes, at * 256 + other, result);
        }
        bytes.data()[at] = was;
        if (!result.fault.empty()) {
            result.fault += " at offset " + std::to_string(at);
            return result;
        }
    }
    return result;
}

void try_flags(uint32_t flags)
{
    const Queue queue = rich_queue(flags);
    const Result result = try_all_bytes(queue.image);
    std::printf("damage, flags %u: %zu bytes, %u refused, %u named, %u harmless\n", flags,
                queue.image.bytes().size(), result.refused, result.named, result.harmless);
    support::counted(result.refused + result.named + result.harmless, "damaged images");
    CAPTURE(flags);
    INFO(result.fault);
    REQUIRE(result.fault.empty());
    REQUIRE(result.refused + result.named + result.harmless == queue.image.bytes().size() * 255);
    REQUIRE(result.refused >= 36 * 255); /* the geometry at least */
    REQUIRE(result.named > 0);
}

} // namespace

TEST_CASE("damage: every byte, every other value")
{
    try_flags(SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_KEYS);
}

TEST_CASE("damage: every byte, every other value, with overwrite and nothing else", "[deep]")
{
    if (std::getenv("SLOTQ_PROVE") == nullptr && std::getenv("SLOTQ_TORTURE_SECONDS") == nullptr) {
        const Queue queue = rich_queue(SLOTQ_FLAG_OVERWRITE); /* the quick part: as it is */
        Result result;
        try_image(queue.image.bytes(), 2, result);
        REQUIRE(result.fault.empty());
        REQUIRE(result.harmless == 1);
        return;
    }
    try_flags(SLOTQ_FLAG_OVERWRITE | SLOTQ_FLAG_DEAD_OVERWRITE);
    try_flags(0);
}

/* A mapped file can change while processes have it open: opening refused nothing then. */
TEST_CASE("damage: every byte of the front, and of what lies aside, changed under an open image")
{
    for (const uint32_t flags :
         {static_cast<uint32_t>(SLOTQ_FLAG_STAMPS), static_cast<uint32_t>(SLOTQ_FLAG_OVERWRITE)}) {
        const Queue queue = rich_queue(flags);
        support::Image image = queue.image;
        const slotq_view &view = image.view();
        for (uint32_t at = 0; at < view.aside_keys_offset; at++) {
            if (at == view.states_offset) { /* the indexes and the words aside too */
                at = view.later_index_offset;
            } else if (at == view.later_keys_offset) {
                at = view.aside_index_offset;
            }
            for (uint32_t other = 1; other < 256; other++) {
                std::memcpy(image.data(), queue.image.data(), queue.image.bytes().size());
                image.data()[at] = static_cast<uint8_t>(image.data()[at] ^ other);
                const std::string fault =
                    support::try_all_verbs(image, start_ms + 600, at * 256 + other, true);
                if (!fault.empty()) {
                    FAIL(fault << " at offset " << at << " flags " << flags);
                }
            }
        }
    }
    SUCCEED();
}

TEST_CASE("damage: every truncation, and bytes that follow, are refused")
{
    const Queue queue = rich_queue(SLOTQ_FLAG_CHECKS);
    const support::Bytes &bytes = queue.image.bytes();
    for (size_t size = 0; size < bytes.size(); size++) {
        const support::Bytes cut(bytes.data(), size);
        slotq_view view;
        slotq_damage damage = {};
        CAPTURE(size);
        REQUIRE(slotq_core_open(&view, cut.data(), size, &damage) == SLOTQ_CORRUPT);
        REQUIRE(damage.what != nullptr);
        REQUIRE(damage.offset <= size);
    }
    for (const uint32_t more : {1u, 2u, 8u, 4096u}) {
        support::Bytes longer(bytes.size() + more);
        std::memcpy(longer.data(), bytes.data(), bytes.size());
        slotq_view view;
        slotq_damage damage = {};
        REQUIRE(slotq_core_open(&view, longer.data(), longer.size(), &damage) == SLOTQ_CORRUPT);
        REQUIRE(damage.offset == bytes.size());
    }
}

TEST_CASE("damage: two bytes at once, at random")
{
    const Queue queue = rich_queue(SLOTQ_FLAG_STAMPS);
    const size_t size = queue.image.bytes().size();
    Result result;
    uint64_t salt = 12345;
    for (uint32_t i = 0; i < 20000 && result.fault.empty(); i++) {
        support::Bytes bytes = queue.image.bytes();
        for (int k = 0; k < 3; k++) {
            salt = salt * UINT64_C(6364136223846793005) + 1;
            const size_t at = (salt >> 40) % size;
            if (at < 8 || at >= 32) {
                bytes.data()[at] = static_cast<uint8_t>(salt >> 32);
            }
        }
        try_image(bytes, salt, result);
    }
    INFO(result.fault);
    REQUIRE(result.fault.empty());
    REQUIRE(result.named > 1000);
}
