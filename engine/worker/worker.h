/* worker.h: what the files of a worker share: the worker, its queues, threads, and what they hold.
 *
 * Locks, in this order; none is held while a handler runs:
 *   queue->lock    the keeper's handle; tokens and states of what it may settle; trips are made
 *                  with it held
 *   worker->lock   states, permits, queues' times, free hands and tasks; never held in a trip
 */
#ifndef SLOTQ_WORKER_WORKER_H
#define SLOTQ_WORKER_WORKER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "../slotq_worker.h"
#include "mux.h"
#include "pace.h"

typedef struct worker_queue worker_queue;
typedef struct worker_thread worker_thread;
typedef struct worker_hand worker_hand;

/* ---- what becomes of a message ---- */

/* How a message is settled after a result. */
typedef struct settlement {
    slotq_settle_how how;
    uint64_t ms;
    uint8_t reason;
    slotq_event_kind kind; /* told when the queue said OK */
    slotq_result result;   /* the handler's */
    const slotq_data *note; /* or NULL; borrowed from what is settled */
} settlement;

/* What slotq_task_note gave. */
typedef struct task_note {
    slotq_data data; /* size 0: none */
    char text[SLOTQ_NOTE_BYTES_MAX];
} task_note;

typedef enum item_state {
    ITEM_HELD,     /* leased, not begun */
    ITEM_RUNS,     /* claimed */
    ITEM_FINISHED, /* has a settlement */
    ITEM_SETTLED,  /* by the keeper; it is told */
    ITEM_LEFT      /* taken out of the hand: LATER, gathered */
} item_state;

/* What was sent before and not answered. */
enum { DOUBT_SETTLED = 1, DOUBT_TOKEN = 2 };

/* A message of a hand: what each run needs, and is small so that a hand stays in the cache. */
typedef struct hand_item {
    uint64_t id;
    const void *payload;
    uint64_t pushed_ms;
    const mux_entry *entry;
    uint32_t payload_bytes;
    uint32_t token;       /* the newest */
    uint32_t batch_token; /* as the batch has it */
    uint8_t attempts;
    uint8_t state;  /* item_state */
    uint8_t doubts; /* DOUBT_… */
    bool is_plain;  /* FINISHED: an ack, and nothing to tell */
} hand_item;

/* What an item has besides, if it is FINISHED and not plain. */
typedef struct hand_detail {
    settlement plan;
    uint64_t due_ms;
    uint32_t type_bytes; /* kept for what is told after the payload is gone */
    char type[SLOTQ_TYPE_BYTES_MAX + 1];
    task_note note;
} hand_detail;

typedef enum hand_state {
    HAND_FREE,
    HAND_BUSY,     /* a thread's */
    HAND_OWED,     /* the keeper's: settlements that failed */
    HAND_ABANDONED /* its thread is stuck in a handler; it has no handle */
} hand_state;

/* Messages that one thread has leased with one call, and the handle for it. */
struct worker_hand {
    _Atomic uint64_t place; /* hand.h */
    _Atomic bool is_taken;  /* the keeper settles all but the message that runs */
    worker_queue *queue;
    slotq *handle;
    slotq_batch *batch;
    slotq_task *task;      /* of the message that runs */
    worker_thread *thread; /* BUSY */
    hand_item *items;      /* prefetch_most of them */
    hand_detail *details;  /* one an item */
    uint32_t count;
    uint32_t generation; /* of the queue whose messages they are */
    uint32_t epoch;
    hand_state state;
    uint32_t failures;          /* results that were not DONE */
    uint64_t began_ns;          /* the batch, monotonic */
    _Atomic uint64_t leased_ms; /* before the lease was asked for, clock_lease_ms */
    bool is_mixed;              /* some message is not plain */
    bool arrives;               /* worker->lock: counted in worker->arriving */
    bool waits;                 /* in a waiting call: may be interrupted */
    uint32_t suspect;           /* the first item with alone_attempts; UINT32_MAX: none */
    uint64_t ran_ns;            /* of the last run, where it is timed */
    uint64_t left_run;          /* with queue->lock: the run that is kept: LATER, gathered */
    uint64_t lost_run;          /* with queue->lock: the run whose lease was lost */
    pace_prefetch prefetch;
    /* The keeper's, with queue->lock. */
    uint64_t seen_run;
    uint64_t seen_ms;
    bool is_given_up;
    uint64_t retry_at_ms; /* an extension that was not answered */
    uint64_t owed_at_ms;
    uint64_t owed_since_ms;
    unsigned owed_tries;
    worker_hand *next;
};

/* ---- tasks ---- */

typedef enum task_state {
    TASK_FREE,
    TASK_RUNS,     /* in a hand */
    TASK_EARLY,    /* the same, and finish was called before its handler returned */
    TASK_LATER,    /* kept: waits for finish */
    TASK_GATHERED, /* kept: waits for others of its type */
    TASK_MANY,     /* kept: in run_many */
    TASK_FINISHED  /* kept: to be settled by the keeper */
} task_state;

struct slotq_task {
    slotq_task_info info;
    slotq_worker *worker;
    worker_queue *queue;
    worker_hand *in_hand; /* NULL: kept */
    _Atomic(const mux_entry *) entry;
    uint32_t token;         /* with queue->lock; in a hand see hand_item */
    uint32_t item;          /* in the hand */
    uint64_t seq;           /* of the run: tells one run in a hand from the next */
    _Atomic uint64_t begun; /* seq, once all above is of that run */
    _Atomic uint32_t state;
    _Atomic uint64_t told;        /* seq << 8 | SLOTQ_TOLD_… */
    _Atomic uint64_t limit_at_ms; /* of set_limit, clock_run_ms; 0 = the handler's */
    _Atomic uint64_t alive_ms;    /* of alive, clock_run_ms; 0 = none */
    bool has_note;
    uint64_t begun_ms;            /* clock_run_ms, as the keeper saw it, or exactly */
    /* The keeper's, with queue->lock. */
    _Atomic uint64_t renewed_ms; /* clock_lease_ms before the lease was asked for */
    uint64_t retry_at_ms;
    uint64_t owed_since_ms;
    unsigned tries;
    uint32_t generation; /* of the queue whose message it is */
    bool is_lost;
    bool is_unbegun;       /* FINISHED, but no handler saw it: given back, or lost */
    uint8_t doubts;        /* DOUBT_… */
    worker_thread *thread; /* MANY */
    settlement plan;       /* FINISHED */
    task_note note;        /* has_note */
    char *copy;            /* of the payload, in a kept task */
    char *larger;          /* copy, if the queue was made anew for larger payloads; or NULL */
    uint32_t copy_bytes;   /* room there */
    slotq_task *next;      /* free, or kept */
    slotq_task *gathered;  /* with worker->lock: those behind it */
};

/* ---- queues ---- */

/* What is counted for each handler of a queue. */
typedef enum worker_count {
    COUNT_DONE,
    COUNT_RETRIED,
    COUNT_DIED,
    COUNT_RELEASED,
    COUNT_SNOOZED,
    COUNT_LOST,
    COUNT_UNKNOWN,
    COUNT_GIVEN_BACK,
    COUNT_LIMITS,
    COUNT_RUN_NS, /* in handlers */
    COUNT_KINDS
} worker_count;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in order of locks */
struct worker_queue {
    slotq_worker *worker;
    uint32_t index;
    slotq *given;
    char name[201];
    slotq_worker_queue options;
    uint64_t lease_ms;
    _Atomic uint64_t most_ms;     /* of a delay */
    _Atomic uint8_t max_attempts; /* the queue's */
    uint64_t look_ms;             /* how often the keeper looks at a hand that works */
    _Atomic bool halted;          /* no thread begins another message: a rest, a stop */
    /* The keeper. */
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t lock;
    slotq *handle;
    slotq_batch *looked;
    bool is_silent; /* a trip of this pass had no answer: no more are made in it */
    struct owed_one *ones; /* scratch: owed.h */
    struct owed_one *extends;
    slotq_run *runs;
    uint8_t *outcomes;
    uint32_t *tokens;
    uint32_t ones_most;
    int bell;                     /* eventfd */
    _Atomic uint64_t wakes_at_ms; /* clock_run_ms; its next look */
    slotq_task *kept;             /* with lock */
    bool is_unkept;               /* with lock: its keeper has ended */
    _Atomic uint32_t kept_count;
    bool keeper_ended;        /* worker->lock */
    _Atomic uint64_t *counts; /* mux_count() + 1 times COUNT_KINDS; the last: no handler */
    /* With worker->lock. */
    worker_hand *hands; /* all but abandoned ones */
    worker_hand *gone;  /* abandoned ones */
    pace_bucket bucket;
    uint32_t busy;       /* hands whose messages run */
    bool watched;        /* a thread waits for its messages */
    uint64_t look_at_ms; /* was empty: not before, but by its watcher */
    uint64_t rest_until_ms;
    uint64_t asked_ms; /* strict */
    uint64_t away_until_ms;
    _Atomic bool away;
    uint64_t away_since_ms;
    unsigned refusals;
    _Atomic bool failed; /* given up, for good */
    bool drained;
    uint32_t generation;
    struct cron_entry *cron;       /* cron_turn.h */
    struct cron_entry *cron_first; /* which had no trip in the last turn; or NULL */
    uint32_t cron_count;
    /* Loop mode: loop.h. */
    struct loop_bridge *bridge;
    int listen_fd;      /* of the hand's handle; -1 = none */
    bool is_far;        /* in Redis */
    bool is_registered; /* there, for wake-ups */
};

/* ---- threads ---- */

struct worker_thread {
    slotq_worker *worker;
    pthread_t id;
    worker_hand *hand;
    mux_cache cache;
    uint32_t *runs;      /* of the hand, by entry */
    slotq_task **many;   /* for run_many: many_most of the largest */
    uint32_t many_count; /* that run_many has now */
    slotq_result *results;
    bool has_permit;        /* worker->lock */
    worker_queue *chosen;   /* for its next hand */
    uint32_t most;          /* messages that it may take at once */
    uint64_t masked_ms;     /* when its signal mask was set */
    bool is_given_up;       /* worker->lock: its handler hangs */
    bool has_heir;          /* and another thread has its place */
    _Atomic uint32_t alone; /* alone.c */
    bool ended;             /* worker->lock */
    bool joined;
    worker_thread *next;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in order of locks */
struct slotq_worker {
    slotq_mux *mux;
    slotq_worker_options options;
    worker_queue **queues;
    uint32_t queue_count;
    _Atomic uint32_t state; /* slotq_worker_state */
    _Atomic bool stop_now;
    _Atomic bool drains;         /* from the start on */
    _Atomic uint64_t stop_at_ms; /* clock_run_ms; 0 = no stop */
    _Atomic uint32_t signalled;
    _Atomic uint32_t kept_count; /* LATER and gathered */
    _Atomic uint32_t limits, threads_ended, cron_pushed, cron_missed;
    uint32_t event_mask;
    bool is_timed; /* each run, for START and DONE */
    bool catches_signals;
    sigset_t signals; /* those that catch_signals takes */
    sigset_t blocked; /* in threads: all but faults */
    int signal_fd;
    pthread_t signal_thread; /* waits for them */
    bool has_signal_thread;
    int signal_end;            /* eventfd */
    bool has_membarrier;       /* hand.h */
    _Atomic uint64_t slept_ms; /* by the machine since it booted: clock_lease_ms less
                                  clock_run_ms, as keepers saw it */
    unsigned char *mark;       /* a page that a fork wipes: 1 in the process that started */
    pthread_mutex_t lock;
    pthread_cond_t work; /* parked threads */
    pthread_cond_t ends; /* join; free */
    uint32_t calls;      /* that change the state, now; with lock */
    worker_thread *threads;
    uint32_t alive;          /* threads that have not ended */
    uint32_t keepers;        /* that have not ended */
    _Atomic uint32_t parked; /* changed with lock */
    uint32_t running;        /* permits in use */
    uint32_t arriving;       /* hands whose watcher has messages, but no permit yet */
    uint32_t taken;          /* with several queues: hands that got messages */
    uint32_t stuck;
    uint32_t replaced;
    int64_t *credits;
    bool *may_go; /* scratch of a choice */
    uint32_t *weights;
    slotq_task *tasks; /* free ones */
    slotq_task *all_tasks;
    char *copies; /* for payloads of kept tasks */
    uint32_t task_count;
    struct gather *gathers;         /* one an entry: gather.h */
    _Atomic uint64_t gather_due_ms; /* when some are to run; UINT64_MAX = none */
    slotq_error error;
    slotq_outcome last_failure; /* the worker ends by it: all queues failed, or no thread is left */
    /* Messages that run with nothing beside them: alone.h. */
    _Atomic bool alone_phase;
    uint64_t alone_until_ms;
    pthread_cond_t alone_turn;
    uint32_t beside;
    bool alone_waits;
    bool alone_runs;
    /* Loop mode: loop.h. */
    worker_thread *stepper;
    int loop_fd;
    uint64_t loop_keep_ms; /* the keepers' next look */
    _Atomic bool steps;
};

static inline slotq_worker_state worker_state(const slotq_worker *worker)
{
    return (slotq_worker_state)atomic_load_explicit(&worker->state, memory_order_acquire);
}

/* True while messages are taken. */
static inline bool worker_takes(const slotq_worker *worker)
{
    const slotq_worker_state state = worker_state(worker);
    return state == SLOTQ_WORKER_RUNNING || state == SLOTQ_WORKER_DRAINING;
}

#endif
