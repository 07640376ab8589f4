/* store.c: see memory.h. The image is shared by its stores and goes with the last one. While a
 * store is alone, only its owner can clone it, so no lock is needed. A store that closes releases
 * the count; the store that stays acquires it.
 */
#define _GNU_SOURCE
#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../layout/fields.h"
#include "../harvest.h"
#include "../sleepers.h"
#include "../system/identity.h"
#include "../system/waiting.h"

typedef struct memory_image {
    uint8_t *bytes;
    bool own;
    uint32_t stores; /* atomic */
    uint32_t may_sleep;
    sleepers_beside beside;
    pthread_mutex_t mutex;
} memory_image;

typedef struct memory_store {
    store base;
    memory_image *image;
    uint32_t wake_seen;
    uint32_t sleeps_for;
    waiting_word beside; /* where it sleeps beside others, if it sleeps for something */
    slotq_step step;
} memory_store;

static sleepers sleepers_of(memory_store *self)
{
    memory_image *image = self->image;
    return (sleepers){&self->base.view, &image->may_sleep, &image->beside, false};
}

static bool is_alone(const memory_store *self)
{
    return __atomic_load_n(&self->image->stores, __ATOMIC_ACQUIRE) == 1;
}

static bool memory_keeps_still(const store *base)
{
    const memory_store *self = (const memory_store *)(const void *)base;
    return is_alone(self) && !(base->view.geometry.flags & SLOTQ_FLAG_OVERWRITE) &&
           base->view.geometry.aside_slots == 0;
}

static slotq_outcome run_steps(memory_store *self, slotq_call *call, sleepers_news *news)
{
    slotq_outcome outcome;
    do {
        outcome = slotq_core_step(&self->base.view, call, &self->step);
        slotq_core_apply(self->image->bytes, &self->base.view, &self->step);
        sleepers_note(news, &self->step);
    } while (outcome == SLOTQ_MORE);
    return outcome;
}

/* Alone with the bytes. */
static inline slotq_outcome call_inside(memory_store *self, slotq_call *call,
                                        store_harvest *harvest, bool alone)
{
    store *base = &self->base;
    memory_image *image = self->image;
    sleepers_news news = {0};
    store_set_now(base, call);
    const slotq_outcome outcome = run_steps(self, call, &news);
    if (harvest != NULL && outcome == SLOTQ_OK) {
        harvest_take(&base->view, call, memory_keeps_still(base), harvest);
    }
    const sleepers all = sleepers_of(self);
    if (base->sleeps_beside) {
        self->sleeps_for = sleepers_kind_beside(call, outcome);
        if (self->sleeps_for != 0) {
            self->beside = sleepers_register_beside(&all, self->sleeps_for);
        }
    } else if (outcome != SLOTQ_OK) {
        self->wake_seen = waiting_look(image->bytes + AT_shared_wake);
        self->sleeps_for = sleepers_kind(call, outcome);
    }
    if (!alone) { /* a single store has no other caller to wake */
        image->may_sleep |= outcome == SLOTQ_OK || base->sleeps_beside ? 0 : self->sleeps_for;
        sleepers_wake(&all, &news);
    }
    return outcome;
}

static slotq_outcome told(slotq_outcome outcome, const slotq_call *call, store_fault *fault)
{
    return outcome == SLOTQ_CORRUPT
               ? fault_damage(fault, outcome, "the image in memory", &call->damage)
               : outcome;
}

static slotq_outcome memory_call(store *base, slotq_call *call, store_harvest *harvest,
                                 store_fault *fault)
{
    memory_store *self = (memory_store *)(void *)base;
    const bool alone = is_alone(self);
    if (!alone) {
        pthread_mutex_lock(&self->image->mutex);
    }
    const slotq_outcome outcome = call_inside(self, call, harvest, alone);
    if (!alone) {
        pthread_mutex_unlock(&self->image->mutex);
    }
    return told(outcome, call, fault);
}

static slotq_outcome memory_list(store *base, store_list *list, store_fault *fault)
{
    memory_store *self = (memory_store *)(void *)base;
    const bool alone = is_alone(self);
    slotq_outcome failed = SLOTQ_OK;
    if (!alone) {
        pthread_mutex_lock(&self->image->mutex);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        slotq_call *call = &list->calls[i];
        store_harvest *harvest = i + 1 == list->count ? list->harvest : NULL;
        list->outcomes[i] = store_left_out(failed, harvest);
        if (failed == SLOTQ_OK) {
            list->outcomes[i] = told(call_inside(self, call, harvest, alone), call, fault);
            failed = store_call_failed(list->outcomes[i]) ? list->outcomes[i] : SLOTQ_OK;
        }
    }
    if (!alone) {
        pthread_mutex_unlock(&self->image->mutex);
    }
    return list->outcomes[list->count - 1];
}

static slotq_outcome memory_call_reading(store *base, slotq_call *call, store_harvest *harvest,
                                         store_fault *fault)
{
    if (!slotq_core_verb_only_reads(call->verb)) {
        return fault_read_only(fault, "the queue in memory", slotq_core_verb_name(call->verb));
    }
    return memory_call(base, call, harvest, fault);
}

static slotq_outcome memory_list_reading(store *base, store_list *list, store_fault *fault)
{
    for (uint32_t i = list->count; i > 0; i--) {
        store_harvest *harvest = i == list->count ? list->harvest : NULL;
        list->outcomes[i - 1] = memory_call_reading(base, &list->calls[i - 1], harvest, fault);
    }
    return list->outcomes[list->count - 1];
}

static slotq_outcome memory_wait(store *base, uint64_t sleep_ms, store_fault *fault)
{
    memory_store *self = (memory_store *)(void *)base;
    (void)fault;
    waiting_sleep(self->image->bytes + AT_shared_wake, self->wake_seen, self->sleeps_for, sleep_ms,
                  false);
    return SLOTQ_OK;
}

static bool memory_word(store *base, waiting_word *word)
{
    const memory_store *self = (const memory_store *)(const void *)base;
    *word = self->beside;
    return self->sleeps_for != 0;
}

/* Where the word is the same, no sleeper was woken. */
static void memory_leave(store *base)
{
    memory_store *self = (memory_store *)(void *)base;
    const uint32_t kind = base->sleeps_beside ? self->sleeps_for : 0;
    const sleepers all = sleepers_of(self);
    store_fault ignored;
    slotq_call call;
    slotq_run none;
    self->sleeps_for = base->sleeps_beside ? 0 : self->sleeps_for;
    if (kind == 0 || waiting_look(self->beside.at) == self->beside.seen) {
        return;
    }
    if (sleepers_look(&all, &call, kind, &none)) {
        (void)memory_call(base, &call, NULL, &ignored);
        return;
    }
    pthread_mutex_lock(&self->image->mutex);
    sleepers_pass_on(&all, kind);
    pthread_mutex_unlock(&self->image->mutex);
}

/* A verb that changes wake at this moment, holding the lock, makes it another word too: this change
 * may then be lost, and the sleep still ends. */
static void memory_interrupt(store *base)
{
    memory_store *self = (memory_store *)(void *)base;
    waiting_stir(self->image->bytes + AT_shared_wake, WAKE_COUNT_ONE, false);
}

static slotq_outcome memory_check(store *base, slotq_damage *damage, store_fault *fault)
{
    memory_store *self = (memory_store *)(void *)base;
    pthread_mutex_lock(&self->image->mutex);
    const slotq_outcome outcome = slotq_core_check(&base->view, damage);
    pthread_mutex_unlock(&self->image->mutex);
    if (outcome != SLOTQ_OK) {
        return fault_damage(fault, outcome, "the image in memory", damage);
    }
    return outcome;
}

static slotq_outcome memory_export(store *base, uint8_t *buffer, store_fault *fault)
{
    memory_store *self = (memory_store *)(void *)base;
    (void)fault;
    pthread_mutex_lock(&self->image->mutex);
    memcpy(buffer, self->image->bytes, base->view.image_bytes);
    pthread_mutex_unlock(&self->image->mutex);
    return SLOTQ_OK;
}

static slotq_outcome memory_clone(store *base, uint32_t timeout_ms, store **other,
                                  store_fault *fault)
{
    const memory_store *self = (const memory_store *)(const void *)base;
    (void)timeout_ms; /* no server */
    memory_store *made = malloc(sizeof *made);
    if (made == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *made);
    }
    made->base = *base;
    made->image = self->image;
    made->wake_seen = 0;
    made->sleeps_for = 0;
    made->beside = (waiting_word){0};
    __atomic_fetch_add(&self->image->stores, 1, __ATOMIC_RELAXED);
    *other = &made->base;
    return SLOTQ_OK;
}

static void memory_close(store *base)
{
    memory_store *self = (memory_store *)(void *)base;
    memory_image *image = self->image;
    free(self);
    if (__atomic_sub_fetch(&image->stores, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    pthread_mutex_destroy(&image->mutex);
    if (image->own) {
        free(image->bytes);
    }
    free(image);
}

static const store_ops memory_ops = {
    .call = memory_call,
    .list = memory_list,
    .wait = memory_wait,
    .word = memory_word,
    .interrupt = memory_interrupt,
    .leave = memory_leave,
    .keeps_still = memory_keeps_still,
    .check = memory_check,
    .export = memory_export,
    .clone = memory_clone,
    .close = memory_close,
};

/* Of a handle that may only read: so the call of the others need not ask. */
static const store_ops memory_reading_ops = {
    .call = memory_call_reading,
    .list = memory_list_reading,
    .wait = memory_wait,
    .word = memory_word,
    .interrupt = memory_interrupt,
    .leave = memory_leave,
    .keeps_still = memory_keeps_still,
    .check = memory_check,
    .export = memory_export,
    .clone = memory_clone,
    .close = memory_close,
};

void memory_only_read(store *base)
{
    base->ops = &memory_reading_ops;
}

/* The first store of a buffer; takes an own one over when it answers OK. */
static slotq_outcome make_store(uint8_t *buffer, uint64_t bytes, bool own, store **opened,
                                store_fault *fault)
{
    slotq_damage damage;
    slotq_view view;
    const slotq_outcome outcome = slotq_core_open(&view, buffer, bytes, &damage);
    if (outcome != SLOTQ_OK) {
        return fault_damage(fault, outcome, "the image in memory", &damage);
    }
    memory_store *made = malloc(sizeof *made);
    memory_image *image = malloc(sizeof *image);
    if (made == NULL || image == NULL || pthread_mutex_init(&image->mutex, NULL) != 0) {
        free(image);
        free(made);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *made + sizeof *image);
    }
    image->bytes = buffer;
    image->own = own;
    image->stores = 1;
    image->may_sleep = 0;
    memset(&image->beside, 0, sizeof image->beside);
    /* the whole of it, as the heap gave no zeros: a field that comes later is 0 too */
    made->base = (store){.ops = &memory_ops, .view = view, .identity = identity_of_memory(image)};
    made->image = image;
    made->wake_seen = 0;
    made->sleeps_for = 0;
    made->beside = (waiting_word){0};
    *opened = &made->base;
    return SLOTQ_OK;
}

slotq_outcome memory_open(uint8_t *buffer, uint64_t bytes, const slotq_geometry *geometry,
                          store **opened, store_fault *fault)
{
    if ((uintptr_t)buffer % 8 != 0) {
        return fault_say(fault, SLOTQ_INVALID, "the buffer is not aligned to 8 bytes");
    }
    if (geometry != NULL) {
        const char *what;
        const uint64_t needed = slotq_core_image_bytes(geometry, &what);
        if (needed == 0) {
            return fault_say(fault, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
        }
        if (bytes != needed) {
            return fault_say(fault, SLOTQ_INVALID,
                             "the buffer has %llu bytes; this geometry takes exactly %llu",
                             (unsigned long long)bytes, (unsigned long long)needed);
        }
        memset(buffer, 0, needed);
        (void)slotq_core_create(buffer, (uint32_t)needed, geometry);
    }
    return make_store(buffer, bytes, false, opened, fault);
}

slotq_outcome memory_create(const slotq_geometry *geometry, store **opened, store_fault *fault)
{
    const char *what;
    const uint32_t bytes = slotq_core_image_bytes(geometry, &what);
    if (bytes == 0) {
        return fault_say(fault, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
    }
    uint8_t *buffer = calloc(1, bytes);
    if (buffer == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a queue of %lu bytes",
                         (unsigned long)bytes);
    }
    (void)slotq_core_create(buffer, bytes, geometry);
    const slotq_outcome outcome = make_store(buffer, bytes, true, opened, fault);
    if (outcome != SLOTQ_OK) {
        free(buffer);
    }
    return outcome;
}
