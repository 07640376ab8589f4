/* stage.c: see stage.h.
 */
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../terminal/report.h"

enum { LOOK_MS = 1, PATIENCE_S = 300 };

void stage_sleep_ms(uint32_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

stage *stage_new(void)
{
    stage *made =
        mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        report_failure("no shared memory: %s", strerror(errno));
    }
    return made;
}

/* A worker or client that failed has said why; without it the wait would have no end. */
static void look_for_failures(void)
{
    siginfo_t child = {0};
    if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid != 0 &&
        child.si_status != 0) {
        report_failure("process %d has failed", (int)child.si_pid);
    }
}

void stage_await(const atomic_uint *counter, unsigned least, const char *what)
{
    const time_t end = time(NULL) + PATIENCE_S;
    while (atomic_load(counter) < least) {
        if (time(NULL) > end) {
            report_failure("%u %s after %d s: %u were to come", atomic_load(counter), what,
                           PATIENCE_S, least);
        }
        look_for_failures();
        stage_sleep_ms(LOOK_MS);
    }
}

/* True: this task has one of the tickets. */
static bool take_ticket(stage *shared, stage_place place, uint64_t id)
{
    unsigned left =
        id < atomic_load(&shared->waits_from) ? 0 : atomic_load(&shared->tickets[place]);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&shared->tickets[place], &left, left - 1)) {
            return true;
        }
    }
    return false;
}

void stage_wait_at(stage *shared, stage_place place, uint64_t id, bool (*leave)(void *context),
                   void *context)
{
    const unsigned opened = atomic_load(&shared->opened);
    if (!take_ticket(shared, place, id)) {
        return;
    }
    atomic_store(&shared->victim, getpid());
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->opened) == opened && !leave(context)) {
        stage_sleep_ms(LOOK_MS);
    }
}

void stage_close_gate(stage *shared, stage_place place, unsigned tickets, uint64_t from_id)
{
    atomic_store(&shared->arrived, 0);
    atomic_store(&shared->waits_from, from_id);
    atomic_store(&shared->tickets[place], tickets);
}

void stage_await_gate(const stage *shared, unsigned tickets)
{
    stage_await(&shared->arrived, tickets, "tasks wait");
}

void stage_open_gate(stage *shared)
{
    atomic_fetch_add(&shared->opened, 1);
}
