/* commands.c: the tables of commands and options, made of commands.def and options.def.
 */
#include "commands.h"

#include <stddef.h>
#include <string.h>

#define MANY COMMAND_OPERANDS_MANY
#define COMMON                                                                                     \
    (OPTION(URL) | OPTION(SYNC) | OPTION(FORCE) | OPTION(JSON) | OPTION(QUIET) | OPTION(HELP))

/* Options of a command: bits of two words. commands.def is read once for each word. */
enum { WORD_BITS = 64, WORD_COUNT = 2 };
_Static_assert(OPTION_COUNT <= WORD_BITS * WORD_COUNT, "a command's options are bits of two words");
#define BIT_OF_WORD(word, option)                                                                  \
    ((option) / WORD_BITS == (word) ? UINT64_C(1) << (option) % WORD_BITS : 0)

const option_entry option_table[OPTION_COUNT] = {
#define TOOL_OPTION(identifier, name, letter, kind, least, most, value, help)                      \
    {name, letter, KIND_##kind, least, most, value, help},
#include "options.def"
#undef TOOL_OPTION
};

const command_entry command_table[] = {
#define TOOL_COMMAND(identifier, name, operands, least, most, options, summary, text)              \
    {name, operands, least, most, summary, text, run_##identifier},
#include "commands.def"
#undef TOOL_COMMAND
};

enum { COMMANDS = sizeof command_table / sizeof command_table[0] };

/* One element per command, the last is of the common options. */
#define TOOL_COMMAND(identifier, name, operands, least, most, options, summary, text)              \
    (options) | COMMON,
#define OPTION(identifier) BIT_OF_WORD(0, OPTION_##identifier)
static const uint64_t first_words[COMMANDS + 1] = {
#include "commands.def"
    COMMON};
#undef OPTION
#define OPTION(identifier) BIT_OF_WORD(1, OPTION_##identifier)
static const uint64_t second_words[COMMANDS + 1] = {
#include "commands.def"
    COMMON};
#undef OPTION
#undef TOOL_COMMAND

const int command_count = COMMANDS;

static bool has_option(int command, int option)
{
    const uint64_t *words = option < WORD_BITS ? first_words : second_words;
    return (words[command] >> option % WORD_BITS & 1) != 0;
}

bool command_takes(const command_entry *command, int option)
{
    return has_option((int)(command - command_table), option);
}

bool option_is_common(int option)
{
    return has_option(COMMANDS, option);
}

const command_entry *command_find(const char *name)
{
    for (int i = 0; i < command_count; i++) {
        if (strcmp(command_table[i].name, name) == 0) {
            return &command_table[i];
        }
    }
    return NULL;
}

const char *command_option_help(const command_entry *command, option_id option)
{
    static const struct {
        const char *command;
        option_id option;
        const char *help;
    } texts[] = {
#define TOOL_OPTION_TEXT(command, identifier, help) {command, OPTION_##identifier, help},
#include "option_texts.def"
#undef TOOL_OPTION_TEXT
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].option == option && strcmp(texts[i].command, command->name) == 0) {
            return texts[i].help;
        }
    }
    return option_table[option].help;
}
