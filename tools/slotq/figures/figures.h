/* figures.h: the numbers of all queues of a store, looked at again and again, with the rates
 * between two looks. Knows queues and clocks; prints nothing.
 */
#ifndef SLOTQ_TOOLS_FIGURES_FIGURES_H
#define SLOTQ_TOOLS_FIGURES_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../line/command_line.h"
#include "slotq.h"

typedef struct figures_text {
    char text[240];
} figures_text;

/* One queue, as the newest look found it. */
typedef struct figures_queue {
    char *name;
    bool is_live;         /* false: it could not be read; the numbers are of an earlier look */
    figures_text trouble; /* why not, in one line */
    uint64_t read_ms;     /* by the queue's clock; 0: never */
    uint64_t bytes;
    uint32_t shards; /* open ones; 0: a queue that is alone */
    slotq_geometry geometry;
    slotq_stats groups[SLOTQ_GROUPS_MAX];
    uint8_t worst; /* the group with the most unfinished messages: it is what a list shows */
    bool has_rates;
    double in_per_s; /* pushed */
    double out_per_s[SLOTQ_GROUPS_MAX];
    /* of the looks alone */
    slotq *kept;
    uint64_t looked_at_ms;
    bool was_seen;
} figures_queue;

typedef struct figures {
    const command_line *line;
    figures_queue *queues; /* by name */
    size_t count;
    size_t room;
    size_t kept;
    bool is_live; /* false: the store could not be listed; what is known is of an earlier look */
    figures_text trouble;
} figures;

/* line must outlive it. */
void figures_begin(figures *all, const command_line *line);
void figures_end(figures *all);
/* Look at all queues, or at one alone (only; NULL: all), which is there. false: memory is out. */
bool figures_look(figures *all, const char *only);
/* A handle for looking, to be given back; NULL: it cannot be opened now. */
slotq *figures_borrow(figures *all, figures_queue *queue);
void figures_return(const figures_queue *queue, slotq *handle);
/* NULL: none has the name. */
figures_queue *figures_find(figures *all, const char *name);

/* ---- of one queue ---- */

static inline const slotq_stats *figures_worst(const figures_queue *queue)
{
    return &queue->groups[queue->worst];
}
/* Age of the group's oldest message; 0: none, or the queue keeps no push times. */
uint64_t figures_age_ms(const figures_queue *queue, uint8_t group);
/* No push gets in: the ring is full, and nothing steps aside or is overwritten. */
bool figures_is_full(const figures_queue *queue);

#endif
