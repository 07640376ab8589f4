/* forked.c: see forked.h. A page that the system empties in children needs no call to be asked;
 * without one the process's number is compared.
 */
#define _GNU_SOURCE
#include "forked.h"

#include <sys/mman.h>
#include <unistd.h>

enum { MARK_BYTES = 1 }; /* mapped and unmapped as the page that holds it */

static uint8_t *map_page(void)
{
#if defined(MADV_WIPEONFORK) && defined(MAP_ANONYMOUS)
    uint8_t *page =
        mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return NULL;
    }
    /* systems that take any advice would not wipe: what surely is none must be refused */
    if (madvise(page, MARK_BYTES, -1) == 0 || madvise(page, MARK_BYTES, MADV_WIPEONFORK) != 0) {
        munmap(page, MARK_BYTES);
        return NULL;
    }
    *page = 1;
    return page;
#else
    return NULL;
#endif
}

void fork_mark_make(fork_mark *mark)
{
    mark->maker = getpid();
    mark->page = map_page();
}

bool fork_mark_is_of_another(const fork_mark *mark)
{
    return mark->maker != 0 && mark->maker != getpid();
}

void fork_mark_renew(fork_mark *mark)
{
    mark->maker = getpid();
    if (mark->page != NULL) {
        __atomic_store_n(mark->page, 1, __ATOMIC_RELEASE);
    }
}

void fork_mark_drop(fork_mark *mark)
{
    if (mark->page != NULL) {
        munmap(mark->page, MARK_BYTES);
    }
    mark->page = NULL;
    mark->maker = 0;
}
