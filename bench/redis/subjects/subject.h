/* subject.h: something in Redis that can push, take and ack, as commands and replies on a wire,
 * so that one loop measures all of them. Knows verbs; not how they are put in time.
 */
#ifndef SLOTQ_BENCH_REDIS_SUBJECTS_SUBJECT_H
#define SLOTQ_BENCH_REDIS_SUBJECTS_SUBJECT_H

#include "../../support/wire.h"
#include "slotq.h"

#include <stdint.h>

enum { SUBJECT_BATCH_MOST = 1024, SUBJECT_PAYLOAD_MOST = 1024, SUBJECT_MESSAGES_MOST = 65534 };

typedef struct subject {
    const char *name;
    const char *keys; /* all it has in the server, blanks between, as DEL takes them */
    /* Its scripts are in this server; NULL: it has none. */
    void (*load)(connection *wire);
    /* Empty, as made. */
    void (*reset)(connection *wire);
    /* Append a push of count messages; the number of replies it has. */
    uint32_t (*push)(connection *wire, uint32_t count);
    /* Append the taking of up to count messages; the number of replies it has. */
    uint32_t (*take)(connection *wire, uint32_t count);
    /* Look at the messages of all replies to a take of count (their size and first byte), which
     * must be so many, and append their ack; the number of replies it has. */
    uint32_t (*ack)(connection *wire, redisReply *const *taken, uint32_t count);
    /* A reply to an ack of count says that all of them were held. */
    bool (*is_acked)(const redisReply *reply, uint32_t count);
} subject;

/* A Redis stream with one group: XADD, XREADGROUP, XACK. */
extern const subject subject_streams;
/* LPUSH of many, an LMOVE a message to a list of those taken, an LREM by value a message. */
extern const subject subject_list;
/* Ids in a list, leases in a sorted set, payloads in a hash, by separate scripts. */
extern const subject subject_leases;

/* The packed scripts, called by EVALSHA and packed here; the same without any rule, as a bound of
 * what scripts can do (bare_scripts.h; 32-byte payloads alone); and the plain ones. */
extern const subject subject_packed;
extern const subject subject_bare;
extern const subject subject_plain;
/* The same packed calls as commands of the module, in a server that has it. */
extern const subject subject_module;

/* Bounds of whatever keeps its messages in a string: SETRANGE and GETRANGE of the same bytes; and
 * of whatever is a command: PING. */
extern const subject subject_strings;
extern const subject subject_ping;

/* ---- the messages ---- */

/* What all subjects push from now on, and room for how many their next reset makes. At first 32
 * bytes and 4096 messages. */
void subject_shape_set(uint32_t payload_bytes, uint32_t messages_most);
uint32_t subject_payload_bytes(void);
uint32_t subject_messages_most(void);
/* Another number after each change of the shape: what was made for the old one is not right. */
uint32_t subject_shape_number(void);

/* How long takes lease for, where there are leases, from now on; at first CYCLE_LEASE_MS. */
void subject_lease_set(uint32_t lease_ms);
uint32_t subject_lease_ms(void);

/* A push of count messages pushes the first count of these, each different from the others. Their
 * first eight bytes are free for stamps but for the very first, which is SUBJECT_FIRST_BYTE. */
#define SUBJECT_FIRST_BYTE 'p'
const slotq_data *subject_messages(void);

/* What was seen of the messages of a take; zero at first. */
typedef struct subject_sight {
    uint32_t messages;
    uint64_t bytes;
    uint64_t firsts;
} subject_sight;

static inline void subject_look(subject_sight *seen, const void *payload, size_t size)
{
    seen->messages++;
    seen->bytes += size;
    seen->firsts += size > 0 ? *(const uint8_t *)payload : 0;
}

/* Ends the bench where it is not count messages as they were pushed. */
void subject_sight_end(const subject_sight *seen, uint32_t count, const char *what);

/* ---- scripts ---- */

/* Load the scripts from a folder of NAME.lua; subject_packed.load does with those that are built
 * for Redis 7. */
void subject_scripts_open(connection *wire, const char *folder);

/* Append a call of a script by its name on the key below; words: what follows now, between blanks.
 * One reply. */
void subject_call(connection *wire, const char *script_name, const char *words);

/* Its SHA-1, for calls on keys of one's own; once it was loaded. */
const char *subject_script_sha1(const char *script_name);

/* Append the giving back of up to most messages whose lease has run out; one reply, how many. */
void subject_leases_recover(connection *wire, uint32_t most);

/* The key that scripts work on, and bytes of its image. */
#define SUBJECT_QUEUE_KEY "bench:queue"
#define SUBJECT_STREAM_KEY "bench:stream"
#define SUBJECT_TAKEN_KEY "bench:taken" /* the list of what was taken from a list */
uint32_t subject_image_bytes(void);

#endif
