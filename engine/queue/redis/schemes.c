/* schemes.c: the kinds of URL of libslotq_redis: folders and Redis servers. Knows which
 * function does what for a URL; no command, no reply.
 */
#include "../schemes.h"

#include "../../backend/redis/keys.h"
#include "../../backend/redis/place.h"
#include "../../backend/shards/opening.h"

enum { POLL_MS = 5000 }; /* PUBLISH wakes waiting callers; polling finds the rest */

static const char *redis_name_fault(const char *name, size_t length)
{
    (void)name;
    if (length == 0) {
        return "is empty: it must have 1 to 200 bytes";
    }
    return length > SCHEME_NAME_BYTES_MAX ? "is too long: it must have 1 to 200 bytes" : NULL;
}

static slotq_outcome read_url(const char *url, const slotq_options *options, redis_route *route,
                              redis_settings *settings, store_fault *fault)
{
    const slotq_outcome outcome = redis_route_parse(url, options, route, fault);
    if (outcome == SLOTQ_OK) {
        *settings = redis_settings_of(options, &route->address);
    }
    return outcome;
}

static slotq_outcome redis_create(const char *url, const char *name, const slotq_geometry *geometry,
                                  const slotq_options *options, store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, options, &route, &settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_keys_create(&route, name, geometry, &settings, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome redis_import(const char *url, const char *name, const uint8_t *image,
                                  uint64_t bytes, uint32_t generation, store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, NULL, &route, &settings, fault);
    settings.force = true; /* there is no option to say so; opening it reports the risk */
    if (outcome == SLOTQ_OK) {
        outcome = redis_keys_import(&route, name, image, bytes, generation, &settings, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome redis_resize(const char *url, const char *name, const slotq_geometry *wanted,
                                  store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, NULL, &route, &settings, fault);
    settings.force = true; /* the queue is there: opening it reports the risk */
    if (outcome == SLOTQ_OK) {
        outcome = redis_keys_resize(&route, name, wanted, &settings, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome open_sharded(const redis_route *route, const char *name,
                                  const redis_settings *settings, store **opened,
                                  store_fault *fault)
{
    shards_place *place = NULL;
    slotq_outcome outcome = redis_place_open(route, settings, &place, fault);
    if (outcome == SLOTQ_OK) {
        outcome = shards_open_at(place, name, opened, fault);
        if (outcome != SLOTQ_OK) {
            place->ops->close(place);
        }
    }
    return outcome;
}

static slotq_outcome redis_open(const char *url, const char *name, const slotq_options *options,
                                store **opened, store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, options, &route, &settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_store_open(&route, name, &settings, opened, fault);
    }
    if (outcome == SLOTQ_SHARDED) {
        outcome = open_sharded(&route, name, &settings, opened, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome redis_remove(const char *url, const char *name, store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, NULL, &route, &settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_keys_remove(&route, name, &settings, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome redis_list(const char *url, scheme_visit visit, void *context,
                                store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, NULL, &route, &settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_keys_list(&route, &settings, false, visit, context, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static slotq_outcome redis_place(const char *url, const slotq_options *options,
                                 shards_place **opened, store_fault *fault)
{
    redis_route route;
    redis_settings settings;
    slotq_outcome outcome = read_url(url, options, &route, &settings, fault);
    if (outcome == SLOTQ_OK) {
        outcome = redis_place_open(&route, &settings, opened, fault);
    }
    redis_route_free(&route);
    return outcome;
}

static const scheme redis = {
    .poll_ms = POLL_MS,
    .name_fault = redis_name_fault,
    .create = redis_create,
    .import = redis_import,
    .resize = redis_resize,
    .open = redis_open,
    .remove = redis_remove,
    .list = redis_list,
    .place = redis_place,
};

const scheme *const scheme_table[] = {
    [SLOTQ_PLACE_FOLDER] = &scheme_folder,   [SLOTQ_PLACE_REDIS] = &redis,
    [SLOTQ_PLACE_REDIS_UNIX] = &redis,       [SLOTQ_PLACE_TLS] = &redis,
    [SLOTQ_PLACE_SENTINEL] = &redis,         [SLOTQ_PLACE_SENTINEL_TLS] = &redis,
    [SLOTQ_PLACE_UNKNOWN] = &scheme_unknown,
};
