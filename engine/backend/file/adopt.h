/* adopt.h: finishes the step in the journal of a copied queue when the user asks for it. Knows what
 * such a journal must show; the opener decides whether it may be adopted.
 */
#ifndef SLOTQ_BACKEND_FILE_ADOPT_H
#define SLOTQ_BACKEND_FILE_ADOPT_H

#include "image.h"
#include "journal.h"

/* As the first opener, presence held exclusively, with another file's journal mapped whose record
 * is live: refuse it, or do its step here and clear it. OK: nothing in it is needed any more.
 * IO: not of this geometry and size, or the option is not given; UNSUPPORTED: read only; CORRUPT:
 * the record is torn, breaks its rules, or would make the queue unsound. Refused, both files are
 * as they were. OUTCOME_UNKNOWN: the step was done here, but a sync failed. */
slotq_outcome file_adopt(file_image *image, const journal_owner *owner, store_fault *fault);

/* IO: a live journal that cannot be this queue's: it belongs to another `whose`. */
slotq_outcome file_refuse_foreign(const file_image *image, const char *whose, store_fault *fault);

#endif
