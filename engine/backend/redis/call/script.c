/* script.c: see script.h.
 */
#include "script.h"

#include <string.h>

#include "redis_scripts.h"

_Static_assert(REDIS_SCRIPT_COUNT <= 64, "a set of scripts is a uint64_t");

const redis_script_source *redis_script(redis_script_index index, bool redis7)
{
    return redis7 ? &redis_scripts_redis7[index] : &redis_scripts_plain[index];
}

const char *redis_module_command(redis_script_index index)
{
    return redis_module[index].command;
}

uint64_t redis_module_script(const char *words, size_t length)
{
    for (uint32_t i = 0; i < REDIS_SCRIPT_COUNT; i++) {
        if (strlen(redis_module[i].words) == length &&
            memcmp(redis_module[i].words, words, length) == 0) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

const redis_function_source *redis_function(redis_script_index index)
{
    return &redis_functions[index];
}
