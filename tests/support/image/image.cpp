/* image.cpp: see image.hpp.
 */
#include "image.hpp"

#include <algorithm>
#include <stdexcept>

namespace support
{

namespace
{

constexpr uint32_t steps_max = 200000; /* no verb of any queue needs more */

uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

bool covers(const slotq_patch &patch, uint32_t offset, uint32_t bytes)
{
    return patch.offset < offset + bytes && offset < patch.offset + patch.length;
}

bool is_patch(const slotq_patch &patch, Field field)
{
    return patch.offset == field.offset && patch.length == field.bytes;
}

} // namespace

uint64_t load(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = count; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

void store(uint8_t *bytes, uint32_t count, uint64_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = static_cast<uint8_t>(value >> 8 * i);
    }
}

/* From the algorithm's description, so that a checksum is judged by other code than its own. */
uint32_t xxh32(const uint8_t *bytes, size_t size)
{
    constexpr uint32_t prime1 = 2654435761u, prime2 = 2246822519u, prime3 = 3266489917u,
                       prime4 = 668265263u, prime5 = 374761393u;
    const uint8_t *at = bytes;
    size_t left = size;
    uint32_t hash = prime5;
    if (left >= 16) {
        uint32_t lanes[4] = {prime1 + prime2, prime2, 0, 0 - prime1};
        for (; left >= 16; left -= 16) {
            for (uint32_t &lane : lanes) {
                const uint32_t input = static_cast<uint32_t>(load(at, 4));
                lane = rotate(lane + input * prime2, 13) * prime1;
                at += 4;
            }
        }
        hash =
            rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    }
    hash += static_cast<uint32_t>(size);
    for (; left >= 4; left -= 4, at += 4) {
        hash = rotate(hash + static_cast<uint32_t>(load(at, 4)) * prime3, 17) * prime4;
    }
    for (; left > 0; left--, at++) {
        hash = rotate(hash + *at * prime5, 11) * prime1;
    }
    hash = (hash ^ hash >> 15) * prime2;
    hash = (hash ^ hash >> 13) * prime3;
    return hash ^ hash >> 16;
}

slotq_geometry geometry(uint32_t ring_slots, uint32_t payload_bytes, uint32_t groups,
                        uint32_t flags, uint32_t max_attempts, uint32_t dead_slots,
                        uint32_t tick_ms)
{
    slotq_geometry made = {};
    made.ring_slots = static_cast<uint16_t>(ring_slots);
    made.payload_bytes = static_cast<uint16_t>(payload_bytes);
    made.dead_slots = static_cast<uint16_t>(dead_slots);
    made.tick_ms = static_cast<uint16_t>(tick_ms);
    made.groups = static_cast<uint8_t>(groups);
    made.flags = static_cast<uint8_t>(flags);
    made.max_attempts = static_cast<uint8_t>(max_attempts);
    made.generation = 1; /* a fixed one, so that images are the same in every run */
    return made;
}

void Image::open()
{
    slotq_damage damage;
    if (slotq_core_open(&view_, bytes_.data(), bytes_.size(), &damage) != SLOTQ_OK) {
        throw std::runtime_error(std::string("the image does not open: ") +
                                 (damage.what != nullptr ? damage.what : "?"));
    }
}

Image::Image(const slotq_geometry &geometry) : bytes_(slotq_core_image_bytes(&geometry, nullptr))
{
    if (slotq_core_create(bytes_.data(), static_cast<uint32_t>(bytes_.size()), &geometry) !=
        SLOTQ_OK) {
        throw std::runtime_error("the image cannot be created");
    }
    open();
}

Image::Image(const Bytes &bytes) : bytes_(bytes)
{
    open();
}

Image &Image::operator=(const Image &other)
{
    const bool same =
        bytes_.size() == other.bytes_.size() && std::memcmp(data() + 8, other.data() + 8, 36) == 0;
    if (same && this != &other) { /* the same geometry: the view stays as it is */
        std::memcpy(bytes_.data(), other.bytes_.data(), bytes_.size());
    } else if (!same) {
        bytes_ = other.bytes_;
        open();
    }
    return *this;
}

uint32_t Image::word_offset(uint32_t group, uint32_t index) const
{
    return view_.states_offset + (group * view_.geometry.ring_slots + index) * 4;
}

uint32_t Image::aside_entry_of(uint64_t id) const
{
    uint32_t entry = 0;
    while (entry < aside_count() && aside_id(entry) != id) {
        entry++;
    }
    return entry;
}

bool Image::aside_slot_used(uint32_t slot) const
{
    uint32_t entry = 0;
    while (entry < aside_count() && aside_slot(entry) != slot) {
        entry++;
    }
    return entry < aside_count();
}

uint32_t Image::slot_offset_of(uint64_t id) const
{
    const uint32_t entry = aside_entry_of(id);
    return entry < aside_count() ? aside_slot_offset(aside_slot(entry)) : slot_offset(index_of(id));
}

uint32_t Image::word_of(uint64_t id, uint32_t group) const
{
    const uint32_t entry = aside_entry_of(id);
    return entry < aside_count() ? get_aside_word(group, aside_slot(entry))
                                 : get_word(group, index_of(id));
}

uint64_t Image::last_id() const
{
    const uint64_t low = get(field::header_last_id);
    uint64_t era = get(field::shared_era);
    era += (era & 1) != low >> 31 ? 1 : 0;
    return (era >> 1) << 32 | low;
}

uint32_t Image::index_of(uint64_t id) const
{
    const uint64_t slots = view_.geometry.ring_slots;
    const uint64_t back = (last_id() + 1 - id) % slots;
    return static_cast<uint32_t>((get(field::header_tail) + slots - back) % slots);
}

void Image::start_at(uint64_t last_id, uint32_t tail)
{
    set(field::header_last_id, last_id & 0xFFFFFFFFu);
    set(field::shared_era, last_id >> 31);
    set(field::header_head, tail);
    set(field::header_tail, tail);
    for (uint32_t group = 0; group < view_.geometry.groups; group++) {
        set(field::group_head, group, tail);
        set(field::group_cursor, group, tail);
        set(field::group_retry_from, group, tail);
        set(field::group_written, group, tail);
    }
}

std::string Image::check() const
{
    slotq_damage damage = {};
    const slotq_outcome outcome = slotq_core_check(&view_, &damage);
    if (outcome == SLOTQ_OK && damage.what == nullptr) {
        return "";
    }
    return std::string(damage.what != nullptr ? damage.what : "no text") + " (offset " +
           std::to_string(damage.offset) + ")";
}

/* ---- steps ---- */

void Image::judge_patch(const slotq_step &step, const slotq_patch &patch)
{
    const uint64_t size = bytes_.size();
    if (patch.length == 0 || patch.offset > size || patch.length > size - patch.offset) {
        fault_ = "a patch leaves the image";
    } else if (covers(patch, field::geometry_magic.offset, 36)) {
        fault_ = "a patch touches the geometry";
    } else if (patch.kind == SLOTQ_PATCH_BYTES &&
               (patch.source > step.scratch_used ||
                patch.length > step.scratch_used - patch.source)) {
        fault_ = "a patch leaves the scratch";
    } else if (patch.kind == SLOTQ_PATCH_COPY &&
               (patch.source > size || patch.length > size - patch.source)) {
        fault_ = "a copy leaves the image";
    } else if (covers(patch, field::header_last_id.offset, field::header_last_id.bytes) ||
               covers(patch, field::header_tail.offset, field::header_tail.bytes)) {
        if (!step.pushes || patch.offset != 0 || patch.length != 8) {
            fault_ = "last_id or tail are patched other than by the 8 bytes of a push";
        }
    }
}

/* Without a journal only a store of at most 8 aligned bytes may change what is visible, the
 * push's era (repaired on reading) and the advisory wake word aside. */
void Image::judge_journal(const slotq_step &step)
{
    uint32_t visible = 0;
    for (uint32_t i = 0; i < step.patch_count; i++) {
        const slotq_patch &patch = step.patches[i];
        const bool hidden = i < step.patch_count - step.visible_count;
        const bool slots = patch.kind == SLOTQ_PATCH_SLOTS;
        if (slots && !hidden) {
            fault_ = "slots come after what makes them visible";
        }
        if (hidden || step.needs_journal || is_patch(patch, field::shared_wake) ||
            (step.pushes && is_patch(patch, field::shared_era))) {
            continue;
        }
        visible++;
        if (visible > 1 || patch.length > 8 ||
            patch.offset / 8 != (patch.offset + patch.length - 1) / 8) {
            fault_ = "a step without a journal changes visible bytes in several places";
        }
    }
}

void Image::judge_step(const slotq_call &call, const slotq_step &step, slotq_outcome outcome)
{
    const bool settle = call.verb >= SLOTQ_ACK && call.verb <= SLOTQ_KILL;
    const bool waits = outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN ||
                       outcome == SLOTQ_LIMITED || outcome == SLOTQ_FULL;
    if (step.patch_count > SLOTQ_STEP_PATCHES || step.scratch_used > SLOTQ_STEP_SCRATCH_BYTES ||
        step.visible_count > step.patch_count ||
        (step.patch_count > 8 && step.scratch_used > SLOTQ_STEP_SCRATCH_OF_OTHERS)) {
        fault_ = "a step is larger than it can be";
        return;
    }
    for (uint32_t i = 0; i < step.patch_count; i++) {
        const slotq_patch &patch = step.patches[i];
        judge_patch(step, patch);
        const bool reclaims = call.verb == SLOTQ_RECLAIM && outcome == SLOTQ_AGAIN;
        const bool refused = outcome != SLOTQ_MORE && outcome != SLOTQ_OK && !reclaims;
        if (refused && !(waits && is_patch(patch, field::shared_wake)) &&
            !(settle && outcome <= SLOTQ_DEADFULL)) {
            fault_ = "a step that refuses has a patch";
        }
        if (slotq_core_verb_only_reads(call.verb)) {
            fault_ = "a verb that only reads has a patch";
        }
        if (covers(patch, field::shared_wake.offset, 4) && i + 1 != step.patch_count) {
            fault_ = "wake is not the last patch";
        }
    }
    judge_journal(step);
    patches_ += step.patch_count;
    most_patches_ = std::max(most_patches_, step.patch_count);
    woke_ = woke_ || step.wakes;
    journalled_ = journalled_ || step.needs_journal;
}

void Image::apply(const slotq_step &step)
{
    if (step.needs_journal || !check_each_step_) {
        slotq_core_apply(bytes_.data(), &view_, &step);
    } else {
        for (uint32_t i = 0; i < step.patch_count && fault_.empty(); i++) {
            slotq_core_apply_patch(bytes_.data(), &view_, &step, &step.patches[i]);
            fault_ = check(); /* each prefix of such a step is what a crash may leave */
        }
    }
    if (check_each_step_ && fault_.empty() && step.patch_count > 0) {
        fault_ = check();
    }
}

slotq_outcome Image::run(slotq_call &call)
{
    static thread_local slotq_step step;
    steps_ = 0;
    patches_ = 0;
    most_patches_ = 0;
    woke_ = false;
    journalled_ = false;
    fault_.clear();
    slotq_outcome outcome;
    do {
        outcome = slotq_core_step(&view_, &call, &step);
        judge_step(call, step, outcome);
        if (!fault_.empty()) {
            return outcome;
        }
        apply(step);
        if (++steps_ == steps_max) {
            fault_ = "a verb does not end";
        }
    } while (outcome == SLOTQ_MORE && fault_.empty());
    nudge_ = call.nudge;
    pushed_used_ = call.verb == SLOTQ_PUSH && outcome == SLOTQ_OK ? call.push.used : 0;
    return outcome;
}

/* ---- comparing ---- */

namespace
{

void mask_slot(uint8_t *slot, const slotq_view &view)
{
    const uint32_t front = view.stride - view.geometry.payload_bytes;
    const uint32_t length = static_cast<uint32_t>(load(slot, 2));
    if (length <= view.geometry.payload_bytes) {
        std::memset(slot + front + length, 0, view.geometry.payload_bytes - length);
    }
}

} // namespace

/* All but the entries in use, what belongs to their slot numbers, and keys. */
void Image::mask_aside(Bytes &bytes) const
{
    const slotq_geometry &shape = view_.geometry;
    for (uint32_t entry = aside_count(); entry < shape.aside_slots; entry++) {
        std::memset(bytes.data() + aside_entry_offset(entry), 0, aside_entry_bytes);
    }
    for (uint32_t slot = 0; slot < shape.aside_slots; slot++) {
        if (aside_slot_used(slot)) {
            mask_slot(bytes.data() + aside_slot_offset(slot), view_);
            continue;
        }
        for (uint32_t group = 0; group < shape.groups; group++) {
            std::memset(bytes.data() + aside_word_offset(group, slot), 0, 4);
        }
        std::memset(bytes.data() + aside_slot_offset(slot), 0, view_.stride);
    }
}

/* Slots of free slot numbers. */
void Image::mask_later(Bytes &bytes) const
{
    const uint64_t count = get(field::shared_later_count);
    for (uint32_t entry = 0; entry < view_.geometry.later_slots; entry++) {
        const uint32_t slot = later_slot(entry);
        if (entry < count) {
            mask_slot(bytes.data() + later_slot_offset(slot), view_);
            continue;
        }
        std::memset(bytes.data() + later_slot_offset(slot), 0, view_.stride);
    }
}

Bytes Image::masked() const
{
    Bytes bytes = bytes_;
    const uint32_t slots = view_.geometry.ring_slots;
    if (view_.geometry.places > 0) { /* places on a server are in rows that only it writes */
        const uint32_t rows = (view_.geometry.groups + 1u) * (2u + 2u * view_.geometry.places);
        std::memset(bytes.data() + bytes.size() - rows, 0, rows);
        std::memset(bytes.data() + field::shared_wake.offset, 0, field::shared_wake.bytes);
    }
    for (uint32_t group = 0; group < view_.geometry.groups; group++) {
        const uint64_t head = get(field::group_head, group);
        const uint32_t written = distance(head, get(field::group_written, group));
        for (uint32_t index = 0; index < slots; index++) {
            if (distance(head, index) >= written) {
                std::memset(bytes.data() + word_offset(group, index), 0, 4);
            }
        }
    }
    const uint64_t head = get(field::header_head);
    const uint32_t used = distance(head, get(field::header_tail));
    for (uint32_t index = 0; index < slots; index++) {
        uint8_t *slot = bytes.data() + slot_offset(index);
        if (distance(head, index) < used) {
            mask_slot(slot, view_);
        } else {
            std::memset(slot, 0, view_.stride);
        }
    }
    mask_aside(bytes);
    mask_later(bytes);
    const uint32_t dead_slots = view_.geometry.dead_slots;
    for (uint32_t entry = 0; entry < dead_slots; entry++) {
        const uint64_t from = get(field::shared_dead_head);
        uint8_t *dead = bytes.data() + dead_offset(entry);
        const uint64_t span = get(field::shared_dead_count) + get(field::shared_dead_holes);
        const uint32_t note_bytes = view_.geometry.note_bytes;
        if ((entry + dead_slots - from) % dead_slots < span && load(dead, 6) != 0) {
            const uint32_t length = std::min<uint32_t>(dead[15], note_bytes);
            std::memset(dead + dead_entry_bytes + length, 0, note_bytes - length);
            mask_slot(dead + dead_entry_bytes + note_bytes, view_);
        } else {
            std::memset(dead, 0, dead_entry_bytes + note_bytes + view_.stride);
        }
    }
    return bytes;
}

} // namespace support
