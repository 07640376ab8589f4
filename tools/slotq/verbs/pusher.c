/* pusher.c: see pusher.h.
 */
#include "pusher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "holder.h"
#include "look.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

enum { BLOCK_MS = 24 * 60 * 60 * 1000 };

static void note_pushed(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id)
{
    pusher *push = context;
    (void)tag;
    if (outcome == SLOTQ_OUTCOME_UNKNOWN) {
        push->doubtful++;
    }
    if (id == 0) {
        return;
    }
    if (push->doubtful != 0) {
        push->behind++;
    } else {
        push->first_id = push->pushed == push->gone ? id : push->first_id;
        push->pushed++;
        push->last_id = id;
    }
    push->unconfirmed += outcome == SLOTQ_UNCONFIRMED;
    if (push->print_ids && given(push->line, OPTION_JSON)) {
        output_json(json_pack("{s:I}", "id", (json_int_t)id));
    } else if (push->print_ids) {
        printf("%" PRIu64 "\n", id);
    }
}

int pusher_open(pusher *push, const command_line *line)
{
    memset(push, 0, sizeof *push);
    push->line = line;
    push->name = line->operands[0];
    const int code = open_queue(line, push->name, &push->queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    push->geometry = slotq_geometry_of(push->queue);
    const slotq_producer_options options = {
        .max_messages = SLOTQ_CALL_MESSAGES_MAX,
        .max_delay_ms = UINT64_MAX, /* what stdin has delivered is flushed, nothing else waits */
        .wait_ms = given(line, OPTION_BLOCK) ? BLOCK_MS : 0,
        .on_pushed = note_pushed,
        .context = push,
    };
    if (slotq_producer_new(push->queue, &options, &push->producer) != SLOTQ_OK) {
        return complain_queue(push->queue, push->name);
    }
    return EXIT_CODE_OK;
}

void pusher_close(pusher *push)
{
    (void)slotq_producer_close(push->producer);
    slotq_close(push->queue);
}

/* Under --block a full queue is waited for, and it is said so. */
static void show_waiting(const pusher *push)
{
    slotq_stats stats;
    if (given(push->line, OPTION_BLOCK) && progress_wanted() &&
        slotq_get_stats(push->queue, 0, &stats) == SLOTQ_OK && stats.used == stats.capacity) {
        progress_show("messages in; the queue is full, waiting for room", push->pushed, 0);
    }
}

/* What replicas were asked for: said of the first that too few have, counted of all. */
static slotq_outcome judged(pusher *push, slotq_outcome outcome, uint64_t unconfirmed)
{
    if (push->unconfirmed != 0 && unconfirmed == 0) {
        (void)complain_queue(push->queue, push->name);
    }
    if (push->doubtful != 0) {
        return SLOTQ_OUTCOME_UNKNOWN;
    }
    return outcome == SLOTQ_UNCONFIRMED ? SLOTQ_OK : outcome; /* they are in the queue */
}

/* The rest goes into the queue that has the name now. */
static void tell_remade(pusher *push)
{
    progress_end();
    complain("%s was made anew; what is left is pushed to the new queue. The %s messages pushed "
             "before are gone with the old one",
             push->name, count_text(push->pushed - push->gone).text);
    push->gone = push->pushed;
}

slotq_outcome pusher_flush(pusher *push)
{
    const uint64_t unconfirmed = push->unconfirmed;
    show_waiting(push);
    slotq_outcome outcome = slotq_producer_flush(push->producer);
    while (outcome == SLOTQ_REMADE && report_signal() == 0) {
        tell_remade(push);
        outcome = slotq_producer_flush(push->producer);
    }
    return judged(push, outcome, unconfirmed);
}

slotq_outcome pusher_add(pusher *push, const void *bytes, size_t size)
{
    const uint64_t unconfirmed = push->unconfirmed;
    slotq_outcome outcome = slotq_producer_push(push->producer, bytes, (uint32_t)size, 0);
    while (outcome == SLOTQ_REMADE && report_signal() == 0) {
        tell_remade(push);
        outcome = slotq_producer_push(push->producer, bytes, (uint32_t)size, 0);
    }
    return judged(push, outcome, unconfirmed);
}

/* What did not go in; "" for a single DATA. */
typedef struct rest_text {
    char text[160];
} rest_text;

static rest_text rest_of(const pusher *push, const char *what)
{
    rest_text rest = {""};
    if (!push->print_ids || push->line->count != 2) {
        snprintf(rest.text, sizeof rest.text,
                 "%s %" PRIu64 " and all after it were not pushed; %s pushed", what,
                 push->pushed + 1, count_text(push->pushed).text);
    }
    return rest;
}

/* The library names no command of this tool: look once more, at why the holder holds. False: there
 * is room by now, and the library's text has to do. */
static bool complain_full(const pusher *push, const char *what)
{
    slotq_stats stats;
    const slotq_holder *holder = &stats.holder;
    if (slotq_get_stats(push->queue, 0, &stats) != SLOTQ_OK || holder->id == 0 ||
        stats.used < stats.capacity) {
        return false;
    }
    const rest_text rest = rest_of(push, what);
    complain("%s is full (%s of %s slots in use, %s unfinished)%s%s%s. Message %" PRIu64
             ", %s in group %u, holds it. %s",
             push->name, count_text(stats.used).text, count_text(stats.capacity).text,
             count_text(holder->unfinished).text, rest.text[0] != '\0' ? ": " : "", rest.text,
             rest.text[0] != '\0' ? "; --block waits for room" : "", holder->id,
             state_word(holder->state), holder->group,
             holder_remedy(push->line, push->name, push->queue, &stats).text);
    return true;
}

static void complain_doubtful(const pusher *push, const char *what)
{
    const uint64_t first = push->pushed + 1;
    const bool is_one = push->doubtful == 1;
    char which[64];
    if (is_one) {
        snprintf(which, sizeof which, "%" PRIu64 " was", first);
    } else {
        snprintf(which, sizeof which, "%" PRIu64 " to %" PRIu64 " were", first,
                 push->pushed + push->doubtful);
    }
    complain("it is not known whether %s %s pushed; %s before %s and %s after %s were; see the "
             "newest id: %s",
             what, which, count_text(push->pushed).text, is_one ? "it" : "them",
             push->behind == 0 ? "none" : count_text(push->behind).text, is_one ? "it" : "them",
             shown_command(push->line, "stats", push->name).text);
}

int pusher_complain(pusher *push, slotq_outcome outcome, const char *what)
{
    progress_end();
    if (report_signal() != 0) {
        complain("interrupted at %s %" PRIu64 "; %s pushed", what, push->pushed + 1,
                 count_text(push->pushed).text);
        return report_interrupted();
    }
    const slotq_error why = *slotq_error_of(push->queue);
    if (outcome == SLOTQ_FULL && complain_full(push, what)) {
        return slotq_outcome_exit(outcome);
    }
    const int code = complain_error(push->name, &why);
    if (outcome == SLOTQ_OUTCOME_UNKNOWN) {
        complain_doubtful(push, what);
        return code;
    }
    const rest_text rest = rest_of(push, what);
    if (rest.text[0] != '\0') {
        complain("%s", rest.text);
    }
    return code;
}

int pusher_judge_size(const pusher *push, const char *what, uint64_t number, size_t size)
{
    if (size <= push->geometry->payload_bytes) {
        return EXIT_CODE_OK;
    }
    progress_end();
    complain("%s %" PRIu64 " has %s bytes, and %s takes at most %s per message (fixed by create "
             "--payload)",
             what, number, count_text(size).text, push->name,
             count_text(push->geometry->payload_bytes).text);
    return EXIT_CODE_USAGE;
}

void pusher_summarise(const pusher *push)
{
    progress_end();
    if (given(push->line, OPTION_JSON)) {
        output_json(json_pack("{s:I, s:I, s:I}", "pushed", (json_int_t)push->pushed, "first_id",
                              (json_int_t)push->first_id, "last_id", (json_int_t)push->last_id));
    } else if (push->pushed == 1) {
        remark("%s: 1 message pushed, id %" PRIu64, push->name, push->first_id);
    } else if (push->pushed != 0) {
        remark("%s: %s messages pushed, ids %" PRIu64 " to %" PRIu64, push->name,
               count_text(push->pushed).text, push->first_id, push->last_id);
    } else {
        remark("%s: no messages pushed", push->name);
    }
}
