/* keys.c: keys of messages: the hash of a name, the search, and what to say of keys that a call
 * gave.
 */
#include "keys.h"

#include "../slotq_shards.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LOW_BYTE = 0xFF };

uint64_t slotq_key(const void *name, size_t size)
{
    if (name == NULL || size == 0) {
        return 0;
    }
    const uint64_t key =
        XXH3_64bits(name, size); /* NOLINT: xxhash.h asks the analyser about NULL */
    return (key & LOW_BYTE) == 0 ? key | 1 : key;
}

static slotq_outcome refuse_lack(slotq *queue, const char *closing)
{
    return queue_refuse(queue, SLOTQ_INVALID,
                        "this queue has no room for keys: create one with them (--keys, "
                        "SLOTQ_FLAG_KEYS). %s",
                        closing);
}

slotq_outcome slotq_find(slotq *queue, uint64_t key, slotq_key_holder *holder)
{
    slotq_call call;
    if (queue == NULL || holder == NULL) {
        return queue_refuse_null(queue);
    }
    if (!(queue->geometry.flags & SLOTQ_FLAG_KEYS)) {
        return refuse_lack(queue, "Nothing was searched.");
    }
    if ((key & LOW_BYTE) == 0) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "0x%016llx is not a key: slotq_key makes keys, whose low byte is not 0",
                            (unsigned long long)key);
    }
    slotq_core_begin(&call, SLOTQ_FIND, STORE_TIME);
    call.find = (slotq_call_find){.key = key};
    const slotq_outcome outcome = queue_call(queue, &call);
    if (outcome == SLOTQ_OK) {
        *holder = call.find.holder;
    }
    if (outcome == SLOTQ_NOTFOUND) {
        return queue_refuse(queue, outcome,
                            "no message has this key: there never was one, or its slot was used "
                            "again");
    }
    return outcome;
}

slotq_outcome queue_refuse_taken(slotq *queue, const slotq_key_holder *holder, const char *closing)
{
    char id[SLOTQ_ID_TEXT_BYTES];
    (void)slotq_id_print(id, holder->id);
    const unsigned long number = (unsigned long)holder->message + 1;
    if (holder->place == SLOTQ_KEY_SCHEDULED) {
        return queue_refuse(queue, SLOTQ_DUPLICATE,
                            "the key of message %lu is taken: the scheduled message with the later "
                            "id %s has it. %s",
                            number, id, closing);
    }
    return queue_refuse(queue, SLOTQ_DUPLICATE,
                        "the key of message %lu is taken: message %s has it, which is %s. %s",
                        number, id, holder->is_unfinished ? "not finished" : "finished", closing);
}

slotq_outcome queue_refuse_unconfirmed(slotq *queue)
{
    return queue_refuse(queue, SLOTQ_UNCONFIRMED,
                        "the message was in the queue already, and too few replicas or disks have "
                        "confirmed that within the time: a failover or a crash of the machine now "
                        "could lose it");
}

/* The number of keys that are not 0. */
static uint32_t count_keys(const uint64_t *keys, uint32_t count)
{
    uint32_t given = 0;
    for (uint32_t i = 0; i < count; i++) {
        given += keys[i] != 0;
    }
    return given;
}

slotq_outcome queue_judge_keys(slotq *queue, const uint64_t *keys, uint32_t count,
                               slotq_key_mode mode, const char *closing)
{
    const uint32_t given = count_keys(keys, count);
    if (given == 0) {
        return SLOTQ_OK;
    }
    if (!(queue->geometry.flags & SLOTQ_FLAG_KEYS)) {
        return refuse_lack(queue, closing);
    }
    if (mode > SLOTQ_KEY_RESEND) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a key mode of %u is out of range: 1 (unique), 2 (once) and 3 (resend) "
                            "are possible. %s",
                            (unsigned)mode, closing);
    }
    if (given > SLOTQ_CALL_KEYS_MAX) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "%lu messages of this call have keys: up to %d are possible. %s",
                            (unsigned long)given, SLOTQ_CALL_KEYS_MAX, closing);
    }
    if (mode == SLOTQ_KEY_RESEND && keys[0] == 0) {
        return queue_refuse(queue, SLOTQ_INVALID,
                            "a call that may be repeated (resend) is told by the key of its first "
                            "message, which has none. %s",
                            closing);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i] != 0 && (keys[i] & LOW_BYTE) == 0) {
            return queue_refuse(queue, SLOTQ_INVALID,
                                "the key of message %lu, 0x%016llx, is not one: slotq_key makes "
                                "keys, whose low byte is not 0. %s",
                                (unsigned long)i + 1, (unsigned long long)keys[i], closing);
        }
    }
    return SLOTQ_OK;
}

slotq_outcome queue_refuse_twice(slotq *queue, const queue_additions *added, const char *closing)
{
    const uint64_t *keys = added->keys;
    for (uint32_t i = 1; keys != NULL && i < added->count; i++) {
        for (uint32_t j = 0; keys[i] != 0 && j < i; j++) {
            if (keys[i] == keys[j]) {
                return queue_refuse(queue, SLOTQ_INVALID,
                                    "messages %lu and %lu have the same key. %s",
                                    (unsigned long)j + 1, (unsigned long)i + 1, closing);
            }
        }
    }
    return SLOTQ_OK;
}
