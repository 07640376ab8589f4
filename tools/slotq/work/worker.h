/* worker.h: a run of the command work: its state, and what its files do for each other. worker.c
 * runs the loop, task.c stands between it and the library's worker (slotq_worker.h), which takes
 * messages, keeps their leases and settles them; verdict.c judges how a command ended, dead.c looks
 * at the dead section. Knows children only by how they ended.
 */
#ifndef SLOTQ_TOOLS_WORK_WORKER_H
#define SLOTQ_TOOLS_WORK_WORKER_H

#include "../line/command_line.h"
#include "child.h"
#include "relay.h"
#include "slotq_worker.h"

/* How far the end has come. */
typedef enum work_end { END_NOT, END_DRAIN, END_NOW } work_end;

typedef enum job_state {
    JOB_NONE,
    JOB_RUNS,
    JOB_ENDED,   /* its verdict is to be given */
    JOB_FINISHED /* the library settles its message */
} job_state;

/* What is done with a message whose command has ended. */
typedef struct job_verdict {
    slotq_result result;
    uint64_t *counter; /* counts it when that is done */
    char text[40];     /* of the line on stderr */
} job_verdict;

/* A message and its command. Times are of the monotonic clock, UINT64_MAX = never. */
typedef struct job {
    job_state state;
    slotq_task *task;
    uint64_t id;
    uint8_t attempts;
    bool timed_out;
    bool lost;      /* its lease ended or was settled elsewhere */
    bool unwritten; /* its output could not be written: it is run again */
    pid_t pid;
    int status;
    relay_pair output;
    job_verdict verdict;
    uint64_t started_at_ms;
    uint64_t timeout_at_ms;
    uint64_t kill_at_ms;   /* set with a SIGTERM */
    uint64_t settle_at_ms; /* not before; 0 = not set */
} job;

/* One run of the command. */
typedef struct worker {
    const command_line *line;
    const char *name;
    slotq *queue; /* only for looking: the library has other handles */
    slotq_mux *mux;
    slotq_worker *runtime;
    bool is_over; /* runtime has ended */
    job *jobs;
    uint32_t job_count;
    uint32_t busy; /* jobs that are not JOB_NONE */
    slotq_batch *looked;
    uint8_t group;
    uint32_t generation;  /* of the queue as it was last looked at */
    uint32_t gone;        /* messages whose end found another queue, until it is told */
    uint32_t tell_remade; /* steps until then; 0 = it was not made anew */
    uint64_t lease_ms;
    uint64_t timeout_ms;  /* UINT64_MAX = none */
    uint64_t patience_ms; /* how long refusals that pass are waited for */
    child_program program;
    relays outputs;
    bool far;               /* the queue is in Redis */
    uint64_t look_at_ms;    /* whether it is paused, or what is left cannot die */
    uint64_t away_since_ms; /* 0 = it answers */
    bool told_refused;
    int signals;
    int interrupted_by;
    work_end end;
    bool told_paused;
    bool told_trouble; /* with the shards of a sharded queue */
    bool told_full;
    bool told_stuck;
    bool told_dropped;
    uint32_t dead_dropped_before; /* the queue's count when the worker began */
    bool gave_up;
    bool lost_output;
    int code;
    uint64_t started_at_ms;
    uint64_t acked;  /* these count runs of the command */
    uint64_t failed; /* to be tried again */
    uint64_t died;
    uint64_t lost; /* leases that ended, or were settled elsewhere, before the command did */
    uint64_t released;
} worker;

/* ---- worker.c ---- */

/* Signals come by descriptor from here on, except those that are ignored. EXIT_CODE_OK, or another
 * after a message. */
int worker_watch_signals(worker *work);
/* Take in the signals that came: the first ends the run in order, the second at once. */
void worker_take_signals(worker *work);

/* A free place; NULL: none. Its message is worked on from now on. */
job *worker_new_job(worker *work, slotq_task *task);
/* The job of a message, in any state but JOB_NONE; NULL: none. */
job *worker_find_job(worker *work, uint64_t id);
/* The job's place is free. */
void worker_free_job(worker *work, job *one);
/* Its command is told to end. */
void worker_terminate(job *one);

/* Until there is no more to do. */
void worker_run(worker *work);

/* stdout or stderr takes no more: say why, take no more, and end what runs; its messages are
 * released. */
void worker_lose_output(worker *work, int why);

/* Take no more; what runs is still finished. */
void worker_drain(worker *work, int code);

/* ---- task.c ---- */

/* EXIT_CODE_OK: the options fit the queue. Else a message was printed. */
int task_judge_queue(const worker *work);
/* The library begins. EXIT_CODE_OK, or another after a message. */
int task_start(worker *work);
void task_stop(worker *work);
/* One step of the library, and what it told. */
void task_step(worker *work);
/* The queue was away for longer than the patience: say so, and drain. */
void task_look_at_patience(worker *work);
/* The verdict of a job is made: the library settles its message. */
void task_finish(worker *work, job *one);

/* ---- verdict.c ---- */

/* Of a command that has ended. False: not yet. */
bool verdict_make(worker *work, job *one);
void verdict_decide(job *one, slotq_result result, uint64_t *counter, const char *text);
/* A line about a run: what failed is told without -v. */
void verdict_tell(const worker *work, const job *one, const char *what);
void verdict_tell_settled(const worker *work, const job *one);

/* ---- dead.c ---- */

/* Of a queue that gave nothing: when all that is left cannot die, because the dead section is full
 * and refuses, say so; with --drain that is the end. */
void worker_look_whether_stuck(worker *work, const slotq_stats *stats);
/* Dead messages were dropped since the worker began: say so, once. */
void worker_tell_dropped(worker *work);

#endif
