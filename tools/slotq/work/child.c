/* child.c: runs one command for one message (child.h). The payload is handed over as a file in
 * memory, so a command that does not read it can neither block nor kill the worker.
 */
#include "child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../say/texts.h"
#include "slotq_frame.h"

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

#define HEADER_BEGIN "SLOTQ_HEADER_"

enum { OWN_VARIABLES_MOST = 6 + SLOTQ_HEADERS_MAX };

static bool is_own(const char *variable)
{
    static const char *const names[] = {
        "SLOTQ_ID=",  "SLOTQ_ATTEMPT=", "SLOTQ_QUEUE=", "SLOTQ_GROUP=",
        "SLOTQ_URL=", "SLOTQ_TYPE=",    HEADER_BEGIN};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void free_environment(char **list)
{
    for (int i = 0; list != NULL && i < OWN_VARIABLES_MOST; i++) {
        if (list[i] == NULL || !is_own(list[i])) { /* the inherited ones begin here */
            break;
        }
        free(list[i]);
    }
    free(list);
}

__attribute__((format(printf, 2, 3))) static bool put(char ***at, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const bool good = vasprintf(*at, format, values) >= 0;
    va_end(values);
    if (good) {
        ++*at;
    } else {
        **at = NULL;
    }
    return good;
}

/* One of the variables from `list` on has the name of the last one. */
static bool is_repeated(char *const *list, char *const *last)
{
    const size_t bytes = strcspn(*last, "=") + 1;
    while (list < last && strncmp(*list, *last, bytes) != 0) {
        list++;
    }
    return list < last;
}

/* Of the header trace-id: SLOTQ_HEADER_TRACE_ID. The first of a name counts, as for
 * slotq_frame_header. */
static bool put_headers(char ***at, const char *headers)
{
    char *const *const first = *at;
    for (int i = 0; *headers != '\0' && i < SLOTQ_HEADERS_MAX; i++) {
        if (!put(at, HEADER_BEGIN "%s", headers)) {
            return false;
        }
        for (char *letter = (*at)[-1] + strlen(HEADER_BEGIN); *letter != '='; letter++) {
            *letter = *letter == '-' ? '_' : (char)toupper((unsigned char)*letter);
        }
        if (is_repeated(first, *at - 1)) {
            free(*--*at);
            **at = NULL;
        }
        headers += strlen(headers) + 1;
    }
    return true;
}

/* The environment with the message's variables first; NULL without memory. */
static char **make_environment(const child_program *program, const child_message *message)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **list = calloc(count + OWN_VARIABLES_MOST + 1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    const bool is_task = message->type[0] != '\0';
    char **at = list;
    const bool good = put(&at, "SLOTQ_ID=%s", id_text(message->id).text) &&
                      put(&at, "SLOTQ_ATTEMPT=%u", message->attempts) &&
                      put(&at, "SLOTQ_QUEUE=%s", program->queue) &&
                      put(&at, "SLOTQ_GROUP=%u", program->group) &&
                      put(&at, "SLOTQ_URL=%s", program->url) &&
                      (!is_task || put(&at, "SLOTQ_TYPE=%s", message->type)) &&
                      put_headers(&at, message->headers);
    if (!good) {
        free_environment(list);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_own(environ[i])) {
            *at++ = environ[i];
        }
    }
    return list;
}

/* The user's words, and the payload after them under --arg; to be freed with *copy. */
static char **make_arguments(const child_program *program, const child_message *message,
                             char **copy)
{
    const size_t size = message->payload_bytes;
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
            memcpy(*copy, message->payload, size);
        }
        (*copy)[size] = '\0';
        list[program->argument_count] = *copy;
    }
    return list;
}

/* What fork's child needs, made before: nothing is allocated there. */
typedef struct birth {
    const child_program *program;
    char **arguments;
    char **environment;
    int input;
    int output;
    int errors;
    int report; /* an errno is written there when the command cannot be executed */
    pid_t worker;
} birth;

static int set_descriptors(const birth *how)
{
    if (dup2(how->input, STDIN_FILENO) < 0 ||
        (how->output >= 0 && dup2(how->output, STDOUT_FILENO) < 0) ||
        (how->errors >= 0 && dup2(how->errors, STDERR_FILENO) < 0)) {
        return errno;
    }
    return 0;
}

/* In a session without a terminal: a command that asks one gets an error at once. In a process
 * group of the background it would be stopped by SIGTTIN, and never end. */
static _Noreturn void be_child(const birth *how)
{
    setsid();
    int why = set_descriptors(how);
    if (why == 0 && how->program->killed_with_worker) {
        why = prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ? errno : 0;
        if (getppid() != how->worker) { /* it ended before that */
            _exit(EXIT_FAILURE);
        }
    }
    if (why == 0) {
        sigprocmask(SIG_SETMASK, &how->program->mask, NULL);
        execve(how->program->path, how->arguments, how->environment);
        why = errno;
    }
    (void)!write(how->report, &why, sizeof why);
    _exit(EXIT_FAILURE);
}

/* Handlers of the worker become defaults by exec; signals that were ignored when the worker began
 * stay ignored. */
static int give_birth(birth *how, pid_t *pid)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        return errno;
    }
    how->report = report[1];
    how->worker = getpid();
    *pid = fork();
    if (*pid == 0) {
        be_child(how);
    }
    int why = *pid < 0 ? errno : 0;
    close(report[1]);
    if (why == 0) {
        ssize_t got;
        do {
            got = read(report[0], &why, sizeof why);
        } while (got < 0 && errno == EINTR);
        why = got == (ssize_t)sizeof why ? why : 0;
        if (why != 0) {
            waitpid(*pid, NULL, 0);
        }
    }
    close(report[0]);
    return why;
}

int child_start(const child_program *program, const child_message *message, int output, int errors,
                pid_t *pid)
{
    *pid = 0;
    const int input = program->payload_as_argument
                          ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                          : payload_file(message->payload, message->payload_bytes);
    if (input < 0) {
        return errno;
    }
    char *copy;
    birth how = {.program = program, .input = input, .output = output, .errors = errors};
    how.environment = make_environment(program, message);
    how.arguments = make_arguments(program, message, &copy);
    const int why =
        how.environment == NULL || how.arguments == NULL ? ENOMEM : give_birth(&how, pid);
    if (why != 0) {
        *pid = 0;
    }
    free(copy);
    free(how.arguments);
    free_environment(how.environment);
    close(input);
    return why;
}

void child_signal(pid_t pid, int number)
{
    kill(-pid, number);
}

void child_terminate(pid_t pid)
{
    child_signal(pid, SIGTERM);
    child_signal(pid, SIGCONT);
}

/* The rest of the group must not outlive a command that was told to end. It is killed before the
 * command is reaped, while the number is still its own. */
static void kill_group(pid_t pid, bool wait_for_it)
{
    siginfo_t info = {.si_pid = 0};
    const int how = WEXITED | WNOWAIT | (wait_for_it ? 0 : WNOHANG);
    if (waitid(P_PID, (id_t)pid, &info, how) == 0 && info.si_pid == pid) {
        child_signal(pid, SIGKILL);
    }
}

bool child_ended(pid_t pid, bool wait_for_it, bool end_group, int *status)
{
    pid_t answer;
    if (end_group) {
        kill_group(pid, wait_for_it);
    }
    do {
        answer = waitpid(pid, status, wait_for_it ? 0 : WNOHANG);
    } while (answer < 0 && errno == EINTR);
    if (answer < 0) { /* it was reaped elsewhere: how it ended is not known */
        *status = 0xFF00;
    }
    return answer != 0;
}

pid_t child_reap_stranger(bool (*is_ours)(const void *context, pid_t pid), const void *context)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
        is_ours(context, info.si_pid)) {
        return 0;
    }
    return waitpid(info.si_pid, NULL, WNOHANG) > 0 ? info.si_pid : 0;
}
