/* fault.c: see fault.h.
 */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *errno_text(int system_errno)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(system_errno);
    return text != NULL ? text : "unknown error";
#else
    return strerror(system_errno);
#endif
}

static void begin(store_fault *fault, slotq_outcome outcome, int system_errno)
{
    fault->outcome = outcome;
    fault->system_errno = system_errno;
    fault->offset = 0;
    fault->cause = SLOTQ_CAUSE_QUEUE;
    fault->passes = false;
}

void fault_end_at_word(char *text, size_t size, int wanted)
{
    static const char dots[] = " ...";
    if (wanted < 0 || (size_t)wanted < size || size <= 2 * sizeof dots) {
        return;
    }
    size_t end = size - sizeof dots;
    while (end > size / 2 && text[end] != ' ') {
        end--;
    }
    end = text[end] == ' ' ? end : size - sizeof dots; /* one long word */
    memcpy(text + end, dots, sizeof dots);
}

slotq_outcome fault_say(store_fault *fault, slotq_outcome outcome, const char *format, ...)
{
    va_list arguments;
    begin(fault, outcome, 0);
    va_start(arguments, format);
    const int wanted = vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    fault_end_at_word(fault->text, sizeof fault->text, wanted);
    return outcome;
}

slotq_outcome fault_system(store_fault *fault, int system_errno, const char *format, ...)
{
    va_list arguments;
    begin(fault, system_errno == ENOMEM ? SLOTQ_NOMEMORY : SLOTQ_IO, system_errno);
    va_start(arguments, format);
    const int written = vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    if (written >= 0 && (size_t)written < sizeof fault->text) {
        (void)snprintf(fault->text + written, sizeof fault->text - (size_t)written, ": %s",
                       errno_text(system_errno));
    }
    return fault->outcome;
}

slotq_outcome fault_away(store_fault *fault)
{
    fault->outcome = SLOTQ_CONNECT;
    fault->cause = SLOTQ_CAUSE_AWAY;
    fault->passes = true;
    return SLOTQ_CONNECT;
}

slotq_outcome fault_caused(store_fault *fault, slotq_cause cause)
{
    fault->cause = cause;
    return fault->outcome;
}

slotq_outcome fault_exists(store_fault *fault, const char *name, const slotq_geometry *there)
{
    return fault_say(fault, SLOTQ_EXISTS,
                     "%.200s exists with another geometry (slots %u, payload %u, groups %u, dead "
                     "%u, later %u, aside %u, places %u, note-bytes %u, max-attempts %u, flags %u, "
                     "tick %u): use it, choose another name, or remove it first",
                     name, there->ring_slots - 1u, there->payload_bytes, there->groups,
                     there->dead_slots, there->later_slots, there->aside_slots, there->places,
                     there->note_bytes, there->max_attempts, there->flags, there->tick_ms);
}

slotq_outcome fault_damage(store_fault *fault, slotq_outcome outcome, const char *name,
                           const slotq_damage *damage)
{
    if (outcome == SLOTQ_SHARDED) {
        return fault_say(fault, outcome,
                         "%s is a sharded queue, whose messages are in several queues. Nothing "
                         "happened. Use a client that knows sharded queues",
                         name);
    }
    const char *remedy =
        outcome == SLOTQ_VERSION
            ? "Use the version of slotq that made it."
            : "Nothing was written. Move the bytes away, look at them with slotq dump, and "
              "continue with a backup or a new queue.";
    fault_say(fault, outcome, "%s is %s at byte %llu: %s. %s", name,
              outcome == SLOTQ_VERSION ? "of another version" : "damaged",
              (unsigned long long)damage->offset, damage->what, remedy);
    fault->offset = damage->offset;
    return outcome;
}

slotq_outcome fault_remade(store_fault *fault)
{
    return fault_say(fault, SLOTQ_REMADE,
                     "the queue was made anew (deleted and created again, or restored) since this "
                     "handle opened it. Nothing happened. Drop all ids, tokens and batches from "
                     "before; the next call works on the new queue");
}

slotq_outcome fault_removed(store_fault *fault, const char *name)
{
    return fault_say(fault, SLOTQ_NOQUEUE,
                     "%s was deleted while it was open. Nothing happened. Close it", name);
}

slotq_outcome fault_read_only(store_fault *fault, const char *name, const char *verb)
{
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "%s was opened for reading only, and %s changes it: open it for writing", name,
                     verb);
}
