/* looks.h: the doctor's looks: at the files of a queue, at a server, inside a queue. Each reports
 * by findings.h.
 */
#ifndef SLOTQ_TOOLS_DOCTOR_LOOKS_H
#define SLOTQ_TOOLS_DOCTOR_LOOKS_H

#include "findings.h"
#include "slotq_files.h"

/* Rights, journal and locks of a queue's files, before it is opened. */
void doctor_look_at_files(doctor *self, const char *name);

/* Finish the step of another file's journal, if there is one: ask, then open the queue so, then
 * print what was done. false: refused, with the reason printed. */
bool doctor_adopt(doctor *self, const char *name);

/* Report a journal without its queue; the first length bytes of file_name name the queue. */
void doctor_look_at_journal_name(doctor *self, const char *file_name, size_t length);

/* How the server was found: the Sentinels of its name. */
void doctor_look_at_route(doctor *self);

/* Version, memory, role, persistence, clock and scripts of a server, which is self->server. */
void doctor_look_at_server(doctor *self, const char *about);

/* Protocol, cipher and certificates, if self->server is reached over TLS. */
void doctor_look_at_tls(doctor *self, const char *about);

/* All that is told of a server, of the URL's one or of every primary of its cluster. */
void doctor_look_at_servers(doctor *self);

/* In a cluster: make the node that has a queue's key self->server until it is left; false: it is
 * out of reach, which is told. */
bool doctor_meet_node(doctor *self, const char *name, slotq_redis_connection **first);
void doctor_leave_node(doctor *self, slotq_redis_connection *first);

/* Time to live and memory of a queue's key; which commands our user may run on it. false: another
 * server has the key, which is told, and there is nothing more to look at. */
bool doctor_look_at_key(doctor *self, const char *name);
void doctor_look_at_rights(doctor *self, const char *name);

/* How its verbs reach the server, once it is open. */
void doctor_look_at_calls(doctor *self, const char *name, const slotq *queue);

/* Whether the descriptor of a sharded queue and its shards agree; look_at_queue is called for each
 * shard. false: the name is not that of one, and nothing was looked at. */
bool doctor_look_at_shards(doctor *self, const char *name,
                           void (*look_at_queue)(doctor *self, const char *name));

/* Room, dead section, leases, clock and bytes of an open queue. */
void doctor_look_inside(doctor *self, const char *name, slotq *queue);

#endif
