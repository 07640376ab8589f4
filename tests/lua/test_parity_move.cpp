/* test_parity_move.cpp: move.lua against the core, which judges, pushes and acks in two images: the
 * same answer and the same bytes after every move, and a source that a refusal left as it was.
 * SLOTQ_MOVES (2000) is how many, SLOTQ_SEED the first seed.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "../support/catch.hpp"
#include "../support/counted.hpp"
#include "parity_play.hpp"

namespace
{

using parity::number;
using redis::Arguments;
using redis::Reply;
using support::Image;

namespace field = support::field;

constexpr uint64_t lease_ms = 5000;

/* One of the two queues, with the tokens that it gave out. */
struct Side {
    Image image;
    std::string key;
    std::vector<std::pair<uint32_t, slotq_run>> held;
};

class Moves
{
public:
    Moves(support::Choices &choices, redis::Connection &connection, redis::Scripts &scripts)
        : choices_(choices), connection_(connection),
          scripts_(scripts), sides_{{Image(shape()), "moves:a", {}},
                                    {Image(shape()), "moves:b", {}}}
    {
    }

    std::string step()
    {
        now_ms_ += choices_.small(3) * choices_.small(2000);
        for (uint32_t i = 0; i < 3; i++) {
            work(sides_[choices_.small(2)]);
        }
        Side &from = sides_[choices_.small(2)];
        return from.held.empty() ? "" : move(from, &from == &sides_[0] ? sides_[1] : sides_[0]);
    }

    uint32_t moved = 0, refused = 0, duplicate = 0, lost = 0, from_aside = 0;

private:
    slotq_geometry shape()
    {
        const uint32_t flags = choices_.small(32);
        slotq_geometry made =
            support::geometry(2 + choices_.small(9), 1 + choices_.small(20), 1 + choices_.small(2),
                              flags, choices_.small(3), choices_.small(4), 100);
        made.later_slots = static_cast<uint16_t>(choices_.small(4));
        if ((flags & SLOTQ_FLAG_OVERWRITE) == 0) {
            made.aside_slots = static_cast<uint8_t>(choices_.small(4));
            made.places = static_cast<uint8_t>(choices_.small(2));
        }
        made.generation = 1 + choices_.small(9);
        return made;
    }

    slotq_call fresh(slotq_verb verb) const
    {
        slotq_call call = {};
        slotq_core_begin(&call, verb, now_ms_);
        return call;
    }

    /* A key that several messages want, where there may be one. */
    uint64_t key_for(const Side &side)
    {
        return (side.image.geometry().flags & SLOTQ_FLAG_KEYS) != 0 && !choices_.one_in(3)
                   ? 1 + (uint64_t{choices_.small(12)} << 8)
                   : 0;
    }

    void work(Side &side)
    {
        const std::string payload(choices_.small(side.image.geometry().payload_bytes + 1u), 'w');
        const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
        const uint64_t key = key_for(side);
        slotq_run runs[4];
        slotq_call call = fresh(SLOTQ_RESERVE);
        switch (choices_.small(12)) {
        case 0:
        case 1:
        case 2:
            call = fresh(SLOTQ_PUSH);
            call.push.messages = &data;
            call.push.count = 1;
            call.push.keys = key != 0 ? &key : nullptr;
            call.push.key_mode = SLOTQ_KEY_UNIQUE;
            call.push.may_wait = choices_.one_in(3);
            break;
        case 3:
            call = fresh(SLOTQ_SCHEDULE);
            call.schedule.messages = &data;
            call.schedule.count = 1;
            call.schedule.due_ms = now_ms_ + choices_.small(3000);
            break;
        case 4:
            settle(side);
            return;
        case 5:
            call = fresh(choices_.one_in(4) ? SLOTQ_PAUSE : SLOTQ_RESUME);
            call.pause.what = SLOTQ_PAUSE_IN;
            break;
        default:
            call.reserve.lease_ms = lease_ms;
            call.reserve.runs = runs;
            call.reserve.run_capacity = 4;
            call.reserve.limit = 1 + choices_.small(4);
            call.reserve.group = static_cast<uint8_t>(choices_.small(side.image.geometry().groups));
            call.reserve.may_wait = choices_.one_in(3);
            break;
        }
        side.image.run(call);
        for (uint32_t i = 0; call.verb == SLOTQ_RESERVE && i < call.reserve.run_count; i++) {
            for (uint32_t k = 0; k < runs[i].count; k++) {
                side.held.push_back({call.reserve.group, {runs[i].id + k, runs[i].token, 1}});
            }
        }
    }

    void settle(Side &side)
    {
        if (side.held.empty()) {
            return;
        }
        const auto &one = side.held[choices_.small(static_cast<uint32_t>(side.held.size()))];
        slotq_call call = fresh(choices_.one_in(2) ? SLOTQ_NACK : SLOTQ_ACK);
        call.settle.group = static_cast<uint8_t>(one.first);
        call.settle.runs = &one.second;
        call.settle.run_count = 1;
        side.image.run(call);
    }

    void put(const Side &side)
    {
        connection_.command({"SET", side.key,
                             std::string(reinterpret_cast<const char *>(side.image.data()),
                                         side.image.bytes().size())});
    }

    std::string known(const Side &side)
    {
        return choices_.one_in(2)
                   ? std::string(reinterpret_cast<const char *>(side.image.data()) + 8, 36)
                   : "";
    }

    std::string move(Side &from, Side &to)
    {
        const bool newest = choices_.one_in(2);
        const auto one = newest
                             ? from.held.back()
                             : from.held[choices_.small(static_cast<uint32_t>(from.held.size()))];
        const uint64_t id = one.second.id;
        const bool checks = (from.image.geometry().flags & SLOTQ_FLAG_CHECKS) != 0;
        const bool there = (to.image.geometry().flags & SLOTQ_FLAG_CHECKS) != 0;
        const uint64_t key = key_for(to);
        std::string bytes(choices_.small(to.image.geometry().payload_bytes + 2u), 'g');
        const bool slot = bytes.size() <= to.image.geometry().payload_bytes && choices_.one_in(3);
        const bool given = slot || (!there && choices_.one_in(3));
        if (!given && checks != there) {
            return "";
        }
        Arguments arguments = {known(from) + std::to_string(now_ms_),
                               known(to),
                               std::to_string(one.first),
                               std::to_string(id),
                               std::to_string(one.second.token),
                               key != 0 ? number(key, 8) : ""};
        slotq_data data = {bytes.data(), static_cast<uint32_t>(bytes.size())};
        if (given) {
            arguments.push_back(slot ? "slot" : "payload");
            arguments.push_back(
                slot ? parity::packed_slots(to.image.geometry(), &data, 1, now_ms_, 'f') : bytes);
        }
        put(from);
        put(to);
        const Reply got = connection_.command(
            scripts_.call_of_two("move", from.key, to.key, arguments));
        return compare(from, to, one, given ? &data : nullptr, key, got);
    }

    /* What the core says of the same, which it does to both images. */
    std::string compare(Side &from, Side &to, const std::pair<uint32_t, slotq_run> &one,
                        const slotq_data *given, uint64_t key, const Reply &got)
    {
        Image acked = from.image;
        slotq_call ack = fresh(SLOTQ_ACK);
        ack.settle.group = static_cast<uint8_t>(one.first);
        ack.settle.runs = &one.second;
        ack.settle.run_count = 1;
        const slotq_outcome judged = acked.run(ack);
        Reply expected = parity::status_reply(slotq_outcome_word(judged));
        if (judged == SLOTQ_OK) {
            slotq_slot slot;
            from_aside += one.second.id < from.image.head_id() ? 1 : 0;
            const uint32_t at = from.image.slot_offset_of(one.second.id);
            if (!slotq_core_slot(&from.image.view(), at, &slot)) {
                return "the core cannot read message " + std::to_string(one.second.id);
            }
            const slotq_data own = {slot.payload, slot.payload_bytes};
            slotq_call push = fresh(SLOTQ_PUSH);
            push.push.messages = given != nullptr ? given : &own;
            push.push.count = 1;
            push.push.keys = key != 0 ? &key : nullptr;
            push.push.key_mode = SLOTQ_KEY_ONCE;
            const slotq_outcome pushed = to.image.run(push);
            expected = parity::expected_push(push, pushed);
            if (pushed == SLOTQ_OK || pushed == SLOTQ_DUPLICATE) {
                from.image = acked;
            }
            moved += pushed == SLOTQ_OK;
            duplicate += pushed == SLOTQ_DUPLICATE;
            refused += pushed != SLOTQ_OK && pushed != SLOTQ_DUPLICATE;
        } else {
            lost++;
        }
        std::string fault = parity::differ(expected, got);
        for (const Side *side : {&from, &to}) {
            if (fault.empty()) {
                fault = parity::differ(side->image, connection_.command({"GET", side->key}).text);
                fault = fault.empty() ? "" : side->key + ": " + fault;
            }
        }
        return fault.empty() ? "" : fault + " after " + got.told();
    }

    static std::string slotq_outcome_word(slotq_outcome outcome)
    {
        return outcome == SLOTQ_STALE  ? "STALE"
               : outcome == SLOTQ_GONE ? "GONE"
               : outcome == SLOTQ_OK   ? "OK"
                                       : "NOTFOUND";
    }

    support::Choices &choices_;
    redis::Connection &connection_;
    redis::Scripts &scripts_;
    Side sides_[2];
    uint64_t now_ms_ = 1700000000000;
};

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

} // namespace

TEST_CASE("parity: a move does what the core does to two queues")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7", "module");
    const auto connection =
        (variant == "module" ? redis::module_server() : redis::shared_server()).connect();
    redis::Scripts scripts(*connection, variant);
    const uint64_t wanted = setting("SLOTQ_MOVES", 2000);
    uint64_t seed = setting("SLOTQ_SEED", 1);
    uint32_t moved = 0, refused = 0, duplicate = 0, lost = 0, aside = 0;
    while (moved + refused + duplicate + lost < wanted) {
        support::RandomChoices choices(seed);
        Moves moves(choices, *connection, scripts);
        for (uint32_t i = 0; i < 120; i++) {
            const std::string fault = moves.step();
            CAPTURE(variant, seed, i, fault);
            REQUIRE(fault.empty());
        }
        moved += moves.moved;
        refused += moves.refused;
        duplicate += moves.duplicate;
        lost += moves.lost;
        aside += moves.from_aside;
        seed++;
    }
    std::printf(
        "core against %s: %u moved, %u of them from aside, %u there before, %u refused, "
        "%u of lost leases\n",
        variant == "module" ? "the module" : (variant + " Lua").c_str(), moved, aside, duplicate,
        refused, lost);
    support::counted(moved + refused + duplicate + lost, "moves");
    CHECK(moved > wanted / 10);
    CHECK(refused > wanted / 20);
    CHECK(duplicate > wanted / 50);
    CHECK(lost > wanted / 20);
    CHECK(aside > 0);
}
