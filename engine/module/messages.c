/* messages.c: see messages.h. The limits and texts are those of lua/_sent.lua and lua/_keyed.lua.
 */
#include "messages.h"

#include <inttypes.h>
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"

/* One command at a time: its messages. */
static slotq_data data_of_call[SLOTQ_CALL_MESSAGES_MAX];
static uint64_t keys_of_call[SLOTQ_CALL_MESSAGES_MAX];
static uint32_t cuts_of_call[SLOTQ_CALL_MESSAGES_MAX + 1];

static bool expect_count(module_call *call, uint64_t count, uint32_t most)
{
    return count <= most || call_too_big(call, "at most %" PRIu32 " messages", most);
}

static bool expect_bytes(module_call *call, uint64_t bytes, const char *what)
{
    return bytes <= SLOTQ_CALL_BYTES_MAX || call_invalid(call, "%s", what);
}

/* ---- payloads ---- */

bool messages_read(module_call *call, uint32_t first, uint32_t step, uint32_t most,
                   module_messages *messages)
{
    const uint32_t payload_bytes = call->view.geometry.payload_bytes;
    uint64_t bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = first; i < call->count; i += step) {
        size_t length;
        const uint8_t *payload = call_word(call, i, &length);
        if (length > payload_bytes) {
            return call_too_big(call, "a payload has at most %" PRIu32 " bytes", payload_bytes);
        }
        bytes += length;
        data_of_call[count++] = (slotq_data){payload, (uint32_t)length};
    }
    *messages = (module_messages){data_of_call, NULL, SLOTQ_KEY_NONE, count};
    return expect_count(call, count, most) &&
           expect_bytes(call, bytes, "payloads must have at most 1048576 bytes together");
}

/* ---- slots ---- */

/* Where each cut slot begins. False: the bytes are not `count` of them. */
static bool find_cuts(const module_call *call, const uint8_t *bytes, size_t size, uint32_t count)
{
    const uint32_t payload_bytes = call->view.geometry.payload_bytes;
    const uint32_t head = call->view.stride - payload_bytes;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (size - at < head) {
            return false;
        }
        const uint32_t length = load_u16(bytes + at);
        if (length > payload_bytes || size - at - head < length) {
            return false;
        }
        cuts_of_call[i] = (uint32_t)at;
        data_of_call[i] = (slotq_data){bytes + at + head, length};
        at += head + length;
    }
    cuts_of_call[count] = (uint32_t)at;
    return at == size;
}

/* Whole slots are taken as they are: one may have a length that cannot be. */
static void find_whole(const module_call *call, const uint8_t *bytes, uint32_t count)
{
    const uint32_t payload_bytes = call->view.geometry.payload_bytes;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *slot = bytes + (size_t)i * call->view.stride;
        const uint32_t length = load_u16(slot);
        data_of_call[i] = (slotq_data){slot + call->view.stride - payload_bytes,
                                       length < payload_bytes ? length : payload_bytes};
    }
}

static uint64_t payload_sum(uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += data_of_call[i].size;
    }
    return sum;
}

bool messages_read_packed(module_call *call, uint32_t index, uint64_t count, uint32_t most,
                          module_messages *messages)
{
    size_t size;
    const uint8_t *bytes = call_word(call, index, &size);
    const uint32_t stride = call->view.stride;
    const uint32_t slots = (uint32_t)count; /* at most SLOTQ_CALL_MESSAGES_MAX */
    const bool whole = size == (size_t)slots * stride;
    if (whole) {
        find_whole(call, bytes, slots);
    } else if (!find_cuts(call, bytes, size, slots)) {
        return call_invalid(
            call, "slots must have n times %" PRIu32 " bytes, or each must end after its payload",
            stride);
    }
    call->packed = (module_packed){bytes, whole ? NULL : cuts_of_call};
    *messages = (module_messages){data_of_call, NULL, SLOTQ_KEY_NONE, slots};
    return expect_count(call, slots, most) &&
           expect_bytes(call, payload_sum(slots),
                        "slots must have at most 1048576 bytes of payload");
}

/* ---- keys ---- */

static const char bad_key[] = "a key must have 8 bytes, of which the first is not 0";

static bool store_key(module_call *call, uint32_t message, const uint8_t *bytes, size_t length)
{
    keys_of_call[message] = 0;
    if (length == 0) {
        return true;
    }
    if (length != KEY_BYTES || bytes[0] == 0) {
        return call_invalid(call, "%s", bad_key);
    }
    keys_of_call[message] = load_u64(bytes);
    return true;
}

static bool expect_different(module_call *call, const uint32_t *keyed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (keys_of_call[keyed[i]] == keys_of_call[keyed[j]]) {
                return call_invalid(call, "two messages must not have the same key");
            }
        }
    }
    return true;
}

static bool read_mode(module_call *call, uint32_t mode_at, slotq_key_mode *mode)
{
    if (call_word_is(call, mode_at, "unique")) {
        *mode = SLOTQ_KEY_UNIQUE;
    } else if (call_word_is(call, mode_at, "once")) {
        *mode = SLOTQ_KEY_ONCE;
    } else if (call_word_is(call, mode_at, "resend")) {
        *mode = SLOTQ_KEY_RESEND;
    } else {
        return call_invalid(call, "mode must be unique, once or resend");
    }
    return true;
}

static bool refuse_keys(module_call *call)
{
    return call_invalid(call, "the queue has no keys: create it with flag 4");
}

static bool judge_keys(module_call *call, uint32_t mode_at, module_messages *messages)
{
    uint32_t keyed[SLOTQ_CALL_KEYS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < messages->count; i++) {
        if (keys_of_call[i] != 0 && count++ < SLOTQ_CALL_KEYS_MAX) {
            keyed[count - 1] = i;
        }
    }
    if (count == 0) {
        return true;
    }
    const uint32_t known = count < SLOTQ_CALL_KEYS_MAX ? count : SLOTQ_CALL_KEYS_MAX;
    if (!expect_different(call, keyed, known) || !read_mode(call, mode_at, &messages->key_mode)) {
        return false;
    }
    if (!(call->view.geometry.flags & SLOTQ_FLAG_KEYS)) {
        return refuse_keys(call);
    }
    if (count > SLOTQ_CALL_KEYS_MAX) {
        return call_invalid(call, "at most 256 messages of a call must have keys");
    }
    if (messages->key_mode == SLOTQ_KEY_RESEND && keys_of_call[0] == 0) {
        return call_invalid(call, "the first message must have a key in the mode resend");
    }
    messages->keys = keys_of_call;
    return true;
}

bool messages_read_keys(module_call *call, uint32_t mode_at, uint32_t first,
                        module_messages *messages)
{
    for (uint32_t i = 0; i < messages->count; i++) {
        size_t length;
        const uint8_t *bytes = call_word(call, first + 2 * i, &length);
        if (!store_key(call, i, bytes, length)) {
            return false;
        }
    }
    return judge_keys(call, mode_at, messages);
}

bool messages_read_packed_keys(module_call *call, uint32_t mode_at, uint32_t index,
                               module_messages *messages)
{
    static const uint8_t none[KEY_BYTES];
    size_t length;
    const uint8_t *bytes = call_word(call, index, &length);
    if (length != (size_t)messages->count * KEY_BYTES) {
        return call_invalid(call, "keys must have n times 8 bytes");
    }
    for (uint32_t i = 0; i < messages->count; i++) {
        const uint8_t *key = bytes + (size_t)i * KEY_BYTES;
        const bool is_none = memcmp(key, none, KEY_BYTES) == 0;
        if (!store_key(call, i, key, is_none ? 0 : KEY_BYTES)) {
            return false;
        }
    }
    return judge_keys(call, mode_at, messages);
}

bool messages_take_key(module_call *call, const uint8_t *bytes, size_t length,
                       module_messages *messages)
{
    if (!store_key(call, 0, bytes, length)) {
        return false;
    }
    messages->keys = length > 0 ? keys_of_call : NULL;
    messages->key_mode = length > 0 ? SLOTQ_KEY_ONCE : SLOTQ_KEY_NONE;
    return length == 0 || (call->view.geometry.flags & SLOTQ_FLAG_KEYS) || refuse_keys(call);
}

bool messages_expect_pairs(module_call *call, uint32_t first)
{
    return (call->count - first) % 2 == 0 || call_invalid(call, "a payload must follow each key");
}

bool messages_read_key(module_call *call, uint32_t index, uint64_t *key)
{
    size_t length;
    const uint8_t *bytes = call_word(call, index, &length);
    if (length != KEY_BYTES || bytes[0] == 0) {
        return call_invalid(call, "%s", bad_key);
    }
    *key = load_u64(bytes);
    return true;
}

/* ---- replies ---- */

void messages_reply_holder(module_call *call, const slotq_key_holder *holder)
{
    reply_number(call, (uint64_t)holder->place);
    reply_number(call, holder->id);
    reply_number(call, holder->is_unfinished ? 1 : 0);
}

void messages_reply_duplicate(module_call *call, const slotq_key_holder *taken)
{
    reply_array(call, 5);
    reply_status(call, SLOTQ_DUPLICATE);
    reply_number(call, taken->message);
    messages_reply_holder(call, taken);
}
