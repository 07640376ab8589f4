/* store.c: the verbs of a store in a file: lock, steps, unlock, wake. What makes a step whole is
 * in step.c, what opens a file in open.c. Knows no rule about messages.
 */
#define _GNU_SOURCE
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../layout/bytes.h"
#include "../../layout/fields.h"
#include "open.h"
#include "section.h"
#include "step.h"
#include "../harvest.h"
#include "../sleepers.h"
#include "journal.h"
#include "../system/identity.h"
#include "../system/monotonic.h"
#include "../system/waiting.h"

enum { LOOK_EVERY_MS = 1000 };
enum { LIST_HOLD_US = 50000 }; /* verbs of a list that took so long let others in */

typedef struct file_store {
    store base;
    file_image *image;
    uint64_t looked_ms; /* now of the call that last looked whether the file is still there */
    uint32_t wake_seen;
    uint32_t sleeps_for;
    waiting_word beside; /* where it sleeps beside others, if it sleeps for something */
    slotq_step step;
} file_store;

static file_store *self_of(store *base)
{
    return (file_store *)(void *)base;
}

/* No other caller can use the bytes: exclusive, and no other store of this process. */
static bool is_alone(const file_image *image)
{
    return image->options.exclusive && __atomic_load_n(&image->stores, __ATOMIC_ACQUIRE) == 1;
}

static slotq_outcome enter(const file_store *self, bool *locked, store_fault *fault)
{
    file_image *image = self->image;
    *locked = image->journal != NULL && !is_alone(image);
    return *locked ? file_section_enter(image, &self->base, fault) : SLOTQ_OK;
}

static void leave(file_image *image, bool locked)
{
    if (locked) {
        file_section_leave(image);
    }
}

static bool file_keeps_still(const store *base)
{
    const file_store *self = (const file_store *)(const void *)base;
    return is_alone(self->image) && !(base->view.geometry.flags & SLOTQ_FLAG_OVERWRITE) &&
           base->view.geometry.aside_slots == 0;
}

static slotq_outcome run_steps(file_store *self, slotq_call *call, sleepers_news *news,
                               store_fault *fault)
{
    slotq_outcome outcome;
    bool begun = false;
    do {
        outcome = slotq_core_step(&self->base.view, call, &self->step);
        const slotq_outcome applied = file_image_apply(self->image, &self->step, fault);
        if (applied != SLOTQ_OK) { /* of a verb begun, steps stay: it may count as done */
            fault->outcome = begun ? SLOTQ_OUTCOME_UNKNOWN : applied;
            return fault->outcome;
        }
        begun = begun || self->step.patch_count > 0;
        sleepers_note(news, &self->step);
    } while (outcome == SLOTQ_MORE);
    return outcome;
}

/* What may be refused without a look at the bytes. */
static slotq_outcome refuse_early(const file_store *self, const slotq_call *call,
                                  store_fault *fault)
{
    file_image *image = self->image;
    if (image->options.read_only && !slotq_core_verb_only_reads(call->verb)) {
        return fault_read_only(fault, image->names.shown, slotq_core_verb_name(call->verb));
    }
    const slotq_outcome outcome = file_section_admit(image, fault);
    return outcome == SLOTQ_OK ? file_image_refuse_unfit(image, fault) : outcome;
}

/* Once a second: the file is still there. */
static slotq_outcome look_at_times(file_store *self, uint64_t now_ms, store_fault *fault)
{
    const uint64_t since_ms = now_ms - self->looked_ms;
    if (now_ms == 0 || since_ms < LOOK_EVERY_MS || -since_ms < LOOK_EVERY_MS) {
        return SLOTQ_OK; /* a rough now may lie before a fine one */
    }
    self->looked_ms = now_ms;
    return file_image_look(self->image, fault);
}

/* Alone with the bytes. The queue was deleted; or another one was written into the file: its words
 * are not those that the caller's tokens come from. */
static slotq_outcome refuse_remade(const file_store *self, store_fault *fault)
{
    if (self->image->journal != NULL && *journal_removed(self->image->journal) != 0) {
        return fault_removed(fault, self->image->names.shown);
    }
    const uint8_t *generation = self->image->bytes + AT_geometry_generation;
    if (load_u32(generation) == self->base.view.geometry.generation) {
        return SLOTQ_OK;
    }
    return fault_say(fault, SLOTQ_REMADE,
                     "another queue was written into %s while it was open. Nothing happened. Close "
                     "it, drop all ids, tokens and batches, and open it again",
                     self->image->names.shown);
}

/* Before the lock is left: if this process dies first, a recovery wakes all. */
static void wake_and_register(file_store *self, const slotq_call *call, const sleepers_news *news,
                              slotq_outcome outcome)
{
    const sleepers all = file_sleepers(self->image);
    if (self->base.sleeps_beside) {
        self->sleeps_for = sleepers_kind_beside(call, outcome);
        if (self->sleeps_for != 0) {
            self->beside = sleepers_register_beside(&all, self->sleeps_for);
        }
    } else if (outcome != SLOTQ_OK) {
        self->wake_seen = waiting_look(self->image->bytes + AT_shared_wake);
        self->sleeps_for = sleepers_kind(call, outcome);
        *all.may_sleep |= self->sleeps_for;
    }
    sleepers_wake(&all, news);
}

/* Alone with the bytes. */
static slotq_outcome call_inside(file_store *self, slotq_call *call, store_harvest *harvest,
                                 store_fault *fault)
{
    store *base = &self->base;
    sleepers_news news = {0};
    store_set_now(base, call); /* no earlier: the lock may have been waited for */
    slotq_outcome outcome = look_at_times(self, call->now_ms, fault);
    if (outcome == SLOTQ_OK) {
        outcome = refuse_remade(self, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    fault->outcome = SLOTQ_OK;
    outcome = run_steps(self, call, &news, fault);
    if (harvest != NULL && outcome == SLOTQ_OK) {
        harvest_take(&base->view, call, file_keeps_still(base), harvest);
    }
    if (self->image->journal != NULL) {
        wake_and_register(self, call, &news, outcome);
    }
    return outcome;
}

static slotq_outcome told(const file_store *self, slotq_outcome outcome, const slotq_call *call,
                          store_fault *fault)
{
    return outcome == SLOTQ_CORRUPT && fault->outcome == SLOTQ_OK
               ? fault_damage(fault, outcome, self->image->names.shown, &call->damage)
               : outcome;
}

static slotq_outcome file_call(store *base, slotq_call *call, store_harvest *harvest,
                               store_fault *fault)
{
    file_store *self = self_of(base);
    bool locked;
    slotq_outcome outcome = refuse_early(self, call, fault);
    if (outcome == SLOTQ_OK) {
        outcome = enter(self, &locked, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = call_inside(self, call, harvest, fault);
    leave(self->image, locked);
    return told(self, outcome, call, fault);
}

/* What a list holds. */
typedef struct list_hold {
    bool locked;
    uint64_t since_us;
} list_hold;

static slotq_outcome hold_begin(const file_store *self, const slotq_call *call, list_hold *hold,
                                store_fault *fault)
{
    bool locked = false;
    slotq_outcome outcome = refuse_early(self, call, fault);
    if (outcome == SLOTQ_OK) {
        outcome = enter(self, &locked, fault);
    }
    hold->locked = outcome == SLOTQ_OK && locked;
    hold->since_us = monotonic_us();
    return outcome;
}

/* Between two verbs: others that wait get in where a verb waits for the disk, or the verbs before
 * took long. */
static slotq_outcome let_others_in(const file_store *self, const slotq_call *next, list_hold *hold,
                                   store_fault *fault)
{
    const bool is_slow =
        self->image->options.sync_always || monotonic_us() - hold->since_us >= LIST_HOLD_US;
    if (!hold->locked || !is_slow) {
        return SLOTQ_OK;
    }
    leave(self->image, true);
    return hold_begin(self, next, hold, fault);
}

static slotq_outcome file_list(store *base, store_list *list, store_fault *fault)
{
    file_store *self = self_of(base);
    list_hold hold;
    slotq_outcome failed = hold_begin(self, &list->calls[0], &hold, fault);
    if (failed != SLOTQ_OK) {
        for (uint32_t i = 0; i < list->count; i++) {
            list->outcomes[i] = failed;
        }
        return failed;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        slotq_call *call = &list->calls[i];
        store_harvest *harvest = i + 1 == list->count ? list->harvest : NULL;
        if (failed == SLOTQ_OK && i > 0) {
            failed = let_others_in(self, call, &hold, fault);
        }
        list->outcomes[i] = store_left_out(failed, harvest);
        if (failed == SLOTQ_OK) {
            list->outcomes[i] = told(self, call_inside(self, call, harvest, fault), call, fault);
            failed = store_call_failed(list->outcomes[i]) ? list->outcomes[i] : SLOTQ_OK;
        }
    }
    leave(self->image, hold.locked);
    return list->outcomes[list->count - 1];
}

static slotq_outcome file_wait(store *base, uint64_t sleep_ms, store_fault *fault)
{
    file_store *self = self_of(base);
    waiting_sleep(self->image->bytes + AT_shared_wake, self->wake_seen, self->sleeps_for, sleep_ms,
                  true);
    return file_image_look(self->image, fault);
}

static bool file_word(store *base, waiting_word *word)
{
    const file_store *self = self_of(base);
    *word = self->beside;
    return self->sleeps_for != 0;
}

/* Where the word is the same, no sleeper was woken. */
static void file_leave(store *base)
{
    file_store *self = self_of(base);
    const uint32_t kind = self->base.sleeps_beside ? self->sleeps_for : 0;
    store_fault ignored;
    slotq_call call;
    slotq_run none;
    bool locked;
    self->sleeps_for = self->base.sleeps_beside ? 0 : self->sleeps_for;
    if (kind == 0 || waiting_look(self->beside.at) == self->beside.seen) {
        return;
    }
    const sleepers all = file_sleepers(self->image);
    if (sleepers_look(&all, &call, kind, &none)) {
        (void)file_call(base, &call, NULL, &ignored);
    } else if (enter(self, &locked, &ignored) == SLOTQ_OK) {
        sleepers_pass_on(&all, kind);
        leave(self->image, locked);
    }
}

/* A verb that changes wake at this moment, holding the lock, makes it another word too: this change
 * may then be lost, and the sleep still ends. */
static void file_interrupt(store *base)
{
    file_image *image = self_of(base)->image;
    if (!image->options.read_only) { /* which never waits, and may not write */
        waiting_stir(image->bytes + AT_shared_wake, WAKE_COUNT_ONE, true);
    }
}

/* Enter an image that no sync failed on and whose file is still there. */
static slotq_outcome enter_fit(const file_store *self, bool *locked, store_fault *fault)
{
    slotq_outcome outcome = file_section_admit(self->image, fault);
    if (outcome == SLOTQ_OK) {
        outcome = file_image_refuse_unfit(self->image, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = file_image_look(self->image, fault);
    }
    return outcome == SLOTQ_OK ? enter(self, locked, fault) : outcome;
}

static slotq_outcome file_check(store *base, slotq_damage *damage, store_fault *fault)
{
    file_image *image = self_of(base)->image;
    bool locked;
    slotq_outcome outcome = enter_fit(self_of(base), &locked, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const slotq_outcome remade = refuse_remade(self_of(base), fault);
    outcome = remade == SLOTQ_OK ? slotq_core_check(&base->view, damage) : remade;
    leave(image, locked);
    if (outcome == SLOTQ_CORRUPT) {
        return fault_damage(fault, outcome, image->names.shown, damage);
    }
    return outcome;
}

static slotq_outcome file_export(store *base, uint8_t *buffer, store_fault *fault)
{
    file_image *image = self_of(base)->image;
    bool locked;
    slotq_outcome outcome = enter_fit(self_of(base), &locked, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = refuse_remade(self_of(base), fault);
    if (outcome == SLOTQ_OK) {
        memcpy(buffer, image->bytes, base->view.image_bytes);
    }
    leave(image, locked);
    return outcome;
}

/* Leave no record behind that the next opener would have to replay. */
static void retire_last(file_image *image)
{
    store_fault ignored;
    const bool locked = !image->options.exclusive;
    if (!locked || file_section_enter(image, NULL, &ignored) == SLOTQ_OK) {
        if (journal_is_live(image->journal)) {
            (void)file_image_retire(image, RETIRE_LEFT, &ignored);
        }
        leave(image, locked);
    }
}

static void file_close(store *base)
{
    file_image *image = self_of(base)->image;
    store_fault ignored;
    free(self_of(base));
    if (__atomic_sub_fetch(&image->stores, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (image->options.sync_always && !image->options.read_only &&
        !life_is_inherited(&image->life) && /* in a child the step is its parent's */
        file_image_refuse_unfit(image, &ignored) == SLOTQ_OK) {
        retire_last(image);
    }
    file_image_close(image);
}

static slotq_outcome file_clone(store *base, uint32_t timeout_ms, store **other,
                                store_fault *fault);

static const store_ops file_ops = {
    .call = file_call,
    .list = file_list,
    .wait = file_wait,
    .word = file_word,
    .interrupt = file_interrupt,
    .leave = file_leave,
    .keeps_still = file_keeps_still,
    .check = file_check,
    .export = file_export,
    .clone = file_clone,
    .close = file_close,
};

/* As far as the system tells a file from another that took its place. */
static uint64_t identity_of(const file_image *image)
{
    struct stat facts;
    journal_owner owner;
    if (fstat(image->descriptor, &facts) != 0 ||
        !journal_owner_of(image->descriptor, image->bytes, &owner)) {
        return identity_of_memory(image);
    }
    const uint64_t parts[] = {(uint64_t)facts.st_dev, owner.inode, owner.birth_ns};
    return identity_mix(0, parts, sizeof parts);
}

static file_store *make_store(file_image *image, store_fault *fault)
{
    file_store *made =
        calloc(1, sizeof *made); /* its scratch ends up in the journal: no heap there */
    if (made == NULL) {
        fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes", sizeof *made);
        return NULL;
    }
    made->base.ops = &file_ops;
    made->base.view = image->view;
    made->base.identity = identity_of(image);
    made->base.wants_now = true; /* to look now and then whether the file is still there */
    made->image = image;
    return made;
}

static slotq_outcome file_clone(store *base, uint32_t timeout_ms, store **other, store_fault *fault)
{
    file_image *image = self_of(base)->image;
    (void)timeout_ms; /* no server; the owner bounds the wait for the lock */
    const slotq_outcome outcome = file_section_admit(image, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    file_store *made = make_store(image, fault);
    if (made == NULL) {
        return SLOTQ_NOMEMORY;
    }
    __atomic_fetch_add(&image->stores, 1, __ATOMIC_RELAXED);
    *other = &made->base;
    return SLOTQ_OK;
}

slotq_outcome file_open(const char *folder, const char *queue, const file_options *options,
                        store **opened, store_fault *fault)
{
    file_image *image;
    const slotq_outcome outcome = file_image_open(folder, queue, options, &image, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    file_store *made = make_store(image, fault);
    if (made == NULL) {
        file_image_close(image);
        return SLOTQ_NOMEMORY;
    }
    *opened = &made->base;
    return SLOTQ_OK;
}
