/* open.c: URLs, names, and handles: created, opened, cloned, closed. The one place that knows
 * which kinds of store there are.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../backend/file.h"
#include "../backend/memory.h"
#include "handle.h"

enum { NAME_BYTES_MAX = 200, POLL_MS_DEFAULT = 1000 };

/* ---- urls and names ---- */

static bool is_scheme(const char *url, const char *scheme)
{
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

/* A folder; anything with a scheme is refused. */
static slotq_outcome judge_url(const char *url, slotq_error *error)
{
    if (url == NULL || url[0] == '\0') {
        return error_say(error, SLOTQ_INVALID, "the URL is empty: give a folder, like \".\"");
    }
    if (is_scheme(url, "redis://") || is_scheme(url, "rediss://") || is_scheme(url, "unix://")) {
        return error_say(error, SLOTQ_UNSUPPORTED,
                         "this build has no Redis: give a folder, like \".\"");
    }
    const char *scheme_end = strstr(url, "://");
    const char *slash = strchr(url, '/');
    if (scheme_end != NULL && scheme_end + 1 == slash) {
        return error_say(error, SLOTQ_UNSUPPORTED,
                         "the URL has a scheme that slotq does not know: give a folder, like "
                         "\".\"");
    }
    return SLOTQ_OK;
}

/* NULL, or the rule that a name breaks. */
static const char *name_fault(const char *name, size_t length)
{
    if (length == 0) {
        return "is empty: 1 to 200 bytes are possible";
    }
    if (length > NAME_BYTES_MAX) {
        return "is too long: 1 to 200 bytes are possible";
    }
    if (memchr(name, '/', length) != NULL) {
        return "has a '/': the folder is given apart from it";
    }
    if (name[0] == '.' || name[0] == '-') {
        return "begins with '.' or '-'";
    }
    return NULL;
}

static slotq_outcome judge(const char *url, const char *name, slotq_error *error)
{
    if (name == NULL) {
        return error_say(error, SLOTQ_INVALID, "the queue's name is missing");
    }
    const char *fault = name_fault(name, strnlen(name, NAME_BYTES_MAX + 1));
    if (fault != NULL) {
        return error_say(error, SLOTQ_INVALID, "the queue's name %s", fault);
    }
    return judge_url(url, error);
}

/* ---- handles ---- */

static slotq_options fill_in(const slotq_options *options)
{
    slotq_options filled = {0};
    if (options != NULL) {
        filled = *options;
    }
    if (filled.poll_ms == 0) {
        filled.poll_ms = POLL_MS_DEFAULT;
    }
    return filled;
}

static slotq *make_handle(const slotq_options *options)
{
    slotq *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->options = fill_in(options);
    }
    return made;
}

static void take_store(slotq *queue, store *opened)
{
    queue->store = opened;
    queue->geometry = opened->view.geometry;
    queue->lease_max_ms = (uint64_t)SLOTQ_LEASE_TICKS_MAX * queue->geometry.tick_ms;
}

/* What a store answered to being opened becomes a handle or an error. */
static slotq_outcome finish(slotq *made, slotq_outcome outcome, store *opened, slotq **queue,
                            slotq_error *error)
{
    if (outcome != SLOTQ_OK) {
        error_from_fault(error, outcome, &made->fault);
        free(made);
        return outcome;
    }
    take_store(made, opened);
    *queue = made;
    return SLOTQ_OK;
}

static slotq_outcome refuse_memory(slotq_error *error)
{
    return error_say(error, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes", sizeof(slotq));
}

static slotq_outcome refuse_null(slotq_error *error)
{
    return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
}

/* Where a handle is to be given: none as yet, so that who fails may close it all the same. */
static bool set_none(slotq **queue)
{
    if (queue != NULL) {
        *queue = NULL;
    }
    return queue != NULL;
}

slotq_outcome slotq_open(const char *url, const char *name, const slotq_options *options,
                         slotq **queue, slotq_error *error)
{
    if (!set_none(queue)) {
        return refuse_null(error);
    }
    const slotq_outcome judged = judge(url, name, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    slotq *made = make_handle(options);
    if (made == NULL) {
        return refuse_memory(error);
    }
    const file_options file = {.sync_always = made->options.sync == SLOTQ_SYNC_ALWAYS,
                               .exclusive = made->options.exclusive,
                               .read_only = made->options.read_only};
    store *opened = NULL;
    const slotq_outcome outcome = file_open(url, name, &file, &opened, &made->fault);
    return finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_create_memory(const slotq_geometry *geometry, const slotq_options *options,
                                  slotq **queue, slotq_error *error)
{
    if (!set_none(queue) || geometry == NULL) {
        return refuse_null(error);
    }
    slotq *made = make_handle(options);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome = memory_create(geometry, &opened, &made->fault);
    return finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_open_memory(void *buffer, uint64_t bytes, const slotq_geometry *geometry,
                                const slotq_options *options, slotq **queue, slotq_error *error)
{
    if (!set_none(queue) || buffer == NULL) {
        return refuse_null(error);
    }
    slotq *made = make_handle(options);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome = memory_open(buffer, bytes, geometry, &opened, &made->fault);
    return finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_clone(slotq *queue, slotq **other, slotq_error *error)
{
    if (!set_none(other) || queue == NULL) {
        return refuse_null(error);
    }
    slotq *made = make_handle(&queue->options);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome = queue->store->ops->clone(queue->store, &opened, &made->fault);
    return finish(made, outcome, opened, other, error);
}

void slotq_close(slotq *queue)
{
    if (queue != NULL) {
        queue->store->ops->close(queue->store);
        free(queue);
    }
}

const slotq_geometry *slotq_geometry_of(const slotq *queue)
{
    return queue == NULL ? NULL : &queue->geometry;
}

uint64_t slotq_image_bytes(const slotq *queue)
{
    return queue == NULL ? 0 : queue->store->view.image_bytes;
}

uint64_t slotq_geometry_bytes(const slotq_geometry *geometry, slotq_error *error)
{
    const char *what = "a required pointer is NULL";
    const uint64_t bytes = geometry == NULL ? 0 : slotq_core_image_bytes(geometry, &what);
    if (bytes == 0) {
        error_say(error, SLOTQ_INVALID, "no such queue is possible: %s", what);
    }
    return bytes;
}

/* ---- queues in a folder ---- */

slotq_outcome slotq_create(const char *url, const char *name, const slotq_geometry *geometry,
                           const slotq_options *options, slotq_error *error)
{
    store_fault fault;
    (void)options; /* a new file is always synced whole */
    if (geometry == NULL) {
        return refuse_null(error);
    }
    slotq_outcome outcome = judge(url, name, error);
    if (outcome == SLOTQ_OK) {
        outcome = file_create(url, name, geometry, &fault);
        if (outcome != SLOTQ_OK) {
            error_from_fault(error, outcome, &fault);
        }
    }
    return outcome;
}

slotq_outcome slotq_import(const char *url, const char *name, const void *image, uint64_t bytes,
                           slotq_error *error)
{
    store_fault fault;
    if (image == NULL) {
        return refuse_null(error);
    }
    slotq_outcome outcome = judge(url, name, error);
    if (outcome == SLOTQ_OK) {
        outcome = file_import(url, name, image, bytes, &fault);
        if (outcome != SLOTQ_OK) {
            error_from_fault(error, outcome, &fault);
        }
    }
    return outcome;
}

slotq_outcome slotq_remove_queue(const char *url, const char *name, slotq_error *error)
{
    store_fault fault;
    slotq_outcome outcome = judge(url, name, error);
    if (outcome == SLOTQ_OK) {
        outcome = file_remove(url, name, &fault);
        if (outcome != SLOTQ_OK) {
            error_from_fault(error, outcome, &fault);
        }
    }
    return outcome;
}

#define SUFFIX ".slotq"

/* Entries that are queues, for scandir. */
static int is_queue(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    const size_t tail = sizeof SUFFIX - 1;
    if (length <= tail || strcmp(entry->d_name + length - tail, SUFFIX) != 0 ||
        (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)) {
        return 0;
    }
    return name_fault(entry->d_name, length - tail) == NULL;
}

/* Queues as visit is to see them: by name, and not by name and suffix. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    const size_t a_length = strlen((*a)->d_name) - (sizeof SUFFIX - 1);
    const size_t b_length = strlen((*b)->d_name) - (sizeof SUFFIX - 1);
    const size_t shorter = a_length < b_length ? a_length : b_length;
    const int differs = memcmp((*a)->d_name, (*b)->d_name, shorter);
    return differs != 0 ? differs : (a_length > b_length) - (a_length < b_length);
}

slotq_outcome slotq_list(const char *url, bool (*visit)(void *context, const char *name),
                         void *context, slotq_error *error)
{
    struct dirent **entries;
    if (visit == NULL) {
        return refuse_null(error);
    }
    const slotq_outcome judged = judge_url(url, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const int count = scandir(url, &entries, is_queue, by_name);
    if (count < 0) {
        const int system_errno = errno;
        error_say(error, SLOTQ_IO, "the folder cannot be read: %s", strerror(system_errno));
        if (error != NULL) {
            error->system_errno = system_errno;
        }
        return SLOTQ_IO;
    }
    bool more = true;
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        name[strlen(name) - (sizeof SUFFIX - 1)] = '\0';
        more = more && visit(context, name);
        free(entries[i]);
    }
    free(entries);
    return SLOTQ_OK;
}
