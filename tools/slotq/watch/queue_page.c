/* queue_page.c: one queue: its groups, what holds it up, and its messages.
 */
#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "../say/texts.h"
#include "../verbs/look.h"
#include "watch.h"

enum { GROUPS_AT = 4, PREVIEW_AT = 33, PREVIEW_ROWS = 2, FOOT_ROWS = 2 };

void queue_begin(watch *self, watch_tab tab)
{
    self->tab = tab;
    self->skip = 0;
    self->from_id = 0;
    self->page = 0;
    self->selected = 0;
    self->id = 0;
}

static void draw_head(const watch *self, const figures_queue *queue)
{
    const slotq_stats *stats = figures_worst(queue);
    char shards[48] = "";
    char text[1400];
    if (queue->shards != 0) {
        snprintf(shards, sizeof shards, "%u shards open, ", (unsigned)queue->shards);
    }
    snprintf(text, sizeof text, "%s  %s%s of %s slots, %s, paused: %s",
             plain_word(queue->name).text, shards, count_text(stats->used).text,
             count_text(stats->capacity).text, bytes_text(queue->bytes).text,
             paused_text(stats->paused));
    draw_row(0, LOOK_STRONG, text);
    const uint32_t done = stats->used > stats->unfinished ? stats->used - stats->unfinished : 0;
    const draw_part parts[] = {{stats->leased, '#', LOOK_LEASED},
                               {stats->waiting, '~', LOOK_WAITING},
                               {stats->ready, '=', LOOK_READY},
                               {done, '-', LOOK_DIM},
                               {stats->capacity - stats->used, '.', LOOK_DIM}};
    draw_strip(1, 0, draw_columns() - 1, parts, sizeof parts / sizeof parts[0]);
    if (!queue->is_live) {
        snprintf(text, sizeof text, "NOT LIVE: %s", queue->trouble.text);
        draw_row(2, LOOK_TROUBLE, text);
    } else if (figures_is_full(queue)) {
        snprintf(text, sizeof text, "FULL: message %s (%s in group %u) holds %s slots",
                 id_text(stats->holder.id).text, state_word(stats->holder.state),
                 stats->holder.group, count_text(stats->holder.held).text);
        draw_row(2, LOOK_TROUBLE, text);
    }
    (void)self;
}

/* Returns the row below. */
static int draw_groups(const figures_queue *queue)
{
    int row = GROUPS_AT - 1;
    char text[300];
    draw_row(row++, LOOK_STRONG,
             "GROUP   READY  LEASED WAITING    ACKED RETRIED   DIED  OUT/s   OLDEST LIMIT");
    for (uint8_t group = 0; group < queue->geometry.groups; group++) {
        const slotq_stats *stats = &queue->groups[group];
        const uint64_t age_ms = figures_age_ms(queue, group);
        const uint32_t most = stats->limits.max_leased;
        const uint64_t interval_us = stats->limits.rate_interval_us;
        char limits[112] = "-";
        if (most != 0 || interval_us != 0) {
            snprintf(limits, sizeof limits, "%s%s%s", most != 0 ? count_text(most).text : "",
                     most != 0 && interval_us != 0 ? ", " : "",
                     interval_us != 0 ? rate_text(interval_us).text : "");
        }
        snprintf(text, sizeof text, "%5u %7s %7s %7s %8s %7s %6s %6s %8s %s", group,
                 short_count(stats->ready).text, short_count(stats->leased).text,
                 short_count(stats->waiting).text, short_count(stats->acked).text,
                 short_count(stats->redelivered).text, short_count(stats->died).text,
                 short_rate(queue->has_rates, queue->out_per_s[group]).text,
                 age_ms != 0 ? short_age(age_ms).text : "-", limits);
        draw_row(row++, queue->is_live ? LOOK_PLAIN : LOOK_DIM, text);
    }
    return row + 1;
}

static void draw_tabs(const watch *self, const figures_queue *queue, int row)
{
    const slotq_stats *stats = figures_worst(queue);
    const char *titles[TABS] = {"1 messages", "2 scheduled", "3 dead"};
    const uint32_t counts[TABS] = {stats->used, stats->later, stats->dead};
    int column = 0;
    for (int tab = 0; tab < TABS; tab++) {
        char text[64];
        snprintf(text, sizeof text, " %s (%s) ", titles[tab], short_count(counts[tab]).text);
        draw_bytes(row, column, 40, tab == (int)self->tab ? LOOK_SELECTED : LOOK_PLAIN, text,
                   strlen(text));
        column += (int)strlen(text) + 1;
    }
}

/* The messages of the page, into the batch. */
static slotq_outcome read_page(watch *self, slotq *queue, uint32_t limit)
{
    switch (self->tab) {
    case TAB_LATER:
        return slotq_later_list(queue, self->skip, limit, self->batch);
    case TAB_DEAD:
        return slotq_dead_list(queue, self->skip, limit, self->batch);
    default:
        return slotq_peek(queue, 0, self->from_id, limit, self->batch);
    }
}

static look look_of(const watch *self, const slotq_message *message)
{
    if (self->tab != TAB_RING) {
        return LOOK_PLAIN;
    }
    return message->state == SLOTQ_STATE_LEASED    ? LOOK_LEASED
           : message->state == SLOTQ_STATE_WAITING ? LOOK_WAITING
           : message->state == SLOTQ_STATE_READY   ? LOOK_READY
                                                   : LOOK_DIM;
}

static void draw_message(const watch *self, int row, const slotq_message *message, uint64_t now_ms,
                         bool is_selected)
{
    char text[160];
    const uint64_t ms = self->tab == TAB_DEAD ? message->died_at_ms : message->pushed_ms;
    const char *state = self->tab == TAB_RING ? state_word(message->state) : "";
    char moment[48] = "-";
    if (self->tab == TAB_LATER) {
        snprintf(moment, sizeof moment, "%s%s", message->due_ms > now_ms ? "in " : "due",
                 message->due_ms > now_ms ? short_age(message->due_ms - now_ms).text : "");
    } else if (ms != 0 && ms <= now_ms) {
        snprintf(moment, sizeof moment, "%s", short_age(now_ms - ms).text);
    }
    snprintf(text, sizeof text, "%10s %-8s%3u %9s", id_text(message->id).text,
             self->tab == TAB_DEAD ? reason_text(message->reason).text : state, message->attempts,
             moment);
    const look how = is_selected ? LOOK_SELECTED : look_of(self, message);
    draw_row(row, how, "");
    draw_text(row, 0, PREVIEW_AT, how, text);
    if (message->damaged) {
        draw_text(row, PREVIEW_AT, draw_columns() - PREVIEW_AT, LOOK_TROUBLE, "damaged");
    } else {
        draw_bytes(row, PREVIEW_AT, draw_columns() - PREVIEW_AT, how, message->payload,
                   message->payload_bytes);
    }
}

/* What more is known of the selected message. */
static void draw_selected(watch *self, slotq *queue, int row)
{
    slotq_status status = {0};
    uint32_t position = 0;
    char text[200] = "";
    if (self->tab != TAB_RING || self->id == 0 ||
        slotq_get_status(queue, 0, self->id, &status) != SLOTQ_OK) {
        return;
    }
    const uint64_t now_ms = slotq_now_ms(queue);
    const uint64_t left_ms = status.deadline_ms > now_ms ? status.deadline_ms - now_ms : 0;
    if (status.state == SLOTQ_STATE_LEASED || status.state == SLOTQ_STATE_WAITING) {
        snprintf(text, sizeof text, "message %s: %s, %s left", id_text(self->id).text,
                 state_word(status.state), time_text(left_ms).text);
    } else if (status.state == SLOTQ_STATE_READY &&
               slotq_position(queue, 0, self->id, &position) == SLOTQ_OK) {
        snprintf(text, sizeof text, "message %s: ready, %s%s", id_text(self->id).text,
                 position != 0 ? "behind at most " : "the next in line",
                 position != 0 ? count_text(position).text : "");
    }
    draw_row(row, LOOK_DIM, text);
}

static void draw_messages(watch *self, slotq *queue, int row)
{
    const int room = draw_rows() - row - FOOT_ROWS - 1;
    slotq_message message;
    draw_row(row, LOOK_STRONG,
             self->tab == TAB_RING    ? "        ID STATE   TRY       AGE  PAYLOAD"
             : self->tab == TAB_LATER ? "  LATER ID         TRY        IN  PAYLOAD"
                                      : "        ID REASON  TRY      DIED  PAYLOAD");
    if (room <= 0) {
        return;
    }
    const slotq_outcome outcome = read_page(self, queue, (uint32_t)room);
    if (outcome == SLOTQ_EMPTY) {
        self->selected = 0;
        self->id = 0;
        draw_row(row + 1, LOOK_DIM, self->skip != 0 || self->from_id != 0 ? "no more" : "none");
        return;
    }
    if (outcome != SLOTQ_OK) {
        self->id = 0;
        draw_row(row + 1, LOOK_TROUBLE, slotq_error_of(queue)->text);
        return;
    }
    const int count = (int)slotq_batch_count(self->batch);
    self->selected = self->selected < count ? self->selected : count - 1;
    for (int i = 0; slotq_batch_next(self->batch, &message); i++) {
        draw_message(self, row + 1 + i, &message, slotq_now_ms(queue), i == self->selected);
        if (i == self->selected) {
            self->id = message.id;
            self->group = message.group;
        }
    }
    draw_selected(self, queue, draw_rows() - FOOT_ROWS);
}

void queue_draw(watch *self)
{
    figures_queue *queue = watch_queue(self);
    if (queue == NULL) {
        draw_row(0, LOOK_TROUBLE, "this queue is gone");
        return;
    }
    draw_head(self, queue);
    const int row = draw_groups(queue);
    draw_tabs(self, queue, row);
    slotq *handle = queue->is_live ? figures_borrow(&self->all, queue) : NULL;
    if (handle != NULL) {
        draw_messages(self, handle, row + 1);
        figures_return(queue, handle);
    }
}

static void turn_page(watch *self, bool forward)
{
    const int room = (int)slotq_batch_count(self->batch);
    if (self->tab != TAB_RING) {
        const uint32_t by = (uint32_t)(room > 0 ? room : 1);
        self->skip = forward ? self->skip + (room > 0 ? by : 0)
                             : self->skip - (self->skip < by ? self->skip : by);
    } else if (forward && room > 0) {
        slotq_message message = {0};
        slotq_batch_rewind(self->batch);
        while (slotq_batch_next(self->batch, &message)) {
        }
        if (self->page < (int)(sizeof self->pages / sizeof self->pages[0])) {
            self->pages[self->page++] = self->from_id;
            self->from_id = message.id + 1;
        }
    } else if (!forward && self->page > 0) {
        self->from_id = self->pages[--self->page];
    }
    self->selected = 0;
}

bool queue_key(watch *self, int key)
{
    switch (key) {
    case KEY_UP:
        self->selected -= self->selected > 0;
        return true;
    case KEY_DOWN:
        self->selected++;
        return true;
    case KEY_NPAGE:
    case ' ':
        turn_page(self, true);
        return true;
    case KEY_PPAGE:
        turn_page(self, false);
        return true;
    case KEY_HOME:
        queue_begin(self, self->tab);
        return true;
    case '1':
    case '2':
    case '3':
        queue_begin(self, (watch_tab)(key - '1'));
        return true;
    case '\t':
        queue_begin(self, (watch_tab)((self->tab + 1) % TABS));
        return true;
    case 27:
    case KEY_LEFT:
    case KEY_BACKSPACE:
        self->is_inside = false;
        return true;
    default:
        return false;
    }
}
