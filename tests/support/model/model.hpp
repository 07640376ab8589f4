/* model.hpp: a queue as a plain list of messages, written from the rules alone: full ids, full
 * ticks, no ring, no bits but those that a token shows. It answers the core's own calls, so that
 * both can be asked the same. Exact for rings that have at most 1024 slots with those aside (the
 * bounds of FORMAT.md that count words are never reached there); the bounds have tests of their
 * own.
 */
#ifndef TESTS_SUPPORT_MODEL_HPP
#define TESTS_SUPPORT_MODEL_HPP

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "../../../engine/slotq_core.h"

namespace support
{

/* What one group knows of one message. */
struct Share {
    slotq_state state = SLOTQ_STATE_READY;
    slotq_why why = SLOTQ_WHY_ACKED;
    uint32_t attempts = 0;
    uint64_t deadline = 0;  /* full tick, LEASED and WAITING */
    uint32_t last_bits = 0; /* READY: what is left of the last deadline */

    bool live() const
    {
        return state == SLOTQ_STATE_LEASED || state == SLOTQ_STATE_WAITING;
    }
    uint32_t word() const;
};

struct Message {
    uint64_t id = 0;
    std::string payload;
    uint32_t stamp = 0;
    uint32_t aside_slot = 0; /* aside: its slot number */
    std::array<Share, SLOTQ_GROUPS_MAX> shares;
};

struct DeadMessage {
    uint64_t id = 0; /* 0: a hole, a message that was taken out from between others */
    uint64_t died_at_ms = 0;
    uint32_t attempts = 0;
    uint32_t group = 0;
    uint32_t reason = 0;
    std::string note;
    std::string payload;
    uint32_t stamp = 0;
    bool damaged = false;
};

/* A scheduled message. */
struct Scheduled {
    uint64_t due_ms = 0;
    uint32_t later_id = 0;
    std::string payload;
    uint32_t stamp = 0;
};

/* A key, and the message that has it. */
struct Key {
    uint64_t key = 0;
    slotq_key_place place = SLOTQ_KEY_IN_RING;
    uint64_t id = 0;         /* scheduled: its later id */
    uint32_t aside_slot = 0; /* aside: its slot number, also after it is finished */
};

struct Group {
    uint64_t head = 1;   /* id of the first message not finished, or last_id + 1 */
    uint64_t cursor = 1; /* id of the first never delivered */
    std::optional<uint64_t> due;
    std::optional<uint64_t> due_next;
    std::optional<uint64_t> sweep; /* id where it goes on */
    uint32_t acked = 0;
    uint32_t redelivered = 0;
    uint32_t died = 0;
    uint32_t max_leased = 0;
    uint64_t interval_us = 0; /* of the rate; 0 = none */
    uint32_t burst = 0;
    uint64_t full_us = 0; /* when its bucket is full again */
};

class Model
{
public:
    explicit Model(const slotq_geometry &geometry, uint64_t last_id = 0);

    /* The verb's answer, with the outputs that the core would give (slot offsets and, of
     * positions, anything but what is certain, left out). */
    slotq_outcome run(slotq_call &call);

    const Message *find(uint64_t id) const; /* in the ring or aside */
    const Message *find_aside(uint64_t id) const;
    /* Of the group's window, or aside and not DONE. */
    const Share *share(uint64_t id, uint32_t group) const;
    uint64_t oldest() const
    {
        return messages.empty() ? last_id + 1 : messages.front().id;
    }
    const Message *oldest_of(uint32_t group) const; /* not finished there, or at its head */
    uint32_t count(uint32_t group, slotq_state state, bool delivered) const;

    /* Open to tests: they compare all of it. */
    slotq_geometry geometry;
    std::deque<Message> messages; /* those that some group has not finished, and all behind */
    std::vector<Message> aside;   /* those that left the ring unfinished, oldest first */
    std::vector<Group> groups;
    std::deque<DeadMessage> dead; /* with holes, but never at its ends */
    uint32_t dead_count() const;
    std::vector<Scheduled> later; /* by due time, then by later id */
    uint32_t later_last_id = 0;
    std::vector<Key> keys;   /* in no order */
    uint64_t promotions = 0; /* in all */
    uint64_t last_id;
    uint64_t lap_begins = 1; /* the id of slot 0 at a time; modulo 2^64, since it may be below 0 */
    uint32_t dropped = 0;
    uint32_t dead_dropped = 0;
    uint32_t paused = 0;
    uint32_t wake = 0;
    uint64_t steps_aside = 0; /* in all */
    bool woke = false;        /* the last verb woke the callers that wait */
    bool folded = false;      /* a deadline was read 2^24 ticks off: the clock went back */

private:
    slotq_outcome push(slotq_call_push &push);
    slotq_outcome reserve(slotq_call_reserve &reserve);
    slotq_outcome run_dead(slotq_call &call);
    slotq_outcome settle(slotq_verb verb, slotq_call_settle &settle);
    slotq_outcome remove(slotq_call_remove &remove);
    slotq_outcome reclaim(slotq_call_reclaim &reclaim);
    slotq_outcome redrive(slotq_call_dead &redrive);
    slotq_outcome dead_remove(slotq_call_dead &remove);
    slotq_outcome dead_purge(slotq_call_dead &purge);
    slotq_outcome limit(const slotq_call_limit &limit);
    slotq_outcome pause(slotq_verb verb, const slotq_call_pause &pause);
    slotq_outcome purge();
    slotq_outcome status(slotq_call_status &status) const;
    slotq_outcome peek(slotq_call_look &look) const;
    slotq_outcome dead_list(slotq_call_look &look) const;
    slotq_outcome stats(slotq_call_stats &stats) const;
    void wake_callers();
    slotq_outcome run_look(slotq_call &call) const;
    slotq_outcome run_later(slotq_call &call);
    slotq_outcome schedule(slotq_call_schedule &schedule);
    slotq_outcome cancel(const slotq_call_cancel &cancel);
    slotq_outcome kick(const slotq_call_kick &kick);
    slotq_outcome kick_later(uint64_t later_id);
    slotq_outcome later_list(slotq_call_look &look) const;

    void lose_key(slotq_key_place place, uint64_t id);
    void give_key(uint64_t key, slotq_key_place place, uint64_t id);
    void move_key_aside(const Message &message);
    void move_key_to_ring(uint32_t later_id);
    bool is_unfinished(const Key &key) const;
    bool keys_fit(const uint64_t *given, uint32_t count, slotq_key_mode mode) const;
    bool is_taken(const uint64_t *given, uint32_t count, slotq_key_mode mode,
                  slotq_key_holder &taken) const;
    slotq_outcome find_key(slotq_call_find &find) const;
    slotq_outcome finish(slotq_call_finish &finish) const;

    void promote();
    uint32_t new_later_ids(uint32_t count) const;
    void put_later(const Scheduled &message);
    std::vector<Scheduled>::iterator find_later(uint64_t later_id);
    uint64_t next_due_ms(const Group &group) const;

    Message &at(uint64_t id);
    bool may_step_aside() const;
    void step_aside();
    bool make_room(uint32_t count);
    bool forget_aside(uint64_t id);
    void note_room();
    void note_change();
    void drop_oldest(uint32_t count);
    void add(std::string payload);
    void forget_finished();
    void move_heads();
    slotq_holder holder() const;

    uint64_t deadline_after(uint64_t ms) const;
    bool passed(uint64_t deadline) const;
    bool duration_fits(uint64_t ms) const;
    void set_due(Group &group, uint64_t deadline);
    void gather(Group &group, uint64_t deadline);
    void refold(uint32_t group);
    bool fresh(const Share &share, uint64_t &deadline) const;

    bool dies(const Share &share) const;
    bool bury(Message &message, uint32_t group, uint32_t reason, const std::string &note);
    bool dead_is_full() const;
    bool is_asked(const DeadMessage &entry, uint64_t id, uint32_t group) const;
    void take_out(size_t place);
    bool sweep_wanted(const Group &group) const;
    bool sweep_far(const Group &group) const;
    struct Swept {
        uint32_t ready = 0;
        uint32_t died = 0;
    };
    using Named = std::vector<slotq_run>;
    Swept sweep(uint32_t group, bool whole, const Named *named);
    bool is_named(const Message &message, const Share &share, const Named *named) const;
    void sweep_message(uint32_t group, Message &message, bool whole, const Named *named,
                       Swept &swept);
    void sweep_passed(uint32_t group, Message &message, bool whole, Swept &swept);
    bool sweep_aside(uint32_t group, bool whole, const Named *named, Swept &swept);

    uint32_t lease_aside(slotq_call_reserve &reserve, bool &left);
    uint32_t lease_retries(slotq_call_reserve &reserve, bool &left);
    uint32_t lease_new(slotq_call_reserve &reserve);
    bool lease(slotq_call_reserve &reserve, Message &message, bool new_run);
    bool may_go(uint32_t group) const;
    void count_gone(Group &group);
    void set_back(Group &group);
    uint64_t limited_until_ms(uint32_t group) const;
    bool is_ready(uint32_t group) const;
    void note_freed(uint32_t group, uint32_t leased_before);
    slotq_outcome settle_one(slotq_verb verb, slotq_call_settle &settle, uint64_t id,
                             uint32_t token, uint32_t &new_token);
    bool ends_step(slotq_verb verb, uint32_t group, uint64_t id, const slotq_run &run) const;
    slotq_outcome settle_share(slotq_verb verb, slotq_call_settle &settle, Message &message,
                               uint32_t &new_token);
    void make_ready(Share &share, uint32_t attempts);

    uint64_t now_ms_ = 0;
    uint64_t tick_ = 0;
    bool delivers_ = false;    /* something became deliverable */
    bool swept_whole_ = false; /* the settle under way has swept whole */
    bool frees_ = false;       /* room was made */
};

} // namespace support
#endif
