/* folder.h: a folder of the bench's own on disk: made, weighed, removed with all in it. Knows file
 * systems; not what lies in the folder.
 */
#ifndef SLOTQ_BENCH_FOLDER_H
#define SLOTQ_BENCH_FOLDER_H

#include <stdint.h>

/* What was there by that name, such as an interrupted run's, goes first. Ends the bench where it
 * cannot be made. */
void folder_make(const char *path);
/* One that is not there is removed already. */
void folder_remove(const char *path);
/* Bytes of disk that all files in it take: blocks, not lengths. */
uint64_t folder_disk_bytes(const char *path);

#endif
