/* journal.c: see journal.h. Everything read back is a copy that is judged before it is used.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "journal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../../layout/assert.h"
#include "../../layout/bytes.h"
#include "../../layout/checksum.h"
#include "../../layout/fields.h"

enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_ORDER = 8,
    AT_GEOMETRY_CHECK = 12,
    AT_INODE = 16,
    AT_BIRTH = 24,
    AT_MAIN_BYTES = 32,
    AT_HEADER_CHECK = 40,
    AT_PATCH_COUNT = JOURNAL_AT_RECORD,
    AT_SCRATCH_BYTES = JOURNAL_AT_RECORD + 4,
    AT_CHECKED = JOURNAL_AT_RECORD + 8,
    AT_RECORD_CHECK = JOURNAL_AT_RECORD + 12,
    AT_PATCHES = JOURNAL_AT_RECORD + JOURNAL_RECORD_HEAD_BYTES,
    VERSION = 2,
    VERSION_WITH_MUTEX = 1,
    COPY_CHUNK_BYTES = 64
};
#define MAGIC UINT32_C(0x4A514C53) /* the bytes S L Q J */
#define ORDER UINT32_C(0x01020304) /* as this machine stores it */
#define LIVE UINT32_C(0x01010101)  /* the same in either byte order */

/* A step with many patches has little scratch beside the blocks of 16 groups, and one that puts
 * keys in has few patches. */
_Static_assert(AT_PATCHES + SLOTQ_STEP_PATCHES * JOURNAL_PATCH_BYTES +
                           SLOTQ_STEP_SCRATCH_OF_OTHERS <=
                       JOURNAL_BYTES &&
                   AT_PATCHES + 8 * JOURNAL_PATCH_BYTES + SLOTQ_STEP_SCRATCH_BYTES <= JOURNAL_BYTES,
               "the largest steps fit a record");
_Static_assert(SLOTQ_STEP_SCRATCH_BYTES % COPY_CHUNK_BYTES == 0, "scratch goes in whole chunks");

/* ---- header ---- */

bool journal_owner_of(int main_descriptor, const uint8_t *image, journal_owner *owner)
{
    struct statx facts;
    if (statx(main_descriptor, "", AT_EMPTY_PATH, STATX_INO | STATX_SIZE | STATX_BTIME, &facts) !=
        0) {
        return false;
    }
    owner->inode = facts.stx_ino;
    owner->birth_ns = 0;
    if (facts.stx_mask & STATX_BTIME) {
        owner->birth_ns = (uint64_t)facts.stx_btime.tv_sec * 1000000000 + facts.stx_btime.tv_nsec;
    }
    owner->bytes = facts.stx_size;
    owner->geometry_check = load_u32(image + AT_geometry_geometry_check);
    return true;
}

void journal_bind(uint8_t *journal, const journal_owner *owner)
{
    store_u32(journal + AT_MAGIC, MAGIC);
    store_u32(journal + AT_VERSION, VERSION);
    const uint32_t order = ORDER;
    memcpy(journal + AT_ORDER, &order, sizeof order);
    store_u32(journal + AT_GEOMETRY_CHECK, owner->geometry_check);
    store_u64(journal + AT_INODE, owner->inode);
    store_u64(journal + AT_BIRTH, owner->birth_ns);
    store_u64(journal + AT_MAIN_BYTES, owner->bytes);
    store_u32(journal + AT_HEADER_CHECK, checksum_xxh32(journal, AT_HEADER_CHECK));
}

journal_state journal_judge(const uint8_t *journal, const journal_owner *owner)
{
    if (load_u32(journal + AT_MAGIC) != MAGIC ||
        load_u32(journal + AT_HEADER_CHECK) != checksum_xxh32(journal, AT_HEADER_CHECK)) {
        return JOURNAL_DAMAGED;
    }
    if (load_u32(journal + AT_VERSION) != VERSION) {
        const bool older = load_u32(journal + AT_VERSION) == VERSION_WITH_MUTEX;
        return older ? JOURNAL_OF_VERSION_1 : JOURNAL_OTHER_VERSION;
    }
    const uint32_t live = load_u32(journal + JOURNAL_AT_LIVE);
    if (live != 0 && live != LIVE) {
        return JOURNAL_DAMAGED;
    }
    const bool ours = load_u64(journal + AT_INODE) == owner->inode &&
                      load_u64(journal + AT_BIRTH) == owner->birth_ns &&
                      load_u64(journal + AT_MAIN_BYTES) == owner->bytes &&
                      load_u32(journal + AT_GEOMETRY_CHECK) == owner->geometry_check;
    return ours ? JOURNAL_OURS : JOURNAL_FOREIGN;
}

bool journal_may_fit(const uint8_t *journal, const journal_owner *owner)
{
    return journal_judge(journal, owner) == JOURNAL_FOREIGN &&
           load_u64(journal + AT_MAIN_BYTES) == owner->bytes &&
           load_u32(journal + AT_GEOMETRY_CHECK) == owner->geometry_check;
}

bool journal_is_of_this_order(const uint8_t *journal)
{
    const uint32_t order = ORDER;
    return memcmp(journal + AT_ORDER, &order, sizeof order) == 0;
}

/* ---- lock ---- */

void journal_reset_lock(uint8_t *journal)
{
    *journal_may_sleep(journal) = 0;
    memset(journal_beside(journal), 0, JOURNAL_BESIDE_BYTES);
    *journal_removed(journal) = 0;
    __atomic_store_n(journal_next_id(journal), 1, __ATOMIC_RELAXED);
    __atomic_store_n(journal_lock_word(journal), 0, __ATOMIC_RELEASE);
}

/* ---- record ---- */

static uint32_t *live_of(uint8_t *journal)
{
    return (uint32_t *)(void *)(journal + JOURNAL_AT_LIVE);
}

bool journal_is_live(const uint8_t *journal)
{
    return load_u32(journal + JOURNAL_AT_LIVE) == LIVE;
}

uint32_t journal_patch_count(const uint8_t *journal)
{
    return load_u32(journal + AT_PATCH_COUNT);
}

void journal_clear(uint8_t *journal)
{
    __atomic_store_n(live_of(journal), 0, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the next record is not begun before */
}

void journal_revive(uint8_t *journal)
{
    __atomic_store_n(live_of(journal), LIVE, __ATOMIC_RELEASE);
}

/* XXH32 of the counts, the patches and the scratch, as they stand. */
static uint32_t record_check(const uint8_t *journal, uint32_t patch_count, uint32_t scratch_bytes)
{
    const uint32_t counts =
        checksum_xxh32(journal + AT_PATCH_COUNT, AT_RECORD_CHECK - AT_PATCH_COUNT);
    return counts ^
           checksum_xxh32(journal + AT_PATCHES, patch_count * JOURNAL_PATCH_BYTES + scratch_bytes);
}

/* The scratch is written and read in whole chunks. */
static bool record_fits(uint32_t patch_count, uint32_t scratch_bytes)
{
    return patch_count <= SLOTQ_STEP_PATCHES && scratch_bytes <= SLOTQ_STEP_SCRATCH_BYTES &&
           patch_count * JOURNAL_PATCH_BYTES + scratch_bytes <=
               JOURNAL_BYTES - AT_PATCHES - (COPY_CHUNK_BYTES - 1);
}

void journal_write(uint8_t *journal, const slotq_step *step, bool checked)
{
    const uint32_t first = step->patch_count - step->visible_count;
    uint8_t *to = journal + AT_PATCHES;
    SLOTQ_ASSERT(record_fits(step->visible_count, step->scratch_used));
    store_u32(journal + AT_PATCH_COUNT, step->visible_count);
    store_u32(journal + AT_SCRATCH_BYTES, step->scratch_used);
    store_u32(journal + AT_CHECKED, checked);
    for (uint32_t i = first; i < step->patch_count; i++) {
        const slotq_patch *patch = &step->patches[i];
        store_u32(to, patch->offset);
        store_u32(to + 4, patch->length);
        store_u32(to + 8, patch->source);
        store_u32(to + 12, (uint32_t)patch->kind);
        to += JOURNAL_PATCH_BYTES;
    }
    for (uint32_t done = 0; done < step->scratch_used; done += COPY_CHUNK_BYTES) {
        memcpy(to + done, step->scratch + done, COPY_CHUNK_BYTES);
    }
    if (checked) {
        store_u32(journal + AT_RECORD_CHECK,
                  record_check(journal, step->visible_count, step->scratch_used));
    }
    __atomic_store_n(live_of(journal), LIVE, __ATOMIC_RELEASE); /* the commit point */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);                    /* no patch is applied before */
}

/* A patch of KEYS: its ranges, and each holder in the ring. */
static bool keys_fit_patch(const slotq_patch *patch, const uint8_t *scratch, uint32_t scratch_bytes)
{
    const uint8_t *head = scratch + patch->source;
    if (patch->source > scratch_bytes || KEYS_HEAD_BYTES > scratch_bytes - patch->source) {
        return false;
    }
    const uint32_t slots = load_u16(head + AT_keys_slots);
    const uint32_t buckets = load_u16(head + AT_keys_buckets);
    const uint32_t count = load_u16(head + AT_keys_count);
    if (buckets == 0 || patch->length != slots * RING_KEY_BYTES + buckets * BUCKET_BYTES ||
        count * KEYS_ITEM_BYTES > scratch_bytes - patch->source - KEYS_HEAD_BYTES) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (load_u16(head + KEYS_HEAD_BYTES + i * KEYS_ITEM_BYTES) >= slots) {
            return false;
        }
    }
    return true;
}

static bool patch_fits(const slotq_patch *patch, uint64_t bytes, const uint8_t *scratch,
                       uint32_t scratch_bytes)
{
    if (patch->length == 0 || patch->offset > bytes || patch->length > bytes - patch->offset) {
        return false;
    }
    const bool before_geometry = patch->offset + patch->length <= AT_geometry_magic;
    if (!before_geometry && patch->offset < GEOMETRY_END) {
        return false; /* the geometry never changes */
    }
    switch (patch->kind) {
    case SLOTQ_PATCH_BYTES:
        return patch->source <= scratch_bytes && patch->length <= scratch_bytes - patch->source;
    case SLOTQ_PATCH_WORDS:
        return patch->length % WORD_BYTES == 0;
    case SLOTQ_PATCH_COPY:
        return patch->source <= bytes && patch->length <= bytes - patch->source &&
               (patch->source + (uint64_t)patch->length <= patch->offset ||
                patch->offset + (uint64_t)patch->length <= patch->source);
    case SLOTQ_PATCH_KEYS:
        return keys_fit_patch(patch, scratch, scratch_bytes);
    default:
        return false;
    }
}

/* The record as the step that it was written from. */
static bool load_step(const uint8_t *journal, uint64_t bytes, slotq_step *step)
{
    const uint8_t *from = journal + AT_PATCHES;
    memset(step, 0, sizeof *step);
    step->patch_count = load_u32(journal + AT_PATCH_COUNT);
    step->scratch_used = load_u32(journal + AT_SCRATCH_BYTES);
    if (step->patch_count < 1 || !record_fits(step->patch_count, step->scratch_used)) {
        return false;
    }
    const uint8_t *scratch = from + step->patch_count * JOURNAL_PATCH_BYTES;
    for (uint32_t i = 0; i < step->patch_count; i++) {
        slotq_patch *patch = &step->patches[i];
        patch->offset = load_u32(from);
        patch->length = load_u32(from + 4);
        patch->source = load_u32(from + 8);
        patch->kind = (slotq_patch_kind)load_u32(from + 12);
        if (!patch_fits(patch, bytes, scratch, step->scratch_used)) {
            return false;
        }
        from += JOURNAL_PATCH_BYTES;
    }
    memcpy(step->scratch, scratch, step->scratch_used);
    return true;
}

journal_replay_answer journal_replay(const uint8_t *journal, uint8_t *image, uint64_t bytes)
{
    uint8_t copy[JOURNAL_BYTES];
    slotq_step step;
    slotq_view view;
    memcpy(copy, journal, sizeof copy);
    const bool fits = load_step(copy, bytes, &step);
    if (load_u32(copy + AT_CHECKED) == 1 &&
        (!fits || load_u32(copy + AT_RECORD_CHECK) !=
                      record_check(copy, step.patch_count, step.scratch_used))) {
        return JOURNAL_TORN; /* the power went before it was synced, so it was not applied */
    }
    if (!fits) {
        return JOURNAL_BROKEN;
    }
    memset(&view, 0, sizeof view);
    view.bytes = image;
    view.image_bytes = (uint32_t)bytes;
    slotq_core_apply(image, &view, &step);
    return JOURNAL_REPLAYED;
}
