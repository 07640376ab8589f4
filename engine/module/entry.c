/* entry.c: what the server calls when it loads the module: the commands, with what the server
 * should know of each.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "info.h"
#include "script_heads.h"

enum {
    MODULE_VERSION = 1,
    NAME_BYTES = 64,
    COMMAND_HEAD_BYTES = 6 /* "SLOTQ." */
};

#define SETTLE_USAGE(words) "now " words

static const module_command scripts[] = {
#define MODULE_SCRIPT(name, least, most)                                                           \
    {#name,  SCRIPT_ARGS_##name,  SCRIPT_ABOUT_##name,    command_##name, (least),                 \
     (most), SCRIPT_READS_##name, SCRIPT_ALLOCATES_##name},
#include "commands.def"
#undef MODULE_SCRIPT
};

/* group, id and token at least, and the note with its text. */
static const module_command settles[] = {
#define MODULE_SETTLE(NAME, name, words, about)                                                    \
    {#name, SETTLE_USAGE(words), about, command_##name, 4, 8 + 2 * SLOTQ_CALL_MESSAGES_MAX, false, \
     false},
#include "commands.def"
#undef MODULE_SETTLE
};

enum {
    SCRIPT_COUNT = sizeof scripts / sizeof scripts[0],
    SETTLE_COUNT = sizeof settles / sizeof settles[0]
};

/* ---- one handler a command ---- */

/* The server runs one command at a time. */
static module_call the_call;

static int run(server_context *context, const module_command *command, server_string **words,
               int count, bool is_script)
{
    if (call_begin(&the_call, context, command, words, (uint32_t)count, is_script)) {
        command->run(&the_call);
    }
    call_end(&the_call);
    return SERVER_OK;
}

enum {
#define MODULE_SCRIPT(name, least, most) NUMBER_OF_##name,
#include "commands.def"
#undef MODULE_SCRIPT
};

enum {
#define MODULE_SETTLE(NAME, name, words, about) NUMBER_OF_##name,
#include "commands.def"
#undef MODULE_SETTLE
};

#define MODULE_SCRIPT(name, least, most)                                                           \
    static int run_##name(server_context *context, server_string **words, int count)               \
    {                                                                                              \
        return run(context, &scripts[NUMBER_OF_##name], words, count, false);                      \
    }                                                                                              \
    static int run_##name##_at(server_context *context, server_string **words, int count)          \
    {                                                                                              \
        return run(context, &scripts[NUMBER_OF_##name], words, count, true);                       \
    }
#define MODULE_SETTLE(NAME, name, words, about)                                                    \
    static int run_##name(server_context *context, server_string **given, int count)               \
    {                                                                                              \
        return run(context, &settles[NUMBER_OF_##name], given, count, false);                      \
    }
#include "commands.def"
#undef MODULE_SCRIPT
#undef MODULE_SETTLE

static const server_handler script_handlers[] = {
#define MODULE_SCRIPT(name, least, most) run_##name,
#include "commands.def"
#undef MODULE_SCRIPT
};

static const server_handler script_at_handlers[] = {
#define MODULE_SCRIPT(name, least, most) run_##name##_at,
#include "commands.def"
#undef MODULE_SCRIPT
};

static const server_handler settle_handlers[] = {
#define MODULE_SETTLE(NAME, name, words, about) run_##name,
#include "commands.def"
#undef MODULE_SETTLE
};

/* ---- loading ---- */

/* A server at maxmemory runs what has no deny-oom: a queue never grows. */
static const char *flags_of(const module_command *command)
{
    return command->reads ? "readonly" : command->makes_key ? "write deny-oom" : "write";
}

static bool add(server_context *context, const module_command *command, server_handler handler,
                bool is_script)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "slotq.%s%s", command->name, is_script ? ".at" : "");
    if (server.CreateCommand(context, name, handler, flags_of(command), 1, 1, 1) != SERVER_OK) {
        return false;
    }
    info_tell(context, name, command, is_script);
    return true;
}

static bool add_all(server_context *context)
{
    bool fine = true;
    for (uint32_t i = 0; i < SCRIPT_COUNT && fine; i++) {
        fine = add(context, &scripts[i], script_handlers[i], false) &&
               add(context, &scripts[i], script_at_handlers[i], true);
    }
    for (uint32_t i = 0; i < SETTLE_COUNT && fine; i++) {
        fine = add(context, &settles[i], settle_handlers[i], false);
    }
    return fine;
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(server_context *context,
                                                              server_string **words, int count);

int RedisModule_OnLoad(server_context *context, server_string **words, int count)
{
    (void)words;
    if (count != 0 || !server_connect(context)) {
        return SERVER_ERR;
    }
    if (server.IsModuleNameBusy != NULL && server.IsModuleNameBusy("slotq")) {
        return SERVER_ERR;
    }
    server.SetModuleAttribs(context, "slotq", MODULE_VERSION, SERVER_INTERFACE);
    server.SetModuleOptions(context, SERVER_SIGNALS_ITSELF);
    info_begin(context);
    return add_all(context) ? SERVER_OK : SERVER_ERR;
}
