/* entry.c: what the server calls when it loads the module: the commands, with what the server
 * should know of each.
 */
#include <stdio.h>
#include <string.h>

#include "about.h"
#include "commands.h"
#include "info.h"
#include "script_heads.h"
#include "wait.h"

enum { MODULE_VERSION = 1, NAME_BYTES = 64, SETTLE_WORDS_MAX = 8 + 2 * SLOTQ_CALL_MESSAGES_MAX };

/* As the words of a script begin. */
#define OWN_USAGE(words) "now " words

static const module_command scripts[] = {
#define WITH_KEYS(name, least, most, keys)                                                         \
    {#name,  SCRIPT_ARGS_##name,  SCRIPT_ABOUT_##name,     command_##name, (least),                \
     (most), SCRIPT_READS_##name, SCRIPT_ALLOCATES_##name, (keys)},
#define MODULE_SCRIPT(name, least, most) WITH_KEYS(name, least, most, 1)
#define MODULE_SCRIPT_OF_TWO(name, least, most) WITH_KEYS(name, least, most, 2)
#include "commands.def"
#undef MODULE_SCRIPT
#undef WITH_KEYS
};

static const module_command owns[] = {
#define MODULE_OWN(name, does, least, most, words, about)                                          \
    {#name, OWN_USAGE(words), about, command_##does, (least), (most), false, false, 1},
#define MODULE_OWN_OF_TWO(name, does, least, most, words, about)                                   \
    {#name, OWN_USAGE(words), about, command_##does, (least), (most), false, false, 2},
#include "commands.def"
#undef MODULE_OWN
};

enum {
    SCRIPT_COUNT = sizeof scripts / sizeof scripts[0],
    OWN_COUNT = sizeof owns / sizeof owns[0]
};

/* ---- one handler a command ---- */

/* The server runs one command at a time. */
static module_call the_call;

static int run(server_context *context, const module_command *command, server_string **words,
               int count, bool is_script)
{
    static bool is_running;
    if (is_running && !the_call.is_ended) { /* from an event of a key that the first one opens */
        server.ReplyWithError(context, "SLOTQINVALID another command of the module runs");
        return SERVER_OK;
    }
    is_running = true;
    if (call_begin(&the_call, context, command, words, (uint32_t)count, is_script)) {
        command->run(&the_call);
    }
    call_end(&the_call);
    is_running = false;
    return SERVER_OK;
}

enum {
#define MODULE_SCRIPT(name, least, most) NUMBER_OF_##name,
#include "commands.def"
#undef MODULE_SCRIPT
};

enum {
#define MODULE_OWN(name, does, least, most, words, about) NUMBER_OF_OWN_##name,
#include "commands.def"
#undef MODULE_OWN
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
#define MODULE_OWN(name, does, least, most, words, about)                                          \
    static int run_own_##name(server_context *context, server_string **given, int count)           \
    {                                                                                              \
        return run(context, &owns[NUMBER_OF_OWN_##name], given, count, false);                     \
    }
#include "commands.def"
#undef MODULE_SCRIPT
#undef MODULE_OWN

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

static const server_handler own_handlers[] = {
#define MODULE_OWN(name, does, least, most, words, about) run_own_##name,
#include "commands.def"
#undef MODULE_OWN
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
    if (server.CreateCommand(context, name, handler, flags_of(command), 1, (int)command->keys, 1) !=
        SERVER_OK) {
        return false;
    }
    info_tell(context, name, command, is_script);
    return true;
}

/* The words of a script stand back behind those that the module has for them. */
static bool has_own(const char *name)
{
    for (uint32_t i = 0; i < OWN_COUNT; i++) {
        if (strcmp(owns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_all(server_context *context)
{
    bool fine = true;
    for (uint32_t i = 0; i < SCRIPT_COUNT && fine; i++) {
        fine = (has_own(scripts[i].name) || add(context, &scripts[i], script_handlers[i], false)) &&
               add(context, &scripts[i], script_at_handlers[i], true);
    }
    for (uint32_t i = 0; i < OWN_COUNT && fine; i++) {
        fine = add(context, &owns[i], own_handlers[i], false);
    }
    return fine;
}

#define SEEN_BY_THE_SERVER __attribute__((visibility("default")))
SEEN_BY_THE_SERVER int RedisModule_OnLoad(server_context *context, server_string **words,
                                          int count);
SEEN_BY_THE_SERVER int RedisModule_OnUnload(server_context *context);

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
    /* last: some servers call listeners of a module that they did not load */
    return about_add(context) && add_all(context) && wait_listen(context) ? SERVER_OK : SERVER_ERR;
}

int RedisModule_OnUnload(server_context *context)
{
    (void)context;
    return wait_end() ? SERVER_OK : SERVER_ERR;
}
