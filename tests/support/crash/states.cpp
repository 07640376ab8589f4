/* states.cpp: canonical images and the core's steps, one by one. Offsets come from
 * fields.def; the rules are the core's own.
 */
#include "states.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace crash
{

namespace
{

enum field : uint32_t {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) part##_##name = (offset),
#include "../../../engine/layout/fields.def"
#undef SLOTQ_FIELD
};
constexpr uint32_t GROUPS_AT = 80;
constexpr uint32_t GROUP_SIZE = 56;
constexpr uint32_t DEAD_HEAD_SIZE = 16;
constexpr uint32_t ASIDE_ENTRY_SIZE = 7;
constexpr uint32_t LATER_ENTRY_SIZE = 12;

uint32_t get16(const bytes &image, size_t at)
{
    return static_cast<uint32_t>(image[at] | image[at + 1] << 8);
}

uint32_t get32(const bytes &image, size_t at)
{
    return get16(image, at) | get16(image, at + 2) << 16;
}

void put(bytes &image, size_t at, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        image[at + i] = static_cast<uint8_t>(value >> 8 * i);
    }
}

void wipe(bytes &image, size_t at, size_t count)
{
    std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(at), count, uint8_t{0});
}

bool inside(uint32_t index, uint32_t from, uint32_t to, uint32_t around)
{
    return (index + around - from) % around < (to + around - from) % around;
}

void wipe_slot_rest(bytes &image, const slotq_view &view, uint32_t slot)
{
    const uint32_t room = view.geometry.payload_bytes;
    const uint32_t used = std::min(get16(image, slot), room);
    wipe(image, slot + view.stride - room + used, room - used);
}

void wipe_words(bytes &image, const slotq_view &view)
{
    const uint32_t around = view.geometry.ring_slots;
    for (uint32_t group = 0; group < view.geometry.groups; group++) {
        const uint32_t block = GROUPS_AT + GROUP_SIZE * group;
        const uint32_t head = get16(image, block + group_head);
        const uint32_t written = get16(image, block + group_written);
        for (uint32_t index = 0; index < around; index++) {
            if (!inside(index, head, written, around)) {
                wipe(image, view.states_offset + (group * around + index) * 4, 4);
            }
        }
    }
}

/* All but the entries in use, what belongs to their slot numbers, and keys. */
void wipe_aside(bytes &image, const slotq_view &view)
{
    const uint32_t places = view.geometry.aside_slots;
    const uint32_t count = image[shared_aside_count];
    std::vector<bool> used(256);
    for (uint32_t place = 0; place < places; place++) {
        const uint32_t entry = view.aside_index_offset + place * ASIDE_ENTRY_SIZE;
        if (place < count) {
            used[image[entry + aside_slot]] = true;
        } else {
            wipe(image, entry, ASIDE_ENTRY_SIZE);
        }
    }
    for (uint32_t slot = 0; slot < places; slot++) {
        const uint32_t at = view.aside_slots_offset + slot * view.stride;
        if (used[slot]) {
            wipe_slot_rest(image, view, at);
            continue;
        }
        for (uint32_t group = 0; group < view.geometry.groups; group++) {
            wipe(image, view.aside_words_offset + (group * places + slot) * 4, 4);
        }
        wipe(image, at, view.stride);
    }
}

/* Slots of free slot numbers. */
void wipe_later(bytes &image, const slotq_view &view)
{
    const uint32_t count = get16(image, shared_later_count);
    for (uint32_t place = 0; place < view.geometry.later_slots; place++) {
        const uint32_t entry = view.later_index_offset + place * LATER_ENTRY_SIZE;
        const uint32_t slot = get16(image, entry + later_slot) ^ place;
        const uint32_t at = view.later_ring_offset + slot * view.stride;
        if (slot >= view.geometry.later_slots) {
            continue;
        }
        if (place < count) {
            wipe_slot_rest(image, view, at);
        } else {
            wipe(image, at, view.stride);
        }
    }
}

void wipe_dead(bytes &image, const slotq_view &view)
{
    const uint32_t around = view.geometry.dead_slots;
    const uint32_t head = get16(image, shared_dead_head);
    const uint32_t span = get16(image, shared_dead_count) + get16(image, shared_dead_holes);
    const uint32_t room = view.geometry.note_bytes;
    for (uint32_t index = 0; index < around; index++) {
        const uint32_t entry = view.dead_offset + index * (DEAD_HEAD_SIZE + room + view.stride);
        const bool is_hole = get32(image, entry) == 0 && get16(image, entry + 4) == 0;
        if ((index + around - head) % around < span && !is_hole) {
            const uint32_t used = std::min<uint32_t>(room, image[entry + DEAD_HEAD_SIZE - 1]);
            wipe(image, entry + DEAD_HEAD_SIZE + used, room - used);
            wipe_slot_rest(image, view, entry + DEAD_HEAD_SIZE + room);
        } else {
            wipe(image, entry, DEAD_HEAD_SIZE + room + view.stride);
        }
    }
}

} // namespace

bytes canonical(const bytes &image)
{
    bytes clean = image;
    slotq_view view;
    slotq_damage damage;
    if (slotq_core_open(&view, image.data(), image.size(), &damage) != SLOTQ_OK) {
        return clean;
    }
    const uint32_t around = view.geometry.ring_slots;
    const uint32_t era = get16(clean, shared_era);
    put(clean, shared_era, 2, era + ((era & 1) != get32(clean, header_last_id) >> 31));
    wipe(clean, shared_wake, 4);
    for (uint32_t index = 0; index < around; index++) {
        const uint32_t slot = view.ring_offset + index * view.stride;
        if (inside(index, get16(clean, header_head), get16(clean, header_tail), around)) {
            wipe_slot_rest(clean, view, slot);
        } else {
            wipe(clean, slot, view.stride);
        }
    }
    wipe_words(clean, view);
    wipe_aside(clean, view);
    wipe_later(clean, view);
    wipe_dead(clean, view);
    return clean;
}

std::string fault_of(const bytes &image)
{
    slotq_view view;
    slotq_damage damage = {};
    if (slotq_core_open(&view, image.data(), image.size(), &damage) == SLOTQ_OK &&
        slotq_core_check(&view, &damage) == SLOTQ_OK) {
        return "";
    }
    return "offset " + std::to_string(damage.offset) + ": " +
           (damage.what == nullptr ? "?" : damage.what);
}

bool among(const bytes &one, const std::vector<bytes> &many)
{
    return std::find(many.begin(), many.end(), one) != many.end();
}

std::string difference(const bytes &left, const bytes &right)
{
    if (left.size() != right.size()) {
        return "sizes differ";
    }
    std::string text;
    for (size_t i = 0; i < left.size() && text.size() < 400; i++) {
        if (left[i] != right[i]) {
            char one[64];
            snprintf(one, sizeof one, "%zu: %02x is not %02x; ", i, left[i], right[i]);
            text += one;
        }
    }
    return text;
}

slotq_geometry geometry(uint16_t ring_slots, uint16_t payload_bytes, uint8_t groups)
{
    slotq_geometry shape = {};
    shape.ring_slots = ring_slots;
    shape.payload_bytes = payload_bytes;
    shape.dead_slots = 3;
    shape.tick_ms = 100;
    shape.generation = 1;
    shape.groups = groups;
    shape.max_attempts = 3;
    return shape;
}

bytes fresh(const slotq_geometry &wanted)
{
    bytes image(slotq_core_image_bytes(&wanted, nullptr));
    slotq_core_create(image.data(), static_cast<uint32_t>(image.size()), &wanted);
    return image;
}

void set_last_id(bytes &image, uint64_t last_id)
{
    put(image, header_last_id, 4, last_id);
    put(image, shared_era, 2, last_id >> 31);
}

} // namespace crash
