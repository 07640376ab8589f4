/* server.c: see server.h.
 */
#include "server.h"

#include <string.h>

server_functions server;

enum { NEEDED = 1, OPTIONAL = 0 };

/* The server hands over the function that finds all others as the first word of the context. */
typedef int (*server_finder)(const char *name, void *found);

bool server_connect(server_context *context)
{
    server_finder find;
    bool complete = true;
    memcpy(&find, (const void *)context, sizeof find);
#define SERVER_FUNCTION(need, type, name, parameters)                                              \
    server.name = NULL;                                                                            \
    if (find("RedisModule_" #name, &server.name) != SERVER_OK && (need)) {                         \
        complete = false;                                                                          \
    }
#include "server.def"
#undef SERVER_FUNCTION
    return complete;
}
