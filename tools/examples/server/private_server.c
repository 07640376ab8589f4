/* private_server.c: see private_server.h.
 */
#include "private_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <slotq_redis.h>

#include "../terminal/report.h"
#include "folder.h"

enum { FOLDER_BYTES = 80, PATH_BYTES = 100, URL_BYTES = 120, START_TRIES = 6000, TRY_MS = 10 };

static char folder[FOLDER_BYTES];
static char socket_path[PATH_BYTES];
static char log_path[PATH_BYTES];
static char url[URL_BYTES];
static const char *program;
static bool is_durable;
static pid_t owner;
static volatile pid_t server;

static void kill_server(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        while (waitpid(server, NULL, 0) < 0 && errno == EINTR) {
        }
        server = 0;
    }
}

static void end_server(void)
{
    if (getpid() != owner) {
        return;
    }
    kill_server();
    folder_remove(folder);
}

static void end_by_signal(int number)
{
    end_server();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* The path of a socket must be short, and needs no escapes in a URL. */
static void make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    const char *harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    if (parent == NULL || parent[0] != '/' || strlen(parent) > FOLDER_BYTES - 30 ||
        parent[strspn(parent, harmless)] != '\0') {
        parent = "/tmp";
    }
    (void)snprintf(folder, sizeof folder, "%s/slotq-example-XXXXXX", parent);
    if (!folder_make(folder, end_by_signal)) {
        report_failure("%s: cannot make a folder here: %s", parent, strerror(errno));
    }
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
    (void)snprintf(log_path, sizeof log_path, "%s/log", folder);
    (void)snprintf(url, sizeof url, "unix://%s", socket_path);
}

/* In the child. failed gets errno if the program cannot be run. */
__attribute__((noreturn)) static void run_server(int failed)
{
    const int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner || log < 0) {
        _exit(1);
    }
    setpgid(0, 0); /* Ctrl-C is for the example, which then ends the server */
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execlp(program, program, "--port", "0", "--unixsocket", socket_path, "--unixsocketperm", "700",
           "--dir", folder, "--save", "", "--appendonly", is_durable ? "yes" : "no",
           "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--daemonize", "no",
           (char *)NULL);
    const int why = errno;
    const ssize_t written = write(failed, &why, sizeof why);
    _exit(written == sizeof why ? 127 : 1);
}

static void start_program(void)
{
    int failed[2];
    int why = 0;
    if (pipe2(failed, O_CLOEXEC) != 0) {
        report_failure("no pipe: %s", strerror(errno));
    }
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        run_server(failed[1]);
    }
    if (child < 0) {
        report_failure("no process for the server: %s", strerror(errno));
    }
    server = child;
    close(failed[1]);
    if (read(failed[0], &why, sizeof why) == sizeof why) {
        (void)fprintf(stderr,
                      "%s: skipped: there is no redis-server: %s: %s; install it (Debian: apt-get "
                      "install redis-server), or name it in SLOTQ_REDIS_SERVER\n",
                      program_invocation_short_name, program, strerror(why));
        exit(3);
    }
    close(failed[0]);
}

static void wait_until_it_answers(void)
{
    const struct timespec pause = {.tv_nsec = TRY_MS * 1000 * 1000};
    slotq_redis_connection *connection = NULL;
    slotq_error error = {.outcome = SLOTQ_OK};
    for (int i = 0; i < START_TRIES; i++) {
        if (slotq_redis_connect(url, NULL, &connection, &error) == SLOTQ_OK) {
            slotq_redis_close(connection);
            return;
        }
        if (waitpid(server, NULL, WNOHANG) == server) {
            server = 0;
            break;
        }
        nanosleep(&pause, NULL);
    }
    char last[300] = "";
    const int log = open(log_path, O_RDONLY | O_CLOEXEC);
    if (log >= 0 && lseek(log, -(off_t)(sizeof last - 1), SEEK_END) < 0) {
        lseek(log, 0, SEEK_SET);
    }
    const ssize_t got = log < 0 ? 0 : read(log, last, sizeof last - 1);
    last[got > 0 ? got : 0] = '\0';
    report_failure("the server did not start: %s\nthe end of its log: %s", error.text, last);
}

static const char *start(bool durable)
{
    const char *named = getenv("SLOTQ_REDIS_SERVER");
    program = named == NULL || named[0] == '\0' ? "redis-server" : named;
    is_durable = durable;
    owner = getpid();
    make_folder();
    if (atexit(end_server) != 0) {
        rmdir(folder);
        report_failure("no memory");
    }
    start_program();
    wait_until_it_answers();
    return url;
}

const char *private_server_start(void)
{
    return start(false);
}

const char *private_server_start_durable(void)
{
    return start(true);
}

void private_server_kill(void)
{
    kill_server();
}

void private_server_restart(void)
{
    start_program();
    wait_until_it_answers();
}

pid_t private_server_fork(void)
{
    const pid_t parent = getpid();
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
        report_failure("no process: %s", strerror(errno));
    }
    if (child == 0) {
        folder_catch_signals(SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    return child;
}
