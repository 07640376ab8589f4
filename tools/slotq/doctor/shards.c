/* shards.c: the doctor's look at a sharded queue: whether its descriptor and its shards agree (rule
 * 57 of SHARDS.md). Knows keys and where they are kept; no bytes.
 */
#include "looks.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../verbs/open.h"
#include "../verbs/sharded.h"
#include "../say/texts.h"

enum { NAME_BYTES_MAX = 190 };

/* One look at one sharded queue. */
typedef struct shards_look {
    doctor *self;
    const char *name;
    const sharded *all;
    uint64_t bytes;
} shards_look;

static const shard_row *row_of(const sharded *all, const char *key)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].key, key) == 0) {
            return &all->rows[i];
        }
    }
    return NULL;
}

/* ---- shards that are listed ---- */

static void look_at_row(shards_look *look, const shard_row *row)
{
    enum { LARGE_BYTES = 64 * 1024 * 1024 };
    doctor *self = look->self;
    look->bytes += row->bytes;
    if (row->state == SLOTQ_SHARD_MAKING) {
        doctor_find(self, look->name,
                    "shard %" PRIu32 " was begun and is not open; if no shards add is running: %s",
                    row->number, shown_command(self->line, "shards add", look->name).text);
    } else if (row->error != NULL && row->outcome == SLOTQ_NOQUEUE) {
        doctor_find(self, look->name,
                    "shard %" PRIu32 " is missing: there is no queue %s. Its messages are lost, "
                    "unless a backup or a replica has them; clients pass it over",
                    row->number, row->key);
    } else if (row->error != NULL) {
        doctor_find(self, row->key, "%s", row->error);
    }
    if (row->state == SLOTQ_SHARD_DRAINING && row->has_stats) {
        const shard_text holdup = shard_holdup(row);
        doctor_note(self, look->name, "shard %" PRIu32 " is being drained%s%s; %s %" PRIu32,
                    row->number, holdup.text[0] != '\0' ? ", and holds " : "", holdup.text,
                    shown_command(self->line, "shards drain", look->name).text, row->number);
    }
    if (self->in_cluster && row->bytes > LARGE_BYTES) {
        doctor_find(self, row->key,
                    "has %s: moving its slot (MIGRATE) stalls its node, and at most %s are "
                    "advised; give it fewer or smaller slots: %s",
                    bytes_text(row->bytes).text, bytes_text(LARGE_BYTES).text,
                    shown_command(self->line, "resize", row->key).text);
    }
}

/* ---- keys that no entry lists ---- */

static bool visit_key(shards_look *look, const char *key)
{
    doctor *self = look->self;
    const shard_row *row = row_of(look->all, key);
    slotq *queue;
    slotq_error error;
    if (row != NULL && row->state != SLOTQ_SHARD_GONE) {
        return true;
    }
    if (open_quietly(self->line, key, true, &queue, &error) != SLOTQ_OK) {
        return true; /* another kind of key, or one that has gone meanwhile */
    }
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    slotq_stats stats = {0};
    (void)slotq_get_stats(queue, 0, &stats);
    const command_text repair = shown_command(self->line, "shards repair", look->name);
    if (geometry->set != look->all->whole.set) {
        doctor_find(self, key,
                    "is not of this sharded queue: it has set %" PRIu32 ", the queue %" PRIu32
                    "; if it is a leftover: %s",
                    geometry->set, look->all->whole.set, shown_command(self->line, "rm", key).text);
    } else if (row != NULL) {
        doctor_find(self, key,
                    "shard %u was drained and deleted, and a failover brought it back; it "
                    "holds messages that may have been finished (slots in use: %s, dead: %s); %s",
                    geometry->shard, count_text(stats.used).text, count_text(stats.dead).text,
                    repair.text);
    } else {
        doctor_find(self, key,
                    "is shard %u, and the descriptor does not list it, so no client uses it; %s",
                    geometry->shard, repair.text);
    }
    slotq_close(queue);
    return true;
}

static void look_through_folder(shards_look *look)
{
    static const char ending[] = ".slotq";
    const size_t name_bytes = strlen(look->name);
    DIR *folder = opendir(look->self->line->url);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const size_t length = strlen(entry->d_name);
        if (length > name_bytes + strlen(ending) && entry->d_name[name_bytes] == '{' &&
            strncmp(entry->d_name, look->name, name_bytes) == 0 &&
            strcmp(entry->d_name + length - strlen(ending), ending) == 0) {
            char *key = strndup(entry->d_name, length - strlen(ending));
            if (key != NULL) {
                (void)visit_key(look, key);
            }
            free(key);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* A name as a pattern of SCAN. */
static void make_pattern(const char *name, char *pattern)
{
    size_t used = 0;
    for (; *name != '\0'; name++) {
        if (strchr("*?[]\\", *name) != NULL) {
            pattern[used++] = '\\';
        }
        pattern[used++] = *name;
    }
    memcpy(pattern + used, "{*}", sizeof "{*}");
}

/* All of its keys on one server. false: it may not be asked. */
static bool scan(shards_look *look, slotq_redis_connection *server)
{
    char pattern[2 * NAME_BYTES_MAX + sizeof "{*}"];
    char cursor[24] = "0";
    make_pattern(look->name, pattern);
    do {
        redisReply *reply = server_ask(server, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000");
        const bool good = reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
                          reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
                          reply->element[1]->type == REDIS_REPLY_ARRAY;
        if (good) {
            snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        }
        for (size_t i = 0; good && i < reply->element[1]->elements; i++) {
            const redisReply *key = reply->element[1]->element[i];
            if (key->type == REDIS_REPLY_STRING && strlen(key->str) == key->len) {
                (void)visit_key(look, key->str);
            }
        }
        freeReplyObject(reply);
        if (!good) {
            return false;
        }
    } while (strcmp(cursor, "0") != 0);
    return true;
}

typedef struct scanning {
    shards_look *look;
    bool failed;
} scanning;

static bool scan_primary(void *context, const slotq_redis_primary *primary)
{
    scanning *now = context;
    now->failed =
        primary->connection == NULL || !scan(now->look, primary->connection) || now->failed;
    return true;
}

static void look_through_servers(shards_look *look)
{
    scanning now = {.look = look};
    slotq_error error;
    if (slotq_redis_visit(look->self->line->url, NULL, scan_primary, &now, &error) != SLOTQ_OK ||
        now.failed) {
        doctor_unknown(look->self, look->name,
                       "whether there are shards that its descriptor does not list: not every "
                       "server lets this user run SCAN");
    }
}

/* ---- the whole ---- */

/* What all shards refuse is told once. */
static void look_at_pause(shards_look *look)
{
    const sharded *all = look->all;
    uint8_t paused = SLOTQ_PAUSE_BOTH;
    bool is_read = false;
    for (uint32_t i = 0; i < all->count; i++) {
        is_read = is_read || all->rows[i].has_stats;
        paused &= all->rows[i].has_stats ? all->rows[i].stats.paused : paused;
    }
    look->self->pause_told = is_read && paused != 0;
    if (look->self->pause_told) {
        doctor_find(look->self, look->name, "is paused (%s); %s", paused_text(paused),
                    shown_command(look->self->line, "resume", look->name).text);
    }
}

bool doctor_look_at_shards(doctor *self, const char *name,
                           void (*look_at_queue)(doctor *self, const char *name))
{
    sharded all;
    slotq_error error;
    if (strchr(name, '{') != NULL || strlen(name) > NAME_BYTES_MAX) {
        return false;
    }
    const slotq_outcome outcome = sharded_read(self->line, name, &all, &error);
    if (outcome == SLOTQ_CORRUPT) {
        doctor_find(self, name, "%s; to make it anew of its shards: %s", error.text,
                    shown_command(self->line, "shards repair", name).text);
        return true;
    }
    if (outcome != SLOTQ_OK) {
        return false;
    }
    shards_look look = {.self = self, .name = name, .all = &all};
    slotq_redis_connection *first = self->server;
    if (self->server != NULL && doctor_meet_node(self, name, &first)) {
        (void)doctor_look_at_key(self, name);
    }
    doctor_leave_node(self, first);
    if (all.whole.making || all.whole.removing) {
        doctor_find(self, name, "%s",
                    all.whole.making
                        ? "is being made, and cannot be used; if no create runs, call it again"
                        : "is being removed, and cannot be used; if no rm runs, call it again");
    }
    look_at_pause(&look);
    for (uint32_t i = 0; i < all.count; i++) {
        look_at_row(&look, &all.rows[i]);
        if (all.rows[i].has_stats) {
            self->is_brief = true; /* what is in order is told of the whole */
            look_at_queue(self, all.rows[i].key);
            self->is_brief = false;
        }
    }
    self->pause_told = false;
    if (self->server == NULL) {
        look_through_folder(&look);
    } else {
        look_through_servers(&look);
    }
    doctor_note(self, name,
                "%" PRIu32 " of %" PRIu32 " shards are open, %s in all, revision %" PRIu32,
                all.whole.open, all.whole.count, bytes_text(look.bytes).text, all.whole.revision);
    sharded_free(&all);
    return true;
}
