/* handler.h: a handler is judged, and copied with its defaults.
 */
#ifndef SLOTQ_WORKER_HANDLER_H
#define SLOTQ_WORKER_HANDLER_H

#include "../slotq_worker.h"

/* OK; INVALID: error names the handler and the field. */
slotq_outcome handler_take(const slotq_handler *given, const char *name, slotq_handler *taken,
                           slotq_error *error);

#endif
