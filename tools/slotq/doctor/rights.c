/* rights.c: finds out which commands the server allows our user, and changes nothing: by ACL
 * DRYRUN, else by queueing them in a transaction that is discarded, else by running the harmless
 * ones. Knows which verbs need which commands.
 */
#include <stdio.h>
#include <string.h>

#include "looks.h"

/* A command as it would be sent. KEY, CHANNEL (of all) and PLACE (of a place) are the queue's. */
#define KEY "\001key"
#define CHANNEL "\001channel"
#define PLACE "\001place"
typedef struct right {
    const char *words[4];
    const char *user; /* what needs it */
    bool harmless;    /* running it changes nothing and returns little */
} right;

static const right rights[] = {
    {{"EVALSHA", "0", "1", KEY}, "every verb", true},
    {{"SCRIPT", "LOAD", "return 1"}, "every verb (the first time after a restart)", true},
    {{"STRLEN", KEY}, "every verb", true},
    {{"GETRANGE", KEY, "0", "7"}, "every verb", true},
    {{"SETRANGE", KEY, "0", ""}, "changes", true},
    {{"TIME"}, "changes", true},
    {{"PUBLISH", PLACE, "wake"}, "waking sleeping workers (channels slotq#*:QUEUE)", false},
    {{"SUBSCRIBE", PLACE}, "waiting (without it slotq polls; channels slotq#*:QUEUE)", false},
    {{"PUBLISH", CHANNEL, "wake"}, "waking in queues without places (channel slotq:QUEUE)", false},
    {{"SUBSCRIBE", CHANNEL}, "waiting in queues without places (channel slotq:QUEUE)", false},
    {{"PUBSUB", "NUMSUB", PLACE}, "choosing where to wait (without it at random)", true},
    {{"GET", KEY}, "check, export, copy", false},
    {{"SET", KEY, "x", "NX"}, "create, import", false},
    {{"SCAN", "0"}, "ls", true},
    {{"UNLINK", KEY}, "rm", false},
};
enum { RIGHT_COUNT = sizeof rights / sizeof rights[0], RIGHTS_OF_WORKERS = 6 };

typedef enum verdict { ALLOWED, REFUSED, UNKNOWN } verdict;

static const char *word_of(const char *word, const char *name, char *channel, size_t size)
{
    if (word != NULL && strcmp(word, KEY) == 0) {
        return name;
    }
    const bool is_place = word != NULL && strcmp(word, PLACE) == 0;
    if (is_place || (word != NULL && strcmp(word, CHANNEL) == 0)) {
        snprintf(channel, size, is_place ? "slotq#0:%s" : "slotq:%s", name);
        return channel;
    }
    return word;
}

/* By ACL DRYRUN, which judges a command without running it. */
static verdict try_dry(doctor *self, const char *user, const char *name, const right *tried)
{
    char channel[256];
    const char *words[4];
    for (int i = 0; i < 4; i++) {
        words[i] = word_of(tried->words[i], name, channel, sizeof channel);
    }
    redisReply *reply =
        server_ask(self->server, "ACL", "DRYRUN", user, words[0], words[1], words[2], words[3]);
    verdict answer = UNKNOWN;
    if (reply != NULL && reply->type == REDIS_REPLY_STATUS) {
        answer = ALLOWED;
    } else if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        answer = REFUSED;
    }
    freeReplyObject(reply);
    return answer;
}

/* By queueing: the server checks permissions then, and nothing queued here is ever run. */
static verdict try_queued(doctor *self, const char *name, const right *tried)
{
    char channel[256];
    const char *words[4];
    for (int i = 0; i < 4; i++) {
        words[i] = word_of(tried->words[i], name, channel, sizeof channel);
    }
    redisReply *reply = server_ask(self->server, words[0], words[1], words[2], words[3]);
    verdict answer = UNKNOWN;
    if (reply != NULL && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "QUEUED") == 0) {
        answer = ALLOWED;
    } else if (reply_is_blocked(reply)) {
        answer = REFUSED;
    }
    freeReplyObject(reply);
    return answer;
}

/* By running it if it is harmless; the others stay unknown. */
static verdict try_it(doctor *self, const char *name, const right *tried)
{
    const verdict queued = tried->harmless ? try_queued(self, name, tried) : UNKNOWN;
    return tried->harmless && queued == UNKNOWN ? ALLOWED : queued;
}

static bool try_all_dry(doctor *self, const char *name, verdict *verdicts)
{
    redisReply *user = server_ask(self->server, "ACL", "WHOAMI");
    bool told = user != NULL && user->type == REDIS_REPLY_STRING;
    for (int i = 0; i < RIGHT_COUNT && told; i++) {
        verdicts[i] = try_dry(self, user->str, name, &rights[i]);
        told = verdicts[i] != UNKNOWN;
    }
    freeReplyObject(user);
    return told;
}

static bool try_all_queued(doctor *self, const char *name, verdict *verdicts)
{
    redisReply *begun = server_ask(self->server, "MULTI");
    const bool told = begun != NULL && !reply_is_error(begun);
    freeReplyObject(begun);
    for (int i = 0; i < RIGHT_COUNT && told; i++) {
        verdicts[i] = try_queued(self, name, &rights[i]);
    }
    if (told) {
        freeReplyObject(server_ask(self->server, "DISCARD"));
    }
    return told;
}

/* Print in one line all that could not be tried. */
static void tell_unknown(doctor *self, const char *name, const verdict *verdicts)
{
    char list[256] = "";
    size_t used = 0;
    for (int i = 0; i < RIGHT_COUNT && used < sizeof list; i++) {
        if (verdicts[i] == UNKNOWN) {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used != 0 ? ", " : "",
                                     rights[i].words[0]);
        }
    }
    if (used != 0) {
        doctor_unknown(self, name,
                       "whether this user may run %s: neither ACL DRYRUN nor MULTI shows it", list);
    }
}

static void tell_rights(doctor *self, const char *name, const verdict *verdicts)
{
    uint32_t refused = 0;
    for (int i = 0; i < RIGHT_COUNT; i++) {
        const right *tried = &rights[i];
        const bool has_sub = strcmp(tried->words[0], "SCRIPT") == 0;
        const char *between = has_sub ? " " : "";
        const char *sub = has_sub ? tried->words[1] : "";
        if (i < RIGHTS_OF_WORKERS && verdicts[i] == REFUSED) {
            doctor_find(self, name,
                        "this user may not run %s%s%s on it; needed for: %s; see man slotq, "
                        "ACCESS, for the ACL SETUSER lines",
                        tried->words[0], between, sub, tried->user);
        } else if (verdicts[i] == REFUSED) {
            doctor_note(self, name, "this user may not run %s; needed for: %s", tried->words[0],
                        tried->user);
        }
        refused += verdicts[i] != ALLOWED;
    }
    tell_unknown(self, name, verdicts);
    if (refused == 0 && !self->rights_told) {
        doctor_note(self, name, "this user may run every command that slotq needs");
        self->rights_told = true;
    }
}

void doctor_look_at_rights(doctor *self, const char *name)
{
    verdict verdicts[RIGHT_COUNT] = {ALLOWED};
    if (!try_all_dry(self, name, verdicts) && !try_all_queued(self, name, verdicts)) {
        for (int i = 0; i < RIGHT_COUNT; i++) {
            verdicts[i] = try_it(self, name, &rights[i]);
        }
    }
    tell_rights(self, name, verdicts);
}
