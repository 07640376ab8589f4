/* test_parity_verbs.cpp: see parity_play.hpp. Here: each verb asked of both, and the asking.
 */
#include "parity_play.hpp"

#include <algorithm>

namespace parity
{

namespace field = support::field;
using redis::Arguments;
using redis::Reply;

namespace
{

constexpr size_t told_max = 12;

std::string shortened(const std::string &argument)
{
    const Reply reply = text_reply(argument.substr(0, 60));
    return reply.told() + (argument.size() > 60 ? "…" + std::to_string(argument.size()) : "");
}

void put_runs(Arguments &arguments, const std::vector<slotq_run> &runs, bool packed)
{
    std::string text;
    for (const slotq_run &run : runs) {
        text += number(run.id, 6) + number(run.token, 4) + number(run.count, 2);
        for (uint32_t i = 0; !packed && i < run.count; i++) {
            arguments.push_back(std::to_string(run.id + i));
            arguments.push_back(std::to_string(run.token));
        }
    }
    if (packed) {
        arguments.push_back(text);
    }
}

} // namespace

/* ---- asking ---- */

/* One round trip: the verb, and what it left. The core works while the server does. */
void Play::send(const std::string &script, const Arguments &arguments)
{
    script_ = script;
    before_ = image_.bytes();
    connection_.append(scripts_.call(script, key_, arguments));
    connection_.append({"GET", key_});
    connection_.send();
    std::string told = script;
    for (size_t i = 0; i < arguments.size() && i < 20; i++) {
        told += " " + shortened(arguments[i]);
    }
    told_.push_back(told);
    if (told_.size() > told_max) {
        told_.pop_front();
    }
}

/* The server's answer with the undefined bytes of its slots zero. */
Reply Play::normal(const Reply &got) const
{
    const slotq_view &view = image_.view();
    Reply reply = got;
    const size_t size = reply.text.size();
    if (script_ == "reserve_packed" && reply.items.size() > 1 &&
        reply.items[0].kind == Reply::Kind::string) {
        /* slots may come in any number of strings */
        std::string slots;
        for (size_t i = 1; i < reply.items.size(); i++) {
            slots += reply.items[i].text;
        }
        for (size_t at = 0; at + view.stride <= slots.size() && !comes_cut(view);
             at += view.stride) {
            slots.replace(at, view.stride, slot_masked(view, slots.data() + at));
        }
        reply.items.resize(2);
        reply.items[1].text = slots;
        return reply;
    }
    const bool dead = script_ == "dead_list_packed";
    const size_t note = dead ? view.geometry.note_bytes : 0;
    const size_t before = script_ == "peek_packed"         ? 10
                          : script_ == "later_list_packed" ? 12
                          : dead                           ? 16 + note
                                                           : 0;
    if (got.kind != Reply::Kind::string || before == 0) {
        return reply;
    }
    size_t at = 0;
    while (at + before <= size) {
        const size_t length = dead ? static_cast<uint8_t>(reply.text[at + 15]) : 0;
        if (length < note) {
            reply.text.replace(at + 16 + length, note - length, note - length, '\0');
        }
        at += before;
        if (at + view.stride <= size) {
            reply.text.replace(at, view.stride, slot_masked(view, reply.text.data() + at));
        }
        at += view.stride;
    }
    return reply;
}

std::string Play::compare(const Reply &expected)
{
    std::string ring, fill;
    const bool rings_known = !rings_unknown_;
    rings_unknown_ = false;
    const Reply proper = without_fill(without_ring(connection_.next(), ring), fill);
    const Reply got = without_rank(expected, normal(proper));
    const Reply value = connection_.next();
    told_.back() += " -> " + got.told().substr(0, 200);
    const bool core_ran = script_ != "unwait";
    wakes_ += (core_ran && image_.woke()) || woke_ ? 1 : 0;
    woke_ = false;
    if (!image_.fault().empty()) {
        return "the core: " + image_.fault();
    }
    const std::string reply = differ(expected, got);
    if (!reply.empty() || !fill.empty() || (rings_known && !ring.empty())) {
        return "reply: " + reply + fill + ring;
    }
    const std::string bytes = differ(image_, value.text);
    return bytes.empty() ? "" : "image: " + bytes;
}

/* Every wake of the core must have been a message, and nothing else: a PING is answered after
 * all of them. */
std::string Play::count_wakes()
{
    uint32_t heard = 0;
    listener_.append({"PING"});
    for (;;) {
        const Reply reply = listener_.next();
        if (reply.kind != Reply::Kind::array || reply.items.size() < 2 ||
            reply.items[0].text == "pong") {
            break;
        }
        heard += reply.items[0].text == "message" ? 1 : 0;
    }
    const uint32_t wanted = image_.geometry().places > 0 ? 0 : wakes_;
    wakes_ = 0;
    return heard == wanted ? ""
                           : std::to_string(heard) + " wake messages, the core woke " +
                                 std::to_string(wanted) + " times in the last 40 steps";
}

std::string Play::end()
{
    const std::string fault = count_wakes();
    listener_.command({"UNSUBSCRIBE", "slotq:" + key_});
    connection_.command({"DEL", key_});
    return fault;
}

/* The fields of a group as they were before the last verb. */
std::string Play::group_before(uint32_t group) const
{
    const uint8_t *block = before_.data() + support::front_offset + support::group_bytes * group;
    std::string told = "  before, group " + std::to_string(group) + ":";
    const auto tell = [&](const char *name, uint32_t offset, uint32_t bytes) {
        told +=
            std::string(" ") + name + " " + std::to_string(support::load(block + offset, bytes));
    };
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) tell(#name, offset, bytes);
#include "../../engine/layout/fields/group.def"
#include "../../engine/layout/fields/limit.def"
#undef SLOTQ_FIELD
    return told + " tail " + std::to_string(support::load(before_.data() + 6, 2)) + "\n";
}

std::string Play::told() const
{
    const slotq_geometry &shape = image_.geometry();
    std::string told = "ring_slots " + std::to_string(shape.ring_slots) + " payload_bytes " +
                       std::to_string(shape.payload_bytes) + " groups " +
                       std::to_string(shape.groups) + " flags " + std::to_string(shape.flags) +
                       " max_attempts " + std::to_string(shape.max_attempts) + " dead_slots " +
                       std::to_string(shape.dead_slots) + " aside_slots " +
                       std::to_string(shape.aside_slots) + " tick_ms " +
                       std::to_string(shape.tick_ms) + (damages_ ? ", some damaged" : "") + "\n";
    for (const std::string &line : told_) {
        told += "  " + line + "\n";
    }
    for (uint32_t group = 0; group < shape.groups && before_.size() > 0; group++) {
        told += group_before(group);
    }
    return told;
}

/* The packed script or the plain one: what there is. */
bool Play::choose_packed(const char *packed, const char *plain)
{
    const bool wanted = !choices_.one_in(3);
    return (wanted && scripts_.has(packed)) || !scripts_.has(plain);
}

/* ---- verbs ---- */

/* count messages in data_, the last of them too large if asked for. */
void Play::choose_payloads(uint32_t count, bool too_big)
{
    const slotq_geometry &shape = image_.geometry();
    payloads_.assign(count, std::string());
    data_.assign(count, slotq_data());
    for (uint32_t i = 0; i < count; i++) {
        const bool last = too_big && i + 1 == count;
        payloads_[i].assign(last ? shape.payload_bytes + 1u
                                 : choices_.small(shape.payload_bytes + 1u),
                            static_cast<char>('a' + choices_.small(26)));
        data_[i] = {payloads_[i].data(), static_cast<uint32_t>(payloads_[i].size())};
    }
}

/* data_ as slots, whole or cut; damaged: the first says a length that cannot be. */
std::string Play::choose_slots(uint32_t count, bool damaged)
{
    const slotq_geometry &shape = image_.geometry();
    slots_ =
        packed_slots(shape, data_.data(), count, now_ms_, static_cast<char>(choices_.small(256)));
    if (damaged) {
        slots_.replace(0, 2, number(shape.payload_bytes + 1u, 2));
    } else if (choices_.one_in(2)) {
        slots_ = cut_slots(image_.view(), slots_);
    }
    return slots_;
}

std::string Play::push()
{
    const slotq_geometry &shape = image_.geometry();
    const bool checks = (shape.flags & SLOTQ_FLAG_CHECKS) != 0;
    const bool packed = choose_packed("push_packed", "push") || checks;
    const uint32_t room = std::min<uint32_t>(shape.ring_slots, wide_ ? 4096 : 400);
    const uint32_t most = choices_.one_in(3) || wide_ ? room : 4u;
    const uint32_t count =
        choices_.one_in(50) ? choices_.small(2) * 4097 : 1 + choices_.small(most);
    choose_payloads(count, choices_.one_in(60) && !packed && count > 0);
    slotq_call call = fresh(SLOTQ_PUSH);
    call.push.messages = data_.data();
    call.push.count = count;
    call.push.may_wait = packed && choices_.one_in(2);
    const bool keyed = choose_keys(count, packed);
    call.push.keys = keyed ? keys_.data() : nullptr;
    call.push.key_mode = choose_mode();
    const bool stamps = (shape.flags & SLOTQ_FLAG_STAMPS) != 0;
    const bool timeless = (packed || !stamps) && shape.later_slots == 0;
    Arguments arguments = {timeless ? any_now() : now()};
    const bool damaged = packed && damages_ && count > 0 && choices_.one_in(2);
    if (packed) {
        arguments.push_back(std::to_string(count));
        arguments.push_back(choose_slots(count, damaged));
        if (keyed) {
            put_keys(arguments, call.push.key_mode);
        }
        if (call.push.may_wait || choices_.one_in(2)) {
            arguments.push_back(call.push.may_wait ? "1" : "");
            put_place(arguments, keyed ? 5 : 3);
        }
    } else if (keyed) {
        put_key_pairs(arguments, call.push.key_mode);
    } else {
        arguments.insert(arguments.end(), payloads_.begin(), payloads_.end());
    }
    send(std::string("push") + (keyed ? "_keyed" : "") + (packed ? "_packed" : ""), arguments);
    const uint64_t later = image_.get(field::shared_later_count);
    const slotq_outcome outcome = image_.run(call);
    const bool promotes = image_.get(field::shared_later_count) < later;
    refused_ += outcome != SLOTQ_OK && promotes ? 1 : 0;
    if (damaged && outcome == SLOTQ_OK) {
        damage_newest(call.push.first_id);
    }
    return compare(expected_push(call, outcome));
}

/* The core packs slots itself, so the same damage is made by hand; of a damaged slot no byte is
 * undefined, so the slot is taken as the client packed it. */
void Play::damage_newest(uint64_t first_id)
{
    const uint32_t offset = slotq_core_slot_offset(&image_.view(), first_id);
    std::copy_n(slots_.begin(), image_.view().stride, image_.data() + offset);
}

/* What the plain reserve does where messages are damaged: each dies by a kill, or is
 * released for a minute where the dead section refuses it, and where none was sound it reserves
 * again. The core's answer is left in call without the damaged ones. */
slotq_outcome Play::reserve_sound(slotq_call &call)
{
    slotq_call asked = call;
    slotq_outcome outcome = SLOTQ_AGAIN;
    bool woke = false;
    for (uint32_t i = 0; i < 64 && outcome == SLOTQ_AGAIN; i++) {
        std::vector<slotq_run> sound;
        call = asked;
        outcome = image_.run(call);
        asked.progress.asks_ring = false;
        rings_unknown_ = i > 0; /* of several calls */
        woke = woke || image_.woke();
        for (uint32_t k = 0; outcome == SLOTQ_OK && k < call.reserve.run_count; k++) {
            const slotq_run &run = call.reserve.runs[k];
            for (uint32_t m = 0; m < run.count; m++) {
                slotq_slot slot;
                const slotq_run one = {run.id + m, run.token, 1};
                if (slotq_core_slot(&image_.view(), slotq_core_slot_offset(&image_.view(), one.id),
                                    &slot)) {
                    sound.push_back(one);
                    continue;
                }
                slotq_call kill = fresh(SLOTQ_KILL);
                kill.settle.runs = &one;
                kill.settle.run_count = 1;
                kill.settle.group = call.reserve.group;
                kill.settle.reason = SLOTQ_REASON_DAMAGED;
                const slotq_outcome killed = image_.run(kill);
                rings_unknown_ = true;
                woke = woke || image_.woke();
                if (killed == SLOTQ_DEADFULL) {
                    slotq_call wait = kill;
                    slotq_core_begin(&wait, SLOTQ_RELEASE, now_ms_);
                    wait.settle.ms = 60000;
                    image_.run(wait);
                    woke = woke || image_.woke();
                }
            }
        }
        if (outcome != SLOTQ_OK) {
            break;
        }
        call.reserve.run_count = static_cast<uint32_t>(sound.size());
        std::copy(sound.begin(), sound.end(), call.reserve.runs);
        outcome = sound.empty() ? SLOTQ_AGAIN : SLOTQ_OK;
        call.reserve.next_due_ms = now_ms_;
    }
    woke_ = woke;
    return outcome;
}

std::string Play::reserve()
{
    const uint32_t group = choose_group();
    const bool checks = (image_.geometry().flags & SLOTQ_FLAG_CHECKS) != 0;
    const bool packed = choose_packed("reserve_packed", "reserve") || checks;
    slotq_call call = fresh(SLOTQ_RESERVE);
    call.reserve.group = static_cast<uint8_t>(group);
    call.reserve.lease_ms = choose_duration();
    call.reserve.limit = choose_count(4096);
    call.reserve.run_capacity = std::max(1u, call.reserve.limit);
    call.reserve.may_wait = choices_.one_in(2);
    std::vector<slotq_run> runs(call.reserve.run_capacity);
    call.reserve.runs = runs.data();
    Arguments arguments = {now(), std::to_string(group), std::to_string(call.reserve.limit),
                           std::to_string(call.reserve.lease_ms)};
    const bool rounds = choices_.one_in(8);
    if (rounds) {
        call.reserve.may_wait = false;
        call.progress.asks_ring = true;
        arguments.push_back("2");
    } else if (call.reserve.may_wait || choices_.one_in(4)) {
        arguments.push_back(call.reserve.may_wait ? "1" : "");
        put_place(arguments, 4);
    }
    send(packed ? "reserve_packed" : "reserve", arguments);
    const slotq_outcome outcome = packed ? image_.run(call) : reserve_sound(call);
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < call.reserve.run_count; i++) {
        keep(group, runs[i]);
    }
    call.reserve.may_wait = call.reserve.may_wait || rounds; /* it is told the time, too */
    return compare(expected_reserve(image_, call, outcome, packed));
}

std::string Play::settle()
{
    static const slotq_verb verbs[] = {SLOTQ_ACK,    SLOTQ_ACK,  SLOTQ_ACK,     SLOTQ_NACK,
                                       SLOTQ_NACK,   SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND,
                                       SLOTQ_EXTEND, SLOTQ_KILL};
    static const char *const names[] = {"ack", "nack", "release", "extend", "kill"};
    slotq_call call = fresh(verbs[choices_.small(10)]);
    const uint32_t group = choose_runs();
    bool packed = choose_packed("settle_packed", "settle");
    if (choices_.one_in(60)) {
        runs_.back().count = choices_.small(2) * 4097;
    }
    if (choices_.one_in(80)) {
        runs_.clear();
    }
    uint32_t count = 0;
    for (const slotq_run &run : runs_) {
        packed = packed || run.count == 0; /* which pairs of id and token cannot say */
        count += run.count;
    }
    const bool may_delay = call.verb == SLOTQ_NACK || call.verb == SLOTQ_RELEASE;
    const bool delayed = call.verb == SLOTQ_EXTEND || (may_delay && !choices_.one_in(2));
    std::vector<uint8_t> outcomes(count + 1, 77);
    std::vector<uint32_t> tokens(count + 1, 77);
    call.settle.runs = runs_.data();
    call.settle.run_count = static_cast<uint32_t>(runs_.size());
    call.settle.group = static_cast<uint8_t>(group);
    const bool plain_ack = call.verb == SLOTQ_ACK && !choices_.one_in(8); /* the usual call */
    call.settle.reason = static_cast<uint8_t>(plain_ack ? 0 : choices_.small(256));
    call.settle.ms = delayed ? choose_duration() : 0;
    call.settle.outcomes = outcomes.data();
    call.settle.tokens = tokens.data();
    Arguments arguments = {call.verb == SLOTQ_ACK ? any_now() : now(), names[call.verb - SLOTQ_ACK],
                           std::to_string(group), std::to_string(call.settle.ms),
                           std::to_string(call.settle.reason)};
    put_runs(arguments, runs_, packed);
    if ((call.verb == SLOTQ_KILL || call.verb == SLOTQ_NACK) && choices_.one_in(2)) {
        choose_note(call.settle);
        if (!packed) {
            arguments.push_back("note");
        }
        arguments.push_back(note_);
    }
    send(packed ? "settle_packed" : "settle", arguments);
    const slotq_outcome outcome = image_.run(call);
    if (call.verb == SLOTQ_EXTEND && outcome == SLOTQ_OK) {
        keep(group, {runs_[0].id, tokens[0], runs_[0].count});
    }
    return compare(expected_settle(call, outcome, count, packed));
}

std::string Play::remove()
{
    slotq_call call = fresh(SLOTQ_REMOVE);
    call.remove.id = choose_id();
    const uint32_t group = choose_group();
    const bool all = choices_.one_in(3);
    call.remove.group = all ? uint8_t{SLOTQ_ALL_GROUPS} : static_cast<uint8_t>(group);
    send("remove",
         {any_now(), std::to_string(call.remove.id), all ? "all" : std::to_string(group)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::reclaim()
{
    slotq_call call = fresh(SLOTQ_RECLAIM);
    call.reclaim.group = static_cast<uint8_t>(choose_group());
    send("reclaim", {now(), std::to_string(call.reclaim.group)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

/* Seldom, or nothing else would happen. */
std::string Play::administer()
{
    static const slotq_verb verbs[] = {SLOTQ_PAUSE, SLOTQ_RESUME,     SLOTQ_RESUME, SLOTQ_RESUME,
                                       SLOTQ_PURGE, SLOTQ_DEAD_PURGE, SLOTQ_FINISH};
    slotq_call call = fresh(verbs[choices_.small(7)]);
    const bool pauses = call.verb == SLOTQ_PAUSE || call.verb == SLOTQ_RESUME;
    if (!pauses && call.verb != SLOTQ_FINISH && !choices_.one_in(4)) {
        return "";
    }
    Arguments arguments = {any_now()};
    if (pauses) {
        const uint32_t both = call.verb == SLOTQ_RESUME && !choices_.one_in(3) ? 7 : 0;
        call.pause.what = static_cast<uint8_t>(
            choices_.one_in(20) ? choices_.small(2) * 8
                                : both | (choices_.one_in(8) ? 4u : 1 + choices_.small(3)));
        arguments.push_back(std::to_string(call.pause.what));
    }
    send(call.verb == SLOTQ_PAUSE    ? "pause"
         : call.verb == SLOTQ_RESUME ? "resume"
         : call.verb == SLOTQ_PURGE  ? "purge"
         : call.verb == SLOTQ_FINISH ? "finish"
                                     : "dead_purge",
         arguments);
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::limit()
{
    if (!limited_) {
        return "";
    }
    slotq_call call = fresh(SLOTQ_LIMIT);
    call.limit = choose_limit();
    send("limit", {now(), std::to_string(call.limit.group), std::to_string(call.limit.what),
                   std::to_string(call.limit.limits.max_leased),
                   std::to_string(call.limit.limits.rate_interval_us),
                   std::to_string(call.limit.limits.rate_burst)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::stats()
{
    slotq_call call = fresh(SLOTQ_STATS);
    call.stats.group = static_cast<uint8_t>(choose_group());
    send("stats", {now(), std::to_string(call.stats.group)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_stats(call, outcome));
}

std::string Play::status()
{
    const uint32_t group = choose_group();
    Arguments arguments = {now(), std::to_string(group)};
    std::vector<uint64_t> ids(1 + choices_.small(3));
    for (uint64_t &id : ids) {
        id = choose_id();
        arguments.push_back(std::to_string(id));
    }
    send("status", arguments);
    Reply expected;
    for (const uint64_t id : ids) {
        slotq_call call = fresh(SLOTQ_STATUS);
        call.status.id = id;
        call.status.group = static_cast<uint8_t>(group);
        const slotq_outcome outcome = image_.run(call);
        expect_status(expected, call, outcome);
    }
    return compare(expected);
}

} // namespace parity
