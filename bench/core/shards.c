/* shards.c: see shards.h. Each process has a handle, and in a loop pushes a message, takes one, and
 * acks it. All subjects take turns, and a ratio is taken within a round.
 */
#include "shards.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "cycle/cycle.h"
#include "slotq.h"
#include "slotq_shards.h"

enum {
    PROCESSES_MOST = 4,
    ROUNDS = 7,
    PLAY_MS = 200,
    LEASE_MS = 30000,
    BATCHES = 2,
    BACKLOG = 2048,
    CYCLE_BATCH_FEW = 16
};

static const uint32_t shard_counts[] = {0, 4, 16}; /* 0: a queue that is alone */
static const uint32_t process_counts[] = {1, 2, 4};
static const uint32_t batch_sizes[BATCHES] = {1, 16};
enum {
    SUBJECTS = sizeof shard_counts / sizeof *shard_counts,
    LOADS = sizeof process_counts / sizeof *process_counts
};

/* Between the processes; anonymous shared memory. */
typedef struct table {
    atomic_uint ready;
    atomic_bool goes;
    atomic_bool ends;
    atomic_ullong messages;
} table;

/* So that a process finds messages in the first shard that it looks at. */
static void fill(const char *folder, const char *name)
{
    slotq *queue = NULL;
    bench_ok(slotq_open(folder, name, NULL, &queue, NULL), "slotq_open");
    for (uint32_t pushed = 0; pushed < BACKLOG; pushed += CYCLE_BATCH_FEW) {
        bench_ok(slotq_push(queue, cycle_payloads(), CYCLE_BATCH_FEW, NULL), "slotq_push");
    }
    slotq_close(queue);
}

static const char *make(const char *folder, uint32_t shards)
{
    const char *name = shards > 0 ? "shards" : "alone";
    slotq_remove_queue(folder, name, NULL); /* what an interrupted run left */
    bench_ok(shards > 0 ? slotq_shards_create(folder, name, shards, &cycle_geometry, NULL, NULL)
                        : slotq_create(folder, name, &cycle_geometry, NULL, NULL),
             "slotq_create");
    return name;
}

/* A message that another process took is as good as an own one. A batch of one shard may be smaller
 * than what was pushed, so the queue fills up by and by; then this only takes. */
static void loop(const char *folder, const char *name, uint32_t batch, table *shared)
{
    uint64_t done = 0;
    slotq *queue = NULL;
    slotq_batch *taken = slotq_batch_new();
    bench_need(taken != NULL, "slotq_batch_new");
    bench_ok(slotq_open(folder, name, NULL, &queue, NULL), "slotq_open");
    atomic_fetch_add(&shared->ready, 1);
    while (!atomic_load(&shared->goes)) {
    }
    while (!atomic_load_explicit(&shared->ends, memory_order_relaxed)) {
        const slotq_outcome pushed = slotq_push(queue, cycle_payloads(), batch, NULL);
        bench_need(pushed == SLOTQ_OK || pushed == SLOTQ_FULL, "slotq_push");
        const slotq_outcome outcome = slotq_reserve(queue, 0, batch, LEASE_MS, 0, taken);
        if (outcome == SLOTQ_OK) {
            slotq_message message;
            while (slotq_batch_next(taken, &message)) {
                done++;
            }
            bench_ok(slotq_ack_batch(queue, taken), "slotq_ack_batch");
        }
    }
    atomic_fetch_add(&shared->messages, done);
    slotq_batch_free(taken);
    slotq_close(queue);
}

/* Messages a second. */
static double play(const char *folder, uint32_t shards, uint32_t processes, uint32_t batch)
{
    pid_t all[PROCESSES_MOST];
    table *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(shared != MAP_FAILED, "mmap");
    const char *name = make(folder, shards);
    fill(folder, name);
    fflush(NULL);
    for (uint32_t i = 0; i < processes; i++) {
        all[i] = fork();
        bench_need(all[i] >= 0, "fork");
        if (all[i] == 0) {
            loop(folder, name, batch, shared);
            _exit(0);
        }
    }
    while (atomic_load(&shared->ready) < processes) {
        usleep(1000);
    }
    const uint64_t begun_ns = clock_ns();
    atomic_store(&shared->goes, true);
    usleep(PLAY_MS * 1000);
    atomic_store(&shared->ends, true);
    const uint64_t taken_ns = clock_ns() - begun_ns;
    for (uint32_t i = 0; i < processes; i++) {
        int status = 0;
        bench_need(waitpid(all[i], &status, 0) == all[i] && status == 0, "a process");
    }
    const double messages = (double)atomic_load(&shared->messages);
    bench_ok(slotq_remove_queue(folder, name, NULL), "slotq_remove_queue");
    munmap(shared, sizeof *shared);
    return messages * 1e9 / (double)taken_ns;
}

static samples rates[BATCHES][LOADS][SUBJECTS];
static samples ratios[BATCHES][LOADS][SUBJECTS];

static void play_all(const char *folder)
{
    uint32_t done = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < BATCHES * LOADS; i++) {
            const uint32_t size = i / LOADS;
            const uint32_t load = i % LOADS;
            double alone = 0;
            for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
                const double rate =
                    play(folder, shard_counts[subject], process_counts[load], batch_sizes[size]);
                alone = subject == 0 ? rate : alone;
                samples_add(&rates[size][load][subject], rate);
                samples_add(&ratios[size][load][subject], rate / alone);
            }
            report_progress("shards", ++done, ROUNDS * BATCHES * LOADS);
        }
    }
}

static void put_row(report_table *to, uint32_t size, uint32_t load)
{
    report_row(to);
    report_cell(to, "%u", (unsigned)process_counts[load]);
    report_cell(to, "%u", (unsigned)batch_sizes[size]);
    for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
        report_cell(to, "%.0f", samples_median(&rates[size][load][subject]) / 1000);
    }
    for (uint32_t subject = 1; subject < SUBJECTS; subject++) {
        samples *ratio = &ratios[size][load][subject];
        report_cell(to, "%.2f", samples_median(ratio));
        report_cell(to, "%.2f-%.2f", samples_quantile(ratio, 0.25), samples_quantile(ratio, 0.75));
    }
}

void shards_compare(const char *folder)
{
    static const char *const head[] = {"processes", "batch",   "one queue", "4 shards", "16 shards",
                                       "4 x one",   "25-75 %", "16 x one",  "25-75 %"};
    static report_table to;
    play_all(folder);
    report_row(&to);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(&to, "%s", head[i]);
    }
    for (uint32_t i = 0; i < BATCHES * LOADS; i++) {
        put_row(&to, i / LOADS, i % LOADS);
    }
    report_text("## Shards over files in one folder\n\nThousands of messages a second of all "
                "processes together, on %ld processors; each process pushes a batch, takes one "
                "and acks it, in a loop, beside a backlog of %d messages. Medians of %d "
                "interleaved rounds.\n\n",
                sysconf(_SC_NPROCESSORS_ONLN), BACKLOG, ROUNDS);
    report_table_print(&to);
    report_table_csv(&to, "shards");
}
