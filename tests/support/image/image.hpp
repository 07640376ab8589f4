/* image.hpp: images for tests: bytes of exactly the image's size, fields by name, the core's verbs
 * run step by step under the promises that hold for every step. Written from FORMAT.md on its
 * own: it shares no code with the engine's layout.
 */
#ifndef TESTS_SUPPORT_IMAGE_HPP
#define TESTS_SUPPORT_IMAGE_HPP

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../../../engine/slotq_core.h"
#include "fields.hpp"

namespace support
{

uint64_t load(const uint8_t *bytes, uint32_t count);
void store(uint8_t *bytes, uint32_t count, uint64_t value);
uint32_t xxh32(const uint8_t *bytes, size_t size);

slotq_geometry geometry(uint32_t ring_slots, uint32_t payload_bytes, uint32_t groups = 1,
                        uint32_t flags = 0, uint32_t max_attempts = 0, uint32_t dead_slots = 0,
                        uint32_t tick_ms = 100);

/* The one word of a state, made by hand. */
constexpr uint32_t word(slotq_state state, uint32_t attempts, uint64_t bits)
{
    return static_cast<uint32_t>(state) | attempts << 2 |
           (static_cast<uint32_t>(bits) & 0xFFFFFFu) << 8;
}

/* Bytes of just their size, so that a sanitizer sees a read past them. */
class Bytes
{
public:
    explicit Bytes(size_t size) : size_(size), bytes_(new uint8_t[size > 0 ? size : 1]())
    {
    }
    Bytes(const uint8_t *from, size_t size) : Bytes(size)
    {
        if (size > 0) {
            std::memcpy(bytes_.get(), from, size);
        }
    }
    Bytes(const Bytes &other) : Bytes(other.data(), other.size())
    {
    }
    Bytes(Bytes &&) = default;
    Bytes &operator=(const Bytes &other)
    {
        *this = Bytes(other);
        return *this;
    }
    Bytes &operator=(Bytes &&) = default;
    uint8_t *data()
    {
        return bytes_.get();
    }
    const uint8_t *data() const
    {
        return bytes_.get();
    }
    size_t size() const
    {
        return size_;
    }
    bool operator==(const Bytes &other) const
    {
        return size_ == other.size_ && std::memcmp(data(), other.data(), size_) == 0;
    }
    bool operator!=(const Bytes &other) const
    {
        return !(*this == other);
    }

private:
    size_t size_;
    std::unique_ptr<uint8_t[]> bytes_;
};

/* An image and the core that works it. Copies are images of their own. */
class Image
{
public:
    explicit Image(const slotq_geometry &geometry); /* a fresh queue */
    explicit Image(const Bytes &bytes);             /* must open */
    Image(const Image &other) : Image(other.bytes_)
    {
    }
    Image &operator=(const Image &other);

    const slotq_geometry &geometry() const
    {
        return view_.geometry;
    }
    const slotq_view &view() const
    {
        return view_;
    }
    const Bytes &bytes() const
    {
        return bytes_;
    }
    uint8_t *data()
    {
        return bytes_.data();
    }
    const uint8_t *data() const
    {
        return bytes_.data();
    }

    uint64_t get(Field field) const
    {
        return load(data() + field.offset, field.bytes);
    }
    void set(Field field, uint64_t value)
    {
        store(data() + field.offset, field.bytes, value);
    }
    uint64_t get(Field field, uint32_t group) const
    {
        return load(data() + front_offset + group_bytes * group + field.offset, field.bytes);
    }
    void set(Field field, uint32_t group, uint64_t value)
    {
        store(data() + front_offset + group_bytes * group + field.offset, field.bytes, value);
    }
    uint32_t word_offset(uint32_t group, uint32_t index) const;
    uint32_t get_word(uint32_t group, uint32_t index) const
    {
        return static_cast<uint32_t>(load(data() + word_offset(group, index), 4));
    }
    void set_word(uint32_t group, uint32_t index, uint32_t value)
    {
        store(data() + word_offset(group, index), 4, value);
    }
    uint32_t slot_offset(uint32_t index) const
    {
        return view_.ring_offset + index * view_.stride;
    }
    uint32_t dead_offset(uint32_t entry) const
    {
        return view_.dead_offset +
               entry * (dead_entry_bytes + view_.geometry.note_bytes + view_.stride);
    }
    uint32_t dead_slot_offset(uint32_t entry) const
    {
        return dead_offset(entry) + dead_entry_bytes + view_.geometry.note_bytes;
    }
    uint32_t aside_count() const /* at most aside_slots, also where the image is damaged */
    {
        const uint32_t count = static_cast<uint32_t>(get(field::shared_aside_count));
        return count < view_.geometry.aside_slots ? count : view_.geometry.aside_slots;
    }
    uint32_t aside_entry_offset(uint32_t entry) const
    {
        return view_.aside_index_offset + entry * aside_entry_bytes;
    }
    uint64_t aside_id(uint32_t entry) const
    {
        return load(data() + aside_entry_offset(entry) + field::aside_id.offset, 6);
    }
    uint32_t aside_slot(uint32_t entry) const
    {
        return data()[aside_entry_offset(entry) + field::aside_slot.offset];
    }
    uint32_t aside_word_offset(uint32_t group, uint32_t slot) const
    {
        return view_.aside_words_offset + (group * view_.geometry.aside_slots + slot) * 4;
    }
    uint32_t get_aside_word(uint32_t group, uint32_t slot) const
    {
        return static_cast<uint32_t>(load(data() + aside_word_offset(group, slot), 4));
    }
    void set_aside_word(uint32_t group, uint32_t slot, uint32_t value)
    {
        store(data() + aside_word_offset(group, slot), 4, value);
    }
    uint32_t aside_slot_offset(uint32_t slot) const
    {
        return view_.aside_slots_offset + slot * view_.stride;
    }
    uint32_t later_entry_offset(uint32_t entry) const
    {
        return view_.later_index_offset + entry * later_entry_bytes;
    }
    uint64_t later_due_ms(uint32_t entry) const
    {
        return load(data() + later_entry_offset(entry) + field::later_due_ms.offset, 6);
    }
    uint32_t later_id(uint32_t entry) const
    {
        return static_cast<uint32_t>(
            load(data() + later_entry_offset(entry) + field::later_later_id.offset, 4));
    }
    uint32_t later_slot(uint32_t entry) const /* its slot number */
    {
        const uint64_t stored =
            load(data() + later_entry_offset(entry) + field::later_slot.offset, 2);
        return static_cast<uint32_t>(stored) ^ entry;
    }
    uint32_t later_slot_offset(uint32_t slot) const
    {
        return view_.later_ring_offset + slot * view_.stride;
    }

    /* The entry of a holder of a key: of the ring, aside, later (FORMAT.md, "Keys"). */
    uint32_t holders() const
    {
        const slotq_geometry &shape = view_.geometry;
        return static_cast<uint32_t>(shape.ring_slots) + shape.aside_slots + shape.later_slots;
    }
    uint32_t key_offset(uint32_t holder) const
    {
        const uint32_t slots = view_.geometry.ring_slots;
        const uint32_t aside = view_.geometry.aside_slots;
        return holder < slots ? view_.keys_offset + holder * ring_key_bytes
               : holder < slots + aside
                   ? view_.aside_keys_offset + (holder - slots) * aside_key_bytes
                   : view_.later_keys_offset + (holder - slots - aside) * later_key_bytes;
    }
    uint64_t key_of(uint32_t holder) const
    {
        return load(data() + key_offset(holder), key_bytes);
    }
    uint32_t bucket_offset(uint32_t bucket) const
    {
        return view_.keys_offset + view_.geometry.ring_slots * ring_key_bytes + 2 * bucket;
    }

    /* The entry of an id in the aside index, or aside_count if it is not there. */
    uint32_t aside_entry_of(uint64_t id) const;
    /* Entries in use have this slot number. */
    bool aside_slot_used(uint32_t slot) const;

    /* Where the slot of a message lies, in the ring or aside. */
    uint32_t slot_offset_of(uint64_t id) const;
    /* The state word of a message in a group, in the ring or aside. */
    uint32_t word_of(uint64_t id, uint32_t group) const;

    uint64_t last_id() const; /* full, with the era repaired */
    uint32_t distance(uint64_t from, uint64_t to) const
    {
        const uint64_t slots = view_.geometry.ring_slots;
        return static_cast<uint32_t>((to + slots - from) % slots);
    }
    uint32_t index_of(uint64_t id) const;
    uint64_t head_id() const /* the id at header.head */
    {
        return last_id() + 1 - distance(get(field::header_head), get(field::header_tail));
    }

    /* An empty queue whose next id is last_id + 1 and whose next slot is tail. */
    void start_at(uint64_t last_id, uint32_t tail);

    /* "" when sound, else what the check says. */
    std::string check() const;

    /* Run a verb to its answer. Each step is held against what every step promises; what it
     * broke stands in fault(). */
    slotq_outcome run(slotq_call &call);
    const std::string &fault() const
    {
        return fault_;
    }
    uint32_t steps() const
    {
        return steps_; /* of the last run */
    }
    uint32_t patches() const
    {
        return patches_; /* of the last run, and the next three as well */
    }
    uint32_t most_patches() const
    {
        return most_patches_; /* of a step of the last run */
    }
    /* What the last call owes to the bell. */
    const slotq_nudge &nudge() const
    {
        return nudge_;
    }
    /* Messages in the ring after the last call, if that pushed some. */
    uint32_t pushed_used() const
    {
        return pushed_used_;
    }
    bool woke() const
    {
        return woke_;
    }
    bool journalled() const
    {
        return journalled_;
    }
    void check_each_step(bool on)
    {
        check_each_step_ = on;
    }

    /* A copy with all bytes cleared that the format leaves undefined. */
    Bytes masked() const;

private:
    void mask_aside(Bytes &bytes) const;
    void mask_later(Bytes &bytes) const;
    void open();
    void judge_step(const slotq_call &call, const slotq_step &step, slotq_outcome outcome);
    void judge_patch(const slotq_step &step, const slotq_patch &patch);
    void judge_journal(const slotq_step &step);
    void apply(const slotq_step &step);

    Bytes bytes_;
    slotq_view view_;
    std::string fault_;
    uint32_t steps_ = 0;
    uint32_t patches_ = 0;
    uint32_t most_patches_ = 0;
    slotq_nudge nudge_ = {};
    uint32_t pushed_used_ = 0;
    bool woke_ = false;
    bool journalled_ = false;
    bool check_each_step_ = false;
};

} // namespace support
#endif
