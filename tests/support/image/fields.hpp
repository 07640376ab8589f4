/* fields.hpp: where the fields of an image lie, for tests that look at bytes or spoil them. Shares
 * fields.def with the engine; test_fields.cpp holds that against a second table of numbers.
 */
#ifndef TESTS_SUPPORT_FIELDS_HPP
#define TESTS_SUPPORT_FIELDS_HPP

#include <cstdint>

namespace support
{

struct Field {
    uint32_t offset;
    uint32_t bytes;
};

namespace field
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    constexpr Field part##_##name = {(offset), (bytes)};
#include "../../../engine/layout/fields.def"
#undef SLOTQ_FIELD
} // namespace field

constexpr uint64_t u48_none = (UINT64_C(1) << 48) - 1;
constexpr uint32_t sweep_none = 0xFFFF;
constexpr uint32_t front_offset = 80;
constexpr uint32_t group_bytes = 56;
constexpr uint32_t dead_entry_bytes = 16;
constexpr uint32_t aside_entry_bytes = 7;
constexpr uint32_t later_entry_bytes = 12;
constexpr uint32_t key_bytes = 8;
constexpr uint32_t ring_key_bytes = 10;
constexpr uint32_t aside_key_bytes = 16;
constexpr uint32_t later_key_bytes = 14;

} // namespace support
#endif
