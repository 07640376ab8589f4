/* thread.c: what a thread that runs handlers needs (run.h). Starts none.
 */
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
