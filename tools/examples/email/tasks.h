/* tasks.h: the tasks of the example: what their types are called, how they are pushed, and the
 * handlers that run for them. Knows tasks and mails; must not know which worker runs them.
 */
#ifndef EXAMPLES_EMAIL_TASKS_H
#define EXAMPLES_EMAIL_TASKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <slotq_redis.h>
#include <slotq_worker.h>

#include "stage.h"

#define TASKS_QUEUE "mail"
#define TASKS_REPORTS "reports"    /* the queue of the cron entry */
#define TASKS_SENT "mail:sent"     /* a hash: message id, user. The sender of a mail writes it */
#define TASKS_INBOXES "mail:inbox" /* a hash: user, number of mails */

#define TASKS_DELIVER "email:deliver" /* body: "USER TEMPLATE" */
#define TASKS_RESIZE "image:resize"   /* body: the name of a picture */
#define TASKS_DIGEST "digest:add"     /* body: a line of text */
#define TASKS_REPORT "report:make"

enum { TASKS_OFFICES_MAX = 16 };

/* What handlers need: their context. Handlers run in several threads, and a connection is for one
 * at a time: each run borrows one. */
typedef struct office {
    const char *url;
    stage *shared;
    bool logs;        /* print a line for each task */
    uint32_t work_ms; /* how long a mail takes */
    pthread_mutex_t lock;
    slotq_redis_connection *connections[TASKS_OFFICES_MAX];
} office;

void tasks_open_office(office *opened, const char *url, stage *shared);
void tasks_close_office(office *opened);

/* The mux: which handler each type has, and the middleware. Ends the example if memory is out. */
slotq_mux *tasks_mux(office *context);

/* A task for `email:deliver`; the caller may change it before it is pushed. `body` is its text. */
enum { TASKS_BODY_BYTES = 64 };
slotq_task_spec tasks_mail(char body[TASKS_BODY_BYTES], uint32_t user, const char *template_name);

/* Push a task that must be accepted; returns its id. */
uint64_t tasks_push(slotq *queue, const slotq_task_spec *task);

#endif
