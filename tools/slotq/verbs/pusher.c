/* pusher.c: see pusher.h.
 */
#include "pusher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../line/moments.h"
#include "holder.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

static const char *done_word(const pusher *push)
{
    return push->scheduler != NULL ? "scheduled" : "pushed";
}

static void note(pusher *push, slotq_outcome outcome, uint64_t id)
{
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
    if (push->print_ids && id > SLOTQ_ID_MAX) { /* of shards: not in sequence */
        output_done("what was %s ends with the %sid %s", done_word(push),
                    push->scheduler != NULL ? "later " : "", id_text(push->last_id).text);
    } else if (push->print_ids) {
        output_done("what was %s has the %sids %s to %s", done_word(push),
                    push->scheduler != NULL ? "later " : "", id_text(push->first_id).text,
                    id_text(push->last_id).text);
    }
    if (push->print_ids && given(push->line, OPTION_JSON)) {
        output_json(
            json_pack("{s:o}", push->scheduler != NULL ? "later_id" : "id", output_json_id(id)));
    } else if (push->print_ids) {
        puts(id_text(id).text);
    }
}

static void note_pushed(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id)
{
    (void)tag;
    note(context, outcome, id);
}

static void note_scheduled(void *context, slotq_outcome outcome, uint64_t later_id)
{
    note(context, outcome, later_id);
}

/* A file that syncs each message keeps other processes waiting for so long. */
static uint32_t most_at_a_time(const command_line *line)
{
    enum { SYNCED_MOST = 64 };
    const option_value *sync = &line->options[OPTION_SYNC];
    return sync->given && strcmp(sync->text, "always") == 0 ? SYNCED_MOST : SLOTQ_CALL_MESSAGES_MAX;
}

int pusher_read_due(const command_line *line, const slotq_geometry *geometry, scheduler_due *due,
                    bool *is_local)
{
    *due = (scheduler_due){.is_delay = given(line, OPTION_IN),
                           .ms = option_number(line, OPTION_IN, 0)};
    const int code = due->is_delay ? EXIT_CODE_OK : read_moment(line, &due->ms, is_local);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (geometry->later_slots == 0) {
        complain("%s has no room for scheduled messages; to make it: %s --later N",
                 line->operands[0], shown_command(line, "resize", line->operands[0]).text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static int open_scheduler(pusher *push)
{
    scheduler_due due;
    const int code = pusher_read_due(push->line, push->geometry, &due, &push->due_is_local);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    push->scheduler =
        scheduler_new(push->queue, &due, most_at_a_time(push->line), note_scheduled, push);
    if (push->scheduler == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

int pusher_open(pusher *push, const command_line *line)
{
    memset(push, 0, sizeof *push);
    push->line = line;
    push->name = line->operands[0];
    int code = open_queue(line, push->name, &push->queue);
    if (code == EXIT_CODE_OK) {
        code = sharded_judge_push(line, push->name, push->queue);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    push->geometry = slotq_geometry_of(push->queue);
    const int framed = framer_open(&push->frame, line, push->geometry);
    if (framed != EXIT_CODE_OK) {
        return framed;
    }
    if (given(line, OPTION_IN) || given(line, OPTION_AT)) {
        return open_scheduler(push);
    }
    const slotq_producer_options options = {
        .max_messages = SLOTQ_CALL_MESSAGES_MAX,
        .max_delay_ms = UINT64_MAX, /* what stdin has delivered is flushed, nothing else waits */
        .wait_ms = given(line, OPTION_BLOCK) ? PUSHER_BLOCK_MS : 0,
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
    (void)slotq_producer_clear(push->producer);
    (void)slotq_producer_close(push->producer);
    scheduler_free(push->scheduler);
    framer_close(&push->frame);
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
    complain("%s was made anew; what is left goes to the new queue. The %s messages %s before are "
             "gone with the old one",
             push->name, count_text(push->pushed - push->gone).text, done_word(push));
    push->gone = push->pushed;
}

uint32_t pusher_count(const pusher *push)
{
    return push->scheduler != NULL ? scheduler_count(push->scheduler)
                                   : slotq_producer_count(push->producer);
}

static slotq_outcome flush(pusher *push)
{
    return push->scheduler != NULL ? scheduler_flush(push->scheduler)
                                   : slotq_producer_flush(push->producer);
}

uint32_t pusher_room(const pusher *push)
{
    const uint32_t payload_bytes = push->geometry->payload_bytes;
    const uint32_t frame_bytes = push->frame.frame_bytes;
    return payload_bytes > frame_bytes ? payload_bytes - frame_bytes : 0;
}

static slotq_outcome add(pusher *push, const void *body, size_t body_bytes)
{
    const void *bytes = framer_join(&push->frame, body, body_bytes);
    const size_t size = push->frame.frame_bytes + body_bytes;
    return push->scheduler != NULL ? scheduler_add(push->scheduler, bytes, (uint32_t)size)
                                   : slotq_producer_push(push->producer, bytes, (uint32_t)size, 0);
}

slotq_outcome pusher_flush(pusher *push)
{
    const uint64_t unconfirmed = push->unconfirmed;
    show_waiting(push);
    slotq_outcome outcome = flush(push);
    while (outcome == SLOTQ_REMADE && report_signal() == 0) {
        tell_remade(push);
        outcome = flush(push);
    }
    return judged(push, outcome, unconfirmed);
}

slotq_outcome pusher_add(pusher *push, const void *bytes, size_t size)
{
    const uint64_t unconfirmed = push->unconfirmed;
    slotq_outcome outcome = add(push, bytes, size);
    while (outcome == SLOTQ_REMADE && report_signal() == 0) {
        tell_remade(push);
        outcome = add(push, bytes, size);
    }
    return judged(push, outcome, unconfirmed);
}

/* What did not go in; "" for a single DATA. */
typedef struct rest_text {
    char text[192];
} rest_text;

static rest_text rest_of(const pusher *push, const char *what)
{
    rest_text rest = {""};
    if (!push->print_ids || push->line->count != 2) {
        snprintf(rest.text, sizeof rest.text, "%s %" PRIu64 " and all after it were not %s; %s %s",
                 what, push->pushed + 1, done_word(push), count_text(push->pushed).text,
                 done_word(push));
    }
    return rest;
}

/* False: there is room by now, and the library's text has to do. */
static bool tell_full(const pusher *push, const char *what)
{
    rest_text rest = rest_of(push, what);
    const size_t used = strlen(rest.text);
    if (used != 0) {
        snprintf(rest.text + used, sizeof rest.text - used, "; --block waits for room");
    }
    return complain_full(push->line, push->name, push->queue, rest.text);
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
    complain(
        "it is not known whether %s %s %s; %s before %s and %s after %s were; see %s: %s", what,
        which, done_word(push), count_text(push->pushed).text, is_one ? "it" : "them",
        push->behind == 0 ? "none" : count_text(push->behind).text, is_one ? "it" : "them",
        push->scheduler != NULL ? "what is scheduled" : "the newest id",
        shown_command(push->line, push->scheduler != NULL ? "later ls" : "stats", push->name).text);
}

int pusher_complain(pusher *push, slotq_outcome outcome, const char *what)
{
    progress_end();
    if (report_signal() != 0) {
        complain("interrupted at %s %" PRIu64 "; %s %s", what, push->pushed + 1,
                 count_text(push->pushed).text, done_word(push));
        return report_interrupted();
    }
    const slotq_error why = *slotq_error_of(push->queue);
    push->refused = outcome;
    if (push->print_ids && given(push->line, OPTION_JSON)) {
        output_json(json_pack("{s:s}", "outcome", slotq_outcome_name(outcome)));
    }
    if (outcome == SLOTQ_FULL && push->scheduler == NULL && tell_full(push, what)) {
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
    if (size <= pusher_room(push)) {
        return EXIT_CODE_OK;
    }
    progress_end();
    complain("%s %" PRIu64 " has %s bytes%s, and %s takes at most %s per message (fixed by create "
             "--payload)",
             what, number, count_text(size + push->frame.frame_bytes).text,
             push->frame.frame_bytes != 0 ? " with its frame (--type)" : "", push->name,
             count_text(push->geometry->payload_bytes).text);
    return EXIT_CODE_USAGE;
}

void pusher_tell_due(const pusher *push)
{
    char ids[64] = ""; /* on stdout they look like those of messages */
    const uint64_t now_ms = slotq_now_ms(push->queue);
    const uint64_t due_ms = scheduler_due_ms(push->scheduler);
    if (push->print_ids && push->pushed == 1) {
        snprintf(ids, sizeof ids, "later id %s, ", id_text(push->first_id).text);
    } else if (push->print_ids && push->last_id <= SLOTQ_ID_MAX) {
        snprintf(ids, sizeof ids, "later ids %.23s to %.23s, ", id_text(push->first_id).text,
                 id_text(push->last_id).text);
    }
    if (due_ms > now_ms) {
        remark("%s: %sdue in %s, at %s%s", push->name, ids, time_text(due_ms - now_ms).text,
               moment_text(due_ms).text,
               push->due_is_local ? "; the time had no zone, and was read as local time" : "");
    } else {
        const value_text moment = any_moment_text(due_ms);
        const char *when = given(push->line, OPTION_AT) ? moment.text : ""; /* a delay of 0 */
        remark("%s: %sdue now%s%s%s", push->name, ids, when[0] != '\0' ? ": " : "", when,
               when[0] != '\0' ? " is past" : "");
    }
}

static void summarise_json(const pusher *push)
{
    const bool is_later = push->scheduler != NULL;
    json_t *object = json_pack("{s:I}", done_word(push), (json_int_t)push->pushed);
    if (push->last_id <= SLOTQ_ID_MAX) { /* those of shards are not in sequence */
        json_object_set_new(object, is_later ? "first_later_id" : "first_id",
                            output_json_id(push->first_id));
        json_object_set_new(object, is_later ? "last_later_id" : "last_id",
                            output_json_id(push->last_id));
    }
    if (is_later) {
        json_object_set_new(object, "due_ms",
                            json_integer((json_int_t)scheduler_due_ms(push->scheduler)));
    }
    if (push->refused != SLOTQ_OK) {
        json_object_set_new(object, "outcome", json_string(slotq_outcome_name(push->refused)));
    }
    output_json(object);
}

void pusher_summarise(const pusher *push)
{
    const char *id = push->scheduler != NULL ? "later id" : "id";
    progress_end();
    if (given(push->line, OPTION_JSON)) {
        summarise_json(push);
    } else if (push->pushed == 1) {
        remark("%s: 1 message %s, %s %s", push->name, done_word(push), id,
               id_text(push->first_id).text);
    } else if (push->last_id > SLOTQ_ID_MAX) {
        remark("%s: %s messages %s", push->name, count_text(push->pushed).text, done_word(push));
    } else if (push->pushed != 0) {
        remark("%s: %s messages %s, %ss %s to %s", push->name, count_text(push->pushed).text,
               done_word(push), id, id_text(push->first_id).text, id_text(push->last_id).text);
    } else {
        remark("%s: no messages %s", push->name, done_word(push));
    }
}
