/* list.h: the names of the queues in a folder. Knows names of files; no bytes.
 */
#ifndef SLOTQ_BACKEND_FILE_LIST_H
#define SLOTQ_BACKEND_FILE_LIST_H

#include <stddef.h>

#include "../fault.h"

enum { FILE_QUEUE_NAME_BYTES_MAX = 200 };

/* NULL, or the rule that a queue's name breaks ("the queue's name …"). */
const char *file_name_fault(const char *name, size_t length);

/* Every queue file, descriptors and shards included, by name, until visit returns false. */
slotq_outcome file_names_list(const char *folder, bool (*visit)(void *context, const char *name),
                              void *context, store_fault *fault);

#endif
