/* worker.h: a run of the command work: its state, and how messages are settled when their
 * command has ended. Knows children only by how they ended.
 */
#ifndef SLOTQ_TOOLS_WORKER_H
#define SLOTQ_TOOLS_WORKER_H

#include "child.h"
#include "command_line.h"
#include "slotq.h"

/* How far the end has come. */
typedef enum work_end { END_NOT, END_DRAIN, END_NOW } work_end;

/* One run of the command. */
typedef struct worker {
    const command_line *line;
    const char *name;
    slotq *queue;
    slotq_batch *batch;
    child *children;
    uint32_t job_count;
    uint32_t running;
    uint8_t group;
    uint64_t lease_ms;
    uint64_t timeout_ms; /* UINT64_MAX = none */
    uint64_t rest_until_ms;
    child_program program;
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

/* Settle a message by how its command ended (a wait status). */
void worker_settle(worker *work, const child *one, int status);

/* Give it back, the attempt not counted. */
void worker_release(worker *work, const child *one);

/* Put it to the dead. */
void worker_kill(worker *work, const child *one, uint8_t reason);

/* The command cannot be run at all: release the message and take no more. */
void worker_stop(worker *work, const child *one, const char *why);

#endif
