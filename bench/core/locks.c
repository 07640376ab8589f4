/* locks.c: see locks.h. A handle's clock is asked with the lock held, so what its function does is
 * done inside: it stays there, or kills its process.
 */
#include "locks.h"
#include "../support/sure.h"
#include "cycle/cycle.h"
#include "slotq.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between the processes; anonymous shared memory. */
typedef struct table {
    _Atomic uint32_t holders; /* that are at work */
    _Atomic uint64_t killed_at_ns;
} table;

static table *new_table(void)
{
    table *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(shared != MAP_FAILED, "mmap");
    return shared;
}

static slotq *open_queue(const char *folder, uint64_t (*clock_ms)(void *), void *context)
{
    const slotq_options options = {.clock_ms = clock_ms, .clock_context = context};
    slotq *queue = NULL;
    bench_ok(slotq_open(folder, "locks", &options, &queue, NULL), "slotq_open");
    return queue;
}

static void look(slotq *queue)
{
    slotq_stats stats;
    bench_ok(slotq_get_stats(queue, 0, &stats), "slotq_get_stats");
}

static pid_t new_process(void)
{
    fflush(NULL);
    const pid_t process = fork();
    bench_need(process >= 0, "fork");
    return process;
}

static void begin(const char *folder)
{
    slotq_remove_queue(folder, "locks", NULL); /* what an interrupted run left */
    bench_ok(slotq_create(folder, "locks", &cycle_geometry, NULL, NULL), "slotq_create");
}

/* ---- beside two loops ---- */

static uint64_t stay_inside(void *context)
{
    const uint64_t end_ns = clock_ns() + LOCKS_HOLD_US * UINT64_C(1000);
    (void)context;
    while (clock_ns() < end_ns) {
    }
    return UINT64_C(1700000000000);
}

static pid_t start_holder(const char *folder, table *shared)
{
    const pid_t process = new_process();
    if (process == 0) {
        slotq *queue = open_queue(folder, stay_inside, NULL);
        atomic_fetch_add(&shared->holders, 1);
        for (;;) {
            look(queue);
        }
    }
    return process;
}

void locks_waits(const char *folder, samples *ns)
{
    table *shared = new_table();
    begin(folder);
    slotq *queue = open_queue(folder, NULL, NULL);
    pid_t holders[2];
    for (uint32_t i = 0; i < 2; i++) {
        holders[i] = start_holder(folder, shared);
    }
    while (atomic_load(&shared->holders) < 2) {
        usleep(1000);
    }
    for (uint32_t i = 0; i < LOCKS_WAITS; i++) {
        usleep(1000); /* else this process would be a third loop */
        const uint64_t start_ns = clock_ns();
        look(queue);
        samples_add(ns, (double)(clock_ns() - start_ns));
    }
    for (uint32_t i = 0; i < 2; i++) {
        kill(holders[i], SIGKILL);
        waitpid(holders[i], NULL, 0);
    }
    slotq_close(queue);
    bench_ok(slotq_remove_queue(folder, "locks", NULL), "slotq_remove_queue");
    munmap(shared, sizeof *shared);
}

/* ---- after a kill ---- */

static uint64_t die_inside(void *context)
{
    table *shared = context;
    usleep(2000); /* the other one waits by now */
    atomic_store(&shared->killed_at_ns, clock_ns());
    raise(SIGKILL);
    return 0;
}

/* Sees the owner end, apart from the thread that waits for its lock. The system frees the lock just
 * before that. */
typedef struct mourner {
    pid_t owner;
    uint64_t ended_at_ns;
} mourner;

static void *mourn(void *context)
{
    mourner *self = context;
    siginfo_t ended;
    bench_need(waitid(P_PID, (id_t)self->owner, &ended, WEXITED | WNOWAIT) == 0, "waitid");
    self->ended_at_ns = clock_ns();
    return NULL;
}

static double since(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) : 0;
}

static void recover_once(const char *folder, table *shared, slotq *queue, lock_recoveries *taken)
{
    pthread_t thread;
    const pid_t owner = new_process();
    if (owner == 0) {
        slotq *own = open_queue(folder, die_inside, shared);
        atomic_store(&shared->holders, 1);
        look(own);
        _exit(1);
    }
    mourner watcher = {.owner = owner};
    bench_need(pthread_create(&thread, NULL, mourn, &watcher) == 0, "pthread_create");
    while (atomic_load(&shared->holders) == 0) {
    }
    usleep(1000); /* it has the lock by now */
    look(queue);
    const uint64_t end_ns = clock_ns();
    const uint64_t killed_at_ns = atomic_load(&shared->killed_at_ns);
    bench_need(pthread_join(thread, NULL) == 0, "pthread_join");
    samples_add(&taken->whole_ns, since(killed_at_ns, end_ns));
    samples_add(&taken->teardown_ns, since(killed_at_ns, watcher.ended_at_ns));
    samples_add(&taken->recovery_ns, since(watcher.ended_at_ns, end_ns));
    waitpid(owner, NULL, 0);
    atomic_store(&shared->holders, 0);
}

void locks_recoveries(const char *folder, lock_recoveries *taken)
{
    table *shared = new_table();
    begin(folder);
    slotq *queue = open_queue(folder, NULL, NULL);
    for (uint32_t i = 0; i < LOCKS_KILLS; i++) {
        recover_once(folder, shared, queue, taken);
    }
    slotq_close(queue);
    bench_ok(slotq_remove_queue(folder, "locks", NULL), "slotq_remove_queue");
    munmap(shared, sizeof *shared);
}
