/* list.c: see list.h.
 */
#define _GNU_SOURCE
#include "list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".slotq"

const char *file_name_fault(const char *name, size_t length)
{
    if (length == 0) {
        return "is empty: it must have 1 to 200 bytes";
    }
    if (length > FILE_QUEUE_NAME_BYTES_MAX) {
        return "is too long: it must have 1 to 200 bytes";
    }
    if (memchr(name, '/', length) != NULL) {
        return "contains '/': give the folder separately";
    }
    if (name[0] == '.' || name[0] == '-') {
        return "begins with '.' or '-'";
    }
    return NULL;
}

/* Entries that are queues, for scandir. */
static int is_queue(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    const size_t tail = sizeof SUFFIX - 1;
    if (length <= tail || strcmp(entry->d_name + length - tail, SUFFIX) != 0 ||
        (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)) {
        return 0;
    }
    return file_name_fault(entry->d_name, length - tail) == NULL;
}

/* Queues as visit is to see them: by name, and not by name and suffix. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    const size_t a_length = strlen((*a)->d_name) - (sizeof SUFFIX - 1);
    const size_t b_length = strlen((*b)->d_name) - (sizeof SUFFIX - 1);
    const size_t shorter = a_length < b_length ? a_length : b_length;
    const int differs = memcmp((*a)->d_name, (*b)->d_name, shorter);
    return differs != 0 ? differs : (a_length > b_length) - (a_length < b_length);
}

slotq_outcome file_names_list(const char *folder, bool (*visit)(void *context, const char *name),
                              void *context, store_fault *fault)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_queue, by_name);
    if (count < 0) {
        const int system_errno = errno;
        fault_say(fault, SLOTQ_IO, "the folder cannot be read: %s", strerror(system_errno));
        fault->system_errno = system_errno;
        fault->cause = SLOTQ_CAUSE_FOLDER;
        return SLOTQ_IO;
    }
    bool more = true;
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        name[strlen(name) - (sizeof SUFFIX - 1)] = '\0';
        more = more && visit(context, name);
        free(entries[i]);
    }
    free(entries);
    return SLOTQ_OK;
}
