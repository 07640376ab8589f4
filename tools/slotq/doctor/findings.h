/* findings.h: what the doctor has found so far, and how a finding is printed. Knows no look.
 */
#ifndef SLOTQ_TOOLS_DOCTOR_FINDINGS_H
#define SLOTQ_TOOLS_DOCTOR_FINDINGS_H

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

/* How many there were; nothing under --json. */
void doctor_summarise(const doctor *self);

#endif
