/* subject.h: something in Redis that can push, take and ack, as commands and replies on a wire,
 * so that one loop measures all of them. Knows verbs; not how they are put in time.
 */
#ifndef SLOTQ_BENCH_SUBJECT_H
#define SLOTQ_BENCH_SUBJECT_H

#include "../support/wire.h"

#include <stdint.h>

enum { SUBJECT_BATCH_MOST = 256 };

typedef struct subject {
    const char *name;
    /* Empty, as made. */
    void (*reset)(connection *wire);
    /* Append a push of count messages; the number of replies it has. */
    uint32_t (*push)(connection *wire, uint32_t count);
    /* Append the taking of up to count messages, one reply. */
    void (*take)(connection *wire, uint32_t count);
    /* Look at the messages of a reply to take (their size and first byte), which must be count,
     * and append their ack, one reply. */
    void (*ack)(connection *wire, const redisReply *taken, uint32_t count);
} subject;

/* A Redis stream with one group: XADD, XREADGROUP, XACK. */
extern const subject subject_streams;

/* The packed scripts, called by EVALSHA and packed here; the same without any rule, as a bound of
 * what scripts can do (bare_scripts.h); and the plain ones. */
extern const subject subject_packed;
extern const subject subject_bare;
extern const subject subject_plain;

/* Load the scripts from a folder of NAME.lua, make the image. */
void subject_scripts_open(connection *wire, const char *folder);

/* Append a call of a script by its name on the key below; words: what follows now, between blanks.
 * One reply. */
void subject_call(connection *wire, const char *script_name, const char *words);

/* The key that scripts work on, and bytes of its image. */
#define SUBJECT_QUEUE_KEY "bench:queue"
#define SUBJECT_STREAM_KEY "bench:stream"
uint32_t subject_image_bytes(void);

#endif
