/* key_slot.c: see key_slot.h.
 */
#include "key_slot.h"

#include <string.h>

/* CRC16 as in XMODEM, bit by bit: polynomial 0x1021, begins with 0. A key is short, and its slot is
 * wanted when a connection or a queue is made. */
static uint32_t crc16(const char *bytes, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum ^= (uint32_t)(uint8_t)bytes[i] << 8;
        for (uint32_t bit = 0; bit < 8; bit++) {
            sum = (sum & 0x8000) != 0 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff;
        }
    }
    return sum;
}

uint32_t key_slot_of(const char *key, size_t key_bytes)
{
    const char *open = memchr(key, '{', key_bytes);
    if (open != NULL) {
        const char *tag = open + 1;
        const char *end = memchr(tag, '}', key_bytes - (size_t)(tag - key));
        if (end != NULL && end > tag) {
            return crc16(tag, (size_t)(end - tag)) % KEY_SLOTS;
        }
    }
    return crc16(key, key_bytes) % KEY_SLOTS;
}
