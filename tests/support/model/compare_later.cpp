/* compare_later.cpp: see play.hpp. Here: comparing the scheduled messages.
 */
#include <algorithm>

#include "comparison.hpp"
#include "play.hpp"

namespace support
{

/* The order of places is the heap's, which the image check holds: here all are compared. */
std::string Play::compare_later() const
{
    std::vector<std::pair<std::pair<uint64_t, uint32_t>, uint32_t>> found;
    Comparison comparison;
    comparison.equal("later_count", image_.get(field::shared_later_count), model_.later.size());
    comparison.equal("later_last_id", image_.get(field::shared_later_last_id),
                     model_.later_last_id);
    for (uint32_t i = 0; i < model_.later.size() && comparison.text().empty(); i++) {
        found.push_back({{image_.later_due_ms(i), image_.later_id(i)}, image_.later_slot(i)});
    }
    std::sort(found.begin(), found.end());
    for (size_t i = 0; i < found.size() && comparison.text().empty(); i++) {
        const Scheduled &message = model_.later[i];
        slotq_slot slot;
        comparison.equal("later.due_ms", found[i].first.first, message.due_ms);
        comparison.equal("later.later_id", found[i].first.second, message.later_id);
        comparison.holds(
            "a later slot is damaged",
            slotq_core_slot(&image_.view(), image_.later_slot_offset(found[i].second), &slot));
        comparison.equal("a later stamp", slot.stamp, message.stamp);
        comparison.holds("a later payload differs",
                         std::string(reinterpret_cast<const char *>(slot.payload),
                                     slot.payload_bytes) == message.payload);
    }
    return comparison.text();
}

/* The core's are those of the places from `from` on. */
std::string Play::compare_later_list(const slotq_call &core, const slotq_call &model) const
{
    Comparison comparison;
    comparison.equal("items", core.look.count, model.look.count);
    for (uint32_t i = 0; i < model.look.count && comparison.text().empty(); i++) {
        const uint32_t place = static_cast<uint32_t>(core.look.from) + i;
        comparison.equal("item.id", core_items_[i].id, image_.later_id(place));
        comparison.equal("item.due_ms", core_items_[i].due_ms, image_.later_due_ms(place));
        comparison.equal("item.slot_offset", core_items_[i].slot_offset,
                         image_.later_slot_offset(image_.later_slot(place)));
    }
    return comparison.text();
}

} // namespace support
