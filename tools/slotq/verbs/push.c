/* push.c: the command push: messages from the command line, or records of stdin, gathered into
 * batches as large as they can be without keeping a delivered record waiting.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../line/command_line.h"
#include "keyed.h"
#include "pusher.h"
#include "../say/output.h"
#include "../say/records.h"
#include "../say/report.h"

enum { READ_BYTES = 64 * 1024 };

static int push_operands(pusher *push)
{
    const command_line *line = push->line;
    for (int i = 1; i < line->count; i++) {
        const int code = pusher_judge_size(push, "DATA", (uint64_t)i, strlen(line->operands[i]));
        if (code != EXIT_CODE_OK) {
            complain("nothing was %s", push->scheduler != NULL ? "scheduled" : "pushed");
            return code;
        }
    }
    push->print_ids = true;
    slotq_outcome outcome = SLOTQ_OK;
    for (int i = 1; i < line->count && outcome == SLOTQ_OK; i++) {
        outcome = pusher_add(push, line->operands[i], strlen(line->operands[i]));
    }
    outcome = outcome == SLOTQ_OK ? pusher_flush(push) : outcome;
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : pusher_complain(push, outcome, "DATA");
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
    if (pusher_count(push) == 0) {
        return EXIT_CODE_OK;
    }
    const slotq_outcome outcome = pusher_flush(push);
    if (in->total_bytes != 0) {
        progress_show("pushed", in->read_bytes, in->total_bytes);
    } else {
        progress_show("messages pushed", push->pushed, 0);
    }
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : pusher_complain(push, outcome, "record");
}

/* Take all the records out of what was read. */
static int take_records(intake *in)
{
    pusher *push = in->push;
    record next;
    record_answer answer;
    while ((answer = record_reader_next(&in->reader, &next)) == RECORD_READY) {
        const slotq_outcome outcome = pusher_add(push, next.bytes, next.size);
        if (outcome != SLOTQ_OK) {
            return pusher_complain(push, outcome, "record");
        }
    }
    if (answer == RECORD_TOO_LONG) {
        const int code = flush(in);
        return code != EXIT_CODE_OK ? code
                                    : pusher_judge_size(push, "record", next.number, next.size);
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
    } else if (errno == EAGAIN) { /* another process made stdin non-blocking */
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
        code = pusher_complain(in->push, SLOTQ_OK, "record");
    }
    return code;
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
            remark("each line is a message; Ctrl-D ends");
        }
        if (fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
            in.total_bytes = (uint64_t)status.st_size;
        }
        record_reader_start(&in.reader, mode, pusher_room(push), in.part);
        code = push_records(&in);
        pusher_summarise(push);
    }
    free(in.part);
    free(in.input);
    return code;
}

/* Options that fit together with a due time. */
static bool judge_due(const command_line *line)
{
    const bool has_due = given(line, OPTION_IN) || given(line, OPTION_AT);
    if (given(line, OPTION_IN) && given(line, OPTION_AT)) {
        complain("give --in or --at, not both");
    } else if (has_due && given(line, OPTION_BLOCK)) {
        complain("--block is for messages that are pushed now, not with --in or --at");
    } else {
        return true;
    }
    return false;
}

int run_push(const command_line *line)
{
    const bool from_stdin = line->count == 1 || (line->count == 2 && line->dashed > 1 &&
                                                 strcmp(line->operands[1], "-") == 0);
    if (!from_stdin && (given(line, OPTION_NUL) || given(line, OPTION_WHOLE))) {
        complain("-0 and --whole are for stdin; each DATA is one message");
        return EXIT_CODE_USAGE;
    }
    if (given(line, OPTION_NUL) && given(line, OPTION_WHOLE)) {
        complain("give -0 or --whole, not both");
        return EXIT_CODE_USAGE;
    }
    if (!judge_due(line)) {
        return EXIT_CODE_USAGE;
    }
    if (given(line, OPTION_KEY)) {
        return push_keyed(line, from_stdin);
    }
    if (given(line, OPTION_ONCE)) {
        complain("--once is about the key of a message: give --key KEY");
        return EXIT_CODE_USAGE;
    }
    pusher push;
    int code = pusher_open(&push, line);
    if (code == EXIT_CODE_OK) {
        report_catch_signals();
        code = from_stdin ? push_stdin(&push) : push_operands(&push);
        if (push.scheduler != NULL && push.pushed > 0) {
            pusher_tell_due(&push);
        }
        if (push.unconfirmed != 0) {
            code = worse_exit(code, slotq_outcome_exit(SLOTQ_UNCONFIRMED));
        }
        if (push.gone != 0) {
            code = worse_exit(code, slotq_outcome_exit(SLOTQ_REMADE));
        }
    }
    pusher_close(&push);
    return output_finish(code);
}
