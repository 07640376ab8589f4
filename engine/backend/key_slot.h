/* key_slot.h: the slot of a key in a Redis Cluster, which tells the node that has the key. Knows
 * the published rule alone.
 */
#ifndef SLOTQ_BACKEND_KEY_SLOT_H
#define SLOTQ_BACKEND_KEY_SLOT_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_SLOTS = 16384 };

/* Of the part between the first brace and the next closing one, if that is not empty, else of the
 * whole key. */
uint32_t key_slot_of(const char *key, size_t key_bytes);

#endif
