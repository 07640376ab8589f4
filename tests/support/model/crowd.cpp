/* crowd.cpp: see game.hpp. Here: crowded queues, and rushes.
 */
#include <algorithm>

#include "game.hpp"

namespace support
{

slotq_geometry Game::crowded_geometry(Choices &choices)
{
    static const uint32_t attempts[] = {0, 1, 1, 2, 3};
    const uint32_t overwrite = SLOTQ_FLAG_OVERWRITE;
    const bool overwrites = choices.one_in(2);
    const uint32_t flags = choices.small(32) | SLOTQ_FLAG_KEYS;
    slotq_geometry made =
        geometry(2 + choices.small(5), 1 + choices.small(25), 1 + choices.small(3),
                 overwrites ? flags | overwrite : flags & ~overwrite, attempts[choices.small(5)],
                 choices.one_in(4) ? 0 : 1 + choices.small(6), choices.one_in(2) ? 1 : 100);
    made.later_slots = static_cast<uint16_t>(1 + choices.small(choices.one_in(3) ? 4 : 24));
    made.aside_slots = static_cast<uint8_t>(overwrites ? 0 : choices.small(4));
    return made;
}

void Game::begin_rush()
{
    const uint64_t most = SLOTQ_NOW_MS_MAX;
    rush_ms_ = std::min(now_ms_ + 1 + choices_.below(2 * image_.geometry().tick_ms), most);
}

void Game::end_rush()
{
    now_ms_ = std::max(now_ms_, rush_ms_);
    rush_ms_ = 0;
}

} // namespace support
