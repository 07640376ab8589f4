/* locks.c: see locks.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Behind the largest image, within the reach of a signed 64-bit offset. */
#define PRESENCE_AT (INT64_C(1) << 40)
#define EXCLUSIVE_AT (PRESENCE_AT + 1)
#define READER_AT (PRESENCE_AT + 2)
#define IDS_AT (INT64_C(1) << 41)
#define IDS_BYTES (INT64_C(1) << 30)
#define JOURNALS_AT (INT64_C(1) << 62)
#define JOURNALS_BYTES (INT64_C(1) << 61)

_Static_assert(sizeof(off_t) == 8, "locks lie where only 64 bits reach");

static struct flock range(short type, int64_t start, int64_t length)
{
    struct flock lock;
    memset(&lock, 0, sizeof lock); /* l_pid must be 0 */
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = (off_t)start;
    lock.l_len = (off_t)length;
    return lock;
}

static lock_answer take(int descriptor, short type, int64_t at)
{
    struct flock lock = range(type, at, 1);
    if (fcntl(descriptor, F_OFD_SETLK, &lock) == 0) {
        return LOCK_TAKEN;
    }
    return errno == EAGAIN || errno == EACCES ? LOCK_REFUSED : LOCK_FAILED;
}

/* What others hold there: F_UNLCK, F_RDLCK or F_WRLCK. */
static short held_by_others(int descriptor, int64_t at, int64_t length)
{
    struct flock lock = range(F_WRLCK, at, length);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) {
        return F_UNLCK;
    }
    return lock.l_type;
}

static lock_state state_of(int descriptor, int64_t at, int64_t length)
{
    struct flock lock = range(F_WRLCK, at, length);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) {
        return LOCK_IS_UNKNOWN;
    }
    return lock.l_type == F_UNLCK ? LOCK_IS_FREE : LOCK_IS_HELD;
}

static int64_t journal_at(uint64_t inode)
{
    return JOURNALS_AT + (int64_t)(inode & (uint64_t)(JOURNALS_BYTES - 1));
}

lock_answer lock_presence(int descriptor, bool exclusive)
{
    return take(descriptor, exclusive ? F_WRLCK : F_RDLCK, PRESENCE_AT);
}

void lock_leave_presence(int descriptor)
{
    (void)take(descriptor, F_UNLCK, PRESENCE_AT);
}

bool lock_presence_is_exclusive(int descriptor)
{
    return held_by_others(descriptor, PRESENCE_AT, 1) == F_WRLCK;
}

lock_answer lock_mark_exclusive(int descriptor)
{
    return take(descriptor, F_WRLCK, EXCLUSIVE_AT);
}

bool lock_is_marked_exclusive(int descriptor)
{
    return held_by_others(descriptor, EXCLUSIVE_AT, 1) != F_UNLCK;
}

lock_answer lock_mark_reader(int descriptor)
{
    return take(descriptor, F_RDLCK, READER_AT);
}

bool lock_is_marked_reader(int descriptor)
{
    return held_by_others(descriptor, READER_AT, 1) != F_UNLCK;
}

lock_answer lock_id(int descriptor, uint32_t id)
{
    return take(descriptor, F_WRLCK, IDS_AT + (int64_t)id);
}

void lock_leave_id(int descriptor, uint32_t id)
{
    (void)take(descriptor, F_UNLCK, IDS_AT + (int64_t)id);
}

lock_state lock_id_state(int descriptor, uint32_t id)
{
    return state_of(descriptor, IDS_AT + (int64_t)id, 1);
}

lock_state lock_ids_state(int descriptor)
{
    return state_of(descriptor, IDS_AT, IDS_BYTES);
}

lock_answer lock_journal(int descriptor, uint64_t journal_inode)
{
    return take(descriptor, F_RDLCK, journal_at(journal_inode));
}

bool lock_journal_is_held(int descriptor, uint64_t journal_inode)
{
    return held_by_others(descriptor, journal_at(journal_inode), 1) != F_UNLCK;
}

bool lock_other_journal_is_held(int descriptor, uint64_t journal_inode)
{
    const int64_t at = journal_at(journal_inode);
    const int64_t after = JOURNALS_AT + JOURNALS_BYTES - at - 1;
    return (at > JOURNALS_AT &&
            held_by_others(descriptor, JOURNALS_AT, at - JOURNALS_AT) != F_UNLCK) ||
           (after > 0 && held_by_others(descriptor, at + 1, after) != F_UNLCK);
}

bool lock_any_journal_is_held(int descriptor)
{
    return held_by_others(descriptor, JOURNALS_AT, JOURNALS_BYTES) != F_UNLCK;
}
