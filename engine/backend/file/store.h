/* store.h: a store in a file that several processes may have open: NAME.slotq is exactly the
 * image, NAME.slotq-journal makes its steps whole. A folder and a queue's name in, no URL.
 */
#ifndef SLOTQ_BACKEND_FILE_STORE_H
#define SLOTQ_BACKEND_FILE_STORE_H

#include "../backend.h"

typedef struct file_options {
    bool sync_always;   /* a verb answers when the disk has it */
    bool exclusive;     /* no other process or handle may open it */
    bool adopt_journal; /* of a first opener: do the step that another file's journal holds */
    bool read_only;     /* nothing is written; where the journal cannot be, writers are kept out */
} file_options;

/* OK, NOQUEUE, LOCKED, CORRUPT, VERSION, UNSUPPORTED, IO, NOMEMORY. */
slotq_outcome file_open(const char *folder, const char *queue, const file_options *options,
                        store **opened, store_fault *fault);

#endif
