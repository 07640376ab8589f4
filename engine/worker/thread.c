/* thread.c: threads that run handlers are made, started and joined (run.h). Does not know what they
 * run.
 */
#include <errno.h>
#include <stdlib.h>

#include "run.h"

void run_free_thread(worker_thread *thread)
{
    if (thread != NULL) {
        free(thread->runs);
        free(thread->many);
        free(thread->results);
        free(thread);
    }
}

static uint32_t largest_many(const slotq_worker *worker)
{
    uint32_t most = 1;
    for (uint32_t row = 0; row < mux_count(worker->mux); row++) {
        const slotq_handler *handler = &mux_at(worker->mux, row)->handler;
        if (handler->run_many != NULL && handler->many_most > most) {
            most = handler->many_most;
        }
    }
    return most;
}

worker_thread *run_new_thread(slotq_worker *worker)
{
    worker_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    const uint32_t many = largest_many(worker);
    thread->worker = worker;
    thread->most = UINT32_MAX;
    thread->runs = calloc(mux_count(worker->mux), sizeof *thread->runs);
    thread->many = calloc(many, sizeof(slotq_task *));
    thread->results = calloc(many, sizeof *thread->results);
    if (thread->runs == NULL || thread->many == NULL || thread->results == NULL) {
        run_free_thread(thread);
        return NULL;
    }
    return thread;
}

int run_start_thread(slotq_worker *worker)
{
    worker_thread *thread = run_new_thread(worker);
    pthread_attr_t attributes;
    if (thread == NULL) {
        return ENOMEM;
    }
    sigset_t before;
    pthread_attr_init(&attributes);
    if (worker->options.stack_bytes != 0) {
        pthread_attr_setstacksize(&attributes, worker->options.stack_bytes);
    }
    pthread_sigmask(SIG_SETMASK, &worker->blocked, &before);
    const int why = pthread_create(&thread->id, &attributes, run_thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (why != 0) {
        run_free_thread(thread);
        return why;
    }
    thread->next = worker->threads;
    worker->threads = thread;
    worker->alive++;
    return 0;
}

/* One that has ended, out of the list; NULL: none is left. With worker->lock. */
static worker_thread *take_ended(slotq_worker *worker)
{
    worker_thread **link = &worker->threads;
    while (*link != NULL && (!(*link)->ended || (*link)->joined)) {
        link = &(*link)->next;
    }
    worker_thread *thread = *link;
    if (thread != NULL) {
        *link = thread->next;
    }
    return thread;
}

/* Handlers may end threads again and again, and each would keep its stack until
 * slotq_worker_join. */
void run_join_ended(slotq_worker *worker)
{
    worker_thread *thread;
    do {
        pthread_mutex_lock(&worker->lock);
        thread = worker_state(worker) < SLOTQ_WORKER_STOPPING ? take_ended(worker) : NULL;
        pthread_mutex_unlock(&worker->lock);
        if (thread != NULL) {
            pthread_join(thread->id, NULL);
            run_free_thread(thread);
        }
    } while (thread != NULL);
}
