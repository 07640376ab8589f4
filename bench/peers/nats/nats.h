/* nats.h: a nats-server with JetStream and the words it is spoken to with, as its documents tell
 * them: lines over TCP, and an API of JSON in messages. Knows these; no family.
 *
 * A stream with work-queue retention is the queue, a durable pull consumer with explicit acks what
 * its workers share. The server acknowledges each message that is published; it does not answer
 * acks.
 */
#ifndef SLOTQ_BENCH_PEERS_NATS_NATS_H
#define SLOTQ_BENCH_PEERS_NATS_NATS_H

#include "../../support/private_server.h"
#include "../line/cycle.h"

/* What contender.own points to. */
typedef struct nats_kind {
    bool in_memory;
} nats_kind;

enum { NATS_REPLY_BYTES = 128, NATS_LEASE_S = 600, NATS_INBOXES = 2 };

/* NULL: it is not on this machine. Configuration: in its own words, may be empty. */
private_server *nats_start(const char *configuration);
/* Where it listens, for line_wire_open; valid until the next call. */
const char *nats_where(const private_server *server);
/* The one that stands while a contender is open. */
const char *nats_standing(void);

/* Connects, and subscribes to all that is read below. */
void nats_open(line_wire *wire, const char *where);

/* Queue so many, new and empty; a worker may keep a message for lease_s. */
void nats_make_queue(line_wire *wire, bool in_memory, uint32_t number, uint32_t lease_s);
void nats_delete_queue(line_wire *wire, uint32_t number);
/* Messages that are not finished, by the server's count. Nothing may be unanswered. */
uint64_t nats_count(line_wire *wire, uint32_t number);
/* Waits until the server has done all acks. */
void nats_await_empty(line_wire *wire, uint32_t number);

/* Append. A pull asks for so many messages, in an inbox, and waits for them: 2.9 forgets some pulls
 * that have a time to end without a word. */
void nats_publish(line_wire *wire, uint32_t number, const uint8_t *payload, uint32_t payload_bytes);
void nats_pull(line_wire *wire, uint32_t number, uint32_t inbox, uint32_t count);
void nats_ack(line_wire *wire, const char *reply);
/* One that is answered: its answer is awaited. */
void nats_ack_surely(line_wire *wire, const char *reply);

/* The next thing that the server says. */
typedef enum nats_kind_of_news {
    NATS_PUBLISHED, /* one of ours is stored */
    NATS_REFUSED,   /* one of ours is not */
    NATS_MESSAGE,   /* one that was pulled */
    NATS_ANSWERED   /* a request to the API, or a sure ack */
} nats_kind_of_news;

typedef struct nats_news {
    nats_kind_of_news kind;
    uint32_t inbox;               /* of a message */
    char reply[NATS_REPLY_BYTES]; /* of a message: where it is acked */
    const uint8_t *bytes;         /* until the next call */
    uint32_t count;
} nats_news;

void nats_next(line_wire *wire, nats_news *news);
/* The next, which has to be so many bytes that begin as the payload of a closed load. */
void nats_take(line_wire *wire, uint32_t payload_bytes, nats_news *news);

extern const line_peer nats_peer; /* of queue 0 */

void nats_latency(const contender *self, const open_load *how, samples *ns);
void nats_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes);
void nats_grow(const contender *self, uint32_t length, uint32_t leased_percent,
               growth_times *times);
void nats_fill(const contender *self, full_answers *answers);
void nats_recover(const contender *self, uint32_t messages, recovery_times *times);

#endif
