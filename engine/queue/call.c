/* call.c: running a verb on a handle's store; the clock, and waiting. Knows no verb's meaning.
 */
#define _GNU_SOURCE
#include <time.h>

#include "../backend/system/monotonic.h"
#include "handle.h"

uint64_t queue_now_ms(const slotq *queue)
{
    if (queue->options.clock_ms != NULL) {
        return queue->options.clock_ms(queue->options.clock_context);
    }
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0) {
        return 0; /* before 1970 */
    }
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t exact_ms(const void *handle)
{
    return queue_now_ms(handle);
}

static uint64_t rough_ms(const void *handle)
{
    const slotq *queue = handle;
#ifdef CLOCK_REALTIME_COARSE
    struct timespec now;
    if (queue->options.clock_ms == NULL && clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0) {
        return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000;
    }
#endif
    return queue_now_ms(queue);
}

static bool is_interrupted(const slotq *queue)
{
    return __atomic_load_n(&queue->interrupted, __ATOMIC_ACQUIRE);
}

void slotq_interrupt(slotq *queue)
{
    if (queue != NULL) {
        __atomic_store_n(&queue->interrupted, true, __ATOMIC_RELEASE);
        queue->store->ops->interrupt(queue->store);
    }
}

void queue_wait_end(slotq *queue)
{
    __atomic_store_n(&queue->interrupted, false, __ATOMIC_RELEASE);
}

static uint64_t waited_ms_of(const queue_wait *wait)
{
    const uint64_t now_us = monotonic_us();
    return now_us > wait->begun_us ? (now_us - wait->begun_us) / 1000 : 0;
}

static bool gives_up(const void *handle, uint64_t waited_ms)
{
    const slotq *queue = handle;
    const slotq_options *options = &queue->options;
    if (options->should_stop != NULL && options->should_stop(options->stop_context)) {
        return true;
    }
    queue_wait *wait = queue->patience;
    if (queue->timeout_ms > 0 && waited_ms >= queue->timeout_ms) {
        return true;
    }
    if (wait == NULL) {
        return false;
    }
    if (is_interrupted(queue)) {
        wait->was_cut = true;
        return true;
    }
    return (wait->wait_ms > 0 ? waited_ms_of(wait) : waited_ms) >= wait->wait_ms;
}

const store_owner queue_owner = {.exact_ms = exact_ms, .rough_ms = rough_ms, .gives_up = gives_up};

void queue_own_store(slotq *queue, store *opened)
{
    opened->owner = &queue_owner;
    opened->handle = queue;
    queue->store = opened;
}

uint64_t slotq_now_ms(const slotq *queue)
{
    if (queue == NULL) {
        return 0;
    }
    const int64_t now_ms = (int64_t)queue_now_ms(queue) + queue->store->ahead_ms;
    return now_ms < 0 ? 0 : (uint64_t)now_ms;
}

slotq_outcome queue_call(slotq *queue, slotq_call *call)
{
    queue_tries tries = queue_tries_begin(queue);
    slotq_outcome outcome;
    do {
        queue->fault.unconfirmed = false; /* a store that confirms nothing leaves it */
        outcome = queue->store->ops->call(queue->store, call, NULL, &queue->fault);
        if (outcome == SLOTQ_OK) {
            return outcome;
        }
        outcome = queue_answer(queue, outcome, call);
    } while (queue_was_resized(queue, outcome, &tries));
    return outcome;
}

slotq_outcome queue_call_harvest(slotq *queue, slotq_call *call, store_harvest *harvest)
{
    const slotq_outcome outcome =
        queue->store->ops->call(queue->store, call, harvest, &queue->fault);
    return outcome == SLOTQ_OK ? outcome : queue_answer(queue, outcome, call);
}

queue_wait queue_wait_begin(const slotq *queue, uint64_t wait_ms)
{
    const queue_wait wait = {wait_ms, wait_ms > 0 ? monotonic_us() + 1 : 0, queue, false};
    return wait;
}

void queue_patience_begin(slotq *queue, queue_wait *wait)
{
    queue->patience = wait;
    queue->store->looks_again = wait->wait_ms > 0;
}

void queue_patience_stop(slotq *queue)
{
    const queue_wait *wait = queue->patience;
    queue->patience = NULL;
    queue->store->looks_again = false;
    if (wait != NULL && wait->was_cut) {
        queue_wait_end(queue);
    }
}

uint64_t queue_wait_left_ms(const queue_wait *wait)
{
    const slotq_options *options = &wait->queue->options;
    if (is_interrupted(wait->queue)) {
        return 0;
    }
    if (options->should_stop != NULL && options->should_stop(options->stop_context)) {
        return 0;
    }
    const uint64_t waited_ms = waited_ms_of(wait);
    return waited_ms < wait->wait_ms ? wait->wait_ms - waited_ms : 0;
}

bool queue_wait_is_over(const queue_wait *wait)
{
    return wait->wait_ms == 0 || queue_wait_left_ms(wait) == 0;
}

/* With places 0.8 to 1.2 of what was asked for. */
static uint64_t poll_of(const slotq *queue)
{
    const uint64_t poll_ms = queue->options.poll_ms;
    return queue->store->spreads_polls ? poll_ms * 2 / 5 + jittered(poll_ms * 4 / 5) : poll_ms;
}

slotq_outcome queue_wait_sleep(slotq *queue, const queue_wait *wait, uint64_t now_ms,
                               uint64_t next_due_ms)
{
    uint64_t sleep_ms = queue_wait_left_ms(wait);
    if (next_due_ms <= now_ms) {
        return SLOTQ_OK;
    }
    if (next_due_ms != UINT64_MAX && next_due_ms - now_ms < sleep_ms) {
        sleep_ms = next_due_ms - now_ms;
    }
    const uint64_t poll_ms = poll_of(queue);
    sleep_ms = sleep_ms < poll_ms ? sleep_ms : poll_ms;
    const slotq_outcome outcome = queue->store->ops->wait(queue->store, sleep_ms, &queue->fault);
    return outcome == SLOTQ_OK ? outcome : queue_answer(queue, outcome, NULL);
}
