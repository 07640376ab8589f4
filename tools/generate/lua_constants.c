/* lua_constants.c: prints every constant that the Lua scripts may use, a name and a value a line,
 * from the definitions the C core is compiled with. Knows names only; values are the headers'.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/frame.h"
#include "core/later.h"
#include "core/limits.h"
#include "layout/fields.h"
#include "layout/slot.h"
#include "layout/word.h"
#include "slotq_types.h"

typedef struct constant {
    const char *name;
    uint64_t value;
} constant;

#define IS(name) {#name, (uint64_t)(name)},

static const constant constants[] = {
#define SLOTQ_FIELD(part, field, offset, bytes, meaning)                                           \
    IS(AT_##part##_##field) IS(BYTES_##part##_##field)
#include "layout/fields.def"
#undef SLOTQ_FIELD
    /* parts */
    IS(HEADER_BYTES) IS(GEOMETRY_CHECK_FROM) IS(GEOMETRY_CHECK_BYTES) IS(GEOMETRY_END)
    IS(GEOMETRY_BYTES)
    IS(GROUPS_OFFSET) IS(GROUP_BYTES) IS(GROUP_STATE_BYTES)
    IS(ASIDE_ENTRY_BYTES)
    IS(RING_KEY_BYTES) IS(ASIDE_KEY_BYTES) IS(LATER_KEY_BYTES) IS(BUCKET_BYTES) IS(KEY_CHAIN_MAX)
    IS(KEY_BYTES)
    IS(DEAD_ENTRY_BYTES) IS(LATER_ENTRY_BYTES) IS(WORD_BYTES) IS(LENGTH_BYTES)
    IS(STAMP_BYTES) IS(CHECK_BYTES) IS(SWEEP_NONE) IS(DUE_NONE)
    IS(MAGIC_VERSION_1) IS(MAGIC_SHARDED) IS(WAKE_FOR_MESSAGE) IS(WAKE_FOR_ROOM) IS(WAKE_COUNT_ONE)
    IS(WAKE_RING_BELL) IS(NUDGE_DUE_MS)
    IS(ROW_HEAD_BYTES) IS(WANTS_BYTES) IS(PLACES_RUNG_MAX) IS(PLACES_RANK_MS)
    /* words */
    IS(WORD_ATTEMPTS_MAX) IS(WORD_ACKED) IS(WORD_DEAD) IS(WORD_REMOVED) IS(WORD_OTHER_GROUP)
    IS(SLOTQ_STATE_READY) IS(SLOTQ_STATE_LEASED) IS(SLOTQ_STATE_WAITING) IS(SLOTQ_STATE_DONE)
    IS(SLOTQ_WHY_ACKED) IS(SLOTQ_WHY_DEAD) IS(SLOTQ_WHY_REMOVED) IS(SLOTQ_WHY_OTHER_GROUP)
    /* bounds */
    IS(HEAD_OTHER_DONE_MAX) IS(LOOK_WORDS_MAX) IS(BURIALS_MAX) IS(ROUNDS_MAX)
    IS(PROMOTIONS_MAX) IS(HEAP_CHILDREN)
    IS(TOKEN_NEAR_TICKS) IS(DEAD_FULL_RETRY_MS) IS(HALF_RANGE_TICKS)
    /* limits */
    IS(SLOTQ_RING_SLOTS_MIN) IS(SLOTQ_RING_SLOTS_MAX)
    IS(SLOTQ_PAYLOAD_BYTES_MAX) IS(SLOTQ_GROUPS_MAX) IS(SLOTQ_MAX_ATTEMPTS_MAX)
    IS(SLOTQ_NOTE_BYTES_MAX)
    IS(SLOTQ_TICK_MS_MAX) IS(SLOTQ_CALL_MESSAGES_MAX) IS(SLOTQ_CALL_BYTES_MAX)
    IS(SLOTQ_CALL_KEYS_MAX)
    IS(SLOTQ_IMAGE_BYTES_MAX) IS(SLOTQ_IMAGE_BYTES_MIN) IS(SLOTQ_LEASE_TICKS_MAX)
    IS(SLOTQ_PLACES_MAX)
    IS(SLOTQ_ALL_GROUPS) IS(SLOTQ_NOW_MS_MAX) IS(SLOTQ_ID_MAX)
    IS(SLOTQ_RATE_INTERVAL_US_MAX) IS(RATE_IN_MS)
    IS(SLOTQ_LIMIT_LEASED) IS(SLOTQ_LIMIT_RATE) IS(SLOTQ_LIMIT_BURST) IS(SLOTQ_LIMIT_ALL)
    IS(SLOT_GAP_BYTES_MAX) IS(SLOT_CUT_FROM_BYTES)
    /* flags, pauses, reasons */
    IS(SLOTQ_FLAG_OVERWRITE) IS(SLOTQ_FLAG_CHECKS) IS(SLOTQ_FLAG_KEYS)
    IS(SLOTQ_FLAG_DEAD_OVERWRITE) IS(SLOTQ_FLAG_STAMPS) IS(SLOTQ_FLAGS_ALL)
    IS(SLOTQ_KEY_IN_RING) IS(SLOTQ_KEY_ASIDE) IS(SLOTQ_KEY_SCHEDULED)
    IS(SLOTQ_PAUSE_IN) IS(SLOTQ_PAUSE_OUT) IS(SLOTQ_PAUSE_BOTH)
    IS(SLOTQ_PAUSE_CLOSED) IS(SLOTQ_PAUSE_ALL) IS(SLOTQ_SHARDS_MAX)
    IS(SLOTQ_REASON_LEASE_ENDED) IS(SLOTQ_REASON_DAMAGED)
    /* outcome bytes of a packed settle */
    IS(SLOTQ_OK) IS(SLOTQ_STALE) IS(SLOTQ_GONE) IS(SLOTQ_NOTFOUND) IS(SLOTQ_DEADFULL)
};

/* Numbers that are always arguments of GETRANGE and SETRANGE: as text, because the server prints a
 * Lua number with 17 digits of a double at each call. */
static const constant texts[] = {
    {"OFFSET_OF_HEAD", AT_header_head},
    {"END_OF_SHARED", GROUPS_OFFSET - 1},
    {"OFFSET_OF_WAKE", AT_shared_wake},
    {"OFFSET_OF_LATER_DUE", AT_shared_later_due_ms},
    {"END_OF_FIRST_GROUP", GROUPS_OFFSET + GROUP_BYTES - 1},
    {"END_OF_FOUR_GROUPS", GROUPS_OFFSET + GROUP_BYTES * 4 - 1},
    {"END_OF_GROUPS", GROUPS_OFFSET + GROUP_BYTES * SLOTQ_GROUPS_MAX - 1},
};

int main(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf("%s '%" PRIu64 "'\n", texts[i].name, texts[i].value);
    }
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        printf("%s %" PRIu64 "\n", constants[i].name, constants[i].value);
    }
    printf("WORD_ACKED_BYTES '\\%d\\0\\0\\0'\n", WORD_ACKED);
#define SLOTQ_CODE(name, number, kind, exit_code, text) printf("TEXT_%s '%s'\n", #name, text);
#include "errors.def"
#undef SLOTQ_CODE
    /* what lua.sh holds a script's flags against */
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    printf("EFFECT_OF_%s %s\n", #script, #effect);
#include "verbs.def"
#undef SLOTQ_VERB
    /* not verbs of one queue: they write, and what they write needs no memory */
    puts("EFFECT_OF_unwait WRITES");
    puts("EFFECT_OF_nudge WRITES");
    puts("EFFECT_OF_hush WRITES");
    puts("EFFECT_OF_move WRITES");
    puts("EFFECT_OF_change WRITES"); /* a few bytes */
    puts("EFFECT_OF_delete WRITES");
    return 0;
}
