/* place.h: a folder as the place of sharded queues: NAME.slotq is the descriptor, the shards are
 * queue files beside it. Knows files; no rule of SHARDS.md.
 */
#ifndef SLOTQ_BACKEND_FILE_PLACE_H
#define SLOTQ_BACKEND_FILE_PLACE_H

#include "../shards/place.h"
#include "store.h"

/* options: with which shards are opened. OK, NOMEMORY. */
slotq_outcome file_place_open(const char *folder, const file_options *options,
                              shards_place **opened, store_fault *fault);

#endif
