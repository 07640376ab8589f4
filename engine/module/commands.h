/* commands.h: what each command does. The words of each stand in the head of its script.
 */
#ifndef SLOTQ_MODULE_COMMANDS_H
#define SLOTQ_MODULE_COMMANDS_H

#include "call.h"

#define MODULE_SCRIPT(name, least, most) void command_##name(module_call *call);
#define MODULE_OWN(name, does, least, most, words, about) void command_##does(module_call *call);
#include "commands.def"
#undef MODULE_SCRIPT
#undef MODULE_OWN

#endif
