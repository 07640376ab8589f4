/* pusher.h: messages on their way into one queue, gathered by a producer, or by a scheduler where
 * they have a due time; what became of them, told to people. Knows no stdin.
 */
#ifndef SLOTQ_TOOLS_VERBS_PUSHER_H
#define SLOTQ_TOOLS_VERBS_PUSHER_H

#include "../line/command_line.h"
#include "framed.h"
#include "slotq.h"
#include "schedule.h"
#include "slotq_producer.h"

/* Messages on their way into one queue. */
typedef struct pusher {
    const command_line *line;
    const char *name;
    slotq *queue;
    const slotq_geometry *geometry;
    framer frame;
    slotq_producer *producer; /* or */
    scheduler *scheduler;
    bool due_is_local; /* with a scheduler */
    uint64_t pushed;
    uint64_t first_id;
    uint64_t last_id;
    uint64_t doubtful;     /* after those, the ones whose reply was lost */
    uint64_t behind;       /* and after these, ones that were pushed */
    uint64_t unconfirmed;  /* pushed, but confirmed by too few replicas */
    uint64_t gone;         /* pushed to a queue that was made anew since */
    slotq_outcome refused; /* what ended it before its end; OK: nothing */
    bool print_ids;
} pusher;

/* A full queue is waited for under --block, this long. */
enum { PUSHER_BLOCK_MS = 24 * 60 * 60 * 1000 };

/* The due time of --in or --at. EXIT_CODE_OK, or another after a message. */
int pusher_read_due(const command_line *line, const slotq_geometry *geometry, scheduler_due *due,
                    bool *is_local);

/* EXIT_CODE_OK, or another after a message; to be closed in either case. */
int pusher_open(pusher *push, const command_line *line);
/* What was not flushed is given up, and never pushed: it was told that it was not. */
void pusher_close(pusher *push);

/* The largest DATA or record that fits. */
uint32_t pusher_room(const pusher *push);
/* OK: the message is on its way, and so are those before it. size is at most pusher_room. */
slotq_outcome pusher_add(pusher *push, const void *bytes, size_t size);
slotq_outcome pusher_flush(pusher *push);
/* Messages that wait to be flushed. */
uint32_t pusher_count(const pusher *push);

/* EXIT_CODE_OK, or EXIT_CODE_USAGE after a message: it is larger than the queue takes. what: DATA
 * or record, and its number. */
int pusher_judge_size(const pusher *push, const char *what, uint64_t number, size_t size);
/* Why it stopped before the end; what names the message that did not go in. */
int pusher_complain(pusher *push, slotq_outcome outcome, const char *what);
void pusher_summarise(const pusher *push);
/* Where messages have a due time: say it. */
void pusher_tell_due(const pusher *push);

#endif
