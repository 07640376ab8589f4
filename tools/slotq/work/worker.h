/* worker.h: a run of the command work: its state, and what its files do for each other. worker.c
 * runs the loop, fetch.c takes messages, settle.c settles them, dead.c looks at the dead section.
 * Knows children only by how they ended.
 */
#ifndef SLOTQ_TOOLS_WORK_WORKER_H
#define SLOTQ_TOOLS_WORK_WORKER_H

#include "../line/command_line.h"
#include "child.h"
#include "relay.h"
#include "slotq.h"

/* How far the end has come. */
typedef enum work_end { END_NOT, END_DRAIN, END_NOW } work_end;

typedef enum job_state {
    JOB_NONE,
    JOB_RUNS,
    JOB_ENDED /* its message is to be settled */
} job_state;

/* What is to be done with a message whose command has ended. */
typedef struct job_verdict {
    bool is_made;
    slotq_settle_how how;
    uint64_t delay_ms;
    uint8_t reason;
    slotq_data note;   /* if the message dies */
    uint64_t *counter; /* counts it when that is done */
    char text[40];     /* of the line on stderr */
} job_verdict;

/* A message and its command. Times are of the monotonic clock, UINT64_MAX = never. */
typedef struct job {
    job_state state;
    uint64_t id;
    uint8_t attempts;
    uint32_t generation; /* of the queue that the message is in */
    slotq_batch *batch;  /* the message's, of this place */
    uint32_t token;      /* used when the message is not in the batch */
    bool is_in_batch;
    bool token_in_doubt; /* an extend without an answer may have changed it */
    bool timed_out;
    bool lost;      /* its lease ended or was settled elsewhere */
    bool unwritten; /* its output could not be written: it is run again */
    bool perhaps_settled;
    pid_t pid;
    int status;
    relay_pair output;
    job_verdict verdict;
    uint64_t started_at_ms;
    uint64_t extend_at_ms;
    uint64_t timeout_at_ms;
    uint64_t kill_at_ms;    /* set with a SIGTERM */
    uint64_t settle_at_ms;  /* not before */
    uint64_t refused_at_ms; /* its calls are refused since then; 0 = they are not */
} job;

/* One run of the command. */
typedef struct worker {
    const command_line *line;
    const char *name;
    slotq *queue;
    job *jobs;
    uint32_t job_count;
    uint32_t busy; /* jobs that are not JOB_NONE */
    slotq_batch *looked;
    uint8_t group;
    uint32_t generation; /* of the queue as it was last looked at */
    uint32_t gone;       /* messages whose end found another queue, until it is looked at */
    uint64_t lease_ms;
    uint64_t timeout_ms;  /* UINT64_MAX = none */
    uint64_t patience_ms; /* how long refusals that pass are waited for */
    uint64_t rest_until_ms;
    child_program program;
    relays outputs;
    bool far;               /* the queue is in Redis */
    int woken;              /* far queues: readable when there may be messages; -1 = none */
    uint64_t look_at_ms;    /* far queues: nothing is ready before that, or until we are woken */
    uint64_t call_at_ms;    /* a call was refused: the queue is left alone until then */
    uint64_t refused_at_ms; /* reserving is refused since then; 0 = it is not */
    bool told_refused;
    int signals;
    int interrupted_by;
    work_end end;
    bool drained;
    bool told_paused;
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

/* Run the command for a reserved message in the job's batch. */
void worker_start_job(worker *work, job *one, const slotq_message *message);
/* The job's place is free. */
void worker_free_job(worker *work, job *one);

/* Until there is no more to do. */
void worker_run(worker *work);

/* stdout or stderr takes no more: say why, take no more, and end what runs; its messages are
 * released. */
void worker_lose_output(worker *work, int why);

/* ---- refusals ---- */

/* Take no more; what runs is still finished. */
void worker_drain(worker *work, int code);
/* The queue failed: say so, and drain. */
void worker_give_up(worker *work);

/* A call was refused, or its outcome is unknown. True: it is to be repeated, not before
 * call_at_ms. False: it stays refused, or it was for longer than the patience. since_ms: since when
 * calls like this one are refused. */
bool worker_may_repeat(worker *work, slotq_outcome outcome, uint64_t *since_ms);
/* A call like that was not refused. */
void worker_note_answer(worker *work, uint64_t *since_ms);

/* ---- the queue is made anew ---- */

/* The message of a job is in the queue that has the name now. */
bool worker_has_message(const worker *work, const job *one);
/* EXIT_CODE_OK: the options fit the queue. Else a message was printed. */
int worker_judge_queue(const worker *work);

/* ---- fetch.c ---- */

/* Fill the free places. */
void worker_fetch(worker *work);

/* ---- dead.c ---- */

/* Of a queue that gave nothing: when all that is left cannot die, because the dead section is full
 * and refuses, say so; with --drain that is the end. */
void worker_look_whether_stuck(worker *work, const slotq_stats *stats);
/* Dead messages were dropped since the worker began: say so, once. */
void worker_tell_dropped(worker *work);

/* ---- settle.c ---- */

/* A new lease for the message of a job; it is marked when its lease was lost. */
void worker_extend(worker *work, job *one, uint64_t now_ms);

/* The command of a job has ended: judge it, and settle its message as soon as that can be done.
 * The next message is taken with an ack, and started in its place. */
void worker_settle(worker *work, job *one);

/* Give a message back, or put it to the dead, without running its command. */
void worker_release(worker *work, job *one);
void worker_kill(worker *work, job *one, uint8_t reason, const char *note);

#endif
