/* child.c: runs one command for one message (child.h). The payload is handed over as a file in
 * memory, so a command that does not read it can neither block nor kill the worker.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 when this file can be run, else an errno. */
static int judge_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    return access(path, X_OK) == 0 ? 0 : errno;
}

char *child_find(const char *command)
{
    int why = ENOENT;
    if (strchr(command, '/') != NULL) {
        why = judge_file(command);
        if (why != 0) {
            errno = why;
            return NULL;
        }
        return strdup(command);
    }
    const char *folders = getenv("PATH");
    for (const char *at = folders != NULL ? folders : "/usr/bin:/bin"; command[0] != '\0';) {
        const size_t length = strcspn(at, ":");
        char *path = NULL;
        if (asprintf(&path, "%.*s%s%s", (int)length, at, length != 0 ? "/" : "./", command) < 0) {
            errno = ENOMEM;
            return NULL;
        }
        const int fault = judge_file(path);
        if (fault == 0) {
            return path;
        }
        free(path);
        why = fault == EACCES ? EACCES : why;
        if (at[length] == '\0') {
            break;
        }
        at += length + 1;
    }
    errno = why;
    return NULL;
}

/* An open file with the payload, at its start; -1 and errno. */
static int payload_file(const void *payload, size_t size)
{
    const int descriptor = memfd_create("payload", MFD_CLOEXEC);
    if (descriptor < 0) {
        return -1;
    }
    const char *at = payload;
    while (size != 0) {
        const ssize_t wrote = write(descriptor, at, size);
        if (wrote < 0 && errno != EINTR) {
            const int why = errno;
            close(descriptor);
            errno = why;
            return -1;
        }
        at += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    lseek(descriptor, 0, SEEK_SET);
    return descriptor;
}

enum { OWN_VARIABLES = 5 };

static bool is_own(const char *variable)
{
    static const char *const names[OWN_VARIABLES] = {
        "SLOTQ_ID=", "SLOTQ_ATTEMPT=", "SLOTQ_QUEUE=", "SLOTQ_GROUP=", "SLOTQ_URL="};
    for (int i = 0; i < OWN_VARIABLES; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void free_environment(char **list)
{
    for (int i = 0; list != NULL && i < OWN_VARIABLES; i++) {
        free(list[i]);
    }
    free(list);
}

/* The environment with the message's variables first; NULL without memory. */
static char **make_environment(const child *one, const child_program *program)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **list = calloc(count + OWN_VARIABLES + 1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    const bool good = asprintf(&list[0], "SLOTQ_ID=%" PRIu64, one->id) >= 0 &&
                      asprintf(&list[1], "SLOTQ_ATTEMPT=%u", one->attempts) >= 0 &&
                      asprintf(&list[2], "SLOTQ_QUEUE=%s", program->queue) >= 0 &&
                      asprintf(&list[3], "SLOTQ_GROUP=%u", program->group) >= 0 &&
                      asprintf(&list[4], "SLOTQ_URL=%s", program->url) >= 0;
    if (!good) {
        free_environment(list);
        return NULL;
    }
    size_t used = OWN_VARIABLES;
    for (size_t i = 0; i < count; i++) {
        if (!is_own(environ[i])) {
            list[used++] = environ[i];
        }
    }
    return list;
}

/* The user's words, and the payload after them under --arg; to be freed with *copy. */
static char **make_arguments(const child_program *program, const void *payload, size_t size,
                             char **copy)
{
    char **list = calloc((size_t)program->argument_count + 2, sizeof *list);
    *copy = NULL;
    if (list == NULL) {
        return NULL;
    }
    memcpy(list, program->arguments, (size_t)program->argument_count * sizeof *list);
    if (program->payload_as_argument) {
        *copy = malloc(size + 1);
        if (*copy == NULL) {
            free(list);
            return NULL;
        }
        if (size != 0) {
            memcpy(*copy, payload, size);
        }
        (*copy)[size] = '\0';
        list[program->argument_count] = *copy;
    }
    return list;
}

/* Where our stdout was closed (main.c) a command still has one that it can write to. */
static int give_stdout(posix_spawn_file_actions_t *actions)
{
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    return flags < 0 || (flags & O_ACCMODE) != O_RDONLY
               ? 0
               : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
}

static int spawn(child *one, const child_program *program, char **arguments, char **environment,
                 int input)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int why = posix_spawnattr_init(&attributes);
    if (why != 0) {
        return why;
    }
    why = posix_spawn_file_actions_init(&actions);
    if (why != 0) {
        posix_spawnattr_destroy(&attributes);
        return why;
    }
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGXFSZ); /* main ignores it */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &program->mask);
    why = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    why = why == 0 ? give_stdout(&actions) : why;
    if (why == 0) {
        why = posix_spawn(&one->pid, program->path, &actions, &attributes, arguments, environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return why;
}

int child_start(child *one, const child_program *program, const void *payload, size_t size)
{
    const int input = program->payload_as_argument ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                                                   : payload_file(payload, size);
    if (input < 0) {
        return errno;
    }
    char *copy;
    char **environment = make_environment(one, program);
    char **arguments = make_arguments(program, payload, size, &copy);
    const int why = environment == NULL || arguments == NULL
                        ? ENOMEM
                        : spawn(one, program, arguments, environment, input);
    if (why != 0) {
        one->pid = 0;
    }
    free(copy);
    free(arguments);
    free_environment(environment);
    close(input);
    return why;
}

void child_signal(const child *one, int number)
{
    kill(-one->pid, number);
}

/* It was told to end: what is left of its group must not outlive it. Looked at before it is
 * reaped, while the number is still its own. */
static void end_group(const child *one, bool wait_for_it)
{
    siginfo_t info = {.si_pid = 0};
    const int how = WEXITED | WNOWAIT | (wait_for_it ? 0 : WNOHANG);
    if (waitid(P_PID, (id_t)one->pid, &info, how) == 0 && info.si_pid == one->pid) {
        child_signal(one, SIGKILL);
    }
}

bool child_ended(child *one, bool wait_for_it, int *status)
{
    pid_t answer;
    if (one->timed_out || one->lost) {
        end_group(one, wait_for_it);
    }
    do {
        answer = waitpid(one->pid, status, wait_for_it ? 0 : WNOHANG);
    } while (answer < 0 && errno == EINTR);
    if (answer < 0) { /* somebody else reaped it: how it ended is not known */
        *status = 0xFF00;
    }
    if (answer != 0) {
        one->pid = 0;
    }
    return answer != 0;
}
