/* facts.h: reports on a queue's files and their folder without opening the queue or writing. Knows
 * locks and the journal's header; no findings, no remedies.
 */
#ifndef SLOTQ_BACKEND_FILE_FACTS_H
#define SLOTQ_BACKEND_FILE_FACTS_H

#include "../../slotq_files.h"
#include "../fault.h"

/* OK, NOQUEUE (there is no such file), IO. */
slotq_outcome file_facts_of(const char *folder, const char *queue, slotq_file_facts *facts,
                            store_fault *fault);

/* OK or IO. */
slotq_outcome file_facts_of_folder(const char *folder, slotq_folder_facts *facts,
                                   store_fault *fault);

#endif
