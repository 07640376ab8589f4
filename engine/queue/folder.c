/* folder.c: URLs that are folders: NAME.slotq in it is the queue NAME. Knows names of files;
 * no handle, no bytes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../backend/file/create.h"
#include "../backend/file/store.h"
#include "schemes.h"

#define SUFFIX ".slotq"

enum { POLL_MS = 1000 };

static const char *folder_name_fault(const char *name, size_t length)
{
    if (length == 0) {
        return "is empty: it must have 1 to 200 bytes";
    }
    if (length > SCHEME_NAME_BYTES_MAX) {
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

static slotq_outcome folder_create(const char *url, const char *name,
                                   const slotq_geometry *geometry, const slotq_options *options,
                                   store_fault *fault)
{
    (void)options; /* a new file is always synced whole */
    return file_create(url, name, geometry, fault);
}

static slotq_outcome folder_open(const char *url, const char *name, const slotq_options *options,
                                 store **opened, store_fault *fault)
{
    const file_options file = {.sync_always = options->sync == SLOTQ_SYNC_ALWAYS,
                               .exclusive = options->exclusive,
                               .adopt_journal = options->adopt_journal,
                               .read_only = options->read_only};
    return file_open(url, name, &file, opened, fault);
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
    return folder_name_fault(entry->d_name, length - tail) == NULL;
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

static slotq_outcome folder_list(const char *url, scheme_visit visit, void *context,
                                 store_fault *fault)
{
    struct dirent **entries;
    const int count = scandir(url, &entries, is_queue, by_name);
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

const scheme scheme_folder = {
    .poll_ms = POLL_MS,
    .name_fault = folder_name_fault,
    .create = folder_create,
    .import = file_import,
    .resize = file_resize,
    .open = folder_open,
    .remove = file_remove,
    .list = folder_list,
};
