/* place.c: see place.h.
 */
#include "place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/private_server.h"
#include "../terminal/report.h"

enum { FOLDER_BYTES = 200, PATH_BYTES = 300 };

static char folder[FOLDER_BYTES];
static char paths[2][PATH_BYTES]; /* the queue's file and its journal */
static pid_t owner;

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

/* Only calls that a signal handler may make. */
static void remove_folder(void)
{
    if (getpid() == owner) {
        unlink(paths[0]);
        unlink(paths[1]);
        rmdir(folder);
    }
}

static void end_by_signal(int number)
{
    remove_folder();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static const char *make_folder(const char *queue)
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] == '\0' ? "/tmp" : parent;
    const int length = snprintf(folder, sizeof folder, "%s/slotq-example-XXXXXX", parent);
    if (length < 0 || (size_t)length >= sizeof folder || mkdtemp(folder) == NULL) {
        report_failure("no folder in %s: %s", parent, strerror(errno));
    }
    (void)snprintf(paths[0], sizeof paths[0], "%s/%s.slotq", folder, queue);
    (void)snprintf(paths[1], sizeof paths[1], "%s/%s.slotq-journal", folder, queue);
    owner = getpid();
    if (atexit(remove_folder) != 0) {
        remove_folder();
        report_failure("no memory");
    }
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
        (void)signal(ending_signals[i], end_by_signal);
    }
    return folder;
}

const char *place_make(bool in_file, const char *queue)
{
    return in_file ? make_folder(queue) : private_server_start();
}
