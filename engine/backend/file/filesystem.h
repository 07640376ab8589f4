/* filesystem.h: files in a folder: names, room, the kind of file system, and files that appear
 * whole or not at all. Knows no format and no lock.
 */
#ifndef SLOTQ_BACKEND_FILE_FILESYSTEM_H
#define SLOTQ_BACKEND_FILE_FILESYSTEM_H

#include <sys/stat.h>

#include "../fault.h"

enum { FILE_NAME_BYTES = 256 };

/* The names of a queue's files in its folder. */
typedef struct file_names {
    char main[FILE_NAME_BYTES];    /* NAME.slotq */
    char journal[FILE_NAME_BYTES]; /* NAME.slotq-journal */
    char shown[FILE_NAME_BYTES];   /* main, unprintable bytes replaced: for texts */
} file_names;

void file_names_make(file_names *names, const char *queue);

/* Open a folder for use with the …at() calls. IO with a text, or OK. */
slotq_outcome filesystem_open_folder(const char *folder, int *descriptor, store_fault *fault);

/* Open the main file as it is, with access O_RDONLY or O_RDWR. OK; NOQUEUE, IO with a text. */
slotq_outcome filesystem_open_main(int folder, const file_names *names, int access, int *descriptor,
                                   store_fault *fault);

/* The file system is one where locks, shared mappings or syncs do not reach other machines'
 * users or the disk. type: statfs.f_type. */
bool filesystem_is_network(long type);
/* "ext4"; NULL for one that kinds.def does not name. Static. */
const char *filesystem_name(long type);

/* UNSUPPORTED with a remedy where the file or folder lies on such a one. */
slotq_outcome filesystem_refuse_network(int descriptor, const file_names *names,
                                        store_fault *fault);

/* On a copy-on-write file system a mapped write needs new room: a full disk makes it a SIGBUS, or
 * on btrfs without copy on write a fault that never ends. type: statfs.f_type. */
bool filesystem_needs_room(long type);
/* UNSUPPORTED with a remedy where the file lies on such a one; IO where statfs fails. */
slotq_outcome filesystem_refuse_copying(int descriptor, const char *shown, store_fault *fault);

/* SHARDED where the file is the descriptor of a sharded queue; OK, also where it cannot be read. */
slotq_outcome filesystem_refuse_sharded(int descriptor, const char *shown, store_fault *fault);

/* A file under a name that no queue has, readable and writable as the umask says, with `bytes`
 * zero bytes whose room is taken from the disk. UNSUPPORTED on a
 * copy-on-write file system. shown: the name it is to have, for texts. */
typedef struct fresh_file {
    int descriptor;
    char name[FILE_NAME_BYTES]; /* empty once it was published */
} fresh_file;

slotq_outcome fresh_file_make(int folder, uint64_t bytes, const char *shown, fresh_file *file,
                              store_fault *fault);

/* Take the room of a file that is there, so that no hole of a sparse copy is a SIGBUS on a full
 * disk; its bytes stay. IO where there is none; OK where the file system takes none beforehand. */
slotq_outcome filesystem_take_room(int descriptor, uint64_t bytes, const char *shown,
                                   store_fault *fault);

/* A file that takes the place of another belongs to the same user and group, with the same rights.
 */
slotq_outcome filesystem_take_rights(int descriptor, int of, const char *shown, store_fault *fault);

/* Give it its name: EXISTS (no fault text) where one of that name is there, unless replace. The
 * file's bytes must be synced before, the folder after. The descriptor stays open. */
slotq_outcome fresh_file_publish(int folder, fresh_file *file, const char *name, bool replace,
                                 store_fault *fault);

/* Close the descriptor, and delete one that was not published. */
void fresh_file_drop(int folder, fresh_file *file);

/* Names given in the folder outlive a power loss. done: what was done to `shown` in it before, for
 * the text of a failure; the outcome is then OUTCOME_UNKNOWN. With NULL it is IO. */
slotq_outcome filesystem_sync_folder(int folder, const char *shown, const char *done,
                                     store_fault *fault);

#endif
