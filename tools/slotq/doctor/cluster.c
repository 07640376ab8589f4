/* cluster.c: the doctor's look at a Redis Cluster: whether all slots are served, and then each
 * primary as a server. Knows the public calls for a cluster; no words of INFO.
 */
#include <inttypes.h>

#include "looks.h"
#include "../say/texts.h"

enum { SLOTS = 16384 };

static void look_at_whole(doctor *self, const slotq_redis_primary *primary)
{
    const word_text about = shown_url(self->line->url);
    doctor_note(self, about.text,
                "is a node of a cluster: %" PRIu32 " primaries, %" PRIu32 " replicas, %" PRIu32
                " of %d slots served; each queue is on the node that serves its slot",
                primary->primaries, primary->replicas, primary->slots_covered, SLOTS);
    if (primary->slots_covered < SLOTS) {
        doctor_find(self, about.text,
                    "no node serves %" PRIu32 " of the %d slots: the queues there are out of "
                    "reach; redis-cli --cluster check HOST:PORT names the slots",
                    SLOTS - primary->slots_covered, SLOTS);
    }
    if (primary->replicas == 0) {
        doctor_note(self, about.text,
                    "has no replicas: if a node is lost, so are its queues until it is back");
    }
}

/* The first visit tells of the whole. */
static bool visit(void *context, const slotq_redis_primary *primary)
{
    doctor *self = context;
    if (primary->slots == 0) {
        return false; /* the only server, which is looked at over the doctor's connection */
    }
    if (!self->in_cluster) {
        self->in_cluster = true;
        look_at_whole(self, primary);
    }
    if (primary->connection == NULL) {
        doctor_find(self, primary->address, "serves %" PRIu32 " slots and is out of reach: %s",
                    primary->slots, primary->error->text);
        return true;
    }
    slotq_redis_connection *const first = self->server;
    self->server = primary->connection;
    doctor_note(self, primary->address, "serves %" PRIu32 " slots", primary->slots);
    doctor_look_at_server(self, primary->address);
    self->server = first;
    return true;
}

void doctor_look_at_servers(doctor *self)
{
    slotq_error error;
    const word_text about = shown_url(self->line->url);
    const slotq_outcome outcome = slotq_redis_visit(self->line->url, NULL, visit, self, &error);
    if (outcome != SLOTQ_OK) {
        doctor_unknown(self, about.text, "the other nodes: %s", error.text);
    }
    if (!self->in_cluster) {
        doctor_look_at_server(self, about.text);
    }
    self->in_cluster = self->in_cluster || /* and our user may not ask for its nodes */
                       (outcome != SLOTQ_OK && error.cause == SLOTQ_CAUSE_RIGHTS);
}

bool doctor_meet_node(doctor *self, const char *name, slotq_redis_connection **first)
{
    slotq_error error;
    *first = self->server;
    if (!self->in_cluster) {
        return true;
    }
    if (slotq_redis_connect_for(self->line->url, name, NULL, &self->server, &error) != SLOTQ_OK) {
        self->server = *first;
        doctor_find(self, name, "its node is out of reach: %s", error.text);
        return false;
    }
    return true;
}

void doctor_leave_node(doctor *self, slotq_redis_connection *first)
{
    if (self->server != first) {
        slotq_redis_close(self->server);
        self->server = first;
    }
}
