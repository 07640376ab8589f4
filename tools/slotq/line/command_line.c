/* command_line.c: reads the command line by the tables (command_line.h).
 */
#include "command_line.h"

#include <stdlib.h>
#include <string.h>

#include "../say/report.h"
#include "slotq.h"
#include "suggest.h"
#include "values.h"
#include "../say/texts.h"

static const option_entry *entry_of(int option)
{
    return &option_table[option];
}

/* The option of this long name, whose text may go on with "=value". -1 = none. */
static int find_long(const char *text, const char **value)
{
    const size_t length = strcspn(text, "=");
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(entry_of(i)->name, text, length) == 0 && entry_of(i)->name[length] == '\0') {
            *value = text[length] == '=' ? text + length + 1 : NULL;
            return i;
        }
    }
    return -1;
}

static int find_letter(char letter)
{
    for (int i = 0; letter != 0 && i < OPTION_COUNT; i++) {
        if (entry_of(i)->letter == letter) {
            return i;
        }
    }
    return -1;
}

/* Of reserve, whose messages are one call's. */
static uint64_t most_of(const command_line *line, int option)
{
    const bool is_reserve = line->command != NULL && strcmp(line->command->name, "reserve") == 0;
    return option == OPTION_NUMBER && is_reserve ? SLOTQ_CALL_MESSAGES_MAX : entry_of(option)->most;
}

static int complain_value(const command_line *line, int option, const char *text)
{
    const option_entry *entry = entry_of(option);
    switch (entry->kind) {
    case KIND_COUNT:
    case KIND_BYTES:
        complain("--%s %s: must be a number%s, %s to %s", entry->name, text,
                 entry->kind == KIND_BYTES ? " of bytes (k: 1,024)" : "",
                 count_text(entry->least).text, count_text(most_of(line, option)).text);
        break;
    case KIND_ID:
        complain("--%s %s: not an id (1042; of a sharded queue 3-1042)", entry->name, text);
        break;
    case KIND_TIMES:
        complain("--%s %s: not a time or a range of times, shorter one first (such as 5s, "
                 "500ms..1m)",
                 entry->name, text);
        break;
    default:
        complain("--%s %s: must be a number with a unit (500ms, 30s, 5m, 2h, 1d), %s to %s",
                 entry->name, text, time_text(entry->least).text, time_text(entry->most).text);
        break;
    }
    return EXIT_CODE_USAGE;
}

/* Read an option's value by its kind and keep it. */
static int keep_value(command_line *line, int option, const char *text)
{
    const option_entry *entry = entry_of(option);
    option_value *value = &line->options[option];
    bool good = true;
    if (entry->kind == KIND_TEXTS) {
        line->texts[line->text_count++] = text;
    } else if (value->given && entry->kind != KIND_FLAG) {
        complain("--%s is given twice; give it once", entry->name);
        return EXIT_CODE_USAGE;
    }
    value->given = true;
    value->text = text;
    switch (entry->kind) {
    case KIND_FLAG:
    case KIND_TEXT:
    case KIND_TEXTS:
        return EXIT_CODE_OK;
    case KIND_COUNT:
        good = parse_count(text, &value->number);
        break;
    case KIND_BYTES:
        good = parse_bytes(text, &value->number);
        break;
    case KIND_TIME:
        good = parse_time(text, &value->number);
        break;
    case KIND_TIMES:
        good = parse_times(text, &value->number, &value->number_most) &&
               value->number_most <= entry->most;
        break;
    case KIND_ID:
        return parse_id(text, &value->number) ? EXIT_CODE_OK : complain_value(line, option, text);
    }
    good = good && value->number >= entry->least && value->number <= entry->most;
    return good ? EXIT_CODE_OK : complain_value(line, option, text);
}

static int complain_unknown(const command_line *line, const char *text, char letter)
{
    const char *command = line->command != NULL ? line->command->name : "COMMAND";
    if (letter != 0) {
        complain("unknown option -%c in %s; slotq help %s lists the options; put -- before data "
                 "or a command that begins with a dash",
                 letter, text, command);
    } else {
        complain("unknown option %.*s; slotq help %s lists the options; put -- before data or a "
                 "command that begins with a dash",
                 (int)strcspn(text, "="), text, command);
    }
    return EXIT_CODE_USAGE;
}

/* The value that must follow argv[*at], which is moved on. */
static int keep_next(command_line *line, int option, int argc, char **argv, int *at)
{
    if (*at + 1 >= argc) {
        complain("--%s needs a value: --%s %s", entry_of(option)->name, entry_of(option)->name,
                 entry_of(option)->value_word);
        return EXIT_CODE_USAGE;
    }
    return keep_value(line, option, argv[++*at]);
}

static int read_long(command_line *line, int argc, char **argv, int *at)
{
    const char *value;
    if (strcmp(argv[*at], "--version") == 0) {
        line->command = command_find("version");
        return EXIT_CODE_OK;
    }
    const int option = find_long(argv[*at] + 2, &value);
    if (option < 0) {
        return complain_unknown(line, argv[*at], 0);
    }
    if (entry_of(option)->kind == KIND_FLAG) {
        if (value != NULL) {
            complain("--%s does not take a value", entry_of(option)->name);
            return EXIT_CODE_USAGE;
        }
        return keep_value(line, option, "");
    }
    return value != NULL ? keep_value(line, option, value)
                         : keep_next(line, option, argc, argv, at);
}

/* -q, -qv, -n5, -n 5. */
static int read_letters(command_line *line, int argc, char **argv, int *at)
{
    const char *text = argv[*at];
    for (const char *letter = text + 1; *letter != '\0'; letter++) {
        const int option = find_letter(*letter);
        if (option < 0) {
            return complain_unknown(line, text, *letter);
        }
        if (entry_of(option)->kind != KIND_FLAG) {
            return letter[1] != '\0' ? keep_value(line, option, letter + 1)
                                     : keep_next(line, option, argc, argv, at);
        }
        keep_value(line, option, "");
    }
    return EXIT_CODE_OK;
}

/* A queue in Redis may be named jobs:mail. */
static bool is_url(const char *text)
{
    return strstr(text, ":/") != NULL && slotq_url_kind(text) != SLOTQ_PLACE_FOLDER;
}

int complain_command(const char *word)
{
    const char *near = suggest_command(word);
    if (is_url(word)) {
        complain("unknown command %s; a URL comes after -u", shown_url(word).text);
    } else if (near != NULL) {
        complain("unknown command %s; did you mean %s? slotq help lists the commands",
                 shown_url(word).text, near);
    } else {
        complain("unknown command %s; slotq help lists the commands", shown_url(word).text);
    }
    return EXIT_CODE_USAGE;
}

/* Operands from *first to *end name queues; none where the command has no QUEUE. */
static void queues_of(const command_line *line, int *first, int *end)
{
    const char *operands = line->command->operands;
    const char *found = strstr(operands, "QUEUE");
    *first = 0;
    *end = 0;
    if (found == NULL) {
        return;
    }
    for (const char *at = operands; at < found; at++) {
        *first += *at == ' ';
    }
    *end = strncmp(found, "QUEUE...", strlen("QUEUE...")) == 0 ? line->count : *first + 1;
    *end = *end < line->count ? *end : line->count;
}

/* A URL where a queue is to be named: a password in it would be shown as the queue's name. */
static int judge_queues(const command_line *line)
{
    int first;
    int end;
    queues_of(line, &first, &end);
    for (int i = first; i < end; i++) {
        if (is_url(line->operands[i])) {
            complain("%s is a URL, not the name of a queue: slotq -u URL %s QUEUE",
                     shown_url(line->operands[i]).text, line->command->name);
            return EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_OK;
}

static int read_operand(command_line *line, char *text, bool dashed)
{
    if (line->command == NULL) {
        line->command = command_find(text);
        if (line->command == NULL) {
            return complain_command(text);
        }
        return EXIT_CODE_OK;
    }
    if (dashed && line->dashed > line->count) {
        line->dashed = line->count;
    }
    line->operands[line->count++] = text;
    return EXIT_CODE_OK;
}

/* What is often given as an operand, and where it belongs. */
static const char *operand_hint(const command_line *line)
{
    static const struct {
        const char *command;
        bool too_many;
        const char *hint;
    } hints[] = {
        {"export", true, "; the bytes go to stdout: slotq export QUEUE > FILE"},
        {"import", true, "; the bytes come from stdin: slotq import QUEUE < FILE"},
        {"copy", false, "; URL2 is a folder, or redis://HOST: slotq copy QUEUE /other/folder"},
        {"copy", true, "; URL2 is where the copy goes, QUEUE2 its name there"}};
    const bool too_many = line->count > line->command->most;
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (too_many == hints[i].too_many && strcmp(line->command->name, hints[i].command) == 0) {
            return hints[i].hint;
        }
    }
    return "";
}

static int judge(const command_line *line)
{
    const command_entry *command = line->command;
    if (command == NULL || given(line, OPTION_HELP)) {
        return EXIT_CODE_OK;
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (line->options[i].given && !command_takes(command, i)) {
            complain("%s does not take --%s; slotq help %s lists its options", command->name,
                     entry_of(i)->name, command->name);
            return EXIT_CODE_USAGE;
        }
    }
    if (line->count < command->least || line->count > command->most) {
        complain("too %s operands: slotq %s%s%s%s", line->count < command->least ? "few" : "many",
                 command->name, command->operands[0] != '\0' ? " " : "", command->operands,
                 operand_hint(line));
        return EXIT_CODE_USAGE;
    }
    return judge_queues(line);
}

int command_line_read(command_line *line, int argc, char **argv)
{
    memset(line, 0, sizeof *line);
    line->operands = calloc((size_t)argc + 1, sizeof *line->operands);
    line->texts = calloc((size_t)argc + 1, sizeof *line->texts);
    if (line->operands == NULL || line->texts == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    line->dashed = COMMAND_OPERANDS_MANY;
    bool dashed = false;
    int answer = EXIT_CODE_OK;
    for (int at = 1; at < argc && answer == EXIT_CODE_OK; at++) {
        char *text = argv[at];
        if (dashed || text[0] != '-' || text[1] == '\0') {
            answer = read_operand(line, text, dashed);
        } else if (strcmp(text, "--") == 0) {
            dashed = true;
        } else if (text[1] == '-') {
            answer = read_long(line, argc, argv, &at);
        } else {
            answer = read_letters(line, argc, argv, &at);
        }
    }
    if (answer != EXIT_CODE_OK) {
        return answer;
    }
    const char *from_environment = getenv("SLOTQ_URL");
    line->url = given(line, OPTION_URL) ? line->options[OPTION_URL].text
                : from_environment != NULL && from_environment[0] != '\0' ? from_environment
                                                                          : ".";
    return judge(line);
}
