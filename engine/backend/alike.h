/* alike.h: compares the sizes of two queues. Knows geometries; no bytes of messages.
 */
#ifndef SLOTQ_BACKEND_ALIKE_H
#define SLOTQ_BACKEND_ALIKE_H

#include "../slotq_types.h"

/* They differ at most in the generation. */
bool geometries_are_alike(const slotq_geometry *one, const slotq_geometry *other);

#endif
