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

/* What a right is for. A user has those of scripts, those of functions or those of the module; what
 * scripts and functions run, the module needs no right for. */
typedef enum need { SCRIPTS, FUNCTIONS, MODULE, WORKERS, INSIDE, SOME, CLUSTER, CLUSTER_SOME } need;

typedef struct right {
    need need;
    const char *words[4];
    const char *user; /* what needs it */
    bool harmless;    /* running it changes nothing and returns little */
} right;

static const right rights[] = {
    {SCRIPTS, {"EVALSHA", "0", "1", KEY}, "every verb (or FCALL: slotq functions load)", true},
    {SCRIPTS, {"SCRIPT", "LOAD", "return 1"}, "every verb (the first time after a restart)", true},
    {FUNCTIONS, {"FCALL", "0", "1", KEY}, "every verb, as the URL says functions=always", true},
    {MODULE,
     {"SLOTQ.STATS.AT", KEY, "", "0"},
     "the module of slotq, which runs verbs faster (without it they run as scripts)",
     true},
    {WORKERS, {"STRLEN", KEY}, "every verb", true},
    {WORKERS, {"GETRANGE", KEY, "0", "7"}, "every verb", true},
    {INSIDE, {"SETRANGE", KEY, "0", ""}, "changes", true},
    {INSIDE, {"TIME"}, "changes", true},
    {CLUSTER, {"ASKING"}, "every verb while the slot moves to another node", true},
    {CLUSTER_SOME, {"CLUSTER", "SLOTS"}, "ls, and to find a replica that was promoted", true},
    {CLUSTER_SOME, {"READONLY"}, "replica=1 in the URL", true},
    {SOME, {"PUBLISH", PLACE, "wake"}, "waking sleeping workers (channels slotq#*:QUEUE)", false},
    {SOME, {"SUBSCRIBE", PLACE}, "waiting (without it slotq polls; channels slotq#*:QUEUE)", false},
    {SOME,
     {"PUBLISH", CHANNEL, "wake"},
     "waking in queues without places (channel slotq:QUEUE)",
     false},
    {SOME, {"SUBSCRIBE", CHANNEL}, "waiting in queues without places (channel slotq:QUEUE)", false},
    {SOME, {"PUBSUB", "NUMSUB", PLACE}, "choosing where to wait (without it at random)", true},
    {SOME, {"GET", KEY}, "check, export, copy", false},
    {SOME, {"SET", KEY, "x", "NX"}, "create, import", false},
    {SOME, {"SCAN", "0"}, "ls", true},
    {SOME, {"UNLINK", KEY}, "rm", false},
};
enum { RIGHT_COUNT = sizeof rights / sizeof rights[0] };

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

static bool is_asked(const doctor *self, const right *tried)
{
    const bool of_cluster = tried->need == CLUSTER || tried->need == CLUSTER_SOME;
    return (self->in_cluster || !of_cluster) && (self->has_module || tried->need != MODULE);
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
    } else if (reply_is_blocked(reply) && strncmp(reply->str, "ERR Function", 12) != 0) {
        answer = REFUSED; /* a missing function was looked for */
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
        verdicts[i] =
            is_asked(self, &rights[i]) ? try_dry(self, user->str, name, &rights[i]) : ALLOWED;
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
        verdicts[i] = is_asked(self, &rights[i]) ? try_queued(self, name, &rights[i]) : ALLOWED;
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

/* How verbs reach the server, as far as the rights say. */
typedef struct ways {
    bool always; /* by functions */
    bool by_functions;
    bool by_module;
} ways;

/* Whether a user that lacks it cannot work: of scripts, functions and the module it needs one. */
static bool is_needed(const right *tried, const ways *known)
{
    return tried->need == WORKERS || tried->need == CLUSTER ||
           (tried->need == INSIDE && !known->by_module) ||
           (tried->need == SCRIPTS && !known->by_functions && !known->by_module) ||
           (tried->need == FUNCTIONS && known->always);
}

static void tell_refused(doctor *self, const char *name, const right *tried, bool needed)
{
    const bool has_sub =
        strcmp(tried->words[0], "SCRIPT") == 0 || strcmp(tried->words[0], "CLUSTER") == 0;
    const char *between = has_sub ? " " : "";
    const char *sub = has_sub ? tried->words[1] : "";
    if (needed) {
        doctor_find(self, name,
                    "this user may not run %s%s%s on it; needed for: %s; see man slotq, "
                    "ACCESS, for the ACL SETUSER lines",
                    tried->words[0], between, sub, tried->user);
    } else {
        doctor_note(self, name, "this user may not run %s%s%s; needed for: %s", tried->words[0],
                    between, sub, tried->user);
    }
}

static bool url_says(const doctor *self, const char *parameter)
{
    const char *query = strchr(self->line->url, '?');
    return query != NULL && strstr(query, parameter) != NULL;
}

static bool is_refused(const verdict *verdicts, need of)
{
    bool refused = false;
    for (int i = 0; i < RIGHT_COUNT; i++) {
        refused = refused || (rights[i].need == of && verdicts[i] == REFUSED);
    }
    return refused;
}

static void tell_rights(doctor *self, const char *name, const verdict *verdicts)
{
    const bool always = url_says(self, "functions=always");
    const bool may_functions =
        !url_says(self, "functions=never") && !is_refused(verdicts, FUNCTIONS);
    const ways known = {.always = always,
                        .by_functions = always || (may_functions && is_refused(verdicts, SCRIPTS)),
                        .by_module = self->has_module && !is_refused(verdicts, MODULE)};
    uint32_t lacking = 0;
    for (int i = 0; i < RIGHT_COUNT; i++) {
        const bool is_other = (rights[i].need == FUNCTIONS && !known.by_functions) ||
                              (rights[i].need == SCRIPTS && known.by_functions);
        if (is_other || verdicts[i] == ALLOWED) {
            continue;
        }
        lacking++;
        if (verdicts[i] == REFUSED) {
            tell_refused(self, name, &rights[i], is_needed(&rights[i], &known));
        }
    }
    tell_unknown(self, name, verdicts);
    if (lacking == 0 && !self->rights_told) {
        doctor_note(self, name, "this user may run every command that slotq needs");
        self->rights_told = true;
    }
}

/* A server without it does not know the command, and a user that may not ask does not use it. */
static void find_module(doctor *self)
{
    redisReply *reply = server_ask(self->server, "SLOTQ.ABOUT");
    self->has_module = reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
                       !url_says(self, "module=no") && !url_says(self, "functions=always");
    freeReplyObject(reply);
}

void doctor_look_at_rights(doctor *self, const char *name)
{
    verdict verdicts[RIGHT_COUNT] = {ALLOWED};
    find_module(self);
    if (!try_all_dry(self, name, verdicts) && !try_all_queued(self, name, verdicts)) {
        for (int i = 0; i < RIGHT_COUNT; i++) {
            verdicts[i] = is_asked(self, &rights[i]) ? try_it(self, name, &rights[i]) : ALLOWED;
        }
    }
    tell_rights(self, name, verdicts);
}

void doctor_look_at_calls(doctor *self, const char *name, const slotq *queue)
{
    slotq_redis_calls calls;
    if (slotq_redis_calls_of(queue, &calls) != SLOTQ_OK) {
        return;
    }
    if (calls.way == SLOTQ_WAY_MODULE) {
        doctor_note(self, name, "the module runs its verbs there (slotq %s, %u commands)",
                    calls.module_version, calls.module_commands);
    } else if (calls.way == SLOTQ_WAY_FUNCTIONS) {
        doctor_note(self, name, "slotq calls functions there; their library %s is loaded",
                    slotq_redis_functions_name());
    } else {
        doctor_note(self, name, "its verbs run as scripts%s%s%s",
                    calls.module_version[0] != '\0' ? ", not by the module of slotq " : "",
                    calls.module_version,
                    calls.module_version[0] != '\0' ? " that is loaded there" : "");
    }
}
