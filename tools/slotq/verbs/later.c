/* later.c: the commands later and kick: scheduled messages listed, cancelled, and made due; delays
 * ended. Messages are scheduled by push.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "../line/values.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/tasks.h"
#include "../say/texts.h"

enum { FIRST_ID = 2, SHOWN_USUALLY = 100 }; /* operands: what, queue, ids */

/* ---- later ls ---- */

/* A scheduled message as it was read. */
typedef struct entry {
    uint64_t due_ms;
    uint64_t later_id;
    uint8_t *payload; /* NULL: empty or damaged */
    uint32_t payload_bytes;
    bool damaged;
} entry;

/* The soonest so many of all: the queue gives them in the order of its heap. */
typedef struct soonest {
    entry *entries;
    uint32_t count;
    uint32_t room;
    uint32_t wanted;
} soonest;

static int by_due(const void *left, const void *right)
{
    const entry *a = left;
    const entry *b = right;
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms ? -1 : 1;
    }
    return (a->later_id > b->later_id) - (a->later_id < b->later_id);
}

/* In order, without those that are not wanted and those that were read twice, because the heap
 * changed between two calls. */
static void sort_out(soonest *kept)
{
    uint32_t count = 0;
    qsort(kept->entries, kept->count, sizeof *kept->entries, by_due);
    for (uint32_t i = 0; i < kept->count; i++) {
        entry *next = &kept->entries[i];
        const bool is_twice = count > 0 && kept->entries[count - 1].later_id == next->later_id;
        if (is_twice || count == kept->wanted) {
            free(next->payload);
        } else {
            kept->entries[count++] = *next;
        }
    }
    kept->count = count;
}

static bool keep(soonest *kept, const slotq_message *message)
{
    entry *next = &kept->entries[kept->count];
    *next = (entry){.due_ms = message->due_ms,
                    .later_id = message->id,
                    .payload_bytes = message->payload_bytes,
                    .damaged = message->damaged};
    if (!message->damaged && message->payload_bytes > 0) {
        next->payload = malloc(message->payload_bytes);
        if (next->payload == NULL) {
            return false;
        }
        memcpy(next->payload, message->payload, message->payload_bytes);
    }
    kept->count++;
    return true;
}

static slotq_outcome read_all(slotq *queue, slotq_batch *batch, soonest *kept)
{
    uint32_t from = 0;
    for (;;) {
        const slotq_outcome outcome = slotq_later_list(queue, from, SLOTQ_CALL_MESSAGES_MAX, batch);
        if (outcome != SLOTQ_OK) {
            return outcome == SLOTQ_EMPTY ? SLOTQ_OK : outcome;
        }
        slotq_message message;
        while (slotq_batch_next(batch, &message)) {
            if (kept->count == kept->room) {
                sort_out(kept);
            }
            if (!keep(kept, &message)) {
                return SLOTQ_NOMEMORY;
            }
        }
        from += slotq_batch_count(batch);
    }
}

static void print_entry_json(const entry *shown)
{
    json_t *object = json_pack("{s:o, s:I}", "later_id", output_json_id(shown->later_id), "due_ms",
                               (json_int_t)shown->due_ms);
    if (shown->damaged) {
        json_object_set_new(object, "damaged", json_true());
    } else {
        output_json_task(object, shown->payload, shown->payload_bytes);
    }
    output_json(object);
}

static void print_entry(const command_line *line, const entry *shown, uint64_t now_ms)
{
    if (given(line, OPTION_JSON)) {
        print_entry_json(shown);
        return;
    }
    if (!output_is_terminal()) {
        printf("%s\t%s\t", id_text(shown->later_id).text, any_moment_text(shown->due_ms).text);
        output_task(shown->payload, shown->payload_bytes, 0);
        putchar(given(line, OPTION_NUL) ? '\0' : '\n');
        return;
    }
    enum { BEFORE_PAYLOAD = 52, PAYLOAD_LEAST = 8 };
    const unsigned columns = output_columns();
    printf("%12s  %-24s  %10s  ", id_text(shown->later_id).text,
           any_moment_text(shown->due_ms).text,
           shown->due_ms > now_ms ? time_text(shown->due_ms - now_ms).text : "due");
    if (shown->damaged) {
        printf("%s(damaged)%s", output_red(), output_plain());
    } else {
        output_task(shown->payload, shown->payload_bytes,
                    columns > BEFORE_PAYLOAD + PAYLOAD_LEAST ? columns - BEFORE_PAYLOAD
                                                             : PAYLOAD_LEAST);
    }
    putchar('\n');
}

static int print_all(const command_line *line, const char *name, slotq *queue, const soonest *kept)
{
    slotq_stats stats;
    const uint64_t now_ms = slotq_now_ms(queue);
    if (kept->count == 0) {
        remark("%s: no scheduled message", name);
        return EXIT_CODE_EMPTY;
    }
    if (output_is_terminal() && !given(line, OPTION_JSON)) {
        printf("%s%12s  %-24s  %10s  %s%s\n", output_bold(), "LATER ID", "DUE", "IN", "PAYLOAD",
               output_plain());
    }
    for (uint32_t i = 0; i < kept->count; i++) {
        print_entry(line, &kept->entries[i], now_ms);
    }
    if (slotq_get_stats(queue, 0, &stats) == SLOTQ_OK && stats.later > kept->count) {
        remark("%s: the soonest %s of %s scheduled messages; -n N shows more", name,
               count_text(kept->count).text, count_text(stats.later).text);
    }
    return EXIT_CODE_OK;
}

static int list_later(const command_line *line, const char *name, slotq *queue)
{
    const uint64_t asked = option_number(line, OPTION_NUMBER, SHOWN_USUALLY);
    soonest kept = {.wanted = asked < UINT16_MAX ? (uint32_t)asked : UINT16_MAX};
    int code = EXIT_CODE_FAILURE;
    slotq_batch *batch = slotq_batch_new();
    kept.room = 2 * kept.wanted;
    kept.entries = calloc(kept.room, sizeof *kept.entries);
    slotq_outcome outcome = SLOTQ_NOMEMORY;
    if (batch != NULL && kept.entries != NULL) {
        outcome = read_all(queue, batch, &kept);
        sort_out(&kept);
    }
    if (outcome == SLOTQ_OK) {
        code = print_all(line, name, queue, &kept);
    } else if (outcome == SLOTQ_NOMEMORY) {
        complain("out of memory");
    } else {
        code = complain_queue(queue, name);
    }
    for (uint32_t i = 0; i < kept.count; i++) {
        free(kept.entries[i].payload);
    }
    free(kept.entries);
    slotq_batch_free(batch);
    return code;
}

/* ---- by id ---- */

typedef slotq_outcome on_id(slotq *queue, uint8_t group, uint64_t id);

static slotq_outcome cancel_id(slotq *queue, uint8_t group, uint64_t id)
{
    (void)group;
    return slotq_cancel(queue, id);
}

static slotq_outcome kick_later_id(slotq *queue, uint8_t group, uint64_t id)
{
    (void)group;
    return slotq_kick_later(queue, id);
}

static bool are_ids(const command_line *line, int first)
{
    uint64_t id;
    for (int i = first; i < line->count; i++) {
        if (!parse_id(line->operands[i], &id)) {
            complain("%s: not an id (1042; of a sharded queue 3-1042); nothing was changed",
                     line->operands[i]);
            return false;
        }
    }
    return true;
}

static void explain(uint64_t id, slotq_outcome outcome, bool is_scheduled)
{
    if (is_scheduled) {
        complain("no scheduled message %s: it was due or cancelled, or never there; later ls lists "
                 "them",
                 id_text(id).text);
    } else if (outcome == SLOTQ_LEASED) {
        complain("%s: %s; nack ends the lease", id_text(id).text, slotq_outcome_text(outcome));
    } else if (outcome == SLOTQ_DEADFULL) {
        complain("%s: its attempts are used up, and it waits for room in the dead section; dead "
                 "redrive, remove or purge make room",
                 id_text(id).text);
    } else {
        complain("%s: %s", id_text(id).text, slotq_outcome_text(outcome));
    }
}

/* The operands from first on, one call each; the exit code of the worst. */
static int each_id(const command_line *line, const char *name, slotq *queue, int first, on_id *act)
{
    int code = EXIT_CODE_OK;
    for (int i = first; i < line->count; i++) {
        uint64_t id = 0;
        parse_id(line->operands[i], &id);
        const slotq_outcome outcome = act(queue, option_group(line), id);
        if (given(line, OPTION_JSON)) {
            output_done(NULL);
            output_json(json_pack("{s:o, s:s}", first == FIRST_ID ? "later_id" : "id",
                                  output_json_id(id), "outcome", slotq_outcome_name(outcome)));
        }
        if (outcome == SLOTQ_NOTFOUND || outcome == SLOTQ_GONE || outcome == SLOTQ_LEASED ||
            outcome == SLOTQ_DEADFULL) {
            explain(id, outcome, first == FIRST_ID);
            code = worse_exit(code, slotq_outcome_exit(outcome));
        } else if (outcome != SLOTQ_OK) {
            return worse_exit(code, complain_queue(queue, name));
        }
    }
    return code;
}

static int judge_line(const command_line *line, const char *what)
{
    const bool lists = strcmp(what, "ls") == 0;
    if (lists && line->count > FIRST_ID) {
        complain("later ls lists the soonest: it does not take ids");
    } else if (!lists && line->count == FIRST_ID) {
        complain("later %s needs the ids that push printed; later ls lists them", what);
    } else if (!lists && (given(line, OPTION_NUMBER) || given(line, OPTION_NUL))) {
        complain("-n and -0 are for later ls");
    } else {
        return are_ids(line, FIRST_ID) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    return EXIT_CODE_USAGE;
}

int run_later(const command_line *line)
{
    static const struct {
        const char *what;
        on_id *act; /* NULL: it lists */
    } all[] = {{"ls", NULL}, {"cancel", cancel_id}, {"kick", kick_later_id}};
    const char *what = line->operands[0];
    const char *name = line->operands[1];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(what, all[i].what) != 0) {
            continue;
        }
        slotq *queue = NULL;
        int code = judge_line(line, what);
        if (code == EXIT_CODE_OK) {
            code = all[i].act == NULL ? open_to_look(line, name, &queue)
                                      : open_queue(line, name, &queue);
        }
        if (code == EXIT_CODE_OK) {
            code = all[i].act == NULL ? list_later(line, name, queue)
                                      : each_id(line, name, queue, FIRST_ID, all[i].act);
        }
        slotq_close(queue);
        return output_finish(code);
    }
    complain("later %s: must be ls, cancel or kick, then the queue", what);
    return EXIT_CODE_USAGE;
}

int run_kick(const command_line *line)
{
    slotq *queue = NULL;
    if (!are_ids(line, 1)) {
        return EXIT_CODE_USAGE;
    }
    int code = open_queue(line, line->operands[0], &queue);
    if (code == EXIT_CODE_OK) {
        code = each_id(line, line->operands[0], queue, 1, slotq_kick);
    }
    slotq_close(queue);
    return code;
}
