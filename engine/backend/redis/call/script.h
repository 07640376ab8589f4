/* script.h: the scripts that the library brings, and which variant a server takes. Knows names,
 * sums and texts; not what a script does.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_SCRIPT_H
#define SLOTQ_BACKEND_REDIS_CALL_SCRIPT_H

#include <stdbool.h>

#include "redis_script_names.h"

/* The variant with a shebang is for Redis 7 and later. */
const redis_script_source *redis_script(redis_script_index index, bool redis7);

/* The same script as a function of the library REDIS_FUNCTIONS_LIBRARY. */
const redis_function_source *redis_function(redis_script_index index);

#endif
