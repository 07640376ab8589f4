/* play.hpp: the core and the model play the same game: the same verbs at the same times,
 * everything compared after each. Who chooses the moves, a random number or a fuzzer, is open.
 */
#ifndef TESTS_SUPPORT_MODEL_PLAY_HPP
#define TESTS_SUPPORT_MODEL_PLAY_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "../image/image.hpp"
#include "model.hpp"

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

class Play
{
public:
    explicit Play(Choices &choices);

    /* One verb. "" or how core and model differ. */
    std::string step();

    /* What the last step was, for people. */
    std::string told() const;
    std::string geometry_told() const;

    const Image &image() const
    {
        return image_;
    }

private:
    struct Held {
        uint32_t group;
        slotq_run run;
    };
    using Step = std::string (Play::*)();

    static slotq_geometry choose_geometry(Choices &choices);
    uint64_t choose_duration();
    uint64_t choose_id();
    uint32_t choose_group();
    uint32_t choose_runs();
    void wear_out();
    void stir();
    void move_clock();
    void interrupt_crossing();

    std::string push();
    std::string reserve();
    std::string settle();
    std::string remove();
    std::string reclaim();
    std::string redrive();
    std::string administer();
    std::string look();
    std::string status();

    slotq_call fresh(slotq_verb verb) const;
    std::string ask(slotq_call &core, slotq_call &model);
    std::string compare_answers(const slotq_call &core, const slotq_call &model) const;
    std::string compare_status(const slotq_call_status &core, const slotq_call_status &model) const;
    std::string compare_items(const slotq_call &core, const slotq_call &model) const;
    std::string compare_stats(const slotq_stats &core, const slotq_stats &model) const;
    std::string compare_holder(const slotq_holder &core, const slotq_holder &model) const;
    std::string compare_front() const;
    std::string compare_group(uint32_t group) const;
    std::string compare_words(uint32_t group) const;
    std::string compare_dead() const;
    std::string compare_payload(uint64_t id) const;

    Choices &choices_;
    Image image_;
    Model model_;
    uint64_t now_ms_ = 0;
    std::vector<Held> held_; /* tokens that were given out, old ones among them */
    std::vector<slotq_run> runs_;
    slotq_call last_;
    slotq_outcome outcome_ = SLOTQ_OK;
    std::vector<std::string> payloads_;
    std::vector<slotq_data> data_;
    std::vector<slotq_run> core_runs_, model_runs_;
    std::vector<uint8_t> core_outcomes_, model_outcomes_;
    std::vector<uint32_t> core_tokens_, model_tokens_;
    std::vector<slotq_item> core_items_, model_items_;
};

} // namespace support
#endif
