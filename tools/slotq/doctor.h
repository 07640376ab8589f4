/* doctor.h: findings of the command doctor, and its look at the files of a queue.
 */
#ifndef SLOTQ_TOOLS_DOCTOR_H
#define SLOTQ_TOOLS_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "command_line.h"

typedef struct doctor {
    const command_line *line;
    uint32_t findings;
} doctor;

/* Something is wrong; the text says how to mend it. */
void doctor_find(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing is wrong, but worth a line. */
void doctor_note(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Rights, journal and locks of a queue's files, before it is opened. */
void doctor_look_at_files(doctor *self, const char *name);
/* A journal by its file name, of which the first length bytes name the queue. */
void doctor_look_at_journal_name(doctor *self, const char *file_name, size_t length);

#endif
