/* memory.c: the functions that compilers call without being asked: of C's library those that the
 * core wants (memcpy, memset, memcmp), and the division of 64 bits, which a Cortex-M has none of.
 */
#include <stdint.h>
#include <string.h>

/* Words where both are aligned. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((((uintptr_t)out | (uintptr_t)in) & 3) == 0) {
        for (; bytes >= 4; bytes -= 4, out += 4, in += 4) {
            *(uint32_t *)(void *)out = *(const uint32_t *)(const void *)in;
        }
    }
    while (bytes-- > 0) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    uint8_t *out = to;
    while (bytes-- > 0) {
        *out++ = (uint8_t)byte;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (; bytes > 0; bytes--, a++, b++) {
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
    }
    return 0;
}

/* ---- for a compiler without a run-time library: clang, where no one for ARM is installed ---- */

#ifdef __clang__
void __aeabi_memcpy(void *to, const void *from, size_t bytes);
void __aeabi_memcpy4(void *to, const void *from, size_t bytes);
void __aeabi_memcpy8(void *to, const void *from, size_t bytes);
void __aeabi_memset(void *to, size_t bytes, int byte);
void __aeabi_memclr(void *to, size_t bytes);
void __aeabi_memclr4(void *to, size_t bytes);
void __aeabi_memclr8(void *to, size_t bytes);
void __aeabi_uldivmod(void);
uint64_t memory_divide(uint64_t dividend, uint64_t divisor, uint64_t *rest);

void __aeabi_memcpy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void __aeabi_memcpy4(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void __aeabi_memcpy8(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void __aeabi_memset(void *to, size_t bytes, int byte)
{
    memset(to, byte, bytes);
}

void __aeabi_memclr(void *to, size_t bytes)
{
    memset(to, 0, bytes);
}

void __aeabi_memclr4(void *to, size_t bytes)
{
    memset(to, 0, bytes);
}

void __aeabi_memclr8(void *to, size_t bytes)
{
    memset(to, 0, bytes);
}

/* By shifting; a divisor of 0 gives 0. */
uint64_t memory_divide(uint64_t dividend, uint64_t divisor, uint64_t *rest)
{
    uint64_t quotient = 0;
    uint64_t left = 0;
    for (int bit = 63; bit >= 0 && divisor > 0; bit--) {
        const uint64_t carry = left >> 63;
        left = left << 1 | (dividend >> bit & 1);
        if (carry != 0 || left >= divisor) {
            left -= divisor;
            quotient |= UINT64_C(1) << bit;
        }
    }
    *rest = left;
    return quotient;
}

/* The quotient in r0 and r1, the rest in r2 and r3. */
__attribute__((naked)) void __aeabi_uldivmod(void)
{
    __asm__("push {r6, lr}\n\t"
            "sub sp, #16\n\t"
            "add r6, sp, #8\n\t"
            "str r6, [sp]\n\t"
            "bl memory_divide\n\t"
            "ldrd r2, r3, [sp, #8]\n\t"
            "add sp, #16\n\t"
            "pop {r6, pc}");
}
#endif
