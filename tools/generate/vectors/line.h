/* line.h: one line of the vectors: what the call is made of, its JSON, the bytes that it changes.
 * Knows no verb.
 */
#ifndef GENERATE_VECTORS_LINE_H
#define GENERATE_VECTORS_LINE_H

#include "../../../engine/slotq_core.h"

enum { MESSAGES_MAX = 4, PAYLOAD_MAX = 24, IMAGE_MAX = 8192, KEY_CHOICES = 6 };

typedef struct story {
    const char *name;
    slotq_geometry geometry;
    const char *verbs; /* one letter a verb, drawn with equal chance: see main.c */
    bool packs;        /* pushes and reserves packed: a queue with checks takes no others */
} story;

/* The story that is told, its time and its queue; bytes `before` a call, to find what it changes.
 */
extern const story *now_in;
extern uint64_t now_ms;
extern uint8_t image[IMAGE_MAX];
extern uint8_t before[IMAGE_MAX];
extern uint32_t image_bytes;
extern slotq_view queue_view;
extern slotq_step queue_step;
extern uint64_t last_id;
extern uint32_t last_later_id;
extern slotq_data messages[MESSAGES_MAX];
extern uint64_t keys[MESSAGES_MAX];
extern const char *const state_names[];

/* Chance: a number below the limit, the same ones in each run. */
uint32_t below(uint32_t limit);
bool one_in(uint32_t count);

/* JSON: `put_…` writes values of a reply, `argue…` arguments of the call that begin_line began; run
 * ends these, end_line says which bytes are others now. */
const char *name_of(slotq_outcome outcome);
void put_bytes(const void *bytes, size_t size);
void put_status(const char *text);
void put_refusal(slotq_outcome outcome);
void put_item(const char *between, uint64_t number);
void begin_line(const char *script);
void argue(uint64_t number);
void argue_bytes(const void *bytes, size_t size);
void argue_text(const char *text);
void argue_group(uint8_t group);
slotq_outcome run(slotq_call *call);
void end_line(void);

/* What calls are made of; any_messages and any_keys fill the arrays above. */
slotq_call fresh(slotq_verb verb);
uint8_t any_group(void);
uint64_t any_id(void);
uint64_t any_duration(void);
void any_messages(uint32_t count, bool whole);
void any_keys(uint32_t count);
size_t put_number(uint8_t *to, uint64_t number, size_t width);
void argue_key(uint64_t key);
void argue_slots(uint32_t count);

/* Replies that several verbs share. */
void put_holder_of_key(const slotq_key_holder *holder);
void put_duplicate(const slotq_key_holder *taken);
void put_full(const slotq_holder *holder);
void put_payload(uint32_t slot_offset);
void put_simple(slotq_outcome outcome);

#endif
