/* make_seeds.c: writes the seeds that fuzzing starts from: real queues in many states, moves of a
 * play, texts to split, replies of a server, frames of tasks, cron specs, what is read of sharded
 * queues. `make_seeds FOLDER` fills FOLDER/fuzz_NAME; what it writes is committed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../engine/backend/file/journal.h"
#include "../engine/layout/fields.h"
#include "cron_seeds.h"
#include "journal_seed.h"
#include "overlay.h"
#include "shards_seeds.h"

static const char *folder;

static void die(const char *what)
{
    fprintf(stderr, "make_seeds: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* FOLDER/target/name = front, then bytes. */
static void write_seed(const char *target, const char *name, const void *front, size_t front_size,
                       const void *bytes, size_t size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        die(path);
    }
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(front, 1, front_size, file) != front_size ||
        fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        die(path);
    }
}

/* ---- queues ---- */

typedef struct seed_queue {
    uint8_t *bytes;
    slotq_view view;
    uint64_t now_ms;
    slotq_run runs[8];
    uint32_t run_count;
    uint64_t keys; /* that were given, with those left out */
} seed_queue;

static void run(seed_queue *queue, slotq_call *call)
{
    static slotq_step step;
    if (slotq_core_run(queue->bytes, &queue->view, call, &step) >= SLOTQ_FAILURES) {
        die("a verb failed");
    }
}

static const slotq_data three[3] = {{"a", 1}, {"", 0}, {"c", 1}};

/* Keys of three messages, of few buckets. */
static void choose_keys(seed_queue *queue, uint64_t keys[3])
{
    for (uint32_t i = 0; i < 3 && (queue->view.geometry.flags & SLOTQ_FLAG_KEYS); i++) {
        queue->keys++;
        keys[i] = queue->keys % 3 == 0 ? 0 : queue->keys << 8 | (1 + queue->keys % 2);
    }
}

static void push(seed_queue *queue, uint32_t count)
{
    uint64_t keys[3] = {0};
    slotq_call call;
    choose_keys(queue, keys);
    slotq_core_begin(&call, SLOTQ_PUSH, queue->now_ms);
    call.push.messages = three;
    call.push.keys = keys;
    call.push.key_mode = SLOTQ_KEY_ONCE;
    call.push.count = count;
    call.push.may_wait = true;
    run(queue, &call);
}

/* With keys in the mode unique, so that those of finished messages are put in again. */
static void schedule(seed_queue *queue, uint32_t count, uint64_t delay_ms)
{
    uint64_t keys[3] = {0};
    slotq_call call;
    choose_keys(queue, keys);
    slotq_core_begin(&call, SLOTQ_SCHEDULE, queue->now_ms);
    call.schedule.messages = three;
    call.schedule.keys = keys;
    call.schedule.key_mode = SLOTQ_KEY_UNIQUE;
    call.schedule.count = count;
    call.schedule.due_ms = queue->now_ms + delay_ms;
    call.schedule.not_past = false;
    run(queue, &call);
}

static void reserve(seed_queue *queue, uint32_t limit, uint8_t group)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_RESERVE, queue->now_ms);
    memset(&call.reserve, 0, sizeof call.reserve);
    call.reserve.lease_ms = 500;
    call.reserve.runs = queue->runs;
    call.reserve.run_capacity = 8;
    call.reserve.limit = limit;
    call.reserve.group = group;
    run(queue, &call);
    queue->run_count = call.reserve.run_count;
}

/* The first `count` messages of what was reserved last. */
static void settle(seed_queue *queue, slotq_verb verb, uint32_t count, uint64_t ms, uint8_t group)
{
    slotq_call call;
    if (queue->run_count == 0) {
        return;
    }
    slotq_core_begin(&call, verb, queue->now_ms);
    memset(&call.settle, 0, sizeof call.settle);
    queue->runs[0].count = count;
    call.settle.runs = queue->runs;
    call.settle.run_count = 1;
    call.settle.group = group;
    call.settle.ms = ms;
    run(queue, &call);
}

static void remove_newest(seed_queue *queue)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_STATS, queue->now_ms);
    call.stats.group = 0;
    run(queue, &call);
    const uint64_t last_id = call.stats.stats.last_id;
    slotq_core_begin(&call, SLOTQ_REMOVE, queue->now_ms);
    call.remove.id = last_id;
    call.remove.group = SLOTQ_ALL_GROUPS;
    run(queue, &call);
}

static void limit(seed_queue *queue, uint16_t leased, uint64_t interval_us, uint8_t group)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_LIMIT, queue->now_ms);
    call.limit.limits =
        (slotq_limits){.rate_interval_us = interval_us, .rate_burst = 2, .max_leased = leased};
    call.limit.group = group;
    call.limit.what = SLOTQ_LIMIT_ALL;
    run(queue, &call);
}

/* Some way into the life of a queue: more with each stage. */
static void live(seed_queue *queue, unsigned stage)
{
    for (unsigned i = 0; i < stage; i++) {
        const uint8_t group = (uint8_t)(i % queue->view.geometry.groups);
        push(queue, 1 + i % 3 < queue->view.geometry.ring_slots - 1u ? 1 + i % 3 : 1);
        reserve(queue, 1 + i % 2, group);
        if (queue->view.geometry.later_slots > 0) { /* some are due in the next round */
            schedule(queue, 1 + i % 2, 150 + 300 * (i % 3));
        }
        const slotq_verb verbs[] = {SLOTQ_NACK, SLOTQ_KILL, SLOTQ_RELEASE,
                                    SLOTQ_ACK,  SLOTQ_NACK, SLOTQ_EXTEND};
        settle(queue, verbs[i % 6], 1, i % 6 < 4 ? 0 : 700, group);
        if (i % 4 == 3) {
            remove_newest(queue);
        }
        if (i % 5 == 4) { /* the reserve after it is LIMITED in some stages, by one or the other */
            limit(queue, i % 2 == 0 ? 1 : 0, i % 2 == 0 ? 0 : 3600000000, group);
        }
        queue->now_ms += 200;
    }
}

/* As the image is, and as an overlay, for check, header and verbs. */
static void write_queue(const seed_queue *queue, const uint8_t *shape, const char *name)
{
    static const uint8_t whole[1] = {0};
    const slotq_geometry *geometry = &queue->view.geometry;
    const size_t size = queue->view.image_bytes;
    uint8_t verbs[14] = {3, 1, 4, 1, 5, 9, 2, 6};
    char other[64];
    uint8_t *fresh = calloc(1, size);
    uint8_t *laid = malloc(OVERLAY_SHAPE_BYTES + size);
    size_t used = OVERLAY_SHAPE_BYTES;
    if (fresh == NULL || laid == NULL ||
        slotq_core_create(fresh, (uint32_t)size, geometry) != SLOTQ_OK) {
        die("memory");
    }
    memcpy(laid, shape, OVERLAY_SHAPE_BYTES);
    for (size_t at = 0; at < size; at++) {
        if (at < OVERLAY_GEOMETRY_FROM || at >= OVERLAY_GEOMETRY_TO) {
            laid[used++] = (uint8_t)(queue->bytes[at] ^ fresh[at]);
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        verbs[8 + i] = (uint8_t)(queue->now_ms >> 8 * i);
    }
    snprintf(other, sizeof other, "%s-overlay", name);
    write_seed("fuzz_check", name, whole, 1, queue->bytes, size);
    write_seed("fuzz_check", other, "", 0, laid, used);
    write_seed("fuzz_header", other, "", 0, laid, used);
    write_seed("fuzz_verbs", other, verbs, sizeof verbs, laid, used);
    write_seed("fuzz_header", name, "", 0, queue->bytes + OVERLAY_GEOMETRY_FROM,
               OVERLAY_GEOMETRY_TO - OVERLAY_GEOMETRY_FROM);
    free(fresh);
    free(laid);
}

static void make_queues(void)
{
    static const uint8_t shapes[][OVERLAY_SHAPE_BYTES] = {
        {1, 3, 2, 0, 2, 0, 0, 2},  {1, 5, 1, 2, 3, 1, 31, 3}, {1, 0, 0, 0, 0, 0, 1, 0},
        {1, 6, 4, 1, 1, 2, 18, 1}, {1, 7, 7, 3, 3, 1, 11, 2}, {1, 0, 3, 14, 3, 1, 30, 0},
        {1, 2, 1, 7, 2, 0, 4, 2},  {1, 1, 1, 3, 1, 1, 5, 1},  {1, 3, 2, 11, 2, 1, 22, 3},
    };
    for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const slotq_geometry geometry = overlay_geometry(shapes[i]);
        const uint32_t size = slotq_core_image_bytes(&geometry, NULL);
        for (unsigned stage = 0; stage < 20; stage += 6) {
            seed_queue queue = {.bytes = calloc(1, size), .now_ms = 1000000};
            slotq_damage damage;
            char name[32];
            if (queue.bytes == NULL ||
                slotq_core_create(queue.bytes, size, &geometry) != SLOTQ_OK ||
                slotq_core_open(&queue.view, queue.bytes, size, &damage) != SLOTQ_OK) {
                die("a queue");
            }
            live(&queue, stage);
            if (slotq_core_check(&queue.view, &damage) != SLOTQ_OK) {
                die(damage.what);
            }
            snprintf(name, sizeof name, "queue-%u-%u", i, stage);
            write_queue(&queue, shapes[i], name);
            free(queue.bytes);
        }
    }
}

/* What begins as the descriptor of a sharded queue does: no queue, and not damage. */
static void make_descriptor(void)
{
    static const uint8_t bytes[1 + 104] = {[9] = 'S', [10] = 'L', [11] = 'Q', [12] = 'S'};
    write_seed("fuzz_check", "descriptor", bytes, sizeof bytes, "", 0);
}

/* ---- fronts, batches and journals ---- */

/* A fresh queue of which one byte of the front is another: most are out of a range. */
static void make_bad_fronts(void)
{
    static const uint8_t shape[OVERLAY_SHAPE_BYTES] = {1, 3, 2, 1, 2, 1, 0, 2};
    const slotq_geometry geometry = overlay_geometry(shape);
    const unsigned geometry_bytes = OVERLAY_GEOMETRY_TO - OVERLAY_GEOMETRY_FROM;
    enum { FRONT_BYTES = GROUPS_OFFSET + 2 * GROUP_BYTES };
    for (unsigned at = 0; at + geometry_bytes < FRONT_BYTES && geometry.groups == 2; at += 3) {
        uint8_t laid[OVERLAY_SHAPE_BYTES + FRONT_BYTES] = {0};
        char name[32];
        memcpy(laid, shape, sizeof shape);
        laid[OVERLAY_SHAPE_BYTES + at] = 0xF5;
        snprintf(name, sizeof name, "bad-%u", at);
        write_seed("fuzz_header", name, "", 0, laid, sizeof laid);
    }
}

static void make_batches(void)
{
    /* push, reserve, then one call of each kind; see fuzz_batches.c */
    static const uint8_t moves[] = {0, 3, 0, 1, 3, 0, 2,  1, 0, 0, 3, 0, 3, 4, 0, 8,
                                    2, 4, 3, 2, 0, 9, 90, 0, 1, 2, 1, 4, 5, 1, 5, 1,
                                    1, 8, 4, 1, 2, 0, 1,  2, 6, 1, 6, 9, 0, 7, 9, 1};
    for (unsigned i = 0; i < 6; i++) {
        uint8_t front[1 + sizeof moves + OVERLAY_SHAPE_BYTES];
        const uint8_t shape[OVERLAY_SHAPE_BYTES] = {1, (uint8_t)(i + 2), (uint8_t)i,       1,
                                                    2, (uint8_t)(i % 3), (uint8_t)(i * 5), 2};
        char name[32];
        front[0] = sizeof moves / 3;
        memcpy(front + 1, moves, sizeof moves);
        memcpy(front + 1 + sizeof moves, shape, sizeof shape);
        snprintf(name, sizeof name, "moves-%u", i);
        write_seed("fuzz_batches", name, front, sizeof front, "", 0);
    }
}

/* In the place of that: an entry of the ring's keys, and the bucket behind it. */
static void put_key(slotq_step *step)
{
    static const uint8_t scratch[KEYS_HEAD_BYTES + KEYS_ITEM_BYTES] = {1, 0, 1, 0, 1, 0,
                                                                       0, 0, 0, 0, 1};
    memcpy(step->scratch, scratch, sizeof scratch);
    step->scratch_used = sizeof scratch;
    step->patches[0] = (slotq_patch){GROUPS_OFFSET + GROUP_BYTES, RING_KEY_BYTES + BUCKET_BYTES, 0,
                                     SLOTQ_PATCH_KEYS};
}

/* A journal whose step pauses the queue, in each mode; some of them torn or broken. */
static void make_journals(void)
{
    static const uint8_t shape[OVERLAY_SHAPE_BYTES] = {1, 3, 2, 0, 2, 0, 0, 2};
    static slotq_step step;
    step.patch_count = 1;
    step.visible_count = 1;
    step.scratch_used = 1;
    step.scratch[0] = SLOTQ_PAUSE_OUT;
    step.patches[0] = (slotq_patch){AT_shared_paused, 1, 0, SLOTQ_PATCH_BYTES};
    for (unsigned at = 0; at < 2 * 64; at++) {
        const unsigned modes = at % 64;
        uint8_t front[1 + OVERLAY_SHAPE_BYTES + JOURNAL_BYTES] = {0};
        uint8_t *journal = front + 1 + OVERLAY_SHAPE_BYTES;
        char name[32];
        front[0] = (uint8_t)modes;
        memcpy(front + 1, shape, sizeof shape);
        journal_write(journal, &step, modes & JOURNAL_SEED_SYNCED);
        journal[JOURNAL_AT_RECORD] ^= (uint8_t)(modes % 7 == 3);
        snprintf(name, sizeof name, "journal-%u", at);
        write_seed("fuzz_journal", name, front, JOURNAL_AT_RECORD + 64, "", 0);
        if (at == 63) {
            put_key(&step);
        }
    }
}

/* ---- moves and texts ---- */

static void make_moves(void)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 20; i++) {
        uint8_t bytes[1500];
        char name[32];
        for (size_t at = 0; at < sizeof bytes; at++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[at] = (uint8_t)(state >> 56);
        }
        snprintf(name, sizeof name, "moves-%u", i);
        write_seed("fuzz_model", name, "", 0, bytes, sizeof bytes);
    }
}

static void make_texts(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } texts[] = {{"", 0},
                 {"\n", 1},
                 {"one\ntwo\n\nfour", 13},
                 {"a\0b\0\0c", 6},
                 {"no end at all", 13},
                 {"\n\n\0\0\n", 5},
                 {"a line that is longer than any limit that is ever set, by far\nb\n", 64}};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (uint8_t mode = 0; mode < 3; mode++) {
            const uint8_t front[3] = {mode, (uint8_t)(i * 3), (uint8_t)(mode + i)};
            char name[32];
            snprintf(name, sizeof name, "text-%u-%u", i, mode);
            write_seed("fuzz_records", name, front, sizeof front, texts[i].bytes, texts[i].size);
        }
    }
}

/* Replies to verbs: verb, shape, limit, waits; then the protocol's bytes. */
#define REPLY(verb, shape, limit, waits, bytes)                                                    \
    {                                                                                              \
        {verb, shape, limit, waits}, bytes, sizeof bytes - 1                                       \
    }

static void make_replies(void)
{
    static const struct {
        uint8_t front[4];
        const char *bytes;
        size_t size;
    } replies[] = {
        REPLY(SLOTQ_PUSH, 0, 2, 0, ":17\r\n"),
        REPLY(SLOTQ_PUSH, 0, 2, 1, "-SLOTQFULL 3 29 29 0 1: the queue is full\r\n"),
        REPLY(SLOTQ_PUSH, 0, 2, 0, "-OOM command not allowed script: abc, on @user_script:1.\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 0,
              "*3\r\n$24\r\n\1\0\0\0\0\0\5\12\0\0\2\0\7\0\0\0\0\0\11\12\0\0\1\0\r\n"
              "$6\r\n\1\0a\1\0b\r\n$3\r\n\1\0c\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 0, "*2\r\n$12\r\n\1\0\0\0\0\0\5\12\0\0\1\0\r\n$3\r\n\1\0a\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 0, "*0\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 1, ":1700000050\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 1, "+AGAIN 1700000050\r\n"),
        REPLY(SLOTQ_RESERVE, 0, 3, 1, "+LIMITED 1700000050\r\n"),
        REPLY(SLOTQ_ACK, 0, 1, 0, "$3\r\n\0\1\0\r\n"),
        REPLY(SLOTQ_KILL, 0, 0, 0, "$1\r\n\4\r\n"),
        REPLY(SLOTQ_EXTEND, 0, 0, 0, "$4\r\n\5\13\0\0\r\n"),
        REPLY(SLOTQ_REMOVE, 0, 0, 0, "+LEASED\r\n"),
        REPLY(SLOTQ_RECLAIM, 0, 0, 0, "*3\r\n$2\r\nOK\r\n:1\r\n:2\r\n"),
        REPLY(SLOTQ_REDRIVE, 0, 4, 0, "*4\r\n$4\r\nFULL\r\n:1\r\n:9\r\n:2\r\n"),
        REPLY(SLOTQ_DEAD_PURGE, 0, 0, 0, ":3\r\n"),
        REPLY(SLOTQ_PURGE, 0, 0, 0, "+OK\r\n"),
        REPLY(SLOTQ_STATUS, 0, 0, 0,
              "*7\r\n$6\r\nLEASED\r\n:0\r\n:1\r\n:1700000900\r\n:-1\r\n:0\r\n:0\r\n"),
        REPLY(SLOTQ_PEEK, 0, 2, 0, "$13\r\n\1\0\0\0\0\0\5\12\0\0\1\0a\r\n"),
        REPLY(SLOTQ_DEAD_LIST, 0, 2, 0, "$19\r\n\1\0\0\0\0\0\1\0\0\0\0\0\1\0\7\0\1\0a\r\n"),
        REPLY(SLOTQ_STATS, 0, 0, 0, "-SLOTQCORRUPT 6 header.tail is not below ring_slots\r\n"),
    };
    for (unsigned i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "reply-%u", i);
        write_seed("fuzz_reply", name, replies[i].front, sizeof replies[i].front, replies[i].bytes,
                   replies[i].size);
    }
}

/* ---- frames of tasks ---- */

#define FRAME(bytes)                                                                               \
    {                                                                                              \
        bytes, sizeof bytes - 1                                                                    \
    }

static void make_frames(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } frames[] = {
        FRAME(""),
        FRAME("{\"user\":42}"),
        FRAME("email:deliver\0{\"user\":42}"),
        FRAME("\1email:deliver\0due=1799000000000\0\0{\"user\":42}"),
        FRAME("\1ab\0a-1=\0b==\0due=7\0due=x\0\0"),
        FRAME("\1ab\0\0\0x"),
        FRAME("ab\0"),
        FRAME("a\0b\0"),
        FRAME("\1ab\0due"),
    };
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "frame-%u", i);
        write_seed("fuzz_frame", name, "", 0, frames[i].bytes, frames[i].size);
    }
}

/* ---- cron ---- */

static void make_crons(void)
{
    uint8_t bytes[CRON_SEED_BYTES];
    size_t size;
    for (unsigned i = 0; (size = cron_seed(i, bytes)) != 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "cron-%u", i);
        write_seed("fuzz_cron", name, "", 0, bytes, size);
    }
}

/* ---- sharded queues ---- */

static void make_shards(void)
{
    uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX];
    size_t size;
    for (unsigned i = 0; (size = shards_seed(i, bytes)) != 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "shards-%u", i);
        write_seed("fuzz_shards", name, "", 0, bytes, size);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    make_queues();
    make_descriptor();
    make_bad_fronts();
    make_batches();
    make_journals();
    make_moves();
    make_texts();
    make_replies();
    make_frames();
    make_crons();
    make_shards();
    return 0;
}
