/* help.h: texts about the commands, for main and the help command.
 */
#ifndef SLOTQ_TOOLS_LINE_HELP_H
#define SLOTQ_TOOLS_LINE_HELP_H

#include "commands.h"

/* Both print to stdout and answer EXIT_CODE_OK. */
int help_overview(void);
int help_command(const command_entry *command);

#endif
