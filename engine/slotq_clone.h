/* slotq_clone.h: more handles to an open queue, one for each thread. slotq.h includes it.
 */
#ifndef SLOTQ_CLONE_H
#define SLOTQ_CLONE_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The options of a clone. Fields that are 0 are as in the queue that is cloned. */
typedef struct slotq_clone_options {
    uint32_t timeout_ms; /* Redis: connect_timeout_ms, timeout_ms and reconnect_ms of slotq_redis.h;
                            a file: how long a call may wait for the lock, if for a second at least
                            (then IO with `passes`, and nothing happened) */
    bool copies;         /* as in slotq_options */
    uint64_t reserved[3]; /* 0 */
} slotq_clone_options;

/* Another handle to the same queue, for another thread. It has the options of `queue`: clock,
 * should_stop with the same context, poll_ms, read_only. Called by the thread that has `queue`. OK;
 * UNSUPPORTED: the Redis connection was lent; in Redis also the outcomes of slotq_open. After OK
 * the caller must close *other; otherwise it is NULL. error may be NULL. */
SLOTQ_API slotq_outcome slotq_clone(slotq *queue, slotq **other, slotq_error *error);
/* The same with options (or NULL) that apply to this handle and its clones. */
SLOTQ_API slotq_outcome slotq_clone_with(slotq *queue, const slotq_clone_options *options,
                                         slotq **other, slotq_error *error);

#ifdef __cplusplus
}
#endif
#endif
