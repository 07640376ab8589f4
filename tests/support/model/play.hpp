/* play.hpp: the game with the model as the opponent: core and model get the same verbs at the same
 * times, and everything is compared after each.
 */
#ifndef TESTS_SUPPORT_MODEL_PLAY_HPP
#define TESTS_SUPPORT_MODEL_PLAY_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "game.hpp"
#include "model.hpp"

namespace support
{

class Play : private Game
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
    uint64_t steps_aside() const
    {
        return model_.steps_aside;
    }
    uint64_t promotions() const
    {
        return model_.promotions;
    }

private:
    using Step = std::string (Play::*)();

    static slotq_geometry choose_geometry(Choices &choices);
    void worn(uint32_t group, uint64_t id, uint32_t attempts) override;
    void damaged(uint32_t which) override;

    void choose_payloads(uint32_t count);
    std::string push();
    std::string reserve();
    std::string settle();
    std::string remove();
    std::string reclaim();
    std::string redrive();
    void choose_dead(slotq_call &core);
    std::string dead_remove();
    std::string administer();
    std::string limit();
    std::string schedule();
    std::string rush();
    std::string cancel();
    std::string kick();
    std::string look();
    std::string status();
    std::string find();
    uint64_t choose_key();
    const uint64_t *choose_keys(uint32_t count);
    slotq_key_mode choose_mode();

    std::string ask(slotq_call &core, slotq_call &model);
    std::string compare_answers(const slotq_call &core, const slotq_call &model) const;
    std::string compare_status(const slotq_call_status &core, const slotq_call_status &model) const;
    std::string compare_items(const slotq_call &core, const slotq_call &model) const;
    std::string compare_stats(const slotq_stats &core, const slotq_stats &model) const;
    std::string compare_holder(const slotq_holder &core, const slotq_holder &model) const;
    std::string compare_front() const;
    std::string compare_group(uint32_t group) const;
    std::string compare_words(uint32_t group) const;
    std::string compare_aside() const;
    std::string compare_dead() const;
    std::string compare_later() const;
    uint32_t holder_of(const Key &key) const;
    std::string compare_keys() const;
    std::string compare_key_holder(const slotq_key_holder &core,
                                   const slotq_key_holder &model) const;
    std::string compare_later_list(const slotq_call &core, const slotq_call &model) const;
    uint32_t ready_aside(uint32_t group, uint64_t below) const;
    uint32_t position(const slotq_call_status &call) const;
    std::string compare_payload(uint64_t id) const;

    Model model_;
    slotq_call last_;
    slotq_outcome outcome_ = SLOTQ_OK;
    std::vector<std::string> payloads_;
    std::vector<slotq_data> data_;
    std::vector<uint64_t> keys_;
    std::vector<slotq_run> core_runs_, model_runs_;
    std::vector<uint8_t> core_outcomes_, model_outcomes_;
    std::vector<uint32_t> core_tokens_, model_tokens_;
    std::vector<slotq_item> core_items_, model_items_;
};

} // namespace support
#endif
