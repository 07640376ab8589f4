/* sharded.h: the shards of a sharded queue as the commands show them: read once, kept, found by
 * number. Knows no bytes of a descriptor; prints no figures.
 */
#ifndef SLOTQ_TOOLS_VERBS_SHARDED_H
#define SLOTQ_TOOLS_VERBS_SHARDED_H

#include "../line/command_line.h"
#include "../say/texts.h"
#include "slotq.h"

/* A slotq_shard that stays. */
typedef struct shard_row {
    uint32_t number;
    slotq_shard_state state;
    char *key;
    char *node; /* "": a folder, or one server */
    uint64_t from_ms;
    uint64_t last_id;
    bool has_stats;
    slotq_stats stats; /* of group 0 */
    uint64_t bytes;
    slotq_outcome outcome;
    char *error; /* why it cannot be read, or NULL */
} shard_row;

typedef struct sharded {
    slotq_shards whole;
    shard_row *rows;
    uint32_t count;
    uint32_t room;
} sharded;

/* Read the shards of a name. OK, and *all is to be freed by sharded_free; UNSUPPORTED: a queue that
 * is alone; else as slotq_shards_visit. */
slotq_outcome sharded_read(const command_line *line, const char *name, sharded *all,
                           slotq_error *error);
void sharded_free(sharded *all);
/* NULL: it has no shard of this number. */
const shard_row *sharded_find(const sharded *all, uint32_t number);

/* OK: the name is that of a sharded queue, also of one that is being made or removed; CORRUPT: its
 * descriptor is damaged; UNSUPPORTED: a queue that is alone; else as slotq_shards_visit. */
slotq_outcome sharded_look(const command_line *line, const char *name, slotq_error *error);

/* What an open queue takes and took in all its shards; of a queue that is alone whole.count is 0. A
 * shard that is opened by its key is a queue that is alone. */
typedef struct sharded_extent {
    slotq_shards whole;
    uint64_t bytes;
    uint64_t pushed; /* since creation; of a queue that is alone 0 */
} sharded_extent;
sharded_extent sharded_extent_of(const command_line *line, const char *name, slotq *queue);
/* Whether an open queue is the whole of a sharded queue. */
bool sharded_is_whole(slotq *queue);
/* Whether an open queue is a single shard; its sharded queue is then called the part of the name
 * before the brace. */
bool sharded_is_part(slotq *queue);

/* After a call that was for all shards: those that are missing had no part in it. */
void sharded_tell_missing(const command_line *line, const char *name, slotq *queue);

/* EXIT_CODE_OK, or another after a message: the queue is a single shard, whose producers do not
 * spread messages, and --shard does not say that this is wanted. */
int sharded_judge_push(const command_line *line, const char *name, slotq *queue);

/* "open", "draining" … */
const char *shard_state_word(slotq_shard_state state);
/* What keeps a shard from being empty: the oldest unfinished message with its group and state,
 * scheduled, dead messages; "" if nothing does. */
typedef struct shard_text {
    char text[240];
} shard_text;
shard_text shard_holdup(const shard_row *row);
/* Messages that must go before it is empty. */
uint64_t shard_left(const shard_row *row);

#endif
