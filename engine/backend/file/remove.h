/* remove.h: deletes queue files that no process has open. Knows names, and which queue it is; no
 * message.
 */
#ifndef SLOTQ_BACKEND_FILE_REMOVE_H
#define SLOTQ_BACKEND_FILE_REMOVE_H

#include "../backend.h"

/* Delete a queue that no process has open, and its journal. OK, NOQUEUE, LOCKED, IO; SHARDED: it is
 * a descriptor, and stays. */
slotq_outcome file_remove(const char *folder, const char *queue, store_fault *fault);

/* The same for a shard. OK, also if there is nothing; EXISTS: another queue is there, and stays;
 * CORRUPT: it is damaged, and stays, because it does not tell whose it is.
 * With if_finished only if it is closed and empty; AGAIN: it is not, and stays. */
slotq_outcome file_remove_shard(const char *folder, const char *queue, uint32_t set, uint16_t shard,
                                bool if_finished, store_fault *fault);

/* Whether a process has the queue open: LOCKED; else OK. */
slotq_outcome file_refuse_open(const char *folder, const char *queue, store_fault *fault);

#endif
