/* print_loop.c: for test_loop_link.sh: runs one message of a queue in loop mode, and prints how
 * many threads the process has while the worker is idle.
 */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>

#include "slotq_worker.h"

static slotq_result work(void *context, slotq_task *task)
{
    (void)task;
    *(int *)context = 1;
    return slotq_result_done();
}

static int threads(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count - 2;
}

static int run(slotq *queue)
{
    int ran = 0;
    slotq_mux *mux;
    slotq_worker *worker;
    const slotq_handler handler = {.run = work, .context = &ran};
    const slotq_worker_options options = {.loop = true};
    if (slotq_mux_new(&mux) != SLOTQ_OK || slotq_mux_plain(mux, &handler) != SLOTQ_OK ||
        slotq_worker_new(mux, &options, &worker, NULL) != SLOTQ_OK ||
        slotq_worker_add_queue(worker, queue, "q", NULL) != SLOTQ_OK ||
        slotq_worker_start(worker) != SLOTQ_OK) {
        return 2;
    }
    while (ran == 0 || slotq_worker_due_ms(worker) == 0) {
        struct pollfd input = {.fd = slotq_worker_fd(worker), .events = POLLIN};
        poll(&input, 1, 10);
        slotq_worker_step(worker, 1, NULL);
    }
    printf("%d\n", threads());
    slotq_worker_stop(worker);
    while (slotq_worker_step(worker, 1, NULL) != SLOTQ_GONE) {
    }
    slotq_worker_free(worker);
    slotq_mux_free(mux);
    return 0;
}

int main(int count, char **words)
{
    slotq *queue;
    slotq_error error;
    if (count < 3 || slotq_open(words[1], words[2], NULL, &queue, &error) != SLOTQ_OK) {
        fprintf(stderr, "%s\n", count < 3 ? "usage: print_loop URL NAME" : error.text);
        return 2;
    }
    const int code = run(queue);
    slotq_close(queue);
    return code;
}
