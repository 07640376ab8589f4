/* facts.c: the calls of slotq.h that look at a queue's files from outside. Knows arguments; what
 * is to be seen is the file backend's.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../backend/file/facts.h"
#include "handle.h"
#include "schemes.h"

slotq_outcome slotq_look_at_files(const char *folder, const char *name, slotq_file_facts *facts,
                                  slotq_error *error)
{
    store_fault fault = {0};
    if (folder == NULL || name == NULL || facts == NULL) {
        return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
    }
    *facts = (slotq_file_facts){0};
    const char *wrong = scheme_folder.name_fault(name, strnlen(name, SCHEME_NAME_BYTES_MAX + 1));
    if (wrong != NULL) {
        return error_say(error, SLOTQ_INVALID, "the queue's name %s", wrong);
    }
    const slotq_outcome outcome = file_facts_of(folder, name, facts, &fault);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &fault);
}

slotq_outcome slotq_look_at_folder(const char *folder, slotq_folder_facts *facts,
                                   slotq_error *error)
{
    store_fault fault = {0};
    if (folder == NULL || facts == NULL) {
        return error_say(error, SLOTQ_INVALID, "a required pointer is NULL");
    }
    *facts = (slotq_folder_facts){0};
    const slotq_outcome outcome = file_facts_of_folder(folder, facts, &fault);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &fault);
}
