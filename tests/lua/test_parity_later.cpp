/* test_parity_later.cpp: see parity_play.hpp. Here: the verbs of scheduled messages.
 */
#include "parity_play.hpp"

#include <algorithm>

namespace parity
{

namespace field = support::field;
using redis::Arguments;

std::string Play::schedule()
{
    const slotq_geometry &shape = image_.geometry();
    const bool checks = (shape.flags & SLOTQ_FLAG_CHECKS) != 0;
    const bool packed = choose_packed("schedule_packed", "schedule") || checks;
    const uint32_t room = shape.later_slots + 1u;
    const uint32_t most = choices_.one_in(4) ? std::min(room, wide_ ? 4096u : 300u) : 4u;
    const uint32_t count =
        choices_.one_in(50) ? choices_.small(2) * 4097 : 1 + choices_.small(most);
    choose_payloads(count, choices_.one_in(60) && !packed && count > 0);
    slotq_call call = fresh(SLOTQ_SCHEDULE);
    call.schedule.messages = data_.data();
    call.schedule.count = count;
    call.schedule.due_ms = choose_due_ms();
    call.schedule.not_past = choices_.one_in(3);
    const bool keyed = choose_keys(count, packed);
    call.schedule.keys = keyed ? keys_.data() : nullptr;
    call.schedule.key_mode = choose_mode();
    const std::string not_past = call.schedule.not_past ? "1" : choices_.one_in(2) ? "0" : "";
    Arguments arguments = {now(), std::to_string(call.schedule.due_ms)};
    const bool damaged = packed && damages_ && count > 0 && choices_.one_in(2);
    if (packed) {
        arguments.push_back(std::to_string(count));
        arguments.push_back(choose_slots(count, damaged));
        if (!not_past.empty() || keyed || choices_.one_in(2)) {
            arguments.push_back(not_past);
        }
        if (keyed) {
            put_keys(arguments, call.schedule.key_mode);
        }
    } else if (keyed) {
        arguments.push_back(not_past);
        put_key_pairs(arguments, call.schedule.key_mode);
    } else {
        arguments.push_back(not_past);
        arguments.insert(arguments.end(), payloads_.begin(), payloads_.end());
    }
    send(packed ? "schedule_packed" : keyed ? "schedule_keyed" : "schedule", arguments);
    const slotq_outcome outcome = image_.run(call);
    if (damaged && outcome == SLOTQ_OK) {
        damage_later(static_cast<uint32_t>(call.schedule.first_later_id));
    }
    return compare(outcome == SLOTQ_OK          ? integer_reply(call.schedule.first_later_id)
                   : outcome == SLOTQ_EMPTY     ? status_reply("EMPTY")
                   : outcome == SLOTQ_DUPLICATE ? expected_duplicate(call.schedule.taken)
                                                : expected_refusal(outcome));
}

/* As damage_newest, for the slot of a scheduled message. */
void Play::damage_later(uint32_t later_id)
{
    uint32_t entry = 0;
    while (image_.later_id(entry) != later_id) {
        entry++;
    }
    std::copy_n(slots_.begin(), image_.view().stride,
                image_.data() + image_.later_slot_offset(image_.later_slot(entry)));
}

/* The next verb finds it all due. */
std::string Play::rush()
{
    std::string fault;
    begin_rush();
    for (uint32_t i = 0; i < 6 && fault.empty(); i++) {
        fault = schedule();
    }
    end_rush();
    return !fault.empty() ? fault : choices_.one_in(2) ? push() : (this->*choose_step())();
}

/* Most leases of a full ring end while messages are due: a reserve finds no room for these, and
 * then its sweep makes some. */
std::string Play::expire()
{
    static const Step fill[] = {&Play::schedule, &Play::push, &Play::push, &Play::reserve,
                                &Play::reserve};
    const uint64_t most = SLOTQ_NOW_MS_MAX;
    std::string fault;
    begin_rush();
    for (const Step next : fill) {
        fault = fault.empty() ? (this->*next)() : fault;
    }
    end_rush();
    now_ms_ = std::max(now_ms_, std::min(now_ms_ + 60 * image_.geometry().tick_ms, most));
    return fault.empty() ? reserve() : fault;
}

std::string Play::cancel()
{
    slotq_call call = fresh(SLOTQ_CANCEL);
    call.cancel.later_id = choose_later_id();
    send("cancel", {any_now(), std::to_string(call.cancel.later_id)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::kick()
{
    slotq_call call = fresh(SLOTQ_KICK);
    call.kick.is_later = choices_.one_in(2);
    call.kick.id = call.kick.is_later ? choose_later_id() : choose_id();
    call.kick.id += choices_.one_in(60) ? UINT64_C(1) << 32 : 0;
    call.kick.group = static_cast<uint8_t>(choose_group());
    send("kick", {now(), std::to_string(call.kick.id),
                  call.kick.is_later ? "later" : std::to_string(call.kick.group)});
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::later_list()
{
    slotq_call call = fresh(SLOTQ_LATER_LIST);
    const bool packed = choices_.one_in(2);
    call.look.from = choices_.below(choices_.one_in(2) ? 1 : 20);
    call.look.capacity = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(300);
    std::vector<slotq_item> items(call.look.capacity + 1);
    call.look.items = items.data();
    send(packed ? "later_list_packed" : "later_list",
         {any_now(), std::to_string(call.look.from), std::to_string(call.look.capacity)});
    const slotq_outcome outcome = image_.run(call);
    const uint32_t fit = std::max(1u, SLOTQ_CALL_BYTES_MAX / image_.view().stride);
    call.look.count = std::min(call.look.count, fit); /* what a script returns at most */
    return compare(expected_later_list(image_, call, outcome, packed));
}

} // namespace parity
