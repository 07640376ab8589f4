/* route.c: the doctor's look at how a server was found: by the Sentinels of its name, and whether
 * they can fail over. Knows no field of INFO.
 */
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "looks.h"
#include "../line/values.h"
#include "../say/texts.h"
#include "slotq_redis_route.h"

/* An isolated primary goes on taking writes until its clients leave, unless it must have replicas.
 */
static void look_at_least(doctor *self, const char *about)
{
    redisReply *reply = server_ask(self->server, "CONFIG", "GET", "min-replicas-to-write");
    const bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                      reply->element[1]->type == REDIS_REPLY_STRING;
    if (told && strcmp(reply->element[1]->str, "0") == 0) {
        doctor_note(self, about,
                    "min-replicas-to-write is 0: an isolated primary takes writes until its "
                    "clients leave it, and they are lost; 1 makes it refuse them");
    }
    freeReplyObject(reply);
}

void doctor_look_at_route(doctor *self)
{
    slotq_redis_route route;
    const word_text about = shown_url(self->line->url);
    if (slotq_redis_route_of(self->server, &route) != SLOTQ_OK || route.primary == NULL) {
        return;
    }
    doctor_note(self, about.text, "%s is at %s port %lu, found by %lu of %lu Sentinels, quorum %lu",
                route.primary, route.host, (unsigned long)route.port, (unsigned long)route.reached,
                (unsigned long)route.sentinels, (unsigned long)route.quorum);
    if (route.reached < route.sentinels) {
        /* No SENTINEL RESET: one that is cut off then believes that it is alone, a majority. */
        doctor_find(self, about.text,
                    "%lu of %lu Sentinels do not answer: without a majority nothing is written; "
                    "start them, mend the way to them, or start others with their `sentinel myid`",
                    (unsigned long)(route.sentinels - route.reached),
                    (unsigned long)route.sentinels);
    } else if (route.sentinels < 3) {
        doctor_find(self, about.text,
                    "%s: none of them may fail, as a majority must answer; run at least 3 on "
                    "separate machines",
                    route.sentinels == 1 ? "1 Sentinel" : "2 Sentinels");
    }
    look_at_least(self, about.text);
}
