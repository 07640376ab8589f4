/* draft.h: a command in protocol bytes under way, and such that are made once and sent
 * often. Knows the protocol; no command's meaning.
 */
#ifndef SLOTQ_BENCH_REDIS_SUBJECTS_DRAFT_H
#define SLOTQ_BENCH_REDIS_SUBJECTS_DRAFT_H

#include "../../support/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* There is one at a time: all are written into the same room. */
typedef struct draft {
    char *bytes;
    size_t used;
} draft;

/* Nothing yet. */
draft draft_begin(void);
/* A command of so many arguments begins; then each of them. */
void draft_command(draft *self, uint32_t arguments);
void draft_put(draft *self, const void *bytes, size_t length);
void draft_put_text(draft *self, const char *text);
void draft_put_number(draft *self, uint64_t number);
/* An argument of length bytes, which the caller writes. */
char *draft_put_room(draft *self, size_t length);
void draft_send(const draft *self, connection *wire);

/* Bytes made for a count of messages of the shape that was set then; zero at first. */
typedef struct kept_command {
    char *bytes;
    size_t length;
    uint32_t count;
    uint32_t shape_number;
} kept_command;

bool kept_is_for(const kept_command *self, uint32_t count);
void kept_renew(kept_command *self, const draft *made, uint32_t count);
void kept_send(const kept_command *self, connection *wire);

#endif
