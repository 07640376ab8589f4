/* monotonic.h: the clock that only goes on, and sleeping for a while.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_MONOTONIC_H
#define SLOTQ_BACKEND_SYSTEM_MONOTONIC_H

#include <stdint.h>

/* Since some fixed moment. */
uint64_t monotonic_ms(void);
uint64_t monotonic_us(void);

/* Half to all of a time, so that callers that wait for the same do not return as one. */
uint64_t jittered(uint64_t time);

/* May end early, by a signal. */
void sleep_us(uint64_t us);

#endif
