/* grab.h: taking a share of an envelope in one script. Knows the three keys of an envelope; must
 * not know how a share is paid.
 */
#ifndef EXAMPLES_REDENVELOPE_GRAB_H
#define EXAMPLES_REDENVELOPE_GRAB_H

#include <stdint.h>

#include <slotq_redis.h>

/* One hash tag, so that a cluster keeps them on one node: a key without braces is its own tag. */
#define GRAB_QUEUE "envelope:7"           /* the queue of shares to be paid: "user cents" */
#define GRAB_TAKERS "{envelope:7}:takers" /* a hash: the users with a share, and its message id */
#define GRAB_SHARES "{envelope:7}:shares" /* a list of cents */
enum { GRAB_PAYLOAD_BYTES = 32 };

/* The queue's geometry: a share is retried until it is paid, without a limit of attempts. */
slotq_geometry grab_geometry(uint32_t shares);
/* A handle on the queue. Exits with 1 if it cannot be opened. */
slotq *grab_open(const char *url);

/* The text of the script; the caller frees it. KEYS: takers, shares, queue; ARGV: user. Replies:
 * TOOK cents id, ALREADY, EMPTY, or the error of push, and then nothing has changed. */
char *grab_text(void);

typedef enum grab_outcome { GRAB_TOOK, GRAB_ALREADY, GRAB_EMPTY, GRAB_REFUSED } grab_outcome;

/* A user grabs: *cents and *id are set after GRAB_TOOK. GRAB_REFUSED: by the queue. Exits
 * with 1 if the server fails. */
grab_outcome grab_share(slotq_script *script, struct redisContext *context, uint32_t user,
                        uint64_t *cents, uint64_t *id);

#endif
