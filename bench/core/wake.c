/* wake.c: two processes: one sleeps until the other acts, and reads the clock when it runs again.
 * The one that acts reads it just before. Both ways share this handshake, so that the difference
 * is what slotq adds. Knows slotq.h and futex(2).
 */
#include "wake.h"
#include "cycle/cycle.h"
#include "../support/sure.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between the two; anonymous shared memory. */
typedef struct pair {
    _Atomic uint32_t word;     /* what the bare waiter sleeps on: the last sample begun */
    _Atomic uint32_t sleeping; /* the sample the waiter is about to sleep for */
    _Atomic uint32_t woken;    /* the last sample it woke up from */
    _Atomic uint64_t woken_at_ns;
} pair;

typedef void (*sleeper)(pair *shared, void *context, uint32_t sample);
typedef void (*waker)(pair *shared, void *context, uint32_t sample);

static void bare_sleep(pair *shared, void *context, uint32_t sample)
{
    (void)context;
    while (atomic_load(&shared->word) != sample) {
        syscall(SYS_futex, (uint32_t *)&shared->word, FUTEX_WAIT, sample - 1, NULL, NULL, 0);
    }
}

static void bare_wake(pair *shared, void *context, uint32_t sample)
{
    (void)context;
    atomic_store(&shared->word, sample);
    syscall(SYS_futex, (uint32_t *)&shared->word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

typedef struct consumer {
    slotq *queue;
    slotq_batch *batch;
} consumer;

static void queue_sleep(pair *shared, void *context, uint32_t sample)
{
    consumer *own = context;
    (void)shared;
    (void)sample;
    bench_ok(slotq_reserve(own->queue, 0, 1, CYCLE_LEASE_MS, 60000, own->batch), "reserve");
}

static void queue_wake(pair *shared, void *context, uint32_t sample)
{
    (void)shared;
    (void)sample;
    bench_ok(slotq_push(context, cycle_payloads(), 1, NULL), "slotq_push");
}

static void wait_until_equal(_Atomic uint32_t *word, uint32_t value)
{
    for (uint32_t looks = 0; atomic_load(word) != value; looks++) {
        bench_need(looks <= 600000, "the other process, within a minute,");
        usleep(100);
    }
}

/* The waiter: sleeps and tells when it woke, WAKE_SAMPLES_A_ROUND times. */
static void be_woken(pair *shared, sleeper sleep_for, void *context, slotq *queue)
{
    for (uint32_t sample = 1; sample <= WAKE_SAMPLES_A_ROUND; sample++) {
        atomic_store(&shared->sleeping, sample);
        sleep_for(shared, context, sample);
        atomic_store(&shared->woken_at_ns, clock_ns());
        if (queue != NULL) {
            bench_ok(slotq_ack_batch(queue, ((consumer *)context)->batch), "ack");
        }
        atomic_store(&shared->woken, sample);
    }
}

static void wake_up(pair *shared, waker wake, void *context, samples *ns)
{
    for (uint32_t sample = 1; sample <= WAKE_SAMPLES_A_ROUND; sample++) {
        wait_until_equal(&shared->sleeping, sample);
        usleep(400); /* it said so before it slept: let it fall asleep */
        const uint64_t start = clock_ns();
        wake(shared, context, sample);
        wait_until_equal(&shared->woken, sample);
        samples_add(ns, (double)(atomic_load(&shared->woken_at_ns) - start));
    }
}

static pair *new_pair(void)
{
    pair *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(shared != MAP_FAILED, "mmap");
    return shared;
}

static pid_t new_process(void)
{
    fflush(NULL);
    const pid_t process = fork();
    bench_need(process >= 0, "fork");
    return process;
}

static void end_process(pid_t process, pair *shared)
{
    int status = 0;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    bench_need(status == 0, "the waiting process");
    munmap(shared, sizeof *shared);
}

static void bare_round(samples *ns)
{
    pair *shared = new_pair();
    const pid_t process = new_process();
    if (process == 0) {
        be_woken(shared, bare_sleep, NULL, NULL);
        _exit(0);
    }
    wake_up(shared, bare_wake, NULL, ns);
    end_process(process, shared);
}

static void queue_round(const char *folder, samples *ns)
{
    pair *shared = new_pair();
    const pid_t process = new_process();
    if (process == 0) {
        consumer own = {NULL, slotq_batch_new()};
        bench_need(own.batch != NULL, "slotq_batch_new");
        bench_ok(slotq_open(folder, "wake", NULL, &own.queue, NULL), "slotq_open");
        be_woken(shared, queue_sleep, &own, own.queue);
        slotq_close(own.queue);
        _exit(0);
    }
    slotq *queue = NULL;
    bench_ok(slotq_open(folder, "wake", NULL, &queue, NULL), "slotq_open");
    wake_up(shared, queue_wake, queue, ns);
    end_process(process, shared);
    slotq_close(queue);
}

void wake_round(const char *folder, samples *bare_ns, samples *queue_ns)
{
    slotq_remove_queue(folder, "wake", NULL); /* what an interrupted run left */
    bench_ok(slotq_create(folder, "wake", &cycle_geometry, NULL, NULL), "slotq_create");
    bare_round(bare_ns);
    queue_round(folder, queue_ns);
    bench_ok(slotq_remove_queue(folder, "wake", NULL), "slotq_remove_queue");
}
