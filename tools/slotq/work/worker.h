/* worker.h: a run of the command work: its state, and how messages are settled when their
 * command has ended. Knows children only by how they ended.
 */
#ifndef SLOTQ_TOOLS_WORK_WORKER_H
#define SLOTQ_TOOLS_WORK_WORKER_H

#include "child.h"
#include "../line/command_line.h"
#include "slotq.h"

/* How far the end has come. */
typedef enum work_end { END_NOT, END_DRAIN, END_NOW } work_end;

/* One run of the command. */
typedef struct worker {
    const command_line *line;
    const char *name;
    slotq *queue;
    child *children;
    slotq_batch **batches; /* of each child: its message */
    uint32_t job_count;
    uint32_t running;
    uint8_t group;
    uint64_t lease_ms;
    uint64_t timeout_ms; /* UINT64_MAX = none */
    uint64_t rest_until_ms;
    child_program program;
    bool far;            /* the queue is in Redis */
    int woken;           /* far queues: readable when there may be something for us; -1 = none */
    uint64_t look_at_ms; /* far queues: nothing is ready before that, or until we are woken */
    uint64_t lost_at_ms; /* when the server went away; 0 = it is there */
    int signals;
    int interrupted_by;
    work_end end;
    bool drained;
    bool told_paused;
    bool told_full;
    int code;
    uint64_t started_at_ms;
    uint64_t acked;  /* these count runs of the command */
    uint64_t failed; /* to be tried again */
    uint64_t died;
    uint64_t lost; /* the lease was somebody else's by then */
    uint64_t released;
} worker;

/* Milliseconds of a clock that never jumps. */
uint64_t worker_now_ms(void);

/* The queue itself fails: say so, take nothing more; what runs is still finished. */
void worker_give_up(worker *work);

/* Take in the signals that came: the first ends the run in order, the second at once. */
void worker_take_signals(worker *work);

/* No server, one that loads its data first, or no answer: what passes, on a queue in Redis. */
bool worker_server_is_away(const worker *work, slotq_outcome outcome);

/* The server answers. */
void worker_note_there(worker *work);

/* The server is away: false while it is worth waiting for, a message said; true after that. */
bool worker_is_cut_off(worker *work);

slotq_batch *worker_batch_of(const worker *work, const child *one);

/* A new lease for a message. */
slotq_outcome worker_extend(worker *work, const child *one);

/* Settle a message by how its command ended (a wait status). With take_next, and where it is
 * acked, the next one is reserved in the same breath: true when *next is one. */
bool worker_settle(worker *work, const child *one, int status, bool take_next, slotq_message *next);

/* Give it back, the attempt not counted. */
void worker_release(worker *work, const child *one);

/* Put it to the dead. */
void worker_kill(worker *work, const child *one, uint8_t reason);

/* The command cannot be run at all: release the message and take no more. */
void worker_stop(worker *work, const child *one, const char *why);

#endif
