/* private_server.c: see private_server.h.
 */
#include "private_server.h"
#include "sure.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOKS_MOST = 500, LOOK_US = 10000, FOLDER_BYTES = 64, NO_PROGRAM = 127 };

static char folder[FOLDER_BYTES];
static char socket_path[FOLDER_BYTES + 8];
static pid_t server = -1;

static void run_server(pid_t parent)
{
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || chdir(folder) != 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(nothing, STDIN_FILENO) < 0) {
        _exit(1);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* however the bench ends */
    if (getppid() != parent) {
        _exit(1);
    }
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", "s", "--unixsocketperm",
           "700", "--save", "", "--appendonly", "no", "--daemonize", "no", (char *)NULL);
    _exit(NO_PROGRAM);
}

static bool accepts(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(descriptor >= 0, "socket");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    const bool answered =
        connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
    close(descriptor);
    return answered;
}

bool private_server_start(void)
{
    snprintf(folder, sizeof folder, "/tmp/slotq-bench-XXXXXX");
    bench_need(mkdtemp(folder) != NULL, "a temporary folder");
    snprintf(socket_path, sizeof socket_path, "%s/s", folder);
    const pid_t self = getpid();
    server = fork();
    bench_need(server >= 0, "fork");
    if (server == 0) {
        run_server(self);
    }
    atexit(private_server_stop);
    for (int look = 0; look < LOOKS_MOST && !accepts(); look++) {
        int status;
        if (waitpid(server, &status, WNOHANG) == server) {
            server = -1;
            private_server_stop();
            bench_need(WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM,
                       "starting redis-server");
            return false;
        }
        usleep(LOOK_US);
    }
    bench_need(accepts(), "redis-server, which does not answer,");
    return true;
}

const char *private_server_socket(void)
{
    return socket_path;
}

void private_server_stop(void)
{
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
        server = -1;
    }
    if (folder[0] != '\0') {
        unlink(socket_path);
        rmdir(folder);
        folder[0] = '\0';
    }
}
