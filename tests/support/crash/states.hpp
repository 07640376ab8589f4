/* states.hpp: which states a queue may be in when a verb is cut short: those after a whole
 * number of the core's steps. Runs verbs on bytes by the core; knows no file and no handle.
 */
#ifndef SLOTQ_TESTS_CRASH_STATES_HPP
#define SLOTQ_TESTS_CRASH_STATES_HPP

#include <random>
#include <string>
#include <vector>

#include "../../../engine/slotq_core.h"
#include "folder.hpp"

namespace crash
{

/* A verb in few words; settle verbs name held messages by their place in the list. */
struct action {
    slotq_verb verb = SLOTQ_STATS;
    uint32_t count = 1; /* push, schedule: messages; reserve, redrive: at most; redrive 0 = all */
    uint64_t ms = 0;    /* lease or delay; schedule: from now to the due time */
    uint8_t group = 0;
    uint8_t reason = 0;
    uint8_t what = 0;                 /* pause, resume, limit */
    std::vector<uint32_t> picks = {}; /* settle: which of the group's held ones; none = all */
    uint64_t id = 0;                  /* remove, kick; cancel and is_later: a later id; of the
                                         dead: 0 = redrive the oldest */
    bool is_later = false;            /* kick */
    uint64_t later_ms = 0;            /* the clock goes on before it */
    slotq_limits limits = {};         /* limit */
};

action push(uint32_t count);
action reserve(uint8_t group, uint32_t count, uint64_t lease_ms = 30000);
action settle(slotq_verb verb, uint8_t group, std::vector<uint32_t> picks = {}, uint64_t ms = 0,
              uint8_t reason = 0);
action remove(uint8_t group, uint64_t id);
action of_dead(slotq_verb verb, uint64_t id); /* redrive or dead_remove, in all groups */
action of(slotq_verb verb, uint8_t group = 0);
action schedule(uint32_t count, uint64_t ms);
action of_later(slotq_verb verb, uint64_t later_id); /* cancel or kick */
action kick(uint8_t group, uint64_t id);
action pause(slotq_verb verb, uint8_t what);
action limit(uint8_t group, uint8_t what, slotq_limits limits);
action after(uint64_t later_ms, action then);

/* The note of every nack and kill; longer than a queue of these tests keeps. */
constexpr slotq_data last_words = {"the disk is full", 16};

/* A verb with all its arguments, as a caller of the library gives them. */
struct prepared {
    prepared() = default;
    prepared(prepared &&) = default;
    prepared(const prepared &) = delete;
    action wanted;
    uint64_t now_ms = 0;
    std::vector<std::string> payloads;
    std::vector<slotq_data> messages; /* into payloads */
    std::vector<uint64_t> keys;       /* of the messages, in a queue with keys */
    slotq_key_mode key_mode = SLOTQ_KEY_UNIQUE;
    std::vector<slotq_run> runs;
    std::vector<uint8_t> outcomes;
    std::vector<uint32_t> tokens;
    slotq_outcome outcome = SLOTQ_MORE; /* the core's answer */
    std::vector<bytes> legal;           /* canonical states: before, and after each of its steps */
};

/* The image with every byte zeroed that the format leaves undefined, and the wake word (advice
 * that is not journalled); the era repaired. Equal queues have equal canonical images. */
bytes canonical(const bytes &image);
/* Empty when the image is sound, else offset and rule. */
std::string fault_of(const bytes &image);
/* Whether the one is among the many. */
bool among(const bytes &one, const std::vector<bytes> &many);
/* The first offset where they differ, for messages. */
std::string difference(const bytes &left, const bytes &right);

slotq_geometry geometry(uint16_t ring_slots, uint16_t payload_bytes, uint8_t groups = 1);
/* A fresh image. */
bytes fresh(const slotq_geometry &wanted);
/* Make the newest id of a queue that has no message another one. */
void set_last_id(bytes &image, uint64_t last_id);

/* An image, a clock and what consumers hold, moved on by the core. */
class simulation
{
public:
    struct held {
        uint8_t group;
        uint64_t id;
        uint32_t token;
    };

    explicit simulation(const slotq_geometry &wanted, uint64_t now_ms = 1700000000000);
    /* Run it; what is left can be given to a library call in another process. */
    prepared run(const action &wanted);
    /* An action that makes sense now, at random. */
    action any(std::mt19937_64 &random) const;

    bytes image;
    uint64_t now_ms;
    slotq_geometry shape;
    std::vector<held> leases;

private:
    void fill(prepared &call);
    void answer(prepared &call);
    slotq_outcome step_through(prepared &call, slotq_call &core_call);
    void take(const prepared &call, const slotq_call &core_call);
    void settle_held(const prepared &call);
    uint64_t any_dead(uint32_t entry) const;
    action any_later(std::mt19937_64 &random) const;
    uint32_t serial = 0;
};

} // namespace crash

#endif
