/* cycle.h: closed load on a peer that speaks lines: pushes, takes and finishes on their way
 * together, counted by their answers. Knows the order of a cycle; no protocol.
 */
#ifndef SLOTQ_BENCH_PEERS_LINE_CYCLE_H
#define SLOTQ_BENCH_PEERS_LINE_CYCLE_H

#include "../contender.h"
#include "wire.h"

typedef enum line_answer { LINE_PUSHED, LINE_TAKEN, LINE_FINISHED } line_answer;

typedef struct line_peer {
    /* Append so many commands. */
    void (*push)(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes, uint32_t count);
    void (*ask)(line_wire *wire, uint32_t count);
    /* Reads one answer. A message that was taken is held against the payload, and its finish is
     * appended. */
    line_answer (*answer)(line_wire *wire, const uint8_t *payload, uint32_t payload_bytes);
    bool finish_is_answered;
    uint32_t window_most; /* messages on their way at once where it is at its best; 0: any */
    uint32_t nap_us;      /* wire.h, where a window is large */
    /* The server has done all that was sent, and has nothing left: waits for that. */
    void (*settle)(line_wire *wire);
} line_peer;

/* The bytes of all messages of a closed load; the first is not 0. */
const uint8_t *line_payload(void);

/* The queue is empty before and behind it. */
void line_cycle(const line_peer *peer, line_wire *wire, const load *how, cycle_times *times);

/* The parts of it. All leave nothing unanswered. */
void line_push_all(const line_peer *peer, line_wire *wire, const load *how);
void line_take_all(const line_peer *peer, line_wire *wire, const load *how);
void line_turn(const line_peer *peer, line_wire *wire, const load *how);

#endif
