/* bench_core.c: the figures of the embedded queue beside their targets: the cycle against memcpy,
 * and while messages are held, the wake-up against a bare futex, many sleepers, waits for a file's
 * lock, shards beside one queue, the growth with the ring. Knows what is measured and what was
 * promised; the measuring is in cycle/, held.c, wake.c, sleepers.c, locks.c, shards.c and growth.c.
 *
 * bench_core FOLDER [cycle] [held] [wake] [sleepers] [worker] [locks] [shards] [growth]: queue
 * files and results go to FOLDER.
 */
#include "cycle/cycle.h"
#include "../support/sure.h"
#include "growth.h"
#include "held.h"
#include "locks.h"
#include "../worker/no_ops.h"
#include "shards.h"
#include "sleepers.h"
#include "../support/report.h"
#include "../support/samples.h"
#include "wake.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 501, BATCH_KINDS = 2, WORKER_ROUNDS = 21 };
typedef enum subject {
    YARDSTICK,
    CORE,
    MEMORY,
    MEMORY_STAMPS,
    FILE_EXCLUSIVE,
    FILE_SHARED,
    SUBJECTS
} subject;

static const uint32_t batch_sizes[BATCH_KINDS] = {256, 1};
static const char *const subject_names[SUBJECTS] = {
    "memcpy in, memcpy out", "core alone",      "memory",
    "memory, push times",    "file, exclusive", "file, shared",
};

typedef struct cycle_figures {
    samples push_ns;
    samples reserve_ns;
    samples ack_ns;
    samples cycle_ns;
    samples by_yardstick; /* of the same round */
    samples by_memory;
} cycle_figures;

static cycle_figures figures[SUBJECTS][BATCH_KINDS];
static slotq *queues[SUBJECTS];

static void open_file(const char *folder, subject which, const char *name, bool exclusive)
{
    const slotq_options options = {.exclusive = exclusive};
    slotq_error error = {.text = ""};
    slotq_remove_queue(folder, name, NULL); /* what an interrupted run left */
    slotq_outcome outcome = slotq_create(folder, name, &cycle_geometry, NULL, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_open(folder, name, &options, &queues[which], &error);
    }
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s\n", error.text);
    }
    bench_ok(outcome, name);
}

static void open_queues(const char *folder)
{
    slotq_geometry stamps = cycle_geometry;
    stamps.flags |= SLOTQ_FLAG_STAMPS;
    bench_ok(slotq_create_memory(&cycle_geometry, NULL, &queues[MEMORY], NULL), "memory");
    bench_ok(slotq_create_memory(&stamps, NULL, &queues[MEMORY_STAMPS], NULL), "memory");
    open_file(folder, FILE_EXCLUSIVE, "exclusive", true);
    open_file(folder, FILE_SHARED, "shared", false);
}

static void close_queues(const char *folder)
{
    for (subject which = MEMORY; which < SUBJECTS; which++) {
        slotq_close(queues[which]);
    }
    slotq_remove_queue(folder, "exclusive", NULL);
    slotq_remove_queue(folder, "shared", NULL);
}

static void measure(subject which, uint32_t batch, cycle_round *round)
{
    if (which == YARDSTICK) {
        cycle_yardstick(batch, round);
    } else if (which == CORE) {
        cycle_core(batch, round);
    } else {
        cycle_queue(queues[which], batch, round);
    }
}

/* All subjects in turn, so that whatever else the machine does meets them alike; the ratios are
 * taken within a round. */
static void cycle_play_round(uint32_t kind, bool counts)
{
    cycle_round rounds[SUBJECTS];
    memset(rounds, 0, sizeof rounds);
    for (subject which = YARDSTICK; which < SUBJECTS; which++) {
        measure(which, batch_sizes[kind], &rounds[which]);
    }
    for (subject which = YARDSTICK; which < SUBJECTS && counts; which++) {
        const cycle_round *round = &rounds[which];
        cycle_figures *all = &figures[which][kind];
        samples_add(&all->push_ns, round->push_ns);
        samples_add(&all->reserve_ns, round->reserve_ns);
        samples_add(&all->ack_ns, round->ack_ns);
        samples_add(&all->cycle_ns, round->cycle_ns);
        samples_add(&all->by_yardstick, round->cycle_ns / rounds[YARDSTICK].cycle_ns);
        samples_add(&all->by_memory, round->cycle_ns / rounds[MEMORY].cycle_ns);
    }
}

static void target_cells(report_table *table, subject which, uint32_t kind)
{
    cycle_figures *all = &figures[which][kind];
    double target = batch_sizes[kind] == 1 ? 10 : 3;
    double measured = samples_median(&all->by_yardstick);
    const char *beside = "memcpy";
    if (which == FILE_EXCLUSIVE || which == FILE_SHARED) {
        target = which == FILE_EXCLUSIVE ? 1.5 : 4;
        measured = samples_median(&all->by_memory);
        beside = "memory";
    }
    if (which == YARDSTICK || which == MEMORY_STAMPS) {
        report_cell(table, "%s", "");
        report_cell(table, "%s", "");
        return;
    }
    report_cell(table, "<= %g x %s", target, beside);
    report_cell(table, "%s", measured <= target ? "met" : "MISSED");
}

static void cycle_row(report_table *table, subject which, uint32_t kind)
{
    cycle_figures *all = &figures[which][kind];
    report_row(table);
    report_cell(table, "%s", subject_names[which]);
    report_cell(table, "%u", (unsigned)batch_sizes[kind]);
    samples *verbs[] = {&all->push_ns, &all->reserve_ns, &all->ack_ns};
    for (uint32_t i = 0; i < 3; i++) {
        if (which == YARDSTICK) {
            report_cell(table, "%s", "");
        } else {
            report_cell(table, "%.1f", samples_median(verbs[i]));
        }
    }
    report_cell(table, "%.1f", samples_median(&all->cycle_ns));
    report_cell(table, "%.1f-%.1f", samples_quantile(&all->cycle_ns, 0.25),
                samples_quantile(&all->cycle_ns, 0.75));
    report_cell(table, "%.2f", samples_median(&all->by_yardstick));
    report_cell(table, "%.2f", samples_median(&all->by_memory));
    target_cells(table, which, kind);
}

static void report_head(report_table *table, const char *const *names)
{
    report_row(table);
    for (uint32_t i = 0; names[i] != NULL; i++) {
        report_cell(table, "%s", names[i]);
    }
}

static void bench_cycle(const char *folder)
{
    static const char *const head[] = {
        "32-byte payloads", "batch",    "push",     "reserve", "ack", "cycle",
        "25-75 %",          "x memcpy", "x memory", "target",  "",    NULL};
    static report_table table;
    open_queues(folder);
    for (uint32_t kind = 0; kind < BATCH_KINDS; kind++) {
        for (uint32_t i = 0; i <= ROUNDS; i++) {
            cycle_play_round(kind, i > 0); /* the first only warms up */
            report_progress("cycle", kind * (ROUNDS + 1) + i + 1, BATCH_KINDS * (ROUNDS + 1));
        }
    }
    report_head(&table, head);
    for (uint32_t kind = 0; kind < BATCH_KINDS; kind++) {
        for (subject which = YARDSTICK; which < SUBJECTS; which++) {
            cycle_row(&table, which, kind);
        }
    }
    report_text(
        "## The cycle: push, reserve, ack\n\nns per message, R = %d, one core; medians of %d "
        "interleaved rounds.\n\n",
        CYCLE_RING_SLOTS, ROUNDS);
    report_table_print(&table);
    report_table_csv(&table, "cycle");
    close_queues(folder);
}

typedef struct held_case {
    uint8_t aside_slots;
    uint32_t held;
    double target; /* of the flow without; 0 = none was promised */
} held_case;
static const held_case held_cases[] = {{0, 0, 0},
                                       {HELD_MOST, 0, 0.93},
                                       {HELD_MOST, 1, 0.95},
                                       {HELD_MOST, 10, 0},
                                       {HELD_MOST, 255, 0.8}};
enum { HELD_CASES = sizeof held_cases / sizeof *held_cases, HELD_ROUNDS = 201 };

static void held_row(report_table *table, const held_case *one, uint32_t batch, samples *flow_ns,
                     samples *share)
{
    const double median = samples_median(share);
    report_row(table);
    report_cell(table, "%u of %u aside", (unsigned)one->held, (unsigned)one->aside_slots);
    report_cell(table, "%u", (unsigned)batch);
    report_cell(table, "%.1f", samples_median(flow_ns));
    report_cell(table, "%.1f-%.1f", samples_quantile(flow_ns, 0.25),
                samples_quantile(flow_ns, 0.75));
    report_cell(table, "%.2f", median);
    if (one->target > 0) {
        report_cell(table, ">= %g", one->target);
        report_cell(table, "%s", median >= one->target ? "met" : "MISSED");
    }
}

static void held_play(slotq *const *held, uint32_t batch, samples *flow_ns, samples *share)
{
    for (uint32_t i = 0; i <= HELD_ROUNDS; i++) {
        double ns[HELD_CASES];
        for (uint32_t which = 0; which < HELD_CASES; which++) {
            ns[which] = cycle_flow(held[which], batch);
        }
        for (uint32_t which = 0; which < HELD_CASES && i > 0; which++) { /* 0 only warms up */
            samples_add(&flow_ns[which], ns[which]);
            samples_add(&share[which], ns[0] / ns[which]);
        }
        report_progress("held", i + 1, HELD_ROUNDS + 1);
    }
}

static void bench_held(void)
{
    static const char *const head[] = {"held",   "batch",  "ns", "25-75 %",
                                       "x none", "target", "",   NULL};
    static report_table table;
    slotq *held[HELD_CASES];
    for (uint32_t which = 0; which < HELD_CASES; which++) {
        held[which] = held_open(held_cases[which].aside_slots, held_cases[which].held);
    }
    report_head(&table, head);
    for (uint32_t kind = 0; kind < BATCH_KINDS; kind++) {
        samples flow_ns[HELD_CASES] = {{NULL, 0, 0}};
        samples share[HELD_CASES] = {{NULL, 0, 0}};
        held_play(held, batch_sizes[kind], flow_ns, share);
        for (uint32_t which = 0; which < HELD_CASES; which++) {
            held_row(&table, &held_cases[which], batch_sizes[kind], &flow_ns[which], &share[which]);
            samples_free(&flow_ns[which]);
            samples_free(&share[which]);
        }
    }
    report_text(
        "## While messages are held\n\nThe full cycle in memory, R = 1,001: messages that "
        "are leased for ever lie aside, and all others go on. ns per message, medians of %d "
        "interleaved rounds; throughput as a share of a queue without places aside.\n\n",
        HELD_ROUNDS);
    report_table_print(&table);
    report_table_csv(&table, "held");
    for (uint32_t which = 0; which < HELD_CASES; which++) {
        slotq_close(held[which]);
    }
}

static void wake_row(report_table *table, const char *name, samples *ns, double bare_p50)
{
    const double p50 = samples_median(ns);
    report_row(table);
    report_cell(table, "%s", name);
    report_cell(table, "%.1f", p50 / 1000);
    report_cell(table, "%.1f", samples_quantile(ns, 0.9) / 1000);
    report_cell(table, "%.1f", samples_quantile(ns, 0.99) / 1000);
    report_cell(table, "%.2f", p50 / bare_p50);
    report_cell(table, "%s", p50 == bare_p50 ? "" : "<= 3");
    report_cell(table, "%s", p50 == bare_p50 ? "" : p50 <= 3 * bare_p50 ? "met" : "MISSED");
}

static void bench_wake(const char *folder)
{
    static const char *const head[] = {"microseconds", "p50",    "p90", "p99",
                                       "p50 x futex",  "target", "",    NULL};
    static report_table table;
    samples bare_ns = {NULL, 0, 0};
    samples queue_ns = {NULL, 0, 0};
    for (uint32_t i = 0; i < WAKE_ROUNDS; i++) {
        wake_round(folder, &bare_ns, &queue_ns);
        report_progress("wake", i + 1, WAKE_ROUNDS);
    }
    report_head(&table, head);
    wake_row(&table, "bare futex", &bare_ns, samples_median(&bare_ns));
    wake_row(&table, "push to a waiting reserve, file", &queue_ns, samples_median(&bare_ns));
    report_text("## Waking a waiting process\n\nFrom before the push until after the reserve; "
                "two processes, %u samples each, interleaved.\n\n",
                (unsigned)queue_ns.count);
    report_table_print(&table);
    report_table_csv(&table, "wake");
    samples_free(&bare_ns);
    samples_free(&queue_ns);
}

/* target_ms: 0 = none was promised. */
static void lock_row(report_table *table, const char *name, samples *ns, double measured_share,
                     double target_ms)
{
    report_row(table);
    report_cell(table, "%s", name);
    report_cell(table, "%.2f", samples_median(ns) / 1e6);
    report_cell(table, "%.2f", samples_quantile(ns, 0.9) / 1e6);
    report_cell(table, "%.2f", samples_quantile(ns, 0.99) / 1e6);
    report_cell(table, "%.2f", samples_quantile(ns, 1) / 1e6);
    if (target_ms == 0) {
        return;
    }
    report_cell(table, "<= %g", target_ms);
    report_cell(table, "%s",
                samples_quantile(ns, measured_share) / 1e6 <= target_ms ? "met" : "MISSED");
}

static void bench_locks(const char *folder)
{
    static const char *const head[] = {"milliseconds", "p50",    "p90", "p99",
                                       "most",         "target", "",    NULL};
    static report_table table;
    samples waits_ns = {NULL, 0, 0};
    lock_recoveries taken = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
    locks_waits(folder, &waits_ns);
    locks_recoveries(folder, &taken);
    report_head(&table, head);
    lock_row(&table, "beside two loops, p99", &waits_ns, 0.99, 20);
    lock_row(&table, "after the owner's kill", &taken.whole_ns, 1, 0);
    lock_row(&table, "of that, the owner's teardown", &taken.teardown_ns, 1, 0);
    lock_row(&table, "recovery after the teardown, most", &taken.recovery_ns, 1, 100);
    report_text(
        "## Waiting for the lock of a file\n\nThree processes, two of which hold the lock for "
        "%d us each in a loop, %u samples; and from the kill of the owner to the end of a "
        "verb that waits, %u samples. The teardown is over when the system has ended the owner: "
        "until then its lock is held, and the promise is 100 ms plus that time.\n\n",
        LOCKS_HOLD_US, (unsigned)waits_ns.count, (unsigned)taken.whole_ns.count);
    report_table_print(&table);
    report_table_csv(&table, "locks");
    samples_free(&waits_ns);
    samples_free(&taken.whole_ns);
    samples_free(&taken.teardown_ns);
    samples_free(&taken.recovery_ns);
}

static const uint16_t ring_sizes[] = {16, 64, 256, 1024, 4097, 16384, 65535};
enum { RING_SIZES = sizeof ring_sizes / sizeof *ring_sizes, GROWTH_REPEATS = 5 };
static samples growth_ns[GROWTH_VERBS][RING_SIZES][GROWTH_FILLS];

static void growth_play(void)
{
    uint32_t done = 0;
    for (uint32_t repeat = 0; repeat < GROWTH_REPEATS; repeat++) {
        for (uint32_t size = 0; size < RING_SIZES; size++) {
            for (growth_fill fill = GROWTH_EMPTY; fill < GROWTH_FILLS; fill++) {
                double one[GROWTH_VERBS];
                growth_measure(ring_sizes[size], fill, one);
                for (uint32_t verb = 0; verb < GROWTH_VERBS; verb++) {
                    samples_add(&growth_ns[verb][size][fill], one[verb]);
                }
            }
            report_progress("growth", ++done, GROWTH_REPEATS * RING_SIZES);
        }
    }
}

static void growth_head(report_table *table, const char *first)
{
    report_row(table);
    report_cell(table, "%s", first);
    for (uint32_t size = 0; size < RING_SIZES; size++) {
        report_cell(table, "R %u", (unsigned)ring_sizes[size]);
    }
}

/* The dearest place over the cheapest: 1 is flat. */
static double growth_factor(uint32_t verb)
{
    samples places = {NULL, 0, 0};
    for (uint32_t size = 0; size < RING_SIZES; size++) {
        for (growth_fill fill = GROWTH_EMPTY; fill < GROWTH_FILLS; fill++) {
            samples_add(&places, samples_median(&growth_ns[verb][size][fill]));
        }
    }
    const double factor = samples_quantile(&places, 1) / samples_quantile(&places, 0);
    samples_free(&places);
    return factor;
}

/* For plots: a row a verb and filling. */
static void growth_csv(void)
{
    static report_table table;
    growth_head(&table, "ns");
    for (uint32_t verb = 0; verb < GROWTH_VERBS; verb++) {
        for (growth_fill fill = GROWTH_EMPTY; fill < GROWTH_FILLS; fill++) {
            report_row(&table);
            report_cell(&table, "%s %s", growth_verb_names[verb], growth_fill_names[fill]);
            for (uint32_t size = 0; size < RING_SIZES; size++) {
                report_cell(&table, "%.1f", samples_median(&growth_ns[verb][size][fill]));
            }
        }
    }
    report_table_csv(&table, "growth");
}

static void bench_growth(void)
{
    static report_table table;
    growth_play();
    growth_head(&table, "ns: empty/half/full");
    report_cell(&table, "%s", "max/min");
    for (uint32_t verb = 0; verb < GROWTH_VERBS; verb++) {
        report_row(&table);
        report_cell(&table, "%s", growth_verb_names[verb]);
        for (uint32_t size = 0; size < RING_SIZES; size++) {
            samples *of = growth_ns[verb][size];
            report_cell(&table, "%.0f/%.0f/%.0f", samples_median(&of[GROWTH_EMPTY]),
                        samples_median(&of[GROWTH_HALF]), samples_median(&of[GROWTH_FULL]));
        }
        report_cell(&table, "%.2f", growth_factor(verb));
    }
    report_text(
        "## Cost of a verb by ring size\n\nThe core alone, one message per call, medians; the "
        "ring empty, half full and full.\n\n");
    report_table_print(&table);
    growth_csv();
}

/* One core for what is measured on one core; two processes need two. */
static void stay_on_this_core(void)
{
    const int core = sched_getcpu();
    cpu_set_t one;
    bench_need(core >= 0, "sched_getcpu");
    CPU_ZERO(&one);
    CPU_SET((size_t)core, &one);
    sched_setaffinity(0, sizeof one, &one); /* refused: the figures are less steady */
}

static bool wanted(int count, char **words, const char *name)
{
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], name) == 0) {
            return true;
        }
    }
    return count <= 2;
}

int main(int count, char **words)
{
    if (count < 2) {
        fputs(
            "usage: bench_core FOLDER [cycle] [held] [wake] [sleepers] [worker] [locks] [shards]"
            " [growth]\n",
            stderr);
        return 2;
    }
    report_open(words[1]);
    if (wanted(count, words, "wake")) {
        bench_wake(words[1]);
    }
    if (wanted(count, words, "sleepers")) {
        sleepers_compare_stores(words[1]);
    }
    if (wanted(count, words, "worker")) {
        no_ops_open();
        no_ops_measure("memory", NULL, WORKER_ROUNDS, false);
        no_ops_measure("file", words[1], WORKER_ROUNDS, false);
        no_ops_close("worker");
    }
    if (wanted(count, words, "locks")) {
        bench_locks(words[1]);
    }
    if (wanted(count, words, "shards")) {
        shards_compare(words[1]);
    }
    stay_on_this_core();
    if (wanted(count, words, "cycle")) {
        bench_cycle(words[1]);
    }
    if (wanted(count, words, "held")) {
        bench_held();
    }
    if (wanted(count, words, "growth")) {
        bench_growth();
    }
    report_close();
    return 0;
}
