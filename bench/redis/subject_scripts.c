/* subject_scripts.c: a slotq in Redis by EVALSHA on the bundled scripts, its slots packed and read
 * here. Knows the calling convention of lua/README.md and the shape of a slot.
 */
#include "bare_scripts.h"
#include "../core/cycle.h"
#include "subject.h"
#include "../support/sure.h"

#include <stdio.h>
#include <string.h>

enum {
    SLOT_BYTES = 2 + CYCLE_PAYLOAD_BYTES,
    RUN_BYTES = 12,
    RUNS_MOST = SUBJECT_BATCH_MOST,
    ARGUMENT_HEAD_BYTES = 16,
    HEAD_BYTES = 256,
    SCRIPT_BYTES_MOST = 1 << 20
};

typedef enum script {
    PUSH_PACKED,
    RESERVE_PACKED,
    SETTLE_PACKED,
    PUSH,
    RESERVE,
    SETTLE,
    CREATE,
    SCRIPTS
} script;

static const char *const script_names[SCRIPTS] = {
    "push_packed", "reserve_packed", "settle_packed", "push", "reserve", "settle", "create"};

/* Bare ones answer to the names of the packed ones. */
typedef enum variant { BUNDLED, BARE, VARIANTS } variant;

static variant at_work = BUNDLED;
static char sha1s[VARIANTS][SCRIPTS][41];
static uint8_t *image;
static uint64_t image_bytes;

uint32_t subject_image_bytes(void)
{
    return (uint32_t)image_bytes;
}

/* An empty queue's image, as create would make it. */
static void make_image(void)
{
    slotq *queue = NULL;
    bench_ok(slotq_create_memory(&cycle_geometry, NULL, &queue, NULL), "slotq_create_memory");
    image_bytes = slotq_image_bytes(queue);
    image = malloc(image_bytes);
    bench_need(image != NULL, "malloc");
    bench_ok(slotq_export(queue, image, image_bytes), "slotq_export");
    slotq_close(queue);
}

/* A script that is not built leaves its SHA-1 empty: who calls it ends the bench. */
static void load(connection *wire, const char *folder, script which)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.lua", folder, script_names[which]);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    char *text = malloc(SCRIPT_BYTES_MOST);
    bench_need(text != NULL, "malloc");
    const size_t length = fread(text, 1, SCRIPT_BYTES_MOST, file);
    fclose(file);
    wire_load(wire, text, length, sha1s[BUNDLED][which]);
    free(text);
}

void subject_scripts_open(connection *wire, const char *folder)
{
    for (script which = 0; which < SCRIPTS; which++) {
        load(wire, folder, which);
    }
    wire_load(wire, BARE_PUSH, sizeof BARE_PUSH - 1, sha1s[BARE][PUSH_PACKED]);
    wire_load(wire, BARE_RESERVE, sizeof BARE_RESERVE - 1, sha1s[BARE][RESERVE_PACKED]);
    wire_load(wire, BARE_SETTLE, sizeof BARE_SETTLE - 1, sha1s[BARE][SETTLE_PACKED]);
    if (image == NULL) {
        make_image();
    }
}

static void scripts_reset(connection *wire)
{
    wire_set(wire, SUBJECT_QUEUE_KEY, image, image_bytes);
}

/* A command under way: EVALSHA of a script with its words, then one argument of many bytes. */
typedef struct command_draft {
    char *bytes;
    size_t used;
} command_draft;

static void put_bytes(command_draft *draft, const char *bytes, size_t length)
{
    memcpy(draft->bytes + draft->used, bytes, length);
    draft->used += length;
}

static void put_argument(command_draft *draft, const char *bytes, size_t length)
{
    draft->used += (size_t)sprintf(draft->bytes + draft->used, "$%zu\r\n", length);
    put_bytes(draft, bytes, length);
    put_bytes(draft, "\r\n", 2);
}

/* words: the arguments behind now, blanks between them; then more is put by the caller. */
static void put_head(command_draft *draft, script which, const char *words, int word_count,
                     int more)
{
    bench_need(sha1s[at_work][which][0] != '\0', "calling a script that is not built");
    draft->used = (size_t)sprintf(draft->bytes, "*%d\r\n", 5 + word_count + more);
    put_argument(draft, "EVALSHA", 7);
    put_argument(draft, sha1s[at_work][which], 40);
    put_argument(draft, "1", 1);
    put_argument(draft, SUBJECT_QUEUE_KEY, sizeof SUBJECT_QUEUE_KEY - 1);
    put_argument(draft, "", 0);
    for (int i = 0; i < word_count; i++) {
        const size_t length = strcspn(words, " ");
        put_argument(draft, words, length);
        words += length + 1;
    }
}

void subject_call(connection *wire, const char *script_name, const char *words)
{
    char bytes[2 * HEAD_BYTES];
    command_draft made = {bytes, 0};
    script which = PUSH_PACKED;
    int word_count = words[0] != '\0';
    bench_need(strlen(words) < HEAD_BYTES / 2, "a call of so many bytes");
    for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
        word_count++;
    }
    while (which < SCRIPTS && strcmp(script_names[which], script_name) != 0) {
        which++;
    }
    bench_need(which < SCRIPTS, "finding a script");
    put_head(&made, which, words, word_count, 0);
    wire_append(wire, bytes, made.used);
}

/* ---- packed ---- */

static uint32_t packed_push(connection *wire, uint32_t count)
{
    static char bytes[HEAD_BYTES + SUBJECT_BATCH_MOST * SLOT_BYTES];
    const slotq_data *messages = cycle_payloads();
    command_draft made = {bytes, 0};
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)count);
    put_head(&made, PUSH_PACKED, number, 1, 1);
    made.used += (size_t)sprintf(bytes + made.used, "$%u\r\n", (unsigned)(count * SLOT_BYTES));
    for (uint32_t i = 0; i < count; i++) {
        bytes[made.used] = (char)messages[i].size;
        bytes[made.used + 1] = (char)(messages[i].size >> 8);
        memcpy(bytes + made.used + 2, messages[i].bytes, messages[i].size);
        made.used += SLOT_BYTES;
    }
    put_bytes(&made, "\r\n", 2);
    wire_append(wire, bytes, made.used);
    return 1;
}

static void packed_take(connection *wire, uint32_t count)
{
    static char bytes[VARIANTS][SUBJECT_BATCH_MOST + 1][HEAD_BYTES];
    static command_draft takes[VARIANTS][SUBJECT_BATCH_MOST + 1];
    command_draft *made = &takes[at_work][count];
    if (made->bytes == NULL) {
        char words[32];
        snprintf(words, sizeof words, "0 %u %d", (unsigned)count, CYCLE_LEASE_MS);
        made->bytes = bytes[at_work][count];
        put_head(made, RESERVE_PACKED, words, 3, 0);
    }
    wire_append(wire, made->bytes, made->used);
}

static void packed_ack(connection *wire, const redisReply *taken, uint32_t count)
{
    static char bytes[HEAD_BYTES + RUNS_MOST * RUN_BYTES];
    bench_need(taken->type == REDIS_REPLY_ARRAY && taken->elements >= 2, "reserve_packed");
    const redisReply *runs = taken->element[0];
    command_draft made = {bytes, 0};
    uint32_t seen = 0;
    uint32_t messages = 0;
    for (size_t i = 1; i < taken->elements; i++) {
        const redisReply *slots = taken->element[i];
        for (size_t at = 0; at + SLOT_BYTES <= slots->len; at += SLOT_BYTES) {
            const uint8_t *slot = (const uint8_t *)slots->str + at;
            seen += slot[0] + ((uint32_t)slot[1] << 8) + slot[2];
            messages++;
        }
    }
    __asm__ volatile("" : : "r"(seen));
    bench_need(messages == count, "reserve_packed of all that was asked for");
    put_head(&made, SETTLE_PACKED, "ack 0 0 0", 4, 1);
    bench_need(runs->len <= RUNS_MOST * RUN_BYTES, "few runs");
    put_argument(&made, runs->str, runs->len);
    wire_append(wire, bytes, made.used);
}

const subject subject_packed = {"slotq, packed", scripts_reset, packed_push, packed_take,
                                packed_ack};

/* ---- bare ---- */

static uint32_t bare_push(connection *wire, uint32_t count)
{
    at_work = BARE;
    const uint32_t replies = packed_push(wire, count);
    at_work = BUNDLED;
    return replies;
}

static void bare_take(connection *wire, uint32_t count)
{
    at_work = BARE;
    packed_take(wire, count);
    at_work = BUNDLED;
}

static void bare_ack(connection *wire, const redisReply *taken, uint32_t count)
{
    at_work = BARE;
    packed_ack(wire, taken, count);
    at_work = BUNDLED;
}

const subject subject_bare = {"bare calls", scripts_reset, bare_push, bare_take, bare_ack};

/* ---- plain: what any client without packing calls ---- */

static uint32_t plain_push(connection *wire, uint32_t count)
{
    static char bytes[HEAD_BYTES + SUBJECT_BATCH_MOST * (CYCLE_PAYLOAD_BYTES + 8)];
    const slotq_data *messages = cycle_payloads();
    command_draft made = {bytes, 0};
    put_head(&made, PUSH, "", 0, (int)count);
    for (uint32_t i = 0; i < count; i++) {
        put_argument(&made, messages[i].bytes, messages[i].size);
    }
    wire_append(wire, bytes, made.used);
    return 1;
}

static void plain_take(connection *wire, uint32_t count)
{
    static char bytes[HEAD_BYTES];
    char words[32];
    command_draft made = {bytes, 0};
    snprintf(words, sizeof words, "0 %u %d", (unsigned)count, CYCLE_LEASE_MS);
    put_head(&made, RESERVE, words, 3, 0);
    wire_append(wire, bytes, made.used);
}

static void plain_ack(connection *wire, const redisReply *taken, uint32_t count)
{
    static char bytes[HEAD_BYTES + SUBJECT_BATCH_MOST * 64];
    command_draft made = {bytes, 0};
    bench_need(taken->type == REDIS_REPLY_ARRAY && taken->elements == 4 * (size_t)count,
               "reserve of all that was asked for");
    put_head(&made, SETTLE, "ack 0 0 0", 4, 2 * (int)count);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        redisReply *const *message = taken->element + 4 * (size_t)i;
        char number[24];
        seen += (uint32_t)message[3]->len + (uint8_t)message[3]->str[0];
        put_argument(&made, number, (size_t)sprintf(number, "%lld", message[0]->integer));
        put_argument(&made, number, (size_t)sprintf(number, "%lld", message[1]->integer));
    }
    __asm__ volatile("" : : "r"(seen));
    wire_append(wire, bytes, made.used);
}

const subject subject_plain = {"slotq, plain", scripts_reset, plain_push, plain_take, plain_ack};
