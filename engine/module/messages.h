/* messages.h: the messages that a client sends: payloads, or packed slots, and their keys; their
 * limits. Must not know where they go.
 */
#ifndef SLOTQ_MODULE_MESSAGES_H
#define SLOTQ_MODULE_MESSAGES_H

#include "call.h"

/* What a push or schedule carries; it stays valid until the next one is read. */
typedef struct module_messages {
    const slotq_data *data;
    const uint64_t *keys; /* NULL: no message has one */
    slotq_key_mode key_mode;
    uint32_t count;
} module_messages;

/* Each word from `first` on, or one of `step`; most: messages that fit at all. */
bool messages_read(module_call *call, uint32_t first, uint32_t step, uint32_t most,
                   module_messages *messages);

/* `count` packed slots in the word `index`. */
bool messages_read_packed(module_call *call, uint32_t index, uint64_t count, uint32_t most,
                          module_messages *messages);

/* The keys of messages: a word each, before its payload; or one word for all. */
bool messages_read_keys(module_call *call, uint32_t mode_at, uint32_t first,
                        module_messages *messages);
bool messages_read_packed_keys(module_call *call, uint32_t mode_at, uint32_t index,
                               module_messages *messages);

/* The key of a single message, by the mode once; length 0: it has none. */
bool messages_take_key(module_call *call, const uint8_t *bytes, size_t length,
                       module_messages *messages);

/* Push them, and reply. False: it was refused. */
bool messages_push(module_call *call, const module_messages *messages, bool waits);

/* A payload must follow each key. */
bool messages_expect_pairs(module_call *call, uint32_t first);

/* A key of 8 bytes. */
bool messages_read_key(module_call *call, uint32_t index, uint64_t *key);

/* OK or DUPLICATE, the message from 0, then as find. */
void messages_reply_duplicate(module_call *call, const slotq_key_holder *taken);
void messages_reply_holder(module_call *call, const slotq_key_holder *holder);

#endif
