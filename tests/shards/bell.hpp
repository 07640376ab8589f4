/* bell.hpp: the bell of a simulation: places, rings, and the shards that ask for it. One group, one
 * place for each consumer. Must not know what a consumer does when it is told.
 */
#ifndef TESTS_SHARDS_BELL_HPP
#define TESTS_SHARDS_BELL_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace shards
{

constexpr uint32_t whole_round = UINT32_MAX; /* instead of a shard */

class Bell
{
public:
    /* told is called for each consumer whose place is rung, with what it is told, and returns
     * whether it hears. Each wants so many messages. */
    Bell(uint32_t places, uint32_t wants, std::function<bool(uint32_t place, uint32_t what)> told)
        : told_(std::move(told)), set_(places), wants_(wants)
    {
    }

    struct Answer {
        bool kept;
        uint32_t others, before;
    };
    Answer set(uint32_t place)
    {
        const bool kept = set_[place] != 0;
        count_ += !kept;
        set_[place] = 1;
        uint32_t before = 0;
        for (uint32_t i = 0; i < place; i++) {
            before += set_[i];
        }
        return {kept, count_ - 1, before};
    }
    /* Was it set? */
    bool clear(uint32_t place)
    {
        const bool was = set_[place] != 0;
        count_ -= was;
        set_[place] = 0;
        return was;
    }
    void clear_all()
    {
        set_.assign(set_.size(), 0);
        count_ = 0;
    }
    /* For so many messages; returns how many heard it. */
    uint32_t ring(uint32_t need, uint32_t what)
    {
        uint32_t rung = 0;
        const uint32_t most = std::min((need + wants_ - 1) / wants_, uint32_t{4});
        for (size_t i = 0; i < set_.size() && count_ > 0 && rung < most; i++) {
            const uint32_t place = cursor_;
            cursor_ = static_cast<uint32_t>((cursor_ + 1) % set_.size());
            if (clear(place)) {
                rung += told_(place, what);
            }
        }
        return rung;
    }
    uint32_t count() const
    {
        return count_;
    }

private:
    std::function<bool(uint32_t place, uint32_t what)> told_;
    std::vector<uint8_t> set_;
    const uint32_t wants_;
    uint32_t cursor_ = 0, count_ = 0;
};

} // namespace shards
#endif
