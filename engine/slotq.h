/* slotq.h: the library: a reliable work queue in a file, in memory, or in Redis (for Redis, link
 * libslotq_redis; slotq_redis.h has its URLs and options).
 *
 *     slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
 *     slotq_create(".", "jobs", &geometry, NULL, NULL);
 *     slotq_open(".", "jobs", NULL, &queue, NULL);
 *     slotq_push(queue, &(slotq_data){ "hello", 5 }, 1, NULL);
 *     slotq_reserve(queue, 0, 1, 30000, 0, batch);
 *     while (slotq_batch_next(batch, &message)) … slotq_ack(queue, 0, message.id, message.token);
 *
 * Outcomes and failures: every call returns a slotq_outcome (errors.def). Below SLOTQ_FAILURES the
 * queue works and this is its result; a refused call changed nothing. slotq_error_of(queue), or the
 * slotq_error of calls without a handle, has a text for people with the limit or offset and the
 * remedy.
 *
 * Every call may return, besides the outcomes listed with it: INVALID (an argument is out of range,
 * or a required pointer is NULL), CORRUPT (the bytes break FORMAT.md; nothing was written), IO (the
 * system refused; nothing was done), OUTCOME_UNKNOWN (a sync failed: whether the disk has the
 * change is not known), UNSUPPORTED (a change by a read-only handle), NOMEMORY. After a failed sync
 * a handle and its clones return IO until they are closed. In Redis also: CONNECT (no server is
 * reached, or it loads its data; nothing happened), IO (it refused; nothing happened),
 * OUTCOME_UNKNOWN (it was sent, but no reply came; it is not repeated), NOQUEUE (the key is gone),
 * REMADE (another queue has the key now: see slotq_redis.h).
 *
 * Structs grow in later versions where fields are called reserved. Initialise a struct that you
 * give to the library with named fields, so that these are 0 (in options and in a geometry anything
 * else is INVALID); do not read them.
 *
 * Threads: no state is global but one mutex, for which a fork waits while a file is opened. One
 * thread at a time may use a handle; another thread needs another one: slotq_clone, or slotq_open
 * again for a file. Batches belong to the caller and may be used with one handle at a time.
 *
 * Fork: a child and its parent may both use a handle to a file that is not exclusive: in the child
 * the handle opens the file again, and returns UNSUPPORTED if it cannot. With an exclusive handle
 * the calls of a child return UNSUPPORTED. A queue in memory becomes two queues. A handle to Redis
 * makes a new connection in the child. Until the child closes the file or calls exec, the file
 * counts as open in the child.
 *
 * Time: milliseconds. A lease is the visibility timeout of a message. Leases and delays are 1 ms to
 * SLOTQ_LEASE_TICKS_MAX * tick_ms, and end at a tick: never early, at most one tick late.
 * Exception: so that no token comes back soon, a lease that is shortened, or follows a longer one,
 * may last up to one tick longer than the one before (FORMAT.md, "Deadlines"). The clock is
 * CLOCK_REALTIME, in Redis the server's, unless the options set another; a call reads it after it
 * has the lock of the queue. A waiting call sleeps on after a signal, unless should_stop of the
 * options ends the wait. wait_ms UINT64_MAX waits without an end. After should_stop the call tries
 * once more and returns the result; if there is none, it returns what the end of wait_ms returns:
 * EMPTY from reserve and next, FULL from a push.
 *
 * Lock: the handles of a file take turns, each for microseconds. If the owner of the lock dies, the
 * next handle finishes or undoes its step, within 100 ms plus the time in which the system frees
 * the owner's memory. While the owner is stopped, calls of other handles block for at least one
 * second. Then a call with wait_ms gives up after wait_ms, and any call when should_stop returns
 * true: IO with `passes` set in slotq_error, and nothing happened. Processes may be in any PID
 * namespaces (containers) that share the folder.
 *
 * Files: never shorten, overwrite or copy over a queue's file: its processes would die by SIGBUS,
 * or a recovery would replay an unfinished step into other bytes. A handle to a removed file may
 * continue for a second. Copy with slotq_export, delete with slotq_remove_queue, restore with
 * slotq_import. If other tools copy a queue's file (a backup, a moved disk), they must copy the
 * journal with it, while no process has the queue open: see adopt_journal.
 */
#ifndef SLOTQ_H
#define SLOTQ_H

#include "slotq_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SLOTQ_API __attribute__((visibility("default")))
#else
#define SLOTQ_API
#endif

#define SLOTQ_VERSION_TEXT "0.1.0"

typedef struct slotq slotq;             /* an open queue */
typedef struct slotq_batch slotq_batch; /* messages from reserve, peek or a list */

/* The cause of a failure, for programs that act on it. The text is for people: its words change. */
typedef enum slotq_cause {
    SLOTQ_CAUSE_QUEUE = 0, /* the queue, an argument, a file: the outcome says which */
    SLOTQ_CAUSE_FOLDER,    /* the folder that the URL names is missing or cannot be used */
    SLOTQ_CAUSE_AWAY,      /* Redis: no server could be reached, or the connection broke */
    SLOTQ_CAUSE_ROLE,      /* Redis: the server is a replica */
    SLOTQ_CAUSE_REFUSED,   /* Redis: the server refuses because of its state: busy, loading … */
    SLOTQ_CAUSE_RIGHTS,    /* Redis: user, password or ACL */
    SLOTQ_CAUSE_JOURNAL,   /* file: the journal beside the file, not the bytes of the queue */
    SLOTQ_CAUSE_MEMORY,    /* Redis: the server is at maxmemory */
    SLOTQ_CAUSE_NODE,      /* Redis: the key belongs to another node of the cluster */
    SLOTQ_CAUSE_COMMAND,   /* Redis: the server lacks the command, or has renamed it */
    SLOTQ_CAUSE_TLS        /* Redis: a certificate, its name, or one side does not speak TLS */
} slotq_cause;

/* Why a call did not return OK. text is one or more sentences: what happened, the value and the
 * limit, what to do. It contains no bytes of messages, and no password.
 *
 * passes: nothing happened, and the reason is temporary: the same call may succeed later, and
 * repeating it does nothing twice. The library has already waited (reconnect_ms of slotq_redis.h).
 * If passes is false, read the outcome: after OUTCOME_UNKNOWN the call may have happened; after
 * every other failure nothing happened, and the call fails again until something changes. Of a
 * call in parts (slotq_settle, slotq_dead_redrive) this is about the part that failed. */
typedef struct slotq_error {
    slotq_outcome outcome;
    int system_errno; /* errno of the refused operation, or 0 */
    uint64_t offset;  /* CORRUPT: offset in the image, bytes */
    slotq_cause cause;
    bool passes;
    char text[1000];
    uint64_t reserved[2]; /* 0 */
} slotq_error;

typedef enum slotq_sync {
    SLOTQ_SYNC_OS,    /* survives SIGKILL of the process at any instruction */
    SLOTQ_SYNC_ALWAYS /* also survives power loss, on disks that keep what they confirm, if all
                         writers of the queue use it */
} slotq_sync;

typedef struct slotq_options {
    slotq_sync sync; /* files only; in Redis the server's configuration decides what it keeps */
    bool exclusive;  /* file: no other handle may have it open; faster; no copies without aside */
    bool read_only;  /* only status, position, peek, the lists, stats, check, export; in Redis it
                        works on a replica, with EVALSHA_RO */
    bool adopt_journal; /* file, not with read_only: if the journal beside the file belongs to
                           another file and holds an unfinished step, do that step here, then make
                           a new journal. The caller promises that both files were copied together:
                           the journal of another day, or of a similar queue, may also fit. Checked
                           before the first write: geometry, size, the record, and the whole queue
                           with the step done; otherwise IO or CORRUPT, both files unchanged */
    bool copies; /* reserved payloads are copies in the batch, valid until the batch is filled again
                    or freed, whatever becomes of the message and the queue */
    uint32_t poll_ms; /* max sleep of a waiting call between two polls; 0 = 1000, in Redis 5000. If
                         another handle sets a delay meanwhile, the call sees it at the next poll */
    uint64_t (*clock_ms)(void *context); /* NULL = CLOCK_REALTIME, in Redis the server's clock;
                                            tests control time by this. Called with the lock held:
                                            it must return soon and not call slotq on this queue */
    void *clock_context;
    bool (*should_stop)(void *context); /* or NULL: waiting calls ask it after each sleep (a signal
                                           also ends a sleep), and so does a call that has waited a
                                           second for the lock of a file; true ends the wait */
    void *stop_context;
    const struct slotq_redis_options *redis; /* slotq_redis.h, or NULL; borrowed for the call */
    uint64_t reserved[4]; /* 0 */
} slotq_options;

/* ---- names, codes, versions ---- */

/* "FULL" for SLOTQ_FULL; "?" for a number that is not an outcome. Static. */
SLOTQ_API const char *slotq_outcome_name(slotq_outcome outcome);
/* One line for people. Static. */
SLOTQ_API const char *slotq_outcome_text(slotq_outcome outcome);
/* The exit code of the command slotq for an outcome. */
SLOTQ_API int slotq_outcome_exit(slotq_outcome outcome);
/* Version of the library: its SLOTQ_VERSION_TEXT. Static. */
SLOTQ_API const char *slotq_version(void);
/* The size in bytes of a queue of this geometry; it never changes. 0, with error (may be NULL), if
 * a field is out of range or the total is over 512 MiB. */
SLOTQ_API uint64_t slotq_geometry_bytes(const slotq_geometry *geometry, slotq_error *error);

/* ---- queues: create, open, close ---- */

/* Create the queue `name` in the folder url ("." or a path; the file is NAME.slotq), or as the key
 * `name` of a Redis server (redis://…, unix://…). name: 1 to 200 bytes; in a folder without '/',
 * and without '.' or '-' at the begin. The call allocates all disk space, or server memory. OK
 * (created, or exists with the same geometry, of any generation), EXISTS (another geometry),
 * INVALID; in Redis also the outcomes of slotq_open. A generation of 0 in the geometry, here and in
 * the next calls with a geometry: the library draws a random one. options and error may be NULL. */
SLOTQ_API slotq_outcome slotq_create(const char *url, const char *name,
                                     const slotq_geometry *geometry, const slotq_options *options,
                                     slotq_error *error);

/* Open a queue. OK, NOQUEUE, LOCKED (another handle has it exclusively, or exclusive is set and the
 * queue is in use), CORRUPT, VERSION, SHARDED (the name of a sharded queue, in all calls with a
 * name), UNSUPPORTED (network file system, URL scheme), IO. In Redis: CONNECT (no server, or login
 * failed), CORRUPT (also a key of another type), UNSUPPORTED (a maxmemory-policy that could evict
 * the queue, a replica, a key with a time to live, a server without scripts). After OK the caller
 * must close *queue by slotq_close; otherwise *queue is NULL, here and in the next three calls.
 * options and error may be NULL. */
SLOTQ_API slotq_outcome slotq_open(const char *url, const char *name, const slotq_options *options,
                                   slotq **queue, slotq_error *error);

/* Create a queue in memory. Its handles own it: closing the last one deletes it. */
SLOTQ_API slotq_outcome slotq_create_memory(const slotq_geometry *geometry,
                                            const slotq_options *options, slotq **queue,
                                            slotq_error *error);

/* Open a queue in the caller's buffer, which must have exactly the image's size, be aligned to 8,
 * and outlive all handles. Other handles only by slotq_clone. With a geometry the call writes a
 * fresh queue into the buffer; with NULL the buffer must hold an image (OK, CORRUPT, VERSION). */
SLOTQ_API slotq_outcome slotq_open_memory(void *buffer, uint64_t bytes,
                                          const slotq_geometry *geometry,
                                          const slotq_options *options, slotq **queue,
                                          slotq_error *error);

/* More handles to an open queue, for other threads: slotq_clone (slotq_clone.h). */

/* Close a handle; NULL is allowed. Leases that are not settled run until they end. */
SLOTQ_API void slotq_close(slotq *queue);

/* Give a queue other sizes: ring_slots, payload_bytes, later_slots, dead_slots, aside_slots and
 * groups of the geometry wanted; its other fields are ignored. All messages stay, with their ids,
 * tokens, states, attempts, deadlines, keys and counters, and so does the generation; finished
 * messages lose payloads that do not fit. A new group begins behind all messages; groups cannot be
 * taken away. OK; TOOBIG: something does not fit, and error names it; INVALID; in a folder LOCKED:
 * a handle has the queue open; UNSUPPORTED: resize the shards of a sharded queue, one by one; also
 * as slotq_open. If it is not OK, nothing was changed. */
SLOTQ_API slotq_outcome slotq_resize(const char *url, const char *name,
                                     const slotq_geometry *wanted, slotq_error *error);

/* Delete a queue that no handle has open, a sharded one with all its shards. In Redis open handles
 * get NOQUEUE, and REMADE after the queue was created again. OK, NOQUEUE, LOCKED, IO. */
SLOTQ_API slotq_outcome slotq_remove_queue(const char *url, const char *name, slotq_error *error);

/* What a URL names: redis:// and valkey:// are the same, schemes are read in any case. */
typedef enum slotq_place {
    SLOTQ_PLACE_FOLDER,       /* everything without a scheme */
    SLOTQ_PLACE_REDIS,        /* redis://, valkey:// */
    SLOTQ_PLACE_REDIS_UNIX,   /* unix:// */
    SLOTQ_PLACE_TLS,          /* rediss://, valkeys://: Redis over TLS */
    SLOTQ_PLACE_SENTINEL,     /* redis+sentinel://, valkey+sentinel:// */
    SLOTQ_PLACE_SENTINEL_TLS, /* rediss+sentinel://, valkeys+sentinel:// */
    SLOTQ_PLACE_UNKNOWN       /* another scheme, or a misspelt one of these: refused */
} slotq_place;
SLOTQ_API slotq_place slotq_url_kind(const char *url);

/* Write the URL into shown for people, cut at bytes: *** stands for all that may be a login. */
SLOTQ_API void slotq_url_show(const char *url, char *shown, size_t bytes);

/* Visit each queue, by name, a sharded one once, until visit returns false. OK, IO. */
SLOTQ_API slotq_outcome slotq_list(const char *url, bool (*visit)(void *context, const char *name),
                                   void *context, slotq_error *error);

/* ---- an open queue ---- */

/* The error of the handle's last call that did not return OK; valid until the next call. */
SLOTQ_API const slotq_error *slotq_error_of(slotq *queue);
/* For libraries on this one: set the error that slotq_error_of returns. text is copied, and cut if
 * it is too long. Returns outcome. NULL is allowed. */
SLOTQ_API slotq_outcome slotq_set_error(slotq *queue, slotq_outcome outcome, const char *text);
/* The queue's geometry; valid as long as the handle. It changes when a call returns REMADE. */
SLOTQ_API const slotq_geometry *slotq_geometry_of(const slotq *queue);
/* End the wait of this handle's running call (reserve, next, push_wait, wait) now: it tries once
 * more and returns what it returns at the end of wait_ms. If none waits, the next one ends at once.
 * Other calls are not touched, and the handle stays usable. Any thread may call it, and a signal
 * handler (it writes an atomic, then a futex or an eventfd), until slotq_close begins. NULL is
 * allowed. */
SLOTQ_API void slotq_interrupt(slotq *queue);
/* Milliseconds since 1970 by the queue's clock. */
SLOTQ_API uint64_t slotq_now_ms(const slotq *queue);

/* ---- producing ---- */

/* Push 1 to SLOTQ_CALL_MESSAGES_MAX messages, together at most SLOTQ_CALL_BYTES_MAX payload
 * bytes, all or none. Their ids are *first_id, *first_id + 1, … (first_id may be NULL). OK, FULL
 * (slotq_error_of names the message that keeps the ring full), TOOBIG (a payload, or more messages
 * than the queue can ever hold), PAUSED. In Redis with wait_replicas or wait_fsynced also
 * UNCONFIRMED: the messages are in the queue, and *first_id is set. slotq_push_wait waits up to
 * wait_ms for room. */
SLOTQ_API slotq_outcome slotq_push(slotq *queue, const slotq_data *messages, uint32_t count,
                                   uint64_t *first_id);
SLOTQ_API slotq_outcome slotq_push_wait(slotq *queue, const slotq_data *messages, uint32_t count,
                                        uint64_t wait_ms, uint64_t *first_id);

/* Single messages that become batches: slotq_producer.h. Messages with keys: slotq_keys.h. */

/* ---- scheduling ---- */

enum { SLOTQ_NOT_PAST = 1 }; /* a flag of slotq_schedule */

/* Schedule messages for due_ms (milliseconds since 1970 by the queue's clock, 0 to
 * SLOTQ_NOW_MS_MAX): no consumer gets them before. When they are due, the next push or reserve
 * puts them into the ring, up to 16 per call, in the order of due times and then of later ids, and
 * each gets the id of a new message. If the ring is full, they wait until there is room. count and
 * bytes as in slotq_push, and at most later_slots of the geometry, all or none (a process that is
 * killed may leave the first ones). Their later ids are *first_later_id and those that follow it
 * (first_later_id may be NULL). flags: 0, or SLOTQ_NOT_PAST: if due_ms is not after now, schedule
 * nothing and return EMPTY. OK, EMPTY, FULL (no room beside what is scheduled), TOOBIG (a payload,
 * or more messages than later_slots), PAUSED, UNCONFIRMED as slotq_push. */
SLOTQ_API slotq_outcome slotq_schedule(slotq *queue, const slotq_data *messages, uint32_t count,
                                       uint64_t due_ms, uint32_t flags, uint64_t *first_later_id);
/* Take a scheduled message out. O(later_slots). OK; NOTFOUND: it is in the ring already, was
 * cancelled, or was never scheduled. */
SLOTQ_API slotq_outcome slotq_cancel(slotq *queue, uint64_t later_id);
/* Make a scheduled message due now. OK, also if it was due; NOTFOUND as slotq_cancel. */
SLOTQ_API slotq_outcome slotq_kick_later(slotq *queue, uint64_t later_id);
/* End the delay of a WAITING message, which becomes READY with its attempts. OK, also if it is
 * READY or was never delivered; LEASED; GONE: the group has finished it; DEADFULL: it has no
 * attempts left and waits for room in the dead section; NOTFOUND. */
SLOTQ_API slotq_outcome slotq_kick(slotq *queue, uint8_t group, uint64_t id);
/* Up to limit scheduled messages without the first `skip`, unchanged; not in the order of time.
 * OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_later_list(slotq *queue, uint32_t skip, uint32_t limit,
                                         slotq_batch *batch);

/* ---- batches ---- */

/* A message in a batch. The payload is not aligned: copy it (memcpy) before you read it as anything
 * but bytes. payload points into the batch or the queue: valid until the batch is
 * used again or freed, the message is settled, its lease ends, or the handle is purged, cloned or
 * closed, whichever is first (see also `copies` of slotq_options). */
typedef struct slotq_message {
    uint64_t id;    /* later_list: its later id, which is not its id when it is delivered */
    uint32_t token; /* reserve: pass it to settle */
    uint32_t payload_bytes;
    const void *payload; /* its bytes alone: no NUL at their end */
    uint64_t pushed_ms;  /* with stamps, else 0 */
    uint64_t died_at_ms; /* dead_list */
    uint64_t due_ms;     /* later_list: when it is delivered at the earliest */
    slotq_state state;   /* peek */
    uint8_t attempts;    /* reserves so far, this one included */
    uint8_t group;       /* dead_list: it died in this group */
    uint8_t reason;      /* dead_list */
    uint8_t note_bytes;  /* dead_list */
    const void *note;    /* dead_list: as nack or kill gave it, valid as payload; NULL if none */
    bool damaged;        /* peek, the lists: payload is NULL, the slot is damaged */
    uint64_t reserved[2]; /* 0 */
} slotq_message;

/* An empty batch, or NULL if memory is out. Reuse it: it keeps its memory. */
SLOTQ_API slotq_batch *slotq_batch_new(void);
SLOTQ_API void slotq_batch_free(slotq_batch *batch);
/* Messages in the batch. */
SLOTQ_API uint32_t slotq_batch_count(const slotq_batch *batch);
/* The next message, in the order in which the queue returned them; false after the last. */
SLOTQ_API bool slotq_batch_next(slotq_batch *batch, slotq_message *message);
/* Start again from the first message. */
SLOTQ_API void slotq_batch_rewind(slotq_batch *batch);
/* Remove a reserved message from the batch without settling it, so that settling the batch leaves
 * it out: because it was settled by its id, or its work takes longer. The walk continues at its
 * place; the payloads of the others stay valid. False: the batch has no message with this id. */
SLOTQ_API bool slotq_batch_drop(slotq_batch *batch, uint64_t id);

/* ---- consuming ---- */

/* Lease up to limit messages to the caller for lease_ms: first retries, in id order, then new
 * messages. limit is 1 to SLOTQ_CALL_MESSAGES_MAX; slots together at most 64 MiB, in Redis 1 MiB.
 * Waits up to wait_ms (0 = not) for the first message. Damaged slots are not returned: their
 * messages die with reason 255, or wait 60 s if the dead section is full and refuses them. OK,
 * EMPTY, PAUSED; LIMITED: messages are ready, but slotq_limit of the group lets none go; AGAIN only
 * with wait_ms 0: a bound was reached, call again at once. If the outcome is not OK, the batch is
 * empty.
 * attempts counts reserves. A message that crashes its worker therefore costs one attempt for each
 * message that the worker had leased: with max_attempts 25 and 64 leased messages, 25 crashes kill
 * all 64. If a message may crash the process, reserve few at a time, or work in a child process. */
SLOTQ_API slotq_outcome slotq_reserve(slotq *queue, uint8_t group, uint32_t limit,
                                      uint64_t lease_ms, uint64_t wait_ms, slotq_batch *batch);

/* Settle one message by its token. All five return: OK; STALE: the token is no longer valid,
 * nothing changed; GONE: the message is finished; NOTFOUND: the id was never issued. */
/* The work is done: finish the message. */
SLOTQ_API slotq_outcome slotq_ack(slotq *queue, uint8_t group, uint64_t id, uint32_t token);
/* The work failed: redelivery after delay_ms (0 = at once), dead at max_attempts; or DEADFULL. */
SLOTQ_API slotq_outcome slotq_nack(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                   uint64_t delay_ms, uint8_t reason);
/* Give the message back: ready after delay_ms (0 = at once), the attempt does not count. */
SLOTQ_API slotq_outcome slotq_release(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                      uint64_t delay_ms);
/* A new lease of lease_ms from now; *new_token replaces the old token, which becomes invalid. For
 * shortening a lease see "Time" above. */
SLOTQ_API slotq_outcome slotq_extend(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                     uint64_t lease_ms, uint32_t *new_token);
/* Move the message to the dead section (the dead letters). Also DEADFULL. */
SLOTQ_API slotq_outcome slotq_kill(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                   uint8_t reason);

typedef enum slotq_settle_how {
    SLOTQ_SETTLE_ACK,
    SLOTQ_SETTLE_NACK,
    SLOTQ_SETTLE_RELEASE,
    SLOTQ_SETTLE_EXTEND,
    SLOTQ_SETTLE_KILL
} slotq_settle_how;

/* Settle many messages. ms: the delay of nack or release, the lease of extend; reason: nack, kill.
 * outcomes (or NULL): one byte per message in the order of runs, slotq_outcome 0 to 4. new_tokens
 * (or NULL): extend, the new token, or 4 * outcome. Returns OK if all are OK, otherwise the outcome
 * of the first refused message; the others are settled nevertheless. Messages that die in Redis do
 * so in parts (1024, 1 MiB): if one fails, outcomes has the failure for it and all behind it. */
SLOTQ_API slotq_outcome slotq_settle(slotq *queue, slotq_settle_how how, uint8_t group,
                                     const slotq_run *runs, uint32_t run_count, uint64_t ms,
                                     uint8_t reason, uint8_t *outcomes, uint32_t *new_tokens);
/* The same with a note, which nack and kill keep with messages that die, for people. note is 0 to
 * SLOTQ_NOTE_BYTES_MAX bytes, or NULL; the queue keeps the first note_bytes of its geometry, so cut
 * UTF-8 yourself at the edge of a character. */
SLOTQ_API slotq_outcome slotq_settle_noted(slotq *queue, slotq_settle_how how, uint8_t group,
                                           const slotq_run *runs, uint32_t run_count, uint64_t ms,
                                           uint8_t reason, const slotq_data *note,
                                           uint8_t *outcomes, uint32_t *new_tokens);
/* slotq_settle for a whole reserved batch in its group, except marks (slotq_mark). After EXTEND it
 * has the new tokens, without messages that lost their lease, and a walk continues at its place;
 * after other verbs it is empty, or after a failure has the messages that may not be settled. */
SLOTQ_API slotq_outcome slotq_settle_batch(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                           uint64_t ms, uint8_t reason);
/* slotq_settle_batch with ACK. */
SLOTQ_API slotq_outcome slotq_ack_batch(slotq *queue, slotq_batch *batch);
/* Settle one message of a reserved batch by its id. It leaves the batch, also after STALE, GONE or
 * NOTFOUND, but stays after DEADFULL and failures, and with its new token after EXTEND. INVALID:
 * the batch has no message with this id. The walk and the other payloads are as before. */
SLOTQ_API slotq_outcome slotq_settle_message(slotq *queue, slotq_settle_how how, slotq_batch *batch,
                                             uint64_t id, uint64_t ms, uint8_t reason);
/* The same with a note: see slotq_settle_noted. */
SLOTQ_API slotq_outcome slotq_settle_message_noted(slotq *queue, slotq_settle_how how,
                                                   slotq_batch *batch, uint64_t id, uint64_t ms,
                                                   uint8_t reason, const slotq_data *note);

/* The result of the settles in slotq_next; of each message: slotq_batch_settled (slotq_mark.h). */
typedef struct slotq_settled {
    slotq_outcome outcome;  /* OK: all settled; else the first failure, or else the first refusal */
    uint32_t ok_count;      /* messages settled */
    uint32_t refused_count; /* STALE, GONE, NOTFOUND, DEADFULL */
    uint32_t failed_count;  /* not settled, or not known */
    uint64_t refused_id;    /* the first refused one */
    uint64_t reserved[2];   /* 0 */
} slotq_settled;

/* One loop step of a worker: ack all messages that are left in the batch, walked over or not, in
 * its group, and reserve the next messages into it; in Redis in one round trip. Before this call,
 * mark messages whose work is not done by slotq_mark, settle them, or drop them.
 *
 * Returns the outcome of the reserve, as slotq_reserve, and in *settled (required) the outcome of
 * the acks, as slotq_ack_batch. The two are separate: the acks count also if there is no message to
 * reserve. If the acks failed (settled->outcome at or above SLOTQ_FAILURES, or INVALID), the call
 * either returns OK with the next messages in the batch, and the old ones are redelivered when
 * their leases end; or it returns that failure, and the batch still has the old ids and tokens,
 * without payloads: call slotq_next again, or slotq_ack_batch, to ack them (GONE then means that
 * the first ack happened). With an empty batch the call is slotq_reserve. INVALID and NOMEMORY
 * before anything is done leave the messages in the batch. */
SLOTQ_API slotq_outcome slotq_next(slotq *queue, uint8_t group, uint32_t limit, uint64_t lease_ms,
                                   uint64_t wait_ms, slotq_batch *batch, slotq_settled *settled);

/* ---- looking ---- */

/* The status of one message. OK; FINISHED: finished before the window, and not in the dead section;
 * NOTFOUND: never issued. A message that died in this group is DONE with SLOTQ_WHY_DEAD. While it
 * lies in the dead section, is_dead is true, and the status has its reason, attempts and
 * died_at_ms.
 * O(1) for an unfinished message. For a finished one the call searches the dead section, newest
 * first, in steps of up to 1 MiB of slots; it then also returns NOMEMORY. */
SLOTQ_API slotq_outcome slotq_get_status(slotq *queue, uint8_t group, uint64_t id,
                                         slotq_status *status);
/* Max messages that are delivered before this one. Outcomes as slotq_get_status. */
SLOTQ_API slotq_outcome slotq_position(slotq *queue, uint8_t group, uint64_t id,
                                       uint32_t *position);
/* Up to limit messages of the window from id `from` (0 = oldest) on, unchanged. OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_peek(slotq *queue, uint8_t group, uint64_t from, uint32_t limit,
                                   slotq_batch *batch);
/* The numbers of the queue and of one group. OK. */
SLOTQ_API slotq_outcome slotq_get_stats(slotq *queue, uint8_t group, slotq_stats *stats);
/* Check every rule of the format over the whole image. OK, CORRUPT (error has offset and rule). */
SLOTQ_API slotq_outcome slotq_check(slotq *queue);

/* ---- repair and administration ---- */

/* Finish a READY or WAITING message without a token; group or SLOTQ_ALL_GROUPS. OK, LEASED,
 * GONE, NOTFOUND. */
SLOTQ_API slotq_outcome slotq_remove(slotq *queue, uint8_t group, uint64_t id);
/* Make all messages whose lease or delay has ended ready (or dead) now; counts may be NULL. OK. */
SLOTQ_API slotq_outcome slotq_reclaim(slotq *queue, uint8_t group, uint32_t *ready_count,
                                      uint32_t *dead_count);
/* Up to limit dead messages, oldest first, without the first `skip`. OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_dead_list(slotq *queue, uint32_t skip, uint32_t limit,
                                        slotq_batch *batch);
/* The dead messages with this id that died in the group, or in any (SLOTQ_ALL_GROUPS). The server
 * or the store searches its dead section: O(dead_slots). OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_dead_find(slotq *queue, uint8_t group, uint64_t id,
                                        slotq_batch *batch);
/* Look at up to limit (0 = all) dead messages, oldest first. Sound ones are pushed again, with
 * attempts 0, for the group in which each died. Damaged ones stay dead, as the newest. OK (also
 * with *count 0), FULL, PAUSED, and in Redis, where it is done in parts, a failure: *count messages
 * were pushed before, with the new ids in ids, and *damaged ones stayed. ids has room for limit
 * (0: 65535) of them. ids, count and damaged may be NULL. */
SLOTQ_API slotq_outcome slotq_dead_redrive(slotq *queue, uint32_t limit, uint64_t *ids,
                                           uint32_t *count, uint32_t *damaged);
/* The same for the dead messages with this id in a group, or in all (SLOTQ_ALL_GROUPS); a damaged
 * one keeps its place. ids has room for SLOTQ_GROUPS_MAX new ids. OK, NOTFOUND: the dead section
 * has none; FULL, PAUSED. */
SLOTQ_API slotq_outcome slotq_dead_redrive_id(slotq *queue, uint8_t group, uint64_t id,
                                              uint64_t *ids, uint32_t *count, uint32_t *damaged);
/* Delete the dead messages with this id in a group, or in all (SLOTQ_ALL_GROUPS); *count (may be
 * NULL) is their number. The others keep their order. OK, NOTFOUND. */
SLOTQ_API slotq_outcome slotq_dead_remove(slotq *queue, uint8_t group, uint64_t id,
                                          uint32_t *count);
/* Delete all dead messages; *count (may be NULL) is their number. OK. */
SLOTQ_API slotq_outcome slotq_dead_purge(slotq *queue, uint32_t *count);
/* Set the limits of a group, for all its consumers together. what: a sum of SLOTQ_LIMIT_LEASED,
 * _RATE and _BURST; the fields that it does not name stay. 0 in a field ends that limit. A rate
 * may be changed while it runs: no burst is given anew. slotq_get_stats has the limits. OK,
 * INVALID (also a burst without a rate). */
SLOTQ_API slotq_outcome slotq_limit(slotq *queue, uint8_t group, uint8_t what,
                                    const slotq_limits *limits);
/* Finish every message of the ring for every group; dead and scheduled ones stay. */
SLOTQ_API slotq_outcome slotq_purge(slotq *queue);

/* ---- bytes ---- */

/* A consistent copy of the whole image into buffer (bytes: its size, at least the image's). */
SLOTQ_API slotq_outcome slotq_export(slotq *queue, void *buffer, uint64_t bytes);
/* Image bytes of the queue. */
SLOTQ_API uint64_t slotq_image_bytes(const slotq *queue);
/* Create a queue, of another generation, from an image; all of it is checked first. OK, EXISTS,
 * CORRUPT, VERSION. */
SLOTQ_API slotq_outcome slotq_import(const char *url, const char *name, const void *image,
                                     uint64_t bytes, slotq_error *error);

#ifdef __cplusplus
}
#endif

#include "slotq_clone.h"
#include "slotq_producer.h"
#include "slotq_keys.h"
#include "slotq_move.h"
#include "slotq_pause.h"
#include "slotq_shards.h"
#include "slotq_mark.h"
#include "slotq_wait.h"

#endif
