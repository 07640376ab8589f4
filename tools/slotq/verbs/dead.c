/* dead.c: the command dead: list, redrive, remove and purge what died, by id too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "../line/values.h"
#include "dead.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/tasks.h"
#include "../say/texts.h"

static void print_json(const slotq_message *message)
{
    json_t *object =
        json_pack("{s:o, s:I, s:i, s:i, s:i}", "id", output_json_id(message->id), "died_at_ms",
                  (json_int_t)message->died_at_ms, "group", message->group, "attempts",
                  message->attempts, "reason", message->reason);
    output_json_note(object, message->note, message->note_bytes);
    if (message->damaged) {
        json_object_set_new(object, "damaged", json_true());
    } else {
        output_json_task(object, message->payload, message->payload_bytes);
    }
    output_json(object);
}

static void print_dead(const command_line *line, const slotq_message *message)
{
    if (output_is_terminal()) {
        enum { BEFORE_PAYLOAD = 61, PAYLOAD_LEAST = 8 };
        const unsigned columns = output_columns();
        printf("%12s  %.19sZ  %5u  %8u  %6u  ", id_text(message->id).text,
               moment_text(message->died_at_ms).text, message->group, message->attempts,
               message->reason);
        if (message->damaged) {
            printf("%s(damaged)%s", output_red(), output_plain());
        } else {
            output_task(message->payload, message->payload_bytes,
                        columns > BEFORE_PAYLOAD + PAYLOAD_LEAST ? columns - BEFORE_PAYLOAD
                                                                 : PAYLOAD_LEAST);
        }
        if (message->note_bytes != 0) {
            enum { BEFORE_NOTE = 14 };
            printf("\n%*s%s", BEFORE_NOTE, "", output_dim());
            output_note(message->note, message->note_bytes, columns - BEFORE_NOTE);
            fputs(output_plain(), stdout);
        }
    } else {
        printf("%s\t%s\t%u\t%u\t%u\t", id_text(message->id).text,
               moment_text(message->died_at_ms).text, message->group, message->attempts,
               message->reason);
        output_note(message->note, message->note_bytes, 0);
        putchar('\t');
        output_task(message->payload, message->payload_bytes, 0);
    }
    putchar(given(line, OPTION_NUL) ? '\0' : '\n');
}

static void print_batch(const command_line *line, slotq_batch *batch)
{
    slotq_message message;
    while (slotq_batch_next(batch, &message)) {
        if (given(line, OPTION_JSON)) {
            print_json(&message);
        } else {
            print_dead(line, &message);
        }
    }
}

uint8_t dead_group(const command_line *line)
{
    return given(line, OPTION_GROUP) ? option_group(line) : SLOTQ_ALL_GROUPS;
}

int complain_not_dead(const char *name, uint64_t id)
{
    complain("%s: the dead section has no message %s; dead ls lists them", name, id_text(id).text);
    return EXIT_CODE_EMPTY;
}

uint64_t dead_id(const command_line *line, int operand)
{
    uint64_t id = 0;
    parse_id(line->operands[operand], &id);
    return id;
}

static int list_ids(const command_line *line, const char *name, slotq *queue, slotq_batch *batch)
{
    int code = EXIT_CODE_OK;
    for (int i = DEAD_FIRST_ID; i < line->count; i++) {
        const uint64_t id = dead_id(line, i);
        const slotq_outcome outcome = slotq_dead_find(queue, dead_group(line), id, batch);
        if (outcome == SLOTQ_OK) {
            print_batch(line, batch);
        } else if (outcome == SLOTQ_EMPTY) {
            code = worse_exit(code, complain_not_dead(name, id));
        } else {
            return complain_queue(queue, name);
        }
    }
    return code;
}

static int list_dead(const command_line *line, const char *name, slotq *queue, slotq_batch *batch)
{
    const uint64_t count = option_number(line, OPTION_NUMBER, UINT32_MAX);
    uint32_t done = 0;
    if (output_is_terminal() && !given(line, OPTION_JSON)) {
        printf("%s%12s  %-20s  %5s  %8s  %6s  %s%s\n", output_bold(), "ID", "DIED", "GROUP",
               "ATTEMPTS", "REASON", "PAYLOAD", output_plain());
    }
    if (line->count > DEAD_FIRST_ID) {
        return list_ids(line, name, queue, batch);
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
        done += slotq_batch_count(batch);
        print_batch(line, batch);
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
        output_done(NULL);
        output_json(json_pack("{s:I}", what, (json_int_t)count));
    } else {
        remark("%s: %s dead message%s %s", name, count_text(count).text, count == 1 ? "" : "s",
               what);
    }
    return EXIT_CODE_OK;
}

static json_t *json_ids(const dead_sum *sum)
{
    json_t *ids = json_array();
    for (uint32_t i = 0; i < sum->count; i++) {
        json_array_append_new(ids, output_json_id(sum->ids[i]));
    }
    return ids;
}

/* What is not counted as redriven, though it is in the other queue. */
static void report_others(const command_line *line, const char *name, const dead_sum *sum)
{
    const char *other = line->options[OPTION_TO].text;
    if (sum->already != 0) {
        remark("%s: %s more %s in %s already", name, count_text(sum->already).text,
               sum->already == 1 ? "was" : "were", other);
    }
    if (sum->taken != 0) {
        remark("%s: %s more %s moved or removed by others meanwhile, and may be in %s twice", name,
               count_text(sum->taken).text, sum->taken == 1 ? "was" : "were", other);
    }
}

/* code: of what went wrong and was said before. */
static void report_redriven(const command_line *line, const char *name, const dead_sum *sum,
                            int code)
{
    const uint32_t count = sum->count;
    const uint32_t damaged = sum->damaged;
    if (count > 0) {
        output_done("what was pushed again (%s) has ids up to %s", count_text(count).text,
                    id_text(sum->ids[count - 1]).text);
    }
    if (given(line, OPTION_JSON)) {
        json_t *object = json_pack("{s:I, s:I, s:o}", "redriven", (json_int_t)count, "damaged",
                                   (json_int_t)damaged, "ids", json_ids(sum));
        if (object != NULL && given(line, OPTION_TO)) {
            json_object_set_new(object, "already", json_integer(sum->already));
            json_object_set_new(object, "taken", json_integer(sum->taken));
        }
        output_json(object);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        puts(id_text(sum->ids[i]).text);
    }
    if (count == 0 && damaged != 0) {
        remark("%s: %s damaged dead message%s in the dead section", name, count_text(damaged).text,
               damaged == 1 ? " stays" : "s stay");
    } else if (damaged != 0) {
        remark("%s: %s dead message%s redriven, %s damaged stay%s in the dead section", name,
               count_text(count).text, count == 1 ? "" : "s", count_text(damaged).text,
               damaged == 1 ? "s" : "");
    } else if (count != 0 || code == EXIT_CODE_OK) {
        answer_count(line, name, "redriven", count);
    }
    report_others(line, name, sum);
}

/* What a verb does with one id. */
typedef slotq_outcome on_id(slotq *queue, uint8_t group, uint64_t id, uint64_t *ids,
                            uint32_t *count, uint32_t *damaged);

static slotq_outcome remove_id(slotq *queue, uint8_t group, uint64_t id, uint64_t *ids,
                               uint32_t *count, uint32_t *damaged)
{
    (void)ids;
    (void)damaged;
    return slotq_dead_remove(queue, group, id, count);
}

static int each_id(const command_line *line, const char *name, slotq *queue, on_id *act,
                   dead_sum *sum)
{
    int code = EXIT_CODE_OK;
    for (int i = DEAD_FIRST_ID; i < line->count; i++) {
        const uint64_t id = dead_id(line, i);
        uint64_t *ids = sum->ids != NULL ? sum->ids + sum->count : NULL;
        uint32_t count = 0;
        uint32_t damaged = 0;
        const slotq_outcome outcome = act(queue, dead_group(line), id, ids, &count, &damaged);
        sum->count += count;
        sum->damaged += damaged;
        if (outcome == SLOTQ_NOTFOUND) {
            code = worse_exit(code, complain_not_dead(name, id));
        } else if (outcome != SLOTQ_OK) {
            return complain_queue(queue, name);
        }
    }
    return code;
}

static int dead_remove(const command_line *line, const char *name)
{
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    dead_sum sum = {0};
    code = each_id(line, name, queue, remove_id, &sum);
    if (sum.count != 0 || code == EXIT_CODE_OK || given(line, OPTION_JSON)) {
        answer_count(line, name, "removed", sum.count);
    }
    slotq_close(queue);
    return code;
}

static int dead_redrive(const command_line *line, const char *name)
{
    slotq *queue;
    int code =
        given(line, OPTION_TO) ? move_open(line, name, &queue) : open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const uint64_t asked = option_number(line, OPTION_NUMBER, 0);
    const uint32_t limit = asked < DEAD_MOST ? (uint32_t)asked : DEAD_MOST;
    const size_t named = (size_t)(line->count - DEAD_FIRST_ID);
    dead_sum sum = {0};
    sum.ids = calloc(named > 0 ? named * SLOTQ_GROUPS_MAX : DEAD_MOST, sizeof *sum.ids);
    if (sum.ids == NULL) {
        complain("out of memory");
        slotq_close(queue);
        return EXIT_CODE_FAILURE;
    }
    if (given(line, OPTION_TO)) {
        code = dead_move(line, name, queue, limit, &sum);
    } else if (named > 0) {
        code = each_id(line, name, queue, slotq_dead_redrive_id, &sum);
    } else if (slotq_dead_redrive(queue, limit, sum.ids, &sum.count, &sum.damaged) != SLOTQ_OK) {
        code = complain_queue(queue, name);
    }
    report_redriven(line, name, &sum, code);
    free(sum.ids);
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

/* The operands and options that fit together. */
static int judge_line(const command_line *line, const char *what)
{
    uint64_t id;
    const bool has_ids = line->count > DEAD_FIRST_ID;
    const bool purges = strcmp(what, "purge") == 0;
    for (int i = DEAD_FIRST_ID; i < line->count; i++) {
        if (!parse_id(line->operands[i], &id)) {
            complain("%s: not an id (1042; of a sharded queue 3-1042)", line->operands[i]);
            return EXIT_CODE_USAGE;
        }
    }
    if (purges && given(line, OPTION_NUMBER)) {
        complain("dead purge deletes all dead messages: it does not take --number");
    } else if (purges && has_ids) {
        complain("dead purge deletes all dead messages; to delete some: dead remove");
    } else if (strcmp(what, "remove") == 0 && !has_ids) {
        complain("dead remove needs the ids of messages; dead purge deletes all of them");
    } else if (has_ids && given(line, OPTION_NUMBER)) {
        complain("dead %s takes ids or --number, not both", what);
    } else if (given(line, OPTION_TO) && strcmp(what, "redrive") != 0) {
        complain("dead %s does not take --to; dead redrive does", what);
    } else if (given(line, OPTION_TO_URL) && !given(line, OPTION_TO)) {
        complain("--to-url is where the queue of --to is: give --to QUEUE2");
    } else if (!given(line, OPTION_TO) &&
               (given(line, OPTION_REPLICAS) || given(line, OPTION_FSYNCED))) {
        complain("--replicas and --fsynced are about the queue of --to: give --to QUEUE2");
    } else if (!has_ids && given(line, OPTION_GROUP)) {
        complain("dead %s takes --group only with ids", what);
    } else {
        return EXIT_CODE_OK;
    }
    return EXIT_CODE_USAGE;
}

int run_dead(const command_line *line)
{
    static const struct {
        const char *what;
        int (*run)(const command_line *line, const char *name);
    } all[] = {
        {"ls", dead_ls}, {"redrive", dead_redrive}, {"remove", dead_remove}, {"purge", dead_purge}};
    const char *what = line->operands[0];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(what, all[i].what) == 0) {
            const int code = judge_line(line, what);
            return code == EXIT_CODE_OK ? all[i].run(line, line->operands[1]) : code;
        }
    }
    complain("dead %s: must be ls, redrive, remove or purge, then the queue", what);
    return EXIT_CODE_USAGE;
}
