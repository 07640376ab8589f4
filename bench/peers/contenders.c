/* contenders.c: the list of all, and the server that those in Redis share.
 */
#include "contender.h"
#include "../support/private_server.h"

#include <stddef.h>

#define CONTENDER(variable, ...) extern const contender variable;
#include "contenders.def"
#undef CONTENDER

#define OURS "ours"
#define PEER "peer"
#define BOUND "bound"
#define SERVED false
#define EMBEDDED true
#define CONTENDER(variable, name, role, place, server, beside, also, colour, about, lacks)         \
    {name, role, place, server, beside, also, colour, about, lacks, &variable},
const contender_row contenders[] = {
#include "contenders.def"
};
#undef CONTENDER
#define CONTENDER(...) +1
const uint32_t contenders_count = 0
#include "contenders.def"
    ;
#undef CONTENDER

const char *contender_folder = ".";

const char *contender_redis_socket(void)
{
    static private_server *server;
    static bool tried;
    if (!tried) {
        server = private_redis_start(NULL);
        tried = true;
    }
    return server != NULL ? private_server_socket(server) : NULL;
}
