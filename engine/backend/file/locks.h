/* locks.h: shows which processes have a queue file open, by locks of open file descriptions (OFD)
 * on the main file, far behind its bytes. They end with their holder however it ends. Knows ranges,
 * not what they are held for:
 *
 *   presence   shared by every process that has the file open; exclusive while the first opener
 *              recovers, and for life in exclusive mode
 *   exclusive  marks that presence is held exclusively for life, not for a moment
 *   reader     marks that presence is shared by a process that reads without a journal, and stays
 *   id         one byte per user's id, held exclusively by its address space (life.h): proof that
 *              the user lives
 *   journal    one byte per journal inode, shared by all users of that journal: proof that the
 *              file found by name is the one in use
 */
#ifndef SLOTQ_BACKEND_FILE_LOCKS_H
#define SLOTQ_BACKEND_FILE_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum lock_answer {
    LOCK_TAKEN,
    LOCK_REFUSED, /* others hold what excludes it */
    LOCK_FAILED   /* errno says why: the file system has no such locks */
} lock_answer;

/* Take, or change to; an exclusive lock needs a descriptor open for writing. */
lock_answer lock_presence(int descriptor, bool exclusive);
void lock_leave_presence(int descriptor);

/* Others hold presence exclusively, now (for a moment or for life). */
bool lock_presence_is_exclusive(int descriptor);

lock_answer lock_mark_exclusive(int descriptor);
bool lock_is_marked_exclusive(int descriptor);

lock_answer lock_mark_reader(int descriptor);
bool lock_is_marked_reader(int descriptor);

/* A byte as others than this descriptor's description see it. */
typedef enum lock_state {
    LOCK_IS_FREE,
    LOCK_IS_HELD,
    LOCK_IS_UNKNOWN /* errno says why */
} lock_state;

lock_answer lock_id(int descriptor, uint32_t id);
void lock_leave_id(int descriptor, uint32_t id);
lock_state lock_id_state(int descriptor, uint32_t id);
/* Any id at all. */
lock_state lock_ids_state(int descriptor);

lock_answer lock_journal(int descriptor, uint64_t journal_inode);
/* Another opener uses the journal with this inode; uses one with another inode; any at all. */
bool lock_journal_is_held(int descriptor, uint64_t journal_inode);
bool lock_other_journal_is_held(int descriptor, uint64_t journal_inode);
bool lock_any_journal_is_held(int descriptor);

#endif
