/* place.c: see place.h.
 */
#include "place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/folder.h"
#include "../server/private_server.h"
#include "../terminal/report.h"

enum { FOLDER_BYTES = 200 };

static char folder[FOLDER_BYTES];
static pid_t owner;

/* Only calls that a signal handler may make. */
static void remove_folder(void)
{
    if (getpid() == owner) {
        folder_remove(folder);
    }
}

static void end_by_signal(int number)
{
    remove_folder();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static const char *make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] == '\0' ? "/tmp" : parent;
    owner = getpid();
    const int length = snprintf(folder, sizeof folder, "%s/slotq-example-XXXXXX", parent);
    if (length < 0 || (size_t)length >= sizeof folder || !folder_make(folder, end_by_signal)) {
        report_failure("no folder in %s: %s", parent, strerror(errno));
    }
    if (atexit(remove_folder) != 0) {
        remove_folder();
        report_failure("no memory");
    }
    return folder;
}

const char *place_make(bool in_file)
{
    return in_file ? make_folder() : private_server_start();
}
