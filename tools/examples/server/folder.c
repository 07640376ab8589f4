/* folder.c: see folder.h. Programs that are killed leave files with names of their own, so no list
 * of them is complete: the folder is read, by calls that a signal handler may make (no readdir).
 */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

void folder_catch_signals(void (*handler)(int number))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    for (size_t i = 0; i < sizeof ending_signals / sizeof *ending_signals; i++) {
        sigaction(ending_signals[i], &action, NULL);
    }
}

bool folder_make(char *pattern, void (*end)(int number))
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    const bool is_made = mkdtemp(pattern) != NULL;
    const int why = errno;
    if (is_made) {
        folder_catch_signals(end);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return is_made;
}

static void empty(int place, bool has_folders)
{
    _Alignas(struct dirent64) char entries[4096];
    ssize_t bytes;
    while ((bytes = getdents64(place, entries, sizeof entries)) > 0) {
        for (ssize_t at = 0; at < bytes;) {
            const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
            at += entry->d_reclen;
            if (unlinkat(place, entry->d_name, 0) == 0 || errno != EISDIR || !has_folders ||
                strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
                continue;
            }
            const int inner = openat(place, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            empty(inner, false);
            close(inner);
            unlinkat(place, entry->d_name, AT_REMOVEDIR);
        }
    }
}

void folder_remove(const char *path)
{
    const int place = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    empty(place, true);
    close(place);
    rmdir(path);
}
