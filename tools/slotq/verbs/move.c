/* move.c: the command move, and dead redrive --to: messages that go to another queue, which may be
 * in another folder or on another server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../line/command_line.h"
#include "../line/values.h"
#include "dead.h"
#include "holder.h"
#include "open.h"
#include "sharded.h"
#include "settle.h"
#include "whole.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

enum { ROOM_FOR_REST = 352 }; /* a sentence that names a queue */

/* ---- the two queues ---- */

static const char *other_url(const command_line *line)
{
    return given(line, OPTION_TO_URL) ? line->options[OPTION_TO_URL].text : line->url;
}

/* The line for the queue at this URL. --sync is about the store that is a file, if one is, and
 * --replicas and --fsynced are about the queue that is pushed to. */
static command_line line_at(const command_line *line, const char *url)
{
    command_line here = *line;
    here.url = url;
    if (open_is_server(url) && open_is_server(line->url) != open_is_server(other_url(line))) {
        here.options[OPTION_SYNC].given = false;
    }
    return here;
}

int move_open(const command_line *line, const char *name, slotq **from)
{
    command_line here = line_at(line, line->url);
    here.options[OPTION_REPLICAS].given = false;
    here.options[OPTION_FSYNCED].given = false;
    return open_queue(&here, name, from);
}

/* The line for the other queue. */
static command_line line_there(const command_line *line)
{
    command_line there = line_at(line, other_url(line));
    if (given(line, OPTION_TO_URL)) {
        there.options[OPTION_URL].given = true; /* in commands that are shown */
    }
    return there;
}

/* The other queue; EXIT_CODE_OK, or another after a message. */
static int open_other(const command_line *line, const char *name, slotq **other)
{
    const command_line there = line_there(line);
    const int code = open_queue(&there, name, other);
    return code == EXIT_CODE_OK ? sharded_judge_push(&there, name, *other) : code;
}

/* The other queue refused a message, which is where it was: rest says where. */
static int complain_other(const command_line *line, const char *name, slotq *other,
                          const char *rest)
{
    const command_line there = line_there(line);
    const slotq_error why = *slotq_error_of(other);
    if (why.outcome == SLOTQ_FULL && complain_full(&there, name, other, rest)) {
        return slotq_outcome_exit(why.outcome);
    }
    complain("%s", rest);
    if (why.outcome >= SLOTQ_CORRUPT) {
        return complain_error(name, &why);
    }
    complain("%s: %s", name, why.text); /* the texts of outcomes name no queue */
    return slotq_outcome_exit(why.outcome);
}

/* As slotq_move tells it: by what is there, not by its names. A message that is too large for the
 * other queue is refused before any store is asked. */
static bool is_one_queue(slotq *from, slotq *to)
{
    static uint8_t bytes[SLOTQ_PAYLOAD_BYTES_MAX + 1];
    const slotq_data too_large = {bytes, slotq_geometry_of(to)->payload_bytes + 1u};
    return slotq_move(from, 0, 0, 0, to, &too_large, NULL) == SLOTQ_INVALID;
}

/* ---- move ---- */

/* A message that goes instead of the one that is there; bytes NULL: none does. */
typedef struct replacement {
    slotq_data data;
    uint8_t *read; /* to be freed */
} replacement;

static int read_replacement(const command_line *line, const slotq *to, replacement *instead)
{
    enum { DATA = 3 };
    if (line->count <= DATA) {
        return EXIT_CODE_OK;
    }
    const char *text = line->operands[DATA];
    const slotq_geometry *geometry = slotq_geometry_of(to);
    int code = EXIT_CODE_OK;
    if (line->dashed > DATA && strcmp(text, "-") == 0) {
        code = read_whole_stdin(geometry->payload_bytes, "nothing was moved", &instead->data,
                                &instead->read);
    } else {
        const size_t size = strlen(text); /* an argument may be as long as 32 bits cannot say */
        const size_t most = geometry->payload_bytes + (size_t)1;
        instead->data = (slotq_data){text, (uint32_t)(size < most ? size : most)};
    }
    if (code == EXIT_CODE_OK && instead->data.size > geometry->payload_bytes) {
        complain("the message has more than the %s bytes that %s takes (fixed by create "
                 "--payload); nothing was moved",
                 count_text(geometry->payload_bytes).text, line->operands[2]);
        code = EXIT_CODE_USAGE;
    }
    return code;
}

/* An outcome that is the message's own, as ack prints it; or it is in the other queue. */
static void print_outcome(const command_line *line, const slotq_run *run, slotq_outcome outcome,
                          uint64_t new_id)
{
    if (!given(line, OPTION_JSON) || (outcome > SLOTQ_DEADFULL && new_id == 0)) {
        return;
    }
    json_t *object = settled_json(run->id, run->token, outcome);
    if (object != NULL && new_id != 0) {
        json_object_set_new(object, "new_id", output_json_id(new_id));
    }
    output_json(object);
}

static void print_moved(const command_line *line, uint64_t id)
{
    output_done("the message was moved, and has the id %s in %s", id_text(id).text,
                line->operands[2]);
    if (id == 0) {
        remark("%s: it was moved before: a scheduled message has its key", line->operands[2]);
    } else if (!given(line, OPTION_JSON)) {
        puts(id_text(id).text);
    }
}

/* What the library says of a queue that it calls by this; NULL: not of that one. */
static const char *text_after(const char *text, const char *called)
{
    const size_t length = strlen(called);
    return strncmp(text, called, length) == 0 ? text + length : NULL;
}

/* Another outcome than those that have a text of their own: the library names no queue. */
static int complain_call(const command_line *line, slotq *from)
{
    const slotq_error *why = slotq_error_of(from);
    const char *there = text_after(why->text, "the queue to move to: ");
    const char *here = text_after(why->text, "the queue that the message is in: ");
    if (there != NULL || here != NULL) {
        complain("%s: %s", line->operands[there != NULL ? 2 : 0], there != NULL ? there : here);
        return slotq_outcome_exit(why->outcome);
    }
    return complain_error(line->operands[0], why);
}

/* new_id: it is in the other queue, and was not acked in this one. */
static int complain_move(const command_line *line, slotq *from, slotq *to, const slotq_run *run,
                         uint64_t new_id)
{
    const char *name = line->operands[0];
    const char *other = line->operands[2];
    const slotq_outcome outcome = slotq_error_of(from)->outcome;
    char rest[ROOM_FOR_REST];
    if (new_id != 0) {
        complain("message %s is in %s now, as %s, but was not acked in %s: %s",
                 id_text(run->id).text, other, id_text(new_id).text, name,
                 slotq_outcome_text(outcome));
        return slotq_outcome_exit(outcome);
    }
    switch (outcome) {
    case SLOTQ_STALE:
        complain("the token %" PRIu32 " of message %s in %s is no longer valid: its lease ended or "
                 "was settled; nothing was moved",
                 run->token, id_text(run->id).text, name);
        break;
    case SLOTQ_GONE:
        complain("message %s in %s is already finished; nothing was moved", id_text(run->id).text,
                 name);
        break;
    case SLOTQ_NOTFOUND:
        complain("no message %s was ever pushed to %s; nothing was moved", id_text(run->id).text,
                 name);
        break;
    case SLOTQ_FULL:
    case SLOTQ_PAUSED:
    case SLOTQ_CLOSED:
    case SLOTQ_TOOBIG:
        snprintf(rest, sizeof rest, "message %s was not moved, and is still leased in %s",
                 id_text(run->id).text, name);
        return complain_other(line, other, to, rest);
    default:
        return complain_call(line, from);
    }
    return slotq_outcome_exit(outcome);
}

/* EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
static int judge_other(const command_line *line, slotq *from, slotq *to)
{
    if (!is_one_queue(from, to)) {
        return EXIT_CODE_OK;
    }
    complain("%s is the queue that the message is in, or a copy of it: to have it delivered again "
             "there, release or nack it; nothing was moved",
             line->operands[2]);
    return EXIT_CODE_USAGE;
}

int run_move(const command_line *line)
{
    const char *name = line->operands[0];
    slotq_run run;
    slotq *from = NULL;
    slotq *to = NULL;
    replacement instead = {0};
    uint64_t id = 0;
    if (!parse_token(line->operands[1], &run)) {
        complain("%.60s: not an ID:TOKEN as reserve prints it; nothing was moved",
                 line->operands[1]);
        return EXIT_CODE_USAGE;
    }
    int code = move_open(line, name, &from);
    if (code == EXIT_CODE_OK) {
        code = open_other(line, line->operands[2], &to);
    }
    if (code == EXIT_CODE_OK) {
        code = judge_other(line, from, to);
    }
    if (code == EXIT_CODE_OK) {
        code = read_replacement(line, to, &instead);
    }
    if (code == EXIT_CODE_OK) {
        const slotq_data *data = instead.data.bytes != NULL ? &instead.data : NULL;
        const slotq_outcome outcome =
            slotq_move(from, option_group(line), run.id, run.token, to, data, &id);
        if (outcome == SLOTQ_OK) {
            print_moved(line, id);
        } else {
            code = complain_move(line, from, to, &run, id);
        }
        print_outcome(line, &run, outcome, id);
    }
    free(instead.read);
    slotq_close(to);
    slotq_close(from);
    return output_finish(code);
}

/* ---- dead redrive --to ---- */

/* Messages of one look at the dead section: a list that is at hand for long names what others that
 * do the same have moved meanwhile. */
enum { DEAD_LOOK_MESSAGES = 64 };

/* Dead messages on their way. */
typedef struct transfer {
    const command_line *line;
    const char *name;
    const char *other;
    slotq *from;
    slotq *to;
    slotq_batch *batch;
    dead_sum *sum;
    uint32_t damaged; /* since the place in the dead section where this walk began */
    uint32_t left;    /* that may still be redriven */
    bool has_keys;    /* the other queue */
    bool has_met;     /* another took a message of the list at hand */
} transfer;

/* With keys the one that pushed it reports it, else the one that removed it: several that run at
 * once report each message once. */
static void count_dead(transfer *it, const slotq_pushed *pushed, bool is_new, bool is_removed)
{
    it->has_met = !is_removed;
    if (!is_new) {
        it->sum->already++;
    } else if (!is_removed && !it->has_keys) {
        it->sum->taken++;
    } else {
        it->sum->ids[it->sum->count++] = pushed->first_id;
        it->left--;
    }
}

/* Push one, once if the other queue has keys, then remove it: a break between the two leaves it in
 * both. */
static int move_dead(transfer *it, const slotq_message *message)
{
    const uint64_t key = slotq_move_key(it->from, message->group, message);
    const slotq_push_options options = {.keys = it->has_keys ? &key : NULL,
                                        .key_mode = SLOTQ_KEY_ONCE};
    const slotq_data data = {message->payload, message->payload_bytes};
    slotq_pushed pushed;
    const slotq_outcome outcome = slotq_push_with(it->to, &data, 1, &options, &pushed);
    if (pushed.unconfirmed) {
        complain("message %s is in %s already, but too few replicas or disks have "
                 "confirmed that; it stays in the dead section of %s",
                 id_text(message->id).text, it->other, it->name);
        return slotq_outcome_exit(SLOTQ_UNCONFIRMED);
    }
    if (outcome != SLOTQ_OK && outcome != SLOTQ_DUPLICATE) {
        char rest[ROOM_FOR_REST];
        snprintf(rest, sizeof rest, "message %s stays in the dead section of %s",
                 id_text(message->id).text, it->name);
        return complain_other(it->line, it->other, it->to, rest);
    }
    const slotq_outcome removed = slotq_dead_remove(it->from, message->group, message->id, NULL);
    count_dead(it, &pushed, outcome == SLOTQ_OK, removed != SLOTQ_NOTFOUND);
    if (removed != SLOTQ_OK && removed != SLOTQ_NOTFOUND) {
        complain("message %s is in %s now, and also in the dead section of %s",
                 id_text(message->id).text, it->other, it->name);
        return complain_queue(it->from, it->name);
    }
    return EXIT_CODE_OK;
}

/* The messages of the batch, until another has taken one; damaged ones stay. */
static int move_batch(transfer *it)
{
    slotq_message message;
    int code = EXIT_CODE_OK;
    it->has_met = false;
    while (code == EXIT_CODE_OK && it->left > 0 && !it->has_met && report_signal() == 0 &&
           slotq_batch_next(it->batch, &message)) {
        if (message.damaged) {
            it->damaged++;
        } else {
            code = move_dead(it, &message);
        }
    }
    return code;
}

/* Another is at work here: begin anew at a place of the dead section that it is unlikely to choose,
 * or both would meet at each message. */
static uint32_t elsewhere(const transfer *it)
{
    slotq_stats stats;
    uint32_t chance = 0;
    if (slotq_get_stats(it->from, 0, &stats) != SLOTQ_OK || stats.dead == 0 ||
        getrandom(&chance, sizeof chance, GRND_NONBLOCK) != (ssize_t)sizeof chance) {
        return 0;
    }
    return chance % stats.dead;
}

/* The oldest, at most limit of those that are there now. A walk that began elsewhere goes on at the
 * oldest when it is at the end. */
static int move_oldest(transfer *it, uint32_t limit)
{
    slotq_stats stats;
    int code = EXIT_CODE_OK;
    uint32_t start = 0;
    bool is_over = false;
    if (slotq_get_stats(it->from, 0, &stats) != SLOTQ_OK) {
        return complain_queue(it->from, it->name);
    }
    it->left = limit == 0 || limit > stats.dead ? stats.dead : limit;
    while (code == EXIT_CODE_OK && !is_over && it->left > 0 && report_signal() == 0) {
        const uint32_t most = it->left < DEAD_LOOK_MESSAGES ? it->left : DEAD_LOOK_MESSAGES;
        const slotq_outcome outcome =
            slotq_dead_list(it->from, start + it->damaged, most, it->batch);
        if (outcome == SLOTQ_OK) {
            code = move_batch(it);
        } else if (outcome != SLOTQ_EMPTY) {
            code = complain_queue(it->from, it->name);
        }
        it->sum->damaged = it->damaged > it->sum->damaged ? it->damaged : it->sum->damaged;
        is_over = outcome == SLOTQ_EMPTY && start == 0;
        if (outcome == SLOTQ_EMPTY || it->has_met) {
            start = outcome == SLOTQ_EMPTY ? 0 : elsewhere(it);
            it->damaged = 0;
            it->has_met = false;
        }
    }
    return code;
}

/* The messages of one id, of several groups; looked for again where another took one of them. */
static int move_id(transfer *it, uint64_t id, int *worst)
{
    int code = EXIT_CODE_OK;
    bool is_known = false;
    do {
        it->damaged = 0;
        it->has_met = false;
        it->left = SLOTQ_GROUPS_MAX;
        const slotq_outcome outcome =
            slotq_dead_find(it->from, dead_group(it->line), id, it->batch);
        if (outcome == SLOTQ_OK) {
            is_known = true;
            code = move_batch(it);
        } else if (outcome != SLOTQ_EMPTY) {
            code = complain_queue(it->from, it->name);
        } else if (!is_known) {
            *worst = worse_exit(*worst, complain_not_dead(it->name, id));
        }
    } while (code == EXIT_CODE_OK && it->has_met && report_signal() == 0);
    it->sum->damaged += it->damaged;
    return code;
}

static int move_ids(transfer *it)
{
    int code = EXIT_CODE_OK;
    int worst = EXIT_CODE_OK;
    for (int i = DEAD_FIRST_ID; i < it->line->count && code == EXIT_CODE_OK; i++) {
        code = move_id(it, dead_id(it->line, i), &worst);
    }
    return worse_exit(code, worst);
}

int dead_move(const command_line *line, const char *name, slotq *queue, uint32_t limit,
              dead_sum *sum)
{
    const char *other = line->options[OPTION_TO].text;
    transfer it = {.line = line, .name = name, .other = other, .from = queue, .sum = sum};
    int code = open_other(line, other, &it.to);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    it.has_keys = (slotq_geometry_of(it.to)->flags & SLOTQ_FLAG_KEYS) != 0;
    it.batch = slotq_batch_new();
    if (is_one_queue(queue, it.to)) {
        complain("--to %s is the queue itself: without --to its dead messages are pushed there",
                 other);
        code = EXIT_CODE_USAGE;
    } else if (it.batch == NULL) {
        complain("out of memory");
        code = EXIT_CODE_FAILURE;
    } else {
        report_catch_signals(); /* a message that was pushed is removed before the end */
        code = line->count > DEAD_FIRST_ID ? move_ids(&it) : move_oldest(&it, limit);
        code = report_signal() != 0 ? worse_exit(code, report_interrupted()) : code;
    }
    slotq_batch_free(it.batch);
    slotq_close(it.to);
    return code;
}
