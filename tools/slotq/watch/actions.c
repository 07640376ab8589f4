/* actions.c: what the keys change, each asked for before it is done.
 */
#include <stdio.h>
#include <string.h>

#include "../line/values.h"
#include "../say/texts.h"
#include "../verbs/open.h"
#include "watch.h"

/* Of an action on an open queue: its outcome, and what was done in text. */
typedef slotq_outcome (*deed)(watch *self, slotq *queue, char *text, size_t bytes);

/* Open the selected queue to change it, do it, and say what came of it. */
static void perform(watch *self, deed what)
{
    slotq *queue;
    slotq_error error = {0};
    char text[200] = "";
    if (open_quietly(self->line, self->name, false, &queue, &error) != SLOTQ_OK) {
        watch_say(self, LOOK_TROUBLE, "%s", error.text);
        return;
    }
    const slotq_outcome outcome = what(self, queue, text, sizeof text);
    if (outcome == SLOTQ_OK) {
        watch_say(self, LOOK_STRONG, "%s: %s", plain_word(self->name).text, text);
    } else if (slotq_error_of(queue)->text[0] != '\0') {
        watch_say(self, LOOK_TROUBLE, "%s", slotq_error_of(queue)->text);
    } else {
        watch_say(self, LOOK_TROUBLE, "%s", slotq_outcome_text(outcome));
    }
    slotq_close(queue);
}

static slotq_outcome do_pause(watch *self, slotq *queue, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "paused, in and out");
    return slotq_pause(queue, SLOTQ_PAUSE_IN | SLOTQ_PAUSE_OUT);
}

static slotq_outcome do_resume(watch *self, slotq *queue, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "resumed");
    return slotq_resume(queue, SLOTQ_PAUSE_IN | SLOTQ_PAUSE_OUT);
}

static slotq_outcome do_kick(watch *self, slotq *queue, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s is due now", id_text(self->id).text);
    return self->tab == TAB_LATER ? slotq_kick_later(queue, self->id)
                                  : slotq_kick(queue, 0, self->id);
}

static slotq_outcome do_remove(watch *self, slotq *queue, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s %s", id_text(self->id).text,
             self->tab == TAB_LATER ? "is not scheduled any more" : "is removed");
    switch (self->tab) {
    case TAB_LATER:
        return slotq_cancel(queue, self->id);
    case TAB_DEAD:
        return slotq_dead_remove(queue, self->group, self->id, NULL);
    default:
        return slotq_remove(queue, SLOTQ_ALL_GROUPS, self->id);
    }
}

static slotq_outcome do_redrive(watch *self, slotq *queue, char *text, size_t bytes)
{
    uint64_t ids[SLOTQ_GROUPS_MAX] = {0};
    uint32_t count = 0;
    const slotq_outcome outcome =
        slotq_dead_redrive_id(queue, self->group, self->id, ids, &count, NULL);
    snprintf(text, bytes, "%s was pushed again%s%s", id_text(self->id).text,
             count != 0 ? ", as " : "", count != 0 ? id_text(ids[0]).text : "");
    return outcome;
}

static slotq_outcome do_redrive_all(watch *self, slotq *queue, char *text, size_t bytes)
{
    uint32_t count = 0;
    (void)self;
    const slotq_outcome outcome = slotq_dead_redrive(queue, 0, NULL, &count, NULL);
    snprintf(text, bytes, "%s dead messages were pushed again", count_text(count).text);
    return outcome;
}

static char limit_text[64];

static slotq_outcome do_limit(watch *self, slotq *queue, char *text, size_t bytes)
{
    slotq_limits limits = {0};
    uint64_t value = 0;
    uint8_t what = 0;
    const figures_queue *seen = watch_queue(self);
    const uint8_t group = seen != NULL ? seen->worst : 0;
    if (strcmp(limit_text, "0") == 0) {
        what = SLOTQ_LIMIT_LEASED | SLOTQ_LIMIT_RATE | SLOTQ_LIMIT_BURST;
    } else if (strchr(limit_text, '/') != NULL && parse_rate(limit_text, &value)) {
        what = SLOTQ_LIMIT_RATE;
        limits.rate_interval_us = (uint32_t)value;
    } else if (parse_count(limit_text, &value) && value <= UINT16_MAX) {
        what = SLOTQ_LIMIT_LEASED;
        limits.max_leased = (uint16_t)value;
    } else {
        return slotq_set_error(queue, SLOTQ_INVALID,
                               "not a limit: 0 to 65535 messages leased at a time, or a rate such "
                               "as 100/s");
    }
    snprintf(text, bytes, "group %u has the limit %s", group,
             strcmp(limit_text, "0") == 0 ? "none" : limit_text);
    return slotq_limit(queue, group, what, &limits);
}

/* Of keys that act on one message. */
static bool message_key(watch *self, int key)
{
    const value_text id = id_text(self->id);
    const word_text name = plain_word(self->name);
    switch (key) {
    case 'k':
        if (self->tab != TAB_DEAD &&
            watch_confirm(self, "make %s of %s due now? y/n", id.text, name.text)) {
            perform(self, do_kick);
        }
        return true;
    case 'd':
        if (watch_confirm(self, "remove %s of %s? y/n", id.text, name.text)) {
            perform(self, do_remove);
        }
        return true;
    case 'r':
        if (self->tab == TAB_DEAD &&
            watch_confirm(self, "push %s of %s again? y/n", id.text, name.text)) {
            perform(self, do_redrive);
        }
        return true;
    default:
        return false;
    }
}

bool action_key(watch *self, int key)
{
    if (watch_queue(self) == NULL) {
        return false;
    }
    if (self->is_inside && self->id != 0 && message_key(self, key)) {
        return true;
    }
    const word_text name = plain_word(self->name);
    switch (key) {
    case 'p':
        if (watch_confirm(self, "pause %s, in and out? y/n", name.text)) {
            perform(self, do_pause);
        }
        return true;
    case 'u':
        if (watch_confirm(self, "resume %s? y/n", name.text)) {
            perform(self, do_resume);
        }
        return true;
    case 'R':
        if (watch_confirm(self, "push all dead messages of %s again? y/n", name.text)) {
            perform(self, do_redrive_all);
        }
        return true;
    case 'l':
        if (watch_read(self, "limit (messages leased at a time, or a rate as 100/s; 0 ends both): ",
                       limit_text, sizeof limit_text)) {
            perform(self, do_limit);
        }
        return true;
    default:
        return false;
    }
}
