/* bench_redis.c: the queue inside Redis beside Streams and bare commands, on a private server, with
 * the targets that were promised. Knows what is compared; the measuring is in cycle.c.
 *
 * bench_redis FOLDER [--only NAME] [--rounds N] [--small] [--scripts FOLDER]: results go to
 * FOLDER. NAME: a row of the first table, memory, wake, sleepers, worker, idle, sections, reach or
 * longest.
 * --small: sleepers, sections, reach and longest with few messages.
 */
#include "library.h"
#include "cycle.h"
#include "longest_calls.h"
#include "memory.h"
#include "reach.h"
#include "sections.h"
#include "../worker/no_ops.h"
#include "sleepers.h"
#include "../support/private_server.h"
#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "wake.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUNDS_DEFAULT = 7,
    WAKE_ROUNDS_MOST = 3,
    LONGEST_ROUNDS_MOST = 3,
    SLEEPERS_ROUNDS_MOST = 2,
    WORKER_ROUNDS_MOST = 9,
    SOCKET_URL_BYTES = 256
};

typedef struct comparison {
    const char *name;
    const char *about;
    cycle_task ours;
    cycle_task theirs;
    const char *beside;
    double target;
    bool is_cost; /* ours / theirs is to be at most the target; else theirs / ours at least */
} comparison;

#define STREAMS &subject_streams
#define PACKED &subject_packed
#define PLAIN &subject_plain
#define BARE &subject_bare

static const comparison rows[] = {
    {"batches",
     "push, reserve, ack of 256, 8 batches in flight",
     {cycle_window, PACKED, 256, 8, 1 << 17},
     {cycle_window, STREAMS, 256, 8, 1 << 14},
     "Streams",
     8,
     false},
    {"batches-bare",
     "a bound: scripts with the same redis.calls and bytes, but no queue logic",
     {cycle_window, BARE, 256, 8, 1 << 17},
     {cycle_window, STREAMS, 256, 8, 1 << 14},
     "Streams",
     0,
     false},
    {"batches-library",
     "the same through slotq_pipeline",
     {library_pipeline, NULL, 256, 8, 1 << 17},
     {cycle_window, STREAMS, 256, 8, 1 << 14},
     "Streams",
     8,
     false},
    {"trips",
     "push, reserve, ack of 256, one batch per round trip",
     {cycle_trips, PACKED, 256, 1, 1 << 17},
     {cycle_trips, STREAMS, 256, 1, 1 << 14},
     "Streams",
     4,
     false},
    {"trips-library",
     "the same through slotq_push, slotq_reserve, slotq_ack_batch",
     {library_trips, NULL, 256, 1, 1 << 17},
     {cycle_trips, STREAMS, 256, 1, 1 << 14},
     "Streams",
     4,
     false},
    {"push",
     "push of 256, 8 in flight",
     {push_alone, PACKED, 256, 8, 1 << 17},
     {setrange_alone, NULL, 256, 8, 1 << 17},
     "SETRANGE",
     0.5,
     false},
    {"push-bare",
     "its bound",
     {push_alone, BARE, 256, 8, 1 << 17},
     {setrange_alone, NULL, 256, 8, 1 << 17},
     "SETRANGE",
     0,
     false},
    {"push-trip",
     "push of 256, one per round trip",
     {push_alone, PACKED, 256, 1, 1 << 16},
     {setrange_alone, NULL, 256, 1, 1 << 16},
     "SETRANGE",
     0.5,
     false},
    {"push-trip-bare",
     "its bound",
     {push_alone, BARE, 256, 1, 1 << 16},
     {setrange_alone, NULL, 256, 1, 1 << 16},
     "SETRANGE",
     0,
     false},
    {"single-64",
     "single messages, a producer of 64 and slotq_next; Streams 64 in a pipeline",
     {library_singles, NULL, 64, 1, 1 << 15},
     {cycle_phases, STREAMS, 1, 64, 1 << 12},
     "Streams",
     3,
     false},
    {"single-256",
     "the same with a producer of 256",
     {library_singles, NULL, 256, 1, 1 << 16},
     {cycle_phases, STREAMS, 1, 64, 1 << 12},
     "Streams",
     3,
     false},
    {"one",
     "one message, one verb per round trip, packed scripts",
     {cycle_trips, PACKED, 1, 1, 1 << 10},
     {cycle_trips, STREAMS, 1, 1, 1 << 10},
     "Streams",
     0.9,
     false},
    {"one-bare",
     "its bound",
     {cycle_trips, BARE, 1, 1, 1 << 10},
     {cycle_trips, STREAMS, 1, 1, 1 << 10},
     "Streams",
     0,
     false},
    {"one-plain",
     "the same, plain scripts",
     {cycle_trips, PLAIN, 1, 1, 1 << 10},
     {cycle_trips, STREAMS, 1, 1, 1 << 10},
     "Streams",
     0.9,
     false},
    {"one-library",
     "the same through slotq_push, slotq_reserve, slotq_ack_batch",
     {library_trips, NULL, 1, 1, 1 << 10},
     {cycle_trips, STREAMS, 1, 1, 1 << 10},
     "Streams",
     0.9,
     false},
    {"one-next",
     "one message, slotq_push and slotq_next: two round trips instead of three",
     {library_push_next, NULL, 1, 1, 1 << 10},
     {cycle_trips, STREAMS, 1, 1, 1 << 10},
     "Streams",
     0,
     false},
    {"one-piped",
     "one message per call, 64 calls in a pipeline, packed scripts",
     {cycle_phases, PACKED, 1, 64, 1 << 12},
     {cycle_phases, STREAMS, 1, 64, 1 << 12},
     "Streams",
     0,
     false},
    {"push-one",
     "push of one, 64 in a pipeline, packed script",
     {push_alone, PACKED, 1, 64, 1 << 13},
     {push_alone, STREAMS, 1, 64, 1 << 13},
     "XADD",
     3,
     true},
    {"push-one-bare",
     "its bound",
     {push_alone, BARE, 1, 64, 1 << 13},
     {push_alone, STREAMS, 1, 64, 1 << 13},
     "XADD",
     0,
     true},
    {"push-one-plain",
     "push of one, 64 in a pipeline, plain script",
     {push_alone, PLAIN, 1, 64, 1 << 13},
     {push_alone, STREAMS, 1, 64, 1 << 13},
     "XADD",
     3,
     true},
    {"next",
     "ack and the next reserve of 64 in one pipeline, packed scripts",
     {consume_next, PACKED, 64, 1, 1 << 16},
     {consume_trips, PACKED, 64, 1, 1 << 16},
     "two round trips",
     0,
     false},
    {"next-library",
     "slotq_next of 64",
     {library_next, NULL, 64, 1, 1 << 16},
     {library_reserve_ack, NULL, 64, 1, 1 << 16},
     "reserve, ack_batch",
     0,
     false},
};
enum { ROWS = sizeof rows / sizeof *rows };

typedef struct figures {
    samples ours_ns;
    samples theirs_ns;
    samples ours_server_ns;
    samples theirs_server_ns;
    samples ratio; /* within a round */
} figures;

static figures measured[ROWS];

static void play(const comparison *row, figures *to, connection *wire, bool counts)
{
    const stretch theirs = row->theirs.run(&row->theirs, wire);
    const stretch ours = row->ours.run(&row->ours, wire);
    if (!counts) {
        return;
    }
    samples_add(&to->ours_ns, ours.message_ns);
    samples_add(&to->theirs_ns, theirs.message_ns);
    samples_add(&to->ours_server_ns, ours.server_ns);
    samples_add(&to->theirs_server_ns, theirs.server_ns);
    samples_add(&to->ratio, row->is_cost ? ours.message_ns / theirs.message_ns
                                         : theirs.message_ns / ours.message_ns);
}

static void put_row(report_table *table, const comparison *row, figures *all)
{
    const double ratio = samples_median(&all->ratio);
    report_row(table);
    report_cell(table, "%s", row->name);
    report_cell(table, "%s", row->beside);
    report_cell(table, "%.0f", samples_median(&all->ours_ns));
    report_cell(table, "%.0f", samples_median(&all->theirs_ns));
    report_cell(table, "%.0f", samples_median(&all->ours_server_ns));
    report_cell(table, "%.0f", samples_median(&all->theirs_server_ns));
    report_cell(table, "%.2f", ratio);
    report_cell(table, "%.2f-%.2f", samples_quantile(&all->ratio, 0),
                samples_quantile(&all->ratio, 1));
    if (row->target == 0) {
        return;
    }
    report_cell(table, "%s %g", row->is_cost ? "<=" : ">=", row->target);
    report_cell(table, "%s",
                (row->is_cost ? ratio <= row->target : ratio >= row->target) ? "met" : "MISSED");
}

/* ---- what it takes, how long a sleeper sleeps ---- */

static void put_head(report_table *table, const char *const *names)
{
    report_row(table);
    for (uint32_t i = 0; names[i] != NULL; i++) {
        report_cell(table, "%s", names[i]);
    }
}

static void weigh(connection *wire)
{
    static const char *const head[] = {"messages",       "formula", "fresh", "ready", "leased",
                                       "most x formula", "target",  "",      NULL};
    static const uint32_t sizes[] = {256, 1024, 4096, 16384, 65280};
    static report_table table;
    put_head(&table, head);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memory_figures bytes;
        memory_measure(wire, sizes[i], &bytes);
        uint64_t most = bytes.fresh > bytes.ready ? bytes.fresh : bytes.ready;
        most = most > bytes.leased ? most : bytes.leased;
        report_row(&table);
        const uint64_t cells[] = {bytes.messages, bytes.formula, bytes.fresh, bytes.ready,
                                  bytes.leased};
        for (uint32_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            report_cell(&table, "%llu", (unsigned long long)cells[k]);
        }
        report_cell(&table, "%.3f", (double)most / (double)bytes.formula);
        report_cell(&table, "<= 1.25 + 100 B");
        report_cell(&table, "%s",
                    (double)most <= 1.25 * (double)bytes.formula + 100 ? "met" : "MISSED");
    }
    report_text("## Memory in Redis, bytes\n\nAs MEMORY USAGE reports. 32-byte payloads, all slots "
                "full, 16 dead slots.\n\n");
    report_table_print(&table);
    report_table_csv(&table, "redis-memory");
}

static void time_wakes(const char *socket_path, uint32_t rounds)
{
    static const struct {
        const char *name;
        void (*run)(const char *socket_path, wake_figures *figures);
    } ways[] = {{"BLPOP", wake_by_blpop},
                {"wake bit and PUBLISH", wake_by_publish},
                {"CLIENT TRACKING", wake_by_tracking}};
    enum { WAYS = sizeof ways / sizeof *ways };
    static const char *const head[] = {
        "microseconds",      "p50", "p90", "p99", "server CPU per message", "busy",
        "needless wake-ups", NULL};
    static wake_figures all[WAYS];
    static report_table table;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t way = 0; way < WAYS; way++) {
            ways[way].run(socket_path, &all[way]);
        }
    }
    put_head(&table, head);
    for (uint32_t way = 0; way < WAYS; way++) {
        report_row(&table);
        report_cell(&table, "%s", ways[way].name);
        report_cell(&table, "%.1f", samples_median(&all[way].latency_ns) / 1000);
        report_cell(&table, "%.1f", samples_quantile(&all[way].latency_ns, 0.9) / 1000);
        report_cell(&table, "%.1f", samples_quantile(&all[way].latency_ns, 0.99) / 1000);
        report_cell(&table, "%.1f", samples_median(&all[way].server_ns) / 1000);
        report_cell(&table, "%.1f", samples_median(&all[way].busy_ns) / 1000);
        report_cell(&table, "%.2f", all[way].wakes);
    }
    report_text(
        "## Waking a waiting consumer in Redis\n\nFrom before the push until after the reserve. "
        "server CPU: for the wait, the push, the wake-up and the reserve. busy: the same for a "
        "worker that always finds a message. needless wake-ups: wake-ups of a waiting consumer "
        "per message that another consumer reserves and acks.\n\n");
    report_table_print(&table);
    report_table_csv(&table, "redis-wake");
}

static void count_idle(connection *wire)
{
    enum { IDLE_MS = 6000 };
    const double commands = library_idle_commands(wire, IDLE_MS);
    report_text("## An idle consumer\n\nslotq_reserve that waits %d s on an empty queue sends %.2f "
                "commands "
                "per second, counting those in scripts (target: < 2: %s).\n\n",
                IDLE_MS / 1000, commands, commands < 2 ? "met" : "MISSED");
}

/* ---- the command ---- */

typedef struct wishes {
    const char *folder;
    const char *only; /* NULL = all */
    const char *scripts;
    uint32_t rounds;
    bool is_small;
} wishes;

static bool is_wanted(const wishes *wanted, const char *name)
{
    return wanted->only == NULL || strcmp(wanted->only, name) == 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool is_any_wanted(const wishes *wanted)
{
    bool found = false;
    for (uint32_t i = 0; i < ROWS; i++) {
        found |= is_wanted(wanted, rows[i].name);
    }
    return found;
}

static void compare(const wishes *wanted, connection *wire)
{
    static const char *const head[] = {"",
                                       "compared with",
                                       "slotq, ns per message",
                                       "other",
                                       "server CPU, slotq",
                                       "other",
                                       "ratio",
                                       "min-max",
                                       "target",
                                       "",
                                       NULL};
    static report_table table;
    for (uint32_t round = 0; round <= wanted->rounds; round++) { /* the first only warms up */
        for (uint32_t i = 0; i < ROWS; i++) {
            if (is_wanted(wanted, rows[i].name)) {
                play(&rows[i], &measured[i], wire, round > 0);
            }
            report_progress("redis", round * ROWS + i + 1, (wanted->rounds + 1) * ROWS);
        }
    }
    report_row(&table);
    for (uint32_t i = 0; head[i] != NULL; i++) {
        report_cell(&table, "%s", head[i]);
    }
    report_text(
        "## In Redis: 32-byte payloads, unix socket, one client\n\nMedians of %u interleaved "
        "rounds. A ratio is taken within a round: how many times as fast as the other, or, where "
        "the target is <=, how many times its cost.\n\n",
        (unsigned)wanted->rounds);
    for (uint32_t i = 0; i < ROWS; i++) {
        if (is_wanted(wanted, rows[i].name)) {
            put_row(&table, &rows[i], &measured[i]);
        }
    }
    report_table_print(&table);
    report_table_csv(&table, "redis");
    for (uint32_t i = 0; i < ROWS; i++) {
        if (is_wanted(wanted, rows[i].name)) {
            report_text("- %s: %s\n", rows[i].name, rows[i].about);
        }
    }
    report_text("\n");
}

static bool read_words(int count, char **words, wishes *wanted)
{
    *wanted = (wishes){NULL, NULL, "build/lua/redis7", ROUNDS_DEFAULT, false};
    for (int i = 1; i < count; i++) {
        const bool has_value = i + 1 < count;
        if (strncmp(words[i], "--", 2) != 0) {
            wanted->folder = words[i];
        } else if (strcmp(words[i], "--small") == 0) {
            wanted->is_small = true;
        } else if (has_value && strcmp(words[i], "--only") == 0) {
            wanted->only = words[++i];
        } else if (has_value && strcmp(words[i], "--scripts") == 0) {
            wanted->scripts = words[++i];
        } else if (has_value && strcmp(words[i], "--rounds") == 0) {
            wanted->rounds = (uint32_t)strtoul(words[++i], NULL, 10);
        } else {
            return false;
        }
    }
    return wanted->folder != NULL && wanted->rounds > 0 && wanted->rounds <= 1000;
}

int main(int count, char **words)
{
    wishes wanted;
    connection wire;
    if (!read_words(count, words, &wanted)) {
        fputs("usage: bench_redis FOLDER [--only NAME] [--rounds N] [--small] [--scripts FOLDER]\n",
              stderr);
        return 2;
    }
    private_server *server = private_redis_start(NULL);
    if (server == NULL) {
        puts("redis-server is not installed: nothing in Redis was measured.");
        return 0;
    }
    wire_open(&wire, private_server_socket(server));
    subject_scripts_open(&wire, wanted.scripts);
    report_open(wanted.folder);
    if (is_any_wanted(&wanted)) {
        compare(&wanted, &wire);
    }
    if (is_wanted(&wanted, "memory")) {
        weigh(&wire);
    }
    if (is_wanted(&wanted, "wake")) {
        time_wakes(private_server_socket(server), least(wanted.rounds, WAKE_ROUNDS_MOST));
    }
    if (is_wanted(&wanted, "sleepers")) {
        sleepers_compare(private_server_socket(server), least(wanted.rounds, SLEEPERS_ROUNDS_MOST),
                         wanted.is_small);
    }
    if (is_wanted(&wanted, "worker")) {
        char url[SOCKET_URL_BYTES];
        snprintf(url, sizeof url, "unix://%s", private_server_socket(server));
        no_ops_open();
        no_ops_measure("Redis", url, least(wanted.rounds, WORKER_ROUNDS_MOST), wanted.is_small);
        no_ops_close("redis-worker");
    }
    if (is_wanted(&wanted, "idle")) {
        count_idle(&wire);
    }
    if (is_wanted(&wanted, "sections")) {
        sections_compare(private_server_socket(server), wanted.rounds, wanted.is_small);
    }
    if (is_wanted(&wanted, "reach")) {
        reach_compare(wanted.rounds, wanted.is_small);
    }
    if (is_wanted(&wanted, "longest")) {
        longest_calls(server, least(wanted.rounds, LONGEST_ROUNDS_MOST), wanted.is_small);
    }
    report_close();
    cycle_library_close();
    wire_close(&wire);
    private_server_stop(server);
    return 0;
}
