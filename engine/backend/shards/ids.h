/* ids.h: ids of a sharded queue: the shard's number and the id in that shard, as one number and as
 * text (SHARDS.md, "Ids"). Later ids likewise. Knows no queue.
 */
#ifndef SLOTQ_BACKEND_SHARDS_IDS_H
#define SLOTQ_BACKEND_SHARDS_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARDS_ID_TEXT_BYTES = 24 }; /* "1023-140737488355327" and a 0 at its end */

/* shard is below SLOTQ_SHARDS_MAX; id is 1 to SLOTQ_ID_MAX. */
uint64_t shards_id_of(uint32_t shard, uint64_t id);

/* Take a number apart. false: no id of a sharded queue that has so many shards, and nothing is set;
 * so is the bare id of a single queue. */
bool shards_id_split(uint64_t whole, uint32_t shards, uint32_t *shard, uint64_t *id);

/* "3-1042", with a 0 at its end; returns its length. whole is what shards_id_of gave. */
size_t shards_id_print(char text[SHARDS_ID_TEXT_BYTES], uint64_t whole);

/* The same of any number: one that is not an id of a shard is printed as it is. */
void shards_id_text(char text[SHARDS_ID_TEXT_BYTES], uint64_t id);

/* Read that text: digits without a leading zero. false: it is something else, and *whole stays. */
bool shards_id_read(const char *text, size_t bytes, uint64_t *whole);

#endif
