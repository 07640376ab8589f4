/* bench_redis.c: the queue inside Redis beside Streams and bare commands, on a private server, with
 * the targets that were promised. Knows what is compared; the measuring is in cycle.c.
 *
 * bench_redis FOLDER [--only NAME] [--rounds N] [--small] [--scripts FOLDER]: results go to
 * FOLDER. NAME: a row of the first table, memory, wake, sleepers, worker, idle, sections, reach or
 * longest.
 * --small: sleepers, sections, reach and longest with few messages.
 */
#include "library.h"
#include "comparisons.h"
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
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_DEFAULT = 7,
    WAKE_ROUNDS_MOST = 3,
    LONGEST_ROUNDS_MOST = 3,
    SLEEPERS_ROUNDS_MOST = 2,
    WORKER_ROUNDS_MOST = 9,
    SOCKET_URL_BYTES = 256,
    MODULE_PATH_BYTES = 4096
};

static bool is_of_module(const comparison *row)
{
    return row->ours.subject == &subject_module;
}

typedef struct figures {
    samples ours_ns;
    samples theirs_ns;
    samples ours_server_ns;
    samples theirs_server_ns;
    samples ratio; /* within a round */
} figures;

static figures measured[COMPARISONS_MOST];

/* A module listens to what happens to keys, so that the others have a server without one. */
static void play(const comparison *row, figures *to, connection *wire, connection *module_wire,
                 bool counts)
{
    const stretch theirs = row->theirs.run(&row->theirs, wire);
    const stretch ours = row->ours.run(&row->ours, is_of_module(row) ? module_wire : wire);
    if (!counts) {
        return;
    }
    samples_add(&to->ours_ns, ours.message_ns);
    samples_add(&to->theirs_ns, theirs.message_ns);
    samples_add(&to->ours_server_ns, ours.server_ns);
    samples_add(&to->theirs_server_ns, theirs.server_ns);
    const double cost = row->kind == SERVER_COST ? ours.server_ns / theirs.server_ns
                                                 : ours.message_ns / theirs.message_ns;
    samples_add(&to->ratio, row->kind != SPEED ? cost : 1 / cost);
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
    report_cell(table, "%s %g", row->kind != SPEED ? "<=" : ">=", row->target);
    report_cell(table, "%s",
                (row->kind != SPEED ? ratio <= row->target : ratio >= row->target) ? "met"
                                                                                   : "MISSED");
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
    for (uint32_t i = 0; i < comparison_count; i++) {
        found |= is_wanted(wanted, comparisons[i].name);
    }
    return found;
}

/* Of a server with the module; a context of NULL: it is not built. */
static private_server *open_module(connection *wire)
{
    char path[MODULE_PATH_BYTES];
    const char *const options[] = {"--loadmodule", path, NULL};
    wire->context = NULL;
    if (realpath("build/slotq.so", path) == NULL) {
        return NULL;
    }
    private_server *server = private_redis_start(options);
    bench_need(server != NULL, "a redis-server with the module");
    wire_open(wire, private_server_socket(server));
    return server;
}

static bool is_played(const wishes *wanted, uint32_t row, const connection *module_wire)
{
    return is_wanted(wanted, comparisons[row].name) &&
           (!is_of_module(&comparisons[row]) || module_wire->context != NULL);
}

static void compare(const wishes *wanted, connection *wire)
{
    connection module_wire;
    private_server *module_server = open_module(&module_wire);
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
        for (uint32_t i = 0; i < comparison_count; i++) {
            if (is_played(wanted, i, &module_wire)) {
                play(&comparisons[i], &measured[i], wire, &module_wire, round > 0);
            }
            report_progress("redis", round * comparison_count + i + 1,
                            (wanted->rounds + 1) * comparison_count);
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
    for (uint32_t i = 0; i < comparison_count; i++) {
        if (is_played(wanted, i, &module_wire)) {
            put_row(&table, &comparisons[i], &measured[i]);
        }
    }
    report_table_print(&table);
    report_table_csv(&table, "redis");
    for (uint32_t i = 0; i < comparison_count; i++) {
        if (is_played(wanted, i, &module_wire)) {
            report_text("- %s: %s\n", comparisons[i].name, comparisons[i].about);
        }
    }
    report_text("%s\n", module_server == NULL ? "- the module is left out: make module\n" : "");
    if (module_server != NULL) {
        wire_close(&module_wire);
        private_server_stop(module_server);
    }
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
