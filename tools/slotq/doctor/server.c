/* server.c: the doctor's look at a Redis server: version, memory, role, persistence, clock,
 * scripts; and at the key of a queue. Knows the words of INFO and CONFIG. A fact is unknown when
 * our user may not read it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "looks.h"
#include "../verbs/open.h"
#include "../verbs/survival.h"
#include "../line/values.h"
#include "../say/texts.h"

/* What INFO returned, and the server's name in messages. */
typedef struct look {
    doctor *self;
    const char *about;
    redisReply *info; /* all of INFO; NULL = not allowed */
} look;

/* A field of INFO; "" when INFO does not have it. */
static value_text info_field(const look *at, const char *name)
{
    return server_info_field(at->info, name);
}

static uint64_t info_number(const look *at, const char *name)
{
    uint64_t number = 0;
    return parse_count(info_field(at, name).text, &number) ? number : 0;
}

static bool info_is(const look *at, const char *name, const char *value)
{
    return strcmp(info_field(at, name).text, value) == 0;
}

/* CONFIG GET of one setting; false = not allowed. */
static bool config_value(const look *at, const char *name, value_text *value)
{
    redisReply *reply = server_ask(at->self->server, "CONFIG", "GET", name);
    const bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                      reply->element[1]->type == REDIS_REPLY_STRING;
    if (told) {
        snprintf(value->text, sizeof value->text, "%s", reply->element[1]->str);
    }
    freeReplyObject(reply);
    return told;
}

/* ---- what runs there ---- */

#define TESTED_VERSION "7.0.15"

static void look_at_version(look *at)
{
    value_text version;
    const char *kind = server_kind(at->info, &version);
    const bool is_redis = strcmp(kind, "Redis") == 0;
    const long major = strtol(version.text, NULL, 10);
    if (version.text[0] == '\0') {
        doctor_unknown(at->self, at->about, "its version: this user may not run INFO");
    } else if (is_redis && strcmp(version.text, TESTED_VERSION) == 0) {
        doctor_note(at->self, at->about, "Redis %s, the version that slotq is tested with",
                    version.text);
    } else if (is_redis && major < 5) {
        doctor_find(at->self, at->about,
                    "Redis %s is too old: slotq needs Redis 5 or newer (tested: %s)", version.text,
                    TESTED_VERSION);
    } else {
        doctor_note(at->self, at->about, "%s %s: not tested with each change, Redis %s is%s", kind,
                    version.text, TESTED_VERSION,
                    is_redis && major < 7 ? "; at maxmemory it refuses all changes, Redis 7 "
                                            "does not"
                                          : "");
    }
}

static void look_at_policy(const look *at, const char *policy)
{
    if (strncmp(policy, "allkeys-", 8) == 0) {
        doctor_find(at->self, at->about,
                    "maxmemory-policy is %s: a full server deletes whole queues; CONFIG "
                    "SET maxmemory-policy noeviction (and in its configuration file)",
                    policy);
    } else {
        doctor_note(at->self, at->about, "maxmemory-policy is %s: no queue is evicted", policy);
    }
    const uint64_t most = info_number(at, "maxmemory");
    const uint64_t used = info_number(at, "used_memory");
    if (most != 0 && used * 10 >= most * 9) {
        doctor_find(at->self, at->about,
                    "%s of %s maxmemory are used; at the limit, existing queues work (Redis 7 and "
                    "newer), creating a queue fails; raise maxmemory or delete keys",
                    bytes_text(used).text, bytes_text(most).text);
    }
}

static void look_at_memory(const look *at)
{
    value_text policy = info_field(at, "maxmemory_policy");
    if (policy.text[0] == '\0' && !config_value(at, "maxmemory-policy", &policy)) {
        doctor_unknown(at->self, at->about,
                       "its maxmemory-policy: this user may run neither INFO nor CONFIG GET; it "
                       "must be noeviction or volatile-*");
        return;
    }
    look_at_policy(at, policy.text);
}

static void look_at_role(const look *at)
{
    const value_text role = info_field(at, "role");
    if (role.text[0] == '\0') {
        doctor_unknown(at->self, at->about,
                       "its role (master or replica): this user may not run INFO");
    } else if (strcmp(role.text, "master") != 0) {
        doctor_find(at->self, at->about,
                    "is a replica of %s:%s and refuses writes; use the URL of that server",
                    info_field(at, "master_host").text, info_field(at, "master_port").text);
    } else if (info_number(at, "connected_slaves") != 0) {
        doctor_note(at->self, at->about,
                    "master with %s: a failover can lose acknowledged changes; push --replicas N "
                    "makes that less likely",
                    info_number(at, "connected_slaves") == 1 ? "1 replica" : "replicas");
    }
}

/* ---- persistence ---- */

static void look_at_log(const look *at, bool always, const char *fsync)
{
    if (strcmp(fsync, "always") == 0) {
        doctor_note(at->self, at->about,
                    "append-only file, appendfsync always: acknowledged changes survive a crash "
                    "of the server and of the machine");
    } else if (always) {
        doctor_find(at->self, at->about,
                    "appendfsync is %s: a crash can lose the last second or more; CONFIG SET "
                    "appendfsync always (and in its configuration file)",
                    fsync);
    } else {
        doctor_note(at->self, at->about,
                    "append-only file, appendfsync %s: a crash can lose the last second or more "
                    "(doctor --sync always reports that as a finding)",
                    fsync);
    }
}

static void look_at_snapshots(const look *at, bool always, const char *save)
{
    if (save[0] == '\0') {
        doctor_find(at->self, at->about,
                    "keeps nothing on disk: all queues are lost when it stops; CONFIG SET "
                    "appendonly yes, and appendfsync always if no push may be lost (and in its "
                    "configuration file)");
    } else if (always) {
        doctor_find(at->self, at->about,
                    "keeps snapshots only (save %s): a crash loses all changes after the last "
                    "one; CONFIG SET appendonly yes, CONFIG SET appendfsync always",
                    save);
    } else {
        doctor_note(at->self, at->about,
                    "keeps snapshots only (save %s): a crash loses all changes after the last "
                    "one; CONFIG SET appendonly yes loses less",
                    save);
    }
}

static void look_at_failed_writes(const look *at)
{
    if (info_is(at, "aof_last_write_status", "err")) {
        doctor_find(at->self, at->about,
                    "its last write to the append-only file failed: it refuses changes (MISCONF) "
                    "until a write succeeds; look at its log and the disk");
    }
    if (info_is(at, "rdb_last_bgsave_status", "err")) {
        doctor_find(at->self, at->about,
                    "its last snapshot failed: it may refuse changes (MISCONF) until one succeeds; "
                    "look at its log and the disk");
    }
}

static void look_at_persistence(const look *at)
{
    const option_value *sync = &at->self->line->options[OPTION_SYNC];
    const bool always = sync->given && strcmp(sync->text, "always") == 0;
    value_text append;
    value_text fsync;
    value_text save;
    look_at_failed_writes(at);
    if (!config_value(at, "appendonly", &append) || !config_value(at, "appendfsync", &fsync) ||
        !config_value(at, "save", &save)) {
        doctor_unknown(at->self, at->about,
                       "what it keeps on disk: this user may not run CONFIG GET%s",
                       info_is(at, "aof_enabled", "1")   ? "; it has an append-only file"
                       : info_is(at, "aof_enabled", "0") ? "; it has no append-only file"
                                                         : "");
        return;
    }
    if (strcmp(append.text, "yes") == 0) {
        look_at_log(at, always, fsync.text);
    } else {
        look_at_snapshots(at, always, save.text);
    }
}

/* ---- its clock and its scripts ---- */

static uint64_t our_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t apart_ms(uint64_t first_ms, uint64_t second_ms)
{
    return first_ms > second_ms ? first_ms - second_ms : second_ms - first_ms;
}

static void look_at_clock(const look *at)
{
    enum { SKEW_MOST_MS = 1000 };
    uint64_t seconds = 0;
    uint64_t micros = 0;
    const uint64_t before_ms = our_ms();
    redisReply *reply = server_ask(at->self->server, "TIME");
    const uint64_t after_ms = our_ms();
    const bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                      reply->element[0]->str != NULL && reply->element[1]->str != NULL &&
                      parse_count(reply->element[0]->str, &seconds) &&
                      parse_count(reply->element[1]->str, &micros) &&
                      seconds < SLOTQ_NOW_MS_MAX / 1000;
    if (!told) {
        doctor_unknown(at->self, at->about,
                       "its clock: this user may not run TIME, which workers need");
    } else {
        /* the server reads it at some moment of the round trip: a long one proves nothing */
        const uint64_t theirs_ms = seconds * 1000 + micros / 1000;
        const bool ahead = theirs_ms > after_ms;
        const uint64_t from_before_ms = apart_ms(theirs_ms, before_ms);
        const uint64_t from_after_ms = apart_ms(theirs_ms, after_ms);
        const uint64_t least_ms = ahead                   ? from_after_ms
                                  : theirs_ms < before_ms ? from_before_ms
                                                          : 0;
        if (least_ms > SKEW_MOST_MS) {
            doctor_find(at->self, at->about,
                        "its clock is %s %s ours; leases use the server's clock and are right, "
                        "times printed here are off; correct both clocks (NTP)",
                        time_text(least_ms).text, ahead ? "ahead of" : "behind");
        } else {
            doctor_note(
                at->self, at->about, "its clock is within %s of ours; a round trip takes %s",
                time_text(from_before_ms > from_after_ms ? from_before_ms : from_after_ms).text,
                time_text(after_ms - before_ms).text);
        }
    }
    freeReplyObject(reply);
}

/* Our scripts need struct and bit, and the number type that struct returns. */
static void look_at_lua(const look *at)
{
    static const char probe[] = "if not struct or not bit then return 'missing' end "
                                "return tostring(struct.unpack('<I4', '\\1\\0\\0\\0'))";
    redisReply *reply = server_ask(at->self->server, "EVAL", probe, "0");
    if (reply != NULL && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, "missing") == 0) {
        doctor_find(at->self, at->about,
                    "its Lua lacks the struct or bit library: slotq cannot work there");
    } else if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        doctor_note(at->self, at->about, "scripts run; the number 1 prints as %s: %s", reply->str,
                    strcmp(reply->str, "1") == 0 ? "as in Lua 5.1"
                                                 : "as in Lua 5.3 and newer, not tested");
    } else if (reply_is_blocked(reply)) {
        doctor_unknown(at->self, at->about,
                       "the number semantics of its Lua: this user may not run EVAL");
    } else {
        doctor_find(at->self, at->about, "a small script failed: %s",
                    reply != NULL && reply->str != NULL ? reply->str : "the connection is lost");
    }
    freeReplyObject(reply);
}

enum { SCRIPTS_MAX = 64 };

/* Count the library's scripts in the server's cache. */
static void look_at_scripts(const look *at)
{
    const char *words[2 + SCRIPTS_MAX] = {"SCRIPT", "EXISTS"};
    const bool redis7 = strtol(info_field(at, "redis_version").text, NULL, 10) >= 7;
    slotq_error error;
    redisReply *reply = NULL;
    uint32_t count = 0;
    uint32_t there = 0;
    const char *sum;
    while (count < SCRIPTS_MAX && (sum = slotq_redis_script_sum(count, redis7)) != NULL) {
        words[2 + count++] = sum;
    }
    (void)slotq_redis_command(at->self->server, 2 + (int)count, words, NULL, &reply, &error);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        doctor_unknown(at->self, at->about,
                       "its script cache: this user may not run SCRIPT EXISTS");
    } else {
        for (size_t i = 0; i < reply->elements; i++) {
            there +=
                reply->element[i]->type == REDIS_REPLY_INTEGER && reply->element[i]->integer == 1;
        }
        doctor_note(at->self, at->about,
                    "%" PRIu32 " of the %" PRIu32 " scripts of slotq are in its cache; "
                    "others are loaded when needed",
                    there, count);
    }
    freeReplyObject(reply);
}

void doctor_look_at_server(doctor *self, const char *about)
{
    look at = {.self = self, .about = about};
    at.info = server_ask(self->server, "INFO", "default");
    if (at.info != NULL && at.info->type != REDIS_REPLY_STRING) {
        freeReplyObject(at.info);
        at.info = NULL;
    }
    look_at_version(&at);
    doctor_look_at_tls(self, about);
    look_at_role(&at);
    look_at_memory(&at);
    look_at_persistence(&at);
    doctor_note(self, about, "%s", survival_on_server(self->server).text);
    look_at_clock(&at);
    look_at_lua(&at);
    look_at_scripts(&at);
    freeReplyObject(at.info);
}

/* ---- a queue's key ---- */

static bool ask_number(doctor *self, long long *number, const char *command, const char *argument,
                       const char *key)
{
    redisReply *reply = key != NULL ? server_ask(self->server, command, argument, key)
                                    : server_ask(self->server, command, argument);
    const bool told = reply != NULL && reply->type == REDIS_REPLY_INTEGER;
    if (told) {
        *number = reply->integer;
    }
    freeReplyObject(reply);
    return told;
}

/* The key's server is another, or refuses everything for now: no question about it can be answered,
 * which is not a matter of rights. */
static bool is_out_of_reach(doctor *self, const char *name, bool *told)
{
    redisReply *reply = server_ask(self->server, "EXISTS", name);
    slotq_error error;
    const bool is_error = reply != NULL && slotq_redis_judge(reply, &error) != SLOTQ_OK;
    const bool elsewhere = is_error && error.cause == SLOTQ_CAUSE_NODE;
    const bool refused = is_error && !reply_is_blocked(reply);
    if (elsewhere) {
        doctor_find(self, name,
                    "its key belongs to another node of the cluster (%s): for more, use the URL of "
                    "that node",
                    reply->str);
    }
    *told = elsewhere;
    freeReplyObject(reply);
    return refused;
}

bool doctor_look_at_key(doctor *self, const char *name)
{
    bool told;
    if (is_out_of_reach(self, name, &told)) {
        return !told;
    }
    long long number;
    if (!ask_number(self, &number, "EXISTS", name, NULL) || number == 1) {
        if (!ask_number(self, &number, "PTTL", name, NULL)) {
            doctor_unknown(self, name, "whether its key expires: this user may not run PTTL");
        } else if (number >= 0) {
            doctor_find(self, name,
                        "its key expires in %s, which deletes the queue; redis-cli PERSIST %s",
                        time_text((uint64_t)number).text, shell_word(name).text);
        }
        long long bytes;
        if (ask_number(self, &number, "MEMORY", "USAGE", name) &&
            ask_number(self, &bytes, "STRLEN", name, NULL)) {
            doctor_note(self, name, "uses %s of the server's memory for a queue of %s",
                        bytes_text((uint64_t)number).text, bytes_text((uint64_t)bytes).text);
        }
    }
    doctor_look_at_rights(self, name);
    return true;
}
