/* bytes.h: little-endian loads and stores, one byte at a time; the compiler merges them. Must not
 * know queues; no struct is ever laid over bytes.
 */
#ifndef SLOTQ_LAYOUT_BYTES_H
#define SLOTQ_LAYOUT_BYTES_H

#include <stdint.h>

static inline uint16_t load_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (uint32_t)bytes[1] << 8);
}

static inline uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t load_u48(const uint8_t *bytes)
{
    return load_u32(bytes) | (uint64_t)load_u16(bytes + 4) << 32;
}

static inline uint64_t load_u64(const uint8_t *bytes)
{
    return load_u32(bytes) | (uint64_t)load_u32(bytes + 4) << 32;
}

/* On a little-endian machine a store is one instruction. Compilers merge single bytes only
 * sometimes, and half the time of the plain path was spent on them. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define STORE_LITTLE_ENDIAN(bytes, value) __builtin_memcpy(bytes, &(value), sizeof(value))
#else
#define STORE_LITTLE_ENDIAN(bytes, value)                                                          \
    for (uint32_t i = 0; i < sizeof(value); i++) {                                                 \
        (bytes)[i] = (uint8_t)((value) >> 8 * i);                                                  \
    }
#endif

static inline void store_u16(uint8_t *bytes, uint16_t value)
{
    STORE_LITTLE_ENDIAN(bytes, value);
}

static inline void store_u32(uint8_t *bytes, uint32_t value)
{
    STORE_LITTLE_ENDIAN(bytes, value);
}

static inline void store_u48(uint8_t *bytes, uint64_t value)
{
    store_u32(bytes, (uint32_t)value);
    store_u16(bytes + 4, (uint16_t)(value >> 32));
}

static inline void store_u64(uint8_t *bytes, uint64_t value)
{
    STORE_LITTLE_ENDIAN(bytes, value);
}

#endif
