/* assert.h: assertions for mistakes in this code, also on in release. Bad input is an outcome,
 * never an assertion.
 */
#ifndef SLOTQ_LAYOUT_ASSERT_H
#define SLOTQ_LAYOUT_ASSERT_H

#ifdef SLOTQ_NO_ASSERT /* coverage builds: an assertion's other branch is never taken */
#define SLOTQ_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#else
#define SLOTQ_ASSERT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)
#endif

#endif
