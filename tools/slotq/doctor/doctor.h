/* doctor.h: findings of the command doctor, and its looks: at the files of a queue, at a server,
 * inside a queue.
 */
#ifndef SLOTQ_TOOLS_DOCTOR_DOCTOR_H
#define SLOTQ_TOOLS_DOCTOR_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "../line/command_line.h"
#include "../verbs/server.h"
#include "slotq.h"

typedef struct doctor {
    const command_line *line;
    slotq_redis_connection *server; /* NULL: a folder */
    uint32_t findings;
    uint32_t unknown;
    int code;         /* CONNECT where there is no server; why a journal was not adopted */
    bool rights_told; /* that all is allowed is said once */
} doctor;

/* Something is wrong; the text says how to mend it. */
void doctor_find(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing is wrong, but worth a line. */
void doctor_note(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* It could not be found out; the text says why. */
void doctor_unknown(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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
