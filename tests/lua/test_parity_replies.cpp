/* test_parity_replies.cpp: see parity_play.hpp. Here: what a script must answer, and comparing.
 */
#include "parity_play.hpp"

#include <algorithm>
#include <cstring>

#include "../../engine/slotq.h"

namespace parity
{

namespace
{

using redis::Reply;
using support::load;

const char *const state_names[] = {"READY", "LEASED", "WAITING", "DONE"};
const char *const outcome_names[] = {"OK", "STALE", "GONE", "NOTFOUND", "DEADFULL"};

Reply array_reply()
{
    Reply reply;
    reply.kind = Reply::Kind::array;
    return reply;
}

int64_t next_due(const slotq_call &call)
{
    const uint64_t due_ms = call.reserve.next_due_ms;
    return due_ms == UINT64_MAX ? -1 : static_cast<int64_t>(due_ms);
}

Reply payload_reply(const slotq_view &view, uint32_t slot_offset)
{
    slotq_slot slot;
    if (!slotq_core_slot(&view, slot_offset, &slot)) {
        return Reply();
    }
    return text_reply(
        std::string(reinterpret_cast<const char *>(slot.payload), slot.payload_bytes));
}

std::string slot_text(const slotq_view &view, uint32_t slot_offset)
{
    return slot_masked(view, reinterpret_cast<const char *>(view.bytes) + slot_offset);
}

} // namespace

std::string number(uint64_t value, uint32_t bytes)
{
    std::string text(bytes, 0);
    support::store(reinterpret_cast<uint8_t *>(&text[0]), bytes, value);
    return text;
}

std::string packed_slots(const slotq_geometry &geometry, const slotq_data *messages, uint32_t count,
                         uint64_t now_ms, char filler)
{
    std::string slots;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t size = messages[i].size;
        const std::string payload(static_cast<const char *>(messages[i].bytes), size);
        slots += number(size, 2);
        if ((geometry.flags & SLOTQ_FLAG_STAMPS) != 0) {
            slots += number(now_ms / geometry.tick_ms & 0xFFFFFFFFu, 4);
        }
        if ((geometry.flags & SLOTQ_FLAG_CHECKS) != 0) {
            slots +=
                number(support::xxh32(reinterpret_cast<const uint8_t *>(payload.data()), size), 4);
        }
        slots += payload + std::string(geometry.payload_bytes - size, filler);
    }
    return slots;
}

std::string cut_slots(const slotq_view &view, const std::string &slots)
{
    std::string cut;
    for (size_t at = 0; at + view.stride <= slots.size(); at += view.stride) {
        const uint64_t length = load(reinterpret_cast<const uint8_t *>(slots.data() + at), 2);
        const uint64_t payload = length <= view.geometry.payload_bytes ? length : 0;
        cut += slots.substr(at, view.stride - view.geometry.payload_bytes + payload);
    }
    return cut;
}

bool comes_cut(const slotq_view &view)
{
    return view.stride >= 1024;
}

std::string slot_masked(const slotq_view &view, const char *slot)
{
    std::string text(slot, view.stride);
    const uint64_t length = load(reinterpret_cast<const uint8_t *>(slot), 2);
    const uint64_t used = view.stride - view.geometry.payload_bytes + length;
    if (used < view.stride) {
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(used), text.end(), '\0');
    }
    return text;
}

Reply text_reply(const std::string &text)
{
    Reply reply;
    reply.kind = Reply::Kind::string;
    reply.text = text;
    return reply;
}

Reply integer_reply(int64_t integer)
{
    Reply reply;
    reply.kind = Reply::Kind::integer;
    reply.integer = integer;
    return reply;
}

Reply status_reply(const std::string &text)
{
    Reply reply = text_reply(text);
    reply.kind = Reply::Kind::status;
    return reply;
}

Reply error_reply(const std::string &text)
{
    Reply reply = text_reply(text);
    reply.kind = Reply::Kind::error;
    return reply;
}

Reply expected_refusal(slotq_outcome outcome)
{
    return error_reply(std::string("SLOTQ") + slotq_outcome_name(outcome));
}

static void tell_holder(Reply &reply, const slotq_key_holder &holder)
{
    reply.items.push_back(integer_reply(holder.place));
    reply.items.push_back(integer_reply(static_cast<int64_t>(holder.id)));
    reply.items.push_back(integer_reply(holder.is_unfinished));
}

Reply expected_duplicate(const slotq_key_holder &taken)
{
    Reply reply = array_reply();
    reply.items = {status_reply("DUPLICATE"), integer_reply(taken.message)};
    tell_holder(reply, taken);
    return reply;
}

Reply expected_find(const slotq_call &call, slotq_outcome outcome)
{
    if (outcome == SLOTQ_INVALID) {
        return expected_refusal(outcome);
    }
    Reply reply = array_reply();
    reply.items = {status_reply(slotq_outcome_name(outcome))};
    tell_holder(reply, outcome == SLOTQ_OK ? call.find.holder : slotq_key_holder{});
    return reply;
}

Reply expected_push(const slotq_call &call, slotq_outcome outcome)
{
    if (outcome == SLOTQ_OK) {
        return integer_reply(static_cast<int64_t>(call.push.first_id));
    }
    if (outcome == SLOTQ_DUPLICATE) {
        return expected_duplicate(call.push.taken);
    }
    if (outcome != SLOTQ_FULL) {
        return expected_refusal(outcome);
    }
    const slotq_holder &holder = call.push.holder;
    return error_reply("SLOTQFULL " + std::to_string(holder.id) + " " +
                       std::to_string(holder.held) + " " + std::to_string(holder.unfinished) + " " +
                       std::to_string(holder.group) + " " + std::to_string(holder.state) + " " +
                       (holder.dead_full ? "1" : "0"));
}

Reply expected_reserve(const Image &image, const slotq_call &call, slotq_outcome outcome,
                       bool packed)
{
    const bool waits = call.reserve.may_wait;
    if (outcome == SLOTQ_AGAIN) {
        return status_reply(waits ? "AGAIN " + std::to_string(next_due(call)) : "AGAIN");
    }
    if (outcome == SLOTQ_LIMITED) {
        return status_reply("LIMITED " + std::to_string(next_due(call)));
    }
    if (outcome == SLOTQ_EMPTY && waits) {
        return integer_reply(next_due(call));
    }
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY) {
        return expected_refusal(outcome);
    }
    Reply reply = array_reply();
    std::string runs;
    std::string slots;
    for (uint32_t i = 0; i < call.reserve.run_count; i++) {
        const slotq_run &run = call.reserve.runs[i];
        uint32_t slot = slotq_core_slot_offset(&image.view(), run.id);
        runs += number(run.id, 6) + number(run.token, 4) + number(run.count, 2);
        for (uint32_t k = 0; k < run.count; k++) {
            if (packed) {
                slots += slot_text(image.view(), slot);
            } else {
                reply.items.push_back(integer_reply(static_cast<int64_t>(run.id + k)));
                reply.items.push_back(integer_reply(run.token));
                reply.items.push_back(integer_reply(run.token >> 2 & 63));
                reply.items.push_back(payload_reply(image.view(), slot));
            }
            slot = slotq_core_slot_after(&image.view(), slot);
        }
    }
    if (packed && !runs.empty()) {
        slots = comes_cut(image.view()) ? cut_slots(image.view(), slots) : slots;
        reply.items = {text_reply(runs), text_reply(slots)};
    }
    return reply;
}

/* The core's outcomes and tokens, count of each, are in the call. */
Reply expected_settle(const slotq_call &call, slotq_outcome outcome, uint32_t count, bool packed)
{
    if (outcome > SLOTQ_DEADFULL) {
        return expected_refusal(outcome);
    }
    Reply reply = packed ? text_reply("") : array_reply();
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t answer = call.settle.outcomes[i];
        const bool extended = call.verb == SLOTQ_EXTEND;
        if (packed) {
            reply.text += extended ? number(call.settle.tokens[i], 4) : number(answer, 1);
        } else if (extended && answer == SLOTQ_OK) {
            reply.items.push_back(integer_reply(call.settle.tokens[i]));
        } else {
            reply.items.push_back(status_reply(outcome_names[std::min<uint8_t>(answer, 4)]));
        }
    }
    return reply;
}

Reply expected_simple(const slotq_call &call, slotq_outcome outcome)
{
    Reply reply = array_reply();
    if (outcome == SLOTQ_INVALID) {
        return expected_refusal(outcome);
    }
    switch (call.verb) {
    case SLOTQ_RECLAIM:
        reply.items = {status_reply(slotq_outcome_name(outcome)),
                       integer_reply(call.reclaim.ready_count),
                       integer_reply(call.reclaim.dead_count)};
        return reply;
    case SLOTQ_REDRIVE:
        reply.items = {status_reply(slotq_outcome_name(outcome)), integer_reply(call.dead.count),
                       integer_reply(static_cast<int64_t>(call.dead.first_id)),
                       integer_reply(call.dead.damaged)};
        return reply;
    case SLOTQ_DEAD_REMOVE:
        reply.items = {status_reply(slotq_outcome_name(outcome)), integer_reply(call.dead.count)};
        return reply;
    case SLOTQ_DEAD_PURGE:
        return integer_reply(call.dead.count);
    case SLOTQ_FINISH:
        return outcome == SLOTQ_OK ? integer_reply(static_cast<int64_t>(call.finish.last_id))
                                   : status_reply("UNFINISHED");
    default:
        return status_reply(slotq_outcome_name(outcome));
    }
}

static Reply note_reply(const slotq_view &view, const slotq_item &item)
{
    const char *note =
        reinterpret_cast<const char *>(view.bytes) + item.slot_offset - view.geometry.note_bytes;
    return text_reply(std::string(note, item.note_bytes));
}

Reply expected_look(const Image &image, const slotq_call &call, slotq_outcome outcome, bool packed)
{
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY) {
        return expected_refusal(outcome);
    }
    const slotq_view &view = image.view();
    const bool peek = call.verb == SLOTQ_PEEK;
    Reply reply = packed ? text_reply("") : array_reply();
    for (uint32_t i = 0; i < call.look.count; i++) {
        const slotq_item &item = call.look.items[i];
        const Reply id = integer_reply(static_cast<int64_t>(item.id));
        const Reply payload = payload_reply(view, item.slot_offset);
        if (packed && peek) {
            reply.text +=
                number(item.id, 6) + number(item.word, 4) + slot_text(view, item.slot_offset);
        } else if (packed) {
            const size_t room = view.geometry.note_bytes;
            const char *entry =
                reinterpret_cast<const char *>(view.bytes) + item.slot_offset - room - 16;
            reply.text += std::string(entry, 16u + item.note_bytes) +
                          std::string(room - item.note_bytes, '\0') +
                          slot_text(view, item.slot_offset);
        } else if (peek) {
            reply.items.insert(reply.items.end(), {id, text_reply(state_names[item.state]),
                                                   integer_reply(item.attempts), payload});
        } else {
            reply.items.insert(reply.items.end(),
                               {id, integer_reply(static_cast<int64_t>(item.died_at_ms)),
                                integer_reply(item.attempts), integer_reply(item.group),
                                integer_reply(item.reason), payload, note_reply(view, item)});
        }
    }
    return reply;
}

Reply expected_later_list(const Image &image, const slotq_call &call, slotq_outcome outcome,
                          bool packed)
{
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY) {
        return expected_refusal(outcome);
    }
    const slotq_view &view = image.view();
    Reply reply = packed ? text_reply("") : array_reply();
    for (uint32_t i = 0; i < call.look.count; i++) {
        const slotq_item &item = call.look.items[i];
        if (packed) {
            const uint32_t slot = (item.slot_offset - image.later_slot_offset(0)) / view.stride;
            reply.text += number(item.due_ms, 6) + number(item.id, 4) + number(slot, 2) +
                          slot_text(view, item.slot_offset);
        } else {
            reply.items.insert(reply.items.end(), {integer_reply(static_cast<int64_t>(item.id)),
                                                   integer_reply(static_cast<int64_t>(item.due_ms)),
                                                   payload_reply(view, item.slot_offset)});
        }
    }
    return reply;
}

Reply expected_stats(const slotq_call &call, slotq_outcome outcome)
{
    if (outcome != SLOTQ_OK) {
        return expected_refusal(outcome);
    }
    const slotq_stats &stats = call.stats.stats;
    const std::pair<const char *, uint64_t> named[] = {
        {"last_id", stats.last_id},
        {"capacity", stats.capacity},
        {"used", stats.used},
        {"group", stats.group},
        {"ready", stats.ready},
        {"undelivered", stats.undelivered},
        {"leased", stats.leased},
        {"waiting", stats.waiting},
        {"unfinished", stats.unfinished},
        {"acked", stats.acked},
        {"redelivered", stats.redelivered},
        {"died", stats.died},
        {"next_due_ms", stats.next_due_ms},
        {"oldest_ms", stats.oldest_ms},
        {"aside", stats.aside},
        {"aside_capacity", stats.aside_capacity},
        {"later", stats.later},
        {"later_capacity", stats.later_capacity},
        {"later_due_ms", stats.later_due_ms},
        {"dead", stats.dead},
        {"dead_capacity", stats.dead_capacity},
        {"dropped", stats.dropped},
        {"dead_dropped", stats.dead_dropped},
        {"paused", stats.paused},
        {"max_leased", stats.limits.max_leased},
        {"rate_burst", stats.limits.rate_burst},
        {"rate_interval_us", stats.limits.rate_interval_us},
        {"limited_until_ms", stats.limited_until_ms},
        {"holder_id", stats.holder.id},
        {"holder_held", stats.holder.held},
        {"holder_unfinished", stats.holder.unfinished},
        {"holder_group", stats.holder.group},
        {"holder_state", static_cast<uint64_t>(stats.holder.state)},
        {"holder_steps_aside", stats.holder.steps_aside},
        {"holder_dead_full", stats.holder.dead_full ? 1u : 0u},
    };
    Reply reply = array_reply();
    for (const auto &entry : named) {
        reply.items.push_back(text_reply(entry.first));
        reply.items.push_back(integer_reply(static_cast<int64_t>(entry.second)));
    }
    return reply;
}

/* Seven values an id: appended, as a call of the script may ask for several. */
void expect_status(Reply &reply, const slotq_call &call, slotq_outcome outcome)
{
    if (outcome == SLOTQ_INVALID) {
        reply = expected_refusal(outcome);
        return;
    }
    const slotq_status none = {};
    const slotq_status &status = outcome == SLOTQ_OK ? call.status.status : none;
    const uint64_t pushed_ms = status.pushed_ms;
    const int64_t age_ms =
        pushed_ms == 0 ? -1 : static_cast<int64_t>(call.now_ms - std::min(call.now_ms, pushed_ms));
    reply.kind = Reply::Kind::array;
    reply.items.insert(
        reply.items.end(),
        {text_reply(outcome == SLOTQ_OK ? state_names[status.state] : slotq_outcome_name(outcome)),
         integer_reply(status.state == SLOTQ_STATE_DONE ? status.why : 0),
         integer_reply(status.attempts), integer_reply(static_cast<int64_t>(status.deadline_ms)),
         integer_reply(age_ms), integer_reply(status.position),
         integer_reply(static_cast<int64_t>(pushed_ms))});
}

/* ---- comparing ---- */

std::string differ(const Reply &expected, const Reply &got)
{
    const std::string both = "expected " + expected.told() + "\n    got      " + got.told();
    if (expected.kind == Reply::Kind::error) {
        const std::string code = got.text.substr(0, expected.text.size());
        const char after = got.text.size() > code.size() ? got.text[code.size()] : '\0';
        const bool same = got.kind == Reply::Kind::error && code == expected.text &&
                          (after == ' ' || after == ':');
        return same ? "" : both;
    }
    if (expected.kind != got.kind || expected.text != got.text || expected.integer != got.integer ||
        expected.items.size() != got.items.size()) {
        return both;
    }
    for (size_t i = 0; i < expected.items.size(); i++) {
        const Reply &left = expected.items[i];
        const Reply &right = got.items[i];
        if (!differ(left, right).empty()) {
            return "value " + std::to_string(i) + ": " + differ(left, right) +
                   "\n    whole: " + both;
        }
    }
    return "";
}

std::string name_of_byte(const slotq_view &view, uint32_t offset)
{
    const char *part = "";
    uint32_t in_part = offset;
    const uint32_t slots = view.geometry.ring_slots;
    std::string name = "byte " + std::to_string(offset) + ", ";
    if (offset >= view.dead_offset) {
        const uint32_t entry_bytes =
            support::dead_entry_bytes + view.geometry.note_bytes + view.stride;
        in_part = (offset - view.dead_offset) % entry_bytes;
        name += "dead entry " + std::to_string((offset - view.dead_offset) / entry_bytes);
        part = in_part < support::dead_entry_bytes ? "dead" : "";
        name += *part == '\0' ? ", byte " + std::to_string(in_part - 16) + " of its slot" : "";
    } else if (offset >= view.aside_slots_offset) {
        in_part = offset - view.aside_slots_offset;
        name += "slot aside " + std::to_string(in_part / view.stride) + ", its byte " +
                std::to_string(in_part % view.stride);
    } else if (offset >= view.aside_words_offset) {
        in_part = (offset - view.aside_words_offset) / 4;
        name += "word aside " + std::to_string(in_part) + " of " +
                std::to_string(view.geometry.aside_slots) + " in each group";
    } else if (offset >= view.aside_index_offset) {
        name += "aside entry " +
                std::to_string((offset - view.aside_index_offset) / support::aside_entry_bytes);
    } else if (offset >= view.ring_offset) {
        in_part = offset - view.ring_offset;
        name += "ring slot " + std::to_string(in_part / view.stride) + ", its byte " +
                std::to_string(in_part % view.stride);
    } else if (offset >= view.states_offset) {
        in_part = (offset - view.states_offset) / 4;
        name += "state word of group " + std::to_string(in_part / slots) + " slot " +
                std::to_string(in_part % slots);
    } else if (offset >= support::front_offset) {
        in_part = (offset - support::front_offset) % support::group_bytes;
        name += "group " + std::to_string((offset - support::front_offset) / support::group_bytes);
        part = in_part < 40 ? "group" : "limit";
    } else {
        part = offset < 8 ? "header" : offset < 44 ? "geometry" : "shared";
    }
#define SLOTQ_FIELD(of, field, at, size, meaning)                                                  \
    if (std::strcmp(part, #of) == 0 && in_part - (at) < (size)) {                                  \
        name += " " #of "." #field;                                                                \
    }
#include "../../engine/layout/fields.def"
#undef SLOTQ_FIELD
    return name;
}

std::string differ(const Image &core, const std::string &bytes)
{
    if (bytes.size() != core.bytes().size()) {
        return "the value has " + std::to_string(bytes.size()) + " bytes, not " +
               std::to_string(core.bytes().size());
    }
    if (std::memcmp(bytes.data(), core.data(), bytes.size()) == 0) {
        return "";
    }
    const support::Bytes raw(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    slotq_view view;
    slotq_damage damage;
    if (slotq_core_open(&view, raw.data(), raw.size(), &damage) != SLOTQ_OK) {
        return std::string("the value does not open: ") + damage.what;
    }
    const support::Bytes left = core.masked();
    const support::Bytes right = Image(raw).masked();
    for (uint32_t i = 0; i < left.size(); i++) {
        if (left.data()[i] != right.data()[i]) {
            return name_of_byte(core.view(), i) + ": core " + std::to_string(left.data()[i]) +
                   ", Lua " + std::to_string(right.data()[i]);
        }
    }
    return "";
}

} // namespace parity
