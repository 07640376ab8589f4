/* server.c: see server.h.
 */
#define _GNU_SOURCE
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../layout/bytes.h"
#include "../../layout/fields.h"
#include "call/errors.h"
#include "call/script.h"

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- asking ---- */

enum { WORDS_MAX = 4 };

/* Stands for the key in a command: it is this place, so no password can be taken for it. */
static const char the_key[] = "";

/* A command of words; the key has a length. */
static bool add_words(redis_connection *connection, const char *const *words, const char *key,
                      size_t key_bytes)
{
    const char *arguments[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    int count = 0;
    for (; count < WORDS_MAX && words[count] != NULL; count++) {
        const bool is_key = words[count] == the_key;
        arguments[count] = is_key ? key : words[count];
        lengths[count] = is_key ? key_bytes : strlen(words[count]);
    }
    return redis_outbox_add(&connection->outbox, count, arguments, lengths);
}

/* What is asked, in this order; of a key only where one is given. */
typedef enum question {
    ASK_SERVER,
    ASK_MEMORY,
    ASK_REPLICATION,
    ASK_SCRIPTS,
    ASK_MODULE,
    ASK_TYPE,
    ASK_TTL,
    ASK_LENGTH,
    ASK_FRONT,
    ASK_TIME,
    ASK_COUNT
} question;

static bool is_of_key(question asked)
{
    return asked >= ASK_TYPE && asked <= ASK_FRONT;
}

/* It goes before each command of a key where the connection is asking. */
static bool add_asking(redis_connection *connection)
{
    static const char *const words[WORDS_MAX] = {"ASKING"};
    return !connection->asking || add_words(connection, words, NULL, 0);
}

static bool add_questions(redis_connection *connection, const char *key, size_t key_bytes)
{
    char front_end[16];
    (void)snprintf(front_end, sizeof front_end, "%d", FRONT_BYTES_MAX - 1);
    const char *const questions[ASK_COUNT][WORDS_MAX] = {
        [ASK_SERVER] = {"INFO", "server"},
        [ASK_MEMORY] = {"INFO", "memory"},
        [ASK_REPLICATION] = {"INFO", "replication"},
        [ASK_SCRIPTS] = {"SCRIPT", "EXISTS", redis_script(0, false)->sha1},
        [ASK_MODULE] = {"SLOTQ.ABOUT"},
        [ASK_TYPE] = {"TYPE", the_key},
        [ASK_TTL] = {"PTTL", the_key},
        [ASK_LENGTH] = {"STRLEN", the_key},
        [ASK_FRONT] = {"GETRANGE", the_key, "0", front_end},
        [ASK_TIME] = {"TIME"},
    };
    for (uint32_t i = 0; i < ASK_COUNT; i++) {
        const bool of_key = is_of_key((question)i);
        if ((key != NULL || !of_key) && ((of_key && !add_asking(connection)) ||
                                         !add_words(connection, questions[i], key, key_bytes))) {
            return false;
        }
    }
    return true;
}

/* AUTH and SELECT, where the address has them. */
static bool add_login(redis_connection *connection, uint32_t *replies)
{
    const redis_address *address = &connection->address;
    const bool user = address->user[0] != '\0';
    char database[16];
    bool added = true;
    if (connection->borrowed) {
        return true;
    }
    if (user || address->password[0] != '\0') {
        const char *const named[WORDS_MAX] = {"AUTH", address->user, address->password};
        const char *const secret[WORDS_MAX] = {"AUTH", address->password};
        added = add_words(connection, user ? named : secret, NULL, 0);
        *replies += 1;
    }
    if (added && address->database > 0) {
        (void)snprintf(database, sizeof database, "%lu", (unsigned long)address->database);
        const char *const words[WORDS_MAX] = {"SELECT", database};
        added = add_words(connection, words, NULL, 0);
        *replies += 1;
    }
    if (added && connection->reads_replica) {
        static const char *const words[WORDS_MAX] = {"READONLY"};
        added = add_words(connection, words, NULL, 0);
        *replies += 1;
    }
    return added;
}

/* ---- reading what it said ---- */

/* The value of "name:value" in the text of an INFO. */
static void take_field(const redisReply *reply, const char *name, char value[REDIS_WORD_BYTES])
{
    size_t used = 0;
    value[0] = '\0';
    if (reply->type == REDIS_REPLY_ERROR || reply->str == NULL) {
        return;
    }
    const char *end = reply->str + reply->len;
    const char *at = memmem(reply->str, reply->len, name, strlen(name));
    at = at == NULL ? end : at + strlen(name);
    while (at<end && * at> ' ' && *at <= '~' && used + 1 < REDIS_WORD_BYTES) {
        value[used++] = *at++;
    }
    value[used] = '\0';
}

/* Its version, then the name and the sum of the words of each script. */
static void take_module(const redisReply *reply, redis_facts *facts)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *item = reply->element[i];
        if (item->type != REDIS_REPLY_STRING) {
            continue;
        }
        if (i == 0) {
            take_field(item, "", facts->module_version);
        }
        facts->module_scripts |= redis_module_script(item->str, item->len);
    }
}

static void take_type(const redisReply *reply, redis_facts *facts)
{
    if (reply->type == REDIS_REPLY_STATUS) {
        (void)snprintf(facts->key_type, sizeof facts->key_type, "%s", reply->str);
    }
}

static void take_time(const redisReply *reply, int64_t asked_ms, redis_facts *facts)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING) {
        return;
    }
    const long long seconds = strtoll(reply->element[0]->str, NULL, 10);
    const long long microseconds = strtoll(reply->element[1]->str, NULL, 10);
    if (seconds < 0 || (uint64_t)seconds > SLOTQ_NOW_MS_MAX / 1000 || microseconds < 0 ||
        microseconds > 999999) {
        return;
    }
    const int64_t server_ms = seconds * 1000 + microseconds / 1000;
    const int64_t now_ms = wall_clock_ms();
    if (server_ms < asked_ms || server_ms > now_ms) {
        facts->server_ahead_ms = server_ms - (asked_ms + (now_ms - asked_ms) / 2);
    } /* else they may well agree, however long the answer took */
}

static void take_front(const redisReply *reply, redis_facts *facts)
{
    if (reply->type == REDIS_REPLY_STRING && reply->len <= FRONT_BYTES_MAX) {
        memcpy(facts->front, reply->str, reply->len);
        facts->front_bytes = (uint32_t)reply->len;
    }
}

static void take_answer(question asked, const redisReply *reply, int64_t asked_ms,
                        redis_facts *facts)
{
    switch (asked) {
    case ASK_SERVER:
        take_field(reply, "redis_version:", facts->version);
        take_field(reply, "redis_mode:", facts->mode);
        /* without the right to ask, try the newer kind: an older server reports that it cannot
         * compile it */
        facts->redis7 = facts->version[0] == '\0' || strtol(facts->version, NULL, 10) >= 7;
        break;
    case ASK_MEMORY:
        take_field(reply, "maxmemory_policy:", facts->policy);
        break;
    case ASK_REPLICATION:
        take_field(reply, "role:", facts->role);
        break;
    case ASK_SCRIPTS:
        facts->no_scripts = redis_error_is(reply, "ERR unknown command");
        break;
    case ASK_MODULE:
        take_module(reply, facts);
        break;
    case ASK_TYPE:
        take_type(reply, facts);
        break;
    case ASK_TTL:
        facts->ttl_ms = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -2;
        break;
    case ASK_LENGTH:
        facts->key_bytes =
            reply->type == REDIS_REPLY_INTEGER && reply->integer > 0 ? (uint64_t)reply->integer : 0;
        break;
    case ASK_FRONT:
        take_front(reply, facts);
        break;
    default:
        take_time(reply, asked_ms, facts);
        break;
    }
}

/* The server refuses everything, and not one question alone. */
static bool is_of_all(const redis_refusal *refusal, const redisReply *reply)
{
    return refusal->fate != REDIS_FATE_STAYS || refusal->outcome == SLOTQ_CONNECT ||
           (refusal->outcome == SLOTQ_UNSUPPORTED && !redis_error_is(reply, "ERR unknown command"));
}

/* Errors after which there is no use in going on: not logged in, loading, elsewhere. */
static bool is_final(question asked, const redisReply *reply)
{
    const redis_refusal *refusal = redis_refusal_of(reply);
    if (refusal != NULL && is_of_all(refusal, reply)) {
        return true;
    }
    /* these two any user of a queue must be allowed, and WRONGTYPE is told by the type */
    return (asked == ASK_LENGTH || asked == ASK_FRONT) && reply->type == REDIS_REPLY_ERROR &&
           !redis_error_is(reply, "WRONGTYPE");
}

static slotq_outcome refuse_sentinel(store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "this is a Sentinel, which holds no data: write redis+sentinel://HOST/NAME "
                     "with the name of the primary (SENTINEL MASTERS lists them), and it is asked "
                     "for that server");
}

static slotq_outcome login_failed(const redisReply *reply, store_fault *fault)
{
    redis_error error;
    (void)redis_error_take(reply, false, &error, fault);
    fault->outcome = SLOTQ_CONNECT;
    return SLOTQ_CONNECT;
}

bool redis_server_skip(redis_connection *connection, store_fault *fault)
{
    redisReply *reply;
    const bool came = redis_connection_next(connection, 0, &reply, fault);
    if (came) {
        freeReplyObject(reply);
    }
    return came;
}

static slotq_outcome read_login(redis_connection *connection, uint32_t replies, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t i = 0; i < replies && outcome == SLOTQ_OK; i++) {
        redisReply *reply;
        if (!redis_connection_next(connection, 0, &reply, fault)) {
            return fault_away(fault);
        }
        if (reply->type == REDIS_REPLY_ERROR) {
            outcome = login_failed(reply, fault);
        }
        freeReplyObject(reply);
    }
    return outcome;
}

static slotq_outcome read_answers(redis_connection *connection, bool of_key, int64_t asked_ms,
                                  redis_facts *facts, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t i = 0; i < ASK_COUNT; i++) {
        redisReply *reply;
        store_fault later; /* the first refusal says why the server closes the connection then */
        if (!of_key && is_of_key((question)i)) {
            continue;
        }
        const bool after_asking = connection->asking && is_of_key((question)i);
        if (after_asking && !redis_server_skip(connection, outcome == SLOTQ_OK ? fault : &later)) {
            return outcome != SLOTQ_OK ? outcome : fault_away(fault);
        }
        if (!redis_connection_next(connection, 0, &reply, outcome == SLOTQ_OK ? fault : &later)) {
            return outcome != SLOTQ_OK ? outcome : fault_away(fault);
        }
        if (outcome == SLOTQ_OK && is_final((question)i, reply)) {
            redis_error error;
            outcome = redis_error_take(reply, false, &error, fault);
        }
        take_answer((question)i, reply, asked_ms, facts);
        if (outcome == SLOTQ_OK && i == ASK_SERVER && strcmp(facts->mode, "sentinel") == 0) {
            outcome = refuse_sentinel(fault);
        }
        freeReplyObject(reply);
    }
    return outcome;
}

slotq_outcome redis_server_greet(redis_connection *connection, const char *key, size_t key_bytes,
                                 redis_facts *facts, store_fault *fault)
{
    uint32_t replies = 0;
    memset(facts, 0, sizeof *facts);
    facts->ttl_ms = -2;
    redis_outbox_clear(&connection->outbox);
    if (!add_login(connection, &replies) || !add_questions(connection, key, key_bytes)) {
        redis_outbox_clear(&connection->outbox);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    const int64_t asked_ms = wall_clock_ms();
    if (!redis_connection_send(connection, fault)) {
        return fault_away(fault);
    }
    redis_outbox_clear(&connection->outbox);
    slotq_outcome outcome = read_login(connection, replies, fault);
    if (outcome == SLOTQ_OK) {
        outcome = read_answers(connection, key != NULL, asked_ms, facts, fault);
    }
    /* replies to what follows a refused login may be left: it cannot be used on */
    if (outcome != SLOTQ_OK && !connection->borrowed) {
        redis_connection_drop(connection, "the server refused");
    }
    return outcome;
}

/* ---- judging ---- */

slotq_outcome redis_server_judge(const redis_facts *facts, const redis_demands *demands,
                                 store_fault *fault)
{
    const bool by_module = facts->module_scripts != 0 && !demands->no_module;
    if (facts->no_scripts && !by_module && (!facts->redis7 || demands->no_functions)) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the server has no SCRIPT command, which slotq needs: enable that "
                         "command, or use another server");
    }
    if (facts->ttl_ms >= 0 && !demands->was_open) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the key has a time to live: the server would delete the queue in %lld "
                         "ms. Remove it with PERSIST",
                         (long long)facts->ttl_ms);
    }
    if (demands->only_reads) {
        return SLOTQ_OK;
    }
    if (strcmp(facts->role, "slave") == 0) {
        fault_say(fault, SLOTQ_UNSUPPORTED,
                  "the server is a replica, which takes no writes: connect to its primary");
        fault->cause = SLOTQ_CAUSE_ROLE;
        fault->passes = true; /* after a failover this address leads to the primary again */
        return SLOTQ_UNSUPPORTED;
    }
    if (!demands->force && strncmp(facts->policy, "allkeys-", 8) == 0) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "the server's maxmemory-policy is %s: it could evict the whole queue. "
                         "CONFIG SET maxmemory-policy noeviction (existing queues keep working at "
                         "maxmemory), or accept the risk with --force",
                         facts->policy);
    }
    return SLOTQ_OK;
}

static bool key_is_there(const redis_facts *facts)
{
    return facts->key_bytes > 0 ||
           (facts->key_type[0] != '\0' && strcmp(facts->key_type, "none") != 0);
}

bool redis_server_saw_slotq(const redis_facts *facts)
{
    const uint32_t magic = load_u32(facts->front + AT_geometry_magic);
    return facts->front_bytes >= AT_geometry_magic + BYTES_geometry_magic &&
           (magic & MAGIC_FAMILY_MASK) == (MAGIC_VERSION_1 & MAGIC_FAMILY_MASK);
}

slotq_outcome redis_server_open_key(const redis_facts *facts, const char *name, slotq_view *view,
                                    store_fault *fault)
{
    slotq_damage damage;
    if (!key_is_there(facts)) {
        return fault_say(fault, SLOTQ_NOQUEUE,
                         "there is no queue %.200s. Create it: slotq -u URL create %.200s --slots "
                         "N --payload BYTES",
                         name, name);
    }
    if (facts->key_type[0] != '\0' && strcmp(facts->key_type, "string") != 0) {
        return fault_say(fault, SLOTQ_CORRUPT,
                         "the key %.200s is a %s, not a queue: use another name", name,
                         facts->key_type);
    }
    const uint64_t due = facts->key_bytes < FRONT_BYTES_MAX ? facts->key_bytes : FRONT_BYTES_MAX;
    if (facts->front_bytes != due) { /* a key that changes its size is not a queue either */
        return redis_error_shape(false, fault);
    }
    const slotq_outcome outcome = slotq_core_open(view, facts->front, facts->key_bytes, &damage);
    view->bytes = NULL;
    return outcome == SLOTQ_OK ? outcome : fault_damage(fault, outcome, name, &damage);
}

slotq_outcome redis_server_ask(redis_connection *connection, bool writes, int count,
                               const char **arguments, const size_t *lengths, redisReply **reply,
                               store_fault *fault)
{
    *reply = NULL;
    redis_outbox_clear(&connection->outbox);
    if (!add_asking(connection) ||
        !redis_outbox_add(&connection->outbox, count, arguments, lengths)) {
        redis_outbox_clear(&connection->outbox);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    const bool sent = redis_connection_send(connection, fault);
    const bool whole = connection->outbox.sent == connection->outbox.count;
    redis_outbox_clear(&connection->outbox);
    if (sent && (!connection->asking || redis_server_skip(connection, fault)) &&
        redis_connection_next(connection, 0, reply, fault)) {
        return SLOTQ_OK;
    }
    if (!whole) {
        return fault_away(fault);
    }
    fault->outcome = writes ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_IO;
    fault->cause = SLOTQ_CAUSE_AWAY;
    fault->passes = !writes;
    return fault->outcome;
}

slotq_outcome redis_server_ask_nodes(redis_connection *connection, uint32_t slot, redis_nodes *map,
                                     store_fault *fault)
{
    const char *words[] = {"CLUSTER", "SLOTS"};
    const size_t lengths[] = {7, 5};
    redisReply *reply;
    slotq_outcome outcome = redis_server_ask(connection, false, 2, words, lengths, &reply, fault);
    if (outcome != SLOTQ_OK) {
        return fault_away(fault);
    }
    if (!redis_nodes_read(reply, slot, map)) {
        fault_say(fault, SLOTQ_UNSUPPORTED,
                  "the server is a node of a cluster, and does not report the other nodes: allow "
                  "this user CLUSTER SLOTS (ACL SETUSER USER +cluster|slots)");
        outcome = fault_caused(fault, SLOTQ_CAUSE_RIGHTS);
    }
    freeReplyObject(reply);
    return outcome;
}
