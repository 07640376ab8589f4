/* forked.h: whether this process is not the one that made a mark, but a child that got it by
 * fork. Knows no queue.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_FORKED_H
#define SLOTQ_BACKEND_SYSTEM_FORKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All zero: no mark, and not inherited. */
typedef struct fork_mark {
    uint8_t *page; /* its first byte is 0 in a child; NULL where the system has no such pages */
    pid_t maker;   /* used where page is NULL */
} fork_mark;

void fork_mark_make(fork_mark *mark);

/* For marks without a page: by the process's number. */
bool fork_mark_is_of_another(const fork_mark *mark);

/* Cheap where there is a page: one look at memory. */
static inline bool fork_mark_is_inherited(const fork_mark *mark)
{
    if (mark->page != NULL) {
        return __atomic_load_n(mark->page, __ATOMIC_ACQUIRE) == 0;
    }
    return fork_mark_is_of_another(mark);
}

/* In a child: the mark is its own from now on, and inherited by its children. */
void fork_mark_renew(fork_mark *mark);

void fork_mark_drop(fork_mark *mark);

#endif
