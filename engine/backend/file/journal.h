/* journal.h: NAME.slotq-journal, mapped: the lock of a queue file, and one record of a step's
 * visible patches that makes the step whole. Knows patches and bytes; no verb, and of files only
 * the journal and the identity of its main file.
 *
 *   offset  bytes
 *        0    4   magic, the bytes SLQJ
 *        4    4   version of this layout, 2
 *        8    4   byte order of the machine that uses the lock: 0x01020304 as it stores it
 *       12    4   geometry_check of the main file
 *       16    8   inode of the main file
 *       24    8   its birth time in ns; 0 where the file system keeps none
 *       32    8   its size
 *       40    4   XXH32 of bytes 0 to 39
 *       64    4   the lock's word (lock.h), set to 0 by the first opener
 *       68    4   the next user's id (life.h), set to 1 by the first opener
 *       72    4   callers that may sleep (sleepers.h), set to 0 by the first opener; advice
 *       76   76   the same for callers that sleep on several queues at once, and their words
 *      152    4   1: the queue was deleted while it was open; under the lock
 *      192    4   live: 0, or LIVE while the record counts
 *      256   20   record: patch count, scratch bytes, 1 = checked, XXH32, 0
 *      276    …   16 bytes a patch (offset, length, source, kind), then the scratch
 *
 * Little-endian except bytes 64 to 155, so any machine can read the rest. Version 1 had a mutex of
 * 128 bytes for the lock; it is replaced if no record is live. A live record is replayed by any
 * process that finds it beside its main file, and beside a copy if the user asks for it (adopt.h).
 * It holds values, not changes, so replaying it twice is harmless.
 */
#ifndef SLOTQ_BACKEND_FILE_JOURNAL_H
#define SLOTQ_BACKEND_FILE_JOURNAL_H

#include "../../slotq_core.h"
#include "../fault.h"

enum {
    JOURNAL_BYTES = 4096,
    JOURNAL_AT_LOCK = 64,
    JOURNAL_BESIDE_BYTES = 76,
    JOURNAL_AT_REMOVED = 152,
    JOURNAL_AT_LIVE = 192,
    JOURNAL_AT_RECORD = 256,
    JOURNAL_RECORD_HEAD_BYTES = 20,
    JOURNAL_PATCH_BYTES = 16
};

/* The main file that a journal belongs to. */
typedef struct journal_owner {
    uint64_t inode;
    uint64_t birth_ns;
    uint64_t bytes;
    uint32_t geometry_check;
} journal_owner;

/* What a journal's header says. */
typedef enum journal_state {
    JOURNAL_OURS,
    JOURNAL_FOREIGN,      /* of another main file */
    JOURNAL_DAMAGED,      /* not a journal, or its header's XXH32 is wrong */
    JOURNAL_OF_VERSION_1, /* the same record, another lock */
    JOURNAL_OTHER_VERSION
} journal_state;

/* Facts of an open main file whose first 32 bytes are there. false: errno says why. */
bool journal_owner_of(int main_descriptor, const uint8_t *image, journal_owner *owner);

/* Write a fresh header (lock left, no record) for an owner into JOURNAL_BYTES bytes. */
void journal_bind(uint8_t *journal, const journal_owner *owner);

journal_state journal_judge(const uint8_t *journal, const journal_owner *owner);

/* A foreign one whose main file had this geometry and size: it may be the one this was copied
 * from. */
bool journal_may_fit(const uint8_t *journal, const journal_owner *owner);

/* The lock is used by programs of this machine's byte order. */
bool journal_is_of_this_order(const uint8_t *journal);

/* A free lock, the first id, and no sleepers, for a journal that no process uses now. */
void journal_reset_lock(uint8_t *journal);

/* The lock's word, and the counter of ids. */
static inline uint32_t *journal_lock_word(uint8_t *journal)
{
    return (uint32_t *)(void *)(journal + JOURNAL_AT_LOCK);
}

static inline uint32_t *journal_next_id(uint8_t *journal)
{
    return (uint32_t *)(void *)(journal + JOURNAL_AT_LOCK + sizeof(uint32_t));
}

/* Callers that may sleep; under the lock or alone. */
static inline uint32_t *journal_may_sleep(uint8_t *journal)
{
    return (uint32_t *)(void *)(journal + JOURNAL_AT_LOCK + 2 * sizeof(uint32_t));
}

/* Whether the queue was deleted; under the lock. */
static inline uint32_t *journal_removed(uint8_t *journal)
{
    return (uint32_t *)(void *)(journal + JOURNAL_AT_REMOVED);
}

/* sleepers_beside of sleepers.h. */
static inline uint8_t *journal_beside(uint8_t *journal)
{
    return journal + JOURNAL_AT_LOCK + 3 * sizeof(uint32_t);
}

/* ---- the record; under the lock or alone ---- */

bool journal_is_live(const uint8_t *journal);

/* Patches of the record, as it says. */
uint32_t journal_patch_count(const uint8_t *journal);

/* Write the visible patches of a step, with an XXH32 if checked; then make it live: from that
 * store on the step has happened. */
void journal_write(uint8_t *journal, const slotq_step *step, bool checked);

/* The record does not count any more. */
void journal_clear(uint8_t *journal);

/* The record that was cleared last counts again. Nothing may have been written over it. */
void journal_revive(uint8_t *journal);

typedef enum journal_replay_answer {
    JOURNAL_REPLAYED,
    JOURNAL_TORN,  /* its XXH32 is wrong: it never was whole, nothing was done */
    JOURNAL_BROKEN /* it breaks its rules: nothing was done */
} journal_replay_answer;

/* Apply the live record to an image of `bytes` bytes. Does not clear it. */
journal_replay_answer journal_replay(const uint8_t *journal, uint8_t *image, uint64_t bytes);

#endif
