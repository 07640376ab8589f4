/* simulation.cpp: the simulation of states.hpp: actions become core calls, each step
 * leaves a legal state. Knows the core's calls; knows no file.
 */
#include "states.hpp"

#include <algorithm>
#include <cstring>

namespace crash
{

action push(uint32_t count)
{
    action wanted;
    wanted.verb = SLOTQ_PUSH;
    wanted.count = count;
    return wanted;
}

action reserve(uint8_t group, uint32_t count, uint64_t lease_ms)
{
    action wanted;
    wanted.verb = SLOTQ_RESERVE;
    wanted.group = group;
    wanted.count = count;
    wanted.ms = lease_ms;
    return wanted;
}

action settle(slotq_verb verb, uint8_t group, std::vector<uint32_t> picks, uint64_t ms,
              uint8_t reason)
{
    action wanted;
    wanted.verb = verb;
    wanted.group = group;
    wanted.picks = std::move(picks);
    wanted.ms = ms;
    wanted.reason = reason;
    return wanted;
}

action remove(uint8_t group, uint64_t id)
{
    action wanted;
    wanted.verb = SLOTQ_REMOVE;
    wanted.group = group;
    wanted.id = id;
    return wanted;
}

action of_dead(slotq_verb verb, uint64_t id)
{
    action wanted = of(verb);
    wanted.id = id;
    return wanted;
}

action of(slotq_verb verb, uint8_t group)
{
    action wanted;
    wanted.verb = verb;
    wanted.group = group;
    return wanted;
}

action schedule(uint32_t count, uint64_t ms)
{
    action wanted = push(count);
    wanted.verb = SLOTQ_SCHEDULE;
    wanted.ms = ms;
    return wanted;
}

action of_later(slotq_verb verb, uint64_t later_id)
{
    action wanted = of(verb);
    wanted.id = later_id;
    wanted.is_later = true;
    return wanted;
}

action kick(uint8_t group, uint64_t id)
{
    action wanted = of(SLOTQ_KICK, group);
    wanted.id = id;
    return wanted;
}

action pause(slotq_verb verb, uint8_t what)
{
    action wanted;
    wanted.verb = verb;
    wanted.what = what;
    return wanted;
}

action limit(uint8_t group, uint8_t what, slotq_limits limits)
{
    action wanted;
    wanted.verb = SLOTQ_LIMIT;
    wanted.group = group;
    wanted.what = what;
    wanted.limits = limits;
    return wanted;
}

action after(uint64_t later_ms, action then)
{
    then.later_ms = later_ms;
    return then;
}

simulation::simulation(const slotq_geometry &wanted, uint64_t start_ms)
    : image(fresh(wanted)), now_ms(start_ms), shape(wanted)
{
}

static bool settles(slotq_verb verb)
{
    return verb >= SLOTQ_ACK && verb <= SLOTQ_KILL;
}

/* Payloads tell themselves apart by number, and have all lengths in turn. */
static std::string payload_of(uint32_t serial, uint32_t room)
{
    std::string text = std::to_string(serial) + ":";
    const uint32_t wanted = serial * 7 % (room + 1);
    while (text.size() < wanted) {
        text += static_cast<char>('a' + (serial + text.size()) % 26);
    }
    text.resize(std::min<size_t>(text.size(), room));
    return text;
}

/* Every third has none. The others come back after a while, some while the message that had the
 * key is unfinished. */
static uint64_t key_of(uint32_t serial)
{
    return serial % 3 == 0 ? 0 : 1 + serial % 31 * 26;
}

void simulation::fill(prepared &call)
{
    const action &wanted = call.wanted;
    if (wanted.verb == SLOTQ_PUSH || wanted.verb == SLOTQ_SCHEDULE) {
        for (uint32_t i = 0; i < wanted.count; i++) {
            call.payloads.push_back(payload_of(++serial, shape.payload_bytes));
            if ((shape.flags & SLOTQ_FLAG_KEYS) != 0) {
                call.keys.push_back(key_of(serial));
            }
        }
        call.key_mode =
            !call.keys.empty() && call.keys[0] != 0 ? SLOTQ_KEY_RESEND : SLOTQ_KEY_UNIQUE;
        for (const std::string &payload : call.payloads) {
            call.messages.push_back({payload.data(), static_cast<uint32_t>(payload.size())});
        }
    }
    if (!settles(wanted.verb)) {
        return;
    }
    uint32_t place = 0;
    for (const held &lease : leases) {
        if (lease.group != wanted.group) {
            continue;
        }
        const auto found = std::find(wanted.picks.begin(), wanted.picks.end(), place++);
        if (!wanted.picks.empty() && found == wanted.picks.end()) {
            continue;
        }
        slotq_run *last = call.runs.empty() ? nullptr : &call.runs.back();
        if (last != nullptr && last->id + last->count == lease.id && last->token == lease.token) {
            last->count++;
        } else {
            call.runs.push_back({lease.id, lease.token, 1});
        }
    }
    call.outcomes.resize(leases.size() + 1);
    call.tokens.resize(leases.size() + 1);
}

slotq_outcome simulation::step_through(prepared &call, slotq_call &core_call)
{
    slotq_view view;
    slotq_damage damage;
    slotq_step step;
    slotq_outcome outcome = slotq_core_open(&view, image.data(), image.size(), &damage);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    memset(&core_call.progress, 0, sizeof core_call.progress);
    do {
        outcome = slotq_core_step(&view, &core_call, &step);
        slotq_core_apply(image.data(), &view, &step);
        const bytes state = canonical(image);
        if (!among(state, call.legal)) {
            call.legal.push_back(state);
        }
    } while (outcome == SLOTQ_MORE);
    return outcome;
}

static void set_settle(slotq_call &core_call, prepared &call)
{
    slotq_call_settle &settle = core_call.settle;
    settle.runs = call.runs.data();
    settle.run_count = static_cast<uint32_t>(call.runs.size());
    settle.group = call.wanted.group;
    settle.reason = call.wanted.reason;
    settle.ms = call.wanted.ms;
    settle.note = last_words.bytes;
    settle.note_bytes = static_cast<uint8_t>(last_words.size);
    settle.outcomes = call.outcomes.data();
    settle.tokens = call.wanted.verb == SLOTQ_EXTEND ? call.tokens.data() : nullptr;
}

/* The core call of an action, and the answer the library gives for it. */
void simulation::answer(prepared &call)
{
    const action &wanted = call.wanted;
    slotq_call core_call;
    memset(&core_call, 0, sizeof core_call);
    core_call.verb = wanted.verb;
    core_call.now_ms = now_ms;
    std::vector<slotq_run> runs(wanted.count + 1);
    if (wanted.verb == SLOTQ_PUSH) {
        core_call.push.messages = call.messages.data();
        core_call.push.count = wanted.count;
        core_call.push.keys = call.keys.empty() ? nullptr : call.keys.data();
        core_call.push.key_mode = call.key_mode;
    } else if (wanted.verb == SLOTQ_RESERVE) {
        core_call.reserve.lease_ms = wanted.ms;
        core_call.reserve.runs = runs.data();
        core_call.reserve.run_capacity = wanted.count;
        core_call.reserve.limit = wanted.count;
        core_call.reserve.group = wanted.group;
    } else if (settles(wanted.verb)) {
        set_settle(core_call, call);
    } else if (wanted.verb == SLOTQ_REMOVE) {
        core_call.remove.id = wanted.id;
        core_call.remove.group = wanted.group;
    } else if (wanted.verb == SLOTQ_RECLAIM || wanted.verb == SLOTQ_STATS) {
        core_call.reclaim.group = wanted.group;
    } else if (wanted.verb == SLOTQ_REDRIVE || wanted.verb == SLOTQ_DEAD_REMOVE) {
        const uint32_t all = SLOTQ_CALL_MESSAGES_MAX;
        core_call.dead.limit = wanted.count == 0 || wanted.id != 0 ? all : wanted.count;
        core_call.dead.id = wanted.id;
        core_call.dead.group = SLOTQ_ALL_GROUPS;
    } else if (wanted.verb == SLOTQ_PAUSE || wanted.verb == SLOTQ_RESUME) {
        core_call.pause.what = wanted.what;
    } else if (wanted.verb == SLOTQ_SCHEDULE) {
        core_call.schedule.messages = call.messages.data();
        core_call.schedule.count = wanted.count;
        core_call.schedule.keys = call.keys.empty() ? nullptr : call.keys.data();
        core_call.schedule.key_mode = call.key_mode;
        core_call.schedule.due_ms = now_ms + wanted.ms;
    } else if (wanted.verb == SLOTQ_CANCEL) {
        core_call.cancel.later_id = static_cast<uint32_t>(wanted.id);
    } else if (wanted.verb == SLOTQ_KICK) {
        core_call.kick.id = wanted.id;
        core_call.kick.is_later = wanted.is_later;
        core_call.kick.group = wanted.group;
    } else if (wanted.verb == SLOTQ_LIMIT) {
        core_call.limit.limits = wanted.limits;
        core_call.limit.group = wanted.group;
        core_call.limit.what = wanted.what;
    }
    do {
        call.outcome = step_through(call, core_call);
    } while (call.outcome == SLOTQ_AGAIN && wanted.verb == SLOTQ_RECLAIM);
    take(call, core_call);
}

void simulation::take(const prepared &call, const slotq_call &core_call)
{
    if (call.wanted.verb == SLOTQ_RESERVE && call.outcome == SLOTQ_OK) {
        for (uint32_t i = 0; i < core_call.reserve.run_count; i++) {
            const slotq_run &run = core_call.reserve.runs[i];
            for (uint32_t j = 0; j < run.count; j++) {
                leases.push_back({call.wanted.group, run.id + j, run.token});
            }
        }
    }
    if (settles(call.wanted.verb)) {
        settle_held(call);
    }
}

/* What was settled is held no more; an extended lease has a new token. */
void simulation::settle_held(const prepared &call)
{
    size_t place = 0;
    for (const slotq_run &run : call.runs) {
        for (uint32_t i = 0; i < run.count; i++, place++) {
            const auto is_it = [&](const held &lease) {
                return lease.group == call.wanted.group && lease.id == run.id + i &&
                       lease.token == run.token;
            };
            const auto lease = std::find_if(leases.begin(), leases.end(), is_it);
            if (lease == leases.end() || call.outcomes[place] == SLOTQ_DEADFULL) {
                continue;
            }
            if (call.wanted.verb == SLOTQ_EXTEND && call.outcomes[place] == SLOTQ_OK) {
                lease->token = call.tokens[place];
            } else {
                leases.erase(lease);
            }
        }
    }
}

prepared simulation::run(const action &wanted)
{
    prepared call;
    call.wanted = wanted;
    now_ms += wanted.later_ms;
    call.now_ms = now_ms;
    call.legal.push_back(canonical(image));
    fill(call);
    answer(call);
    return call;
}

/* The id of an entry, or another where it is a hole or never was one. */
uint64_t simulation::any_dead(uint32_t entry) const
{
    slotq_view view;
    slotq_damage damage;
    uint64_t id = 0;
    if (slotq_core_open(&view, image.data(), image.size(), &damage) == SLOTQ_OK) {
        const size_t each = 16u + shape.note_bytes + view.stride;
        for (size_t i = 6; i > 0; i--) {
            id = id * 256 + image[view.dead_offset + entry * each + i - 1];
        }
    }
    return id != 0 ? id : 1;
}

/* Scheduled messages, where the queue has room for some. */
action simulation::any_later(std::mt19937_64 &random) const
{
    const auto below = [&](uint64_t bound) { return static_cast<uint32_t>(random() % bound); };
    const uint32_t kind = below(4);
    const uint32_t some = 1 + below(20);
    if (kind < 2) {
        return schedule(1 + below(std::max<uint32_t>(1, shape.later_slots)), below(3000));
    }
    return kind == 2 ? of_later(SLOTQ_CANCEL, some) : of_later(SLOTQ_KICK, some);
}

action simulation::any(std::mt19937_64 &random) const
{
    const auto below = [&](uint64_t bound) { return static_cast<uint32_t>(random() % bound); };
    const uint8_t group = static_cast<uint8_t>(below(shape.groups));
    const uint64_t later_ms = below(4) == 0 ? below(40000) : below(300);
    const uint32_t kind = below(100);
    const uint32_t many = 1 + below(std::max<uint32_t>(1, (shape.ring_slots - 1u) / 2));
    if (kind < 8 && shape.later_slots > 0) {
        return after(later_ms, any_later(random));
    }
    if (kind < 30) {
        return after(later_ms, push(many));
    }
    if (kind < 55 || leases.empty()) {
        return after(later_ms, reserve(group, many, 1 + below(20000)));
    }
    if (kind < 90) {
        const held &lease = leases[below(leases.size())];
        const slotq_verb verbs[] = {SLOTQ_ACK,  SLOTQ_ACK,     SLOTQ_ACK,    SLOTQ_ACK, SLOTQ_NACK,
                                    SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND, SLOTQ_KILL};
        action wanted = settle(verbs[below(9)], lease.group);
        wanted.ms = wanted.verb == SLOTQ_NACK && below(2) == 0 ? 0 : 1 + below(5000);
        wanted.reason = static_cast<uint8_t>(below(255));
        for (uint32_t pick = 0; pick < leases.size(); pick++) {
            if (below(2) == 0) {
                wanted.picks.push_back(pick);
            }
        }
        return after(later_ms, wanted);
    }
    const slotq_verb rare[] = {SLOTQ_RECLAIM,     SLOTQ_REDRIVE, SLOTQ_REDRIVE,
                               SLOTQ_DEAD_PURGE,  SLOTQ_REMOVE,  SLOTQ_REMOVE,
                               SLOTQ_PURGE,       SLOTQ_LIMIT,   SLOTQ_DEAD_REMOVE,
                               SLOTQ_DEAD_REMOVE, SLOTQ_REDRIVE, SLOTQ_KICK};
    action wanted = of(rare[below(12)], group);
    if (wanted.verb == SLOTQ_LIMIT) {
        wanted.what = static_cast<uint8_t>(1 + below(SLOTQ_LIMIT_ALL));
        wanted.limits = {below(3) * UINT64_C(1000000), static_cast<uint16_t>(below(4)),
                         static_cast<uint16_t>(below(6)), 0};
    }
    if (wanted.verb == SLOTQ_DEAD_REMOVE || (wanted.verb == SLOTQ_REDRIVE && below(2) == 0)) {
        wanted.id = shape.dead_slots > 0 ? any_dead(below(shape.dead_slots)) : 1;
    }
    if (wanted.verb == SLOTQ_REMOVE || wanted.verb == SLOTQ_KICK) {
        const uint64_t newest = image[0] + 256u * image[1];
        wanted.id = newest - std::min<uint64_t>(newest, below(shape.ring_slots));
        const bool all = wanted.verb == SLOTQ_REMOVE && below(2) == 0;
        wanted.group = all ? uint8_t{SLOTQ_ALL_GROUPS} : group;
    }
    return after(later_ms, wanted);
}

} // namespace crash
