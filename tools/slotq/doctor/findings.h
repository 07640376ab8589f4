/* findings.h: counts and prints what the doctor finds. Knows nothing of the looks.
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
    bool in_cluster;
    bool has_module; /* the server of the queue that is looked at has it, and it is wanted */
    uint32_t findings;
    uint32_t unknown;
    int code;         /* CONNECT without a server; or why a journal was not adopted */
    bool pause_told;  /* of all shards at once */
    bool is_brief;    /* notes are left out: it is one of many shards */
    bool rights_told; /* "may run all commands" is printed once */
} doctor;

/* A fault; the text ends with how to mend it. */
void doctor_find(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A fact that is not a fault. */
void doctor_note(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A fact that could not be found out; the text gives the reason. */
void doctor_unknown(doctor *self, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Print how many findings there were; nothing under --json. */
void doctor_summarise(const doctor *self);

#endif
