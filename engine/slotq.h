/* slotq.h: slotq for programs: a reliable work queue in a file, in memory, or inside Redis (link
 * libslotq_redis for that; slotq_redis.h has its URLs and options).
 *
 *     slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
 *     slotq_create(".", "jobs", &geometry, NULL, NULL);
 *     slotq_open(".", "jobs", NULL, &queue, NULL);
 *     slotq_push(queue, &(slotq_data){ "hello", 5 }, 1, NULL);
 *     slotq_reserve(queue, 0, 1, 30000, 0, batch);
 *     while (slotq_batch_next(batch, &message)) … slotq_ack(queue, 0, message.id, message.token);
 *
 * Outcomes and failures: every call answers a slotq_outcome (errors.def). Below SLOTQ_FAILURES
 * the queue is fine and this is its answer; refused means that nothing changed. Text for people,
 * naming the limit or the offset and the remedy: slotq_error_of(queue), or the slotq_error given
 * to calls that have no handle yet.
 *
 * Any call may answer, besides what is listed with it: INVALID (an argument out of its range),
 * CORRUPT (the bytes break FORMAT.md; nothing was written), IO (the system refused; after a
 * failed sync the handle answers IO for good), OUTCOME_UNKNOWN (the sync after a change failed:
 * whether the disk has it is not known), UNSUPPORTED (a change by a read-only handle), NOMEMORY.
 * With NULL for a required pointer the answer is INVALID. In Redis also: CONNECT (the server
 * cannot be reached or loads its data yet, nothing happened), IO (it refused, nothing happened),
 * OUTCOME_UNKNOWN (no answer came after the command was sent: never repeated by itself), NOQUEUE
 * (the key is gone).
 *
 * Threads: there is no global state. A handle belongs to one thread at a time. For another
 * thread take another handle: slotq_clone, or slotq_open again for a file. Batches belong to
 * whoever made them and may be used with one handle at a time.
 *
 * Fork: a child may use a handle to a file that is not exclusive, and so may its parent: in the
 * child the handle opens the file once more, and returns UNSUPPORTED if it cannot. With an
 * exclusive handle the calls of a child return UNSUPPORTED. A queue in memory becomes two. A handle
 * to Redis connects anew in the child. Until the child has closed the file or called exec, it
 * counts as one that has it open.
 *
 * Time: milliseconds. Leases and delays are 1 ms to SLOTQ_LEASE_TICKS_MAX * tick_ms, and end at
 * a tick: never early, at most one tick late; but so that no token comes back soon, a lease that
 * is shortened, or follows a longer one, may last up to one tick longer than the one before
 * (FORMAT.md, "Deadlines"). The clock is CLOCK_REALTIME, in Redis the server's, unless options
 * give another; it is read once no other handle can be at the queue. A waiting call sleeps on after
 * a signal, unless should_stop of the options ends the wait. wait_ms UINT64_MAX waits without an
 * end. A wait that should_stop ended looks once more and returns what it found, else what the end
 * of wait_ms returns: EMPTY from reserve and next, FULL from a push.
 *
 * Lock: the handles of a file take turns, each for microseconds. When the owner of the lock dies,
 * the next handle finishes or undoes what it began, within 100 ms plus the time in which the system
 * frees the owner's memory. When the owner is stopped, all others wait for it: a call with wait_ms
 * for that long, any call until should_stop ends the wait, and none for less than a second. Then
 * the call returns IO with `passes` set in slotq_error, and nothing happened. Processes may be in
 * any PID namespaces (containers) that share the folder.
 *
 * Files: never shorten, overwrite or copy over a queue's file: its processes would die by SIGBUS,
 * or a step that was under way would be replayed into other bytes; who has a removed file open
 * may go on for a second. Copy with slotq_export, delete with slotq_remove_queue, restore with
 * slotq_import. Where the system copied a queue's file (a backup, a disk moved), it must have
 * copied the journal with it, at a time when nobody had the queue open: see adopt_journal.
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
typedef struct slotq_batch slotq_batch; /* messages that reserve, peek or dead_list gave */

/* 1000 messages of up to 256 bytes, 100 dead, 25 attempts, push times, ticks of 100 ms. */
#define SLOTQ_GEOMETRY_DEFAULT                                                                   \
    {                                                                                            \
        .ring_slots = 1001, .payload_bytes = 256, .later_slots = 0, .dead_slots = 100,           \
        .tick_ms = 100, .groups = 1, .flags = SLOTQ_FLAG_STAMPS, .max_attempts = 25              \
    }

/* What stood in the way, for programs that act on it. The text is for people: its words change. */
typedef enum slotq_cause {
    SLOTQ_CAUSE_QUEUE = 0, /* the queue, an argument, a file: the outcome says which */
    SLOTQ_CAUSE_FOLDER,    /* the folder that the URL names is missing or cannot be used */
    SLOTQ_CAUSE_AWAY,      /* Redis: no server could be reached, or the connection broke */
    SLOTQ_CAUSE_ROLE,      /* Redis: the server is a replica */
    SLOTQ_CAUSE_REFUSED,   /* Redis: the server refuses for its own state: busy, loading, disk … */
    SLOTQ_CAUSE_RIGHTS     /* Redis: user, password or ACL */
} slotq_cause;

/* Why a call did not return OK. text is one or more sentences: what happened, the value and the
 * limit, what to do. It holds no bytes of messages, and no password.
 *
 * passes: nothing happened, and the reason ends without a change here: the same call may succeed
 * later, and may be made again without doing anything twice. The library has waited for it already
 * (reconnect_ms of slotq_redis.h). Where passes is false, read the outcome: OUTCOME_UNKNOWN says
 * that it may have happened; every other failure says that nothing happened and that the same call
 * fails again until something is changed. */
typedef struct slotq_error {
    slotq_outcome outcome;
    int system_errno; /* errno of the refused operation, or 0 */
    uint64_t offset;  /* CORRUPT: where in the image */
    slotq_cause cause;
    bool passes;
    char text[480];
} slotq_error;

typedef enum slotq_sync {
    SLOTQ_SYNC_OS,    /* survives SIGKILL of the process at any instruction */
    SLOTQ_SYNC_ALWAYS /* and power loss, on disks that keep what they confirm, when all who write
                         to the queue use it */
} slotq_sync;

typedef struct slotq_options {
    slotq_sync sync; /* files; a Redis server keeps what its own configuration promises */
    bool exclusive;  /* file: nobody else may have it open; faster, and batches need no copy */
    bool read_only;  /* only status, position, peek, dead_list, stats, check, export; in Redis a
                        replica will do, and EVALSHA_RO */
    bool adopt_journal; /* file, not with read_only: where the journal beside it is another file's
                           and holds a step that was cut short, do that step here, then make the
                           queue a journal of its own. It is the caller's word that both files
                           were copied together from where they belonged: the journal of another
                           day, or of a queue that is alike, may fit too. Judged before the first
                           write: geometry, size, the record, and the whole queue with the step
                           done; else IO or CORRUPT, both files unchanged */
    uint32_t poll_ms; /* longest sleep of a waiting call between looks; 0 = 1000, in Redis 5000.
                         A message whose delay another handle sets meanwhile is seen at the next
                         look */
    uint64_t (*clock_ms)(void *context); /* NULL = CLOCK_REALTIME, in Redis the server's clock;
                                            tests drive time by this. Called with the lock held: it
                                            must return soon and not call slotq with this queue */
    void *clock_context;
    bool (*should_stop)(void *context); /* or NULL: asked by waiting calls after each sleep, which
                                           a signal ends too, and by any call that has waited for
                                           a file's lock for a second; true: the wait is over */
    void *stop_context;
    const struct slotq_redis_options *redis; /* slotq_redis.h; NULL = its defaults. Borrowed for
                                                the call it is given to */
} slotq_options;

/* ---- names, codes, versions ---- */

/* "FULL" for SLOTQ_FULL; "?" for no outcome. Static. */
SLOTQ_API const char *slotq_outcome_name(slotq_outcome outcome);
/* One line for people. Static. */
SLOTQ_API const char *slotq_outcome_text(slotq_outcome outcome);
/* Exit code of the command for an outcome. */
SLOTQ_API int slotq_outcome_exit(slotq_outcome outcome);
/* Version of the library, SLOTQ_VERSION_TEXT when it was built. Static. */
SLOTQ_API const char *slotq_version(void);
/* Bytes a queue of this geometry takes, for ever; 0 and error (may be NULL) when a field is out
 * of range or the total is over 512 MiB. */
SLOTQ_API uint64_t slotq_geometry_bytes(const slotq_geometry *geometry, slotq_error *error);

/* ---- queues: create, open, close ---- */

/* Make the queue `name` in the folder that url names ("." or a path; the file is NAME.slotq), or
 * as the key `name` of a Redis server (redis://…, unix://…). name: 1 to 200 bytes; in a folder no
 * '/', no leading '.' or '-'. All room is taken from the disk, or the server's memory, now. OK
 * (made, or there with the same geometry), EXISTS (another geometry), INVALID; in Redis as
 * slotq_open. */
SLOTQ_API slotq_outcome slotq_create(const char *url, const char *name,
                                     const slotq_geometry *geometry,
                                     const slotq_options *options, slotq_error *error);

/* Open a queue. OK, NOQUEUE, LOCKED (exclusively held, or wanted exclusively and in use),
 * CORRUPT, VERSION, UNSUPPORTED (network file system, URL scheme), IO. In Redis: CONNECT (no
 * server, or not logged in), CORRUPT (also a key of another type), UNSUPPORTED (a maxmemory-policy
 * that could evict the queue, a replica, a key with a time to live, a server without scripts). On
 * OK *queue is to be closed by slotq_close; else it is NULL, here and in the next three calls.
 * options and error may be NULL. */
SLOTQ_API slotq_outcome slotq_open(const char *url, const char *name,
                                   const slotq_options *options, slotq **queue,
                                   slotq_error *error);

/* A queue in memory, owned by its handles: gone when the last one is closed. */
SLOTQ_API slotq_outcome slotq_create_memory(const slotq_geometry *geometry,
                                            const slotq_options *options, slotq **queue,
                                            slotq_error *error);

/* A queue in the caller's buffer of exactly the image's size, aligned to 8; it must outlive all
 * handles. Further handles by slotq_clone only. With a geometry the buffer is made a fresh queue,
 * with NULL it must hold an image (OK, CORRUPT, VERSION). */
SLOTQ_API slotq_outcome slotq_open_memory(void *buffer, uint64_t bytes,
                                          const slotq_geometry *geometry,
                                          const slotq_options *options, slotq **queue,
                                          slotq_error *error);

/* Another handle to the same queue, for another thread. It has the options of `queue`: clock,
 * should_stop with the same context, poll_ms, read_only. Called by the thread that has `queue`. */
SLOTQ_API slotq_outcome slotq_clone(slotq *queue, slotq **other, slotq_error *error);

/* NULL is allowed. Leases that are not settled run on until they end. */
SLOTQ_API void slotq_close(slotq *queue);

/* Delete a queue nobody has open (in Redis: whoever has it open is told NOQUEUE; close those
 * handles before it is made anew with another geometry, which they cannot see). OK, NOQUEUE,
 * LOCKED, IO. */
SLOTQ_API slotq_outcome slotq_remove_queue(const char *url, const char *name,
                                           slotq_error *error);

/* Call visit for each queue in the folder or database, by name; it ends when visit answers false.
 * OK, IO. */
SLOTQ_API slotq_outcome slotq_list(const char *url,
                                   bool (*visit)(void *context, const char *name),
                                   void *context, slotq_error *error);

/* ---- a queue's files, seen from outside ---- */

enum { SLOTQ_JOURNAL_BYTES = 4096 };

/* What lies beside a queue's file under its journal's name. */
typedef enum slotq_journal_state {
    SLOTQ_JOURNAL_MISSING, /* nothing: the next open makes one */
    SLOTQ_JOURNAL_OWN,
    SLOTQ_JOURNAL_FOREIGN, /* of another file: one of the two was copied or moved */
    SLOTQ_JOURNAL_OTHER_VERSION,
    SLOTQ_JOURNAL_DAMAGED,   /* not a sound journal, or cut off */
    SLOTQ_JOURNAL_UNREADABLE /* journal_errno says why */
} slotq_journal_state;

typedef struct slotq_file_facts {
    slotq_journal_state journal;
    int journal_errno;
    uint32_t journal_bytes;  /* SLOTQ_JOURNAL_BYTES when it is whole */
    uint32_t step_patches;   /* of the unfinished step */
    bool step_is_unfinished; /* a process ended in mid-step: the next open completes it */
    bool step_may_fit;       /* FOREIGN: the other file has this one's size and geometry */
    bool in_use;             /* another process or handle has the queue open for writing */
    bool exclusive;          /* and keeps all others out */
} slotq_file_facts;

/* Look at the files of the queue `name` in a folder without opening the queue: any thread, any
 * time, nothing is written. The answer may be old when it is read. OK, INVALID (the name),
 * NOQUEUE, IO. error may be NULL. */
SLOTQ_API slotq_outcome slotq_look_at_files(const char *folder, const char *name,
                                            slotq_file_facts *facts, slotq_error *error);

typedef struct slotq_folder_facts {
    const char *file_system;     /* "ext4"; NULL when its number is not a known one. Static */
    uint32_t file_system_number; /* as statfs gives it */
    bool is_network;             /* on a network or in user space: queues are refused there */
    uint64_t free_bytes;         /* for this user */
} slotq_folder_facts;

/* OK, INVALID, IO. error may be NULL. */
SLOTQ_API slotq_outcome slotq_look_at_folder(const char *folder, slotq_folder_facts *facts,
                                             slotq_error *error);

/* The error of the handle's last call that did not answer OK; valid until the next call. */
SLOTQ_API const slotq_error *slotq_error_of(slotq *queue);
/* The queue's geometry; valid as long as the handle. */
SLOTQ_API const slotq_geometry *slotq_geometry_of(const slotq *queue);
/* Milliseconds since 1970 by the queue's clock. */
SLOTQ_API uint64_t slotq_now_ms(const slotq *queue);

/* ---- producing ---- */

/* Push 1 to SLOTQ_CALL_MESSAGES_MAX messages, together at most SLOTQ_CALL_BYTES_MAX payload
 * bytes, all or none; ids are first_id, first_id + 1, … (first_id may be NULL). OK, FULL
 * (slotq_error_of names the message that holds the ring), TOOBIG (a payload, or more messages
 * than the queue can ever hold), PAUSED; in Redis UNCONFIRMED where replicas were asked for: they
 * are in, and *first_id is set. With wait_ms > 0 a full queue is waited for. */
SLOTQ_API slotq_outcome slotq_push(slotq *queue, const slotq_data *messages, uint32_t count,
                                   uint64_t *first_id);
SLOTQ_API slotq_outcome slotq_push_wait(slotq *queue, const slotq_data *messages,
                                        uint32_t count, uint64_t wait_ms, uint64_t *first_id);

/* A producer gathers single messages and pushes them together: one call of the store for many.
 *
 *     slotq_producer_new(queue, NULL, &producer);
 *     for each: slotq_producer_push(producer, bytes, size, tag);
 *     slotq_producer_flush(producer);
 *     slotq_producer_close(producer);
 *
 * What is gathered is pushed when it is max_messages or max_bytes, when its first message is
 * max_delay_ms old, and by flush and close. There is no thread behind it: time is looked at in
 * each call, so a program that may stop pushing calls slotq_producer_poll within
 * slotq_producer_due_ms. What is gathered is lost with the process: who needs to know that a
 * message is in the queue waits for its on_pushed, or for a flush that answers OK.
 *
 * Messages keep their order. A push is all or none, but what was gathered may go in several: where
 * a full queue has room for some, those go.
 *
 * The queue is used by the producer and must outlive it; it may be used beside it, by the same
 * thread. slotq_error_of(queue) has the text of the producer's last answer that was not OK. */
typedef struct slotq_producer slotq_producer;

/* What became of one message, told once for each that was taken, in order: OK and its id;
 * UNCONFIRMED and its id: pushed, but not confirmed by the replicas asked for; OUTCOME_UNKNOWN and
 * id 0: sent, and whether it was pushed is not known; it is never pushed again by itself. Any other
 * outcome, id 0: it was not pushed and is given up (close only).
 * Called from within the producer's calls; it must not call the producer. */
typedef void slotq_on_pushed(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id);

typedef struct slotq_producer_options {
    uint32_t max_messages; /* 1 to SLOTQ_CALL_MESSAGES_MAX; 0 = 256; at most what the queue holds
                              and SLOTQ_CALL_BYTES_MAX bytes of its slots */
    uint32_t max_bytes;    /* of payloads, to SLOTQ_CALL_BYTES_MAX, which 0 stands for */
    uint64_t max_delay_ms; /* 0 = 5; UINT64_MAX = no bound */
    uint64_t wait_ms;      /* how long push (without room here) and flush wait for a full queue */
    slotq_on_pushed *on_pushed; /* or NULL */
    void *context;              /* on_pushed's */
} slotq_producer_options;

/* OK, INVALID, NOMEMORY. options may be NULL: all 0. Takes its memory now: max_bytes, or what
 * max_messages of the queue's largest payloads need, whichever is less, and 24 bytes a message. */
SLOTQ_API slotq_outcome slotq_producer_new(slotq *queue, const slotq_producer_options *options,
                                           slotq_producer **producer);
/* Take one message; its bytes are copied. tag is the caller's, for on_pushed. OK: taken, and what
 * becomes of it is told by on_pushed and by flush. Any other answer: not taken. TOOBIG: over
 * payload_bytes. Where there was no room here, because the queue took none: its answer, FULL,
 * PAUSED or a failure; nothing gathered is lost, call again. */
SLOTQ_API slotq_outcome slotq_producer_push(slotq_producer *producer, const void *bytes,
                                            uint32_t size, uint64_t tag);
/* Push what is due. OK (also where nothing is), or why the queue did not take it: it stays here
 * and is tried again, at the earliest after max_delay_ms; OUTCOME_UNKNOWN, UNCONFIRMED: see
 * on_pushed. */
SLOTQ_API slotq_outcome slotq_producer_poll(slotq_producer *producer);
/* Push all that is gathered. OK: all that was taken since the last flush is in the queue. FULL,
 * PAUSED, a failure: what the queue did not take stays here. OUTCOME_UNKNOWN, UNCONFIRMED: nothing
 * is gathered any more, but some messages since the last flush were told so. */
SLOTQ_API slotq_outcome slotq_producer_flush(slotq_producer *producer);
/* Milliseconds from now until slotq_producer_poll has something to push: 0 = now, UINT64_MAX =
 * nothing is gathered, or there is no bound. */
SLOTQ_API uint64_t slotq_producer_due_ms(const slotq_producer *producer);
/* Messages gathered and not pushed. */
SLOTQ_API uint32_t slotq_producer_count(const slotq_producer *producer);
/* Flush, then free the producer, whatever the flush answered: that is this call's answer. What the
 * queue did not take is given up, and on_pushed told so. NULL is allowed. */
SLOTQ_API slotq_outcome slotq_producer_close(slotq_producer *producer);

/* ---- batches ---- */

/* A message in a batch. The payload is not aligned: copy it (memcpy) before it is read as anything
 * but bytes. payload points into the batch or the queue: valid until the batch is
 * used again or freed, the message is settled, its lease ends, or the handle is purged, cloned or
 * closed, whichever is first. */
typedef struct slotq_message {
    uint64_t id;
    uint32_t token;      /* reserve: hand it back to settle */
    uint32_t payload_bytes;
    const void *payload;
    uint64_t pushed_ms;  /* with stamps, else 0 */
    uint64_t died_at_ms; /* dead_list */
    slotq_state state;   /* peek */
    uint8_t attempts;    /* reserves so far, this one included */
    uint8_t group;       /* dead_list: it died in this group */
    uint8_t reason;      /* dead_list */
    bool damaged;        /* peek, dead_list: payload is NULL, the slot is damaged */
} slotq_message;

/* An empty batch, or NULL without memory. Use it again and again: it keeps its memory. */
SLOTQ_API slotq_batch *slotq_batch_new(void);
SLOTQ_API void slotq_batch_free(slotq_batch *batch);
/* Messages in the batch. */
SLOTQ_API uint32_t slotq_batch_count(const slotq_batch *batch);
/* The next message, in the order of the queue's answer; false after the last. */
SLOTQ_API bool slotq_batch_next(slotq_batch *batch, slotq_message *message);
/* Start again from the first. */
SLOTQ_API void slotq_batch_rewind(slotq_batch *batch);
/* A reserved message leaves the batch, unsettled, so that settling the batch leaves it out: it was
 * settled by its id, or is worked on for longer. The walk goes on where it was; the payloads of the
 * others stay. false: the batch has none of this id. */
SLOTQ_API bool slotq_batch_drop(slotq_batch *batch, uint64_t id);

/* ---- consuming ---- */

/* Lease up to limit (1 to SLOTQ_CALL_MESSAGES_MAX; of slots 64 MiB, in Redis 1) messages to the
 * caller for lease_ms: what was given back first, in id order, then new ones. Waits up to wait_ms
 * (0 = not) for the first. A damaged slot is never handed out: its message dies with reason 255.
 * OK, EMPTY, PAUSED; AGAIN only with wait_ms 0: a bound was reached, call at once. On another
 * answer than OK the batch is empty.
 * attempts counts reserves. A message that ends its worker (a crash, not a nack) therefore costs an
 * attempt for each message that the worker had in hand: with max_attempts 25 and 64 in hand, 25
 * crashes kill all 64. Reserve few at a time where a message may end the process, or let a child
 * process do the work. */
SLOTQ_API slotq_outcome slotq_reserve(slotq *queue, uint8_t group, uint32_t limit,
                                      uint64_t lease_ms, uint64_t wait_ms, slotq_batch *batch);

/* Settle one message by its token. OK; STALE: the token is no longer the message's, nothing
 * changed; GONE: finished; NOTFOUND: never issued. */
/* Finished. */
SLOTQ_API slotq_outcome slotq_ack(slotq *queue, uint8_t group, uint64_t id, uint32_t token);
/* Failed: ready again after delay_ms (0 = at once), or dead at max_attempts. DEADFULL too. */
SLOTQ_API slotq_outcome slotq_nack(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                   uint64_t delay_ms, uint8_t reason);
/* Given back unworked: ready at once, the attempt not counted. */
SLOTQ_API slotq_outcome slotq_release(slotq *queue, uint8_t group, uint64_t id, uint32_t token);
/* A new lease from now on; *new_token replaces the old token, which is void. It lengthens a lease
 * well; to shorten one see "Time" above. */
SLOTQ_API slotq_outcome slotq_extend(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                     uint64_t lease_ms, uint32_t *new_token);
/* Into the dead section now. DEADFULL too. */
SLOTQ_API slotq_outcome slotq_kill(slotq *queue, uint8_t group, uint64_t id, uint32_t token,
                                   uint8_t reason);

typedef enum slotq_settle_how {
    SLOTQ_SETTLE_ACK,
    SLOTQ_SETTLE_NACK,
    SLOTQ_SETTLE_RELEASE,
    SLOTQ_SETTLE_EXTEND,
    SLOTQ_SETTLE_KILL
} slotq_settle_how;

/* Settle many. ms: nack's delay or extend's lease; reason: nack and kill. outcomes (or NULL):
 * one byte a message in the order of runs, slotq_outcome 0 to 4. new_tokens (or NULL): extend,
 * the new token, or 4 * outcome. The answer is OK when all were OK, else that of the first
 * message refused; the others are settled all the same. */
SLOTQ_API slotq_outcome slotq_settle(slotq *queue, slotq_settle_how how, uint8_t group,
                                     const slotq_run *runs, uint32_t run_count, uint64_t ms,
                                     uint8_t reason, uint8_t *outcomes, uint32_t *new_tokens);
/* The same for a whole reserved batch in its group; after EXTEND the batch carries the new
 * tokens, without what has lost its lease, and a walk goes on where it was; after the others the
 * batch is empty. */
SLOTQ_API slotq_outcome slotq_settle_batch(slotq *queue, slotq_settle_how how,
                                           slotq_batch *batch, uint64_t ms, uint8_t reason);
/* slotq_settle_batch with ACK. */
SLOTQ_API slotq_outcome slotq_ack_batch(slotq *queue, slotq_batch *batch);
/* Settle one message of a reserved batch, by its id alone. It leaves the batch, also where it
 * answered STALE, GONE or NOTFOUND; it stays after DEADFULL and failures, and after an EXTEND that
 * answered OK, with its new token. INVALID: the batch has none of this id. The walk goes on where
 * it was; the payloads of the others stay. */
SLOTQ_API slotq_outcome slotq_settle_message(slotq *queue, slotq_settle_how how,
                                             slotq_batch *batch, uint64_t id, uint64_t ms,
                                             uint8_t reason);

/* What became of the acks in slotq_next. */
typedef struct slotq_settled {
    slotq_outcome outcome;  /* OK: all, or nothing was to ack; else of the first message refused
                               (STALE, GONE, NOTFOUND), or a failure */
    uint32_t ok_count;      /* messages acked */
    uint32_t refused_count; /* messages that no longer were the batch's to ack */
    uint64_t refused_id;    /* the first of them */
} slotq_settled;

/* A worker's step: ack all messages that are left in the batch, walked over or not, in its group,
 * and reserve the following ones into it; in one round trip where the queue is far away. What was
 * not done is settled by slotq_settle_message, or dropped, before.
 *
 * Answers as slotq_reserve does, and *settled (required) as slotq_ack_batch. The two are separate:
 * the acks count also where nothing is there to reserve. Where the acks failed (settled->outcome at
 * or above SLOTQ_FAILURES, or INVALID), the answer is OK with the following messages in the batch,
 * while the old ones come again when their leases end; or that failure, and the batch still has
 * the old ids and tokens, without payloads: slotq_next again, or slotq_ack_batch, tries them again
 * (then GONE is of one that was acked after all). With an empty batch it is slotq_reserve. INVALID
 * and NOMEMORY before anything is done leave the batch's messages in it.
 * Each crash of the worker costs all messages in hand an attempt: see slotq_reserve. */
SLOTQ_API slotq_outcome slotq_next(slotq *queue, uint8_t group, uint32_t limit,
                                   uint64_t lease_ms, uint64_t wait_ms, slotq_batch *batch,
                                   slotq_settled *settled);

/* ---- looking ---- */

/* OK; FINISHED: before the window; NOTFOUND: never issued. O(1). */
SLOTQ_API slotq_outcome slotq_get_status(slotq *queue, uint8_t group, uint64_t id,
                                         slotq_status *status);
/* At most how many undelivered messages stand before this one. As slotq_get_status. */
SLOTQ_API slotq_outcome slotq_position(slotq *queue, uint8_t group, uint64_t id,
                                       uint32_t *position);
/* Up to limit messages of the window from id `from` (0 = oldest) on, untouched. OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_peek(slotq *queue, uint8_t group, uint64_t from, uint32_t limit,
                                   slotq_batch *batch);
SLOTQ_API slotq_outcome slotq_get_stats(slotq *queue, uint8_t group, slotq_stats *stats);
/* Every rule of the format over the whole image. OK, CORRUPT (error has offset and rule). */
SLOTQ_API slotq_outcome slotq_check(slotq *queue);

/* ---- mending and administration ---- */

/* Finish a READY or WAITING message without a token; group or SLOTQ_ALL_GROUPS. OK, LEASED,
 * GONE, NOTFOUND. */
SLOTQ_API slotq_outcome slotq_remove(slotq *queue, uint8_t group, uint64_t id);
/* Take back ended leases now, all of them; counts may be NULL. OK. */
SLOTQ_API slotq_outcome slotq_reclaim(slotq *queue, uint8_t group, uint32_t *ready_count,
                                      uint32_t *dead_count);
/* Up to limit dead messages, oldest first, the first `skip` left out. OK, EMPTY. */
SLOTQ_API slotq_outcome slotq_dead_list(slotq *queue, uint32_t skip, uint32_t limit,
                                        slotq_batch *batch);
/* Push up to limit (0 = all) dead messages again, oldest first, attempts 0, for the group each
 * died in. OK (also with *count 0), FULL and PAUSED (*count went before). count may be NULL. */
SLOTQ_API slotq_outcome slotq_dead_redrive(slotq *queue, uint32_t limit, uint32_t *count);
/* Forget all dead messages. */
SLOTQ_API slotq_outcome slotq_dead_purge(slotq *queue, uint32_t *count);
/* what: SLOTQ_PAUSE_IN, _OUT or _BOTH. Already so is OK. */
SLOTQ_API slotq_outcome slotq_pause(slotq *queue, uint8_t what);
SLOTQ_API slotq_outcome slotq_resume(slotq *queue, uint8_t what);
/* Finish every message of the ring for every group; dead and scheduled ones stay. */
SLOTQ_API slotq_outcome slotq_purge(slotq *queue);

/* ---- bytes ---- */

/* A consistent copy of the whole image into buffer (bytes: its size, at least the image's). */
SLOTQ_API slotq_outcome slotq_export(slotq *queue, void *buffer, uint64_t bytes);
/* Image bytes of the queue. */
SLOTQ_API uint64_t slotq_image_bytes(const slotq *queue);
/* Make a queue of an exported image, checked whole before. OK, EXISTS, CORRUPT, VERSION. */
SLOTQ_API slotq_outcome slotq_import(const char *url, const char *name, const void *image,
                                     uint64_t bytes, slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
