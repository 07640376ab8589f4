/* game.hpp: a game of the core against an opponent, which gets the same verbs at the same times:
 * where choices come from, the clock, the arguments of verbs, and states that verbs alone seldom
 * lead to. Knows no opponent: the model is one (play.hpp), the scripts on a server are another.
 */
#ifndef TESTS_SUPPORT_MODEL_GAME_HPP
#define TESTS_SUPPORT_MODEL_GAME_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "../image/image.hpp"

namespace support
{

/* Where choices come from. */
class Choices
{
public:
    virtual ~Choices() = default;
    virtual uint64_t below(uint64_t limit) = 0; /* 0 to limit - 1; limit is at least 1 */

    uint64_t between(uint64_t least, uint64_t most)
    {
        return least + below(most - least + 1);
    }
    uint32_t small(uint32_t limit)
    {
        return static_cast<uint32_t>(below(limit));
    }
    bool one_in(uint32_t count)
    {
        return below(count) == 0;
    }
};

/* The same numbers everywhere for a seed. */
class RandomChoices : public Choices
{
public:
    explicit RandomChoices(uint64_t seed) : state_(seed)
    {
    }
    uint64_t below(uint64_t limit) override;

private:
    uint64_t state_;
};

/* Bytes of a fuzzer; zeros after their end. */
class ByteChoices : public Choices
{
public:
    ByteChoices(const uint8_t *bytes, size_t size) : at_(bytes), end_(bytes + size)
    {
    }
    uint64_t below(uint64_t limit) override;
    bool over() const
    {
        return at_ == end_;
    }

private:
    const uint8_t *at_;
    const uint8_t *end_;
};

/* Where a queue of random play begins: an id near a wrap or anywhere; a time near a wrap of the
 * 24 bits of a deadline, near either end, or anywhere. */
uint64_t choose_last_id(Choices &choices);
uint64_t choose_now_ms(Choices &choices, uint64_t tick_ms);

class Game
{
protected:
    struct Held {
        uint32_t group;
        slotq_run run;
    };

    Game(Choices &choices, const slotq_geometry &geometry);
    virtual ~Game() = default;

    /* Few slots, too few for much that is scheduled and has a key, so that promotions, refusals and
     * overwriting come together. */
    static slotq_geometry crowded_geometry(Choices &choices);
    /* All that is scheduled in a rush is due at once, at its end: more promotions in a call than a
     * small ring has slots. */
    void begin_rush();
    void end_rush();
    bool is_rush() const
    {
        return rush_ms_ > 0;
    }

    void give_a_past(); /* ids, time and counters of a queue that was used for long */
    void move_clock();
    slotq_call fresh(slotq_verb verb) const;
    uint64_t choose_duration();
    uint64_t choose_lease();
    uint64_t choose_id();
    uint64_t choose_dead_id();
    uint64_t choose_due_ms();
    uint32_t choose_later_id();
    void choose_note(slotq_call_settle &settle);
    uint32_t choose_group();
    slotq_call_limit choose_limit(); /* in two games of three there never are any */
    uint32_t choose_runs();          /* fills runs_ */
    void keep(uint32_t group, const slotq_run &run);

    void wear_out();
    void interrupt_crossing();
    void stir();
    /* wear_out gave this message so many attempts. */
    virtual void worn(uint32_t /* group */, uint64_t /* id */, uint32_t /* attempts */)
    {
    }

    /* stir damaged this dead message, counted from the oldest. */
    virtual void damaged(uint32_t /* which */)
    {
    }

    Choices &choices_;
    Image image_;
    uint64_t now_ms_ = 0;
    bool holds_;             /* some messages are kept for long while others flow */
    bool limited_;           /* groups get limits now and then */
    std::vector<Held> held_; /* tokens that were given out, old ones among them */
    std::vector<slotq_run> runs_;
    std::string note_; /* of the last settle */

private:
    uint64_t rush_ms_ = 0; /* its end; 0 = no rush */

    bool wear(uint32_t word, uint32_t &attempts);
    void wear_out_aside(uint32_t group);
    void stir_words(uint32_t group);
    void stir_aside();
    void stir_later();
    void damage_dead();
};

} // namespace support
#endif
