/* test_refusals.cpp: values that are no queue, or a damaged one: every script says so with a
 * SLOTQ… error and leaves the value as it was, byte for byte.
 */
#include <algorithm>
#include <cstdlib>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "../support/image/image.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Reply;

bool is_slotq_error(const Reply &reply)
{
    return reply.kind == Reply::Kind::error && reply.text.substr(0, 5) == "SLOTQ" &&
           reply.text.find('\n') == std::string::npos;
}

/* Every script on these bytes refuses with one of the codes, the value untouched. "" or the scripts
 * that did not. create may say EXISTS: another value is there. */
std::string all_refuse(Queue &queue, const std::string &bytes, const std::string &codes)
{
    queue.set(bytes);
    for (const std::string &script : on_server::all_scripts()) {
        const Reply reply = queue.run(script, queue.sample(script));
        const bool exists = script == "create" && reply.word() == "SLOTQEXISTS";
        if (!is_slotq_error(reply) || (!exists && codes.find(reply.word()) == std::string::npos)) {
            return script + ": " + reply.told();
        }
        if (queue.bytes() != bytes) {
            return script + " changed the value";
        }
    }
    return "";
}

} // namespace

TEST_CASE("refusals: no value, and a value of another type")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    for (const std::string &script : on_server::all_scripts()) {
        CAPTURE(variant, script);
        queue.command({"DEL", queue.key()});
        const Reply absent = queue.run(script, queue.sample(script));
        if (script == "create") {
            CHECK(absent.is_status("OK"));
        } else {
            CHECK(absent.word() == "SLOTQNOQUEUE");
            CHECK(queue.command({"EXISTS", queue.key()}).is_integer(0));
        }
        queue.command({"DEL", queue.key()});
        queue.command({"RPUSH", queue.key(), "other"});
        const Reply wrong = queue.run(script, queue.sample(script));
        CAPTURE(wrong.told());
        CHECK(wrong.word() == "WRONGTYPE");
        CHECK(queue.command({"LLEN", queue.key()}).is_integer(1));
    }
}

TEST_CASE("refusals: cut off, made longer, foreign, zeroed")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string sound = queue.bytes();
    CAPTURE(variant);
    for (size_t size = 1; size < sound.size(); size += size < 120 ? 1 : 37) {
        CAPTURE(size);
        REQUIRE(all_refuse(queue, sound.substr(0, size), "SLOTQCORRUPT") == "");
    }
    CHECK(all_refuse(queue, sound + std::string(1, '\0'), "SLOTQCORRUPT") == "");
    CHECK(all_refuse(queue, sound + sound, "SLOTQCORRUPT") == "");
    CHECK(all_refuse(queue, std::string(sound.size(), '\0'), "SLOTQCORRUPT") == "");
    CHECK(all_refuse(queue, std::string(sound.size(), '\xFF'), "SLOTQCORRUPT") == "");
    CHECK(all_refuse(queue, "hello", "SLOTQCORRUPT") == "");
    CHECK(all_refuse(queue, std::string(70000, 'x'), "SLOTQCORRUPT") == "");
    queue.set("");
    CHECK(is_slotq_error(queue.run("push", {"x"})));
    CHECK(queue.bytes().empty());
}

TEST_CASE("refusals: the descriptor of a sharded queue, also to a client that knew a queue there")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string sound = queue.bytes();
    std::string begin = std::string(8, '\0') + "SLQS";
    CAPTURE(variant);
    for (const size_t size : {size_t{12}, size_t{104}, size_t{140}, sound.size()}) {
        CAPTURE(size);
        const std::string descriptor = begin + std::string(size - begin.size(), '\1');
        REQUIRE(all_refuse(queue, descriptor, "SLOTQSHARDED") == "");
        CHECK(queue.run("create", queue.sample("create")).word() == "SLOTQSHARDED");
        const Reply knew = queue.run_raw("push", {sound.substr(8, 36) + "0", "x"});
        CHECK(knew.word() == "SLOTQSHARDED");
        CHECK(queue.bytes() == descriptor);
    }
    begin[0] = 1;
    CHECK(all_refuse(queue, begin + sound.substr(begin.size()), "SLOTQVERSION") == "");
}

namespace
{

/* A script cannot afford the geometry's checksum (create and clients that open the value in C judge
 * it): a byte that moves no offset and stays in its range is believed. */
bool is_believed(size_t offset, uint8_t value)
{
    const bool flags = offset == 21 && (value & ~9) == 4;
    const bool attempts = offset == 22 && value <= 62;
    const bool tick = offset == 24;
    const bool tick_high = offset == 25 && value < 60000 / 256;
    return flags || attempts || tick || tick_high || offset >= 28;
}

} // namespace

TEST_CASE("refusals: every byte of the geometry")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string sound = queue.bytes();
    uint32_t refused = 0;
    for (size_t offset = 8; offset < support::field::shared_paused.offset; offset++) {
        for (const int change : {1, 2, 4, 8, 0x10, 0x80, 0xFF}) {
            std::string bytes = sound;
            bytes[offset] = static_cast<char>(bytes[offset] ^ change);
            CAPTURE(variant, offset, change);
            if (is_believed(offset, static_cast<uint8_t>(bytes[offset]))) {
                continue;
            }
            REQUIRE(all_refuse(queue, bytes, offset == 11 ? "SLOTQVERSION" : "SLOTQCORRUPT") == "");
            refused++;
        }
    }
    CHECK(refused >= 7 * 14);
}

TEST_CASE("refusals: payloads of no bytes, though the size is right")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    std::string bytes = queue.bytes().substr(0, 136);
    bytes.replace(0, 8, std::string(8, '\0'));
    bytes.replace(12, 8, on_server::number(4, 2) + on_server::number(0, 6)); /* R, and no more */
    bytes.replace(80, 16, std::string(12, '\0') + "\xFF\xFF" + std::string(2, '\0'));
    bytes += std::string(4 * 4 + 4 * 2, '\0');
    CHECK(all_refuse(queue, bytes, "SLOTQCORRUPT") == "");
}

/* A geometry that is out of range though its check is right: its writer meant it. */
TEST_CASE("refusals: a geometry out of range with a right check")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string sound = queue.bytes();
    const struct {
        uint32_t offset;
        uint32_t bytes;
        uint64_t value;
    } changes[] = {{12, 2, 0},  {12, 2, 1},  {14, 2, 0},  {20, 1, 0},  {20, 1, 17},
                   {21, 1, 32}, {22, 1, 63}, {23, 1, 1},  {24, 2, 0},  {24, 2, 60001},
                   {26, 1, 1},  {27, 1, 1},  {12, 2, 10}, {14, 2, 17}, {16, 2, 1},
                   {18, 2, 4},  {20, 1, 2},  {21, 1, 2},  {21, 1, 0},
                   {16, 2, 65534}};
    for (const auto &change : changes) {
        std::string bytes = sound;
        bytes.replace(change.offset, change.bytes, on_server::number(change.value, change.bytes));
        const uint32_t check =
            support::xxh32(reinterpret_cast<const uint8_t *>(bytes.data()) + 8, 32);
        bytes.replace(40, 4, on_server::number(check, 4));
        CAPTURE(variant, change.offset, change.value);
        CHECK(all_refuse(queue, bytes, "SLOTQCORRUPT") == "");
    }
}

namespace
{

/* What every script makes of these bytes: it refuses and nothing changes, or it does not notice
 * and leaves a value no worse than it was. "" or the scripts that did not; counts the
 * refusals. */
std::string hold_all(Queue &queue, const std::string &bytes, uint32_t &refused)
{
    const bool was_sound = on_server::check(bytes).empty();
    std::string fault, after;
    for (const std::string &script : on_server::all_scripts()) {
        queue.append_on(bytes, script);
    }
    for (const std::string &script : on_server::all_scripts()) {
        const Reply reply = queue.next_on(after);
        const std::string told = script + " -> " + reply.told() + ": ";
        if (after.size() != bytes.size() || after.compare(8, 36, bytes, 8, 36) != 0) {
            fault = told + "the geometry changed";
        } else if (reply.is_error() && (!is_slotq_error(reply) || after != bytes)) {
            fault = told + "a refusal must be SLOTQ's, and change nothing";
        } else if (was_sound && on_server::check(after) != "") {
            fault = told + on_server::check(after);
        } else if (was_sound && reply.word() == "SLOTQCORRUPT") {
            fault = told + "but the value is sound";
        }
        refused += reply.is_error() ? 1 : 0;
    }
    return fault;
}

} // namespace

namespace
{

size_t front_of(const Queue &queue)
{
    return support::front_offset + queue.shape().groups * support::group_bytes;
}

/* Every byte of [from, to) but the geometry's, which has its own test, with many other values. ""
 * or the scripts that did not hold. */
std::string hold_bytes(Queue &queue, size_t from, size_t to, uint32_t &refused)
{
    const bool prove = std::getenv("SLOTQ_PROVE") != nullptr;
    const std::string sound = queue.bytes();
    const size_t front = front_of(queue);
    for (size_t offset = from; offset < to; offset++) {
        if (offset >= 8 && offset < support::field::shared_paused.offset) {
            continue;
        }
        for (int change = 1; change < 256; change += prove && offset < front ? 1 : change * 2 + 1) {
            std::string bytes = sound;
            bytes[offset] = static_cast<char>(bytes[offset] ^ change);
            const std::string fault = hold_all(queue, bytes, refused);
            if (!fault.empty()) {
                return std::to_string(offset) + " ^ " + std::to_string(change) + ": " + fault;
            }
        }
    }
    return "";
}

} // namespace

TEST_CASE("refusals: every byte of a value", "[deep]")
{
    on_server::Shape shape;
    shape.max_attempts = 2;
    shape.groups = 2;
    shape.ring_slots = 7;
    shape.payload_bytes = 5;
    Queue queue(redis::shared_server(), "redis7", shape);
    queue.prepare();
    uint32_t refused = 0;
    CHECK(hold_bytes(queue, 0, queue.bytes().size(), refused) == "");
    support::counted(refused, "refused calls");
    CHECK(refused > 1000);
}

TEST_CASE("refusals: every byte of the front and the section aside", "[deep]")
{
    on_server::Shape shape;
    shape.max_attempts = 2;
    shape.groups = 2;
    shape.ring_slots = 5;
    shape.payload_bytes = 3;
    shape.aside_slots = 4;
    shape.later_slots = 0;
    shape.flags = 0;
    Queue queue(redis::shared_server(), "redis7", shape);
    queue.prepare_aside();
    REQUIRE(on_server::check(queue.bytes()) == "");
    uint32_t refused = 0;
    const std::string sound = queue.bytes();
    const size_t ring_end = front_of(queue) + shape.ring_slots * (4 * shape.groups + 5);
    const size_t aside_end = ring_end + shape.aside_slots * (7 + 4 * shape.groups + 5);
    REQUIRE(aside_end + shape.dead_slots * (16 + 5) == sound.size());
    CHECK(hold_bytes(queue, 0, front_of(queue), refused) == "");
    CHECK(hold_bytes(queue, ring_end, aside_end, refused) == "");
    support::counted(refused, "refused calls");
    CHECK(refused > 1000);
    for (uint32_t count = 0; count < 256; count++) {
        std::string bytes = sound;
        bytes[support::field::shared_aside_count.offset] = static_cast<char>(count);
        CAPTURE(count);
        REQUIRE(hold_all(queue, bytes, refused) == "");
    }
}

namespace
{

/* Where the core says that bytes are damaged when it reserves from group 0, -1 where it does not.
 */
int64_t core_offset(const std::string &bytes)
{
    support::Bytes copy(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    slotq_view view;
    slotq_damage damage = {};
    if (slotq_core_open(&view, copy.data(), copy.size(), &damage) != SLOTQ_OK) {
        return static_cast<int64_t>(damage.offset);
    }
    static slotq_step step;
    slotq_run runs[4];
    slotq_call call = {};
    call.verb = SLOTQ_RESERVE;
    call.now_ms = on_server::now_ms;
    call.reserve.group = 0;
    call.reserve.limit = 4;
    call.reserve.run_capacity = 4;
    call.reserve.lease_ms = 1000;
    call.reserve.runs = runs;
    return slotq_core_run(copy.data(), &view, &call, &step) == SLOTQ_CORRUPT
               ? static_cast<int64_t>(call.damage.offset)
               : -1;
}

} // namespace

TEST_CASE("refusals: SLOTQCORRUPT names the offset that the core names")
{
    on_server::Shape shape;
    shape.groups = 2;
    Queue queue(redis::shared_server(), "redis7", shape);
    queue.prepare();
    queue.run("reserve_packed", {"0", "3", "1000"});
    const std::string sound = queue.bytes();
    uint32_t named = 0;
    for (size_t offset = 0; offset < support::front_offset + 2 * support::group_bytes; offset++) {
        for (const int change : {1, 4, 0x20, 0x80, 0xFF}) {
            std::string bytes = sound;
            bytes[offset] = static_cast<char>(bytes[offset] ^ change);
            if (offset >= 8 && offset < support::field::shared_paused.offset) {
                continue;
            }
            queue.set(bytes);
            const Reply reply = queue.run("reserve_packed", {"0", "4", "1000"});
            const int64_t wanted = core_offset(bytes);
            if (reply.word() != "SLOTQCORRUPT" || wanted < 0) {
                continue; /* not everybody looks at everything */
            }
            CAPTURE(offset, change, reply.told());
            CHECK(std::strtoll(reply.text.c_str() + 13, nullptr, 10) == wanted);
            named++;
        }
    }
    CHECK(named > 50);
}

TEST_CASE("refusals: a damaged message that the dead section refuses waits for room")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape;
    shape.dead_slots = 1;
    shape.flags = 0;
    on_server::SoundQueue queue(redis::shared_server(), variant, shape);
    queue.ask("push", {"dead", "bad", "good"});
    const Reply first = queue.ask("reserve", {"0", "1", "30000"});
    REQUIRE(first.items.size() == 4);
    queue.ask("settle", {"kill", "0", "0", "9", std::to_string(first.items[0].integer),
                         std::to_string(first.items[1].integer)});
    std::string bytes = queue.bytes();
    const size_t slot = 136 + 4 * shape.ring_slots + shape.stride();
    bytes.replace(slot, 2, on_server::number(shape.payload_bytes + 1, 2));
    queue.set(bytes);
    const Reply taken = queue.run_at(queue.at_ms, "reserve", {"0", "5", "1000"});
    REQUIRE(taken.items.size() == 4);
    CHECK(taken.items[3].text == "good");
    const Reply status = queue.run_at(queue.at_ms, "status", {"0", "2"});
    CHECK(status.items.at(0).text == "WAITING");
    CHECK(status.items.at(2).is_integer(0));
    CHECK(status.items.at(3).is_integer(static_cast<int64_t>(queue.at_ms + 60000)));
}
