/* crashes.h: the server is killed, workers are killed, and a worker is told to stop, each in the
 * middle of tasks.
 */
#ifndef EXAMPLES_EMAIL_CRASHES_H
#define EXAMPLES_EMAIL_CRASHES_H

#include "crew.h"

/* A client pushes tasks and two processes work, while the server and workers are killed by SIGKILL,
 * `kills` of each. True: each task is there once, and each mail was sent once. *mails is increased
 * by their number. */
bool crashes_survive(const char *url, slotq *queue, stage *shared, uint32_t tasks, uint32_t kills,
                     uint64_t *mails);

/* A worker gets SIGTERM in the middle of tasks. True: what ran was finished, the others are as if
 * they had never been taken, and run later. */
bool crashes_stop(const char *url, slotq *queue, stage *shared, uint32_t tasks, uint64_t *mails);

#endif
