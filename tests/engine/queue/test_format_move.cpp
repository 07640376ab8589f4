/* test_format_move.cpp: runs the examples of move in engine/FORMAT.md, line by line, between any
 * two stores, and holds every answer and byte of both images against them.
 */
#include "catch.hpp"

#include <cstdio>
#include <memory>

#include "../core/format_lines.hpp"
#include "any_queue.hpp"

using namespace any_queue;
using format_lines::Line;
using format_lines::parse;
using format_lines::words;

namespace
{

std::string outcome_name(slotq_outcome outcome)
{
    return slotq_outcome_name(outcome);
}

std::string hex(uint32_t number, int digits)
{
    char text[9];
    std::snprintf(text, sizeof text, "%0*X", digits, static_cast<unsigned>(number));
    return text;
}

Geometry geometry_of(const Line &line)
{
    Geometry geometry(static_cast<uint16_t>(line.number("ring_slots")),
                      static_cast<uint16_t>(line.number("payload_bytes")));
    geometry.raw = {};
    geometry.raw.ring_slots = static_cast<uint16_t>(line.number("ring_slots"));
    geometry.raw.payload_bytes = static_cast<uint16_t>(line.number("payload_bytes"));
    geometry.raw.tick_ms = static_cast<uint16_t>(line.number("tick_ms"));
    geometry.raw.groups = 1;
    geometry.raw.generation = 1;
    if (line.named.count("flags") > 0) {
        const std::string flag = line.named.at("flags");
        REQUIRE((flag == "stamps" || flag == "keys"));
        geometry.raw.flags = flag == "keys" ? SLOTQ_FLAG_KEYS : SLOTQ_FLAG_STAMPS;
    }
    return geometry;
}

/* One block: a source and a target. */
class Example
{
public:
    Example(Kind from, Kind to) : kinds_{from, to}
    {
    }
    void run(Line line);

private:
    std::string create(Kind kind, const Line &line, std::unique_ptr<Queue> &queue);
    std::string answer(const Line &line, Kind kind, std::unique_ptr<Queue> &queue);
    std::string move(const Line &line);
    static void expect(const Line &line, slotq *queue);

    Kind kinds_[2];
    std::unique_ptr<Queue> source_, target_;
};

std::string Example::create(Kind kind, const Line &line, std::unique_ptr<Queue> &queue)
{
    queue = std::make_unique<Queue>(kind, geometry_of(line));
    return "OK bytes=" + std::to_string(slotq_image_bytes(*queue));
}

std::string push(slotq *queue, const Line &line)
{
    const std::vector<slotq_data> messages = format_lines::data_of(line);
    const std::vector<uint64_t> keys = format_lines::keys_of(line);
    slotq_pushed pushed = {};
    slotq_push_options options = {};
    options.keys = keys.empty() ? nullptr : keys.data();
    options.key_mode = keys.empty() ? SLOTQ_KEY_NONE : format_lines::mode_of(line);
    const slotq_outcome outcome = slotq_push_with(
        queue, messages.data(), static_cast<uint32_t>(messages.size()), &options, &pushed);
    return outcome_name(outcome) + " " + std::to_string(pushed.first_id);
}

/* Messages of one run. */
std::string reserve(Queue &queue, const Line &line)
{
    const std::vector<Message> held =
        queue.reserve(static_cast<uint32_t>(line.number("limit")), line.number("lease_ms"));
    REQUIRE(!held.empty());
    for (size_t i = 0; i < held.size(); i++) {
        CHECK(held[i].id == held[0].id + i);
        CHECK(held[i].token == held[0].token);
    }
    return "OK " + std::to_string(held[0].id) + ":" + hex(held[0].token, 8) + "*" +
           std::to_string(held.size());
}

std::string Example::move(const Line &line)
{
    REQUIRE(target_ != nullptr);
    const std::string &message = line.plain.at(0); /* ID:TOKEN */
    const size_t colon = message.find(':');
    REQUIRE(colon != std::string::npos);
    const auto token = static_cast<uint32_t>(std::stoul(message.substr(colon + 1), nullptr, 16));
    uint64_t id = 0;
    source_->now_ms = target_->now_ms = line.number("now_ms");
    const slotq_outcome outcome = slotq_move(*source_, static_cast<uint8_t>(line.number("group")),
                                             std::stoull(message), token, *target_, nullptr, &id);
    return outcome_name(outcome) + (outcome == SLOTQ_OK ? " " + std::to_string(id) : "");
}

void Example::expect(const Line &line, slotq *queue)
{
    std::vector<uint8_t> image(slotq_image_bytes(queue));
    REQUIRE(slotq_export(queue, image.data(), image.size()) == SLOTQ_OK);
    REQUIRE(line.plain.size() > 1);
    const size_t offset = std::stoul(line.plain[0]);
    std::string found;
    std::string wanted;
    for (size_t i = 1; i < line.plain.size(); i++) {
        found += hex(image.at(offset + i - 1), 2) + " ";
        wanted += line.plain[i] + " ";
    }
    CHECK(found == wanted);
}

std::string Example::answer(const Line &line, Kind kind, std::unique_ptr<Queue> &queue)
{
    if (line.verb == "create") {
        return create(kind, line, queue);
    }
    REQUIRE(queue != nullptr);
    queue->now_ms = line.number("now_ms");
    if (line.verb == "push") {
        return push(*queue, line);
    }
    REQUIRE(line.verb == "reserve");
    return reserve(*queue, line);
}

void Example::run(Line line)
{
    INFO(line.text);
    if (line.verb == "move") {
        CHECK(move(line) == line.answer);
        CHECK(slotq_check(*source_) == SLOTQ_OK);
        CHECK(slotq_check(*target_) == SLOTQ_OK);
        return;
    }
    REQUIRE((line.verb == "source" || line.verb == "target"));
    const bool is_source = line.verb == "source";
    std::unique_ptr<Queue> &queue = is_source ? source_ : target_;
    line.verb = line.plain.at(0);
    line.plain.erase(line.plain.begin());
    if (line.verb == "expect") {
        expect(line, *queue);
    } else {
        CHECK(answer(line, kinds_[is_source ? 0 : 1], queue) == line.answer);
    }
}

bool has_keys(const words &block)
{
    for (const std::string &text : block) {
        if (text.find("flags=keys") != std::string::npos) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("the examples of move in FORMAT.md hold to the byte", "[format][move]")
{
    const std::vector<words> blocks = format_lines::examples_of("slotq-move");
    CHECK(blocks.size() == 2);
    for (const Kind from : all_kinds()) {
        for (const Kind to : all_kinds()) {
            for (const words &block : blocks) {
                CAPTURE(from, to);
                REQUIRE(block.size() > 4);
                if (has_keys(block) && from == Kind::redis && to == Kind::redis) {
                    continue; /* one step: it needs no move key */
                }
                Example example(from, to);
                for (const std::string &text : block) {
                    example.run(parse(text));
                }
            }
        }
    }
}
