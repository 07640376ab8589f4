/* zone_file.h: the file of a time zone, by its name. Knows where the system keeps them, not what is
 * in them.
 */
#ifndef SLOTQ_WORKER_ZONE_FILE_H
#define SLOTQ_WORKER_ZONE_FILE_H

#include "../slotq.h"

/* Read the file NAME of the folder TZDIR, or else of /usr/share/zoneinfo, whole: *bytes is the
 * caller's, for free. path (ZONE_PATH_BYTES) is set to where it looked. INVALID: not a name
 * (zone_name_is_good), no such file, or not a file of up to ZONE_BYTES_MAX bytes; IO; NOMEMORY. */
enum { ZONE_PATH_BYTES = 512 };
slotq_outcome zone_file_read(const char *name, char *path, uint8_t **bytes, size_t *size,
                             slotq_error *error);

#endif
