/* keyed.c: a message with a key pushed or scheduled, and the command find.
 */
#include "keyed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framed.h"
#include "holder.h"
#include "look.h"
#include "open.h"
#include "pusher.h"
#include "sharded.h"
#include "whole.h"
#include "../say/output.h"
#include "../say/records.h"
#include "../say/report.h"
#include "../say/texts.h"

/* The key that the line names; 0 after a message. */
static uint64_t key_of(const command_line *line)
{
    const char *name = line->options[OPTION_KEY].text;
    if (!given(line, OPTION_KEY)) {
        complain("%s needs --key KEY", line->command->name);
        return 0;
    }
    if (name[0] == '\0') {
        complain("--key is empty: a key has at least one byte");
        return 0;
    }
    return slotq_key(name, strlen(name));
}

/* EXIT_CODE_OK, or another after a message: it is larger than the queue takes. */
static int judge_size(const command_line *line, const slotq_geometry *geometry, size_t size,
                      const framer *frame)
{
    if (size <= geometry->payload_bytes - frame->frame_bytes) { /* framer_open has judged it */
        return EXIT_CODE_OK;
    }
    complain("the message has more than the %s bytes that %s takes (fixed by create --payload%s); "
             "nothing was pushed",
             count_text(geometry->payload_bytes - frame->frame_bytes).text, line->operands[0],
             frame->frame_bytes != 0 ? ", less the frame" : "");
    return EXIT_CODE_USAGE;
}

static void print_outcome(const command_line *line, slotq_outcome outcome, uint64_t id,
                          bool is_later)
{
    if (given(line, OPTION_JSON)) {
        output_json(json_pack("{s:o, s:s}", is_later ? "later_id" : "id", output_json_id(id),
                              "outcome", slotq_outcome_name(outcome)));
    } else {
        puts(id_text(id).text);
    }
}

static void print_taken(const command_line *line, const slotq *queue,
                        const slotq_key_holder *holder)
{
    const bool is_later = holder->place == SLOTQ_KEY_SCHEDULED;
    const bool wants_later = given(line, OPTION_IN) || given(line, OPTION_AT);
    if (given(line, OPTION_JSON) || is_later == wants_later) { /* the other kind would mislead */
        print_outcome(line, SLOTQ_DUPLICATE, holder->id, is_later);
    }
    remark("%s: not %s: the key is taken by %s %s, which is %s", line->operands[0],
           wants_later ? "scheduled" : "pushed",
           is_later ? "the scheduled message with the later id" : "message",
           id_text(holder->id).text,
           is_later                ? "not due yet"
           : holder->is_unfinished ? "not finished"
                                   : finished_words(queue));
}

static int complain_push(const command_line *line, slotq *queue, bool is_later)
{
    const char *name = line->operands[0];
    const slotq_error why = *slotq_error_of(queue);
    if (given(line, OPTION_JSON) && why.outcome != SLOTQ_UNCONFIRMED) {
        output_json(json_pack("{s:s}", "outcome", slotq_outcome_name(why.outcome)));
    }
    return why.outcome == SLOTQ_FULL && !is_later && complain_full(line, name, queue, "")
               ? slotq_outcome_exit(why.outcome)
               : complain_error(name, &why);
}

static int push_message(const command_line *line, slotq *queue, const slotq_data *message,
                        slotq_push_options *options)
{
    slotq_pushed pushed;
    const bool is_later = given(line, OPTION_IN) || given(line, OPTION_AT);
    if (is_later) {
        scheduler_due due;
        bool is_local = false;
        const int code = pusher_read_due(line, slotq_geometry_of(queue), &due, &is_local);
        if (code != EXIT_CODE_OK) {
            return code;
        }
        options->due_ms = due.ms + (due.is_delay ? slotq_now_ms(queue) : 0);
        options->due_ms = options->due_ms > 0 ? options->due_ms : 1; /* 0 = push now */
    }
    const slotq_outcome outcome = slotq_push_with(queue, message, 1, options, &pushed);
    if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
        output_done("what was %s has the %sid %s", is_later ? "scheduled" : "pushed",
                    is_later ? "later " : "", id_text(pushed.first_id).text);
        print_outcome(line, outcome, pushed.first_id, is_later);
    } else if (outcome == SLOTQ_DUPLICATE) {
        print_taken(line, queue, &pushed.holder);
        return EXIT_CODE_OK;
    }
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : complain_push(line, queue, is_later);
}

/* DATA or all of stdin, in its frame. */
static int push_framed(const command_line *line, slotq *queue, bool from_stdin,
                       slotq_push_options *options)
{
    const slotq_geometry geometry = *slotq_geometry_of(queue);
    framer frame;
    uint8_t *bytes = NULL;
    slotq_data message = {line->operands[1], 0};
    int code = framer_open(&frame, line, &geometry);
    if (code == EXIT_CODE_OK && from_stdin) {
        code = read_whole_stdin(geometry.payload_bytes - frame.frame_bytes, "nothing was pushed",
                                &message, &bytes);
    } else if (code == EXIT_CODE_OK) {
        message.size = (uint32_t)strlen(line->operands[1]);
    }
    if (code == EXIT_CODE_OK) {
        code = judge_size(line, &geometry, message.size, &frame);
    }
    if (code == EXIT_CODE_OK) {
        message.bytes = framer_join(&frame, message.bytes, message.size);
        message.size += frame.frame_bytes;
        code = push_message(line, queue, &message, options);
    }
    framer_close(&frame);
    free(bytes);
    return code;
}

int push_keyed(const command_line *line, bool from_stdin)
{
    const uint64_t key = key_of(line);
    slotq_push_options options = {.keys = &key,
                                  .key_mode =
                                      given(line, OPTION_ONCE) ? SLOTQ_KEY_ONCE : SLOTQ_KEY_UNIQUE,
                                  .wait_ms = given(line, OPTION_BLOCK) ? PUSHER_BLOCK_MS : 0};
    if (key == 0) {
        return EXIT_CODE_USAGE;
    }
    if (from_stdin ? !given(line, OPTION_WHOLE) : line->count != 2) {
        complain("--key is for one message: give one DATA, or --whole for all of stdin");
        return EXIT_CODE_USAGE;
    }
    slotq *queue;
    int code = open_queue(line, line->operands[0], &queue);
    if (code == EXIT_CODE_OK) {
        code = sharded_judge_push(line, line->operands[0], queue);
    }
    if (code == EXIT_CODE_OK) {
        code = push_framed(line, queue, from_stdin, &options);
    }
    slotq_close(queue);
    return output_finish(code);
}

int run_find(const command_line *line)
{
    const uint64_t key = key_of(line);
    slotq_key_holder holder;
    slotq *queue;
    if (key == 0) {
        return EXIT_CODE_USAGE;
    }
    int code = open_to_look(line, line->operands[0], &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const slotq_outcome outcome = slotq_find(queue, key, &holder);
    if (outcome != SLOTQ_OK) {
        const slotq_error why = *slotq_error_of(queue);
        if (given(line, OPTION_JSON) && outcome == SLOTQ_NOTFOUND) {
            output_json(json_pack("{s:s}", "outcome", slotq_outcome_name(outcome)));
        }
        code = complain_error(line->operands[0], &why);
    } else if (holder.place != SLOTQ_KEY_SCHEDULED) {
        code = print_status_of(line, queue, holder.id);
    } else if (given(line, OPTION_JSON)) {
        output_json(
            json_pack("{s:o, s:s}", "later_id", output_json_id(holder.id), "state", "scheduled"));
    } else {
        printf("%12s  scheduled (this is its later id)\n", id_text(holder.id).text);
    }
    slotq_close(queue);
    return output_finish(code);
}
