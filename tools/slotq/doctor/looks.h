/* looks.h: the doctor's looks: at the files of a queue, at a server, inside a queue. Each reports
 * by findings.h.
 */
#ifndef SLOTQ_TOOLS_DOCTOR_LOOKS_H
#define SLOTQ_TOOLS_DOCTOR_LOOKS_H

#include "findings.h"

/* Rights, journal and locks of a queue's files, before it is opened. */
void doctor_look_at_files(doctor *self, const char *name);

/* Take over the step in another file's journal, where there is one: ask, open so, say what was
 * done. false: it was refused, and said so. */
bool doctor_adopt(doctor *self, const char *name);

/* A journal by its file name, of which the first length bytes name the queue. */
void doctor_look_at_journal_name(doctor *self, const char *file_name, size_t length);

/* Version, memory, role, persistence, clock and scripts of the server. */
void doctor_look_at_server(doctor *self);
/* Time to live, memory and listeners of a queue's key; what our user may do with it. */
void doctor_look_at_key(doctor *self, const char *name);
void doctor_look_at_rights(doctor *self, const char *name);

/* What is in an open queue. */
void doctor_look_inside(doctor *self, const char *name, slotq *queue);

#endif
