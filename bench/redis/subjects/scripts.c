/* scripts.c: a slotq in Redis by EVALSHA on the bundled scripts, or by the commands of the module,
 * its slots packed and read here. Knows the calling convention of lua/README.md and the shape of a
 * slot.
 */
#include "bare_scripts.h"
#include "../../core/cycle/cycle.h"
#include "subject.h"
#include "draft.h"
#include "../../support/sure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH_BYTES = 2, SCRIPT_BYTES_MOST = 1 << 20 };

typedef enum script {
    PUSH_PACKED,
    RESERVE_PACKED,
    SETTLE_PACKED,
    PUSH,
    RESERVE,
    SETTLE,
    CREATE,
    SCHEDULE_PACKED,
    CANCEL,
    PUSH_KEYED_PACKED,
    SCRIPTS
} script;

static const char *const script_names[SCRIPTS] = {
    "push_packed", "reserve_packed", "settle_packed",   "push",   "reserve",
    "settle",      "create",         "schedule_packed", "cancel", "push_keyed_packed"};

/* Bare ones answer to the names of the packed ones, and so do the module's commands. */
typedef enum variant { BUNDLED, BARE, MODULE, VARIANTS } variant;

static variant at_work = BUNDLED;
static char sha1s[VARIANTS][SCRIPTS][41];
static uint8_t *image;
static uint64_t image_bytes;
static uint32_t image_shape_number;

/* An empty queue's image, as create would make it; again after the shape has changed. */
static void make_image(void)
{
    slotq_geometry geometry = cycle_geometry;
    slotq *queue = NULL;
    if (image_shape_number == subject_shape_number()) {
        return;
    }
    geometry.payload_bytes = (uint16_t)subject_payload_bytes();
    geometry.ring_slots = (uint16_t)(subject_messages_most() + 1);
    bench_ok(slotq_create_memory(&geometry, NULL, &queue, NULL), "slotq_create_memory");
    image_bytes = slotq_image_bytes(queue);
    free(image);
    image = malloc(image_bytes);
    bench_need(image != NULL, "malloc");
    bench_ok(slotq_export(queue, image, image_bytes), "slotq_export");
    slotq_close(queue);
    image_shape_number = subject_shape_number();
}

uint32_t subject_image_bytes(void)
{
    make_image();
    return (uint32_t)image_bytes;
}

/* A script that is not built leaves its SHA-1 empty; calling it ends the bench. */
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
}

static void scripts_load(connection *wire)
{
    subject_scripts_open(wire, "build/lua/redis7");
}

static void scripts_reset(connection *wire)
{
    make_image();
    wire_set(wire, SUBJECT_QUEUE_KEY, image, image_bytes);
}

/* push_packed is SLOTQ.PUSH_PACKED.AT. */
static void put_module_command(draft *made, const char *script_name)
{
    char name[64];
    const int length = snprintf(name, sizeof name, "SLOTQ.%s.AT", script_name);
    for (int i = 0; i < length; i++) {
        name[i] = (char)toupper((unsigned char)name[i]);
    }
    draft_put(made, name, (size_t)length);
}

/* EVALSHA of a script with its words, the arguments behind now with blanks between them; more is
 * put by the caller. */
static draft begin_call(script which, const char *words, uint32_t word_count, uint32_t more)
{
    draft made = draft_begin();
    if (at_work == MODULE) {
        draft_command(&made, 3 + word_count + more);
        put_module_command(&made, script_names[which]);
    } else {
        bench_need(which < SCRIPTS && sha1s[at_work][which][0] != '\0',
                   "calling a script that is not built");
        draft_command(&made, 5 + word_count + more);
        draft_put_text(&made, "EVALSHA");
        draft_put(&made, sha1s[at_work][which], 40);
        draft_put_text(&made, "1");
    }
    draft_put_text(&made, SUBJECT_QUEUE_KEY);
    draft_put_text(&made, "");
    for (uint32_t i = 0; i < word_count; i++) {
        const size_t length = strcspn(words, " ");
        draft_put(&made, words, length);
        words += length + 1;
    }
    return made;
}

static script find_script(const char *script_name)
{
    script which = PUSH_PACKED;
    while (which < SCRIPTS && strcmp(script_names[which], script_name) != 0) {
        which++;
    }
    bench_need(which < SCRIPTS, "finding a script");
    return which;
}

const char *subject_script_sha1(const char *script_name)
{
    return sha1s[BUNDLED][find_script(script_name)];
}

void subject_call(connection *wire, const char *script_name, const char *words)
{
    const script which = find_script(script_name);
    uint32_t word_count = words[0] != '\0';
    for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
        word_count++;
    }
    const draft made = begin_call(which, words, word_count, 0);
    draft_send(&made, wire);
}

/* ---- packed ---- */

static uint32_t stride(void)
{
    return LENGTH_BYTES + subject_payload_bytes();
}

/* How many of those left go in one call: its slots have a bound. */
static uint32_t part_of(uint32_t left)
{
    const uint32_t most = SLOTQ_CALL_BYTES_MAX / stride();
    return left < most ? left : most;
}

static void push_part(connection *wire, const slotq_data *messages, uint32_t count)
{
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)count);
    const size_t slot_bytes = stride();
    draft made = begin_call(PUSH_PACKED, number, 1, 1);
    char *slot = draft_put_room(&made, count * slot_bytes);
    for (uint32_t i = 0; i < count; i++) {
        slot[0] = (char)messages[i].size;
        slot[1] = (char)(messages[i].size >> 8);
        memcpy(slot + LENGTH_BYTES, messages[i].bytes, messages[i].size);
        slot += slot_bytes;
    }
    draft_send(&made, wire);
}

static uint32_t packed_push(connection *wire, uint32_t count)
{
    uint32_t replies = 0;
    for (uint32_t done = 0; done < count; replies++) {
        const uint32_t part = part_of(count - done);
        push_part(wire, subject_messages() + done, part);
        done += part;
    }
    return replies;
}

static uint32_t packed_take(connection *wire, uint32_t count)
{
    static kept_command kept[VARIANTS];
    const uint32_t first = part_of(count);
    if (!kept_is_for(&kept[at_work], first)) {
        char words[32];
        snprintf(words, sizeof words, "0 %u %u", (unsigned)first, (unsigned)subject_lease_ms());
        const draft made = begin_call(RESERVE_PACKED, words, 3, 0);
        kept_renew(&kept[at_work], &made, first);
    }
    kept_send(&kept[at_work], wire);
    return first == count ? 1 : 1 + packed_take(wire, count - first);
}

/* [runs, slots …] */
static void look_at_slots(const redisReply *taken, subject_sight *seen)
{
    const size_t slot_bytes = stride();
    bench_need(taken->type == REDIS_REPLY_ARRAY && taken->elements >= 2, "reserve_packed");
    for (size_t i = 1; i < taken->elements; i++) {
        const redisReply *slots = taken->element[i];
        for (size_t at = 0; at + slot_bytes <= slots->len; at += slot_bytes) {
            const uint8_t *slot = (const uint8_t *)slots->str + at;
            subject_look(seen, slot + LENGTH_BYTES, slot[0] + ((size_t)slot[1] << 8));
        }
    }
}

static uint32_t packed_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    size_t length = 0;
    uint32_t replies = 0;
    for (uint32_t done = 0; done < count; done += part_of(count - done)) {
        look_at_slots(taken[replies], &seen);
        length += taken[replies++]->element[0]->len;
    }
    subject_sight_end(&seen, count, "reserve_packed of all that was asked for");
    draft made = begin_call(SETTLE_PACKED, "ack 0 0 0", 4, 1);
    char *runs = draft_put_room(&made, length);
    for (uint32_t i = 0; i < replies; i++) {
        memcpy(runs, taken[i]->element[0]->str, taken[i]->element[0]->len);
        runs += taken[i]->element[0]->len;
    }
    draft_send(&made, wire);
    return 1;
}

/* One outcome byte per message, 0 = OK. */
static bool packed_is_acked(const redisReply *reply, uint32_t count)
{
    return reply->type == REDIS_REPLY_STRING && reply->len == count && reply->str[0] == '\0' &&
           memcmp(reply->str, reply->str + 1, count - 1) == 0;
}

const subject subject_packed = {"slotq, packed", SUBJECT_QUEUE_KEY, scripts_load, scripts_reset,
                                packed_push,     packed_take,       packed_ack,   packed_is_acked};

/* ---- bare ---- */

static uint32_t bare_push(connection *wire, uint32_t count)
{
    bench_need(subject_payload_bytes() == CYCLE_PAYLOAD_BYTES, "bare scripts of such a payload");
    at_work = BARE;
    const uint32_t replies = packed_push(wire, count);
    at_work = BUNDLED;
    return replies;
}

static uint32_t bare_take(connection *wire, uint32_t count)
{
    at_work = BARE;
    const uint32_t replies = packed_take(wire, count);
    at_work = BUNDLED;
    return replies;
}

static uint32_t bare_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    at_work = BARE;
    const uint32_t replies = packed_ack(wire, taken, count);
    at_work = BUNDLED;
    return replies;
}

const subject subject_bare = {"bare calls", SUBJECT_QUEUE_KEY, scripts_load, scripts_reset,
                              bare_push,    bare_take,         bare_ack,     packed_is_acked};

/* ---- the module ---- */

static uint32_t module_push(connection *wire, uint32_t count)
{
    at_work = MODULE;
    const uint32_t replies = packed_push(wire, count);
    at_work = BUNDLED;
    return replies;
}

static uint32_t module_take(connection *wire, uint32_t count)
{
    at_work = MODULE;
    const uint32_t replies = packed_take(wire, count);
    at_work = BUNDLED;
    return replies;
}

static uint32_t module_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    at_work = MODULE;
    const uint32_t replies = packed_ack(wire, taken, count);
    at_work = BUNDLED;
    return replies;
}

const subject subject_module = {"slotq, module", SUBJECT_QUEUE_KEY, NULL,       scripts_reset,
                                module_push,     module_take,       module_ack, packed_is_acked};

/* ---- plain: what any client without packing calls ---- */

static uint32_t plain_push(connection *wire, uint32_t count)
{
    const slotq_data *messages = subject_messages();
    draft made = begin_call(PUSH, "", 0, count);
    for (uint32_t i = 0; i < count; i++) {
        draft_put(&made, messages[i].bytes, messages[i].size);
    }
    draft_send(&made, wire);
    return 1;
}

static uint32_t plain_take(connection *wire, uint32_t count)
{
    char words[32];
    snprintf(words, sizeof words, "0 %u %u", (unsigned)count, (unsigned)subject_lease_ms());
    const draft made = begin_call(RESERVE, words, 3, 0);
    draft_send(&made, wire);
    return 1;
}

/* [id, token, attempts, payload, …] */
static uint32_t plain_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    bench_need(taken[0]->type == REDIS_REPLY_ARRAY && taken[0]->elements % 4 == 0, "reserve");
    draft made = begin_call(SETTLE, "ack 0 0 0", 4, (uint32_t)taken[0]->elements / 2);
    for (size_t i = 0; i < taken[0]->elements; i += 4) {
        redisReply *const *message = taken[0]->element + i;
        subject_look(&seen, message[3]->str, message[3]->len);
        draft_put_number(&made, (uint64_t)message[0]->integer);
        draft_put_number(&made, (uint64_t)message[1]->integer);
    }
    subject_sight_end(&seen, count, "reserve of all that was asked for");
    draft_send(&made, wire);
    return 1;
}

static bool plain_is_acked(const redisReply *reply, uint32_t count)
{
    bool all = reply->type == REDIS_REPLY_ARRAY && reply->elements == count;
    for (uint32_t i = 0; all && i < count; i++) {
        all = strcmp(reply->element[i]->str, "OK") == 0;
    }
    return all;
}

const subject subject_plain = {"slotq, plain", SUBJECT_QUEUE_KEY, scripts_load, scripts_reset,
                               plain_push,     plain_take,        plain_ack,    plain_is_acked};
