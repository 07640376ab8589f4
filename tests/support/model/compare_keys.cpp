/* compare_keys.cpp: see play.hpp. Here: choosing and comparing keys.
 */
#include <map>

#include "comparison.hpp"
#include "play.hpp"

namespace support
{

/* From a few, so that they meet again; some in one bucket. Sometimes one that cannot be. */
uint64_t Play::choose_key()
{
    const uint64_t which = choices_.small(2 * image_.holders() + 8);
    const uint64_t key = which % 7 == 0 ? which << 40 | 1 : which << 8 | (1 + which % 5);
    return choices_.one_in(200) ? key << 8 : key;
}

/* For count messages, most without one; NULL: none has one. */
const uint64_t *Play::choose_keys(uint32_t count)
{
    const bool may = (image_.geometry().flags & SLOTQ_FLAG_KEYS) != 0 || choices_.one_in(50);
    keys_.assign(count, 0);
    if (!may || choices_.one_in(3)) {
        return nullptr;
    }
    const uint32_t share = 1 + choices_.small(4);
    for (uint32_t i = 0; i < count; i++) {
        if (choices_.one_in(share)) {
            keys_[i] = choose_key();
        }
    }
    return keys_.data();
}

slotq_key_mode Play::choose_mode()
{
    return static_cast<slotq_key_mode>(choices_.one_in(60) ? 4 * choices_.small(2)
                                                           : 1 + choices_.small(3));
}

std::string Play::find()
{
    slotq_call core = fresh(SLOTQ_FIND);
    core.find.key = choose_key();
    slotq_call model = core;
    return ask(core, model);
}

std::string Play::compare_key_holder(const slotq_key_holder &core,
                                     const slotq_key_holder &model) const
{
    Comparison comparison;
    comparison.equal("holder.id", core.id, model.id);
    comparison.equal("holder.message", core.message, model.message);
    comparison.equal("holder.place", core.place, model.place);
    comparison.equal("holder.is_unfinished", core.is_unfinished, model.is_unfinished);
    return comparison.text();
}

/* Where the model's key must lie. */
uint32_t Play::holder_of(const Key &key) const
{
    const slotq_geometry &shape = image_.geometry();
    if (key.place == SLOTQ_KEY_IN_RING) {
        const uint64_t back = model_.last_id + 1 - key.id; /* 1 to ring_slots */
        const uint64_t tail = image_.get(field::header_tail);
        return static_cast<uint32_t>((tail + shape.ring_slots - back) % shape.ring_slots);
    }
    if (key.place == SLOTQ_KEY_ASIDE) {
        return static_cast<uint32_t>(shape.ring_slots) + key.aside_slot;
    }
    uint32_t place = 0;
    while (place < model_.later.size() && image_.later_id(place) != key.id) {
        place++;
    }
    return static_cast<uint32_t>(shape.ring_slots) + shape.aside_slots + image_.later_slot(place);
}

/* Their chains are the image check's. */
std::string Play::compare_keys() const
{
    std::map<uint32_t, uint64_t> expected;
    Comparison comparison;
    if ((image_.geometry().flags & SLOTQ_FLAG_KEYS) == 0) {
        return "";
    }
    for (const Key &key : model_.keys) {
        const uint32_t holder = holder_of(key);
        expected[holder] = key.key;
        if (key.place == SLOTQ_KEY_ASIDE) {
            comparison.equal("aside_key.id",
                             load(image_.data() + image_.key_offset(holder) + 10, 6), key.id);
        } else if (key.place == SLOTQ_KEY_SCHEDULED) {
            comparison.equal("later_key.later_id",
                             load(image_.data() + image_.key_offset(holder) + 10, 4), key.id);
        }
    }
    for (uint32_t holder = 0; holder < image_.holders(); holder++) {
        comparison.equal("key", image_.key_of(holder), expected[holder]);
    }
    return comparison.text();
}

} // namespace support
