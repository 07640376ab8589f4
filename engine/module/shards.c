/* shards.c: see commands.h. Here: the two values of a sharded queue that come and go as a whole:
 * its descriptor and its shards (SHARDS.md).
 */
#include <string.h>

#include "../layout/descriptor.h"
#include "commands.h"

enum { HEAD_BYTES = 32 };

/* ---- keys ---- */

/* The key is not there, or an empty string; otherwise it stays closed for those that open it. */
static bool is_missing(module_call *call)
{
    server_key *key = server.OpenKey(call->context, call->key_name, SERVER_READ);
    const int type = key != NULL ? server.KeyType(key) : SERVER_KEY_EMPTY;
    const bool missing =
        type == SERVER_KEY_EMPTY || (type == SERVER_KEY_STRING && server.ValueLength(key) == 0);
    if (key != NULL) {
        server.CloseKey(key);
    }
    return missing;
}

/* As plain commands do it: `value` takes the place of what is there, or nothing does. The reply was
 * given, and the event is the last act: it may lead to another command. */
static void replace(module_call *call, server_string *value)
{
    server_context *context = call->context;
    server_string *name = call->key_name;
    if (value != NULL) {
        server.StringSet(call->key, value);
        server.Replicate(context, "SET", "ss", name, value);
    } else {
        server.UnlinkKey(call->key);
        server.Replicate(context, "UNLINK", "s", name);
    }
    server.SignalModifiedKey(context, name);
    server.CloseKey(call->key);
    call->key = NULL;
    call->is_ended = true;
    server.NotifyKeyspaceEvent(context,
                               value != NULL ? SERVER_NOTIFY_STRING : SERVER_NOTIFY_GENERIC,
                               value != NULL ? "set" : "del", name);
}

/* ---- delete ---- */

/* Closed, and without any message. */
static bool is_finished(const module_call *call)
{
    const uint8_t *bytes = call->bytes;
    return (bytes[AT_shared_paused] & SLOTQ_PAUSE_CLOSED) != 0 &&
           load_u16(bytes + AT_header_head) == load_u16(bytes + AT_header_tail) &&
           bytes[AT_shared_aside_count] == 0 && load_u16(bytes + AT_shared_dead_count) == 0 &&
           load_u16(bytes + AT_shared_later_count) == 0;
}

void command_delete(module_call *call)
{
    uint64_t set;
    uint64_t shard;
    bool finished;
    if (!call_number(call, 0, "set", 1, UINT32_MAX, &set) ||
        !call_number(call, 1, "shard", 0, SLOTQ_SHARDS_MAX - 1, &shard) ||
        !call_flag(call, 2, "finished", &finished)) {
        return;
    }
    if (is_missing(call)) {
        reply_status(call, SLOTQ_OK);
        return;
    }
    if (!call_open(call)) {
        return;
    }
    if (call->view.geometry.set != set || call->view.geometry.shard != shard) {
        reply_line(call, "OTHER");
    } else if (finished && !is_finished(call)) {
        reply_line(call, "UNFINISHED");
    } else {
        reply_status(call, SLOTQ_OK);
        replace(call, NULL);
    }
}

/* ---- change ---- */

static bool may_be_descriptor(const uint8_t *bytes, size_t length, size_t least)
{
    return length >= least && bytes_begin_descriptor(bytes, length);
}

static bool read_change(module_call *call)
{
    size_t old_bytes;
    size_t new_bytes;
    const uint8_t *old = call_word(call, 0, &old_bytes);
    const uint8_t *new = call_word(call, 1, &new_bytes);
    const bool same = old_bytes == new_bytes && memcmp(old, new, old_bytes) == 0;
    /* one that is damaged may be shorter than its head */
    if (old_bytes > 0 &&
        (old_bytes > HEAD_BYTES || !may_be_descriptor(old, old_bytes, DESCRIPTOR_BEGIN_BYTES))) {
        return call_invalid(call, "old must be '' or the first 32 bytes of a descriptor");
    }
    return (!same && (new_bytes == 0 || may_be_descriptor(new, new_bytes, HEAD_BYTES))) ||
           call_invalid(call, "new must be '' or a descriptor, and old or new must be given");
}

/* The first bytes of the key, which is opened; none if it is not there. False: refused. */
static bool open_there(module_call *call, const uint8_t **there, size_t *length)
{
    *length = 0;
    *there = (const uint8_t *)"";
    call->key = server.OpenKey(call->context, call->key_name, SERVER_READ | SERVER_WRITE);
    const int type = server.KeyType(call->key);
    if (type == SERVER_KEY_STRING && server.ValueLength(call->key) > 0) {
        *there = (const uint8_t *)server.StringDMA(call->key, length, SERVER_READ);
        *length = *length < HEAD_BYTES ? *length : HEAD_BYTES;
    }
    return type == SERVER_KEY_EMPTY || type == SERVER_KEY_STRING ||
           call_error(call, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void command_change(module_call *call)
{
    size_t old_bytes;
    size_t new_bytes;
    size_t length;
    const uint8_t *there;
    if (!read_change(call) || !open_there(call, &there, &length)) {
        return;
    }
    const uint8_t *old = call_word(call, 0, &old_bytes);
    call_word(call, 1, &new_bytes);
    if (old_bytes == 0 && length > 0) {
        call_refuse_with(call, SLOTQ_EXISTS, ": use it, or remove it first");
    } else if (length != old_bytes || memcmp(there, old, length) != 0) {
        reply_status(call, SLOTQ_AGAIN);
    } else {
        reply_status(call, SLOTQ_OK);
        replace(call, new_bytes > 0 ? call->words[1] : NULL);
    }
}
