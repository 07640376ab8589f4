/* push.c: the command push: messages from the command line, or records of stdin in batches that
 * are as large as they can be without keeping a delivered record waiting.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_line.h"
#include "open.h"
#include "output.h"
#include "records.h"
#include "report.h"
#include "values.h"

enum { READ_BYTES = 64 * 1024, BLOCK_MS = 24 * 60 * 60 * 1000 };

/* Messages on their way into one queue. */
typedef struct pusher {
    const command_line *line;
    const char *name;
    slotq *queue;
    const slotq_geometry *geometry;
    slotq_data *messages; /* the batch */
    uint32_t count;
    uint32_t most_count; /* what one call takes */
    uint8_t *arena;      /* payloads of the batch, when they must be copied */
    size_t arena_used;
    uint64_t pushed;
    uint64_t first_id;
    uint64_t last_id;
    uint32_t doubtful;    /* behind those, the ones whose answer was lost */
    uint64_t unconfirmed; /* of those, the ones that too few replicas have */
    bool print_ids;
} pusher;

static int pusher_open(pusher *push, const command_line *line)
{
    memset(push, 0, sizeof *push);
    push->line = line;
    push->name = line->operands[0];
    const int code = open_queue(line, push->name, &push->queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    push->geometry = slotq_geometry_of(push->queue);
    push->most_count = push->geometry->ring_slots - 1u;
    if (push->most_count > SLOTQ_CALL_MESSAGES_MAX) {
        push->most_count = SLOTQ_CALL_MESSAGES_MAX;
    }
    push->messages = calloc(push->most_count, sizeof *push->messages);
    push->arena = malloc(SLOTQ_CALL_BYTES_MAX);
    if (push->messages == NULL || push->arena == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

static void pusher_close(pusher *push)
{
    free(push->messages);
    free(push->arena);
    slotq_close(push->queue);
}

static void note_pushed(pusher *push, uint64_t first_id, uint32_t count)
{
    if (push->pushed == 0) {
        push->first_id = first_id;
    }
    push->pushed += count;
    push->last_id = first_id + count - 1;
    for (uint32_t i = 0; push->print_ids && i < count; i++) {
        if (given(push->line, OPTION_JSON)) {
            output_json(json_pack("{s:I}", "id", (json_int_t)(first_id + i)));
        } else {
            printf("%" PRIu64 "\n", first_id + i);
        }
    }
}

/* What replicas were asked for: said of the first that has too few, counted of all. */
static void note_unconfirmed(pusher *push, slotq_outcome outcome, uint32_t count)
{
    if (outcome == SLOTQ_UNCONFIRMED) {
        if (push->unconfirmed == 0) {
            complain_queue(push->queue, push->name);
        }
        push->unconfirmed += count;
    }
}

/* How many of count messages there is room for now, as far as one can know. */
static uint32_t room_for(pusher *push, uint32_t count)
{
    slotq_stats stats;
    if (slotq_get_stats(push->queue, 0, &stats) != SLOTQ_OK || stats.used >= stats.capacity) {
        return 1;
    }
    const uint32_t room = stats.capacity - stats.used;
    return room < count ? room : count;
}

/* Push the batch, in parts when it does not fit whole, waiting under --block. */
static slotq_outcome push_batch(pusher *push)
{
    uint32_t done = 0;
    uint32_t part = push->count;
    bool told_full = false;
    slotq_outcome outcome = SLOTQ_OK;
    while (done < push->count && report_signal() == 0) {
        const uint64_t wait_ms = told_full && part == 1 ? BLOCK_MS : 0;
        uint64_t first_id;
        outcome = slotq_push_wait(push->queue, push->messages + done, part, wait_ms, &first_id);
        if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
            note_unconfirmed(push, outcome, part);
            outcome = SLOTQ_OK; /* they are in the queue */
            note_pushed(push, first_id, part);
            done += part;
            part = push->count - done;
        } else if (outcome == SLOTQ_FULL && part > 1) {
            const uint32_t room = room_for(push, part);
            part = room < part ? room : part / 2; /* others push too: never try the same again */
        } else if (outcome == SLOTQ_FULL && given(push->line, OPTION_BLOCK)) {
            progress_show("messages in; the queue is full, waiting for room", push->pushed, 0);
            told_full = true;
        } else {
            push->doubtful = outcome == SLOTQ_OUTCOME_UNKNOWN ? part : 0;
            break;
        }
    }
    memmove(push->messages, push->messages + done, (push->count - done) * sizeof *push->messages);
    push->count -= done;
    push->arena_used = push->count == 0 ? 0 : push->arena_used;
    return outcome;
}

/* Why it stopped before the end; what names the message that did not go in. */
static int complain_stopped(pusher *push, slotq_outcome outcome, const char *what)
{
    progress_end();
    if (report_signal() != 0) {
        complain("interrupted at %s %" PRIu64 "; %s went in", what, push->pushed + 1,
                 count_text(push->pushed).text);
        return report_interrupted();
    }
    const int code = complain_queue(push->queue, push->name);
    if (outcome == SLOTQ_OUTCOME_UNKNOWN) {
        complain("%s %" PRIu64 " to %" PRIu64 ": whether they went in is not known; %s before them "
                 "went in, none behind them; %s tells the newest id",
                 what, push->pushed + 1, push->pushed + push->doubtful,
                 count_text(push->pushed).text,
                 shown_command(push->line, "stats", push->name).text);
        return code;
    }
    if (push->print_ids && push->line->count == 2) { /* one DATA: nothing to tell apart */
        return code;
    }
    complain("%s %" PRIu64 " and what follows did not go in; %s went in%s", what, push->pushed + 1,
             count_text(push->pushed).text,
             outcome == SLOTQ_FULL ? "; --block waits for room" : "");
    return code;
}

static int judge_size(const pusher *push, const char *what, uint64_t number, size_t size)
{
    if (size <= push->geometry->payload_bytes) {
        return EXIT_CODE_OK;
    }
    progress_end();
    complain("%s %" PRIu64 " has %s bytes, and %s takes at most %s in a message (fixed when it "
             "was made: --payload)",
             what, number, count_text(size).text, push->name,
             count_text(push->geometry->payload_bytes).text);
    return EXIT_CODE_USAGE;
}

static int push_operands(pusher *push)
{
    const command_line *line = push->line;
    for (int i = 1; i < line->count; i++) {
        const int code = judge_size(push, "DATA", (uint64_t)i, strlen(line->operands[i]));
        if (code != EXIT_CODE_OK) {
            complain("nothing was pushed");
            return code;
        }
    }
    push->print_ids = true;
    size_t bytes = 0;
    for (int i = 1; i < line->count; i++) {
        const slotq_data data = {line->operands[i], (uint32_t)strlen(line->operands[i])};
        push->messages[push->count++] = data;
        bytes += data.size;
        const bool last = i + 1 == line->count;
        const size_t next = last ? 0 : strlen(line->operands[i + 1]);
        if (last || push->count == push->most_count || bytes + next > SLOTQ_CALL_BYTES_MAX) {
            const slotq_outcome outcome = push_batch(push);
            if (outcome != SLOTQ_OK || push->count != 0) {
                return complain_stopped(push, outcome, "DATA");
            }
            bytes = 0;
        }
    }
    return EXIT_CODE_OK;
}

/* Records of stdin on their way into the queue. */
typedef struct intake {
    pusher *push;
    record_reader reader;
    uint8_t *part;
    uint8_t *input;
    uint64_t read_bytes;
    uint64_t total_bytes; /* 0 = not known */
} intake;

static int flush(intake *in)
{
    pusher *push = in->push;
    if (push->count == 0) {
        return EXIT_CODE_OK;
    }
    const slotq_outcome outcome = push_batch(push);
    if (in->total_bytes != 0) {
        progress_show("pushed", in->read_bytes, in->total_bytes);
    } else {
        progress_show("messages pushed", push->pushed, 0);
    }
    return outcome == SLOTQ_OK && push->count == 0 ? EXIT_CODE_OK
                                                   : complain_stopped(push, outcome, "record");
}

/* Take all the records out of what was read. */
static int take_records(intake *in)
{
    pusher *push = in->push;
    record next;
    record_answer answer;
    while ((answer = record_reader_next(&in->reader, &next)) == RECORD_READY) {
        if (push->count == push->most_count ||
            push->arena_used + next.size > SLOTQ_CALL_BYTES_MAX) {
            const int code = flush(in);
            if (code != EXIT_CODE_OK) {
                return code;
            }
        }
        uint8_t *copy = push->arena + push->arena_used;
        if (next.size != 0) {
            memcpy(copy, next.bytes, next.size);
        }
        push->messages[push->count++] = (slotq_data){copy, (uint32_t)next.size};
        push->arena_used += next.size;
    }
    if (answer == RECORD_TOO_LONG) {
        const int code = flush(in);
        return code != EXIT_CODE_OK ? code : judge_size(push, "record", next.number, next.size);
    }
    return EXIT_CODE_OK;
}

/* Nothing to read just now: what is here must not wait for what is not. */
static bool would_block(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) == 0;
}

static int read_more(intake *in, bool *ended)
{
    int code = EXIT_CODE_OK;
    if (would_block()) {
        code = flush(in);
    }
    if (code != EXIT_CODE_OK || report_signal() != 0) {
        return code;
    }
    const ssize_t got = read(STDIN_FILENO, in->input, READ_BYTES);
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        const char *why = strerror(errno);
        code = flush(in);
        complain("cannot read stdin: %s", why);
        return worse_exit(code, EXIT_CODE_FAILURE);
    }
    *ended = got == 0;
    if (got > 0) {
        in->read_bytes += (uint64_t)got;
        record_reader_feed(&in->reader, in->input, (size_t)got);
    } else if (got == 0) {
        record_reader_finish(&in->reader);
    } else if (errno == EAGAIN) { /* somebody made stdin non-blocking */
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        poll(&input, 1, -1);
    }
    return EXIT_CODE_OK;
}

static int push_records(intake *in)
{
    int code = EXIT_CODE_OK;
    bool ended = false;
    while (code == EXIT_CODE_OK && !ended && report_signal() == 0) {
        code = read_more(in, &ended);
        if (code == EXIT_CODE_OK && report_signal() == 0) {
            code = take_records(in);
        }
    }
    if (code == EXIT_CODE_OK && report_signal() == 0) {
        code = flush(in);
    }
    if (code == EXIT_CODE_OK && report_signal() != 0) {
        code = complain_stopped(in->push, SLOTQ_OK, "record");
    }
    return code;
}

static void summarise(const pusher *push)
{
    progress_end();
    if (given(push->line, OPTION_JSON)) {
        output_json(json_pack("{s:I, s:I, s:I}", "pushed", (json_int_t)push->pushed, "first_id",
                              (json_int_t)push->first_id, "last_id", (json_int_t)push->last_id));
    } else if (push->pushed == 1) {
        remark("%s: 1 message pushed, id %" PRIu64, push->name, push->first_id);
    } else if (push->pushed != 0) {
        remark("%s: %s messages pushed, ids %" PRIu64 " to %" PRIu64, push->name,
               count_text(push->pushed).text, push->first_id, push->last_id);
    } else {
        remark("%s: no message pushed", push->name);
    }
}

static int push_stdin(pusher *push)
{
    const record_mode mode = given(push->line, OPTION_WHOLE) ? RECORD_WHOLE
                             : given(push->line, OPTION_NUL) ? RECORD_NULS
                                                             : RECORD_LINES;
    intake in = {.push = push};
    struct stat status;
    in.part = malloc(push->geometry->payload_bytes);
    in.input = malloc(READ_BYTES);
    int code = EXIT_CODE_FAILURE;
    if (in.part == NULL || in.input == NULL) {
        complain("out of memory");
    } else {
        if (isatty(STDIN_FILENO)) {
            remark("a line a message; Ctrl-D ends");
        }
        if (fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
            in.total_bytes = (uint64_t)status.st_size;
        }
        record_reader_start(&in.reader, mode, push->geometry->payload_bytes, in.part);
        code = push_records(&in);
        summarise(push);
    }
    free(in.part);
    free(in.input);
    return code;
}

int run_push(const command_line *line)
{
    const bool from_stdin = line->count == 1 || (line->count == 2 && line->dashed > 1 &&
                                                 strcmp(line->operands[1], "-") == 0);
    if (!from_stdin && (given(line, OPTION_NUL) || given(line, OPTION_WHOLE))) {
        complain("-0 and --whole are about stdin; DATA is one message each");
        return EXIT_CODE_USAGE;
    }
    if (given(line, OPTION_NUL) && given(line, OPTION_WHOLE)) {
        complain("-0 and --whole exclude each other");
        return EXIT_CODE_USAGE;
    }
    pusher push;
    int code = pusher_open(&push, line);
    if (code == EXIT_CODE_OK) {
        report_catch_signals();
        code = from_stdin ? push_stdin(&push) : push_operands(&push);
        if (push.unconfirmed != 0) {
            code = worse_exit(code, slotq_outcome_exit(SLOTQ_UNCONFIRMED));
        }
    }
    pusher_close(&push);
    return output_finish(code);
}
