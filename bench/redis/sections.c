/* sections.c: see sections.h. What a case begins with is made once and kept in the server; each
 * stretch works on a copy. All calls are scripts or commands on one connection, in pipelines.
 */
#include "sections.h"

#include <stdio.h>
#include <string.h>

#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "cycle.h"
#include "slotq.h"

enum {
    IN_FLIGHT = 64,
    MESSAGES = 960, /* fit into the short ring */
    MESSAGES_SMALL = 64,
    SHORT_SLOTS = 1001,
    LONG_SLOTS = 65400,
    SCHEDULED = 50000,
    LATER_SLOTS = 60000,
    RING_SLOTS = 5001,
    PROMOTED = 16, /* in one call */
    CALL_MOST = 256,
    PAYLOAD_BYTES = 32
};

#define WORK_KEY "bench:sections"

/* One of the two things that a case compares. */
typedef struct side {
    void (*fill)(const struct side *self, connection *wire, const char *key);
    void (*append)(connection *wire, uint32_t nth);
    bool (*is_done)(const redisReply *reply);
    slotq_geometry geometry; /* of a queue */
    uint32_t there;          /* messages at first */
} side;

static char url[128];
static bool is_small_run;

/* ---- commands ---- */

/* A number that looks random, always the same for the same nth. */
static uint64_t scattered(uint32_t nth)
{
    return (nth + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static void append(connection *wire, const char *const *words, const size_t *lengths, int count)
{
    wire_command made = wire_format(words, lengths, count);
    wire_append(wire, made.bytes, made.length);
    wire_command_free(&made);
}

/* A script on the work key, with the server's time. */
static void append_script(connection *wire, const char *script, const char *const *words,
                          const size_t *lengths, int count)
{
    const char *all[16] = {"EVALSHA", subject_script_sha1(script), "1", WORK_KEY, ""};
    size_t all_lengths[16] = {7, 40, 1, sizeof WORK_KEY - 1, 0};
    for (int i = 0; i < count; i++) {
        all[5 + i] = words[i];
        all_lengths[5 + i] = lengths[i];
    }
    append(wire, all, all_lengths, 5 + count);
}

/* A payload that no other nth has, behind two bytes: together a slot. */
static void make_slot(char *slot, uint32_t nth)
{
    static const uint8_t length[2] = {PAYLOAD_BYTES, 0};
    memcpy(slot, length, sizeof length);
    (void)snprintf(slot + 2, PAYLOAD_BYTES + 1, "message_%024u", (unsigned)nth);
}

enum { DUE_BYTES = 24 };

/* A new message, due far ahead; the digits of its due time. */
static size_t make_later(char *slot, char *due, uint32_t nth)
{
    make_slot(slot, SCHEDULED + nth);
    return (size_t)snprintf(due, DUE_BYTES, "%llu",
                            (unsigned long long)(UINT64_C(1) << 46 | scattered(nth)));
}

static void append_schedule(connection *wire, uint32_t nth)
{
    char slot[PAYLOAD_BYTES + 3];
    char due[DUE_BYTES];
    const size_t digits = make_later(slot, due, nth);
    const char *const words[] = {due, "1", slot};
    const size_t lengths[] = {digits, 1, PAYLOAD_BYTES + 2};
    append_script(wire, "schedule_packed", words, lengths, 3);
}

static void append_zadd(connection *wire, uint32_t nth)
{
    char slot[PAYLOAD_BYTES + 3];
    char due[DUE_BYTES];
    const size_t digits = make_later(slot, due, nth);
    const char *const words[] = {"ZADD", WORK_KEY, due, slot + 2};
    const size_t lengths[] = {4, sizeof WORK_KEY - 1, digits, PAYLOAD_BYTES};
    append(wire, words, lengths, 4);
}

static void append_take(connection *wire, uint32_t nth)
{
    static const char *const words[] = {"0", "16", "30000"};
    static const size_t lengths[] = {1, 2, 5};
    (void)nth;
    append_script(wire, "reserve_packed", words, lengths, 3);
}

static void append_zpopmin(connection *wire, uint32_t nth)
{
    static const char *const words[] = {"ZPOPMIN", WORK_KEY, "16"};
    static const size_t lengths[] = {7, sizeof WORK_KEY - 1, 2};
    (void)nth;
    append(wire, words, lengths, 3);
}

/* Of those that are there, a different one each time, in no order. */
static uint32_t one_of_those(uint32_t nth)
{
    return nth * 12347 % (is_small_run ? MESSAGES_SMALL : SCHEDULED);
}

static void append_cancel(connection *wire, uint32_t nth)
{
    char id[16];
    const int digits = snprintf(id, sizeof id, "%u", (unsigned)one_of_those(nth) + 1);
    const char *const words[] = {id};
    const size_t lengths[] = {(size_t)digits};
    append_script(wire, "cancel", words, lengths, 1);
}

static void append_zrem(connection *wire, uint32_t nth)
{
    char slot[PAYLOAD_BYTES + 3];
    make_slot(slot, one_of_those(nth));
    const char *const words[] = {"ZREM", WORK_KEY, slot + 2};
    const size_t lengths[] = {4, sizeof WORK_KEY - 1, PAYLOAD_BYTES};
    append(wire, words, lengths, 3);
}

static void append_push(connection *wire, uint32_t nth)
{
    char slot[PAYLOAD_BYTES + 3];
    make_slot(slot, nth);
    const char *const words[] = {"1", slot};
    const size_t lengths[] = {1, PAYLOAD_BYTES + 2};
    append_script(wire, "push_packed", words, lengths, 2);
}

static uint64_t key_of(uint32_t nth)
{
    return slotq_key(&nth, sizeof nth);
}

static void append_keyed(connection *wire, uint32_t nth)
{
    char slot[PAYLOAD_BYTES + 3];
    uint8_t key[8];
    const uint64_t value = key_of(LONG_SLOTS + nth);
    for (uint32_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(value >> 8 * i);
    }
    make_slot(slot, nth);
    const char *const words[] = {"1", slot, "unique", (const char *)key};
    const size_t lengths[] = {1, PAYLOAD_BYTES + 2, 6, sizeof key};
    append_script(wire, "push_keyed_packed", words, lengths, 4);
}

/* ---- replies ---- */

static bool is_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
}

static bool is_ok(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0;
}

/* One run of 16, or two where an id of an era ends; then 16 slots. */
static bool is_taken(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len == 12 &&
           reply->element[0]->str[10] == PROMOTED;
}

static bool is_popped(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == (size_t)2 * PROMOTED;
}

/* ---- what is there at first ---- */

static uint32_t shrink(uint32_t count)
{
    return is_small_run && count > MESSAGES_SMALL ? MESSAGES_SMALL : count;
}

static slotq *open_new(const side *self, const char *key)
{
    slotq *queue;
    bench_ok(slotq_create(url, key, &self->geometry, NULL, NULL), "slotq_create");
    bench_ok(slotq_open(url, key, NULL, &queue, NULL), "slotq_open");
    return queue;
}

static void fill_scheduled(const side *self, connection *wire, const char *key, uint64_t base_ms)
{
    slotq *queue = open_new(self, key);
    (void)wire;
    for (uint32_t nth = 0; nth < shrink(self->there); nth++) {
        char slot[PAYLOAD_BYTES + 3];
        const slotq_data message = {slot + 2, PAYLOAD_BYTES};
        make_slot(slot, nth);
        bench_ok(slotq_schedule(queue, &message, 1, base_ms | scattered(nth) >> 4, 0, NULL),
                 "slotq_schedule");
    }
    slotq_close(queue);
}

static void fill_later(const side *self, connection *wire, const char *key)
{
    fill_scheduled(self, wire, key, UINT64_C(1) << 46);
}

static void fill_due(const side *self, connection *wire, const char *key)
{
    fill_scheduled(self, wire, key, 0);
}

static void fill_sorted_set(const side *self, connection *wire, const char *key)
{
    wire_do(wire, "DEL " WORK_KEY);
    for (uint32_t nth = 0; nth < shrink(self->there); nth++) {
        char line[128];
        char slot[PAYLOAD_BYTES + 3];
        make_slot(slot, nth);
        (void)snprintf(line, sizeof line, "ZADD %s %llu %s", key,
                       (unsigned long long)(UINT64_C(1) << 46 | scattered(nth) >> 4), slot + 2);
        wire_do(wire, line);
    }
}

static void fill_empty(const side *self, connection *wire, const char *key)
{
    (void)wire;
    slotq_close(open_new(self, key));
}

/* Every slot has had a message with a key, and all are finished. */
static void fill_old_keys(const side *self, connection *wire, const char *key)
{
    slotq *queue = open_new(self, key);
    slotq_batch *batch = slotq_batch_new();
    const uint32_t all = self->geometry.ring_slots;
    uint64_t keys[CALL_MOST];
    slotq_data messages[CALL_MOST];
    const slotq_push_options options = {.keys = keys};
    (void)wire;
    bench_need(batch != NULL, "slotq_batch_new");
    for (uint32_t done = 0, count; done < all; done += count) {
        count = all - done < CALL_MOST ? all - done : CALL_MOST;
        for (uint32_t i = 0; i < count; i++) {
            keys[i] = key_of(done + i);
            messages[i] = (slotq_data){"old", 3};
        }
        bench_ok(slotq_push_with(queue, messages, count, &options, NULL), "slotq_push_with");
        bench_ok(slotq_reserve(queue, 0, count, 30000, 0, batch), "slotq_reserve");
        bench_ok(slotq_ack_batch(queue, batch), "slotq_ack_batch");
    }
    slotq_batch_free(batch);
    slotq_close(queue);
}

/* ---- the cases ---- */

typedef struct section_case {
    const char *name;
    side ours;
    const char *beside;
    side theirs;
    uint32_t batch; /* messages of a call */
    double target;  /* ours / theirs at most; 0 = none */
} section_case;

#define SHAPE(slots, later, keys)                                                                  \
    {                                                                                              \
        .ring_slots = (slots), .payload_bytes = PAYLOAD_BYTES, .later_slots = (later),             \
        .flags = (keys)                                                                            \
    }
#define QUEUE(fill, append, is_done, slots, later, keys, there)                                    \
    {                                                                                              \
        fill, append, is_done, SHAPE(slots, later, keys), there                                    \
    }
#define SORTED_SET(append, is_done, there)                                                         \
    {                                                                                              \
        fill_sorted_set, append, is_done, SHAPE(0, 0, 0), there                                    \
    }
#define PLAIN_PUSH(slots) QUEUE(fill_empty, append_push, is_number, slots, 0, 0, 0)
#define KEYED_PUSH(fill, slots) QUEUE(fill, append_keyed, is_number, slots, 0, SLOTQ_FLAG_KEYS, 0)

static const section_case cases[] = {
    {"schedule, none before",
     QUEUE(fill_later, append_schedule, is_number, SHORT_SLOTS, LATER_SLOTS, 0, 0), "ZADD",
     SORTED_SET(append_zadd, is_number, 0), 1, 3},
    {"schedule, 50,000 before",
     QUEUE(fill_later, append_schedule, is_number, SHORT_SLOTS, LATER_SLOTS, 0, SCHEDULED), "ZADD",
     SORTED_SET(append_zadd, is_number, SCHEDULED), 1, 3},
    {"promote and reserve 16 of 50,000",
     QUEUE(fill_due, append_take, is_taken, RING_SLOTS, LATER_SLOTS, 0, SCHEDULED), "ZPOPMIN 16",
     SORTED_SET(append_zpopmin, is_popped, SCHEDULED), PROMOTED, 12},
    {"cancel one of 50,000",
     QUEUE(fill_later, append_cancel, is_ok, SHORT_SLOTS, LATER_SLOTS, 0, SCHEDULED), "ZREM",
     SORTED_SET(append_zrem, is_number, SCHEDULED), 1, 0},
    {"keyed push, 1,001 slots", KEYED_PUSH(fill_empty, SHORT_SLOTS), "push",
     PLAIN_PUSH(SHORT_SLOTS), 1, 1.5},
    {"the same over old keys", KEYED_PUSH(fill_old_keys, SHORT_SLOTS), "push",
     PLAIN_PUSH(SHORT_SLOTS), 1, 1.5},
    {"keyed push, 65,400 slots", KEYED_PUSH(fill_empty, LONG_SLOTS), "push", PLAIN_PUSH(LONG_SLOTS),
     1, 1.5},
    {"the same over old keys", KEYED_PUSH(fill_old_keys, LONG_SLOTS), "push",
     PLAIN_PUSH(LONG_SLOTS), 1, 1.5},
    {"keyed push, 65,400 slots", KEYED_PUSH(fill_old_keys, LONG_SLOTS), "1,001 slots",
     KEYED_PUSH(fill_old_keys, SHORT_SLOTS), 1, 1.3},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct figures {
    samples ns[2]; /* of the server a message: ours, theirs */
    samples ratio;
} figures;

static void kept_key(char *key, size_t bytes, uint32_t nth, uint32_t which)
{
    (void)snprintf(key, bytes, "bench:kept:%u:%u", (unsigned)nth, (unsigned)which);
}

static void work_on_copy(connection *wire, uint32_t nth, uint32_t which)
{
    char line[128];
    char key[64];
    kept_key(key, sizeof key, nth, which);
    wire_do(wire, "DEL " WORK_KEY);
    (void)snprintf(line, sizeof line, "COPY %s " WORK_KEY, key);
    wire_do(wire, line);
}

/* Calls of one side in pipelines; the server's time a message in ns. */
static double stretch_of(const side *self, connection *wire, uint32_t batch)
{
    stopwatch watch = {.wire = wire};
    uint32_t calls = (is_small_run ? MESSAGES_SMALL : MESSAGES) / batch;
    const uint32_t all = calls * batch;
    uint32_t nth = 0;
    stopwatch_start(&watch);
    while (calls > 0) {
        const uint32_t part = calls < IN_FLIGHT ? calls : IN_FLIGHT;
        for (uint32_t i = 0; i < part; i++) {
            self->append(wire, nth++);
        }
        for (uint32_t i = 0; i < part; i++) {
            redisReply *reply = wire_reply(wire);
            bench_need(self->is_done(reply), "a reply that says that it is done");
            freeReplyObject(reply);
        }
        calls -= part;
    }
    stopwatch_stop(&watch);
    return stopwatch_read(&watch, all).server_ns;
}

static void fill_both(connection *wire, uint32_t nth)
{
    char key[64];
    kept_key(key, sizeof key, nth, 0);
    cases[nth].ours.fill(&cases[nth].ours, wire, key);
    kept_key(key, sizeof key, nth, 1);
    cases[nth].theirs.fill(&cases[nth].theirs, wire, key);
}

static void play(connection *wire, uint32_t nth, figures *to)
{
    const section_case *it = &cases[nth];
    double ns[2];
    for (uint32_t which = 0; which < 2; which++) {
        work_on_copy(wire, nth, which);
        ns[which] = stretch_of(which == 0 ? &it->ours : &it->theirs, wire, it->batch);
        samples_add(&to->ns[which], ns[which]);
    }
    samples_add(&to->ratio, ns[0] / ns[1]);
}

static void put_rows(report_table *table, figures *all)
{
    static const char *const head[] = {"", "beside", "ns", "ns", "ratio", "min-max", "target", ""};
    report_row(table);
    for (uint32_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(table, "%s", head[i]);
    }
    for (uint32_t i = 0; i < CASES; i++) {
        const double ratio = samples_median(&all[i].ratio);
        report_row(table);
        report_cell(table, "%s", cases[i].name);
        report_cell(table, "%s", cases[i].beside);
        report_cell(table, "%.0f", samples_median(&all[i].ns[0]));
        report_cell(table, "%.0f", samples_median(&all[i].ns[1]));
        report_cell(table, "%.2f", ratio);
        report_cell(table, "%.2f-%.2f", samples_quantile(&all[i].ratio, 0),
                    samples_quantile(&all[i].ratio, 1));
        if (cases[i].target > 0) {
            report_cell(table, "<= %g", cases[i].target);
            report_cell(table, "%s", ratio <= cases[i].target ? "met" : "MISSED");
        }
    }
}

void sections_compare(const char *socket_path, uint32_t rounds, bool is_small)
{
    static figures all[CASES];
    static report_table table;
    connection wire;
    is_small_run = is_small;
    (void)snprintf(url, sizeof url, "unix://%s", socket_path);
    wire_open(&wire, socket_path);
    for (uint32_t i = 0; i < CASES; i++) {
        fill_both(&wire, i);
        for (uint32_t round = 0; round < rounds; round++) {
            play(&wire, i, &all[i]);
            report_progress("sections", i * rounds + round + 1, CASES * rounds);
        }
        wire_do(&wire, "FLUSHALL");
    }
    wire_close(&wire);
    put_rows(&table, all);
    report_text("## Scheduled messages and keys in Redis\n\nThe server's CPU time per message, "
                "64 calls in a pipeline, packed scripts, medians of %u rounds; a ratio is taken "
                "within a round. 32-byte payloads.%s\n\n",
                (unsigned)rounds, is_small ? " Small run: few messages." : "");
    report_table_print(&table);
    report_table_csv(&table, "redis-sections");
}
