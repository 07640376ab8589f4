/* dead.h: what the command dead did with messages, all calls together; and pushing them to another
 * queue.
 */
#ifndef SLOTQ_TOOLS_VERBS_DEAD_H
#define SLOTQ_TOOLS_VERBS_DEAD_H

#include "../line/command_line.h"
#include "slotq.h"

/* Operands of dead: what, queue, ids. */
enum { DEAD_FIRST_ID = 2, DEAD_MOST = 65535 };

typedef struct dead_sum {
    uint64_t *ids; /* redrive: room for the new ids */
    uint32_t count;
    uint32_t damaged;
    uint32_t already; /* --to: removed here, but the other queue had them (by their keys) */
    uint32_t taken;   /* --to: pushed, but others had removed them here: twice there, maybe */
} dead_sum;

/* The group that is meant: all, or that of the option. */
uint8_t dead_group(const command_line *line);

/* The message of an operand, which was judged before. */
uint64_t dead_id(const command_line *line, int operand);

/* Says that there is none; EXIT_CODE_EMPTY. */
int complain_not_dead(const char *name, uint64_t id);

/* Open the queue of a line that names another one too; as open_queue (open.h), but --sync is about
 * the one of both that is a file. */
int move_open(const command_line *line, const char *name, slotq **from);

/* redrive --to: the messages of the line, at most limit (0 = all), into the other queue that it
 * names. EXIT_CODE_OK, or another after a message; sum is filled in either case.
 *
 * Several may run at once: each message is in the ids of one. If the other queue has keys, it is
 * pushed once. Else it may be pushed twice where two meet at it: the one that finds it gone counts
 * it as taken, and goes on at another place in the dead section. */
int dead_move(const command_line *line, const char *name, slotq *queue, uint32_t limit,
              dead_sum *sum);

#endif
