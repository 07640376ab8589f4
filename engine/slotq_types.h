/* slotq_types.h: the types that slotq_core.h and slotq.h share: outcomes, limits, geometry, and the
 * structs that verbs fill. Freestanding: no function, no allocation, no clock.
 */
#ifndef SLOTQ_TYPES_H
#define SLOTQ_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a verb returns; numbers and texts are in errors.def. Below SLOTQ_FAILURES the queue works
 * and this is its result. */
typedef enum slotq_outcome {
#define SLOTQ_CODE(name, number, kind, exit_code, text) SLOTQ_##name = (number),
#include "errors.def"
#undef SLOTQ_CODE
    SLOTQ_FAILURES = 32, /* this number and above are failures, not outcomes */
    SLOTQ_MORE = 255     /* core only: apply the step's patches and call again */
} slotq_outcome;

/* Limits (FORMAT.md, "Geometry" and "Bounds"). */
enum {
    SLOTQ_RING_SLOTS_MIN = 2,
    SLOTQ_RING_SLOTS_MAX = 65535,
    SLOTQ_PAYLOAD_BYTES_MAX = 65535,
    SLOTQ_GROUPS_MAX = 16,
    SLOTQ_SHARDS_MAX = 1024, /* of a set */
    SLOTQ_MAX_ATTEMPTS_MAX = 62,
    SLOTQ_NOTE_BYTES_MAX = 255,
    SLOTQ_PLACES_MAX = 255,
    SLOTQ_TICK_MS_MAX = 60000,
    SLOTQ_CALL_MESSAGES_MAX = 4096,     /* messages in one push, reserve or settle */
    SLOTQ_CALL_BYTES_MAX = 1024 * 1024, /* payload bytes in one push */
    SLOTQ_CALL_KEYS_MAX = 256,          /* messages with a key in one push */
    SLOTQ_IMAGE_BYTES_MAX = 512 * 1024 * 1024,
    SLOTQ_IMAGE_BYTES_MIN = 136,           /* header, geometry, shared state, one group */
    SLOTQ_LEASE_TICKS_MAX = (1 << 23) - 1, /* leases and delays: 1 ms to this many ticks */
    SLOTQ_ALL_GROUPS = 255                 /* remove: from every group */
};
/* 24.8 days: the longest average time between two messages of a rate. */
#define SLOTQ_RATE_INTERVAL_US_MAX (((UINT64_C(1) << 31) - 1) * 1000)
#define SLOTQ_NOW_MS_MAX ((UINT64_C(1) << 47) - 1) /* milliseconds since 1970-01-01 UTC */
#define SLOTQ_ID_MAX ((UINT64_C(1) << 47) - 1)

/* Geometry flags. */
enum {
    SLOTQ_FLAG_OVERWRITE = 1,      /* a full queue drops its oldest messages */
    SLOTQ_FLAG_CHECKS = 2,         /* XXH32 of the payload in each slot */
    SLOTQ_FLAG_KEYS = 4,           /* room for one key per message */
    SLOTQ_FLAG_DEAD_OVERWRITE = 8, /* a full dead section drops its oldest */
    SLOTQ_FLAG_STAMPS = 16,        /* push time in each slot */
    SLOTQ_FLAGS_ALL = 31
};

/* Bytes of a slot, and of the image of a geometry, as constants: for static buffers. Arguments
 * within their ranges; slotq_geometry_bytes judges them too. */
#define SLOTQ_SLOT_BYTES(payload_bytes, flags)                                                     \
    (UINT64_C(2) + ((flags)&SLOTQ_FLAG_STAMPS ? 4 : 0) + ((flags)&SLOTQ_FLAG_CHECKS ? 4 : 0) +     \
     (payload_bytes))
#define SLOTQ_IMAGE_BYTES(ring_slots, payload_bytes, later_slots, dead_slots, aside_slots, places, \
                          note_bytes, groups, flags)                                               \
    (UINT64_C(80) + UINT64_C(56) * (groups) + UINT64_C(4) * (groups) * (ring_slots) +              \
     ((flags)&SLOTQ_FLAG_KEYS ? UINT64_C(12) * (ring_slots) + UINT64_C(16) * (later_slots) +       \
                                    UINT64_C(18) * (aside_slots)                                   \
                              : UINT64_C(0)) +                                                     \
     (ring_slots)*SLOTQ_SLOT_BYTES(payload_bytes, flags) +                                         \
     (later_slots) * (12 + SLOTQ_SLOT_BYTES(payload_bytes, flags)) +                               \
     (aside_slots) * (7 + UINT64_C(4) * (groups) + SLOTQ_SLOT_BYTES(payload_bytes, flags)) +       \
     (dead_slots) * (UINT64_C(16) + (note_bytes) + SLOTQ_SLOT_BYTES(payload_bytes, flags)) +       \
     ((places) > 0 ? (UINT64_C(1) + (groups)) * (2 + UINT64_C(2) * (places)) : 0))

/* Fixed at creation. Ranges: FORMAT.md, "Geometry". Initialise it with named fields:
 * slotq_geometry geometry = {.ring_slots = 1001, .payload_bytes = 256}; is a queue without all that
 * is 0 there. These two fields must not be 0. */
typedef struct slotq_geometry {
    uint16_t ring_slots;    /* R, 2 to 65535; the queue holds R - 1 messages */
    uint16_t payload_bytes; /* largest payload, 1 to 65535 bytes */
    uint16_t later_slots;   /* room for scheduled messages, 0 to 65535 */
    uint16_t dead_slots;    /* room for dead messages, 0 to 65535 */
    uint16_t tick_ms;       /* resolution of leases and delays, 1 to 60000 ms; slotq.h: 0 = 100 */
    uint8_t groups;         /* consumer groups, 1 to 16; slotq.h: 0 = 1 */
    uint8_t flags;          /* SLOTQ_FLAG_… */
    uint8_t max_attempts;   /* 1 to 62; 0 = no limit */
    uint8_t aside_slots;    /* room for messages that would hold the ring, 0 to 255 */
    uint8_t places;         /* waiting clients of a server that can be woken one by one, 0 to 255;
                               0 = a wake-up is for all; 0 with overwrite */
    uint8_t note_bytes;     /* room for a note with each dead message, 0 to 255 bytes */
    uint32_t generation;    /* a random number, another one when the queue is made anew, so that old
                               tokens do not work there. slotq.h: 0 = the library draws it;
                               slotq_core.h: not 0 */
    uint32_t set;           /* the set of queues that it is a part of; 0 = alone */
    uint16_t shard;         /* its number in the set, 0 to 1023; 0 if alone */
    uint16_t reserved[5];   /* 0: room for later versions */
} slotq_geometry;

/* 1000 messages of up to 256 bytes, 64 aside, 25 attempts, the newest 100 dead with notes of up to
 * 80 bytes, push times, ticks of 100 ms. */
#define SLOTQ_GEOMETRY_DEFAULT                                                                     \
    {                                                                                              \
        .ring_slots = 1001, .payload_bytes = 256, .later_slots = 0, .dead_slots = 100,             \
        .tick_ms = 100, .groups = 1, .flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_DEAD_OVERWRITE,       \
        .max_attempts = 25, .aside_slots = 64, .places = 255, .note_bytes = 80, .generation = 0,   \
        .set = 0, .shard = 0, .reserved = {0}                                                      \
    }

/* States of a message for one group (FORMAT.md, "State word"). */
typedef enum slotq_state {
    SLOTQ_STATE_READY = 0,
    SLOTQ_STATE_LEASED = 1,
    SLOTQ_STATE_WAITING = 2,
    SLOTQ_STATE_DONE = 3
} slotq_state;

/* Why a message is DONE. */
typedef enum slotq_why {
    SLOTQ_WHY_ACKED = 0,
    SLOTQ_WHY_DEAD = 1,
    SLOTQ_WHY_REMOVED = 2,
    SLOTQ_WHY_OTHER_GROUP = 4
} slotq_why;

/* Reasons of death that slotq gives; callers should use 1 to 254. */
enum { SLOTQ_REASON_LEASE_ENDED = 0, SLOTQ_REASON_DAMAGED = 255 };

/* What pause and resume act on: IN = pushes (and redrive), OUT = reserves. CLOSED is not in BOTH:
 * the queue takes no new messages, but goes on with those that it has. */
enum {
    SLOTQ_PAUSE_IN = 1,
    SLOTQ_PAUSE_OUT = 2,
    SLOTQ_PAUSE_BOTH = 3,
    SLOTQ_PAUSE_CLOSED = 4,
    SLOTQ_PAUSE_ALL = 7
};

/* Bytes to push; borrowed for the call. bytes may be NULL if size is 0. */
typedef struct slotq_data {
    const void *bytes;
    uint32_t size; /* 0 to payload_bytes */
} slotq_data;

/* When a key is taken, so that a message with it is refused (FORMAT.md, "Judging keys"). */
typedef enum slotq_key_mode {
    SLOTQ_KEY_NONE = 0,
    SLOTQ_KEY_UNIQUE = 1, /* while its message is unfinished, aside or scheduled */
    SLOTQ_KEY_ONCE = 2,   /* also afterwards, until its slot is used again */
    SLOTQ_KEY_RESEND = 3, /* as once, judged by the first key of the call alone */
    SLOTQ_KEY_MODE_MAX = 255 /* none: what is between is for later versions, and INVALID */
} slotq_key_mode;

/* Where the message of a key is. */
typedef enum slotq_key_place {
    SLOTQ_KEY_IN_RING = 0,
    SLOTQ_KEY_ASIDE = 1,
    SLOTQ_KEY_SCHEDULED = 2
} slotq_key_place;

/* The message that has a key. */
typedef struct slotq_key_holder {
    uint64_t id;      /* SCHEDULED: its later id */
    uint32_t message; /* DUPLICATE: the message of the call that was refused, from 0 */
    slotq_key_place place;
    bool is_unfinished; /* some group has not finished it, or it is scheduled */
} slotq_key_holder;

/* count messages with ids id, id + 1, … that have the same token. */
typedef struct slotq_run {
    uint64_t id;
    uint32_t token;
    uint32_t count;
} slotq_run;

/* The status of one message for one group. slotq_get_status reads the last three fields in the dead
 * section; the core does not, and leaves them 0. */
typedef struct slotq_status {
    slotq_state state;
    slotq_why why;        /* if DONE */
    uint8_t attempts;     /* reserves so far, stays at 63; 0 if DONE and not is_dead */
    uint64_t deadline_ms; /* LEASED: end of the lease; WAITING: end of the delay; else 0 */
    uint64_t pushed_ms;   /* with stamps: push time, rounded down to a tick; else 0 */
    uint32_t position;    /* max messages that are delivered before this one */
    uint8_t reason;       /* is_dead: SLOTQ_REASON_…, or what nack or kill gave */
    bool is_dead;         /* the message lies in the dead section */
    uint64_t died_at_ms;  /* is_dead: when it died */
    uint64_t reserved[2]; /* 0 */
} slotq_status;

/* The message that keeps the ring full: the oldest one that a group has not finished. */
typedef struct slotq_holder {
    uint64_t id;         /* oldest message that some group has not finished; 0 = none */
    uint32_t held;       /* slots in use: that message and all newer ones */
    uint32_t unfinished; /* messages that the group has not finished, those aside too */
    uint8_t group;       /* the group furthest behind, which has not finished it */
    slotq_state state;   /* the state of the message in that group */
    bool steps_aside;    /* the next push that finds no room moves it aside; in FULL false */
    bool dead_full;      /* it cannot die, because the dead section is full and does not overwrite:
                            redrive, remove or purge dead messages */
    uint64_t reserved[1]; /* 0 */
} slotq_holder;

/* What limits a group; 0 = no limit. The rate: one message in rate_interval_us on average, and
 * rate_burst at once after a time without any. */
typedef struct slotq_limits {
    uint64_t rate_interval_us; /* to SLOTQ_RATE_INTERVAL_US_MAX; from 2^31 on whole milliseconds */
    uint16_t rate_burst;       /* 0 with a rate counts as 1 */
    uint16_t max_leased;       /* messages leased at a time */
    uint32_t reserved;         /* 0 */
} slotq_limits;

/* Which of them slotq_limit sets; the others stay. */
enum { SLOTQ_LIMIT_LEASED = 1, SLOTQ_LIMIT_RATE = 2, SLOTQ_LIMIT_BURST = 4, SLOTQ_LIMIT_ALL = 7 };

/* Numbers of a queue, and of one group in it. */
typedef struct slotq_stats {
    uint64_t last_id;     /* newest message; 0 = none yet, or a whole sharded queue */
    uint32_t capacity;    /* messages the ring can hold, R - 1 */
    uint32_t used;        /* slots in use */
    uint32_t group;       /* the group of the next nine numbers */
    uint32_t ready;       /* deliverable now: new messages (DONE ones ahead included) and retries */
    uint32_t undelivered; /* never delivered to the group */
    uint32_t leased;
    uint32_t waiting;
    uint32_t unfinished; /* ready + leased + waiting */
    uint32_t acked;      /* this and the next two wrap at 2^32 */
    uint32_t redelivered;
    uint32_t died;
    uint64_t next_due_ms; /* a lower bound of the group's deadlines; 0 = none */
    uint64_t oldest_ms;   /* push time of the group's oldest message (stamps), else 0 */
    uint32_t aside;       /* messages that have stepped out of the ring */
    uint32_t aside_capacity;
    uint32_t later; /* scheduled messages */
    uint32_t later_capacity;
    uint64_t later_due_ms; /* when the next one of them is due; 0 = none */
    uint32_t dead;         /* messages in the dead section */
    uint32_t dead_capacity;
    uint32_t dropped;          /* unfinished messages overwritten; wraps */
    uint32_t dead_dropped;     /* dead messages that found no room; wraps */
    uint8_t paused;            /* SLOTQ_PAUSE_… */
    slotq_limits limits;       /* of the group */
    uint64_t limited_until_ms; /* they let none go until then, or until a settle; 0 = one may go */
    slotq_holder holder;
    uint64_t reserved[4]; /* 0 */
} slotq_stats;

/* The place where an image is damaged. */
typedef struct slotq_damage {
    uint64_t offset;  /* bytes from the start of the image */
    const char *what; /* the field and the rule that it breaks; static; NULL = sound */
} slotq_damage;

#ifdef __cplusplus
}
#endif
#endif
