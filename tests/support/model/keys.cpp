/* keys.cpp: see model.hpp. Here: keys, as a plain list.
 */
#include <algorithm>
#include <set>

#include "model.hpp"

namespace support
{

namespace
{

constexpr uint32_t keys_max = 256;

} // namespace

void Model::lose_key(slotq_key_place place, uint64_t id)
{
    const auto is_it = [&](const Key &key) { return key.place == place && key.id == id; };
    keys.erase(std::remove_if(keys.begin(), keys.end(), is_it), keys.end());
}

void Model::give_key(uint64_t key, slotq_key_place place, uint64_t id)
{
    const auto has_it = [&](const Key &other) { return other.key == key; };
    if (key != 0) {
        keys.erase(std::remove_if(keys.begin(), keys.end(), has_it), keys.end());
        keys.push_back({key, place, id, 0});
    }
}

/* The slot aside had another message before. */
void Model::move_key_aside(const Message &message)
{
    const auto had_slot = [&](const Key &key) {
        return key.place == SLOTQ_KEY_ASIDE && key.aside_slot == message.aside_slot;
    };
    keys.erase(std::remove_if(keys.begin(), keys.end(), had_slot), keys.end());
    for (Key &key : keys) {
        if (key.place == SLOTQ_KEY_IN_RING && key.id == message.id) {
            key.place = SLOTQ_KEY_ASIDE;
            key.aside_slot = message.aside_slot;
        }
    }
}

void Model::move_key_to_ring(uint32_t later_id)
{
    for (Key &key : keys) {
        if (key.place == SLOTQ_KEY_SCHEDULED && key.id == later_id) {
            key.place = SLOTQ_KEY_IN_RING;
            key.id = last_id;
        }
    }
}

bool Model::is_unfinished(const Key &key) const
{
    const auto is_open = [&](uint32_t group) {
        const Share *share = this->share(key.id, group);
        return share != nullptr && share->state != SLOTQ_STATE_DONE;
    };
    for (uint32_t group = 0; group < geometry.groups && key.place != SLOTQ_KEY_SCHEDULED; group++) {
        if (is_open(group)) {
            return true;
        }
    }
    return key.place == SLOTQ_KEY_SCHEDULED;
}

bool Model::keys_fit(const uint64_t *given, uint32_t count, slotq_key_mode mode) const
{
    std::set<uint64_t> seen;
    for (uint32_t i = 0; given != nullptr && i < count; i++) {
        if (given[i] != 0 && ((given[i] & 0xFF) == 0 || !seen.insert(given[i]).second)) {
            return false;
        }
    }
    return seen.empty() || ((geometry.flags & SLOTQ_FLAG_KEYS) != 0 && seen.size() <= keys_max &&
                            mode >= SLOTQ_KEY_UNIQUE && mode <= SLOTQ_KEY_RESEND &&
                            (mode != SLOTQ_KEY_RESEND || given[0] != 0));
}

/* Chains of 255 holders are not reached here. */
bool Model::is_taken(const uint64_t *given, uint32_t count, slotq_key_mode mode,
                     slotq_key_holder &taken) const
{
    for (uint32_t i = 0; given != nullptr && i < count; i++) {
        for (const Key &key : keys) {
            const bool judged = key.key == given[i] && (mode != SLOTQ_KEY_RESEND || i == 0);
            if (judged && (mode != SLOTQ_KEY_UNIQUE || is_unfinished(key))) {
                taken = {key.id, i, key.place, is_unfinished(key)};
                return true;
            }
        }
    }
    return false;
}

slotq_outcome Model::find_key(slotq_call_find &find) const
{
    if ((find.key & 0xFF) == 0 || (geometry.flags & SLOTQ_FLAG_KEYS) == 0) {
        return SLOTQ_INVALID;
    }
    for (const Key &key : keys) {
        if (key.key == find.key) {
            find.holder = {key.id, 0, key.place, is_unfinished(key)};
            return SLOTQ_OK;
        }
    }
    return SLOTQ_NOTFOUND;
}

} // namespace support
