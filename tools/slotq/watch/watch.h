/* watch.h: what the pages of the live view share: what is looked at, what is selected, and what was
 * said last. Knows figures and the screen.
 */
#ifndef SLOTQ_TOOLS_WATCH_WATCH_H
#define SLOTQ_TOOLS_WATCH_WATCH_H

#include "../figures/figures.h"
#include "draw.h"

typedef enum watch_order { ORDER_NAME, ORDER_READY, ORDER_AGE, ORDER_DEAD, ORDERS } watch_order;
typedef enum watch_tab { TAB_RING, TAB_LATER, TAB_DEAD, TABS } watch_tab;

typedef struct watch {
    const command_line *line;
    figures all;
    watch_order order;
    char *name;     /* the selected queue; NULL: there is none */
    bool is_inside; /* its page is shown, not the list */
    int top;        /* the first row of the list */
    watch_tab tab;
    uint32_t skip;      /* messages before those that are shown; in the ring by id: */
    uint64_t from_id;   /* 0: from the oldest on */
    uint64_t pages[64]; /* ids with which the pages before begin */
    int page;
    int selected;  /* of the messages that are shown */
    uint64_t id;   /* of the selected message; 0: none */
    uint8_t group; /* that a dead message died in */
    slotq_batch *batch;
    bool has_message; /* said: until the next key */
    look how;
    char said[320];
} watch;

/* Say something in the last row, until the next key. */
void watch_say(watch *self, look how, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The selected queue, as it was looked at; NULL: none, or gone. */
figures_queue *watch_queue(watch *self);

/* Ask in the last row: y is yes, any other key refuses. */
bool watch_confirm(watch *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ask for a short text; false: Escape, or nothing. */
bool watch_read(watch *self, const char *question, char *text, size_t bytes);

/* ---- pages ---- */

void list_draw(watch *self);
bool list_key(watch *self, int key);
void queue_draw(watch *self);
bool queue_key(watch *self, int key);
/* A page begins anew: another queue, another tab. */
void queue_begin(watch *self, watch_tab tab);
/* Do what the key stands for, asked for before. false: it stands for nothing. */
bool action_key(watch *self, int key);

#endif
