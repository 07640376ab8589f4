/* script.c: see script.h.
 */
#include "script.h"

#include "redis_scripts.h"

const redis_script_source *redis_script(redis_script_index index, bool redis7)
{
    return redis7 ? &redis_scripts_redis7[index] : &redis_scripts_plain[index];
}

const redis_function_source *redis_function(redis_script_index index)
{
    return &redis_functions[index];
}
