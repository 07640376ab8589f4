/* life.c: see life.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../system/descriptors.h"
#include "../system/monotonic.h"
#include "lock.h"
#include "locks.h"

enum {
    TAKE_TRIES = 1000,
    PAGE_BYTES = 1, /* mapped and unmapped as the page that holds it */
    STACK_BYTES = 256 * 1024,
    THREAD_GRACE_US = 5000
};

#define COUNTER_MASK (LIFE_OF_THREAD - 1)

/* ---- fork ---- */

/* From open to close the description of a life has a descriptor, which a child must not get. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t gate_once = PTHREAD_ONCE_INIT;
static int gate_failed;

static void shut_gate(void)
{
    pthread_mutex_lock(&gate);
}

static void open_gate(void)
{
    pthread_mutex_unlock(&gate);
}

static void guard_gate(void)
{
    gate_failed = pthread_atfork(shut_gate, open_gate, open_gate);
}

static bool gate_is_guarded(void)
{
    const int failed = pthread_once(&gate_once, guard_gate);
    errno = failed != 0 ? failed : gate_failed;
    return errno == 0;
}

/* ---- an id, locked through a separate description ---- */

static life_answer open_again(const life_place *place, int *descriptor)
{
    struct stat known;
    struct stat found;
    *descriptor = descriptor_lift(openat(place->folder, place->name,
                                         O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (*descriptor < 0) {
        return errno == ENOENT ? LIFE_MOVED : LIFE_FAILED;
    }
    life_answer answer = LIFE_FAILED;
    if (fstat(place->descriptor, &known) == 0 && fstat(*descriptor, &found) == 0) {
        const bool same = known.st_ino == found.st_ino && known.st_dev == found.st_dev;
        answer = same ? LIFE_TAKEN : LIFE_MOVED;
    }
    if (answer != LIFE_TAKEN) {
        const int system_errno = errno;
        close(*descriptor);
        errno = system_errno;
    }
    return answer;
}

/* The next free id with these bits. 0: errno says why there is none. */
static uint32_t lock_next(const life_place *place, int descriptor, uint32_t bits)
{
    for (uint32_t i = 0; i < TAKE_TRIES; i++) {
        const uint32_t count = __atomic_fetch_add(place->next_id, 1, __ATOMIC_RELAXED);
        const uint32_t id = (count & COUNTER_MASK) | bits;
        if ((count & COUNTER_MASK) == 0 || id == LOCK_DUE) {
            continue;
        }
        switch (lock_id(descriptor, id)) {
        case LOCK_REFUSED:
            continue; /* the counter came round, and this one still lives */
        case LOCK_FAILED:
            return 0;
        default:
            break;
        }
        if ((__atomic_load_n(place->word, __ATOMIC_ACQUIRE) & LOCK_ID_MASK) != id) {
            return id;
        }
        lock_leave_id(descriptor, id); /* its dead owner must be seen to be dead */
    }
    errno = EAGAIN;
    return 0;
}

/* ---- held by a mapping ---- */

/* errno of a page that a child would get; 0 and the page else. */
static int map_own(int descriptor, void **page)
{
    *page = mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_SHARED, descriptor, 0);
    if (*page == MAP_FAILED) {
        *page = NULL;
        return errno;
    }
    if (madvise(*page, PAGE_BYTES, MADV_DONTFORK) != 0) {
        munmap(*page, PAGE_BYTES);
        *page = NULL;
    }
    return 0;
}

/* UNHELD: the file system does not do it. */
static life_answer hold_by_mapping(life *self, const life_place *place)
{
    int descriptor;
    life_answer answer = open_again(place, &descriptor);
    if (answer != LIFE_TAKEN) {
        return answer;
    }
    self->id = lock_next(place, descriptor, 0);
    int failed = self->id == 0 ? errno : map_own(descriptor, &self->page);
    close(descriptor);
    if (failed == 0 && self->page != NULL) {
        switch (lock_id_state(place->descriptor, self->id)) {
        case LOCK_IS_HELD:
            return LIFE_TAKEN;
        case LOCK_IS_UNKNOWN:
            failed = errno;
            break;
        default:
            break;
        }
        munmap(self->page, PAGE_BYTES);
        self->page = NULL;
    }
    self->id = 0;
    errno = failed;
    return failed == 0 ? LIFE_UNHELD : LIFE_FAILED;
}

/* ---- held by a thread ---- */

typedef struct holding {
    life *self;
    const life_place *place;
    int descriptor;
    int failed;
    life_answer answer;
} holding;

#ifdef SYS_close_range

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2u
#endif

/* A table of descriptors of this thread alone, with nothing in it but one: the thread must not keep
 * open what the process closes. */
static bool keep_only(int descriptor)
{
    const unsigned kept = (unsigned)descriptor;
    if (syscall(SYS_close_range, kept + 1, ~0u, CLOSE_RANGE_UNSHARE) != 0) {
        return false;
    }
    return kept == 0 || syscall(SYS_close_range, 0u, kept - 1, 0u) == 0;
}

#else

static bool keep_only(int descriptor)
{
    (void)descriptor;
    errno = ENOSYS;
    return false;
}

#endif

static life_answer hold_in_thread(holding *with)
{
    if (!keep_only(with->place->folder)) {
        return LIFE_UNHELD;
    }
    /* the ordinary descriptor is not seen in here: that it is the same file is told by the lock */
    with->descriptor =
        descriptor_lift(openat(with->place->folder, with->place->name,
                               O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    close(with->place->folder);
    if (with->descriptor < 0) {
        return errno == ENOENT ? LIFE_MOVED : LIFE_FAILED;
    }
    with->self->id = lock_next(with->place, with->descriptor, LIFE_OF_THREAD);
    return with->self->id == 0 ? LIFE_FAILED : LIFE_TAKEN;
}

static void *run_thread(void *context)
{
    holding *with = context;
    life_thread *own = &with->self->thread;
    with->answer = hold_in_thread(with);
    with->failed = errno;
    const bool taken = with->answer == LIFE_TAKEN;
    const int descriptor = with->descriptor;
    sem_post(&own->ready); /* with is gone after this */
    while (taken && sem_wait(&own->over) != 0) {
    }
    if (descriptor >= 0) {
        close(descriptor); /* the system would, but only after this thread was joined */
    }
    return NULL;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) { /* a signal */
    }
}

static void end_thread(life_thread *thread)
{
    sem_post(&thread->over);
    (void)pthread_join(thread->thread, NULL);
    sem_destroy(&thread->ready);
    sem_destroy(&thread->over);
    thread->runs = false;
}

/* 0 or an errno. No signal of the process must land in it. */
static int start_thread(life_thread *thread, holding *with)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0) {
        return failed;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread->thread, &attributes, run_thread, with);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

static life_answer hold_by_thread(life *self, const life_place *place)
{
    holding with = {.self = self, .place = place, .descriptor = -1, .answer = LIFE_UNHELD};
    if (sem_init(&self->thread.ready, 0, 0) != 0 || sem_init(&self->thread.over, 0, 0) != 0) {
        return LIFE_UNHELD;
    }
    const int failed = start_thread(&self->thread, &with);
    if (failed != 0) {
        errno = failed;
        return LIFE_UNHELD;
    }
    self->thread.runs = true;
    wait_for(&self->thread.ready);
    if (with.answer == LIFE_TAKEN) {
        if (lock_id_state(place->descriptor, self->id) == LOCK_IS_HELD) {
            return LIFE_TAKEN;
        }
        with.answer = LIFE_MOVED; /* that was another file */
        with.failed = 0;
    }
    end_thread(&self->thread);
    self->id = 0;
    errno = with.failed;
    return with.answer;
}

/* ---- lives ---- */

static life_answer take(life *self, const life_place *place)
{
    self->id = 0;
    self->page = NULL;
    self->thread.runs = false;
    const life_answer answer = hold_by_mapping(self, place);
    return answer == LIFE_UNHELD ? hold_by_thread(self, place) : answer;
}

life_answer life_take(life *self, const life_place *place)
{
    if (!gate_is_guarded()) {
        return LIFE_FAILED;
    }
    shut_gate();
    const life_answer answer = take(self, place);
    const int system_errno = errno;
    if (answer == LIFE_TAKEN) {
        fork_mark_make(&self->mark); /* before any child can be made */
    }
    open_gate();
    errno = system_errno;
    return answer;
}

life_answer life_take_again(life *self, const life_place *place)
{
    life_answer answer = LIFE_TAKEN;
    shut_gate();
    if (life_is_inherited(self)) {
        answer = take(self, place); /* the parent's page is not mapped here */
        if (answer == LIFE_TAKEN) {
            fork_mark_renew(&self->mark);
        }
    }
    const int system_errno = errno;
    open_gate();
    errno = system_errno;
    return answer;
}

void life_end(life *self)
{
    if (self->id != 0 && !life_is_inherited(self)) {
        if (self->thread.runs) {
            end_thread(&self->thread);
        }
        if (self->page != NULL) {
            munmap(self->page, PAGE_BYTES);
        }
    }
    fork_mark_drop(&self->mark);
    self->id = 0;
    self->page = NULL;
}

bool life_is_over(int descriptor, uint32_t own, uint32_t owner)
{
    if (lock_id_state(descriptor, owner) != LOCK_IS_FREE ||
        lock_id_state(descriptor, own) != LOCK_IS_HELD) {
        return false;
    }
    if ((owner & LIFE_OF_THREAD) != 0) { /* the other threads may be a moment behind */
        sleep_us(THREAD_GRACE_US);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return true;
}
