/* survival.c: see survival.h.
 */
#include "survival.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server.h"

static const char begins[] = "an acknowledged push survives";

__attribute__((format(printf, 2, 3))) static void add(survival *self, const char *format, ...)
{
    const size_t used = strlen(self->text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(self->text + used, sizeof self->text - used, format, arguments);
    va_end(arguments);
}

survival survival_in_file(bool syncs_always)
{
    survival self = {""};
    add(&self, "%s SIGKILL of every process%s", begins,
        syncs_always ? ", a crash of the machine and power loss (--sync always)"
                     : "; not power loss (--sync os; --sync always survives that, too)");
    return self;
}

/* CONFIG GET; "" if this user may not run it. */
static value_text setting(slotq_redis_connection *server, const char *name)
{
    value_text value = {""};
    redisReply *reply = server_ask(server, "CONFIG", "GET", name);
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[1]->type == REDIS_REPLY_STRING) {
        snprintf(value.text, sizeof value.text, "%s", reply->element[1]->str);
    }
    freeReplyObject(reply);
    return value;
}

static bool is(value_text value, const char *word)
{
    return strcmp(value.text, word) == 0;
}

/* The server writes its log before it replies; only a disk that lags keeps it from that for up to
 * 2 s, and only with everysec. */
static void add_log(survival *self, slotq_redis_connection *server)
{
    const value_text fsync = setting(server, "appendfsync");
    if (is(fsync, "always")) {
        add(self, "%s SIGKILL of the server, a crash of its machine and power loss", begins);
    } else if (is(fsync, "everysec")) {
        add(self,
            "%s SIGKILL of the server while its disk keeps up; power loss, or a disk that lags, "
            "loses up to 2 s (appendfsync everysec; push --fsynced 1 waits for the disk)",
            begins);
    } else {
        add(self,
            "%s SIGKILL of the server; power loss loses what its system has not written, often "
            "30 s (appendfsync %s)",
            begins, fsync.text);
    }
    if (is(setting(server, "no-appendfsync-on-rewrite"), "yes")) {
        add(self, "; during rewrites power loss loses more (no-appendfsync-on-rewrite)");
    }
}

static void add_disk(survival *self, slotq_redis_connection *server, const redisReply *info)
{
    const value_text append = setting(server, "appendonly");
    const value_text save = setting(server, "save");
    if (append.text[0] == '\0') {
        const value_text enabled = server_info_field(info, "aof_enabled");
        add(self,
            "whether an acknowledged push survives the end of the server is unknown: this user "
            "may not run CONFIG GET%s",
            is(enabled, "1")   ? "; it has an append-only file"
            : is(enabled, "0") ? "; it has no append-only file"
                               : "");
    } else if (is(append, "yes")) {
        add_log(self, server);
    } else if (save.text[0] != '\0') {
        add(self,
            "%s a planned stop of the server; SIGKILL of it and power loss lose all since the "
            "last snapshot (save %.40s, no append-only file)",
            begins, save.text);
    } else {
        add(self, "%s while the server runs: it keeps nothing on disk", begins);
    }
}

static void add_replicas(survival *self, slotq_redis_connection *server, const redisReply *info)
{
    const value_text connected = server_info_field(info, "connected_slaves");
    const value_text least = setting(server, "min-replicas-to-write");
    if (connected.text[0] != '\0' && !is(connected, "0")) {
        add(self,
            "; a failover loses what its replicas (%s) have not received (push --replicas 1 waits "
            "for one)",
            connected.text);
    }
    if (least.text[0] != '\0' && !is(least, "0")) {
        add(self, "; with fewer than %s replicas it refuses pushes (min-replicas-to-write)",
            least.text);
    }
}

survival survival_on_server(slotq_redis_connection *server)
{
    survival self = {""};
    redisReply *info = server_ask(server, "INFO", "default");
    add_disk(&self, server, info);
    add_replicas(&self, server, info);
    freeReplyObject(info);
    return self;
}
