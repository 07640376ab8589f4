/* descriptors.h: keeps the library's descriptors above 2. A daemon that closed its standard streams
 * gives 0, 1 and 2 to the next files that are opened, and what it prints then goes into them.
 * Knows descriptors; knows no queue.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_DESCRIPTORS_H
#define SLOTQ_BACKEND_SYSTEM_DESCRIPTORS_H

/* Moves a descriptor that was just opened with O_CLOEXEC to a number above 2; locks and flags stay
 * with it. Returns the number, or -1 with errno; then the descriptor is closed. A negative
 * descriptor (the open failed) comes back as it is, errno untouched. */
int descriptor_lift(int descriptor);

#endif
