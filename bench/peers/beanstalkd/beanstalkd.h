/* beanstalkd.h: servers of beanstalkd and the words it is spoken to with. Knows its protocol.txt;
 * no family.
 */
#ifndef SLOTQ_BENCH_PEERS_BEANSTALKD_BEANSTALKD_H
#define SLOTQ_BENCH_PEERS_BEANSTALKD_BEANSTALKD_H

#include "../../support/private_server.h"
#include "../line/cycle.h"

enum { BEANSTALKD_LEASE_S = 600 }; /* longer than any stretch */

/* What contender.own points to. */
typedef struct beanstalkd_kind {
    bool has_binlog;
} beanstalkd_kind;

/* NULL: it is not on this machine. */
private_server *beanstalkd_start(const contender *self);
/* Of the one that stands while the contender is open. */
const char *beanstalkd_socket(const contender *self);

extern const line_peer beanstalkd_peer;

/* Jobs that a hung or slow worker may keep for so long; the least there is is 1 s. */
void beanstalkd_put(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes,
                    uint32_t lease_s);
/* One command of words, its answer is that. */
void beanstalkd_do(line_wire *wire, const char *command, const char *answer);
/* The answer to a reserve: its job's number, and its bytes in payload, which takes payload_bytes;
 * other sizes end the bench. 0: TIMED_OUT. */
uint64_t beanstalkd_reserved(line_wire *wire, uint8_t *payload, uint32_t payload_bytes);
void beanstalkd_delete(line_wire *wire, uint64_t job);

void beanstalkd_latency(const contender *self, const open_load *how, samples *ns);
void beanstalkd_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes,
                      weight *bytes);
void beanstalkd_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                     growth_times *times);
void beanstalkd_recover(const contender *self, uint32_t messages, recovery_times *times);

#endif
