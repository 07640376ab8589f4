/* command_line.h: a command line, read and judged by the tables: which command, its options in any
 * order, its operands. Knows no queue.
 */
#ifndef SLOTQ_TOOLS_LINE_COMMAND_LINE_H
#define SLOTQ_TOOLS_LINE_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "commands.h"

typedef struct option_value {
    bool given;
    const char *text;
    uint64_t number;      /* COUNT, BYTES, TIME in ms, ID, TIMES the least */
    uint64_t number_most; /* TIMES */
} option_value;

typedef struct command_line {
    const command_entry *command; /* NULL: none was named */
    const char *url;
    option_value options[OPTION_COUNT];
    int count; /* operands after the command's name */
    char **operands;
    const char **texts; /* values of the option that may be given again, in their order */
    int text_count;
    int dashed; /* operands from this index on came after "--" */
} command_line;

/* Read argv; operands and texts live as long as the process. Answers
 * EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
int command_line_read(command_line *line, int argc, char **argv);

/* Say that there is no such command, and which was meant. EXIT_CODE_USAGE. */
int complain_command(const char *word);

static inline bool given(const command_line *line, option_id option)
{
    return line->options[option].given;
}

/* The option's number, or otherwise when it was not given. */
static inline uint64_t option_number(const command_line *line, option_id option, uint64_t otherwise)
{
    return line->options[option].given ? line->options[option].number : otherwise;
}

static inline uint8_t option_group(const command_line *line)
{
    return (uint8_t)option_number(line, OPTION_GROUP, 0);
}

#endif
