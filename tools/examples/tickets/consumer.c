/* consumer.c: see consumer.h.
 */
#include "consumer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <slotq_worker.h>

#include "../terminal/report.h"

enum { LOOK_MS = 2, NUMBER_BYTES = 16 };

typedef struct consumer {
    uint32_t number;
    uint32_t work_ms;
    consumer_stage *stage;
} consumer;

static void sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* The work on a ticket. A result of zeros would be a retry: only this answer acks. */
static slotq_result handle(void *context, slotq_task *task)
{
    const consumer *self = context;
    char text[NUMBER_BYTES] = "";
    const void *value;
    uint32_t bytes;
    if (slotq_task_header(task, TICKET_HEADER, &value, &bytes) && bytes < sizeof text) {
        memcpy(text, value, bytes);
    }
    const unsigned long ticket = strtoul(text, NULL, 10);
    if (text[0] == '\0' || ticket >= TICKETS_MOST) {
        return slotq_result_dead(1); /* to be looked at: `slotq dead ls` shows it */
    }
    sleep_ms(self->work_ms);
    atomic_fetch_add(&self->stage->times[ticket], 1);
    atomic_fetch_add(&self->stage->share[self->number], 1);
    atomic_fetch_add(&self->stage->handled, 1);
    return slotq_result_done();
}

static void need(slotq_outcome outcome, const char *what, const char *why)
{
    if (outcome != SLOTQ_OK) {
        report_failure("consumer: %s: %s: %s", what, slotq_outcome_name(outcome), why);
    }
}

/* One thread, and one message at a time: no consumer holds a ticket that another one could have,
 * so the shares are even. The price is a round trip per ticket. */
void consumer_run(const char *url, uint8_t group, uint32_t number, uint32_t work_ms,
                  consumer_stage *stage)
{
    consumer self = {.number = number, .work_ms = work_ms, .stage = stage};
    const slotq_handler handler = {.run = handle, .context = &self};
    const slotq_worker_options options = {.threads = 1};
    const slotq_worker_queue how = {.group = group, .prefetch_most = 1};
    slotq_error error = {.text = ""};
    slotq *queue = NULL;
    slotq_mux *mux = NULL;
    slotq_worker *worker = NULL;
    need(slotq_open(url, TICKET_QUEUE, NULL, &queue, &error), "open", error.text);
    need(slotq_mux_new(&mux), "mux", "");
    need(slotq_mux_exact(mux, TICKET_TYPE, &handler), "handler", "");
    need(slotq_worker_new(mux, &options, &worker, &error), "worker", error.text);
    need(slotq_worker_add_queue(worker, queue, TICKET_QUEUE, &how), "queue", "");
    atomic_fetch_add(&stage->ready, 1);
    while (!atomic_load(&stage->begin)) {
        sleep_ms(LOOK_MS);
    }
    slotq_worker_drain(worker); /* to end when the group has finished every ticket */
    const slotq_outcome ended = slotq_worker_run(worker);
    (void)slotq_worker_error(worker, &error);
    need(ended, "run", error.text);
    need(slotq_worker_free(worker), "free", "");
    slotq_mux_free(mux);
    slotq_close(queue);
    _exit(0);
}
