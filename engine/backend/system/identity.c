/* identity.c: see identity.h.
 */
#define _GNU_SOURCE
#include "identity.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t identity_mix(uint64_t seed, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint64_t mixed = seed ^ UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < count; i++) {
        mixed = (mixed ^ at[i]) * UINT64_C(0x100000001B3);
    }
    return mixed;
}

uint32_t identity_draw(void)
{
    uint32_t drawn = 0;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != (ssize_t)sizeof drawn) {
        /* a system that has just started, or has no getrandom: the next best */
        const uint64_t process = (uint64_t)getpid();
        const uint64_t seed = identity_of_memory(&drawn);
        drawn = (uint32_t)(identity_mix(seed, &process, sizeof process) >> 32);
    }
    return drawn != 0 ? drawn : 1;
}

uint64_t identity_of_memory(const void *address)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t parts[] = {(uintptr_t)address, (uint64_t)now.tv_sec, (uint64_t)now.tv_nsec};
    uint8_t bytes[sizeof parts];
    memcpy(bytes, parts, sizeof bytes);
    return identity_mix(0, bytes, sizeof bytes);
}
