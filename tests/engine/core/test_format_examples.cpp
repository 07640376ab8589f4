/* test_format_examples.cpp: runs the examples of engine/FORMAT.md, line by line, on the core. It
 * knows their notation (said in the page itself) and holds every answer and byte against them.
 */
#include <cstdio>
#include <map>
#include <sstream>

#include "../../support/catch.hpp"
#include "../../support/image/image.hpp"
#include "format_lines.hpp"

namespace
{

using format_lines::Line;
using format_lines::parse;
using support::Image;
using words = std::vector<std::string>;

std::string name_of(slotq_outcome outcome)
{
    switch (outcome) {
#define SLOTQ_CODE(name, number, kind, exit_code, text)                                            \
    case SLOTQ_##name:                                                                             \
        return #name;
#include "../../../engine/errors.def"
#undef SLOTQ_CODE
    default:
        return "?";
    }
}

std::string hex_word(uint32_t word)
{
    char text[9];
    std::snprintf(text, sizeof text, "%08X", static_cast<unsigned>(word));
    return text;
}

/* id:TOKEN*count */
slotq_run parse_run(const std::string &text)
{
    const size_t colon = text.find(':');
    const size_t star = text.find('*');
    REQUIRE(colon != std::string::npos);
    REQUIRE(star != std::string::npos);
    slotq_run run;
    run.id = std::stoull(text.substr(0, colon));
    run.token =
        static_cast<uint32_t>(std::stoul(text.substr(colon + 1, star - colon - 1), nullptr, 16));
    run.count = static_cast<uint32_t>(std::stoul(text.substr(star + 1)));
    return run;
}

/* The verb of a settle's name, or SLOTQ_VERB_COUNT. */
slotq_verb settle_verb(const std::string &name)
{
    const std::map<std::string, slotq_verb> verbs = {{"ack", SLOTQ_ACK},
                                                     {"nack", SLOTQ_NACK},
                                                     {"release", SLOTQ_RELEASE},
                                                     {"extend", SLOTQ_EXTEND},
                                                     {"kill", SLOTQ_KILL}};
    const auto found = verbs.find(name);
    return found == verbs.end() ? SLOTQ_VERB_COUNT : found->second;
}

/* One block: a separate queue. */
class Example
{
public:
    void run(const Line &line);

private:
    std::string answer(const Line &line);
    std::string create(const Line &line);
    std::string push(slotq_call &call, const Line &line);
    std::string reserve(slotq_call &call, const Line &line);
    std::string settle(slotq_call &call, const Line &line);
    std::string status(slotq_call &call, const Line &line);
    std::string reclaim(slotq_call &call, const Line &line);
    static void set_dead(slotq_call &call, const Line &line);
    std::string schedule(slotq_call &call, const Line &line);
    std::string later_list(slotq_call &call);
    std::string of_later(slotq_call &call, const Line &line);
    std::string other(slotq_call &call, const Line &line);
    slotq_outcome apply(slotq_call &call);
    void expect(const Line &line, bool store);

    std::unique_ptr<Image> image_;
};

slotq_outcome Example::apply(slotq_call &call)
{
    const slotq_outcome outcome = image_->run(call);
    CHECK(image_->fault() == "");
    return outcome;
}

std::string Example::create(const Line &line)
{
    const words names = {"overwrite", "checks", "keys", "dead_overwrite", "stamps"};
    slotq_geometry geometry =
        support::geometry(static_cast<uint32_t>(line.number("ring_slots")),
                          static_cast<uint32_t>(line.number("payload_bytes")),
                          static_cast<uint32_t>(line.number("groups", 1)), 0,
                          static_cast<uint32_t>(line.number("max_attempts", 0)),
                          static_cast<uint32_t>(line.number("dead_slots", 0)),
                          static_cast<uint32_t>(line.number("tick_ms", 1)));
    geometry.later_slots = static_cast<uint16_t>(line.number("later_slots", 0));
    geometry.aside_slots = static_cast<uint8_t>(line.number("aside_slots", 0));
    geometry.note_bytes = static_cast<uint8_t>(line.number("note_bytes", 0));
    geometry.places = static_cast<uint8_t>(line.number("places", 0));
    if (line.named.count("flags") > 0) {
        std::istringstream flags(line.named.at("flags"));
        for (std::string flag; std::getline(flags, flag, ',');) {
            size_t bit = 0;
            while (bit < names.size() && names[bit] != flag) {
                bit++;
            }
            REQUIRE(bit < names.size());
            geometry.flags = static_cast<uint8_t>(geometry.flags | 1u << bit);
        }
    }
    geometry.generation = static_cast<uint32_t>(line.number("generation", 1));
    geometry.set = static_cast<uint32_t>(line.number("set", 0));
    geometry.shard = static_cast<uint16_t>(line.number("shard", 0));
    if (slotq_core_image_bytes(&geometry, nullptr) == 0) {
        uint8_t none = 0;
        return name_of(slotq_core_create(&none, 0, &geometry));
    }
    image_ = std::make_unique<Image>(geometry);
    return "OK bytes=" + std::to_string(image_->bytes().size());
}

std::string Example::push(slotq_call &call, const Line &line)
{
    const std::vector<slotq_data> messages = format_lines::data_of(line);
    const std::vector<uint64_t> keys = format_lines::keys_of(line);
    call.verb = SLOTQ_PUSH;
    call.push.messages = messages.data();
    call.push.count = static_cast<uint32_t>(messages.size());
    call.push.keys = keys.empty() ? nullptr : keys.data();
    call.push.key_mode = format_lines::mode_of(line);
    const slotq_outcome outcome = apply(call);
    if (outcome == SLOTQ_FULL) {
        return "FULL " + std::to_string(call.push.holder.id) +
               (call.push.holder.dead_full ? " dead_full" : "");
    }
    return outcome == SLOTQ_OK ? "OK " + std::to_string(call.push.first_id)
                               : format_lines::told(name_of(outcome), call.push.taken);
}

std::string Example::reserve(slotq_call &call, const Line &line)
{
    std::vector<slotq_run> runs(line.number("limit"));
    call.verb = SLOTQ_RESERVE;
    call.reserve.group = static_cast<uint8_t>(line.number("group"));
    call.reserve.limit = static_cast<uint32_t>(runs.size());
    call.reserve.lease_ms = line.number("lease_ms");
    call.reserve.runs = runs.data();
    call.reserve.run_capacity = call.reserve.limit;
    std::string text = name_of(apply(call));
    const bool tells = text == "LIMITED" || (text == "EMPTY" && line.named.count("next") > 0);
    text += tells ? " " + std::to_string(call.reserve.next_due_ms) : "";
    for (uint32_t i = 0; i < call.reserve.run_count; i++) {
        text += " " + std::to_string(runs[i].id) + ":" + hex_word(runs[i].token) + "*" +
                std::to_string(runs[i].count);
    }
    return text;
}

std::string Example::settle(slotq_call &call, const Line &line)
{
    std::vector<slotq_run> runs;
    uint32_t count = 0;
    for (const std::string &word : line.plain) {
        runs.push_back(parse_run(word));
        count += runs.back().count;
    }
    std::vector<uint32_t> tokens(count);
    const bool extend = line.verb == "extend";
    call.verb = settle_verb(line.verb);
    call.settle.runs = runs.data();
    call.settle.run_count = static_cast<uint32_t>(runs.size());
    call.settle.group = static_cast<uint8_t>(line.number("group"));
    call.settle.reason = static_cast<uint8_t>(line.number("reason", 0));
    const std::string note = line.quoted.empty() ? "" : line.quoted[0];
    call.settle.note = note.data();
    call.settle.note_bytes = static_cast<uint8_t>(note.size());
    call.settle.ms = extend ? line.number("lease_ms") : line.number("delay_ms", 0);
    call.settle.tokens = tokens.data();
    std::string text = name_of(apply(call));
    for (uint32_t i = 0; extend && i < count; i++) {
        text += " " + hex_word(tokens[i]);
    }
    return text;
}

std::string Example::status(slotq_call &call, const Line &line)
{
    const words names = {"READY", "LEASED", "WAITING", "DONE"};
    call.verb = SLOTQ_STATUS;
    call.status.id = std::stoull(line.plain.at(0));
    call.status.group = static_cast<uint8_t>(line.number("group"));
    const slotq_outcome outcome = apply(call);
    const slotq_status &status = call.status.status;
    if (outcome != SLOTQ_OK) {
        return name_of(outcome);
    }
    if (status.state == SLOTQ_STATE_DONE) {
        return "OK DONE why=" + std::to_string(status.why);
    }
    return "OK " + names.at(status.state) + " attempts=" + std::to_string(status.attempts) +
           " deadline_ms=" + std::to_string(status.deadline_ms) +
           " position=" + std::to_string(status.position);
}

std::string Example::reclaim(slotq_call &call, const Line &line)
{
    call.verb = SLOTQ_RECLAIM;
    call.reclaim.group = static_cast<uint8_t>(line.number("group"));
    const std::string text = name_of(apply(call));
    return text + " ready=" + std::to_string(call.reclaim.ready_count) +
           " dead=" + std::to_string(call.reclaim.dead_count);
}

/* An id and its group, if they are given. */
void Example::set_dead(slotq_call &call, const Line &line)
{
    call.dead.id = line.plain.empty() ? 0 : std::stoull(line.plain.at(0));
    if (call.dead.id != 0) {
        call.dead.group = line.named.at("group") == "all"
                              ? static_cast<uint8_t>(SLOTQ_ALL_GROUPS)
                              : static_cast<uint8_t>(line.number("group"));
    }
}

std::string Example::schedule(slotq_call &call, const Line &line)
{
    const std::vector<slotq_data> messages = format_lines::data_of(line);
    const std::vector<uint64_t> keys = format_lines::keys_of(line);
    call.verb = SLOTQ_SCHEDULE;
    call.schedule.keys = keys.empty() ? nullptr : keys.data();
    call.schedule.key_mode = format_lines::mode_of(line);
    call.schedule.messages = messages.data();
    call.schedule.count = static_cast<uint32_t>(messages.size());
    call.schedule.due_ms = line.number("due_ms");
    call.schedule.not_past = line.number("not_past", 0) != 0;
    const std::string outcome = name_of(apply(call));
    return outcome == "OK" ? "OK " + std::to_string(call.schedule.first_later_id)
                           : format_lines::told(outcome, call.schedule.taken);
}

/* later id@due time, in the order of places */
std::string Example::later_list(slotq_call &call)
{
    std::vector<slotq_item> items(64);
    call.verb = SLOTQ_LATER_LIST;
    call.look.items = items.data();
    call.look.capacity = static_cast<uint32_t>(items.size());
    std::string text = name_of(apply(call));
    for (uint32_t i = 0; i < call.look.count; i++) {
        text += " " + std::to_string(items[i].id) + "@" + std::to_string(items[i].due_ms);
    }
    return text;
}

std::string Example::of_later(slotq_call &call, const Line &line)
{
    if (line.verb == "schedule") {
        return schedule(call, line);
    }
    if (line.verb == "later_list") {
        return later_list(call);
    }
    if (line.verb == "cancel") {
        call.verb = SLOTQ_CANCEL;
        call.cancel.later_id = static_cast<uint32_t>(std::stoull(line.plain.at(0)));
        return name_of(apply(call));
    }
    call.verb = SLOTQ_KICK;
    call.kick.is_later = line.named.count("group") == 0;
    call.kick.id = std::stoull(line.plain.at(0));
    call.kick.group = static_cast<uint8_t>(line.number("group", 0));
    return name_of(apply(call));
}

std::string Example::other(slotq_call &call, const Line &line)
{
    if (line.verb == "remove") {
        call.verb = SLOTQ_REMOVE;
        call.remove.id = std::stoull(line.plain.at(0));
        call.remove.group = line.named.at("group") == "all"
                                ? static_cast<uint8_t>(SLOTQ_ALL_GROUPS)
                                : static_cast<uint8_t>(line.number("group"));
        return name_of(apply(call));
    }
    if (line.verb == "dead_remove") {
        call.verb = SLOTQ_DEAD_REMOVE;
        set_dead(call, line);
        const std::string outcome = name_of(apply(call));
        return outcome == "OK" ? "OK " + std::to_string(call.dead.count) : outcome;
    }
    if (line.verb == "redrive") {
        call.verb = SLOTQ_REDRIVE;
        call.dead.limit = static_cast<uint32_t>(line.number("limit"));
        set_dead(call, line);
        const std::string outcome = name_of(apply(call));
        const std::string text = outcome + " " + std::to_string(call.dead.count);
        const uint32_t damaged = call.dead.damaged;
        return damaged == 0 ? text : text + " damaged=" + std::to_string(damaged);
    }
    if (line.verb == "find") {
        call.verb = SLOTQ_FIND;
        call.find.key = std::stoull(line.plain.at(0), nullptr, 0);
        const std::string outcome = name_of(apply(call));
        return outcome == "OK" ? "OK " + format_lines::tell(call.find.holder) : outcome;
    }
    if (line.verb == "limit") {
        call.verb = SLOTQ_LIMIT;
        call.limit.group = static_cast<uint8_t>(line.number("group"));
        call.limit.what = static_cast<uint8_t>(line.number("what"));
        call.limit.limits.max_leased = static_cast<uint16_t>(line.number("max_leased", 0));
        call.limit.limits.rate_interval_us = line.number("rate_interval_us", 0);
        call.limit.limits.rate_burst = static_cast<uint16_t>(line.number("rate_burst", 0));
        return name_of(apply(call));
    }
    if (line.verb == "pause" || line.verb == "resume") {
        call.verb = line.verb == "pause" ? SLOTQ_PAUSE : SLOTQ_RESUME;
        call.pause.what = static_cast<uint8_t>(line.number("what"));
        return name_of(apply(call));
    }
    if (line.verb == "finish") {
        call.verb = SLOTQ_FINISH;
        const std::string outcome = name_of(apply(call));
        return outcome == "OK" ? "OK " + std::to_string(call.finish.last_id) : outcome;
    }
    INFO(line.text << ": no such verb");
    REQUIRE(line.verb == "purge");
    call.verb = SLOTQ_PURGE;
    return name_of(apply(call));
}

std::string Example::answer(const Line &line)
{
    if (line.verb == "create") {
        return create(line);
    }
    slotq_call call = {};
    REQUIRE(image_ != nullptr);
    call.now_ms = line.number("now_ms");
    if (line.verb == "push") {
        return push(call, line);
    }
    if (line.verb == "reserve") {
        return reserve(call, line);
    }
    if (line.verb == "status") {
        return status(call, line);
    }
    if (line.verb == "reclaim") {
        return reclaim(call, line);
    }
    if (line.verb == "schedule" || line.verb == "cancel" || line.verb == "kick" ||
        line.verb == "later_list") {
        return of_later(call, line);
    }
    return settle_verb(line.verb) != SLOTQ_VERB_COUNT ? settle(call, line) : other(call, line);
}

/* OFFSET: then bytes in hex, held against the image or stored into it. */
void Example::expect(const Line &line, bool store)
{
    REQUIRE(image_ != nullptr);
    REQUIRE(line.plain.size() > 1);
    const size_t offset = std::stoul(line.plain[0]);
    std::string found;
    std::string wanted;
    for (size_t i = 1; i < line.plain.size(); i++) {
        REQUIRE(offset + i - 1 < image_->bytes().size());
        uint8_t *byte = image_->data() + offset + i - 1;
        if (store) {
            *byte = static_cast<uint8_t>(std::stoul(line.plain[i], nullptr, 16));
        }
        found += hex_word(*byte).substr(6) + " ";
        wanted += line.plain[i] + " ";
    }
    CHECK(found == wanted);
}

void Example::run(const Line &line)
{
    INFO(line.text);
    if (line.verb == "damaged") {
        slotq_damage damage = {};
        CHECK(slotq_core_check(&image_->view(), &damage) == SLOTQ_CORRUPT);
        CHECK(damage.offset == std::stoull(line.plain.at(0)));
        CHECK(std::string(damage.what != nullptr ? damage.what : "") == line.quoted.at(0));
        return;
    }
    if (line.verb == "expect" || line.verb == "store") {
        expect(line, line.verb == "store");
        return;
    }
    CHECK(answer(line) == line.answer);
    CHECK((image_ == nullptr || image_->check().empty()));
}

} // namespace

TEST_CASE("the examples of FORMAT.md hold to the byte", "[format]")
{
    const std::vector<words> blocks = format_lines::examples_of("slotq-example");
    CHECK(blocks.size() >= 6);
    for (const words &block : blocks) {
        Example example;
        REQUIRE(block.size() > 2);
        for (const std::string &text : block) {
            example.run(parse(text));
        }
    }
}
