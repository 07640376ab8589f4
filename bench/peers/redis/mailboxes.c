/* mailboxes.c: very many very small queues that forget their oldest message, as a user's
 * inbox does: what each takes of used_memory. Knows keys and commands of the contenders that can be
 * one.
 */
#include "redis.h"
#include "stage.h"
#include "../../redis/subjects/draft.h"
#include "../../support/sure.h"

#include <string.h>

/* 25 messages remain of 30. Taken are those of every tenth mailbox: that is enough to tell what
 * they take, and pending entries of all would not fit into small machines. */
enum { HELD = 25, OVERWRITTEN = 5, LEASED_SHARE = 10, WINDOW = 50, KEY_BYTES = 32, PAYLOAD = 32 };

/* Each appends commands for one mailbox, and says how many replies they have. */
typedef struct mailbox_kind {
    uint32_t (*make)(connection *wire, const char *key);
    uint32_t (*push)(connection *wire, const char *key, uint32_t count);
    uint32_t (*take)(connection *wire, const char *key);
} mailbox_kind;

/* A command of words with blanks between them. */
static uint32_t send_words(connection *wire, const char *format, const char *key)
{
    char words[128];
    uint32_t count = 1;
    snprintf(words, sizeof words, format, key);
    for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
        count++;
    }
    draft made = draft_begin();
    draft_command(&made, count);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        draft_put_text(&made, word);
    }
    draft_send(&made, wire);
    return 1;
}

/* ---- slotq ---- */

static draft begin_call(const char *script_name, const char *key, uint32_t arguments)
{
    draft made = draft_begin();
    draft_command(&made, 5 + arguments);
    draft_put_text(&made, "EVALSHA");
    draft_put_text(&made, subject_script_sha1(script_name));
    draft_put_text(&made, "1");
    draft_put_text(&made, key);
    draft_put_text(&made, ""); /* the server's clock */
    return made;
}

static uint32_t slotq_make(connection *wire, const char *key)
{
    const uint32_t words[] = {HELD + 1, PAYLOAD, 0, 0, 1, SLOTQ_FLAG_OVERWRITE, 0, 100, 0, 0, 0, 1};
    draft made = begin_call("create", key, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
        draft_put_number(&made, words[i]);
    }
    draft_send(&made, wire);
    return 1;
}

static uint32_t slotq_mail(connection *wire, const char *key, uint32_t count)
{
    draft made = begin_call("push_packed", key, 2);
    draft_put_number(&made, count);
    char *slot = draft_put_room(&made, (size_t)count * (2 + PAYLOAD));
    for (uint32_t i = 0; i < count; i++) {
        slot[0] = PAYLOAD;
        slot[1] = 0;
        memcpy(slot + 2, subject_messages()[i].bytes, PAYLOAD);
        slot += 2 + PAYLOAD;
    }
    draft_send(&made, wire);
    return 1;
}

static uint32_t slotq_take(connection *wire, const char *key)
{
    draft made = begin_call("reserve_packed", key, 3);
    draft_put_number(&made, 0);
    draft_put_number(&made, HELD);
    draft_put_number(&made, 600000);
    draft_send(&made, wire);
    return 1;
}

/* ---- LIST: there is none while it is empty ---- */

static uint32_t list_make(connection *wire, const char *key)
{
    (void)wire;
    (void)key;
    return 0;
}

static uint32_t list_mail(connection *wire, const char *key, uint32_t count)
{
    draft made = draft_begin();
    draft_command(&made, 2 + count);
    draft_put_text(&made, "LPUSH");
    draft_put_text(&made, key);
    for (uint32_t i = 0; i < count; i++) {
        draft_put(&made, subject_messages()[i].bytes, PAYLOAD);
    }
    draft_send(&made, wire);
    return 1 + send_words(wire, "LTRIM %s 0 24", key);
}

static uint32_t list_take(connection *wire, const char *key)
{
    char pair[2 * KEY_BYTES + 8];
    snprintf(pair, sizeof pair, "%s %s:taken", key, key);
    for (uint32_t i = 0; i < HELD; i++) {
        send_words(wire, "LMOVE %s RIGHT RIGHT", pair);
    }
    return HELD;
}

/* ---- Streams ---- */

static uint32_t streams_make(connection *wire, const char *key)
{
    return send_words(wire, "XGROUP CREATE %s g $ MKSTREAM", key);
}

static uint32_t streams_mail(connection *wire, const char *key, uint32_t count)
{
    draft made = draft_begin();
    for (uint32_t i = 0; i < count; i++) {
        draft_command(&made, 8);
        draft_put_text(&made, "XADD");
        draft_put_text(&made, key);
        draft_put_text(&made, "MAXLEN");
        draft_put_text(&made, "=");
        draft_put_number(&made, HELD);
        draft_put_text(&made, "*");
        draft_put_text(&made, "d");
        draft_put(&made, subject_messages()[i].bytes, PAYLOAD);
    }
    draft_send(&made, wire);
    return count;
}

static uint32_t streams_take(connection *wire, const char *key)
{
    return send_words(wire, "XREADGROUP GROUP g w COUNT 25 STREAMS %s >", key);
}

/* ---- all of them ---- */

typedef enum deed { MAKE, FILL, OVERFILL, TAKE } deed;

static uint32_t append(const mailbox_kind *kind, connection *wire, deed what, uint32_t i)
{
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "mailbox:%06u", (unsigned)i);
    switch (what) {
    case MAKE:
        return kind->make(wire, key);
    case FILL:
        return kind->push(wire, key, HELD);
    case OVERFILL:
        return kind->push(wire, key, OVERWRITTEN);
    default:
        return kind->take(wire, key);
    }
}

/* The messages that came back. */
static uint32_t do_all(const mailbox_kind *kind, connection *wire, deed what, uint32_t count)
{
    uint32_t messages = 0;
    for (uint32_t done = 0; done < count; done += WINDOW) {
        uint32_t replies = 0;
        for (uint32_t i = done; i < done + WINDOW && i < count; i++) {
            replies += append(kind, wire, what, i);
        }
        for (uint32_t i = 0; i < replies; i++) {
            redisReply *reply = wire_reply(wire);
            messages += stage_messages_in(reply);
            freeReplyObject(reply);
        }
    }
    return messages;
}

static void weigh_mailboxes(const mailbox_kind *kind, uint32_t count, mailbox_weight *bytes)
{
    redis_stage stage;
    const uint32_t leased = count / LEASED_SHARE;
    stage_open(&stage, &subject_packed, NULL);
    stage_config(&stage.wire, "latency-tracking no"); /* it takes memory for each command */
    /* Of what was tried the best for 25 messages in a stream: half of what the default takes. */
    stage_config(&stage.wire, "stream-node-max-bytes 1536");
    subject_shape_set(PAYLOAD, HELD);
    const double nothing = stage_used_bytes(&stage);
    do_all(kind, &stage.wire, MAKE, count);
    const double empty = stage_used_bytes(&stage);
    do_all(kind, &stage.wire, FILL, count);
    do_all(kind, &stage.wire, OVERFILL, count);
    const double ready = stage_used_bytes(&stage);
    const uint32_t messages = do_all(kind, &stage.wire, TAKE, leased);
    bench_need(messages == leased * HELD, "taking all from a mailbox");
    const double taken = stage_used_bytes(&stage);
    stage_close(&stage);
    bytes->empty_bytes = (empty - nothing) / count;
    bytes->ready_bytes = (ready - nothing) / count;
    bytes->leased_bytes = bytes->ready_bytes + (taken - ready) / leased;
}

static const mailbox_kind slotq_kind = {slotq_make, slotq_mail, slotq_take};
static const mailbox_kind list_kind = {list_make, list_mail, list_take};
static const mailbox_kind streams_kind = {streams_make, streams_mail, streams_take};

void redis_mailboxes_slotq(const contender *self, uint32_t count, mailbox_weight *bytes)
{
    (void)self;
    weigh_mailboxes(&slotq_kind, count, bytes);
}

void redis_mailboxes_list(const contender *self, uint32_t count, mailbox_weight *bytes)
{
    (void)self;
    weigh_mailboxes(&list_kind, count, bytes);
}

void redis_mailboxes_streams(const contender *self, uint32_t count, mailbox_weight *bytes)
{
    (void)self;
    weigh_mailboxes(&streams_kind, count, bytes);
}
