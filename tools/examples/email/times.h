/* times.h: tasks that come at a time: scheduled ones, and those of a cron entry.
 */
#ifndef EXAMPLES_EMAIL_TIMES_H
#define EXAMPLES_EMAIL_TIMES_H

#include "crew.h"

/* Schedule tasks in random order over so long, and run them by one thread. True: they started in
 * the order of their times, and none before its time. */
bool times_scheduled(const char *url, slotq *queue, stage *shared, uint32_t count,
                     uint32_t over_ms);

enum { TIMES_WORKERS = 2 };
/* Two processes with the same cron entry, `@every 1s`, from now on. */
void times_start_cron(const char *url, stage *shared, pid_t workers[TIMES_WORKERS]);
/* Wait for so many occurrences, and end the processes. True: each ran once. */
bool times_show_cron(stage *shared, const pid_t workers[TIMES_WORKERS], uint32_t count);

#endif
