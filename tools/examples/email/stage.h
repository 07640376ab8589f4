/* stage.h: what the processes of the example tell each other: counters in memory that all of them
 * share, and a gate at which a task waits for a crash. Knows numbers; must not know queues.
 */
#ifndef EXAMPLES_EMAIL_STAGE_H
#define EXAMPLES_EMAIL_STAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STAGE_IDS_MAX = 65536, STAGE_STARTS_MAX = 4096, STAGE_SECONDS_MAX = 600 };

/* Where a task waits for a crash: its mail is not sent yet, or it is sent and not acked yet. */
typedef enum stage_place { STAGE_BEFORE, STAGE_AFTER, STAGE_PLACES } stage_place;

/* The start of a scheduled task, by the clock of the server. */
typedef struct stage_start {
    uint64_t due_ms;
    uint64_t at_us;
} stage_start;

/* A second at which a cron entry may be due. */
typedef struct stage_second {
    atomic_ullong id;  /* the first message that ran for it; 0 = none did */
    atomic_uint more;  /* runs of other messages: there must be none */
    atomic_int worker; /* the process that ran it */
} stage_second;

typedef struct stage {
    atomic_uchar runs[STAGE_IDS_MAX]; /* of the queue mail, by id */
    atomic_uint sent;                 /* mails */
    atomic_uint repeats;              /* runs that found their mail sent */
    atomic_uint resized;
    atomic_uint logged; /* tasks that the middleware printed */
    atomic_uint digests;
    atomic_uint digest_lines;
    atomic_uint aways; /* times that a worker told its queue is away */
    atomic_uint given_back;
    atomic_uint ready; /* worker processes that have started */

    atomic_uint start_count;
    stage_start starts[STAGE_STARTS_MAX];

    uint64_t first_second;
    atomic_uint second_count; /* occurrences that ran */
    stage_second seconds[STAGE_SECONDS_MAX];

    atomic_bool are_kills_over;
    atomic_uint pushed; /* by the client that pushes meanwhile */

    atomic_uint tickets[STAGE_PLACES]; /* so many tasks are to wait at the place */
    atomic_ullong waits_from;          /* the lowest id of a task that waits */
    atomic_uint arrived;               /* tasks that wait */
    atomic_int victim;                 /* the process of the last one */
    atomic_uint opened;                /* times that the gate was opened */
} stage;

/* In memory that forked processes share. Ends the example if there is none. */
stage *stage_new(void);

/* Wait until the counter is `least` or more. Ends the example if that takes minutes, and says
 * `what`; or if a process of it fails. */
void stage_await(const atomic_uint *counter, unsigned least, const char *what);

/* For a task: wait here if there is a ticket, until the gate is opened or leave returns true. */
void stage_wait_at(stage *shared, stage_place place, uint64_t id, bool (*leave)(void *context),
                   void *context);

/* Give tickets to the next tasks with this id or a higher one. */
void stage_close_gate(stage *shared, stage_place place, unsigned tickets, uint64_t from_id);
/* Return when so many tasks wait. */
void stage_await_gate(const stage *shared, unsigned tickets);
/* Let them go. */
void stage_open_gate(stage *shared);

void stage_sleep_ms(uint32_t ms);

#endif
