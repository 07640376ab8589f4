/* payout.h: the worker that pays shares. Knows the queue of the envelope and the accounts; must not
 * know how shares are taken.
 */
#ifndef EXAMPLES_REDENVELOPE_PAYOUT_H
#define EXAMPLES_REDENVELOPE_PAYOUT_H

#include <stdatomic.h>
#include <sys/types.h>

#define PAYOUT_PAID "{envelope:7}:paid"         /* a hash: message id, user */
#define PAYOUT_BALANCES "{envelope:7}:balances" /* a hash: user, cents */

/* Where a worker may be killed: with a share in hand that is not paid yet, or that is paid and not
 * acked yet. */
typedef enum payout_place { PAYOUT_BEFORE, PAYOUT_AFTER, PAYOUT_PLACES } payout_place;

/* In memory that all processes share. */
typedef struct payout_stage {
    atomic_uint deaths[PAYOUT_PLACES]; /* so many workers are still to be killed there */
    atomic_uint retries;               /* payments that the bank refused the first time */
    atomic_uint repeats;               /* payments that had been made before */
    atomic_bool is_over;
} payout_stage;

/* What a worker that is to be killed writes to the pipe `deaths`; then it waits for the SIGKILL. */
typedef struct payout_death {
    pid_t worker;
    payout_place where;
} payout_death;

/* The whole worker, in its process: reserve, pay, ack; or nack, and the share comes again. Ends the
 * process when is_over is set. */
__attribute__((noreturn)) void payout_run(const char *url, payout_stage *shared, int deaths);

#endif
