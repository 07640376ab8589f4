/* node.c: see node.h.
 */
#include "node.h"
#include "../../support/sure.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 512, WORD_BYTES = 128, ANSWER_MS = 120000, NO_PROGRAM = 127 };

struct node_process {
    pid_t pid;
    FILE *requests;
    FILE *answers;
};

/* Beside the program itself: build/bench/bench_peers has build/bench/node. */
static void find_file(char *path, const char *name)
{
    char program[PATH_BYTES - 64];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    bench_need(length > 0, "finding the bench's own program");
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    bench_need(slash != NULL, "finding the bench's own folder");
    *slash = '\0';
    snprintf(path, PATH_BYTES, "%s/node/%.48s", program, name);
}

static void run_node(const char *peer, int requests, int answers, pid_t parent)
{
    char path[PATH_BYTES];
    find_file(path, "driver.js");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(requests, STDIN_FILENO) < 0 ||
        dup2(answers, STDOUT_FILENO) < 0) {
        _exit(1);
    }
    execlp("node", "node", "--no-warnings", path, peer, (char *)NULL);
    _exit(NO_PROGRAM);
}

node_process *node_start(const char *peer)
{
    node_process *self = calloc(1, sizeof *self);
    int requests[2];
    int answers[2];
    const pid_t own = getpid();
    bench_need(self != NULL, "calloc");
    bench_need(pipe2(requests, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0, "pipe");
    signal(SIGPIPE, SIG_IGN); /* one that has ended is noticed by its missing answer */
    self->pid = fork();
    bench_need(self->pid >= 0, "fork");
    if (self->pid == 0) {
        run_node(peer, requests[0], answers[1], own);
    }
    close(requests[0]);
    close(answers[1]);
    self->requests = fdopen(requests[1], "w");
    self->answers = fdopen(answers[0], "r");
    bench_need(self->requests != NULL && self->answers != NULL, "fdopen");
    return self;
}

void node_tell(node_process *self, const char *line)
{
    fprintf(self->requests, "%s\n", line);
    fflush(self->requests);
}

/* One line, a request's only answer: nothing is in the stream's buffer before. */
static char *await_line(node_process *self)
{
    struct pollfd wait = {.fd = fileno(self->answers), .events = POLLIN};
    char *line = NULL;
    size_t room = 0;
    bench_need(poll(&wait, 1, ANSWER_MS) == 1, "waiting for an answer from Node");
    if (getline(&line, &room, self->answers) <= 0) {
        free(line);
        return NULL;
    }
    return line;
}

json_t *node_try(node_process *self, json_t *request)
{
    bench_need(request != NULL, "making a request to Node");
    char *asked = json_dumps(request, JSON_COMPACT);
    bench_need(asked != NULL, "json_dumps");
    json_decref(request);
    node_tell(self, asked);
    char *line = await_line(self);
    free(asked);
    if (line == NULL) {
        return NULL;
    }
    json_t *answer = json_loads(line, 0, NULL);
    free(line);
    bench_need(json_is_object(answer), "an answer from Node");
    const char *error = json_string_value(json_object_get(answer, "error"));
    bench_need(error == NULL, error);
    return answer;
}

json_t *node_ask(node_process *self, json_t *request)
{
    json_t *answer = node_try(self, request);
    bench_need(answer != NULL, "a program in Node, which has ended,");
    return answer;
}

void node_do(node_process *self, json_t *request)
{
    json_decref(node_ask(self, request));
}

bool node_kill(node_process *self)
{
    int status = 0;
    if (self == NULL) {
        return true;
    }
    kill(self->pid, SIGKILL);
    waitpid(self->pid, &status, 0);
    fclose(self->requests);
    fclose(self->answers);
    free(self);
    return !WIFEXITED(status) || WEXITSTATUS(status) != NO_PROGRAM;
}

const char *node_absent(void)
{
    static char word[WORD_BYTES];
    char path[PATH_BYTES];
    find_file(path, "absent");
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fgets(word, sizeof word, file) == NULL) {
            word[0] = '\0';
        }
        word[strcspn(word, "\n")] = '\0';
        fclose(file);
    }
    return word;
}
