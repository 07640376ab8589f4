/* commands.h: the table of commands and options as the rest of the tool sees it. Knows names and
 * kinds, not what a command does.
 */
#ifndef SLOTQ_TOOLS_LINE_COMMANDS_H
#define SLOTQ_TOOLS_LINE_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* (2^23 - 1) ticks of the longest tick; the queue's own tick may allow less. */
#define TIME_MOST_MS (UINT64_C(8388607) * 60000)

typedef enum option_id {
#define TOOL_OPTION(identifier, name, letter, kind, least, most, value, help) OPTION_##identifier,
#include "options.def"
#undef TOOL_OPTION
    OPTION_COUNT
} option_id;

typedef enum option_kind {
    KIND_FLAG,
    KIND_TEXT,
    KIND_TEXTS,
    KIND_COUNT,
    KIND_BYTES,
    KIND_TIME,
    KIND_TIMES,
    KIND_ID
} option_kind;

typedef struct option_entry {
    const char *name;
    char letter; /* 0 = none */
    option_kind kind;
    uint64_t least;
    uint64_t most;
    const char *value_word;
    const char *help;
} option_entry;

extern const option_entry option_table[OPTION_COUNT];

struct command_line;

typedef struct command_entry {
    const char *name;
    const char *operands;
    int least;
    int most;
    const char *summary;
    const char *text;
    int (*run)(const struct command_line *line); /* answers the exit code */
} command_entry;

enum { COMMAND_OPERANDS_MANY = 1 << 30 };

extern const command_entry command_table[];
extern const int command_count;

/* Common options included. `command` is an entry of command_table. */
bool command_takes(const command_entry *command, int option);
bool option_is_common(int option);

/* What the option's help says under this command. */
const char *command_option_help(const command_entry *command, option_id option);

/* NULL when there is none of this name. */
const command_entry *command_find(const char *name);

#define TOOL_COMMAND(identifier, name, operands, least, most, options, summary, text)              \
    int run_##identifier(const struct command_line *line);
#include "commands.def"
#undef TOOL_COMMAND

#endif
