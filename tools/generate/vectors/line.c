/* line.c: see line.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

#include "../../../engine/layout/checksum.h"
#include "../../../engine/layout/fields.h"

const story *now_in;
uint64_t now_ms;
uint8_t image[IMAGE_MAX];
uint8_t before[IMAGE_MAX];
uint32_t image_bytes;
slotq_view queue_view;
slotq_step queue_step;
uint64_t last_id;
uint32_t last_later_id;
static uint64_t chance_state = 20240301;

uint32_t below(uint32_t limit)
{
    chance_state = chance_state * 16807 % 2147483647;
    return (uint32_t)(chance_state % limit);
}

bool one_in(uint32_t count)
{
    return below(count) == 0;
}

/* ---- JSON ---- */

const char *name_of(slotq_outcome outcome)
{
    switch (outcome) {
#define SLOTQ_CODE(name, number, kind, exit_code, text)                                            \
    case SLOTQ_##name:                                                                             \
        return #name;
#include "errors.def"
#undef SLOTQ_CODE
    default:
        return "?";
    }
}

void put_bytes(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    bool is_text = true;
    for (size_t i = 0; i < size; i++) {
        is_text = is_text && at[i] >= ' ' && at[i] < 127 && at[i] != '"' && at[i] != '\\';
    }
    if (is_text) {
        printf("\"%.*s\"", (int)size, (const char *)bytes);
        return;
    }
    printf("{\"hex\":\"");
    for (size_t i = 0; i < size; i++) {
        printf("%02x", at[i]);
    }
    printf("\"}");
}

void put_status(const char *text)
{
    printf("{\"status\":\"%s\"}", text);
}

void put_refusal(slotq_outcome outcome)
{
    printf("{\"error\":\"SLOTQ%s\"}", name_of(outcome));
}

void put_item(const char *between, uint64_t number)
{
    printf("%s%" PRIu64, between, number);
}

void begin_line(const char *script)
{
    printf("{\"queue\":\"%s\",\"script\":\"%s\",\"args\":[\"%" PRIu64 "\"", now_in->name, script,
           now_ms);
}

void argue(uint64_t number)
{
    printf(",\"%" PRIu64 "\"", number);
}

void argue_bytes(const void *bytes, size_t size)
{
    putchar(',');
    put_bytes(bytes, size);
}

void argue_text(const char *text)
{
    argue_bytes(text, strlen(text));
}

/* Group 255 is written as the word that stands for all groups. */
void argue_group(uint8_t group)
{
    if (group == SLOTQ_ALL_GROUPS) {
        argue_text("all");
    } else {
        argue(group);
    }
}

/* The reply follows. */
slotq_outcome run(slotq_call *call)
{
    printf("],\"reply\":");
    return slotq_core_run(image, &queue_view, call, &queue_step);
}

/* Core and scripts may leave other bytes in entries of the aside index that are not in use. */
static void put_undefined(void)
{
    const uint32_t used = image[AT_shared_aside_count];
    const uint32_t unused = now_in->geometry.aside_slots - used;
    if (unused > 0) {
        printf(",\"undefined\":[[%" PRIu32 ",%" PRIu32 "]]",
               queue_view.aside_index_offset + used * ASIDE_ENTRY_BYTES,
               unused * ASIDE_ENTRY_BYTES);
    }
}

/* The bytes that differ from those before the call, each stretch with its offset. */
void end_line(void)
{
    const char *between = "";
    printf(",\"changed\":[");
    for (uint32_t at = 0; at < image_bytes; at++) {
        if (image[at] == before[at]) {
            continue;
        }
        printf("%s[%" PRIu32 ",\"", between, at);
        for (; at < image_bytes && image[at] != before[at]; at++) {
            printf("%02x", image[at]);
        }
        printf("\"]");
        between = ",";
    }
    printf("]");
    put_undefined();
    printf("}\n");
    memcpy(before, image, image_bytes);
}

/* ---- what calls are made of ---- */

slotq_call fresh(slotq_verb verb)
{
    slotq_call call;
    memset(&call, 0, sizeof call);
    slotq_core_begin(&call, verb, now_ms);
    return call;
}

uint8_t any_group(void)
{
    /* at times one too many, which is refused */
    const uint32_t groups = now_in->geometry.groups;
    return (uint8_t)(one_in(40) ? groups : below(groups));
}

uint64_t any_id(void)
{
    return 1 + below((uint32_t)last_id + 2);
}

uint64_t any_duration(void)
{
    return 1 + below(30u * now_in->geometry.tick_ms);
}

static char payloads[MESSAGES_MAX][PAYLOAD_MAX + 1];
slotq_data messages[MESSAGES_MAX];
uint64_t keys[MESSAGES_MAX];

/* Whole ones fill their slots: what stands behind a shorter one is not defined. */
void any_messages(uint32_t count, bool whole)
{
    static uint32_t number;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t most = now_in->geometry.payload_bytes;
        const uint32_t size = whole ? most : one_in(30) ? most + 1 : below(most + 1);
        memset(payloads[i], (int)('a' + number++ % 26), size);
        messages[i].bytes = payloads[i];
        messages[i].size = size;
    }
}

void any_keys(uint32_t count)
{
    const uint32_t first = below(KEY_CHOICES);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = one_in(5) ? 0 : UINT64_C(0x0102030405060701) + (first + i) % KEY_CHOICES;
    }
}

size_t put_number(uint8_t *to, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        to[i] = (uint8_t)(number >> 8 * i);
    }
    return width;
}

void argue_key(uint64_t key)
{
    uint8_t bytes[8];
    argue_bytes(bytes, key == 0 ? 0 : put_number(bytes, key, sizeof bytes));
}

void argue_slots(uint32_t count)
{
    static uint8_t slots[MESSAGES_MAX * (10 + PAYLOAD_MAX)];
    const slotq_geometry *geometry = &now_in->geometry;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        at += put_number(slots + at, messages[i].size, 2);
        if ((geometry->flags & SLOTQ_FLAG_STAMPS) != 0) {
            at += put_number(slots + at, now_ms / geometry->tick_ms & UINT32_MAX, 4);
        }
        if ((geometry->flags & SLOTQ_FLAG_CHECKS) != 0) {
            at += put_number(slots + at, checksum_xxh32(messages[i].bytes, messages[i].size), 4);
        }
        memset(slots + at, 0, geometry->payload_bytes);
        memcpy(slots + at, messages[i].bytes, messages[i].size);
        at += geometry->payload_bytes;
    }
    argue_bytes(slots, at);
}

/* ---- replies that several verbs share ---- */

const char *const state_names[] = {"READY", "LEASED", "WAITING", "DONE"};

void put_holder_of_key(const slotq_key_holder *holder)
{
    printf(",%d,%" PRIu64 ",%d]", (int)holder->place, holder->id, holder->is_unfinished ? 1 : 0);
}

void put_duplicate(const slotq_key_holder *taken)
{
    printf("[{\"status\":\"DUPLICATE\"},%" PRIu32, taken->message);
    put_holder_of_key(taken);
}

void put_full(const slotq_holder *holder)
{
    printf("{\"error\":\"SLOTQFULL %" PRIu64 " %" PRIu32 " %" PRIu32 " %u %d %d\"}", holder->id,
           holder->held, holder->unfinished, holder->group, (int)holder->state,
           holder->dead_full ? 1 : 0);
}

void put_payload(uint32_t slot_offset)
{
    slotq_slot slot;
    putchar(',');
    if (slotq_core_slot(&queue_view, slot_offset, &slot)) {
        put_bytes(slot.payload, slot.payload_bytes);
    } else {
        printf("null");
    }
}

void put_simple(slotq_outcome outcome)
{
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
    } else {
        put_status(name_of(outcome));
    }
}
