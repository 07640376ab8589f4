/* schemes.c: the kinds of URL of libslotq, which has no Redis. libslotq_redis has redis/schemes.c
 * in its place.
 */
#include "schemes.h"

#define NO_REDIS "this build has no Redis: link libslotq_redis, or give a folder, like \".\""

static const scheme redis = {.prefix = "redis://", .missing = NO_REDIS};
static const scheme redis_tls = {.prefix = "rediss://", .missing = NO_REDIS};
static const scheme redis_unix = {.prefix = "unix://", .missing = NO_REDIS};

const scheme *const scheme_table[] = {&redis, &redis_tls, &redis_unix, &scheme_folder};
