/* wire.h: one connection to a server that speaks lines and counted bodies, as beanstalkd and
 * NATS do: much is sent at once, answers are read in order, bytes are counted. Knows sockets; no
 * command and no answer.
 */
#ifndef SLOTQ_BENCH_PEERS_LINE_WIRE_H
#define SLOTQ_BENCH_PEERS_LINE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct line_buffer {
    char *bytes;
    size_t room;
    size_t begin; /* what is before it was sent, or read by the caller */
    size_t end;
} line_buffer;

typedef struct line_wire {
    int socket;
    line_buffer out;
    line_buffer in;
    /* A server that writes each answer alone wakes us for each, at its own cost: before we
     * wait for one, we sleep so long, and find many. 0, which is how it begins: not. */
    uint32_t nap_us;
    uint64_t own; /* the caller's */
    uint64_t sent_bytes;
    uint64_t received_bytes;
} line_wire;

/* Where is the path of a unix socket, or a port of 127.0.0.1 in digits. All end the bench with a
 * message when the server does not do its part, which is to say something within 30 s. */
void line_wire_open(line_wire *self, const char *where);
void line_wire_close(line_wire *self);

/* Sent when an answer is asked for that is not there yet, together with all before it. */
void line_wire_append(line_wire *self, const void *bytes, size_t length);
void line_wire_append_text(line_wire *self, const char *text);
void line_wire_append_number(line_wire *self, uint64_t number);
/* Sends what is left. */
void line_wire_flush(line_wire *self);

/* Sends what is left unless something is there to be read; waits until it is. false: not in time.
 */
bool line_wire_await(line_wire *self, uint32_t wait_ms);

/* The next line, ended by NUL in the place of its CR LF; valid, as a body is, until the next call
 * for either: ask for the line, use it up, then ask for the body. */
char *line_wire_line(line_wire *self);
/* The next so many bytes and the CR LF behind them. */
const uint8_t *line_wire_body(line_wire *self, size_t length);

/* The number at the beginning of text, and what follows it. */
uint64_t line_number(const char **text);
/* What follows when text begins with that; else NULL. */
const char *line_after(const char *text, const char *beginning);
/* Ends the bench, telling the line, unless it is that. */
void line_need(const char *line, const char *wanted);

#endif
