/* longest_calls.c: see longest_calls.h. Each case is a queue that is made for it, then calls of
 * slotq.h that are not measured, then one that is. The handle has its own clock, so that
 * leases end without waiting.
 */
#define _GNU_SOURCE /* strtok_r */
#include "longest_calls.h"
#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "../support/wire.h"
#include "slotq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEASE_MS = 1000,
    FAR_MS = 1 << 23, /* ticks of 1 ms: then a whole sweep is due */
    CALL_MOST = SLOTQ_CALL_MESSAGES_MAX,
    RING_MOST = SLOTQ_RING_SLOTS_MAX,
    HUGE_PAYLOAD_BYTES = 8185 /* so that RING_MOST of them are 512 MiB */
};

/* Logging costs time: commands inside of scripts are faster than that. */
#define LOGGED_US "50"

#define QUEUE_NAME "bench:longest"

/* What a case works with. */
typedef struct stage {
    connection wire;
    char url[128];
    slotq *queue;
    slotq_batch *batch;
    slotq_run runs[CALL_MOST]; /* leased, and in count messages */
    uint32_t run_count;
    uint32_t count;
    uint32_t messages; /* of the case */
    slotq_geometry geometry;
} stage;

typedef struct figures {
    samples longest_us; /* one command of the call */
    samples all_us;     /* all of them */
    samples cpu_us;     /* the same, less the time in which the server did not run */
    uint32_t calls;
    uint32_t inside; /* redis.call of all of them */
} figures;

static stage scene;
static uint64_t now_ms;

static uint64_t clock_of_ours(void *context)
{
    (void)context;
    return now_ms;
}

/* ---- the stage ---- */

static void open_queue(stage *self)
{
    const slotq_options options = {.clock_ms = clock_of_ours};
    slotq_error error = {.text = ""};
    const slotq_outcome outcome = slotq_open(self->url, QUEUE_NAME, &options, &self->queue, &error);
    if (outcome != SLOTQ_OK) {
        fprintf(stderr, "bench: %s\n", error.text);
    }
    bench_ok(outcome, "slotq_open");
}

static void create_queue(stage *self)
{
    bench_ok(slotq_create(self->url, QUEUE_NAME, &self->geometry, NULL, NULL), "slotq_create");
}

/* At most count messages in one call, all of payload_bytes. */
static void push_part(stage *self, uint32_t count)
{
    static slotq_data messages[CALL_MOST];
    static uint8_t payload[HUGE_PAYLOAD_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        messages[i] = (slotq_data){payload, self->geometry.payload_bytes};
    }
    bench_ok(slotq_push(self->queue, messages, count, NULL), "slotq_push");
}

static uint32_t part_of(const stage *self, uint32_t left)
{
    const uint32_t fit = SLOTQ_CALL_BYTES_MAX / self->geometry.payload_bytes;
    const uint32_t most = fit < CALL_MOST ? fit : CALL_MOST;
    return left < most ? left : most;
}

static void push(stage *self, uint32_t count)
{
    for (uint32_t part; count > 0; count -= part) {
        part = part_of(self, count);
        push_part(self, part);
    }
}

/* The batch's messages go behind the runs, as long as there is room. */
static void keep_runs(stage *self)
{
    slotq_message message;
    while (slotq_batch_next(self->batch, &message)) {
        slotq_run *last = &self->runs[self->run_count - (self->run_count > 0)];
        const bool joins = self->run_count > 0 && last->token == message.token &&
                           last->id + last->count == message.id;
        if (joins) {
            last->count++;
        } else if (self->run_count < CALL_MOST) {
            self->runs[self->run_count++] = (slotq_run){message.id, message.token, 1};
        }
        self->count++;
    }
}

static void reserve(stage *self, uint32_t count)
{
    const uint32_t before = self->count;
    while (self->count - before < count) {
        const uint32_t left = count - (self->count - before);
        bench_ok(slotq_reserve(self->queue, 0, left < CALL_MOST ? left : CALL_MOST, LEASE_MS, 0,
                               self->batch),
                 "slotq_reserve");
        keep_runs(self);
    }
}

static void settle(stage *self, slotq_settle_how how)
{
    bench_ok(slotq_settle(self->queue, how, 0, self->runs, self->run_count, 0, 1, NULL, NULL),
             "slotq_settle");
}

/* ---- before the call ---- */

static void nothing(stage *self)
{
    (void)self;
}

static void pushed(stage *self)
{
    push(self, self->messages);
}

static void leased(stage *self)
{
    push(self, self->messages);
    reserve(self, self->messages);
}

/* Every other message is acked, so that each of the rest is a run. */
static void leased_apart(stage *self)
{
    leased(self);
    for (uint32_t i = 0; i < self->messages; i += 2) {
        bench_ok(slotq_ack(self->queue, 0, self->runs[0].id + i + 1, self->runs[0].token),
                 "slotq_ack");
    }
    const slotq_run all = self->runs[0];
    self->run_count = 0;
    for (uint32_t i = 0; i < self->messages; i += 2) {
        self->runs[self->run_count++] = (slotq_run){all.id + i, all.token, 1};
    }
}

static void ended_long_ago(stage *self)
{
    leased(self);
    now_ms += FAR_MS;
}

static void killed(stage *self)
{
    leased(self);
    settle(self, SLOTQ_SETTLE_KILL);
}

static void opened_empty(stage *self)
{
    slotq_close(self->queue);
    self->queue = NULL;
    bench_ok(slotq_remove_queue(self->url, QUEUE_NAME, NULL), "slotq_remove_queue");
}

static void closed(stage *self)
{
    slotq_close(self->queue);
    self->queue = NULL;
}

/* ---- the call ---- */

static void do_push(stage *self)
{
    push_part(self, self->messages);
}

static void do_reserve(stage *self)
{
    bench_ok(slotq_reserve(self->queue, 0, self->messages, LEASE_MS, 0, self->batch),
             "slotq_reserve");
    bench_need(slotq_batch_count(self->batch) == self->messages, "reserving all in one call");
}

static void do_ack(stage *self)
{
    settle(self, SLOTQ_SETTLE_ACK);
}

static void do_nack(stage *self)
{
    settle(self, SLOTQ_SETTLE_NACK);
}

static void do_kill(stage *self)
{
    settle(self, SLOTQ_SETTLE_KILL);
}

static void do_redrive(stage *self)
{
    uint32_t count = 0;
    bench_ok(slotq_dead_redrive(self->queue, 0, NULL, &count, NULL), "slotq_dead_redrive");
    bench_need(count == self->messages, "redriving all");
}

static void do_reclaim(stage *self)
{
    uint32_t ready = 0;
    uint32_t dead = 0;
    bench_ok(slotq_reclaim(self->queue, 0, &ready, &dead), "slotq_reclaim");
    const bool all_ready = self->geometry.max_attempts == 0 && ready == self->messages;
    const bool some_dead = self->geometry.max_attempts > 0 && ready == 0 && dead == 16;
    bench_need(all_ready || some_dead, "a whole sweep");
}

/* One byte each, however large the slots are. */
static void do_push_bytes(stage *self)
{
    static slotq_data messages[CALL_MOST];
    for (uint32_t i = 0; i < self->messages; i++) {
        messages[i] = (slotq_data){"x", 1};
    }
    bench_ok(slotq_push(self->queue, messages, self->messages, NULL), "slotq_push");
}

static void do_remove_last(stage *self)
{
    bench_ok(slotq_remove(self->queue, SLOTQ_ALL_GROUPS, self->messages), "slotq_remove");
}

static void do_purge(stage *self)
{
    bench_ok(slotq_purge(self->queue), "slotq_purge");
}

/* To more slots: the whole image goes to the client and back. */
static void do_resize(stage *self)
{
    slotq_geometry wanted = self->geometry;
    wanted.ring_slots = (uint16_t)(self->geometry.ring_slots + 100);
    bench_ok(slotq_resize(self->url, QUEUE_NAME, &wanted, NULL), "slotq_resize");
}

static void do_create(stage *self)
{
    create_queue(self);
}

static void do_remove_queue(stage *self)
{
    bench_ok(slotq_remove_queue(self->url, QUEUE_NAME, NULL), "slotq_remove_queue");
}

/* The server has the memory of all slots at hand. */
static void used_once(stage *self)
{
    do_push_bytes(self);
    do_purge(self);
}

/* ---- the cases ---- */

typedef struct longest_case {
    const char *name;
    void (*prepare)(stage *self);
    void (*call)(stage *self);
    uint32_t messages;
    uint32_t ring_slots;
    uint16_t payload_bytes;
    uint16_t dead_slots;
    uint8_t groups;
    uint8_t max_attempts;
    uint8_t flags;
} longest_case;

#define SHORT 32
#define FULL_REPLY 254 /* 4096 slots of them are 1 MiB */
#define LONG 8000
#define WIDE 65000
#define CHECKED SLOTQ_FLAG_CHECKS
#define DROPS SLOTQ_FLAG_OVERWRITE
#define HUGE_BYTES HUGE_PAYLOAD_BYTES

static const longest_case cases[] = {
    {"push 1", nothing, do_push, 1, 1000, SHORT, 0, 1, 0, 0},
    {"reserve 1", pushed, do_reserve, 1, 1000, SHORT, 0, 1, 0, 0},
    {"ack 1", leased, do_ack, 1, 1000, SHORT, 0, 1, 0, 0},
    {"push 4096, 1 MiB", nothing, do_push, 4096, 5000, FULL_REPLY, 0, 1, 0, 0},
    {"push 4096 of 1 B to 65,000 B", used_once, do_push_bytes, 4096, 4097, WIDE, 0, 1, 0, CHECKED},
    {"push 4096 over others, 16 groups", pushed, do_push, 4096, 4097, SHORT, 0, 16, 0, DROPS},
    {"reserve 4096", pushed, do_reserve, 4096, 5000, SHORT, 0, 1, 0, 0},
    {"reserve 4096, 1 MiB", pushed, do_reserve, 4096, 5000, FULL_REPLY, 0, 1, 0, 0},
    {"ack 4096", leased, do_ack, 4096, 5000, SHORT, 0, 1, 0, 0},
    {"ack 2048 not adjacent", leased_apart, do_ack, 4096, 5000, SHORT, 0, 1, 0, 0},
    {"nack 4096", leased, do_nack, 4096, 5000, SHORT, 0, 1, 0, 0},
    {"nack 4096, their last attempt", leased, do_nack, 4096, 5000, SHORT, 4096, 1, 1, 0},
    {"kill 4096", leased, do_kill, 4096, 5000, SHORT, 4096, 1, 0, 0},
    {"kill 4096 of 8000 B", leased, do_kill, 4096, 5000, LONG, 4096, 1, 0, 0},
    {"redrive 4096", killed, do_redrive, 4096, 10000, SHORT, 4096, 1, 0, 0},
    {"redrive 4096, 16 groups", killed, do_redrive, 4096, 10000, SHORT, 4096, 16, 0, 0},
    {"redrive 4096 of 8000 B", killed, do_redrive, 4096, 10000, LONG, 4096, 1, 0, 0},
    {"whole sweep of 65534", ended_long_ago, do_reclaim, 65534, RING_MOST, SHORT, 16, 1, 0, 0},
    {"the same, no attempts left", ended_long_ago, do_reclaim, 65534, RING_MOST, SHORT, 16, 1, 1,
     0},
    {"remove 65534 ahead, 16 groups", pushed, do_remove_last, 65534, RING_MOST, SHORT, 0, 16, 0, 0},
    {"purge 65534", leased, do_purge, 65534, RING_MOST, SHORT, 16, 1, 0, 0},
    {"resize, 1000 of 32 B", pushed, do_resize, 1000, 1001, SHORT, 0, 1, 0, 0},
    {"resize, 60,000 of 32 B", pushed, do_resize, 60000, 60001, SHORT, 0, 1, 0, 0},
    {"resize, 4096 of 65,000 B", used_once, do_resize, 4096, 4097, WIDE, 0, 1, 0, 0},
    {"create 512 MiB", opened_empty, do_create, 65534, RING_MOST, HUGE_BYTES, 0, 1, 0, 0},
    {"remove the queue, 512 MiB", closed, do_remove_queue, 65534, RING_MOST, HUGE_BYTES, 0, 1, 0,
     0},
};
enum { CASES = sizeof cases / sizeof *cases };

/* A small run has a sixteenth of the messages where there are many. */
static uint32_t shrink(uint32_t count, bool is_small)
{
    return is_small && count > 2000 ? count / 16 : count;
}

static void set_stage(stage *self, const longest_case *it, bool is_small)
{
    wire_do(&self->wire, "DEL " QUEUE_NAME);
    now_ms = UINT64_C(1700000000000);
    self->run_count = 0;
    self->count = 0;
    self->messages = shrink(it->messages, is_small);
    self->geometry =
        (slotq_geometry){.ring_slots = (uint16_t)(shrink(it->ring_slots - 1, is_small) + 1),
                         .payload_bytes = it->payload_bytes,
                         .dead_slots = it->dead_slots,
                         .tick_ms = 1,
                         .groups = it->groups,
                         .max_attempts = it->max_attempts,
                         .flags = it->flags};
    if (it->flags & SLOTQ_FLAG_OVERWRITE) { /* full by one push, and then again */
        self->geometry.ring_slots = (uint16_t)(self->messages + 1);
    }
    create_queue(self);
    open_queue(self);
    it->prepare(self);
}

static void clear_stage(stage *self)
{
    slotq_close(self->queue);
    self->queue = NULL;
    wire_do(&self->wire, "DEL " QUEUE_NAME);
}

/* ---- what the server says ---- */

/* The longest command in the slow log, in microseconds; 0: none was that slow. */
static double longest_logged_us(connection *wire)
{
    redisReply *log = wire_ask(wire, "SLOWLOG GET 1000");
    double longest_us = 0;
    bench_need(log->type == REDIS_REPLY_ARRAY, "SLOWLOG GET");
    for (size_t i = 0; i < log->elements; i++) {
        const double us = (double)log->element[i]->element[2]->integer;
        longest_us = us > longest_us ? us : longest_us;
    }
    freeReplyObject(log);
    return longest_us;
}

/* A line of INFO commandstats is cmdstat_NAME:calls=…,usec=…,… */
static bool read_command(const char *line, const char *name, uint32_t *calls, double *us)
{
    const size_t length = strlen(name);
    const char *fields = line + strlen("cmdstat_") + length;
    if (strncmp(line + strlen("cmdstat_"), name, length) != 0 || *fields != ':') {
        return false;
    }
    const char *failed = strstr(fields, "failed_calls="); /* EVALSHA of a script not there yet */
    *calls += (uint32_t)strtoul(strchr(fields, '=') + 1, NULL, 10);
    *calls -= failed == NULL ? 0 : (uint32_t)strtoul(strchr(failed, '=') + 1, NULL, 10);
    *us += strtod(strstr(fields, "usec=") + strlen("usec="), NULL);
    return true;
}

/* The commands that the call sent, and those that their scripts called. */
static void read_commands(connection *wire, uint32_t *sent, double *sent_us, uint32_t *inside)
{
    static const char *const sends[] = {"evalsha", "del", "unlink", "get", "exec"};
    static const char *const calls[] = {"getrange", "setrange", "strlen", "exists", "publish"};
    redisReply *info = wire_ask(wire, "INFO commandstats");
    double us = 0;
    char *rest = NULL;
    for (char *line = strtok_r(info->str, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        for (uint32_t i = 0; i < sizeof sends / sizeof *sends && line[0] != '#'; i++) {
            read_command(line, sends[i], sent, sent_us);
        }
        for (uint32_t i = 0; i < sizeof calls / sizeof *calls && line[0] != '#'; i++) {
            read_command(line, calls[i], inside, &us);
        }
    }
    freeReplyObject(info);
}

static void measure(stage *self, const longest_case *it, figures *to)
{
    double all_us = 0;
    wire_do(&self->wire, "CONFIG RESETSTAT");
    wire_do(&self->wire, "SLOWLOG RESET");
    const double before = wire_server_seconds(&self->wire);
    it->call(self);
    const double after = wire_server_seconds(&self->wire);
    const double longest_us = longest_logged_us(&self->wire);
    to->calls = 0;
    to->inside = 0;
    read_commands(&self->wire, &to->calls, &all_us, &to->inside);
    bench_need(to->calls > 0, "finding the call in INFO commandstats");
    samples_add(&to->longest_us, longest_us > 0 ? longest_us : all_us / to->calls);
    samples_add(&to->all_us, all_us);
    samples_add(&to->cpu_us, (after - before) * 1e6);
}

/* ---- the table ---- */

static void put_rows(report_table *table, figures *all)
{
    static const char *const head[] = {"ms in the server", "longest command", "min-max",   "all",
                                       "CPU of all",       "commands",        "redis.call"};
    report_row(table);
    for (uint32_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(table, "%s", head[i]);
    }
    for (uint32_t i = 0; i < CASES; i++) {
        samples *longest = &all[i].longest_us;
        report_row(table);
        report_cell(table, "%s", cases[i].name);
        report_cell(table, "%.2f", samples_median(longest) / 1000);
        report_cell(table, "%.2f-%.2f", samples_quantile(longest, 0) / 1000,
                    samples_quantile(longest, 1) / 1000);
        report_cell(table, "%.2f", samples_median(&all[i].all_us) / 1000);
        report_cell(table, "%.2f", samples_median(&all[i].cpu_us) / 1000);
        report_cell(table, "%u", (unsigned)all[i].calls);
        report_cell(table, "%u", (unsigned)all[i].inside);
    }
}

void longest_calls(private_server *server, uint32_t rounds, bool is_small)
{
    static figures all[CASES];
    static report_table table;
    stage *self = &scene;
    (void)snprintf(self->url, sizeof self->url, "unix://%s", private_server_socket(server));
    wire_open(&self->wire, private_server_socket(server));
    wire_do(&self->wire, "CONFIG SET slowlog-log-slower-than " LOGGED_US);
    wire_do(&self->wire, "CONFIG SET slowlog-max-len 1000");
    self->batch = slotq_batch_new();
    bench_need(self->batch != NULL, "slotq_batch_new");
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < CASES; i++) {
            set_stage(self, &cases[i], is_small);
            measure(self, &cases[i], &all[i]);
            clear_stage(self);
            report_progress("longest calls", round * CASES + i + 1, rounds * CASES);
        }
    }
    slotq_batch_free(self->batch);
    wire_close(&self->wire);
    put_rows(&table, all);
    report_text("## The longest calls in Redis\n\nThe server's own time (SLOWLOG, INFO "
                "commandstats) for one call of "
                "the library, medians of %u rounds. The library sends some calls as several "
                "commands: the server serves other clients between two commands, but not within "
                "one. CPU: its main thread, with what a busy machine takes from it left out. "
                "32-byte payloads and one group, unless the row names others.%s\n\n",
                (unsigned)rounds, is_small ? " Small run: a sixteenth of the messages." : "");
    report_table_print(&table);
    report_table_csv(&table, "redis-longest");
}
