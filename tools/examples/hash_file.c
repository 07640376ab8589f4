/* hash_file.c: the handler of the demo: hashes the file whose path comes on stdin. Knows what
 * `slotq work` gives a command (stdin, SLOTQ_ID, SLOTQ_ATTEMPT, the exit code), not the library.
 *
 * As a handler it appends what it did to the file named by DEMO_LOG, a line a write:
 *     start ID ATTEMPT WORKER MS
 *     done ID ATTEMPT WORKER MS HASH        or: failed ID ATTEMPT WORKER MS
 * and fails where it is told to: twice for every DEMO_FLAKY_EVERY-th id, always for DEMO_FAILING.
 * With --list it reads paths that end with NUL and prints a hash a line: the plain run.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 8192, READ_BYTES = 1 << 16 };

/* FNV-1a of the content; 0 when it cannot be read, for both ways alike. */
static uint64_t hash_file(const char *path)
{
    static unsigned char buffer[READ_BYTES];
    uint64_t hash = UINT64_C(14695981039346656037);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            hash = (hash ^ buffer[i]) * UINT64_C(1099511628211);
        }
    }
    close(file);
    return got < 0 ? 0 : hash;
}

static int hash_list(void)
{
    char *path = NULL;
    size_t room = 0;
    while (getdelim(&path, &room, '\0', stdin) > 0) {
        printf("%016" PRIx64 "\n", hash_file(path));
    }
    free(path);
    return ferror(stdin) || fflush(stdout) != 0;
}

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* One write: lines of several handlers do not mix. */
static void log_line(int log, const char *what, const char *end)
{
    char line[160];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int length =
        snprintf(line, sizeof line, "%s %" PRIu64 " %" PRIu64 " %ld %" PRId64 "%s\n", what,
                 number_of("SLOTQ_ID"), number_of("SLOTQ_ATTEMPT"), (long)getppid(),
                 (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, end);
    if (write(log, line, (size_t)length) != length) {
        perror("hash_file: the log");
        exit(1);
    }
}

static int handle(void)
{
    char path[PATH_BYTES];
    char end[32];
    const uint64_t id = number_of("SLOTQ_ID");
    const uint64_t flaky_every = number_of("DEMO_FLAKY_EVERY");
    const char *log_path = getenv("DEMO_LOG");
    const int log =
        log_path == NULL ? -1 : open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const size_t length = fread(path, 1, sizeof path - 1, stdin);
    if (log < 0 || id == 0) {
        fputs("hash_file: runs under slotq work, with DEMO_LOG set; or with --list\n", stderr);
        return 2;
    }
    path[length] = '\0';
    log_line(log, "start", "");
    if (id == number_of("DEMO_FAILING") ||
        (flaky_every != 0 && id % flaky_every == 0 && number_of("SLOTQ_ATTEMPT") < 3)) {
        log_line(log, "failed", "");
        return 1;
    }
    snprintf(end, sizeof end, " %016" PRIx64, hash_file(path));
    log_line(log, "done", end);
    return 0;
}

int main(int count, char **words)
{
    return count == 2 && strcmp(words[1], "--list") == 0 ? hash_list() : handle();
}
