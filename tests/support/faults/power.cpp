/* power.cpp: see power.hpp. */
#include "power.hpp"

#include <algorithm>
#include <cstring>

namespace power
{

constexpr size_t SECTOR = 512;

disk::disk(const std::vector<uint8_t> &content)
{
    for (size_t at = 0; at < content.size(); at += SECTOR) {
        const size_t end = std::min(at + SECTOR, content.size());
        const auto start = content.begin();
        versions.push_back({sector(start + static_cast<std::ptrdiff_t>(at),
                                   start + static_cast<std::ptrdiff_t>(end))});
    }
}

void disk::seen(const uint8_t *now)
{
    for (std::vector<sector> &history : versions) {
        const size_t size = history.back().size();
        if (memcmp(history.back().data(), now, size) != 0) {
            history.push_back(sector(now, now + size));
        }
        now += size;
    }
}

void disk::synced(uint64_t from, uint64_t to)
{
    uint64_t at = 0;
    for (std::vector<sector> &history : versions) {
        if (at >= from && at + history.back().size() <= to) {
            history.erase(history.begin(), history.end() - 1);
        }
        at += history.back().size();
    }
}

std::vector<uint8_t> disk::after(loss kind, std::mt19937_64 &random) const
{
    std::vector<uint8_t> content;
    for (const std::vector<sector> &history : versions) {
        size_t kept = 0;
        if (kind == loss::nothing) {
            kept = history.size() - 1;
        } else if (kind == loss::each_sector_old_or_new) {
            kept = random() % 2 == 0 ? 0 : history.size() - 1;
        } else if (kind == loss::each_sector_any) {
            kept = random() % history.size();
        }
        content.insert(content.end(), history[kept].begin(), history[kept].end());
    }
    return content;
}

uint64_t disk::unsynced() const
{
    return static_cast<uint64_t>(
        std::count_if(versions.begin(), versions.end(),
                      [](const std::vector<sector> &history) { return history.size() > 1; }));
}

} // namespace power
