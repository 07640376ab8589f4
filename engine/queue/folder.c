/* folder.c: URLs that are folders: NAME.slotq in it is the queue NAME. Knows names of files;
 * no handle, no bytes.
 */
#include <string.h>

#include "../backend/file/create.h"
#include "../backend/file/list.h"
#include "../backend/file/place.h"
#include "../backend/file/remove.h"
#include "../backend/file/value.h"
#include "../backend/shards/descriptor.h"
#include "../backend/shards/names.h"
#include "../backend/shards/opening.h"
#include "../layout/descriptor.h"
#include "../layout/geometry.h"
#include "schemes.h"

enum { POLL_MS = 1000 };

static slotq_outcome folder_create(const char *url, const char *name,
                                   const slotq_geometry *geometry, const slotq_options *options,
                                   store_fault *fault)
{
    (void)options; /* a new file is always synced whole */
    return file_create(url, name, geometry, fault);
}

static file_options options_of(const slotq_options *options)
{
    return (file_options){.sync_always = options->sync == SLOTQ_SYNC_ALWAYS,
                          .exclusive = options->exclusive,
                          .adopt_journal = options->adopt_journal,
                          .read_only = options->read_only};
}

static slotq_outcome folder_place(const char *url, const slotq_options *options,
                                  shards_place **opened, store_fault *fault)
{
    const file_options file = options_of(options);
    return file_place_open(url, &file, opened, fault);
}

static slotq_outcome open_sharded(const char *url, const char *name, const slotq_options *options,
                                  store **opened, store_fault *fault)
{
    shards_place *place;
    slotq_outcome outcome = folder_place(url, options, &place, fault);
    if (outcome == SLOTQ_OK) {
        outcome = shards_open_at(place, name, opened, fault);
        if (outcome != SLOTQ_OK) {
            place->ops->close(place);
        }
    }
    return outcome;
}

static slotq_outcome folder_open(const char *url, const char *name, const slotq_options *options,
                                 store **opened, store_fault *fault)
{
    const file_options file = options_of(options);
    const slotq_outcome outcome = file_open(url, name, &file, opened, fault);
    return outcome == SLOTQ_SHARDED ? open_sharded(url, name, options, opened, fault) : outcome;
}

/* ---- sharded queues ---- */

typedef struct listing {
    const char *folder;
    scheme_visit visit;
    void *context;
} listing;

/* A shard that its queue's descriptor does not own, because that is lost or another, is shown. */
static bool is_shard(const char *folder, const char *key)
{
    char name[SHARDS_NAME_BYTES_MAX + 1];
    uint8_t head[SHARDS_HEAD_BYTES] = {0};
    uint8_t front[GEOMETRY_END] = {0};
    uint64_t size;
    store_fault fault;
    slotq_geometry geometry;
    const size_t bytes = shards_name_of_key(key, strlen(key));
    memcpy(name, key, bytes);
    name[bytes] = '\0';
    if (bytes == 0 || file_value_read(folder, name, head, sizeof head, &size, &fault) != SLOTQ_OK ||
        !bytes_begin_descriptor(head, size) ||
        file_value_read(folder, key, front, sizeof front, &size, &fault) != SLOTQ_OK) {
        return false;
    }
    geometry_load(&geometry, front);
    return geometry.set != 0 && geometry.set == shards_set_in(head);
}

static bool show_queue(void *context, const char *name)
{
    const listing *to = context;
    return is_shard(to->folder, name) || to->visit(to->context, name);
}

static slotq_outcome folder_list(const char *url, scheme_visit visit, void *context,
                                 store_fault *fault)
{
    listing to = {.folder = url, .visit = visit, .context = context};
    return file_names_list(url, show_queue, &to, fault);
}

typedef struct usage {
    const char *folder;
    const char *name;
    slotq_outcome outcome;
    store_fault *fault;
} usage;

static bool look_at_shard(void *context, const char *key)
{
    usage *of = context;
    uint32_t number;
    uint32_t k;
    if (shards_key_read(key, strlen(key), of->name, strlen(of->name), &number, &k)) {
        of->outcome = file_refuse_open(of->folder, key, of->fault);
    }
    return of->outcome == SLOTQ_OK;
}

/* A sharded queue is refused whole while a process has one of its shards open. */
static slotq_outcome folder_remove(const char *url, const char *name, store_fault *fault)
{
    const slotq_outcome outcome = file_remove(url, name, fault);
    if (outcome != SLOTQ_SHARDED) {
        return outcome;
    }
    usage of = {.folder = url, .name = name, .outcome = SLOTQ_OK, .fault = fault};
    const slotq_outcome listed = file_names_list(url, look_at_shard, &of, fault);
    if (listed != SLOTQ_OK || of.outcome != SLOTQ_OK) {
        return listed != SLOTQ_OK ? listed : of.outcome;
    }
    return fault_damage(fault, SLOTQ_SHARDED, name, NULL);
}

const scheme scheme_folder = {
    .poll_ms = POLL_MS,
    .name_fault = file_name_fault,
    .create = folder_create,
    .import = file_import,
    .resize = file_resize,
    .open = folder_open,
    .remove = folder_remove,
    .list = folder_list,
    .place = folder_place,
};
