/* sentinel_peer.c: see sentinel_peer.h. Replies are not trusted: every number and name in them is
 * checked, and lists are cut at a bound.
 */
#define _GNU_SOURCE
#include "sentinel_peer.h"

#include <stdlib.h>
#include <string.h>

#include "../../system/monotonic.h"

enum {
    AWAY_FIRST_MS = 1000,
    AWAY_MOST_MS = 32000,
    WORDS_MAX = 4,
    NEWS_MAX = 100, /* that are read in one go: a Sentinel that never stops must not hold a call */
    SENTINELS_COUNTED_MAX = 1000 /* more would be a mistake, and no majority of them is found */
};

/* In this order in one round trip: an epoch is then never newer than the address with it. */
typedef enum question { ASK_ID, ASK_MASTER, ASK_ADDRESS, ASK_OTHERS, ASK_COUNT } question;

/* ---- connections ---- */

static void drop(redis_connection **connection)
{
    if (*connection != NULL) {
        redis_connection_free(*connection);
        free(*connection);
        *connection = NULL;
    }
}

void sentinel_peer_leave(sentinel_peer *peer)
{
    drop(&peer->asked);
    drop(&peer->news);
    peer->is_out = false;
}

/* What it was told may be half read: nothing may be asked on these connections any more. */
static void give_up(sentinel_peer *peer)
{
    sentinel_peer_leave(peer);
    peer->away_ms = peer->away_ms == 0 ? AWAY_FIRST_MS : peer->away_ms * 2;
    peer->away_ms = peer->away_ms < AWAY_MOST_MS ? peer->away_ms : AWAY_MOST_MS;
    peer->away_until_ms = monotonic_ms() + jittered(peer->away_ms);
}

bool sentinel_peer_is_near(sentinel_peer *peer)
{
    if (peer->asked != NULL && redis_connection_is_stale(peer->asked)) {
        sentinel_peer_leave(peer);
    }
    return peer->asked != NULL;
}

static redis_connection *dial(const sentinel_peer *peer, const redis_address *login,
                              uint32_t connect_ms, store_fault *fault)
{
    redis_connection *made = calloc(1, sizeof *made);
    if (made == NULL) {
        fault_say(fault, SLOTQ_NOMEMORY, "no memory for a connection to a Sentinel");
        return NULL;
    }
    made->address = *login;
    memcpy(made->address.host, peer->place.host, strlen(peer->place.host) + 1);
    made->address.port = peer->place.port;
    made->connect_timeout_ms = connect_ms;
    made->timeout_ms = connect_ms;
    if (redis_connection_open(made, fault) != SLOTQ_OK) {
        drop(&made);
    }
    return made;
}

static bool add(redis_connection *connection, const char *const words[WORDS_MAX])
{
    const char *arguments[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    int count = 0;
    for (; count < WORDS_MAX && words[count] != NULL; count++) {
        arguments[count] = words[count];
        lengths[count] = strlen(words[count]);
    }
    return redis_outbox_add(&connection->outbox, count, arguments, lengths);
}

static bool has_login(const redis_address *login)
{
    return login->user[0] != '\0' || login->password[0] != '\0';
}

static bool add_login(redis_connection *connection, const redis_address *login)
{
    const char *const named[WORDS_MAX] = {"AUTH", login->user, login->password};
    const char *const secret[WORDS_MAX] = {"AUTH", login->password};
    return !has_login(login) || add(connection, login->user[0] != '\0' ? named : secret);
}

static bool add_questions(redis_connection *connection, const char *master)
{
    const char *const questions[ASK_COUNT][WORDS_MAX] = {
        [ASK_ID] = {"SENTINEL", "MYID"},
        [ASK_MASTER] = {"SENTINEL", "MASTER", master},
        [ASK_ADDRESS] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master},
        [ASK_OTHERS] = {"SENTINEL", "SENTINELS", master},
    };
    bool added = true;
    for (uint32_t i = 0; i < ASK_COUNT && added; i++) {
        added = add(connection, questions[i]);
    }
    return added;
}

/* A second connection, as a subscribed one takes no questions. Its replies are read as news: the
 * first look after it is subscribed asks once more, which is right. */
static void subscribe(sentinel_peer *peer, const redis_address *login, uint32_t connect_ms)
{
    store_fault fault;
    const char *const words[WORDS_MAX] = {"SUBSCRIBE", "+selected-slave", "+promoted-slave",
                                          "+switch-master"};
    peer->news = dial(peer, login, connect_ms, &fault);
    if (peer->news != NULL && (!add_login(peer->news, login) || !add(peer->news, words) ||
                               !redis_connection_send(peer->news, &fault))) {
        drop(&peer->news);
    }
}

bool sentinel_peer_ask(sentinel_peer *peer, const redis_address *login, const char *master,
                       uint32_t connect_ms, store_fault *fault)
{
    const bool is_new = !sentinel_peer_is_near(peer);
    if (is_new) {
        peer->asked = dial(peer, login, connect_ms, fault);
    }
    if (peer->asked == NULL) {
        give_up(peer);
        return false;
    }
    redis_outbox_clear(&peer->asked->outbox);
    bool sent = (!is_new || add_login(peer->asked, login)) && add_questions(peer->asked, master);
    if (!sent) {
        fault_say(fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    sent = sent && redis_connection_send(peer->asked, fault);
    if (!sent) {
        give_up(peer);
        return false;
    }
    redis_outbox_clear(&peer->asked->outbox);
    peer->is_out = true;
    peer->logs_in = is_new && has_login(login);
    if (peer->news == NULL) {
        subscribe(peer, login, connect_ms);
    }
    return true;
}

/* ---- what it says ---- */

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

/* A host name, number or id: printable, without spaces. */
static bool take_word(const redisReply *reply, char *word, size_t bytes)
{
    bool good = is_text(reply) && reply->len > 0 && reply->len < bytes;
    for (size_t i = 0; good && i < reply->len; i++) {
        good = reply->str[i] > ' ' && reply->str[i] <= '~';
    }
    if (good) {
        memcpy(word, reply->str, reply->len);
        word[reply->len] = '\0';
    }
    return good;
}

static bool take_number(const redisReply *reply, uint64_t most, uint64_t *number)
{
    uint64_t sum = 0;
    bool good = is_text(reply) && reply->len > 0 && reply->len < 20;
    for (size_t i = 0; good && i < reply->len; i++) {
        good = reply->str[i] >= '0' && reply->str[i] <= '9';
        sum = sum * 10 + (uint64_t)(reply->str[i] - '0');
    }
    *number = sum;
    return good && sum <= most;
}

static bool take_port(const redisReply *reply, uint16_t *port)
{
    uint64_t number;
    const bool good = take_number(reply, 65535, &number) && number > 0;
    *port = good ? (uint16_t)number : 0;
    return good;
}

/* The value of a field in a reply of names and values; NULL = it has none. */
static const redisReply *field(const redisReply *reply, const char *name)
{
    const redisReply *found = NULL;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const redisReply *key = reply->element[i];
        if (is_text(key) && strcmp(key->str, name) == 0) {
            found = reply->element[i + 1];
        }
    }
    return found;
}

static bool take_field(const redisReply *reply, const char *name, uint64_t most, uint64_t *number)
{
    const redisReply *found = field(reply, name);
    return found != NULL && take_number(found, most, number);
}

/* While it promotes a replica it says so, and names the old primary; the question for the address
 * is answered with the new one as soon as that is promoted. */
static bool is_failing_over(const redisReply *reply)
{
    const redisReply *flags = field(reply, "flags");
    return flags != NULL && is_text(flags) && strstr(flags->str, "failover_in_progress") != NULL;
}

static bool take_master(const redisReply *reply, sentinel_answer *answer)
{
    uint64_t others;
    uint64_t quorum;
    const redisReply *host = field(reply, "ip");
    const redisReply *port = field(reply, "port");
    if (host == NULL || !take_word(host, answer->host, sizeof answer->host) || port == NULL ||
        !take_port(port, &answer->port) ||
        !take_field(reply, "config-epoch", UINT64_MAX, &answer->epoch) ||
        !take_field(reply, "num-other-sentinels", SENTINELS_COUNTED_MAX, &others) ||
        !take_field(reply, "quorum", SENTINELS_COUNTED_MAX, &quorum)) {
        return false;
    }
    answer->sentinels = (uint32_t)others + 1;
    answer->quorum = (uint32_t)quorum;
    answer->is_moving = is_failing_over(reply);
    return true;
}

static bool take_address(const redisReply *reply, sentinel_answer *answer)
{
    char before[SENTINEL_HOST_BYTES];
    const uint16_t port_before = answer->port;
    memcpy(before, answer->host, sizeof before);
    const bool good = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                      take_word(reply->element[0], answer->host, sizeof answer->host) &&
                      take_port(reply->element[1], &answer->port);
    const bool is_promoted = port_before != answer->port || strcmp(before, answer->host) != 0;
    answer->is_moving = answer->is_moving && !is_promoted;
    return good;
}

/* Those that can be read; there may be more than are kept. */
static void take_others(const redisReply *reply, sentinel_answer *answer)
{
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements &&
                       answer->other_count < SENTINELS_MAX;
         i++) {
        sentinel_place *place = &answer->others[answer->other_count];
        const redisReply *host = field(reply->element[i], "ip");
        const redisReply *port = field(reply->element[i], "port");
        const redisReply *id = field(reply->element[i], "runid");
        if (host != NULL && port != NULL && take_word(host, place->host, sizeof place->host) &&
            take_port(port, &place->port)) {
            if (id == NULL || !take_word(id, place->id, sizeof place->id)) {
                place->id[0] = '\0';
            }
            answer->other_count++;
        }
    }
}

/* Its text is not shown: it may repeat what was sent. */
static sentinel_word refuse(const sentinel_peer *peer, const redisReply *reply, bool is_login,
                            store_fault *fault)
{
    const bool no_login = strncmp(reply->str, "NOAUTH", 6) == 0;
    const char *why = is_login   ? "refused the login: check sentinel_user and sentinel_password"
                      : no_login ? "wants a login: put sentinel_password=... (and sentinel_user) "
                                   "into the URL's parameters"
                                 : "refuses SENTINEL commands: is it a Sentinel, and may its user "
                                   "run SENTINEL MASTER, MYID, SENTINELS and "
                                   "GET-MASTER-ADDR-BY-NAME?";
    fault_say(fault, SLOTQ_CONNECT, "the Sentinel %.200s port %u %s", peer->place.host,
              peer->place.port, why);
    fault->cause = SLOTQ_CAUSE_RIGHTS;
    return SENTINEL_REFUSED;
}

/* One reply, until the deadline. false: lost. */
static bool next(redis_connection *connection, uint64_t deadline_ms, redisReply **reply,
                 store_fault *fault)
{
    *reply = NULL;
    for (bool again = true; again && *reply == NULL;) {
        const uint64_t now_ms = monotonic_ms();
        again = now_ms < deadline_ms;
        if (!redis_connection_listen(connection, again ? deadline_ms - now_ms : 0, -1, reply,
                                     fault)) {
            return false;
        }
    }
    if (*reply == NULL) {
        fault_say(fault, SLOTQ_CONNECT, "it did not answer in time");
    }
    return *reply != NULL;
}

static sentinel_word take(sentinel_peer *peer, question asked, const redisReply *reply,
                          sentinel_answer *answer, store_fault *fault)
{
    const bool is_error = reply->type == REDIS_REPLY_ERROR;
    const bool is_unknown = is_error && strstr(reply->str, "No such master") != NULL;
    bool good = true;
    if (asked == ASK_ID) { /* before 6.2 there is none, and the address must do */
        if (is_error && strncmp(reply->str, "ERR ", 4) != 0) {
            return refuse(peer, reply, false, fault);
        }
        if (!is_error) {
            good = take_word(reply, peer->place.id, sizeof peer->place.id);
        }
    } else if (is_unknown || (asked == ASK_ADDRESS && reply->type == REDIS_REPLY_NIL)) {
        return SENTINEL_IGNORANT;
    } else if (is_error) {
        return refuse(peer, reply, false, fault);
    } else if (asked == ASK_MASTER) {
        good = take_master(reply, answer);
    } else if (asked == ASK_ADDRESS) {
        good = take_address(reply, answer);
    } else {
        take_others(reply, answer);
    }
    if (!good) {
        fault_say(fault, SLOTQ_CONNECT, "the replies of %.200s port %u are not those of a Sentinel",
                  peer->place.host, peer->place.port);
        return SENTINEL_REFUSED;
    }
    return SENTINEL_ANSWERED;
}

bool sentinel_peer_is_ready(sentinel_peer *peer, uint32_t wait_ms)
{
    redis_transport *transport = &peer->asked->transport;
    return transport->ops->wait(transport, REDIS_READABLE, wait_ms, -1) != 0;
}

sentinel_word sentinel_peer_read(sentinel_peer *peer, uint64_t deadline_ms, sentinel_answer *answer,
                                 store_fault *fault)
{
    sentinel_word word = SENTINEL_ANSWERED;
    redisReply *reply;
    memset(answer, 0, sizeof *answer);
    if (peer->logs_in) {
        if (!next(peer->asked, deadline_ms, &reply, fault)) {
            give_up(peer);
            return SENTINEL_AWAY;
        }
        word = reply->type == REDIS_REPLY_ERROR ? refuse(peer, reply, true, fault) : word;
        freeReplyObject(reply);
    }
    for (uint32_t i = 0; i < ASK_COUNT; i++) {
        if (!next(peer->asked, deadline_ms, &reply, fault)) {
            give_up(peer);
            return word == SENTINEL_ANSWERED ? SENTINEL_AWAY : word;
        }
        word = word == SENTINEL_ANSWERED ? take(peer, (question)i, reply, answer, fault) : word;
        freeReplyObject(reply);
    }
    peer->is_out = false;
    peer->away_ms = 0;
    if (word == SENTINEL_REFUSED) { /* the next question logs in anew */
        give_up(peer);
    }
    return word;
}

bool sentinel_peer_has_news(sentinel_peer *peer)
{
    store_fault fault;
    redisReply *reply;
    bool heard = false;
    if (peer->news == NULL) {
        return false;
    }
    redis_transport *transport = &peer->news->transport;
    if (peer->news->context == NULL || redis_connection_is_inherited(peer->news)) {
        drop(&peer->news);
        return true;
    }
    if (transport->ops->peek(transport) == REDIS_SIGHT_NOTHING) {
        return false;
    }
    bool more = true;
    for (uint32_t i = 0; i < NEWS_MAX && more; i++) {
        if (!redis_connection_listen(peer->news, 0, -1, &reply, &fault)) {
            drop(&peer->news); /* subscribed anew with the next question */
            return true;
        }
        more = reply != NULL;
        heard = heard || more;
        freeReplyObject(reply);
    }
    return heard;
}
