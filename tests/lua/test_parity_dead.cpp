/* test_parity_dead.cpp: see parity_play.hpp. Here: the verbs of the dead section, and the lists.
 */
#include "parity_play.hpp"

#include <algorithm>

namespace parity
{

namespace field = support::field;
using redis::Arguments;

namespace
{

void put_dead(Arguments &arguments, const slotq_call &call)
{
    const bool all = call.dead.group == SLOTQ_ALL_GROUPS;
    arguments.push_back(std::to_string(call.dead.id));
    arguments.push_back(all ? "all" : std::to_string(call.dead.group));
}

} // namespace

/* What the library tells the script: the oldest dead messages, or those with an id, and which are
 * damaged. */
std::string Play::judged(uint32_t limit, uint64_t id, uint32_t group) const
{
    const slotq_view &view = image_.view();
    const uint64_t span =
        image_.get(field::shared_dead_count) + image_.get(field::shared_dead_holes);
    std::string told;
    for (uint64_t i = 0; i < span && limit <= 4096 && told.size() < limit * 8; i++) {
        const uint64_t place = image_.get(field::shared_dead_head) + i;
        const uint32_t offset =
            image_.dead_offset(static_cast<uint32_t>(place % view.geometry.dead_slots));
        const uint8_t *entry = image_.data() + offset;
        const uint64_t here = support::load(entry, 6);
        const bool of_group = group == SLOTQ_ALL_GROUPS || group == entry[13];
        slotq_slot slot;
        if (here == 0 || (id != 0 && (here != id || !of_group))) {
            continue;
        }
        const uint32_t at = offset + 16 + view.geometry.note_bytes;
        told += number(here, 6) + number(entry[13], 1) +
                number(slotq_core_slot(&view, at, &slot) ? 0 : 1, 1);
    }
    return told;
}

std::string Play::redrive()
{
    slotq_call call = fresh(SLOTQ_REDRIVE);
    call.dead.limit = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(5);
    Arguments arguments = {now(), std::to_string(call.dead.limit)};
    const bool named = choices_.one_in(2);
    if (named) {
        choose_dead(call);
    }
    if ((image_.geometry().flags & SLOTQ_FLAG_CHECKS) != 0 || choices_.one_in(4)) {
        arguments.push_back(judged(call.dead.limit, call.dead.id, call.dead.group));
    } else if (named) {
        arguments.push_back("");
    }
    if (named) {
        put_dead(arguments, call);
    }
    send("redrive", arguments);
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

/* Into a ring that is mostly full, so that messages step aside amid it. */
std::string Play::redrive_full()
{
    std::string fault;
    for (uint32_t i = 0; i < 3 && fault.empty(); i++) {
        fault = push();
    }
    return fault.empty() ? redrive() : fault;
}

/* An id, mostly of the dead section, in a group or in all. */
void Play::choose_dead(slotq_call &call)
{
    const uint32_t group = choose_group();
    const uint64_t id = choose_dead_id();
    call.dead.id = id > 0 ? id : 1;
    call.dead.group = choices_.one_in(2) ? uint8_t{SLOTQ_ALL_GROUPS} : static_cast<uint8_t>(group);
}

std::string Play::dead_remove()
{
    slotq_call call = fresh(SLOTQ_DEAD_REMOVE);
    choose_dead(call);
    Arguments arguments = {any_now()};
    put_dead(arguments, call);
    send("dead_remove", arguments);
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_simple(call, outcome));
}

std::string Play::look()
{
    slotq_call call = fresh(choices_.one_in(2) ? SLOTQ_PEEK : SLOTQ_DEAD_LIST);
    const bool peek = call.verb == SLOTQ_PEEK;
    const bool packed = choices_.one_in(2);
    const std::string script = std::string(peek ? "peek" : "dead_list") + (packed ? "_packed" : "");
    call.look.from =
        peek ? (choices_.one_in(3) ? 0 : choose_id()) : choices_.below(choices_.one_in(2) ? 1 : 4);
    call.look.capacity = choices_.one_in(30) ? choices_.small(2) * 4097 : 1 + choices_.small(300);
    call.look.group = peek ? static_cast<uint8_t>(choose_group()) : uint8_t{0};
    std::vector<slotq_item> items(call.look.capacity + 1);
    call.look.items = items.data();
    Arguments arguments = {now()};
    if (peek) {
        arguments.push_back(std::to_string(call.look.group));
    }
    arguments.push_back(
        peek && call.look.from == 0 && choices_.one_in(2) ? "" : std::to_string(call.look.from));
    arguments.push_back(std::to_string(call.look.capacity));
    if (!peek && choices_.one_in(2)) {
        slotq_call named = {};
        choose_dead(named);
        call.look.id = named.dead.id;
        call.look.group = named.dead.group;
        put_dead(arguments, named);
    }
    send(script, arguments);
    const slotq_outcome outcome = image_.run(call);
    return compare(expected_look(image_, call, outcome, packed));
}

} // namespace parity
