/* open.c: URLs, names, and handles: created, opened, cloned, closed. Which kinds of URL there are
 * is told by schemes.h.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../backend/memory/store.h"
#include "../backend/system/identity.h"
#include "handle.h"
#include "schemes.h"

enum { POLL_MS_DEFAULT = 1000 };

/* ---- urls and names ---- */

const scheme scheme_unknown = {
    .missing = "the URL has an unknown scheme: give redis://HOST, unix:///PATH, or a folder "
               "(./NAME if its name contains ://)"};

static const scheme *scheme_of(const char *url)
{
    return scheme_table[slotq_url_kind(url)];
}

static slotq_outcome judge_url(const char *url, const scheme *kind, slotq_error *error)
{
    if (url == NULL || url[0] == '\0') {
        return error_say(error, SLOTQ_INVALID, "the URL is empty: give a folder, like \".\"");
    }
    if (kind->missing != NULL) {
        return error_say(error, SLOTQ_UNSUPPORTED, "%s", kind->missing);
    }
    return SLOTQ_OK;
}

/* kind is the URL's; its functions may be used where this answers OK. */
static slotq_outcome judge(const char *url, const char *name, const scheme *kind,
                           slotq_error *error)
{
    if (name == NULL) {
        return error_say(error, SLOTQ_INVALID, "the queue's name is missing");
    }
    const char *fault = NULL;
    if (kind->name_fault != NULL) {
        fault = kind->name_fault(name, strnlen(name, SCHEME_NAME_BYTES_MAX + 1));
    }
    if (fault != NULL) {
        return error_say(error, SLOTQ_INVALID, "the queue's name %s", fault);
    }
    return judge_url(url, kind, error);
}

/* Options whose value a compiler does not hold to its range. */
static slotq_outcome judge_options(const slotq_options *options, slotq_error *error)
{
    if (options == NULL) {
        return SLOTQ_OK;
    }
    const slotq_outcome judged =
        error_judge_reserved(error, options->reserved, sizeof options->reserved, "options");
    if (judged != SLOTQ_OK) {
        return judged;
    }
    if ((uint32_t)options->sync <= SLOTQ_SYNC_ALWAYS) {
        return SLOTQ_OK;
    }
    return error_say(error, SLOTQ_INVALID,
                     "sync is %d: it must be 0 (SLOTQ_SYNC_OS) or %d (SLOTQ_SYNC_ALWAYS)",
                     (int)options->sync, SLOTQ_SYNC_ALWAYS);
}

slotq_outcome scheme_find(const char *url, const char *name, const slotq_options *options,
                          const scheme **kind, slotq_error *error)
{
    *kind = scheme_of(url);
    const slotq_outcome judged = judge(url, name, *kind, error);
    return judged == SLOTQ_OK ? judge_options(options, error) : judged;
}

/* ---- handles ---- */

static slotq_options fill_in(const slotq_options *options, uint32_t poll_ms)
{
    slotq_options filled = {0};
    if (options != NULL) {
        filled = *options;
    }
    if (filled.poll_ms == 0) {
        filled.poll_ms = poll_ms;
    }
    return filled;
}

slotq *queue_handle_new(const slotq_options *options, uint32_t poll_ms)
{
    slotq *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->options = fill_in(options, poll_ms);
    }
    return made;
}

void queue_take_geometry(slotq *queue)
{
    queue->geometry = queue->store->view.geometry;
    queue->lease_max_ms = (uint64_t)SLOTQ_LEASE_TICKS_MAX * queue->geometry.tick_ms;
}

static void take_store(slotq *queue, store *opened)
{
    queue_own_store(queue, opened);
    queue->options.redis = NULL; /* borrowed for the call that opened; the store has its own */
    queue_take_geometry(queue);
}

slotq_outcome queue_handle_finish(slotq *made, slotq_outcome outcome, store *opened, slotq **queue,
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

/* Set the handle to NULL first, so that a caller may close it even after a failure. */
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
    const scheme *kind = scheme_of(url);
    slotq_outcome judged = judge(url, name, kind, error);
    judged = judged == SLOTQ_OK ? judge_options(options, error) : judged;
    if (judged != SLOTQ_OK) {
        return judged;
    }
    slotq *made = queue_handle_new(options, kind->poll_ms);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome = kind->open(url, name, &made->options, &opened, &made->fault);
    return queue_handle_finish(made, outcome, opened, queue, error);
}

slotq_outcome queue_complete_geometry(const slotq_geometry *given, slotq_geometry *whole,
                                      slotq_error *error)
{
    static const slotq_geometry usual = SLOTQ_GEOMETRY_DEFAULT;
    *whole = *given;
    const slotq_outcome judged =
        error_judge_reserved(error, given->reserved, sizeof given->reserved, "geometry");
    if (judged != SLOTQ_OK) {
        return judged;
    }
    whole->tick_ms = whole->tick_ms == 0 ? usual.tick_ms : whole->tick_ms;
    whole->groups = whole->groups == 0 ? usual.groups : whole->groups;
    whole->generation = whole->generation == 0 ? identity_draw() : whole->generation;
    return SLOTQ_OK;
}

slotq_outcome slotq_create_memory(const slotq_geometry *geometry, const slotq_options *options,
                                  slotq **queue, slotq_error *error)
{
    if (!set_none(queue) || geometry == NULL) {
        return refuse_null(error);
    }
    slotq_geometry whole;
    if (judge_options(options, error) != SLOTQ_OK ||
        queue_complete_geometry(geometry, &whole, error) != SLOTQ_OK) {
        return SLOTQ_INVALID;
    }
    slotq *made = queue_handle_new(options, POLL_MS_DEFAULT);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome = memory_create(&whole, &opened, &made->fault);
    return queue_handle_finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_open_memory(void *buffer, uint64_t bytes, const slotq_geometry *geometry,
                                const slotq_options *options, slotq **queue, slotq_error *error)
{
    if (!set_none(queue) || buffer == NULL) {
        return refuse_null(error);
    }
    slotq_geometry whole;
    if (judge_options(options, error) != SLOTQ_OK ||
        (geometry != NULL && queue_complete_geometry(geometry, &whole, error) != SLOTQ_OK)) {
        return SLOTQ_INVALID;
    }
    slotq *made = queue_handle_new(options, POLL_MS_DEFAULT);
    if (made == NULL) {
        return refuse_memory(error);
    }
    store *opened = NULL;
    const slotq_outcome outcome =
        memory_open(buffer, bytes, geometry != NULL ? &whole : NULL, &opened, &made->fault);
    if (outcome == SLOTQ_OK && made->options.read_only) {
        memory_only_read(opened);
    }
    return queue_handle_finish(made, outcome, opened, queue, error);
}

slotq_outcome slotq_clone(slotq *queue, slotq **other, slotq_error *error)
{
    return slotq_clone_with(queue, NULL, other, error);
}

slotq_outcome slotq_clone_with(slotq *queue, const slotq_clone_options *options, slotq **other,
                               slotq_error *error)
{
    static const slotq_clone_options none;
    const slotq_clone_options *own = options != NULL ? options : &none;
    if (!set_none(other) || queue == NULL) {
        return refuse_null(error);
    }
    const slotq_outcome judged =
        error_judge_reserved(error, own->reserved, sizeof own->reserved, "clone options");
    if (judged != SLOTQ_OK) {
        return judged;
    }
    slotq *made = queue_handle_new(&queue->options, POLL_MS_DEFAULT);
    if (made == NULL) {
        return refuse_memory(error);
    }
    made->options.copies = queue->options.copies || own->copies;
    made->timeout_ms = own->timeout_ms > 0 ? own->timeout_ms : queue->timeout_ms;
    store *opened = NULL;
    const slotq_outcome outcome =
        queue->store->ops->clone(queue->store, own->timeout_ms, &opened, &made->fault);
    return queue_handle_finish(made, outcome, opened, other, error);
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
    uint64_t bytes = 0;
    slotq_geometry whole;
    if (geometry != NULL) {
        if (queue_complete_geometry(geometry, &whole, error) != SLOTQ_OK) {
            return 0;
        }
        bytes = slotq_core_image_bytes(&whole, &what);
    }
    if (bytes == 0) {
        error_say(error, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
    }
    return bytes;
}

/* ---- queues by URL ---- */

/* What a kind of store answered, with its text where that is not OK. */
static slotq_outcome told(slotq_outcome outcome, const store_fault *fault, slotq_error *error)
{
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, fault);
}

slotq_outcome slotq_create(const char *url, const char *name, const slotq_geometry *geometry,
                           const slotq_options *options, slotq_error *error)
{
    store_fault fault;
    const scheme *kind = scheme_of(url);
    if (geometry == NULL) {
        return refuse_null(error);
    }
    slotq_geometry whole;
    slotq_outcome judged = judge(url, name, kind, error);
    judged = judged == SLOTQ_OK ? judge_options(options, error) : judged;
    judged = judged == SLOTQ_OK ? queue_complete_geometry(geometry, &whole, error) : judged;
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const slotq_options filled = fill_in(options, kind->poll_ms);
    return told(kind->create(url, name, &whole, &filled, &fault), &fault, error);
}

slotq_outcome slotq_import(const char *url, const char *name, const void *image, uint64_t bytes,
                           slotq_error *error)
{
    store_fault fault;
    const scheme *kind = scheme_of(url);
    if (image == NULL) {
        return refuse_null(error);
    }
    const slotq_outcome judged = judge(url, name, kind, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    return told(kind->import(url, name, image, bytes, identity_draw(), &fault), &fault, error);
}

slotq_outcome slotq_resize(const char *url, const char *name, const slotq_geometry *wanted,
                           slotq_error *error)
{
    store_fault fault;
    const scheme *kind = scheme_of(url);
    if (wanted == NULL) {
        return refuse_null(error);
    }
    const slotq_outcome judged = judge(url, name, kind, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const slotq_outcome outcome = kind->resize(url, name, wanted, &fault);
    return outcome == SLOTQ_SHARDED
               ? error_say(error, SLOTQ_UNSUPPORTED,
                           "%s is a sharded queue: resize its shards one by one, by their own "
                           "names (slotq shards ls prints them). Nothing was changed",
                           name)
               : told(outcome, &fault, error);
}

slotq_outcome slotq_remove_queue(const char *url, const char *name, slotq_error *error)
{
    store_fault fault;
    const scheme *kind = scheme_of(url);
    const slotq_outcome judged = judge(url, name, kind, error);
    if (judged != SLOTQ_OK) {
        return judged;
    }
    const slotq_outcome outcome = kind->remove(url, name, &fault);
    return outcome == SLOTQ_SHARDED && kind->place != NULL
               ? scheme_remove_sharded(kind, url, name, error)
               : told(outcome, &fault, error);
}

slotq_outcome slotq_list(const char *url, bool (*visit)(void *context, const char *name),
                         void *context, slotq_error *error)
{
    store_fault fault;
    const scheme *kind = scheme_of(url);
    if (visit == NULL) {
        return refuse_null(error);
    }
    const slotq_outcome judged = judge_url(url, kind, error);
    return judged == SLOTQ_OK ? told(kind->list(url, visit, context, &fault), &fault, error)
                              : judged;
}
