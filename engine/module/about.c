/* about.c: see about.h.
 */
#include "about.h"

#include <string.h>

#include "../slotq.h"
#include "info.h"
#include "script_heads.h"

static const char *const words[] = {
    SLOTQ_VERSION_TEXT,
#define MODULE_SCRIPT(name, least, most) SCRIPT_WORDS_##name,
#include "commands.def"
#undef MODULE_SCRIPT
};

enum { WORD_COUNT = sizeof words / sizeof words[0] };

static int tell_about(server_context *context, server_string **given, int count)
{
    (void)given;
    if (count != 1) {
        server.ReplyWithError(context, "SLOTQINVALID usage: about");
        return SERVER_OK;
    }
    server.ReplyWithArray(context, WORD_COUNT);
    for (uint32_t i = 0; i < WORD_COUNT; i++) {
        server.ReplyWithStringBuffer(context, words[i], strlen(words[i]));
    }
    return SERVER_OK;
}

/* A client asks it of any server: one that still loads, or has lost its primary, says so to what
 * follows. */
bool about_add(server_context *context)
{
    static const char name[] = "slotq.about";
    if (server.CreateCommand(context, name, tell_about, "readonly fast allow-loading allow-stale",
                             0, 0, 0) != SERVER_OK) {
        return false;
    }
    info_name(context, name);
    return true;
}
