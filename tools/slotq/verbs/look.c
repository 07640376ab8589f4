/* look.c: the commands status and peek: messages as they stand, untouched.
 */
#include "look.h"

#include <inttypes.h>
#include <stdio.h>

#include "../line/command_line.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/tasks.h"
#include "../line/values.h"
#include "../say/texts.h"

const char *state_word(slotq_state state)
{
    switch (state) {
    case SLOTQ_STATE_READY:
        return "ready";
    case SLOTQ_STATE_LEASED:
        return "leased";
    case SLOTQ_STATE_WAITING:
        return "waiting";
    case SLOTQ_STATE_DONE:
        return "done";
    }
    return "?";
}

const char *why_word(slotq_why why)
{
    switch (why) {
    case SLOTQ_WHY_ACKED:
        return "acked";
    case SLOTQ_WHY_DEAD:
        return "dead";
    case SLOTQ_WHY_REMOVED:
        return "removed";
    case SLOTQ_WHY_OTHER_GROUP:
        return "other group";
    }
    return "?";
}

const char *finished_words(const slotq *queue)
{
    const bool drops = (slotq_geometry_of(queue)->flags & SLOTQ_FLAG_OVERWRITE) != 0;
    return drops ? "finished or dropped" : "finished";
}

/* "leased, 12.3 s left", "waiting 4.5 s", "done: acked", "dead: reason 7, 3 m 2 s ago", "ready". */
static void describe(const slotq_status *status, uint64_t now_ms, char *text, size_t size)
{
    const bool passed = status->deadline_ms <= now_ms;
    const uint64_t span_ms = passed ? now_ms - status->deadline_ms : status->deadline_ms - now_ms;
    if (status->state == SLOTQ_STATE_LEASED) {
        snprintf(text, size, passed ? "leased, ended %s ago" : "leased, %s left",
                 time_text(span_ms).text);
    } else if (status->state == SLOTQ_STATE_WAITING) {
        snprintf(text, size, passed ? "waiting, delay over" : "waiting %s",
                 time_text(span_ms).text);
    } else if (status->is_dead) {
        snprintf(text, size, "dead: %s, %s ago", reason_text(status->reason).text,
                 time_text(status->died_at_ms < now_ms ? now_ms - status->died_at_ms : 0).text);
    } else if (status->state == SLOTQ_STATE_DONE) {
        snprintf(text, size, "done: %s", why_word(status->why));
    } else {
        snprintf(text, size, "ready");
    }
}

/* The dead message itself, with its note; false where it has left the section meanwhile. */
static bool find_dead(const command_line *line, slotq *queue, uint64_t id, slotq_batch *batch,
                      slotq_message *message)
{
    return slotq_dead_find(queue, option_group(line), id, batch) == SLOTQ_OK &&
           slotq_batch_next(batch, message);
}

static void print_status_json(uint64_t id, const slotq_status *status, slotq_outcome outcome,
                              const slotq_message *dead)
{
    if (outcome != SLOTQ_OK) {
        output_json(json_pack("{s:o, s:s}", "id", output_json_id(id), "outcome",
                              slotq_outcome_name(outcome)));
        return;
    }
    json_t *object = json_pack("{s:o, s:s, s:s}", "id", output_json_id(id), "outcome", "OK",
                               "state", state_word(status->state));
    if (status->state != SLOTQ_STATE_DONE || status->is_dead) {
        json_object_set_new(object, "attempts", json_integer(status->attempts));
    }
    json_object_set_new(object, "position", json_integer((json_int_t)status->position));
    if (status->state == SLOTQ_STATE_DONE) {
        json_object_set_new(object, "why", json_string(why_word(status->why)));
    }
    if (status->is_dead) {
        json_object_set_new(object, "reason", json_integer(status->reason));
        json_object_set_new(object, "died_at_ms", json_integer((json_int_t)status->died_at_ms));
        output_json_note(object, dead->note, dead->note_bytes);
    }
    if (status->deadline_ms != 0) {
        json_object_set_new(object, "deadline_ms", json_integer((json_int_t)status->deadline_ms));
    }
    if (status->pushed_ms != 0) {
        json_object_set_new(object, "pushed_ms", json_integer((json_int_t)status->pushed_ms));
    }
    output_json(object);
}

static void print_status(const slotq *queue, uint64_t id, const slotq_status *status,
                         slotq_outcome outcome, const slotq_message *dead)
{
    char what[128];
    if (outcome == SLOTQ_FINISHED) {
        printf("%12s  %s\n", id_text(id).text, finished_words(queue));
        return;
    }
    if (outcome != SLOTQ_OK) {
        printf("%12s  %s\n", id_text(id).text, "never pushed");
        return;
    }
    const uint64_t now_ms = slotq_now_ms(queue);
    const uint64_t age_ms = status->pushed_ms < now_ms ? now_ms - status->pushed_ms : 0;
    describe(status, now_ms, what, sizeof what);
    printf("%12s  %-30s %8u  %12s  %10s\n", id_text(id).text, what, status->attempts,
           status->pushed_ms != 0 ? time_text(age_ms).text : "-",
           status->state == SLOTQ_STATE_READY || status->state == SLOTQ_STATE_WAITING
               ? count_text(status->position).text
               : "-");
    if (dead->note_bytes != 0) {
        printf("%14s", "");
        output_note(dead->note, dead->note_bytes, 0);
        putchar('\n');
    }
}

static void print_heading(const command_line *line)
{
    if (!given(line, OPTION_JSON)) {
        printf("%s%12s  %-30s %8s  %12s  %10s%s\n", output_bold(), "ID", "STATE", "ATTEMPTS", "AGE",
               "BEFORE IT", output_plain());
    }
}

/* One line; the outcome, or another than OK, FINISHED and NOTFOUND where nothing was printed. */
static slotq_outcome look_at(const command_line *line, slotq *queue, uint64_t id,
                             slotq_batch *batch)
{
    slotq_status status;
    slotq_message dead = {0};
    const slotq_outcome outcome = slotq_get_status(queue, option_group(line), id, &status);
    if (outcome != SLOTQ_OK && outcome != SLOTQ_FINISHED && outcome != SLOTQ_NOTFOUND) {
        return outcome;
    }
    if (outcome == SLOTQ_OK && status.is_dead && !find_dead(line, queue, id, batch, &dead)) {
        dead.note_bytes = 0;
    }
    if (given(line, OPTION_JSON)) {
        print_status_json(id, &status, outcome, &dead);
    } else {
        print_status(queue, id, &status, outcome, &dead);
    }
    return outcome;
}

int print_status_of(const command_line *line, slotq *queue, uint64_t id)
{
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    print_heading(line);
    const slotq_outcome outcome = look_at(line, queue, id, batch);
    slotq_batch_free(batch);
    return outcome == SLOTQ_OK || outcome == SLOTQ_FINISHED || outcome == SLOTQ_NOTFOUND
               ? EXIT_CODE_OK
               : complain_queue(queue, line->operands[0]);
}

int run_status(const command_line *line)
{
    uint64_t id;
    for (int i = 1; i < line->count; i++) {
        if (!parse_id(line->operands[i], &id)) {
            complain("%s: not an id (1042; of a sharded queue 3-1042)", line->operands[i]);
            return EXIT_CODE_USAGE;
        }
    }
    slotq *queue;
    int code = open_to_look(line, line->operands[0], &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    print_heading(line);
    slotq_batch *batch = slotq_batch_new();
    for (int i = 1; i < line->count && batch != NULL; i++) {
        parse_id(line->operands[i], &id);
        const slotq_outcome outcome = look_at(line, queue, id, batch);
        if (outcome != SLOTQ_OK && outcome != SLOTQ_FINISHED && outcome != SLOTQ_NOTFOUND) {
            code = worse_exit(code, complain_queue(queue, line->operands[0]));
            break;
        }
        code = worse_exit(code, slotq_outcome_exit(outcome));
    }
    if (batch == NULL) {
        complain("out of memory");
        code = EXIT_CODE_FAILURE;
    }
    slotq_batch_free(batch);
    slotq_close(queue);
    return code;
}

static void print_peeked_json(const slotq_message *message)
{
    json_t *object = json_pack("{s:o, s:s}", "id", output_json_id(message->id), "state",
                               state_word(message->state));
    if (message->state != SLOTQ_STATE_DONE) { /* its word has no attempts any more */
        json_object_set_new(object, "attempts", json_integer(message->attempts));
    }
    if (message->pushed_ms != 0) {
        json_object_set_new(object, "pushed_ms", json_integer((json_int_t)message->pushed_ms));
    }
    if (message->damaged) {
        json_object_set_new(object, "damaged", json_true());
    } else {
        output_json_task(object, message->payload, message->payload_bytes);
    }
    output_json(object);
}

static void print_peeked(const command_line *line, const slotq_message *message)
{
    if (output_is_terminal()) {
        enum { BEFORE_PAYLOAD = 40 };
        const unsigned columns = output_columns();
        printf("%12s  %-7s %8u  %6" PRIu32 "  ", id_text(message->id).text,
               state_word(message->state), message->attempts, message->payload_bytes);
        if (message->damaged) {
            printf("%s(damaged)%s", output_red(), output_plain());
        } else {
            output_task(message->payload, message->payload_bytes, columns - BEFORE_PAYLOAD);
        }
    } else {
        printf("%s\t%s\t%u\t", id_text(message->id).text,
               message->damaged ? "damaged" : state_word(message->state), message->attempts);
        output_task(message->payload, message->payload_bytes, 0);
    }
    putchar(given(line, OPTION_NUL) ? '\0' : '\n');
}

/* Ready or not: there is none. Messages that are scheduled have no id yet, also if they are due. */
static int complain_nothing(const command_line *line, slotq *queue, uint64_t from)
{
    slotq_stats stats;
    if (from == 0 && slotq_get_stats(queue, option_group(line), &stats) == SLOTQ_OK &&
        stats.later != 0) {
        complain("%s: no message to show; %s scheduled: %s", line->operands[0],
                 count_text(stats.later).text,
                 shown_command(line, "later ls", line->operands[0]).text);
    } else if (from != 0) {
        complain("%s: no message with id %s or later to show", line->operands[0],
                 id_text(from).text);
    } else {
        complain("%s: no message to show", line->operands[0]);
    }
    return EXIT_CODE_EMPTY;
}

/* Peek at up to count messages from an id on. */
static int peek_from(const command_line *line, slotq *queue, slotq_batch *batch, uint64_t from,
                     uint64_t count)
{
    uint64_t done = 0;
    while (done < count) {
        const uint64_t left = count - done;
        const uint32_t limit =
            left < SLOTQ_CALL_MESSAGES_MAX ? (uint32_t)left : SLOTQ_CALL_MESSAGES_MAX;
        const slotq_outcome outcome = slotq_peek(queue, option_group(line), from, limit, batch);
        if (outcome != SLOTQ_OK) {
            if (outcome != SLOTQ_EMPTY) {
                return complain_queue(queue, line->operands[0]);
            }
            return done != 0 ? EXIT_CODE_OK : complain_nothing(line, queue, from);
        }
        slotq_message message;
        while (slotq_batch_next(batch, &message)) {
            if (given(line, OPTION_JSON)) {
                print_peeked_json(&message);
            } else {
                print_peeked(line, &message);
            }
            from = message.id + 1;
            done++;
        }
    }
    return EXIT_CODE_OK;
}

int run_peek(const command_line *line)
{
    slotq *queue;
    int code = open_to_look(line, line->operands[0], &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL) {
        complain("out of memory");
        code = EXIT_CODE_FAILURE;
    } else {
        if (output_is_terminal() && !given(line, OPTION_JSON)) {
            printf("%s%12s  %-7s %8s  %6s  %s%s\n", output_bold(), "ID", "STATE", "ATTEMPTS",
                   "BYTES", "PAYLOAD", output_plain());
        }
        code = peek_from(line, queue, batch, option_number(line, OPTION_FROM, 0),
                         option_number(line, OPTION_NUMBER, 10));
    }
    slotq_batch_free(batch);
    slotq_close(queue);
    return code;
}
