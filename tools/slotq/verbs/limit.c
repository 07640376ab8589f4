/* limit.c: the command limit: what a group may take, set or shown. Knows rates as text; the engine
 * knows intervals.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../line/command_line.h"
#include "../line/values.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "limit.h"
#include "open.h"
#include "sharded.h"

json_t *limits_object(const slotq_stats *stats)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "max_leased", (json_int_t)stats->limits.max_leased,
                     "rate_interval_us", (json_int_t)stats->limits.rate_interval_us, "rate_burst",
                     (json_int_t)stats->limits.rate_burst, "limited_until_ms",
                     (json_int_t)stats->limited_until_ms);
}

limits_words limits_text(const slotq_stats *stats, uint64_t now_ms)
{
    const slotq_limits *limits = &stats->limits;
    limits_words words = {""};
    size_t used = 0;
    if (limits->max_leased != 0) {
        used += (size_t)snprintf(words.text, sizeof words.text, "%s in flight",
                                 count_text(limits->max_leased).text);
    }
    if (limits->rate_interval_us != 0) {
        used += (size_t)snprintf(words.text + used, sizeof words.text - used, "%s%s, burst %s",
                                 used == 0 ? "" : ", ", rate_text(limits->rate_interval_us).text,
                                 count_text(limits->rate_burst).text);
    }
    if (used != 0 && stats->limited_until_ms > now_ms && stats->ready > 0) {
        snprintf(words.text + used, sizeof words.text - used, "; none may go for %s",
                 time_text(stats->limited_until_ms - now_ms).text);
    }
    return words;
}

/* What the line asks for; what = 0: only to be shown. False: told. */
static bool read_limits(const command_line *line, uint8_t *what, slotq_limits *limits)
{
    const slotq_limits none = {0};
    *limits = none;
    *what = given(line, OPTION_OFF) ? SLOTQ_LIMIT_ALL : 0;
    if (given(line, OPTION_IN_FLIGHT)) {
        *what |= SLOTQ_LIMIT_LEASED;
        limits->max_leased = (uint16_t)option_number(line, OPTION_IN_FLIGHT, 0);
    }
    if (given(line, OPTION_RATE)) {
        const char *text = line->options[OPTION_RATE].text;
        *what |= SLOTQ_LIMIT_RATE;
        if (!parse_rate(text, &limits->rate_interval_us)) {
            complain("--rate %.40s: must be messages per s, m, h or d, such as 100/s, 5/m or 1/d, "
                     "from 1/24d to 1,000,000/s",
                     text);
            return false;
        }
    }
    if (given(line, OPTION_BURST)) {
        *what |= SLOTQ_LIMIT_BURST;
        limits->rate_burst = (uint16_t)option_number(line, OPTION_BURST, 0);
    }
    return true;
}

static void print_limits(const command_line *line, const slotq_stats *stats)
{
    const slotq_limits *limits = &stats->limits;
    if (given(line, OPTION_JSON)) {
        json_t *object = output_json_queue(line->operands[0]);
        json_object_set_new(object, "group", json_integer((json_int_t)stats->group));
        output_json_merged(object, limits_object(stats));
        return;
    }
    printf("%" PRIu32 "\t%s\t%s\t%s\n", stats->group,
           limits->max_leased == 0 ? "-" : count_text(limits->max_leased).text,
           rate_text(limits->rate_interval_us).text,
           limits->rate_burst == 0 ? "-" : count_text(limits->rate_burst).text);
}

/* Of the group asked for, or of all. */
static int show_limits(const command_line *line, slotq *queue)
{
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    const uint8_t first = option_group(line);
    const uint8_t end = given(line, OPTION_GROUP) ? (uint8_t)(first + 1) : groups;
    for (uint8_t group = first; group < end; group++) {
        slotq_stats stats;
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            return complain_queue(queue, line->operands[0]);
        }
        if (group == first && !given(line, OPTION_JSON) && output_is_terminal()) {
            printf("GROUP\tIN FLIGHT\tRATE\tBURST\n");
        }
        print_limits(line, &stats);
    }
    return EXIT_CODE_OK;
}

int run_limit(const command_line *line)
{
    uint8_t what;
    slotq_limits limits;
    if (!read_limits(line, &what, &limits)) {
        return EXIT_CODE_USAGE;
    }
    slotq *queue;
    int code = open_queue(line, line->operands[0], &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (what != 0 && slotq_limit(queue, option_group(line), what, &limits) != SLOTQ_OK) {
        code = complain_queue(queue, line->operands[0]);
    } else if (what == 0 || given(line, OPTION_JSON)) {
        code = show_limits(line, queue);
    }
    sharded_tell_missing(line, line->operands[0], queue);
    slotq_close(queue);
    return output_finish(code);
}
