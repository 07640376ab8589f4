/* slotq_files.h: reports on the files of a queue and on their folder, for tools that look for the
 * cause of a trouble. They open no queue and write nothing.
 */
#ifndef SLOTQ_FILES_H
#define SLOTQ_FILES_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The file beside a queue's file that has the journal's name. */
typedef enum slotq_journal_state {
    SLOTQ_JOURNAL_MISSING,
    SLOTQ_JOURNAL_OWN,     /* MISSING: the next open makes one */
    SLOTQ_JOURNAL_FOREIGN, /* belongs to another file: one of the two was copied or moved */
    SLOTQ_JOURNAL_OTHER_VERSION,
    SLOTQ_JOURNAL_DAMAGED,
    SLOTQ_JOURNAL_UNREADABLE /* not sound or cut off; see journal_errno */
} slotq_journal_state;
enum { SLOTQ_JOURNAL_BYTES = 4096 };
typedef struct slotq_file_facts {
    slotq_journal_state journal;
    int journal_errno;
    uint32_t journal_bytes;  /* SLOTQ_JOURNAL_BYTES, 4096, if it is complete */
    uint32_t step_patches;   /* patches of the unfinished step */
    bool step_is_unfinished; /* a process ended within a step: the next open completes it */
    bool step_may_fit;       /* FOREIGN: the other file has the same size and geometry */
    bool in_use;             /* another process or handle has the queue open for writing */
    bool exclusive;          /* ... and keeps all others out */
    uint64_t reserved[2];    /* 0 */
} slotq_file_facts;

/* Report on the files of the queue `name` in a folder without opening the queue. Any thread may
 * call it; it writes nothing. OK, INVALID (the name), NOQUEUE, IO. error may be NULL. */
SLOTQ_API slotq_outcome slotq_look_at_files(const char *folder, const char *name,
                                            slotq_file_facts *facts, slotq_error *error);

typedef struct slotq_folder_facts {
    const char *file_system;     /* "ext4"; NULL if the number is not known. Static */
    uint32_t file_system_number; /* from statfs */
    bool is_network;             /* on a network or in user space: queues are refused there */
    bool needs_room;             /* copies on write: new queues are refused there */
    uint64_t free_bytes;         /* for this user */
    uint64_t reserved[2];        /* 0 */
} slotq_folder_facts;
/* Report on a folder. OK, INVALID, IO. */
SLOTQ_API slotq_outcome slotq_look_at_folder(const char *folder, slotq_folder_facts *facts,
                                             slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
