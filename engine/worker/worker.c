/* worker.c: a worker is made, filled, started, stopped and joined. Does not know messages.
 */
#include "worker.h"

#include <sched.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cron_turn.h"
#include "gather.h"
#include "hand.h"
#include "loop.h"
#include "refuse.h"
#include "run.h"
#include "state.h"
#include "tell.h"

enum {
    THREADS_MOST = 1024,
    THREADS_AUTO_MOST = 16,
    BURST_MOST = 65535,
    QUEUE_NAME_BYTES_MOST = 200
};

/* ---- new ---- */

static uint32_t processors(void)
{
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > THREADS_AUTO_MOST ? THREADS_AUTO_MOST : (uint32_t)count;
}

static void set_defaults(slotq_worker_options *options)
{
    options->threads = options->loop ? 1 : options->threads == 0 ? processors() : options->threads;
    options->starve_ms = options->starve_ms == 0 ? 10000 : options->starve_ms;
    options->lease_ms = options->lease_ms == 0 ? 30000 : options->lease_ms;
    options->give_back_ms = options->give_back_ms == 0 ? 50 : options->give_back_ms;
    options->stop_ms = options->stop_ms == 0 ? 25000 : options->stop_ms;
    options->alone_attempts = options->alone_attempts == 0 ? 3 : options->alone_attempts;
    options->stuck_most = options->stuck_most == 0 ? options->threads : options->stuck_most;
    options->pending_most = options->pending_most == 0 ? 64 : options->pending_most;
}

static bool any_reserved(const uint64_t *reserved, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all |= reserved[i];
    }
    return all != 0;
}

static void init_locks(slotq_worker *worker)
{
    pthread_condattr_t by_monotonic;
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->work, &by_monotonic);
    pthread_cond_init(&worker->ends, &by_monotonic);
    pthread_cond_init(&worker->alone_turn, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
}

/* A page that a fork wipes: NULL where the system has none. */
static unsigned char *new_mark(void)
{
    const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return NULL;
    }
    if (madvise(page, bytes, MADV_WIPEONFORK) != 0) {
        munmap(page, bytes);
        return NULL;
    }
    *(unsigned char *)page = 1;
    return page;
}

static void set_blocked(sigset_t *blocked)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(blocked);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(blocked, faults[i]);
    }
}

static bool judge_options(const slotq_mux *mux, const slotq_worker_options *asked,
                          slotq_error *error)
{
    const struct {
        const char *name;
        uint32_t value, most;
    } numbers[] = {{"threads", asked->threads, THREADS_MOST},
                   {"stuck_most", asked->stuck_most, THREADS_MOST},
                   {"pending_most", asked->pending_most, SLOTQ_CALL_MESSAGES_MAX}};
    if (mux == NULL) {
        refuse(error, SLOTQ_INVALID, "mux and worker must not be NULL");
        return false;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].value > numbers[i].most) {
            refuse(error, SLOTQ_INVALID, "%s is %" PRIu32 "; %" PRIu32 " is the most",
                   numbers[i].name, numbers[i].value, numbers[i].most);
            return false;
        }
    }
    if (asked->loop && asked->threads > 1) {
        refuse(error, SLOTQ_INVALID,
               "threads is %" PRIu32 "; in loop mode the caller's thread is the only one",
               asked->threads);
        return false;
    }
    if (any_reserved(asked->reserved, 4)) {
        refuse(error, SLOTQ_INVALID,
               "a reserved field of the options is not 0: initialise the struct with named fields");
        return false;
    }
    return true;
}

slotq_outcome slotq_worker_new(slotq_mux *mux, const slotq_worker_options *options,
                               slotq_worker **worker, slotq_error *error)
{
    static const slotq_worker_options none;
    const slotq_worker_options *asked = options != NULL ? options : &none;
    if (worker == NULL) {
        return refuse(error, SLOTQ_INVALID, "mux and worker must not be NULL");
    }
    *worker = NULL;
    if (!judge_options(mux, asked, error)) {
        return SLOTQ_INVALID;
    }
    slotq_worker *new = calloc(1, sizeof *new);
    unsigned char *mark = new != NULL ? new_mark() : NULL;
    if (mark == NULL) {
        free(new);
        return refuse(error, SLOTQ_NOMEMORY, "out of memory");
    }
    new->mark = mark;
    new->options = *asked;
    set_defaults(&new->options);
    init_locks(new);
    set_blocked(&new->blocked);
    new->signal_fd = -1;
    new->signal_end = -1;
    new->loop_fd = -1;
    atomic_store(&new->gather_due_ms, UINT64_MAX);
    const uint32_t quiet_kinds = 1u << SLOTQ_EVENT_START | 1u << SLOTQ_EVENT_DONE;
    new->event_mask = asked->on_event == NULL  ? 0
                      : asked->event_mask != 0 ? asked->event_mask
                                               : ~quiet_kinds;
    new->is_timed = (new->event_mask &quiet_kinds) != 0;
    new->mux = mux;
    mux_hold(mux);
    *worker = new;
    return SLOTQ_OK;
}

/* ---- queues ---- */

static slotq_outcome judge_numbers(const slotq_worker *worker, const char *name,
                                   const slotq_worker_queue *options, slotq_error *error)
{
    const struct {
        const char *name;
        uint64_t value, most;
    } numbers[] = {{"prefetch_most", options->prefetch_most, SLOTQ_CALL_MESSAGES_MAX},
                   {"threads_kept", options->threads_kept, worker->options.threads},
                   {"rate_interval_us", options->rate_interval_us, SLOTQ_RATE_INTERVAL_US_MAX},
                   {"rate_burst", options->rate_burst, BURST_MOST},
                   {"frame", (uint64_t)options->frame, SLOTQ_FRAME_PLAIN}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].value > numbers[i].most) {
            return refuse(error, SLOTQ_INVALID, "%s of %s is %" PRIu64 "; %" PRIu64 " is the most",
                          numbers[i].name, name, numbers[i].value, numbers[i].most);
        }
    }
    if (options->threads_most != 0 && options->threads_kept > options->threads_most) {
        return refuse(error, SLOTQ_INVALID,
                      "threads_kept of %s is %" PRIu32 ", more than its threads_most, %" PRIu32,
                      name, options->threads_kept, options->threads_most);
    }
    uint64_t kept = options->threads_kept;
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        kept += worker->queues[i]->options.threads_kept;
    }
    if (kept > worker->options.threads) {
        return refuse(error, SLOTQ_INVALID,
                      "threads_kept of %s and the queues before it is %" PRIu64
                      " together; the worker has %" PRIu32 " threads",
                      name, kept, worker->options.threads);
    }
    return SLOTQ_OK;
}

static slotq_outcome judge_queue(const slotq_worker *worker, const slotq *queue, const char *name,
                                 const slotq_worker_queue *options, slotq_error *error)
{
    if (queue == NULL || name == NULL) {
        return refuse(error, SLOTQ_INVALID, "queue and name must not be NULL");
    }
    if (worker_state(worker) != SLOTQ_WORKER_NEW || worker->all_tasks != NULL) {
        return refuse(error, SLOTQ_INVALID,
                      "the worker was started before: it takes no more queues");
    }
    const size_t bytes = strnlen(name, QUEUE_NAME_BYTES_MOST + 1);
    if (bytes == 0 || bytes > QUEUE_NAME_BYTES_MOST) {
        return refuse(error, SLOTQ_INVALID, "the name of the queue has %s bytes; 1 to %d can be",
                      bytes == 0 ? "0" : "more", QUEUE_NAME_BYTES_MOST);
    }
    if (any_reserved(options->reserved, 4)) {
        return refuse(error, SLOTQ_INVALID,
                      "a reserved field of the options of %s is not 0: initialise the struct with "
                      "named fields",
                      name);
    }
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        if (strcmp(worker->queues[i]->name, name) == 0) {
            return refuse(error, SLOTQ_EXISTS, "the worker has a queue with the name %s", name);
        }
    }
    return judge_numbers(worker, name, options, error);
}

static void set_queue_defaults(slotq_worker_queue *options)
{
    options->weight = options->weight == 0 ? 1 : options->weight;
    options->prefetch_most = options->prefetch_most == 0 ? 64 : options->prefetch_most;
    options->prefetch_ms = options->prefetch_ms == 0 ? 20 : options->prefetch_ms;
    options->unknown_ms = options->unknown_ms == 0 ? 30000 : options->unknown_ms;
    options->unknown_most_ms = options->unknown_most_ms == 0 ? 3600000 : options->unknown_most_ms;
}

slotq_outcome slotq_worker_add_queue(slotq_worker *worker, slotq *queue, const char *name,
                                     const slotq_worker_queue *options)
{
    static const slotq_worker_queue none;
    if (worker == NULL) {
        return SLOTQ_INVALID;
    }
    slotq_error error;
    const slotq_outcome judged =
        judge_queue(worker, queue, name, options != NULL ? options : &none, &error);
    if (judged != SLOTQ_OK) {
        tell_error(worker, &error);
        return judged;
    }
    const size_t count = worker->queue_count + (size_t)1;
    worker_queue *new = calloc(1, sizeof *new);
    worker_queue **queues = realloc(worker->queues, count * sizeof(worker_queue *));
    if (queues != NULL) {
        worker->queues = queues;
    }
    if (queues == NULL || new == NULL) {
        free(new);
        refuse(&error, SLOTQ_NOMEMORY, "out of memory");
        tell_error(worker, &error);
        return SLOTQ_NOMEMORY;
    }
    new->worker = worker;
    new->index = worker->queue_count;
    new->given = queue;
    new->options = options != NULL ? *options : none;
    set_queue_defaults(&new->options);
    if (worker->options.loop) {
        new->options.threads_kept = 0; /* there is one thread for all */
    }
    new->lease_ms = new->options.lease_ms != 0 ? new->options.lease_ms : worker->options.lease_ms;
    new->bell = -1;
    memcpy(new->name, name, strlen(name));
    pthread_mutex_init(&new->lock, NULL);
    pace_bucket_init(&new->bucket, new->options.rate_interval_us, new->options.rate_burst);
    worker->queues[worker->queue_count++] = new;
    return SLOTQ_OK;
}

static void free_queue(worker_queue *queue)
{
    pthread_mutex_lock(&queue->lock); /* a slotq_task_finish of another thread may not be over */
    pthread_mutex_unlock(&queue->lock);
    for (worker_hand *hand = queue->hands, *next; hand != NULL; hand = next) {
        next = hand->next;
        hand_free(hand);
    }
    cron_free_entries(queue);
    slotq_close(queue->handle);
    slotq_batch_free(queue->looked);
    free(queue->ones);
    free(queue->extends);
    free(queue->runs);
    free(queue->outcomes);
    free(queue->tokens);
    free((void *)queue->counts);
    if (queue->bell >= 0) {
        close(queue->bell);
    }
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static void free_tables(slotq_worker *worker)
{
    for (uint32_t i = 0; worker->all_tasks != NULL && i < worker->task_count; i++) {
        free(worker->all_tasks[i].larger);
    }
    free(worker->credits);
    free(worker->may_go);
    free(worker->weights);
    free(worker->gathers);
    free(worker->all_tasks);
    free(worker->copies);
    free(worker->queues);
}

/* It is not used any more: threads are joined, LATER tasks finished. */
static bool may_be_freed(slotq_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    const slotq_worker_state state = worker_state(worker);
    bool may = (state == SLOTQ_WORKER_NEW || state == SLOTQ_WORKER_ENDED) && worker->alive == 0 &&
               (worker->options.loop || worker->keepers == 0) && gather_count_later(worker) == 0;
    for (const worker_thread *thread = worker->threads; thread != NULL; thread = thread->next) {
        may = may && thread->joined;
    }
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        may = may && !worker->queues[i]->has_keeper;
    }
    pthread_mutex_unlock(&worker->lock);
    return may;
}

slotq_outcome slotq_worker_free(slotq_worker *worker)
{
    if (worker == NULL) {
        return SLOTQ_OK;
    }
    if (!may_be_freed(worker)) {
        return SLOTQ_INVALID;
    }
    state_end_signals(worker); /* before what its thread rings */
    state_end_calls(worker);
    loop_close(worker);
    for (uint32_t i = 0; i < worker->queue_count; i++) {
        free_queue(worker->queues[i]);
    }
    for (worker_thread *thread = worker->threads, *next; thread != NULL; thread = next) {
        next = thread->next;
        run_free_thread(thread);
    }
    free_tables(worker);
    if (worker->signal_fd >= 0) {
        close(worker->signal_fd);
    }
    munmap(worker->mark, (size_t)sysconf(_SC_PAGESIZE));
    pthread_cond_destroy(&worker->work);
    pthread_cond_destroy(&worker->ends);
    pthread_cond_destroy(&worker->alone_turn);
    pthread_mutex_destroy(&worker->lock);
    mux_let_go(worker->mux);
    free(worker);
    return SLOTQ_OK;
}
