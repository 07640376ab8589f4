/* limits.cpp: see model.hpp. Here: what limits a group.
 */
#include <algorithm>

#include "model.hpp"

namespace support
{

bool Model::may_go(uint32_t index) const
{
    const Group &group = groups[index];
    const bool slot =
        group.max_leased == 0 || count(index, SLOTQ_STATE_LEASED, true) < group.max_leased;
    const uint64_t now_us = now_ms_ * 1000;
    const bool rate =
        group.interval_us == 0 || std::max(group.full_us, now_us) + group.interval_us <=
                                      now_us + group.burst * group.interval_us;
    return slot && rate;
}

void Model::count_gone(Group &group)
{
    if (group.interval_us > 0) {
        group.full_us = std::max(group.full_us, now_ms_ * 1000) + group.interval_us;
    }
}

void Model::set_back(Group &group)
{
    group.full_us = std::min(group.full_us, now_ms_ * 1000 + group.burst * group.interval_us);
}

uint64_t Model::limited_until_ms(uint32_t index) const
{
    const Group &group = groups[index];
    uint64_t until_ms = 0;
    if (group.interval_us > 0) {
        const uint64_t burst_us = group.burst * group.interval_us;
        const uint64_t full_us = std::min(group.full_us, now_ms_ * 1000 + burst_us);
        const uint64_t us = full_us + group.interval_us;
        until_ms = us > burst_us ? (us - burst_us + 999) / 1000 : 0;
    }
    if (group.max_leased > 0 && count(index, SLOTQ_STATE_LEASED, true) >= group.max_leased) {
        until_ms = std::max(until_ms, *group.due * geometry.tick_ms);
    }
    return until_ms;
}

bool Model::is_ready(uint32_t index) const
{
    return groups[index].cursor <= last_id || count(index, SLOTQ_STATE_READY, true) > 0;
}

void Model::note_freed(uint32_t index, uint32_t leased_before)
{
    const uint32_t most = groups[index].max_leased;
    if (most > 0 && leased_before >= most && count(index, SLOTQ_STATE_LEASED, true) < most) {
        delivers_ = delivers_ || is_ready(index);
    }
}

slotq_outcome Model::limit(const slotq_call_limit &limit)
{
    if (limit.group >= geometry.groups || limit.what < 1 || limit.what > SLOTQ_LIMIT_ALL ||
        limit.limits.rate_interval_us > SLOTQ_RATE_INTERVAL_US_MAX) {
        return SLOTQ_INVALID;
    }
    Group after = groups[limit.group];
    if ((limit.what & SLOTQ_LIMIT_LEASED) != 0) {
        after.max_leased = limit.limits.max_leased;
    }
    if ((limit.what & SLOTQ_LIMIT_RATE) != 0) {
        const uint64_t us = limit.limits.rate_interval_us;
        after.interval_us = us < UINT64_C(1) << 31 ? us : (us + 999) / 1000 * 1000;
    }
    if ((limit.what & SLOTQ_LIMIT_BURST) != 0) {
        after.burst = limit.limits.rate_burst;
    }
    if (after.interval_us == 0) {
        if ((limit.what & SLOTQ_LIMIT_BURST) != 0 && after.burst > 0) {
            return SLOTQ_INVALID;
        }
        after.burst = 0;
        after.full_us = 0;
    } else {
        after.burst = std::max(after.burst, 1u);
    }
    Group &group = groups[limit.group];
    if (after.max_leased != group.max_leased || after.interval_us != group.interval_us ||
        after.burst != group.burst) {
        set_back(after);
        group = after;
        delivers_ = true;
    }
    return SLOTQ_OK;
}

} // namespace support
