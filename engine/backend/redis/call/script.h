/* script.h: the scripts that the library brings, and which variant a server takes. Knows names,
 * sums and texts; not what a script does.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_SCRIPT_H
#define SLOTQ_BACKEND_REDIS_CALL_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "redis_script_names.h"

/* The variant with a shebang is for Redis 7 and later. */
const redis_script_source *redis_script(redis_script_index index, bool redis7);

/* Its command of the module, with the script's words. */
const char *redis_module_command(redis_script_index index);

/* The bit of the script whose name and sum of words a module tells so; 0: this library has none. */
uint64_t redis_module_script(const char *words, size_t length);

/* The same script as a function of the library REDIS_FUNCTIONS_LIBRARY. */
const redis_function_source *redis_function(redis_script_index index);

#endif
