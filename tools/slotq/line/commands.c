/* commands.c: the tables of commands and options, made of commands.def and options.def.
 */
#include "commands.h"

#include <stddef.h>
#include <string.h>

#define MANY COMMAND_OPERANDS_MANY
#define OPTION(identifier) (UINT64_C(1) << OPTION_##identifier)
#define COMMON                                                                                     \
    (OPTION(URL) | OPTION(SYNC) | OPTION(FORCE) | OPTION(JSON) | OPTION(QUIET) | OPTION(HELP))

_Static_assert(OPTION_COUNT <= 64, "a command's options are bits of 64");

const option_entry option_table[OPTION_COUNT] = {
#define TOOL_OPTION(identifier, name, letter, kind, least, most, value, help)                      \
    {name, letter, KIND_##kind, least, most, value, help},
#include "options.def"
#undef TOOL_OPTION
};

const command_entry command_table[] = {
#define TOOL_COMMAND(identifier, name, operands, least, most, options, summary, text)              \
    {name, operands, least, most, (options) | COMMON, summary, text, run_##identifier},
#include "commands.def"
#undef TOOL_COMMAND
};

const int command_count = (int)(sizeof command_table / sizeof command_table[0]);

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
