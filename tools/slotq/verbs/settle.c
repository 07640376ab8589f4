/* settle.c: the commands reserve, ack, nack, release, extend and kill. Prints and reads
 * ID:TOKEN; knows no other state of a message.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "limit.h"
#include "open.h"
#include "settle.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/tasks.h"
#include "../line/values.h"
#include "../say/texts.h"

enum { LEASE_USUAL_MS = 30000 };

/* ID:TOKEN, as the commands that settle take it. */
static value_text handle_text(uint64_t id, uint32_t token)
{
    value_text handle;
    snprintf(handle.text, sizeof handle.text, "%.23s:%" PRIu32, id_text(id).text, token);
    return handle;
}

json_t *settled_json(uint64_t id, uint32_t token, slotq_outcome outcome)
{
    return json_pack("{s:o, s:I, s:s, s:s}", "id", output_json_id(id), "token", (json_int_t)token,
                     "handle", handle_text(id, token).text, "outcome", slotq_outcome_name(outcome));
}

static void print_reserved(const command_line *line, const slotq_message *message)
{
    if (given(line, OPTION_JSON)) {
        json_t *object =
            json_pack("{s:o, s:I, s:s, s:i}", "id", output_json_id(message->id), "token",
                      (json_int_t)message->token, "handle",
                      handle_text(message->id, message->token).text, "attempts", message->attempts);
        if (message->pushed_ms != 0) {
            json_object_set_new(object, "pushed_ms", json_integer((json_int_t)message->pushed_ms));
        }
        output_json_task(object, message->payload, message->payload_bytes);
        output_json(object);
        return;
    }
    printf("%s\t%u\t", handle_text(message->id, message->token).text, message->attempts);
    output_payload(message->payload, message->payload_bytes, 0);
    putchar(given(line, OPTION_NUL) ? '\0' : '\n');
}

/* A signal ends the wait before anything is leased. */
static slotq_outcome reserve_waiting(const command_line *line, slotq *queue, slotq_batch *batch)
{
    const uint32_t limit = (uint32_t)option_number(line, OPTION_NUMBER, 1);
    const uint64_t lease_ms = option_number(line, OPTION_LEASE, LEASE_USUAL_MS);
    const uint64_t wait_ms = option_number(line, OPTION_WAIT, 0);
    slotq_outcome outcome;
    do {
        outcome = slotq_reserve(queue, option_group(line), limit, lease_ms, wait_ms, batch);
    } while (report_signal() == 0 && outcome == SLOTQ_AGAIN);
    return outcome;
}

/* LIMITED: which limit it is, and for how long. */
static int complain_reserve(const command_line *line, slotq *queue, const char *name)
{
    slotq_error error = *slotq_error_of(queue);
    slotq_stats stats;
    if (error.outcome == SLOTQ_LIMITED &&
        slotq_get_stats(queue, option_group(line), &stats) == SLOTQ_OK) {
        snprintf(error.text, sizeof error.text,
                 "messages are ready, but the limits of group %" PRIu32 " let none go: %s",
                 stats.group, limits_text(&stats, slotq_now_ms(queue)).text);
    }
    return complain_error(name, &error);
}

int run_reserve(const command_line *line)
{
    const char *name = line->operands[0];
    if (option_number(line, OPTION_NUMBER, 1) > SLOTQ_CALL_MESSAGES_MAX) {
        complain("--number %s: must be a number, 1 to %s", line->options[OPTION_NUMBER].text,
                 count_text(SLOTQ_CALL_MESSAGES_MAX).text);
        return EXIT_CODE_USAGE;
    }
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_batch *batch = slotq_batch_new();
    if (given(line, OPTION_WAIT)) {
        report_catch_signals();
    }
    code = judge_time(line, queue, OPTION_LEASE);
    if (code != EXIT_CODE_OK) {
        slotq_batch_free(batch);
        slotq_close(queue);
        return code;
    }
    if (batch == NULL) {
        complain("out of memory");
        code = EXIT_CODE_FAILURE;
    } else if (reserve_waiting(line, queue, batch) == SLOTQ_OK) {
        slotq_message message;
        output_done("what was leased (%s) comes back when the lease ends, in %s",
                    count_text(slotq_batch_count(batch)).text,
                    time_text(option_number(line, OPTION_LEASE, LEASE_USUAL_MS)).text);
        while (slotq_batch_next(batch, &message)) {
            print_reserved(line, &message);
        }
    } else {
        code = report_signal() != 0 ? report_interrupted() : complain_reserve(line, queue, name);
    }
    slotq_batch_free(batch);
    slotq_close(queue);
    return output_finish(code);
}

/* One settle call on all the tokens of the line. */
typedef struct settlement {
    slotq_settle_how how;
    uint64_t ms;
    uint8_t reason;
    slotq_data note;
    uint32_t count;
    uint32_t room;
    slotq_run *runs;
    uint8_t *outcomes;
    uint32_t *tokens;
} settlement;

/* Room for one more, four times the last where it is used up. */
static slotq_run *next_run(settlement *settle)
{
    if (settle->count == settle->room) {
        const uint32_t room = settle->room == 0 ? 64 : settle->room * 4;
        slotq_run *larger =
            room > settle->room ? realloc(settle->runs, room * sizeof *larger) : NULL;
        if (larger == NULL) {
            return NULL;
        }
        settle->runs = larger;
        settle->room = room;
    }
    return &settle->runs[settle->count];
}

static int add_token(settlement *settle, const char *text)
{
    slotq_run *run = next_run(settle);
    if (run == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    if (!parse_token(text, run)) {
        complain("%.60s: not an ID:TOKEN as reserve prints it; nothing was changed", text);
        return EXIT_CODE_USAGE;
    }
    settle->count++;
    return EXIT_CODE_OK;
}

/* Lines of reserve, or just their first fields. */
static int read_stdin(settlement *settle)
{
    char *text = NULL;
    size_t room = 0;
    int code = EXIT_CODE_OK;
    while (code == EXIT_CODE_OK && getline(&text, &room, stdin) >= 0) {
        text[strcspn(text, "\t\r\n")] = '\0';
        code = text[0] != '\0' ? add_token(settle, text) : EXIT_CODE_OK;
    }
    if (code == EXIT_CODE_OK && ferror(stdin)) {
        complain("cannot read stdin: %s; nothing was changed", strerror(errno));
        code = EXIT_CODE_FAILURE;
    }
    free(text);
    return code;
}

static int read_tokens(const command_line *line, settlement *settle)
{
    const bool from_stdin =
        line->count == 2 && line->dashed > 1 && strcmp(line->operands[1], "-") == 0;
    int code = from_stdin ? read_stdin(settle) : EXIT_CODE_OK;
    for (int i = 1; i < line->count && !from_stdin && code == EXIT_CODE_OK; i++) {
        code = add_token(settle, line->operands[i]);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (settle->count == 0) {
        complain("no ID:TOKEN on stdin; nothing was changed");
        return EXIT_CODE_EMPTY;
    }
    settle->outcomes = calloc(settle->count, sizeof *settle->outcomes);
    settle->tokens = calloc(settle->count, sizeof *settle->tokens);
    if (settle->outcomes == NULL || settle->tokens == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    memset(settle->outcomes, SLOTQ_OUTCOME_UNKNOWN, settle->count); /* a refused call writes none */
    return EXIT_CODE_OK;
}

static void print_settled(const command_line *line, const settlement *settle, uint32_t index)
{
    const slotq_run *run = &settle->runs[index];
    const slotq_outcome outcome = (slotq_outcome)settle->outcomes[index];
    const bool extended = settle->how == SLOTQ_SETTLE_EXTEND && outcome == SLOTQ_OK;
    if (extended) {
        output_done("the leases were extended: without their new tokens the messages come back "
                    "when they end");
    } else {
        output_done(NULL);
    }
    if (given(line, OPTION_JSON)) {
        const uint32_t token = extended ? settle->tokens[index] : run->token;
        output_json(settled_json(run->id, token, outcome));
    } else if (extended) {
        puts(handle_text(run->id, settle->tokens[index]).text);
    }
    if (outcome != SLOTQ_OK) {
        complain("%s: %s%s", handle_text(run->id, run->token).text, slotq_outcome_text(outcome),
                 outcome == SLOTQ_DEADFULL
                     ? "; nothing was changed; make room with slotq dead redrive or dead purge"
                     : "");
    }
}

/* Messages of a call, from the first on, that have an outcome of their own. */
static uint32_t count_settled(const uint8_t *outcomes, uint32_t count)
{
    uint32_t settled = 0;
    while (settled < count && outcomes[settled] <= SLOTQ_DEADFULL) {
        settled++;
    }
    return settled;
}

/* Settle in calls of as many as one call takes. A call that fails may have settled some. */
static int settle_all(const command_line *line, slotq *queue, settlement *settle)
{
    int code = EXIT_CODE_OK;
    for (uint32_t done = 0; done < settle->count;) {
        const uint32_t left = settle->count - done;
        const uint32_t most = left < SLOTQ_CALL_MESSAGES_MAX ? left : SLOTQ_CALL_MESSAGES_MAX;
        const slotq_outcome outcome =
            slotq_settle_noted(queue, settle->how, option_group(line), settle->runs + done, most,
                               settle->ms, settle->reason, &settle->note, settle->outcomes + done,
                               settle->how == SLOTQ_SETTLE_EXTEND ? settle->tokens + done : NULL);
        const bool failed = outcome > SLOTQ_DEADFULL;
        const uint32_t count = failed ? count_settled(settle->outcomes + done, most) : most;
        for (uint32_t i = done; i < done + count; i++) {
            print_settled(line, settle, i);
            code = worse_exit(code, slotq_outcome_exit((slotq_outcome)settle->outcomes[i]));
        }
        done += count;
        if (failed) {
            return worse_exit(code, complain_queue(queue, line->operands[0]));
        }
    }
    return code;
}

static int settle_line(const command_line *line, slotq_settle_how how, uint64_t ms)
{
    settlement settle = {.how = how, .ms = ms};
    settle.reason = (uint8_t)option_number(line, OPTION_REASON, 0);
    slotq *queue = NULL;
    int code = read_tokens(line, &settle);
    if (code == EXIT_CODE_OK) {
        code = open_queue(line, line->operands[0], &queue);
    }
    if (code == EXIT_CODE_OK) {
        code = worse_exit(judge_time(line, queue, OPTION_LEASE),
                          judge_time(line, queue, OPTION_DELAY));
    }
    if (code == EXIT_CODE_OK && given(line, OPTION_NOTE)) {
        const char *note = line->options[OPTION_NOTE].text;
        const size_t most = slotq_geometry_of(queue)->note_bytes;
        settle.note = (slotq_data){note, (uint32_t)cut_bytes(note, strlen(note), most)};
    }
    if (code == EXIT_CODE_OK) {
        code = settle_all(line, queue, &settle);
    }
    slotq_close(queue);
    free(settle.runs);
    free(settle.outcomes);
    free(settle.tokens);
    return code;
}

int run_ack(const command_line *line)
{
    return settle_line(line, SLOTQ_SETTLE_ACK, 0);
}

int run_nack(const command_line *line)
{
    return settle_line(line, SLOTQ_SETTLE_NACK, option_number(line, OPTION_DELAY, 0));
}

int run_release(const command_line *line)
{
    return settle_line(line, SLOTQ_SETTLE_RELEASE, option_number(line, OPTION_DELAY, 0));
}

int run_extend(const command_line *line)
{
    return settle_line(line, SLOTQ_SETTLE_EXTEND,
                       option_number(line, OPTION_LEASE, LEASE_USUAL_MS));
}

int run_kill(const command_line *line)
{
    return settle_line(line, SLOTQ_SETTLE_KILL, 0);
}
