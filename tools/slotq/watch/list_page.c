/* list_page.c: all queues, a row each.
 */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../say/texts.h"
#include "watch.h"

enum { HEAD_ROWS = 3, FOOT_ROWS = 2, FIGURES_COLUMNS = 58, NAME_LEAST = 12 };

typedef struct list_column {
    const char *title;
    int columns;
} list_column;

static const list_column columns[] = {{"READY", 7}, {"LEASED", 7}, {"WAIT", 6},
                                      {"LATER", 6}, {"ASIDE", 6},  {"DEAD", 6},
                                      {"IN/s", 6},  {"OUT/s", 6},  {"OLDEST", 8}};

/* The name gets what the figures leave, and on wide screens shares it with the strip. */
static int name_columns(void)
{
    const int left = draw_columns() - FIGURES_COLUMNS - 3;
    const int half = left / 2;
    return left < 2 * NAME_LEAST ? NAME_LEAST : half < 40 ? half : 40;
}

static watch_order order_now;

static uint64_t weight_of(const figures_queue *queue)
{
    switch (order_now) {
    case ORDER_READY:
        return figures_worst(queue)->ready;
    case ORDER_AGE:
        return figures_age_ms(queue, queue->worst);
    case ORDER_DEAD:
        return figures_worst(queue)->dead;
    default:
        return 0;
    }
}

static int compare(const void *one, const void *other)
{
    const figures_queue *first = *(const figures_queue *const *)one;
    const figures_queue *second = *(const figures_queue *const *)other;
    const uint64_t a = weight_of(first);
    const uint64_t b = weight_of(second);
    return a != b ? (a < b ? 1 : -1) : strcmp(first->name, second->name);
}

/* NULL without memory, or without queues. */
static const figures_queue **sorted_queues(watch *self)
{
    const figures_queue **sorted = calloc(self->all.count + 1, sizeof(figures_queue *));
    for (size_t i = 0; sorted != NULL && i < self->all.count; i++) {
        sorted[i] = &self->all.queues[i];
    }
    order_now = self->order;
    if (sorted != NULL && self->all.count != 0) {
        qsort(sorted, self->all.count, sizeof(const figures_queue *), compare);
    }
    return sorted;
}

static void draw_state(int row, int column, const figures_queue *queue)
{
    const slotq_stats *stats = figures_worst(queue);
    const int room = draw_columns() - column;
    char text[64];
    if (!queue->is_live) {
        draw_bytes(row, column, room, LOOK_TROUBLE, queue->trouble.text,
                   strlen(queue->trouble.text));
    } else if (stats->paused != 0) {
        snprintf(text, sizeof text, "paused %s", paused_text(stats->paused));
        draw_bytes(row, column, room, LOOK_WAITING, text, strlen(text));
    } else if (figures_is_full(queue)) {
        snprintf(text, sizeof text, "FULL by %s", id_text(stats->holder.id).text);
        draw_bytes(row, column, room, LOOK_TROUBLE, text, strlen(text));
    } else {
        const uint32_t done = stats->used > stats->unfinished ? stats->used - stats->unfinished : 0;
        const draw_part parts[] = {{stats->leased, '#', LOOK_LEASED},
                                   {stats->waiting, '~', LOOK_WAITING},
                                   {stats->ready, '=', LOOK_READY},
                                   {done, '-', LOOK_DIM},
                                   {stats->capacity - stats->used, '.', LOOK_DIM}};
        draw_strip(row, column, room - 1 < 60 ? room - 1 : 60, parts,
                   sizeof parts / sizeof parts[0]);
    }
}

static void draw_queue(int row, const figures_queue *queue, bool is_selected)
{
    const slotq_stats *stats = figures_worst(queue);
    const uint64_t age_ms = figures_age_ms(queue, queue->worst);
    const short_text shown[] = {short_count(stats->ready),
                                short_count(stats->leased),
                                short_count(stats->waiting),
                                short_count(stats->later),
                                short_count(stats->aside),
                                short_count(stats->dead),
                                short_rate(queue->has_rates, queue->in_per_s),
                                short_rate(queue->has_rates, queue->out_per_s[queue->worst])};
    int at = name_columns();
    const look how = is_selected ? LOOK_SELECTED : queue->is_live ? LOOK_PLAIN : LOOK_DIM;
    draw_row(row, how, "");
    draw_text(row, 0, at, how, queue->name);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const bool known = queue->is_live || (queue->read_ms != 0 && i < 6);
        draw_text(row, at, -columns[i].columns, how, known ? shown[i].text : "-");
        at += columns[i].columns;
    }
    draw_text(row, at, -columns[8].columns, how, age_ms != 0 ? short_age(age_ms).text : "-");
    draw_state(row, at + columns[8].columns + 1, queue);
}

static void draw_head(const watch *self)
{
    static const char *const orders[] = {"name", "ready", "age", "dead"};
    char text[1200];
    snprintf(text, sizeof text, "slotq top  %s  %zu queue%s, by %s",
             shown_url(self->line->url).text, self->all.count, self->all.count == 1 ? "" : "s",
             orders[self->order]);
    draw_row(0, LOOK_STRONG, text);
    if (!self->all.is_live) {
        snprintf(text, sizeof text, "NOT LIVE: %s", self->all.trouble.text);
        draw_row(1, LOOK_TROUBLE, text);
    }
    int at = name_columns();
    draw_row(2, LOOK_STRONG, "QUEUE");
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        draw_text(2, at, -columns[i].columns, LOOK_STRONG, columns[i].title);
        at += columns[i].columns;
    }
    draw_text(2, at + 1, draw_columns() - at - 1, LOOK_STRONG, "SLOTS");
}

static size_t selected_of(watch *self, const figures_queue *const *sorted)
{
    for (size_t i = 0; self->name != NULL && i < self->all.count; i++) {
        if (strcmp(sorted[i]->name, self->name) == 0) {
            return i;
        }
    }
    return 0;
}

static void select_queue(watch *self, const char *name)
{
    char *own = strdup(name);
    if (own != NULL) {
        free(self->name);
        self->name = own;
    }
}

void list_draw(watch *self)
{
    const int rows = draw_rows() - HEAD_ROWS - FOOT_ROWS;
    const figures_queue **sorted = sorted_queues(self);
    draw_head(self);
    if (sorted == NULL || self->all.count == 0) {
        draw_row(HEAD_ROWS, LOOK_DIM, self->all.is_live ? "no queue here: slotq create NAME" : "");
        free(sorted);
        return;
    }
    const size_t selected = selected_of(self, sorted);
    if (self->name == NULL || strcmp(sorted[selected]->name, self->name) != 0) {
        select_queue(self, sorted[selected]->name);
    }
    if ((int)selected < self->top) {
        self->top = (int)selected;
    }
    if ((int)selected >= self->top + rows) {
        self->top = (int)selected - rows + 1;
    }
    for (int i = 0; i < rows && self->top + i < (int)self->all.count; i++) {
        const figures_queue *queue = sorted[self->top + i];
        draw_queue(HEAD_ROWS + i, queue, (size_t)(self->top + i) == selected);
    }
    draw_row(draw_rows() - 2, LOOK_DIM,
             "leased #  waiting ~  ready =  finished -  free .   (of the group that is behind)");
    free(sorted);
}

static void step(watch *self, int64_t by)
{
    const figures_queue **sorted = sorted_queues(self);
    if (sorted != NULL && self->all.count != 0) {
        int64_t at = (int64_t)selected_of(self, sorted) + by;
        at = at < 0 ? 0 : at >= (int64_t)self->all.count ? (int64_t)self->all.count - 1 : at;
        select_queue(self, sorted[at]->name);
    }
    free(sorted);
}

bool list_key(watch *self, int key)
{
    const int page = draw_rows() - HEAD_ROWS - FOOT_ROWS;
    switch (key) {
    case KEY_UP:
    case 'k':
        step(self, -1);
        return true;
    case KEY_DOWN:
    case 'j':
        step(self, 1);
        return true;
    case KEY_PPAGE:
        step(self, -page);
        return true;
    case KEY_NPAGE:
        step(self, page);
        return true;
    case KEY_HOME:
        step(self, -(int64_t)self->all.count);
        return true;
    case KEY_END:
        step(self, (int64_t)self->all.count);
        return true;
    case 's':
        self->order = (watch_order)((self->order + 1) % ORDERS);
        return true;
    case '\n':
    case KEY_ENTER:
    case KEY_RIGHT:
        if (watch_queue(self) != NULL) {
            self->is_inside = true;
            queue_begin(self, TAB_RING);
        }
        return true;
    default:
        return false;
    }
}
