/* journal_file.h: the journal's file: found, judged, made anew, replayed. Knows what to do in
 * each state it can be in; its bytes are journal.h's, adopting another file's is adopt.h's.
 */
#ifndef SLOTQ_BACKEND_FILE_JOURNAL_FILE_H
#define SLOTQ_BACKEND_FILE_JOURNAL_FILE_H

#include "image.h"

/* A new journal for the image's main file, not named yet. */
slotq_outcome file_journal_make(const file_image *image, int folder, fresh_file *journal,
                                store_fault *fault);

/* Before a main file appears: IO where a journal of its name holds another file's live step. */
slotq_outcome file_journal_refuse_orphan(const file_image *image, int folder, store_fault *fault);

/* As the first opener, presence held exclusively: replay a live record, adopt or refuse a
 * foreign live one, refuse a damaged file, make what is missing, free the lock. Maps it into the
 * image. */
slotq_outcome file_journal_recover(file_image *image, int folder, store_fault *fault);

typedef enum journal_join {
    JOURNAL_JOINED,     /* mapped; it is the one that the others use */
    JOURNAL_UNUSED,     /* no journal is in use: a process may be leaving */
    JOURNAL_NOT_NEEDED, /* read only, and our presence keeps writers out */
    JOURNAL_REFUSED     /* outcome and fault say why */
} journal_join;

/* As a later opener, presence held shared. */
journal_join file_journal_join(file_image *image, int folder, slotq_outcome *outcome,
                               store_fault *fault);

/* Read only, presence held shared, without write access to the main file or its journal: NOT_NEEDED
 * if no process writes and no step is unfinished, else REFUSED. */
journal_join file_journal_do_without(file_image *image, int folder, slotq_outcome *outcome,
                                     store_fault *fault);

/* Do the step of the live record, which stays. OK; CORRUPT: it breaks the format; IO, NOMEMORY: a
 * read-only handle could not map the file for writing. */
slotq_outcome file_journal_replay(file_image *image, store_fault *fault);

#endif
