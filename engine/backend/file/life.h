/* life.h: the id of one image of one process in the lock's word, and the proof that its owner
 * lives: an OFD lock on the id's byte that lasts exactly as long as the address space. Knows
 * descriptors, mappings and fork; not the word's protocol (lock.h) nor the journal's layout.
 *
 * A mapping keeps its open file description. So: open the main file once more, lock the byte, map a
 * page of that description, keep the page from children, close the descriptor. The lock is then not
 * inherited by fork, not dropped by a stray close, and freed by exec and by any end of the process.
 * Where a mapping does not keep the description (overlayfs), a thread with separate descriptors
 * holds it; its ids have LIFE_OF_THREAD.
 */
#ifndef SLOTQ_BACKEND_FILE_LIFE_H
#define SLOTQ_BACKEND_FILE_LIFE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "../system/forked.h"

#define LIFE_OF_THREAD (UINT32_C(1) << 29)

/* Where ids are taken: all that is borrowed must last as long as the life. */
typedef struct life_place {
    int descriptor;       /* the ordinary one of the main file */
    int folder;           /* where the main file can be opened once more … */
    const char *name;     /* … by this name */
    uint32_t *next_id;    /* shared by all users of the file */
    const uint32_t *word; /* the lock; an id that stands there is left to be taken over */
} life_place;

/* The thread that holds the lock where no mapping can. */
typedef struct life_thread {
    pthread_t thread;
    sem_t ready;
    sem_t over;
    bool runs;
} life_thread;

typedef struct life {
    uint32_t id; /* 0: none */
    void *page;  /* the mapping that holds it, or NULL */
    life_thread thread;
    fork_mark mark; /* the process that took the id */
} life;

typedef enum life_answer {
    LIFE_TAKEN,
    LIFE_MOVED,  /* the name leads to another file by now */
    LIFE_FAILED, /* errno says why */
    LIFE_UNHELD  /* the mapping does not hold it, and no thread can: errno of the latter */
} life_answer;

/* Take an id. Not to be moved in memory afterwards. */
life_answer life_take(life *self, const life_place *place);

/* In a child that has self by fork: take a separate id; the parent keeps its id. Of several threads
 * that find it inherited one does it. */
life_answer life_take_again(life *self, const life_place *place);

/* Give it up: the last thing that a user of the file does. In a child only forget it. */
void life_end(life *self);

static inline bool life_is_inherited(const life *self)
{
    return fork_mark_is_inherited(&self->mark);
}

/* No thread of this owner runs any more: proved by its byte, which is free, while the same
 * descriptor sees that the byte of own is held. Any error means that it lives. */
bool life_is_over(int descriptor, uint32_t own, uint32_t owner);

#endif
