/* info.h: what COMMAND DOCS, COMMAND INFO and access lists know of a command, where the server
 * takes it: arity, the use of its key, words, category. Must not know what commands do.
 */
#ifndef SLOTQ_MODULE_INFO_H
#define SLOTQ_MODULE_INFO_H

#include "call.h"

/* Before the first command. */
void info_begin(server_context *context);

/* Of a command that was created; or only that it is one of the module's. */
void info_name(server_context *context, const char *name);
void info_tell(server_context *context, const char *name, const module_command *command,
               bool is_script);

#endif
