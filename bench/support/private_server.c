/* private_server.c: see private_server.h.
 */
#include "private_server.h"
#include "folder.h"
#include "keeper.h"
#include "sure.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SERVERS_MOST = 8,
    WORDS_MOST = 64,
    LOOKS_MOST = 6000, /* a minute */
    LOOK_US = 10000,
    FOLDER_BYTES = 64,
    NO_PROGRAM = 127
};

struct private_server {
    char folder[FOLDER_BYTES];
    char socket_path[FOLDER_BYTES + 32];
    pid_t pid;
    pid_t owner; /* a forked child of the bench must not end what is not its own */
};

static private_server servers[SERVERS_MOST];

static void run_program(const char *folder, const char *const *words, pid_t parent)
{
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || chdir(folder) != 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0) {
        _exit(1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* however the bench ends */
    if (getppid() != parent) {
        _exit(1);
    }
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(NO_PROGRAM);
}

static bool accepts(const private_server *self)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(descriptor >= 0, "socket");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", self->socket_path);
    const bool answered =
        connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
    close(descriptor);
    return answered;
}

static void remove_folder(private_server *self)
{
    if (self->folder[0] != '\0') {
        folder_remove(self->folder);
        self->folder[0] = '\0';
    }
}

static void stop_all(void)
{
    for (int i = 0; i < SERVERS_MOST; i++) {
        if (servers[i].owner == getpid()) {
            private_server_stop(&servers[i]);
        }
    }
}

static private_server *find_free(void)
{
    static bool ends_known;
    if (!ends_known) {
        bench_need(atexit(stop_all) == 0, "atexit");
        ends_known = true;
    }
    for (int i = 0; i < SERVERS_MOST; i++) {
        if (servers[i].folder[0] == '\0') {
            return &servers[i];
        }
    }
    bench_need(false, "so many servers at once");
    return NULL;
}

/* false: there is no such program. */
static bool await(private_server *self, bool (*is_there)(const private_server *self))
{
    for (int look = 0; look < LOOKS_MOST; look++) {
        int status;
        if (is_there(self)) {
            return true;
        }
        if (waitpid(self->pid, &status, WNOHANG) == self->pid) {
            self->pid = 0;
            bench_need(WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM, "starting a server");
            return false;
        }
        usleep(LOOK_US);
    }
    bench_need(false, "a server, which does not answer,");
    return false;
}

static private_server *start(const char *const *words, const char *socket_name,
                             bool (*is_there)(const private_server *self))
{
    private_server *self = find_free();
    char folder[] = "/tmp/slotq-bench-XXXXXX";
    keeper_make_folder(folder);
    *self = (private_server){.owner = getpid()};
    snprintf(self->folder, sizeof self->folder, "%s", folder);
    snprintf(self->socket_path, sizeof self->socket_path, "%s/%.24s", folder, socket_name);
    self->pid = fork();
    bench_need(self->pid >= 0, "fork");
    if (self->pid == 0) {
        run_program(self->folder, words, self->owner);
    }
    if (!await(self, is_there)) {
        remove_folder(self);
        return NULL;
    }
    return self;
}

private_server *private_server_start(const char *const *words, const char *socket_name)
{
    return start(words, socket_name, accepts);
}

private_server *private_server_start_until(const char *const *words,
                                           bool (*is_there)(const private_server *self))
{
    return start(words, "", is_there);
}

const char *const private_redis_logging[] = {
    "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0", NULL};

private_server *private_redis_start(const char *const *options)
{
    const char *words[WORDS_MOST] = {
        "redis-server", "--port",      "0", "--unixsocket", "s", "--save", "", "--appendonly",
        "no",           "--daemonize", "no"};
    int count = 11;
    for (int i = 0; options != NULL && options[i] != NULL; i++) {
        bench_need(count < WORDS_MOST - 1, "so many options");
        words[count++] = options[i];
    }
    return private_server_start(words, "s");
}

const char *private_server_folder(const private_server *self)
{
    return self->folder;
}

const char *private_server_socket(const private_server *self)
{
    return self->socket_path;
}

int private_server_pid(const private_server *self)
{
    return (int)self->pid;
}

uint64_t private_server_resident_bytes(const private_server *self)
{
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)self->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    const char *resident = fgets(line, sizeof line, file) != NULL ? strchr(line, ' ') : NULL;
    fclose(file);
    return resident != NULL ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t private_server_written_bytes(const private_server *self)
{
    static const char wanted[] = "wchar: ";
    char path[64];
    char line[128];
    uint64_t count = 0;
    bool told = false;
    snprintf(path, sizeof path, "/proc/%d/io", (int)self->pid);
    FILE *file = fopen(path, "r");
    bench_need(file != NULL, path);
    while (!told && fgets(line, sizeof line, file) != NULL) {
        told = strncmp(line, wanted, sizeof wanted - 1) == 0;
        count = told ? strtoull(line + sizeof wanted - 1, NULL, 10) : 0;
    }
    fclose(file);
    bench_need(told, path);
    return count;
}

void private_server_stop(private_server *self)
{
    if (self == NULL) {
        return;
    }
    if (self->pid > 0) {
        kill(self->pid, SIGTERM);
        waitpid(self->pid, NULL, 0);
    }
    remove_folder(self);
    *self = (private_server){.pid = 0};
}
