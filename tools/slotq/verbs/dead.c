/* dead.c: the command dead: list, redrive and purge what died.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../line/command_line.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

static void print_json(const slotq_message *message)
{
    json_t *object =
        json_pack("{s:I, s:I, s:i, s:i, s:i}", "id", (json_int_t)message->id, "died_at_ms",
                  (json_int_t)message->died_at_ms, "group", message->group, "attempts",
                  message->attempts, "reason", message->reason);
    if (message->damaged) {
        json_object_set_new(object, "damaged", json_true());
    } else {
        output_json_payload(object, message->payload, message->payload_bytes);
    }
    output_json(object);
}

static void print_dead(const command_line *line, const slotq_message *message)
{
    if (output_is_terminal()) {
        enum { BEFORE_PAYLOAD = 61, PAYLOAD_LEAST = 8 };
        const unsigned columns = output_columns();
        printf("%12" PRIu64 "  %.19sZ  %5u  %8u  %6u  ", message->id,
               moment_text(message->died_at_ms).text, message->group, message->attempts,
               message->reason);
        if (message->damaged) {
            printf("%s(damaged)%s", output_red(), output_plain());
        } else {
            output_payload(message->payload, message->payload_bytes,
                           columns > BEFORE_PAYLOAD + PAYLOAD_LEAST ? columns - BEFORE_PAYLOAD
                                                                    : PAYLOAD_LEAST);
        }
    } else {
        printf("%" PRIu64 "\t%s\t%u\t%u\t%u\t", message->id, moment_text(message->died_at_ms).text,
               message->group, message->attempts, message->reason);
        output_payload(message->payload, message->payload_bytes, 0);
    }
    putchar(given(line, OPTION_NUL) ? '\0' : '\n');
}

static int list_dead(const command_line *line, const char *name, slotq *queue, slotq_batch *batch)
{
    const uint64_t count = option_number(line, OPTION_NUMBER, UINT32_MAX);
    uint32_t done = 0;
    if (output_is_terminal() && !given(line, OPTION_JSON)) {
        printf("%s%12s  %-20s  %5s  %8s  %6s  %s%s\n", output_bold(), "ID", "DIED", "GROUP",
               "ATTEMPTS", "REASON", "PAYLOAD", output_plain());
    }
    while (done < count) {
        const uint64_t left = count - done;
        const uint32_t limit =
            left < SLOTQ_CALL_MESSAGES_MAX ? (uint32_t)left : SLOTQ_CALL_MESSAGES_MAX;
        const slotq_outcome outcome = slotq_dead_list(queue, done, limit, batch);
        if (outcome == SLOTQ_EMPTY && done != 0) {
            return EXIT_CODE_OK;
        }
        if (outcome == SLOTQ_EMPTY) {
            remark("%s: no dead message", name);
            return EXIT_CODE_EMPTY;
        }
        if (outcome != SLOTQ_OK) {
            return complain_queue(queue, name);
        }
        slotq_message message;
        while (slotq_batch_next(batch, &message)) {
            if (given(line, OPTION_JSON)) {
                print_json(&message);
            } else {
                print_dead(line, &message);
            }
            done++;
        }
    }
    return EXIT_CODE_OK;
}

static int dead_ls(const command_line *line, const char *name)
{
    slotq *queue;
    int code = open_to_look(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL) {
        complain("out of memory");
        code = EXIT_CODE_FAILURE;
    } else {
        code = list_dead(line, name, queue, batch);
    }
    slotq_batch_free(batch);
    slotq_close(queue);
    return code;
}

static int answer_count(const command_line *line, const char *name, const char *what,
                        uint32_t count)
{
    if (given(line, OPTION_JSON)) {
        output_json(json_pack("{s:I}", what, (json_int_t)count));
    } else {
        remark("%s: %s dead message%s %s", name, count_text(count).text, count == 1 ? "" : "s",
               what);
    }
    return EXIT_CODE_OK;
}

static void report_redriven(const command_line *line, const char *name, uint32_t count,
                            uint32_t damaged)
{
    if (given(line, OPTION_JSON)) {
        output_json(
            json_pack("{s:I, s:I}", "redriven", (json_int_t)count, "damaged", (json_int_t)damaged));
    } else if (damaged == 0) {
        answer_count(line, name, "redriven", count);
    } else {
        remark("%s: %s dead message%s redriven, %s damaged stay%s in the dead section", name,
               count_text(count).text, count == 1 ? "" : "s", count_text(damaged).text,
               damaged == 1 ? "s" : "");
    }
}

static int dead_redrive(const command_line *line, const char *name)
{
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    uint32_t count = 0;
    uint32_t damaged = 0;
    const uint32_t limit = (uint32_t)option_number(line, OPTION_NUMBER, 0);
    if (slotq_dead_redrive(queue, limit, &count, &damaged) != SLOTQ_OK) {
        code = complain_queue(queue, name);
    }
    report_redriven(line, name, count, damaged);
    slotq_close(queue);
    return code;
}

static int dead_purge(const command_line *line, const char *name)
{
    char question[320];
    snprintf(question, sizeof question, "delete every dead message of %s?", name);
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    uint32_t count = 0;
    if (!output_confirm(given(line, OPTION_YES), question)) {
        complain("the dead messages of %s were not changed", name);
        code = EXIT_CODE_REFUSED;
    } else if (slotq_dead_purge(queue, &count) != SLOTQ_OK) {
        code = complain_queue(queue, name);
    } else {
        answer_count(line, name, "purged", count);
    }
    slotq_close(queue);
    return code;
}

int run_dead(const command_line *line)
{
    const char *what = line->operands[0];
    const char *name = line->operands[1];
    if (strcmp(what, "ls") == 0) {
        return dead_ls(line, name);
    }
    if (strcmp(what, "redrive") == 0) {
        return dead_redrive(line, name);
    }
    if (strcmp(what, "purge") == 0) {
        if (given(line, OPTION_NUMBER)) {
            complain("dead purge deletes all dead messages: it does not take --number");
            return EXIT_CODE_USAGE;
        }
        return dead_purge(line, name);
    }
    complain("dead %s: must be ls, redrive or purge, then the queue", what);
    return EXIT_CODE_USAGE;
}
