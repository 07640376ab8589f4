/* power.hpp: what a disk may hold after the power went: for each sector of a file, any content it
 * had since the last sync that covered it. Knows sectors; knows no queue.
 */
#ifndef SLOTQ_TESTS_POWER_HPP
#define SLOTQ_TESTS_POWER_HPP

#include <cstdint>
#include <random>
#include <vector>

namespace power
{

/* Which content a sector keeps. */
enum class loss { everything_unsynced, nothing, each_sector_old_or_new, each_sector_any };

class disk
{
public:
    /* A file whose content is on the disk. */
    explicit disk(const std::vector<uint8_t> &content);
    /* What programs see of it now. */
    void seen(const uint8_t *now);
    /* A sync of the bytes from here up to there came to its end. */
    void synced(uint64_t from, uint64_t to);
    /* What is there when the power comes back. */
    std::vector<uint8_t> after(loss kind, std::mt19937_64 &random) const;
    /* Sectors whose content is not yet sure. */
    uint64_t unsynced() const;

private:
    using sector = std::vector<uint8_t>;
    std::vector<std::vector<sector>> versions; /* a sector's since its last sync, oldest first */
};

} // namespace power

#endif
