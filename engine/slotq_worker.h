/* slotq_worker.h: a worker runs handlers for the messages of queues: by the type of the task, in
 * its threads or in the loop of the caller. Link libslotq_worker and,
 * behind it, libslotq or libslotq_redis.
 *
 *     slotq_mux_new(&mux);
 *     slotq_mux_exact(mux, "email:deliver", &(slotq_handler){.run = deliver});
 *     slotq_worker_new(mux, NULL, &worker, NULL);
 *     slotq_worker_add_queue(worker, queue, "mail", NULL);
 *     slotq_worker_catch_signals(worker);
 *     slotq_worker_run(worker);
 *
 * The worker leases messages, extends the leases while handlers run, and settles each message as
 * its handler says. At least once: a handler may run twice for a message, also at the same time
 * (when a lease was lost). Use the queue's name and the id as an idempotency key; for cron the
 * entry's name and due_ms.
 *
 * Outcomes are those of slotq.h. 0 in an option stands for its default. The library writes no
 * output, and has no signal handler, no atexit and no global state.
 *
 * Threads: one thread makes, fills and starts a worker. Then any thread may call what says so. A
 * mux is read only from the first slotq_worker_new on, and is freed after its last worker. Threads
 * of the worker: `threads` for handlers, one more for each queue but one; one a queue that keeps
 * its leases; one for signals. Signals are blocked in them, but those of faults.
 *
 * Memory: everything is allocated when the worker starts, nothing per message; more once a task if
 * a queue is made anew for larger payloads. Each thread that works on a queue has a separate handle
 * (slotq_clone), in Redis a connection. These are the worker's: a handler that pushes uses another
 * one, and as handlers run at once and a handle is for one thread at a time, one for each thread,
 * or one with a lock around each call.
 *
 * Handlers must not leave by longjmp or by a C++ exception. If one ends its thread (pthread_exit),
 * the message is tried again (SLOTQ_REASON_THREAD_ENDED), unless slotq_task_finish was called for
 * it before, and another thread takes its place. A child that a handler forks must call exec or
 * _exit; if it returns from the handler, it ends by _exit(SLOTQ_REASON_THREAD_ENDED). abort, exit
 * and faults are as SIGKILL: all that the process held comes back when its leases end. For code
 * that you do not trust, use the command `slotq work`, which runs each message in a process.
 */
#ifndef SLOTQ_WORKER_H
#define SLOTQ_WORKER_H

#include "slotq.h"
#include "slotq_cron.h"
#include "slotq_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct slotq_worker slotq_worker;
typedef struct slotq_mux slotq_mux;   /* types to handlers */
typedef struct slotq_task slotq_task; /* a message that is worked on: valid until its handler has
                                         returned; after LATER until slotq_task_finish */
#define SLOTQ_NO_LIMIT UINT64_MAX

/* ---- what a handler answers ---- */

/* A result of zeros is a retry, never an ack. */
typedef enum slotq_result_how {
    SLOTQ_RESULT_RETRY,   /* it failed: ready again after ms (0 = the handler's backoff), dead with
                             the reason at the last attempt */
    SLOTQ_RESULT_DONE,    /* acked, perhaps together with the next reserve */
    SLOTQ_RESULT_DEAD,    /* into the dead section now, with the reason */
    SLOTQ_RESULT_RELEASE, /* ready at once, the attempt does not count; this worker takes nothing
                             from the queue for 1 s */
    SLOTQ_RESULT_SNOOZE,  /* ready after ms, the attempt does not count */
    SLOTQ_RESULT_LATER    /* not finished: slotq_task_finish will be called. The lease is kept, and
                             the payload is copied */
} slotq_result_how;

typedef struct slotq_result {
    uint64_t ms; /* cut to SLOTQ_LEASE_TICKS_MAX ticks */
    uint8_t how; /* slotq_result_how; another value is a retry */
    uint8_t reason;
} slotq_result;

/* Reasons of a failure or a death: 1 to 119 are the handlers', 0 and 255 the queue's. A reason of 0
 * becomes SLOTQ_REASON_FAILED. */
enum {
    SLOTQ_REASON_FAILED = 120,
    SLOTQ_REASON_TIME_LIMIT = 124,   /* the handler did not return in its time */
    SLOTQ_REASON_THREAD_ENDED = 125, /* the handler ended its thread */
    SLOTQ_REASON_BAD_FRAME = 126,    /* not a frame, in a queue with SLOTQ_FRAME_TYPED */
    SLOTQ_REASON_NO_HANDLER = 127    /* no handler for the type */
};

static inline slotq_result slotq_result_done(void)
{
    const slotq_result result = {0, SLOTQ_RESULT_DONE, 0};
    return result;
}
static inline slotq_result slotq_result_retry(uint8_t reason)
{
    const slotq_result result = {0, SLOTQ_RESULT_RETRY, reason};
    return result;
}
static inline slotq_result slotq_result_retry_after(uint64_t ms, uint8_t reason)
{
    const slotq_result result = {ms, SLOTQ_RESULT_RETRY, reason};
    return result;
}
static inline slotq_result slotq_result_dead(uint8_t reason)
{
    const slotq_result result = {0, SLOTQ_RESULT_DEAD, reason};
    return result;
}
static inline slotq_result slotq_result_release(void)
{
    const slotq_result result = {0, SLOTQ_RESULT_RELEASE, 0};
    return result;
}
static inline slotq_result slotq_result_snooze(uint64_t ms)
{
    const slotq_result result = {ms, SLOTQ_RESULT_SNOOZE, 0};
    return result;
}
static inline slotq_result slotq_result_later(void)
{
    const slotq_result result = {0, SLOTQ_RESULT_LATER, 0};
    return result;
}

/* ---- the task, in its handler, or between LATER and finish in any one thread ---- */

/* Valid as long as the task. */
SLOTQ_API const slotq_task_info *slotq_task_info_of(const slotq_task *task);
/* As slotq_frame_header. */
SLOTQ_API bool slotq_task_header(const slotq_task *task, const char *name, const void **value,
                                 uint32_t *bytes);

enum {
    SLOTQ_TOLD_LOST = 1,     /* the lease is lost: stop; what you answer is dropped */
    SLOTQ_TOLD_DOUBTFUL = 2, /* by this machine's clock the lease may have ended, and the queue does
                                not answer */
    SLOTQ_TOLD_LIMIT = 4,    /* the time limit has passed: return soon */
    SLOTQ_TOLD_STOPPING = 8  /* the worker stops: return within slotq_task_left_ms */
};
/* What the worker tells the handler: a sum of SLOTQ_TOLD_…. Two atomic loads: ask in every loop. */
SLOTQ_API uint32_t slotq_task_told(const slotq_task *task);
/* Milliseconds to the nearer of the time limit and the end of a stop; SLOTQ_NO_LIMIT = neither. */
SLOTQ_API uint64_t slotq_task_left_ms(const slotq_task *task);
/* Ask the queue now whether the lease is still held, and extend it: call it before something that
 * cannot be undone. OK; STALE, GONE, REMADE: it is lost; CONNECT, IO, OUTCOME_UNKNOWN: not known;
 * UNSUPPORTED: in a forked child. */
SLOTQ_API slotq_outcome slotq_task_confirm(slotq_task *task);
/* Progress was made (silence_ms). */
SLOTQ_API void slotq_task_alive(slotq_task *task);
/* Set the time limit of this run, from now. SLOTQ_NO_LIMIT = none. */
SLOTQ_API void slotq_task_set_limit(slotq_task *task, uint64_t limit_ms);
/* Text for people, which is kept with the message if this run ends in the dead section: why it
 * failed, without secrets. Copied; a later call replaces it. At most SLOTQ_NOTE_BYTES_MAX bytes
 * (else INVALID), of which the queue keeps the first note_bytes of its geometry. */
SLOTQ_API slotq_outcome slotq_task_note(slotq_task *task, const void *text, uint32_t bytes);
/* This worker takes nothing from the task's queue for rest_ms: for an answer 429 or a Retry-After
 * of what the handler calls. Messages that are held, but not begun, are given back. */
SLOTQ_API void slotq_task_rest_queue(slotq_task *task, uint64_t rest_ms);
/* End a task after LATER, once, from any thread; in loop mode from the loop's. OK: the queue will
 * be told; STALE: the lease was lost, the result is dropped; INVALID: it is not a LATER task, or
 * result is LATER. */
SLOTQ_API slotq_outcome slotq_task_finish(slotq_task *task, slotq_result result);

/* ---- handlers ---- */

typedef slotq_result slotq_on_task(void *context, slotq_task *task);
/* Many tasks of one type. results are retries at first; LATER is taken as a retry. */
typedef void slotq_on_tasks(void *context, slotq_task **tasks, uint32_t count,
                            slotq_result *results);
typedef struct slotq_chain slotq_chain;
/* Run the middleware behind this one, at last the handler. Call it at most once: a second call runs
 * nothing and returns a retry. */
SLOTQ_API slotq_result slotq_chain_run(slotq_chain *rest, slotq_task *task);
typedef slotq_result slotq_middleware(void *context, slotq_task *task, slotq_chain *rest);
/* The delay before the next attempt, in ms; cut to what the queue allows. */
typedef uint64_t slotq_backoff(void *context, const slotq_task_info *task, slotq_result result);
/* What the queue answered to a result. OK; STALE, GONE, REMADE: the message was not this worker's
 * any more; OUTCOME_UNKNOWN: never learnt. The body of task is gone by then (NULL).
 *
 * slotq_backoff, slotq_on_settled and slotq_on_event may be called while the worker has a queue
 * locked: they must not block, nor call slotq_task_finish, slotq_task_confirm, slotq_task_left_ms,
 * slotq_worker_join or slotq_worker_step, which would wait for ever. */
typedef void slotq_on_settled(void *context, const slotq_task_info *task, slotq_result result,
                              slotq_outcome outcome);

typedef struct slotq_handler {
    slotq_on_task *run;        /* either this */
    slotq_on_tasks *run_many;  /* or this: up to many_most tasks of the type, gathered by this */
    uint32_t many_most;        /* worker for many_wait_ms; to SLOTQ_CALL_MESSAGES_MAX, 0 = 32 */
    uint64_t many_wait_ms;     /* 0 = 200. Both are for run_many only */
    void *context;             /* passed to all calls of this handler */
    uint64_t limit_ms;         /* of one run; 0 = 30 minutes; SLOTQ_NO_LIMIT = none */
    uint64_t silence_ms;       /* no slotq_task_alive for so long counts as the limit; 0 = off */
    uint8_t attempts_most;     /* 0 = the queue's; more than the queue's has no effect */
    uint64_t backoff_least_ms; /* 0 = 1000; doubled from attempt to attempt, a quarter more or */
    uint64_t backoff_most_ms;  /* less by chance, up to this; 0 = 300000. Equal: fixed; least must
                                  not be above it */
    slotq_backoff *backoff;    /* or NULL: as above */
    slotq_on_settled *settled; /* or NULL */
    uint64_t reserved[4];      /* 0 */
} slotq_handler;

SLOTQ_API slotq_outcome slotq_mux_new(slotq_mux **mux); /* OK, NOMEMORY */
/* Workers that use it keep it until they are freed. NULL is allowed. */
SLOTQ_API void slotq_mux_free(slotq_mux *mux);
/* Which handler a type has: an exact name, else the longest prefix, else `unknown`. handler is
 * copied. OK; EXISTS: this name, or prefix, has one; INVALID: not a type, the mux is in use,
 * neither or both of run and run_many, or a number out of range; NOMEMORY. */
SLOTQ_API slotq_outcome slotq_mux_exact(slotq_mux *mux, const char *type,
                                        const slotq_handler *handler);
/* prefix: 1 to SLOTQ_TYPE_BYTES_MAX characters that a type may begin with; it matches itself. */
SLOTQ_API slotq_outcome slotq_mux_prefix(slotq_mux *mux, const char *prefix,
                                         const slotq_handler *handler);
/* For payloads without a frame. */
SLOTQ_API slotq_outcome slotq_mux_plain(slotq_mux *mux, const slotq_handler *handler);
/* For all types that have none. Without it such a task is snoozed (unknown_ms): another worker,
 * with newer code, may have the handler. */
SLOTQ_API slotq_outcome slotq_mux_unknown(slotq_mux *mux, const slotq_handler *handler);
enum { SLOTQ_MIDDLEWARES_MAX = 32 };
/* Put a middleware around every handler's run (not run_many): the first one is outermost. OK;
 * INVALID: it is NULL, there are SLOTQ_MIDDLEWARES_MAX, or the mux is in use. */
SLOTQ_API slotq_outcome slotq_mux_use(slotq_mux *mux, slotq_middleware *middleware, void *context);
/* A copy of the last refusal of the five before; returns its outcome, OK = none. error may be NULL.
 */
SLOTQ_API slotq_outcome slotq_mux_error(const slotq_mux *mux, slotq_error *error);

/* ---- events ---- */

typedef enum slotq_event_kind {
    SLOTQ_EVENT_START,        /* a handler is about to run */
    SLOTQ_EVENT_DONE,         /* acked */
    SLOTQ_EVENT_RETRY,        /* failed, and will be ready again */
    SLOTQ_EVENT_DEAD,         /* moved to the dead section, or refused by a full one (outcome) */
    SLOTQ_EVENT_RELEASE,      /* given back after its run */
    SLOTQ_EVENT_SNOOZE,       /* also without a handler: reason is SLOTQ_REASON_NO_HANDLER */
    SLOTQ_EVENT_LOST,         /* the lease was lost: the result was dropped, or refused */
    SLOTQ_EVENT_UNKNOWN,      /* it was never learnt what became of it */
    SLOTQ_EVENT_LIMIT,        /* a run is over its time limit */
    SLOTQ_EVENT_STUCK,        /* it still did not return: its message was given up. text tells if no
                                 thread is left to take its place: end the process */
    SLOTQ_EVENT_THREAD_ENDED, /* a handler ended its thread. Without a task: no other thread could
                                 take its place (text). If none is left, the worker stops, and
                                 slotq_worker_join returns IO */
    SLOTQ_EVENT_AWAY,         /* a queue cannot be reached, or refuses; it is tried again. Told when
                                 a call has failed: after reconnect_ms of slotq_redis.h, or a second
                                 if a lease is extended */
    SLOTQ_EVENT_BACK,         /* it answers again */
    SLOTQ_EVENT_QUEUE_FAILED, /* given up after patience_ms, or for good */
    SLOTQ_EVENT_REMADE,       /* made anew: messages of the old one are gone */
    SLOTQ_EVENT_CRON,         /* an occurrence was placed */
    SLOTQ_EVENT_CRON_MISSED,  /* one was skipped, or came too late */
    SLOTQ_EVENT_STATE         /* the worker's state changed: text is its name */
} slotq_event_kind;
/* "DONE" for SLOTQ_EVENT_DONE; "?" for a number that is not an event. Static. */
SLOTQ_API const char *slotq_event_name(slotq_event_kind kind);

typedef struct slotq_event {
    slotq_event_kind kind;
    const slotq_task_info *task; /* or NULL. After a run: body is NULL */
    const char *queue;           /* or NULL */
    const char *cron;            /* name of the entry, or NULL */
    slotq_result result;
    slotq_outcome outcome;
    uint64_t waited_ms;   /* START: since push or due (stamps), by the queue's clock */
    uint64_t ran_us;      /* DONE, if START or DONE are asked for: in the handler */
    const char *text;     /* for people, or NULL. Without bytes of messages but their types */
    uint64_t delay_ms;    /* RETRY, SNOOZE: ready after so long, as the backoff chose */
    uint64_t reserved[1]; /* 0 */
} slotq_event;

/* Called by the thread in which it happened, by several at once. It must not block, and may call of
 * the worker slotq_worker_stop, _get_stats and their like. All pointers are valid for the call. */
typedef void slotq_on_event(void *context, const slotq_event *event);

/* ---- the worker ---- */

typedef struct slotq_worker_options {
    uint32_t threads;       /* handlers at once, 1 to 1024; 0 = the processors that this process may
                               use, at most 16; loop mode: 1 */
    bool loop;              /* no thread runs handlers: the caller calls slotq_worker_step */
    bool no_bridge;         /* loop mode, files and memory: no thread that makes fd readable when a
                               message comes; due_ms polls instead */
    bool strict;            /* take from queues in the order in which they were added; else by
                               weight */
    uint64_t starve_ms;     /* strict: a queue that was not asked for so long is asked first, once;
                               0 = 10000; SLOTQ_NO_LIMIT = never */
    uint64_t lease_ms;      /* 0 = 30000; at least 3 ticks; extended at a third */
    uint64_t give_back_ms;  /* what a thread holds behind a run longer than this is given back;
                               0 = 50 */
    uint64_t stop_ms;       /* time for handlers to return after slotq_worker_stop; 0 = 25000 */
    uint64_t patience_ms;   /* how long a queue may be away before QUEUE_FAILED; 0 = for ever */
    uint8_t alone_attempts; /* in the first 1.5 leases a message with so many attempts runs with
                               nothing beside it, so that if it kills the process, it takes no
                               other along; 0 = 3; 255 = off */
    uint32_t stuck_most;    /* threads that may be replaced because their handler hangs, to 1024;
                               0 = threads */
    uint32_t pending_most;  /* LATER and gathered tasks at a time, to SLOTQ_CALL_MESSAGES_MAX; 0 =
                               64. Memory: this times the largest payload_bytes */
    size_t stack_bytes;     /* of a thread; 0 = the system's */
    slotq_on_event *on_event; /* or NULL */
    void *event_context;
    uint32_t event_mask;  /* sum of 1 << kind; 0 = all but START and DONE */
    uint64_t reserved[4]; /* 0 */
} slotq_worker_options;

typedef enum slotq_frame_rule {
    SLOTQ_FRAME_AUTO,  /* framed or plain, as the payload looks */
    SLOTQ_FRAME_TYPED, /* a payload without a frame dies (SLOTQ_REASON_BAD_FRAME) */
    SLOTQ_FRAME_PLAIN  /* no payload is read as a frame */
} slotq_frame_rule;

typedef struct slotq_worker_queue {
    uint8_t group;
    uint32_t weight;        /* 0 = 1 */
    uint32_t prefetch_most; /* messages that a thread may hold, to SLOTQ_CALL_MESSAGES_MAX; 0 = 64;
                               1 = shares are even, but each run is a round trip */
    uint64_t prefetch_ms;   /* and about so much work; 0 = 20 */
    uint32_t threads_most;  /* handlers of this queue at once; 0 = all */
    uint32_t threads_kept;  /* threads that work for no other queue; 0 = none. Those of all queues
                               together: at most `threads`, and less if some queue has none */
    uint64_t
        rate_interval_us; /* one message in so long, for this worker alone; 0 = no limit. For */
    uint32_t rate_burst;  /* all workers together: slotq_limit. 0 = 1 */
    uint64_t lease_ms;    /* 0 = the worker's */
    slotq_frame_rule frame;
    uint64_t unknown_ms;      /* a type without a handler is snoozed for so long; 0 = 30000 */
    uint64_t unknown_most_ms; /* and dies when it is so old; 0 = 3600000. Without stamps it is
                                 nacked instead, and dies at its last attempt */
    uint64_t reserved[4];     /* 0 */
} slotq_worker_queue;

/* options may be NULL. OK; INVALID; NOMEMORY. error may be NULL. */
SLOTQ_API slotq_outcome slotq_worker_new(slotq_mux *mux, const slotq_worker_options *options,
                                         slotq_worker **worker, slotq_error *error);
/* Before start. queue stays the caller's, is cloned by slotq_worker_start, and must be open until
 * slotq_worker_free. name is for events, metrics and tasks (1 to 200 bytes, copied; not twice in a
 * worker). options may be NULL. OK; EXISTS (the name); INVALID (NULL, started, a number out of
 * range); NOMEMORY. slotq_worker_error has the text. */
SLOTQ_API slotq_outcome slotq_worker_add_queue(slotq_worker *worker, slotq *queue, const char *name,
                                               const slotq_worker_queue *options);
/* Before start; queue as given to slotq_worker_add_queue. OK; EXISTS (the name in this queue);
 * INVALID: error names the field and the value; TOOBIG: the task, with the headers due and cron, is
 * larger than payload_bytes; UNSUPPORTED: the queue has no keys, or fewer later_slots than two for
 * each entry; NOMEMORY. */
SLOTQ_API slotq_outcome slotq_worker_add_cron(slotq_worker *worker, slotq *queue,
                                              const slotq_cron *entry, slotq_error *error);

typedef enum slotq_worker_state {
    SLOTQ_WORKER_NEW,
    SLOTQ_WORKER_RUNNING,
    SLOTQ_WORKER_QUIET,
    SLOTQ_WORKER_DRAINING,
    SLOTQ_WORKER_STOPPING,
    SLOTQ_WORKER_ENDED
} slotq_worker_state;
/* "RUNNING" for SLOTQ_WORKER_RUNNING; "?" for a number that is not a state. Static. */
SLOTQ_API const char *slotq_worker_state_name(slotq_worker_state state);

/* Start. OK: all handles are open and the threads run. Otherwise nothing runs: INVALID (no queue,
 * started before, a group or lease that a queue does not have, no thread for a queue), the outcome
 * of a slotq_clone, NOMEMORY, IO (no thread). slotq_worker_error has the text. */
SLOTQ_API slotq_outcome slotq_worker_start(slotq_worker *worker);
/* slotq_worker_start, and wait until it has ended. OK; LEASED: as slotq_worker_join; or as start.
 * If all queues have failed, the outcome of the last one. */
SLOTQ_API slotq_outcome slotq_worker_run(slotq_worker *worker);

/* The next six: any thread, also a handler; they never block. */
/* Take nothing more. What was not begun is given back; what runs goes on. */
SLOTQ_API void slotq_worker_quiet(slotq_worker *worker);
SLOTQ_API void slotq_worker_resume(slotq_worker *worker); /* after quiet */
/* Stop as soon as no queue has an unfinished message; scheduled ones do not count. Before start: as
 * soon as it has started. */
SLOTQ_API void slotq_worker_drain(slotq_worker *worker);
/* As quiet; handlers are told; after stop_ms as slotq_worker_stop_now. */
SLOTQ_API void slotq_worker_stop(slotq_worker *worker);
/* What still runs is given back, and its results are dropped. */
SLOTQ_API void slotq_worker_stop_now(slotq_worker *worker);
/* Also in a signal handler: the first call is stop, the second stop_now. */
SLOTQ_API void slotq_worker_signalled(slotq_worker *worker);
/* From start on the worker takes SIGTERM and SIGINT (each unless it is ignored now) as
 * slotq_worker_signalled. Blocks them in the calling thread: call it before the program has other
 * threads. OK, INVALID (started), IO. slotq_worker_error has the text. */
SLOTQ_API slotq_outcome slotq_worker_catch_signals(slotq_worker *worker);

/* Wait for the end, at most wait_ms. OK: all threads have ended; AGAIN: not yet; LEASED: it ended,
 * but *left (may be NULL) handlers do not return, or LATER tasks were not finished: end the process
 * by _exit, or join again when they are. *left is 0 if only threads of the worker still wait for a
 * server that does not answer. If all queues failed: the outcome of the last one. Any thread but a
 * handler's. */
SLOTQ_API slotq_outcome slotq_worker_join(slotq_worker *worker, uint64_t wait_ms, uint32_t *left);
/* Free a worker that was not started, or has been joined. Waits for calls of quiet, resume, drain,
 * stop and stop_now that other threads have begun, and not for slotq_worker_signalled. OK; INVALID:
 * it runs, or the last join left something; nothing was freed. NULL is allowed. */
SLOTQ_API slotq_outcome slotq_worker_free(slotq_worker *worker);

/* ---- loop mode ---- */

/* A descriptor of the worker, for poll: it is readable, or slotq_worker_due_ms is 0, when
 * slotq_worker_step has something to do. -1 before start, and without loop mode. */
SLOTQ_API int slotq_worker_fd(slotq_worker *worker);
/* Milliseconds until step has something to do without fd; SLOTQ_NO_LIMIT = only fd tells. */
SLOTQ_API uint64_t slotq_worker_due_ms(slotq_worker *worker);
/* Do what there is to do, and run at most `most` handlers; *ran (may be NULL) were run. After 50 ms
 * it takes nothing more, and due_ms is 0. One thread at a time. OK: handlers were run; EMPTY: none;
 * GONE: the worker has ended, slotq_worker_free may be called, and LATER tasks that were not
 * finished are void; INVALID: from a handler, or not in loop mode.
 *
 * While a handler runs in the loop, nothing extends its lease, and no time limit is told: for long
 * work return LATER, and call slotq_worker_step in time. threads_kept has no meaning here. */
SLOTQ_API slotq_outcome slotq_worker_step(slotq_worker *worker, uint32_t most, uint32_t *ran);

/* ---- looking: any thread ---- */

typedef struct slotq_worker_stats {
    slotq_worker_state state;
    uint32_t running; /* handlers */
    uint32_t held;    /* messages leased, those that run included */
    uint32_t pending; /* LATER and gathered */
    uint32_t stuck;   /* handlers that were given up and do not return */
    bool away;        /* some queue cannot be reached */
    /* From here on since start. */
    uint64_t done, retried, died, released, snoozed, lost, unknown;
    uint64_t given_back; /* not begun, and given back */
    uint64_t limits, threads_ended, cron_pushed, cron_missed;
    uint64_t reserved[4]; /* 0 */
} slotq_worker_stats;
SLOTQ_API void slotq_worker_get_stats(slotq_worker *worker, slotq_worker_stats *stats);
/* A copy of the last failure; returns its outcome, OK = none. error may be NULL. */
SLOTQ_API slotq_outcome slotq_worker_error(slotq_worker *worker, slotq_error *error);
/* The metrics as OpenMetrics text, in pieces, until write returns false (then false). The labels
 * are queue and handler ("email:deliver", a prefix as "email:*", "(unknown)", "(plain)"): their
 * number is fixed when the worker starts, whatever payloads hold. */
SLOTQ_API bool slotq_worker_metrics(slotq_worker *worker,
                                    bool (*write)(void *context, const char *text, size_t bytes),
                                    void *context);

#ifdef __cplusplus
}
#endif
#endif
