/* zone_file.c: see zone_file.h. The name is a stranger's: it is judged before a path is made of it.
 */
#include "zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "refuse.h"
#include "zone.h"

static slotq_outcome refuse_file(slotq_error *error, const char *name, const char *path,
                                 int system_errno)
{
    const bool is_missing = system_errno == ENOENT || system_errno == ENOTDIR;
    char why[128];
    const slotq_outcome outcome = is_missing ? SLOTQ_INVALID : SLOTQ_IO;
    refuse(
        error, outcome, "zone %s: %s: %s%s", name, path, strerror_r(system_errno, why, sizeof why),
        is_missing ? ". Zones are files of the package tzdata; TZDIR may name another folder" : "");
    if (error != NULL) {
        error->system_errno = system_errno;
    }
    return outcome;
}

/* Up to most bytes, also if the file grows meanwhile; -1: errno. */
static ssize_t read_all(int file, uint8_t *bytes, size_t most)
{
    size_t size = 0;
    while (size < most) {
        const ssize_t got = read(file, bytes + size, most - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -1 : (ssize_t)size;
        }
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static slotq_outcome read_open(int file, const char *name, const char *path, uint8_t **bytes,
                               size_t *size, slotq_error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0) {
        return refuse_file(error, name, path, errno);
    }
    if (!S_ISREG(status.st_mode) || status.st_size > ZONE_BYTES_MAX) {
        return refuse(error, SLOTQ_INVALID, "zone %s: %s is not a file of at most %d bytes", name,
                      path, ZONE_BYTES_MAX);
    }
    uint8_t *room = malloc(ZONE_BYTES_MAX);
    if (room == NULL) {
        return refuse(error, SLOTQ_NOMEMORY, "zone %s: no memory for %d bytes", name,
                      ZONE_BYTES_MAX);
    }
    const ssize_t got = read_all(file, room, ZONE_BYTES_MAX);
    if (got < 0) {
        const int system_errno = errno;
        free(room);
        return refuse_file(error, name, path, system_errno);
    }
    uint8_t *cut = realloc(room, got == 0 ? 1 : (size_t)got);
    if (cut != NULL) {
        room = cut;
    }
    *bytes = room;
    *size = (size_t)got;
    return SLOTQ_OK;
}

slotq_outcome zone_file_read(const char *name, char *path, uint8_t **bytes, size_t *size,
                             slotq_error *error)
{
    const char *folder = secure_getenv("TZDIR");
    if (!zone_name_is_good(name)) {
        return refuse(error, SLOTQ_INVALID,
                      "a zone must be a name such as Europe/Berlin: 1 to %d letters, digits, _, +, "
                      "- and / in between",
                      ZONE_NAME_BYTES_MAX);
    }
    if (folder == NULL || folder[0] == '\0') {
        folder = "/usr/share/zoneinfo";
    }
    const int length = snprintf(path, ZONE_PATH_BYTES, "%s/%s", folder, name);
    if (length < 0 || length >= ZONE_PATH_BYTES) {
        return refuse(error, SLOTQ_INVALID,
                      "zone %s: the path of TZDIR is too long: at most %d "
                      "bytes together with the name",
                      name, ZONE_PATH_BYTES - 1);
    }
    /* Not blocking, as it might be a pipe. */
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return refuse_file(error, name, path, errno);
    }
    const slotq_outcome outcome = read_open(file, name, path, bytes, size, error);
    close(file);
    return outcome;
}
