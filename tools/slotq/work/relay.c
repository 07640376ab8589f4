/* relay.c: passes the output of commands on (relay.h). A relay that has something to write stops
 * reading until that is written, so its command waits like any writer of a full pipe.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../say/report.h"
#include "last_line.h"

enum {
    HELD_BYTES = 16 * 1024,
    CHUNK_BYTES = 4096, /* a pipe that is writable takes as much without blocking */
    LEFT_BEHIND_MOST = 64
};

struct relay {
    relay *next; /* newest first */
    relay *next_ready;
    int input; /* -1 = at its end */
    int stream;
    bool watched; /* its input is in the set */
    bool ready;   /* the file and ready_bytes of memory are to be written */
    bool is_owned;
    bool is_lossy;        /* something was dropped */
    bool is_complete;     /* the command's own output is at its end */
    int left_bytes;       /* of it, in the pipe; -1 = the command runs */
    char *bytes;          /* HELD_BYTES, or NULL while it holds none */
    size_t held_bytes;    /* in memory, behind what is in the file */
    size_t ready_bytes;   /* of those */
    size_t written_bytes; /* of those */
    int file;             /* -1 = none */
    off_t file_bytes;
    off_t file_written;
    last_line *last; /* of stderr; NULL for stdout alone */
};

/* ---- the list ---- */

static void watch(relays *all, relay *one, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    if (one->input >= 0 && one->watched != wanted) {
        epoll_ctl(all->set, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, one->input, &event);
        one->watched = wanted;
    }
}

static void close_input(relays *all, relay *one)
{
    watch(all, one, false);
    if (one->input >= 0) {
        close(one->input);
    }
    one->input = -1;
}

static void free_relay(relays *all, relay *one)
{
    for (relay **at = &all->all; *at != NULL; at = &(*at)->next) {
        if (*at == one) {
            *at = one->next;
            break;
        }
    }
    close_input(all, one);
    if (one->file >= 0) {
        close(one->file);
    }
    free(one->bytes);
    free(one->last);
    free(one);
}

/* ---- what is held ---- */

static void make_ready(relays *all, relay *one, size_t ready_bytes)
{
    if (one->ready || (ready_bytes == 0 && one->file_bytes == 0)) {
        return;
    }
    one->ready = true;
    one->ready_bytes = ready_bytes;
    one->written_bytes = 0;
    one->next_ready = NULL;
    if (all->first_ready[one->stream] == NULL) {
        all->first_ready[one->stream] = one;
    } else {
        all->last_ready[one->stream]->next_ready = one;
    }
    all->last_ready[one->stream] = one;
    watch(all, one, false);
}

/* A file without a name, for what memory has no room for. */
static int open_file(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    folder = folder != NULL && folder[0] != '\0' ? folder : "/tmp";
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0 && snprintf(path, sizeof path, "%s/slotq-output-XXXXXX", folder) <
                        (int)sizeof path) { /* a file system without such files */
        file = mkostemp(path, O_CLOEXEC);
        if (file >= 0) {
            unlink(path);
        }
    }
    return file;
}

/* Memory is full of what is not to be written yet. Without room for a file it is written now. */
static void move_to_file(relays *all, relay *one)
{
    if (one->file < 0) {
        one->file = open_file();
    }
    size_t moved = 0;
    while (one->file >= 0 && moved < one->held_bytes) {
        const ssize_t wrote = pwrite(one->file, one->bytes + moved, one->held_bytes - moved,
                                     one->file_bytes + (off_t)moved);
        if (wrote < 0 && errno != EINTR) {
            break;
        }
        moved += wrote > 0 ? (size_t)wrote : 0;
    }
    if (moved == one->held_bytes) {
        one->file_bytes += (off_t)moved;
        one->held_bytes = 0;
        return;
    }
    if (!all->told_of_file) {
        complain("no temporary file for long output (%s): it may mix with that of other commands; "
                 "set TMPDIR to a folder with room",
                 strerror(errno));
        all->told_of_file = true;
    }
    make_ready(all, one, one->held_bytes);
}

/* The command's own output has been read. */
static void complete(relays *all, relay *one)
{
    one->is_complete = true;
    make_ready(all, one, one->held_bytes);
}

/* ---- reading ---- */

static void judge_bytes(relays *all, relay *one, size_t got)
{
    const char *end =
        all->mode == RELAY_LINE ? memrchr(one->bytes + one->held_bytes, '\n', got) : NULL;
    if (one->last != NULL && !one->is_complete) {
        last_line_add(one->last, one->bytes + one->held_bytes, got);
    }
    one->held_bytes += got;
    if (end != NULL) {
        make_ready(all, one, (size_t)(end - one->bytes) + 1);
    }
}

/* One read; false when nothing more can be had now. */
static bool read_some(relays *all, relay *one)
{
    if (one->bytes == NULL) {
        one->bytes = malloc(HELD_BYTES);
    }
    if (one->bytes == NULL || one->ready || one->input < 0) {
        return false;
    }
    if (one->held_bytes == HELD_BYTES) {
        move_to_file(all, one);
        if (one->ready) {
            return false;
        }
    }
    size_t room = HELD_BYTES - one->held_bytes;
    if (!one->is_complete && one->left_bytes > 0 && (size_t)one->left_bytes < room) {
        room = (size_t)one->left_bytes;
    }
    const ssize_t got = read(one->input, one->bytes + one->held_bytes, room);
    if (got > 0) {
        judge_bytes(all, one, (size_t)got);
        if (!one->is_complete && one->left_bytes >= 0) {
            one->left_bytes -= (int)got < one->left_bytes ? (int)got : one->left_bytes;
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_input(all, one);
        complete(all, one);
    }
    if (!one->is_complete && one->left_bytes == 0 && !one->ready) {
        complete(all, one);
    }
    return got > 0;
}

static void read_inputs(relays *all)
{
    enum { AT_A_TIME = 64 };
    struct epoll_event events[AT_A_TIME];
    const int count = epoll_wait(all->set, events, AT_A_TIME, 0);
    for (int i = 0; i < count; i++) {
        read_some(all, events[i].data.ptr);
    }
}

/* ---- writing ---- */

static bool is_writable(int stream)
{
    struct pollfd target = {.fd = STDOUT_FILENO + stream, .events = POLLOUT};
    return poll(&target, 1, 0) > 0;
}

/* The head of the line is written: it reads on, or leaves. */
static void note_written(relays *all, relay *one)
{
    all->first_ready[one->stream] = one->next_ready;
    one->ready = false;
    one->held_bytes -= one->ready_bytes;
    memmove(one->bytes, one->bytes + one->ready_bytes, one->held_bytes);
    one->ready_bytes = 0;
    if (one->file_bytes != 0) {
        one->file_bytes = 0;
        one->file_written = 0;
        (void)!ftruncate(one->file, 0);
    }
    if (one->held_bytes == 0) {
        free(one->bytes);
        one->bytes = NULL;
    }
    if (one->input < 0 || (one->left_bytes == 0 && !one->is_complete)) {
        complete(all, one);
    }
    watch(all, one, !one->ready);
}

/* A piece of the first in line; false when the target takes no more, or nothing is left. */
static bool write_some(relays *all, int stream)
{
    relay *one = all->first_ready[stream];
    char chunk[CHUNK_BYTES];
    const char *at = one->bytes + one->written_bytes;
    ssize_t size = (ssize_t)(one->ready_bytes - one->written_bytes);
    const bool from_file = one->file_written < one->file_bytes;
    if (from_file) {
        const off_t rest = one->file_bytes - one->file_written;
        size = pread(one->file, chunk, rest < CHUNK_BYTES ? (size_t)rest : sizeof chunk,
                     one->file_written);
        at = chunk;
        if (size <= 0) {
            all->failed[stream] = size < 0 ? errno : EIO;
        }
    }
    size = size < CHUNK_BYTES ? size : CHUNK_BYTES;
    ssize_t wrote = size;
    if (all->failed[stream] == 0) {
        wrote = write(STDOUT_FILENO + stream, at, (size_t)size);
        if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        all->failed[stream] = wrote < 0 ? errno : 0;
    }
    if (all->failed[stream] != 0) {
        one->is_lossy = true;
        one->file_written = one->file_bytes;
        one->written_bytes = one->ready_bytes;
    } else if (from_file) {
        one->file_written += wrote;
    } else {
        one->written_bytes += (size_t)wrote;
    }
    if (one->file_written == one->file_bytes && one->written_bytes == one->ready_bytes) {
        note_written(all, one);
    }
    return true;
}

static void write_outputs(relays *all)
{
    for (int stream = 0; stream < RELAY_STREAMS; stream++) {
        while (all->first_ready[stream] != NULL &&
               (all->failed[stream] != 0 || is_writable(stream)) && write_some(all, stream)) {
        }
    }
}

/* Pipes that processes left behind hold open: a group of theirs is written when they end. */
static void drop_left_behind(relays *all)
{
    relay *oldest = NULL;
    relay *next;
    for (relay *one = all->all; one != NULL; one = next) {
        next = one->next;
        if (one->is_owned) {
            continue;
        }
        if (one->input < 0 && !one->ready) {
            free_relay(all, one);
            all->left_behind--;
        } else if (one->input >= 0) {
            oldest = one;
        }
    }
    if (all->left_behind > LEFT_BEHIND_MOST && oldest != NULL) {
        close_input(all, oldest);
        complete(all, oldest);
    }
}

void relays_attend(relays *all)
{
    if (all->mode != RELAY_NONE) {
        read_inputs(all);
        write_outputs(all);
        if (all->left_behind != 0) {
            drop_left_behind(all);
        }
    }
}

/* ---- commands ---- */

static bool is_one_file(void)
{
    struct stat one;
    struct stat other;
    return fstat(STDOUT_FILENO, &one) == 0 && fstat(STDERR_FILENO, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int relays_start(relays *all, relay_mode mode)
{
    *all = (relays){.mode = mode, .set = -1};
    if (mode == RELAY_NONE) {
        return 0;
    }
    all->is_one_file = is_one_file();
    all->set = epoll_create1(EPOLL_CLOEXEC);
    return all->set < 0 ? errno : 0;
}

void relays_end(relays *all)
{
    if (all->set < 0) {
        return;
    }
    relays_attend(all);
    while (all->all != NULL) {
        free_relay(all, all->all);
    }
    close(all->set);
    all->set = -1;
}

static int open_stream(relays *all, relay_pair *pair, int stream, int *end)
{
    int ends[2];
    const bool has_errors = stream == 1 || all->is_one_file;
    relay *one = calloc(1, sizeof *one);
    last_line *last = has_errors ? calloc(1, sizeof *last) : NULL;
    int why = one == NULL || (has_errors && last == NULL) ? ENOMEM : 0;
    if (why == 0 && pipe2(ends, O_CLOEXEC) != 0) {
        why = errno;
    }
    if (why != 0) {
        free(last);
        free(one);
        return why;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* the command's end stays blocking */
    *one = (relay){.next = all->all,
                   .input = ends[0],
                   .stream = stream,
                   .is_owned = true,
                   .left_bytes = -1,
                   .file = -1,
                   .last = last};
    all->all = one;
    pair->streams[stream] = one;
    *end = ends[1];
    watch(all, one, true);
    return 0;
}

int relays_open(relays *all, relay_pair *pair, int ends[RELAY_STREAMS])
{
    *pair = (relay_pair){{NULL, NULL}};
    ends[0] = -1;
    ends[1] = -1;
    for (int stream = 0; all->mode != RELAY_NONE && stream < RELAY_STREAMS; stream++) {
        if (stream == 1 && all->is_one_file) {
            ends[1] = ends[0];
            break;
        }
        const int why = open_stream(all, pair, stream, &ends[stream]);
        if (why != 0) {
            if (ends[0] >= 0) {
                close(ends[0]);
            }
            relays_let_go(all, pair);
            ends[0] = -1;
            return why;
        }
    }
    return 0;
}

void relays_command_ended(relays *all, relay_pair *pair)
{
    for (int i = 0; i < RELAY_STREAMS; i++) {
        relay *one = pair->streams[i];
        if (one == NULL || one->is_complete) {
            continue;
        }
        if (one->input < 0 || ioctl(one->input, FIONREAD, &one->left_bytes) != 0) {
            one->left_bytes = 0;
        }
        while (one->left_bytes != 0 && read_some(all, one)) {
        }
        if (one->left_bytes == 0 && !one->ready) {
            read_some(all, one); /* its end, mostly */
        }
        if (one->left_bytes == 0 && !one->ready) {
            complete(all, one);
        }
    }
}

bool relays_are_written(const relay_pair *pair)
{
    for (int i = 0; i < RELAY_STREAMS; i++) {
        const relay *one = pair->streams[i];
        if (one != NULL && (!one->is_complete || one->ready)) {
            return false;
        }
    }
    return true;
}

void relays_let_go(relays *all, relay_pair *pair)
{
    for (int i = 0; i < RELAY_STREAMS; i++) {
        relay *one = pair->streams[i];
        pair->streams[i] = NULL;
        if (one == NULL) {
            continue;
        }
        one->is_owned = false;
        all->left_behind++;
    }
    drop_left_behind(all);
}

slotq_data relays_last_line(const relay_pair *pair, size_t most)
{
    for (int i = RELAY_STREAMS - 1; i >= 0; i--) {
        if (pair->streams[i] != NULL && pair->streams[i]->last != NULL) {
            return last_line_text(pair->streams[i]->last, most);
        }
    }
    return (slotq_data){NULL, 0};
}

bool relays_lost(const relay_pair *pair)
{
    return (pair->streams[0] != NULL && pair->streams[0]->is_lossy) ||
           (pair->streams[1] != NULL && pair->streams[1]->is_lossy);
}

int relays_input(const relays *all)
{
    return all->set;
}

bool relays_wait_for(const relays *all, int stream)
{
    return all->first_ready[stream] != NULL;
}

int relays_fault(const relays *all)
{
    return all->failed[0] != 0 ? all->failed[0] : all->failed[1];
}

bool relays_reader_is_gone(void)
{
    struct pollfd outputs[RELAY_STREAMS] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};
    return poll(outputs, RELAY_STREAMS, 0) > 0 &&
           ((outputs[0].revents | outputs[1].revents) & (POLLERR | POLLHUP)) != 0;
}
