/* fault.h: the reason of a store's failure: an outcome and a text for people, with the remedy.
 * Knows no queue; the caller supplies what was wrong.
 */
#ifndef SLOTQ_BACKEND_FAULT_H
#define SLOTQ_BACKEND_FAULT_H

#include "../slotq.h"

enum { FAULT_TEXT_BYTES = sizeof(((slotq_error *)0)->text) };

typedef struct store_fault {
    slotq_outcome outcome;
    int system_errno;
    uint64_t offset; /* CORRUPT: where in the image */
    slotq_cause cause;
    bool passes;      /* nothing happened, and the same call may succeed later */
    bool unconfirmed; /* DUPLICATE: the message that has the key is not confirmed either */
    char text[FAULT_TEXT_BYTES];
} store_fault;

/* Shorten a text of size bytes in which a printf of `wanted` bytes was cut: it then ends after a
 * whole word, with "..." instead of the rest. */
void fault_end_at_word(char *text, size_t size, int wanted);

/* Fill the fault and return outcome. The text is one or more sentences, with the remedy. */
__attribute__((format(printf, 3, 4))) slotq_outcome
fault_say(store_fault *fault, slotq_outcome outcome, const char *format, ...);

/* The same for a refused system call: its errno's text is put behind the words. */
__attribute__((format(printf, 3, 4))) slotq_outcome
fault_system(store_fault *fault, int system_errno, const char *format, ...);

/* No server was reached, or it went away, and nothing happened: CONNECT, which passes. The text
 * stands. */
slotq_outcome fault_away(store_fault *fault);

/* The same fault, of this cause; returns its outcome. */
slotq_outcome fault_caused(store_fault *fault, slotq_cause cause);

/* CORRUPT or VERSION of a named queue, with the offset and what to do. SHARDED, without damage. */
slotq_outcome fault_damage(store_fault *fault, slotq_outcome outcome, const char *name,
                           const slotq_damage *damage);

/* EXISTS: a queue of that name, with the sizes that it has. */
slotq_outcome fault_exists(store_fault *fault, const char *name, const slotq_geometry *there);

/* REMADE: another queue has the name now. */
slotq_outcome fault_remade(store_fault *fault);

/* NOQUEUE: the named queue was deleted while it was open. */
slotq_outcome fault_removed(store_fault *fault, const char *name);

/* UNSUPPORTED: the verb would change the named queue, which was opened for reading only. */
slotq_outcome fault_read_only(store_fault *fault, const char *name, const char *verb);

#endif
