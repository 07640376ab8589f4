/* admin.c: the commands purge, remove, pause, resume and reclaim: changes without a token.
 */
#include <stdio.h>
#include <string.h>

#include "../line/command_line.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../line/values.h"
#include "../say/texts.h"

int run_purge(const command_line *line)
{
    const char *name = line->operands[0];
    char question[320];
    snprintf(question, sizeof question, "finish every message of %s for every group?", name);
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_stats stats;
    if (!output_confirm(given(line, OPTION_YES), question)) {
        complain("%s was not changed", name);
        code = EXIT_CODE_REFUSED;
    } else if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK || slotq_purge(queue) != SLOTQ_OK) {
        code = complain_queue(queue, name);
    } else if (given(line, OPTION_JSON)) {
        sharded_tell_missing(line, name, queue);
        output_done(NULL);
        output_json_merged(output_json_queue(name),
                           json_pack("{s:I}", "freed", (json_int_t)stats.used));
    } else {
        sharded_tell_missing(line, name, queue);
        remark("%s: %s slot%s freed", name, count_text(stats.used).text,
               stats.used == 1 ? "" : "s");
    }
    slotq_close(queue);
    return code;
}

int run_remove(const command_line *line)
{
    uint64_t id;
    for (int i = 1; i < line->count; i++) {
        if (!parse_id(line->operands[i], &id)) {
            complain("%s: not an id (1042; of a sharded queue 3-1042); nothing was removed",
                     line->operands[i]);
            return EXIT_CODE_USAGE;
        }
    }
    slotq *queue;
    int code = open_queue(line, line->operands[0], &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const uint8_t group = (uint8_t)option_number(line, OPTION_GROUP, SLOTQ_ALL_GROUPS);
    for (int i = 1; i < line->count; i++) {
        parse_id(line->operands[i], &id);
        const slotq_outcome outcome = slotq_remove(queue, group, id);
        code = worse_exit(code, slotq_outcome_exit(outcome));
        if (given(line, OPTION_JSON)) {
            output_done(NULL);
            output_json(json_pack("{s:o, s:s}", "id", output_json_id(id), "outcome",
                                  slotq_outcome_name(outcome)));
        }
        if (outcome == SLOTQ_LEASED) {
            complain("%s: %s; remove it after its lease has ended", id_text(id).text,
                     slotq_outcome_text(outcome));
        } else if (outcome == SLOTQ_GONE || outcome == SLOTQ_NOTFOUND) {
            complain("%s: %s", id_text(id).text, slotq_outcome_text(outcome));
        } else if (outcome != SLOTQ_OK) {
            complain_queue(queue, line->operands[0]);
            break;
        }
    }
    slotq_close(queue);
    return code;
}

/* in, out, closed, or in and out when nothing is said; 0 = said wrongly. */
static uint8_t read_directions(const command_line *line)
{
    if (line->count == 1) {
        return SLOTQ_PAUSE_BOTH;
    }
    if (strcmp(line->operands[1], "in") == 0) {
        return SLOTQ_PAUSE_IN;
    }
    if (strcmp(line->operands[1], "out") == 0) {
        return SLOTQ_PAUSE_OUT;
    }
    if (strcmp(line->operands[1], "closed") == 0) {
        return SLOTQ_PAUSE_CLOSED;
    }
    complain(
        "%s: must be in (pushes), out (reserves) or closed (takes no new messages, resume alone "
        "does not end it); leave it out for in and out",
        line->operands[1]);
    return 0;
}

static int print_pause(const command_line *line, slotq *queue)
{
    slotq_stats stats;
    if (!given(line, OPTION_JSON)) {
        return EXIT_CODE_OK;
    }
    if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK) {
        return complain_queue(queue, line->operands[0]);
    }
    output_done(NULL);
    output_json_merged(output_json_queue(line->operands[0]),
                       json_pack("{s:s}", "paused", paused_text(stats.paused)));
    return EXIT_CODE_OK;
}

static int change_pause(const command_line *line,
                        slotq_outcome (*change)(slotq *queue, uint8_t what))
{
    const uint8_t what = read_directions(line);
    if (what == 0) {
        return EXIT_CODE_USAGE;
    }
    slotq *queue;
    int code = open_queue(line, line->operands[0], &queue);
    if (code == EXIT_CODE_OK) {
        if (change(queue, what) != SLOTQ_OK) {
            code = complain_queue(queue, line->operands[0]);
        } else {
            sharded_tell_missing(line, line->operands[0], queue);
            code = print_pause(line, queue);
        }
        slotq_close(queue);
    }
    return code;
}

int run_pause(const command_line *line)
{
    return change_pause(line, slotq_pause);
}

int run_resume(const command_line *line)
{
    return change_pause(line, slotq_resume);
}

int run_reclaim(const command_line *line)
{
    const char *name = line->operands[0];
    slotq *queue;
    int code = open_queue(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    const uint8_t first = option_group(line);
    const uint8_t end = given(line, OPTION_GROUP) ? (uint8_t)(first + 1) : groups;
    uint32_t ready_count = 0;
    uint32_t dead_count = 0;
    for (uint8_t group = first; group < end && code == EXIT_CODE_OK; group++) {
        uint32_t ready = 0;
        uint32_t dead = 0;
        if (slotq_reclaim(queue, group, &ready, &dead) != SLOTQ_OK) {
            code = complain_queue(queue, name);
        }
        ready_count += ready;
        dead_count += dead;
    }
    sharded_tell_missing(line, name, queue);
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json(json_pack("{s:I, s:I}", "ready", (json_int_t)ready_count, "dead",
                              (json_int_t)dead_count));
    } else {
        remark("%s: %s made ready, %s died", name, count_text(ready_count).text,
               count_text(dead_count).text);
    }
    slotq_close(queue);
    return code;
}
