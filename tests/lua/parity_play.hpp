/* parity_play.hpp: the game with the Lua scripts on a server as the opponent: core and scripts get
 * the same verbs at the same times; reply and image are compared after each. Knows no rule of a
 * verb.
 */
#ifndef TESTS_LUA_PARITY_PLAY_HPP
#define TESTS_LUA_PARITY_PLAY_HPP

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "../support/image/image.hpp"
#include "../support/model/game.hpp"
#include "../support/server/redis_server.hpp"

namespace parity
{

using support::Choices;
using support::Image;

/* ---- what a script is told, and what it must answer ---- */

/* Slots of messages as a client packs them; what follows a payload is filler. */
std::string packed_slots(const slotq_geometry &geometry, const slotq_data *messages, uint32_t count,
                         uint64_t now_ms, char filler);
/* A slot of the image, its undefined bytes zero. */
std::string slot_masked(const slotq_view &view, const char *slot);
/* The same slots, each up to the end of its payload; of a damaged one what stands before it. */
std::string cut_slots(const slotq_view &view, const std::string &slots);
/* A reserve answers with cut slots. */
bool comes_cut(const slotq_view &view);
std::string number(uint64_t value, uint32_t bytes);

redis::Reply text_reply(const std::string &text);
redis::Reply integer_reply(int64_t integer);
redis::Reply status_reply(const std::string &text);
redis::Reply error_reply(const std::string &text);

/* What a script must answer where the core answered this. */
redis::Reply expected_duplicate(const slotq_key_holder &taken);
redis::Reply expected_find(const slotq_call &call, slotq_outcome outcome);
redis::Reply expected_push(const slotq_call &call, slotq_outcome outcome);
redis::Reply expected_reserve(const Image &image, const slotq_call &call, slotq_outcome outcome,
                              bool packed);
redis::Reply expected_settle(const slotq_call &call, slotq_outcome outcome, uint32_t count,
                             bool packed);
redis::Reply expected_simple(const slotq_call &call, slotq_outcome outcome);
redis::Reply expected_look(const Image &image, const slotq_call &call, slotq_outcome outcome,
                           bool packed);
redis::Reply expected_later_list(const Image &image, const slotq_call &call, slotq_outcome outcome,
                                 bool packed);
redis::Reply expected_stats(const slotq_call &call, slotq_outcome outcome);
void expect_status(redis::Reply &reply, const slotq_call &call, slotq_outcome outcome);
redis::Reply expected_refusal(slotq_outcome outcome);

/* "" or how an answer differs. Of an error only the code counts, and FULL's numbers. */
std::string differ(const redis::Reply &expected, const redis::Reply &got);

/* "" or the first byte, by its name, in which two images differ where the format defines it. */
std::string differ(const Image &core, const std::string &bytes);
std::string name_of_byte(const slotq_view &view, uint32_t offset);

/* ---- the game ---- */

/* A wide play is on thousands of slots, a crowded one on few, with few keys and many rushes. */
enum class Kind { usual, wide, crowded };

class Play : private support::Game
{
public:
    Play(Choices &choices, redis::Connection &connection, redis::Scripts &scripts,
         redis::Connection &listener, const std::string &key);

    std::string step(); /* "" or how the two differ */
    std::string end();  /* "" or that wake messages are missing or too many */
    std::string told() const;
    uint32_t steps_aside() const /* that began with messages aside */
    {
        return steps_aside_;
    }
    uint32_t promoted() const /* scheduled messages, by all steps */
    {
        return promoted_;
    }
    uint32_t refused() const /* pushes that promoted something and were refused */
    {
        return refused_;
    }
    bool spent() const /* a play on a large queue is short, as each of its steps is long */
    {
        const bool large = image_.bytes().size() > 60000 || wide_;
        return steps_ >= (large ? 250u : kind_ == Kind::crowded ? 400u : 1200u);
    }

private:
    using Step = std::string (Play::*)();

    Play(Choices &choices, redis::Connection &connection, redis::Scripts &scripts,
         redis::Connection &listener, const std::string &key, Kind kind);

    static Kind choose_kind(Choices &choices);
    static slotq_geometry choose_geometry(Choices &choices, Kind kind);
    Step choose_step();
    void start();
    void move_clock();
    uint32_t choose_count(uint32_t most);
    void finish_ahead();

    std::string push();
    bool choose_keys(uint32_t count, bool packed);
    uint64_t one_key(uint32_t most);
    slotq_key_mode choose_mode();
    void put_mode(redis::Arguments &arguments, slotq_key_mode mode);
    void put_keys(redis::Arguments &arguments, slotq_key_mode mode);
    void put_key_pairs(redis::Arguments &arguments, slotq_key_mode mode);
    std::string find();
    std::string reserve();
    slotq_outcome reserve_sound(slotq_call &call);
    std::string settle();
    std::string remove();
    std::string reclaim();
    std::string redrive();
    std::string redrive_full();
    std::string judged(uint32_t limit, uint64_t id, uint32_t group) const;
    void choose_dead(slotq_call &call);
    std::string dead_remove();
    std::string schedule();
    std::string rush();
    std::string expire();
    std::string cancel();
    std::string kick();
    std::string later_list();
    std::string administer();
    std::string limit();
    std::string look();
    std::string stats();
    std::string status();
    std::string unwait();

    bool choose_packed(const char *packed, const char *plain);
    void damage_newest(uint64_t first_id);
    void damage_later(uint32_t later_id);
    void choose_payloads(uint32_t count, bool too_big);
    std::string choose_slots(uint32_t count, bool damaged);
    std::string now();
    std::string any_now();
    void send(const std::string &script, const redis::Arguments &arguments);
    std::string compare(const redis::Reply &expected);
    redis::Reply normal(const redis::Reply &got) const;
    void put_place(redis::Arguments &arguments, uint32_t wait_at);
    redis::Reply without_rank(const redis::Reply &expected, const redis::Reply &got) const;
    redis::Reply without_ring(const redis::Reply &got, std::string &fault) const;
    redis::Reply without_fill(const redis::Reply &got, std::string &fault) const;
    void put_image(); /* the server's bytes become the core's */
    std::string count_wakes();
    std::string group_before(uint32_t group) const;

    redis::Connection &connection_;
    redis::Scripts &scripts_;
    redis::Connection &listener_;
    std::string key_;
    Kind kind_;
    bool wide_;
    bool damages_; /* some messages say a length that cannot be */
    uint32_t steps_ = 0;
    uint32_t steps_aside_ = 0;
    uint32_t promoted_ = 0;
    uint32_t refused_ = 0;
    bool woke_ = false;  /* in a step before the verb's last */
    bool rings_unknown_ = false; /* of the calls that stood for one script */
    uint32_t wakes_ = 0; /* since listener_ was last counted */
    std::string script_;
    std::string slots_; /* last pushed, packed */
    std::vector<std::string> payloads_;
    std::vector<slotq_data> data_;
    std::vector<uint64_t> keys_; /* of a call */
    std::deque<std::string> told_;
    support::Bytes before_{0}; /* the last verb */
};

} // namespace parity
#endif
