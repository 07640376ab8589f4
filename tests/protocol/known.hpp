/* known.hpp: the set of the states that a search has reached. Must not know what a state is.
 */
#ifndef TESTS_PROTOCOL_KNOWN_HPP
#define TESTS_PROTOCOL_KNOWN_HPP

#include <cstdint>
#include <cstring>
#include <vector>

namespace protocol
{

/* The states that are known, by their number. A state has no padding. */
template <typename State>
class Known
{
public:
    /* false: it is known */
    bool add(const State &state)
    {
        if ((states_.size() + 1) * 2 > slots_.size()) {
            grow();
        }
        uint32_t &slot = slots_[find(state)];
        if (slot != 0) {
            return false;
        }
        states_.push_back(state);
        slot = static_cast<uint32_t>(states_.size());
        return true;
    }
    const State &operator[](size_t number) const
    {
        return states_[number];
    }
    size_t size() const
    {
        return states_.size();
    }

private:
    size_t find(const State &state) const
    {
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&state);
        uint64_t hash = 14695981039346656037u;
        for (size_t i = 0; i < sizeof state; i++) {
            hash = (hash ^ bytes[i]) * 1099511628211u;
        }
        size_t at = (hash ^ hash >> 29) & (slots_.size() - 1);
        while (slots_[at] != 0 && memcmp(&states_[slots_[at] - 1], &state, sizeof state) != 0) {
            at = (at + 1) & (slots_.size() - 1);
        }
        return at;
    }
    void grow()
    {
        slots_.assign(slots_.empty() ? 1u << 16 : slots_.size() * 2, 0);
        for (size_t i = 0; i < states_.size(); i++) {
            slots_[find(states_[i])] = static_cast<uint32_t>(i + 1);
        }
    }

    std::vector<State> states_;
    std::vector<uint32_t> slots_;
};

} // namespace protocol
#endif
