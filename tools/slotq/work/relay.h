/* relay.h: passes what commands write on to stdout and stderr, so that commands that run at one
 * time do not mix their output within a line. Knows pipes, not queues or processes.
 *
 * Memory is bounded: a line or a group beyond 16 KiB waits in a temporary file. A full or slow
 * stdout blocks the commands that write, never the worker.
 */
#ifndef SLOTQ_TOOLS_WORK_RELAY_H
#define SLOTQ_TOOLS_WORK_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slotq.h"

typedef enum relay_mode {
    RELAY_NONE, /* commands write to the worker's stdout and stderr themselves */
    RELAY_LINE, /* whole lines; the last one of a command as it is */
    RELAY_GROUP /* all that a command wrote, when it has ended */
} relay_mode;

enum { RELAY_STREAMS = 2 }; /* stdout and stderr */

typedef struct relay relay; /* one stream of one command */

/* One relay for both streams where stdout and stderr are the same file: they keep their order. */
typedef struct relay_pair {
    relay *streams[RELAY_STREAMS];
} relay_pair;

/* Set up by relays_start; the fields are private. */
typedef struct relays {
    relay_mode mode;
    bool is_one_file;
    int set; /* epoll: the inputs that may be read */
    relay *all;
    relay *first_ready[RELAY_STREAMS]; /* what waits to be written, by target */
    relay *last_ready[RELAY_STREAMS];
    unsigned left_behind;      /* of commands that have ended, held open by processes they left */
    int failed[RELAY_STREAMS]; /* errno of the write that failed; what follows is dropped */
    bool told_of_file;
} relays;

/* 0, or an errno. */
int relays_start(relays *all, relay_mode mode);
/* What was read is written if that does not block; then everything is freed. */
void relays_end(relays *all);

/* Make the relays of a command that is to be started: ends[i] becomes its stdout, its stderr; -1 =
 * the worker's. Close them when it is started. 0, or an errno. */
int relays_open(relays *all, relay_pair *pair, int ends[RELAY_STREAMS]);

/* The command has ended: what is in its pipes now is its output. */
void relays_command_ended(relays *all, relay_pair *pair);
/* All of that is written, or dropped. */
bool relays_are_written(const relay_pair *pair);
/* The last line that the command has written to stderr, or to both where they are one file, cut to
 * most bytes; valid until relays_let_go. Empty if its stderr is not relayed. */
slotq_data relays_last_line(const relay_pair *pair, size_t most);
/* Some of it was dropped. */
bool relays_lost(const relay_pair *pair);
/* The caller is done with them. A process that the command left behind may still write: up to 64
 * such pipes stay open, then the oldest is closed. */
void relays_let_go(relays *all, relay_pair *pair);

/* Read what is there and write what can be written; never blocks. */
void relays_attend(relays *all);
/* Descriptor that is readable when relays_attend has something to read; -1 = none. */
int relays_input(const relays *all);
/* Something waits for this stream (0 stdout, 1 stderr) to be writable. */
bool relays_wait_for(const relays *all, int stream);

/* The errno of a write to stdout or stderr that failed; 0 = none did. */
int relays_fault(const relays *all);
/* stdout or stderr is a pipe or a socket that nothing reads any more. */
bool relays_reader_is_gone(void);

#endif
