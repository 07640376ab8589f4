/* bound.c: the least that a store takes for the same bytes (bound.h).
 */
#include "bound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../verbs/open.h"
#include "../say/report.h"
#include "../verbs/server.h"

enum { STATE_BYTES = 4 }; /* what reserving and acking change of a message */

/* ---- a server: SETRANGE, GETRANGE, PING ---- */

static int append(redisContext *context, int count, const char **words, const size_t *lengths)
{
    return redisAppendCommandArgv(context, count, words, lengths) == REDIS_OK ? EXIT_CODE_OK
                                                                              : EXIT_CODE_FAILURE;
}

/* One call's command goes behind the others. */
static int append_call(bench_bound *self, redisContext *context, bench_verb verb, size_t offset,
                       size_t size)
{
    char from[24];
    char to[24];
    const int from_length = snprintf(from, sizeof from, "%zu", offset);
    const int to_length = snprintf(to, sizeof to, "%zu", offset + size - 1);
    const size_t key_length = strlen(self->plan->bare);
    if (verb == BENCH_PUSH) {
        return append(context, 4,
                      (const char *[]){"SETRANGE", self->plan->bare, from, (char *)self->call},
                      (const size_t[]){8, key_length, (size_t)from_length, size});
    }
    if (verb == BENCH_RESERVE) {
        return append(context, 4, (const char *[]){"GETRANGE", self->plan->bare, from, to},
                      (const size_t[]){8, key_length, (size_t)from_length, (size_t)to_length});
    }
    return append(context, 1, (const char *[]){"PING"}, (const size_t[]){4});
}

static bool reply_is_right(const redisReply *reply, bench_verb verb, size_t size)
{
    return verb == BENCH_PUSH      ? reply->type == REDIS_REPLY_INTEGER
           : verb == BENCH_RESERVE ? reply->type == REDIS_REPLY_STRING && reply->len == size
                                   : reply->type == REDIS_REPLY_STATUS;
}

static const char *const commands[BENCH_VERBS] = {"SETRANGE", "GETRANGE", "PING"};

/* Over TLS hiredis cannot send. The bytes of a trip's calls go as one command, which takes no more
 * than several. As try_trip. */
static slotq_outcome try_whole(bench_bound *self, bench_verb verb, const bench_way *way,
                               uint32_t trip, slotq_error *error)
{
    const size_t size = (size_t)way->in_flight * way->batch * bench_slot_bytes(self->plan);
    const size_t offset = trip * size;
    redisReply *reply = NULL;
    char from[24];
    char to[24];
    const size_t lengths[] = {strlen(commands[verb]), strlen(self->plan->bare),
                              (size_t)snprintf(from, sizeof from, "%zu", offset),
                              (size_t)snprintf(to, sizeof to, "%zu", offset + size - 1)};
    const size_t push_lengths[] = {lengths[0], lengths[1], lengths[2], size};
    const char *words[] = {commands[verb], self->plan->bare, from,
                           verb == BENCH_PUSH ? (const char *)self->call : to};
    slotq_outcome outcome =
        slotq_redis_command(self->server, verb == BENCH_ACK ? 1 : 4, words,
                            verb == BENCH_PUSH ? push_lengths : lengths, &reply, error);
    if (outcome != SLOTQ_OK) {
        return SLOTQ_CONNECT;
    }
    if (!reply_is_right(reply, verb, size)) {
        outcome = SLOTQ_IO;
        (void)slotq_redis_judge(reply, error);
    }
    freeReplyObject(reply);
    return outcome;
}

/* Send a trip and read all its replies. OK; IO: some reply is not the one wanted, and error has the
 * first; CONNECT. */
static slotq_outcome try_trip(bench_bound *self, redisContext *context, bench_verb verb,
                              const bench_way *way, uint32_t trip, slotq_error *error)
{
    const size_t size = (size_t)way->batch * bench_slot_bytes(self->plan);
    slotq_outcome outcome = SLOTQ_OK;
    int code = EXIT_CODE_OK;
    memset(error, 0, sizeof *error);
    if (self->over_tls) {
        return try_whole(self, verb, way, trip, error);
    }
    for (uint32_t i = 0; i < way->in_flight && code == EXIT_CODE_OK; i++) {
        code = append_call(self, context, verb, ((size_t)trip * way->in_flight + i) * size, size);
    }
    for (uint32_t i = 0; i < way->in_flight && code == EXIT_CODE_OK; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(context, (void **)&reply) != REDIS_OK || reply == NULL) {
            code = EXIT_CODE_CONNECT;
        } else if (outcome == SLOTQ_OK && !reply_is_right(reply, verb, size)) {
            outcome = SLOTQ_IO;
            (void)slotq_redis_judge(reply, error);
        }
        freeReplyObject(reply);
    }
    return code == EXIT_CODE_OK ? outcome : SLOTQ_CONNECT;
}

/* Wait while the server refuses such a command for now. */
static bool outlast(const bench_bound *self, bench_verb verb)
{
    redisReply *reply = verb == BENCH_PUSH
                            ? server_ask(self->server, "SETRANGE", self->plan->bare, "0", "a")
                            : server_ask(self->server, "PING");
    const bool again = !reply_is_error(reply) && report_signal() == 0;
    freeReplyObject(reply);
    return again;
}

/* The same trip may be repeated: it writes the same bytes. */
static int run_server_trip(bench_bound *self, redisContext *context, bench_verb verb,
                           const bench_way *way, uint32_t trip)
{
    slotq_error error;
    slotq_outcome outcome = try_trip(self, context, verb, way, trip, &error);
    while (outcome == SLOTQ_IO && error.passes && outlast(self, verb)) {
        outcome = try_trip(self, context, verb, way, trip, &error);
    }
    if (outcome == SLOTQ_CONNECT) {
        complain("%s: the connection is lost: %s", commands[verb],
                 self->over_tls ? error.text : context->errstr);
        return EXIT_CODE_CONNECT;
    }
    if (outcome != SLOTQ_OK) {
        complain("%s: %s", commands[verb],
                 error.text[0] != '\0' ? error.text : "the server's reply is not of that kind");
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

static int run_server(void *context, bench_verb verb, const bench_way *way, uint32_t at,
                      uint32_t trips)
{
    bench_bound *self = context;
    redisContext *server = slotq_redis_context(self->server);
    int code = EXIT_CODE_OK;
    if (server == NULL) {
        complain("the connection to %s is lost", shown_url(self->plan->line->url).text);
        return EXIT_CODE_CONNECT;
    }
    for (uint32_t i = 0; i < trips && code == EXIT_CODE_OK; i++) {
        code = run_server_trip(self, server, verb, way, at + i);
    }
    return code;
}

/* ---- memory: a copy in, a copy out ---- */

/* Message by message, as they come and go. */
static int run_copies(void *context, bench_verb verb, const bench_way *way, uint32_t at,
                      uint32_t trips)
{
    const bench_bound *self = context;
    const size_t slot = bench_slot_bytes(self->plan);
    uint8_t *ring = self->bytes + (size_t)at * way->batch * slot;
    for (uint32_t i = 0; i < trips; i++) {
        for (uint32_t j = 0; j < way->batch; j++, ring += slot) {
            uint8_t *call = self->call + j * slot;
            memcpy(verb == BENCH_PUSH ? ring : call, verb == BENCH_PUSH ? call : ring, slot);
            __asm__ volatile("" : : "r"(ring), "r"(call) : "memory"); /* not to be left out */
        }
    }
    return EXIT_CODE_OK;
}

/* ---- a disk: a write and its sync ---- */

static int run_disk(void *context, bench_verb verb, const bench_way *way, uint32_t at,
                    uint32_t trips)
{
    const bench_bound *self = context;
    const size_t place = (size_t)way->batch * bench_slot_bytes(self->plan);
    const size_t size = verb == BENCH_PUSH ? place : (size_t)way->batch * STATE_BYTES;
    for (uint32_t i = 0; i < trips; i++) {
        const off_t offset = (off_t)((at + i) * place);
        if (pwrite(self->file, self->call, size, offset) != (ssize_t)size ||
            fdatasync(self->file) != 0) {
            complain("%s: cannot write: %s", self->plan->bare, strerror(errno));
            return EXIT_CODE_FAILURE;
        }
    }
    return EXIT_CODE_OK;
}

/* ---- made and removed ---- */

/* "Redis 7.0.15, append-only file: no, replicas: 0": what takes part in each write. */
static void describe(slotq_redis_connection *server, char *told, size_t told_bytes)
{
    value_text version;
    redisReply *info = server_ask(server, "INFO", "default");
    const char *kind = server_kind(info, &version);
    const value_text log = server_info_field(info, "aof_enabled");
    const value_text replicas = server_info_field(info, "connected_slaves");
    if (version.text[0] != '\0') {
        snprintf(told, told_bytes, "%s %s, append-only file: %s, replicas: %s", kind, version.text,
                 strcmp(log.text, "0") == 0 ? "no" : "yes", replicas.text);
    }
    freeReplyObject(info);
}

/* If this process is killed, the server removes the queue and the key. Where we may not say so, it
 * is not said. */
static void expire_keys(const bench_bound *self)
{
    enum { SPARE_SECONDS = 600 };
    const bench_plan *plan = self->plan;
    value_text seconds;
    snprintf(seconds.text, sizeof seconds.text, "%u", plan->seconds + SPARE_SECONDS);
    freeReplyObject(server_ask(self->server, "EXPIRE", plan->name, seconds.text));
    freeReplyObject(server_ask(self->server, "EXPIRE", plan->bare, seconds.text));
}

/* The whole key now, so that it does not grow while it is measured. */
static int make_key(bench_bound *self, char *told, size_t told_bytes)
{
    char last[24];
    slotq_error error;
    snprintf(last, sizeof last, "%zu",
             (size_t)self->plan->capacity * bench_slot_bytes(self->plan) - 1);
    if (open_server(self->plan->line, self->plan->bare, &self->server, &error) != SLOTQ_OK) {
        return complain_error(shown_url(self->plan->line->url).text, &error);
    }
    redisReply *reply = server_ask(self->server, "SETRANGE", self->plan->bare, last, "x");
    if (reply_is_error(reply)) {
        complain("the server refuses %s, the bound of this bench: %s", commands[BENCH_PUSH],
                 reply != NULL ? reply->str : "the connection is lost");
        freeReplyObject(reply);
        return EXIT_CODE_FAILURE;
    }
    freeReplyObject(reply);
    expire_keys(self);
    describe(self->server, told, told_bytes);
    return EXIT_CODE_OK;
}

static char *bare_path(const bench_plan *plan)
{
    const size_t size = strlen(plan->line->url) + sizeof plan->bare + 1;
    char *path = malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s/%s", plan->line->url, plan->bare);
    }
    return path;
}

/* Written whole, so that a sync has no blocks to find. */
static int make_file(bench_bound *self)
{
    const size_t size = (size_t)self->plan->capacity * bench_slot_bytes(self->plan);
    char *path = bare_path(self->plan);
    self->file = path != NULL ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    free(path);
    if (self->file < 0 || pwrite(self->file, self->bytes, size, 0) != (ssize_t)size ||
        fsync(self->file) != 0) {
        complain("cannot make the file %s: %s", self->plan->bare, strerror(errno));
        return EXIT_CODE_FAILURE;
    }
    return EXIT_CODE_OK;
}

static size_t most_bytes(const bench_bound *self)
{
    const bench_plan *plan = self->plan;
    uint32_t messages = plan->batch;
    for (uint32_t i = 0; i < plan->way_count && self->over_tls; i++) {
        const uint32_t of_trip = plan->ways[i].batch * plan->ways[i].in_flight;
        messages = of_trip > messages ? of_trip : messages;
    }
    return (size_t)messages * bench_slot_bytes(plan);
}

int bench_bound_make(bench_bound *self, const bench_plan *plan, char *told, size_t told_bytes)
{
    const size_t slot = bench_slot_bytes(plan);
    const slotq_place place = slotq_url_kind(plan->line->url);
    memset(self, 0, sizeof *self);
    self->over_tls = place == SLOTQ_PLACE_TLS || place == SLOTQ_PLACE_SENTINEL_TLS;
    self->plan = plan;
    self->file = -1;
    const size_t call_bytes = most_bytes(self);
    self->bytes = malloc(plan->capacity * slot);
    self->call = malloc(call_bytes);
    if (self->bytes == NULL || self->call == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    memset(self->call, 'a', call_bytes);
    memset(self->bytes, 'a', plan->capacity * slot);
    return plan->in_redis ? make_key(self, told, told_bytes)
           : plan->synced ? make_file(self)
                          : EXIT_CODE_OK;
}

void bench_bound_remove(bench_bound *self)
{
    if (self->server != NULL) {
        freeReplyObject(server_ask(self->server, "UNLINK", self->plan->bare));
        slotq_redis_close(self->server);
    }
    if (self->file >= 0) {
        char *path = bare_path(self->plan);
        (void)close(self->file);
        (void)(path != NULL && unlink(path));
        free(path);
    }
    free(self->bytes);
    free(self->call);
}

bench_subject bench_bound_subject(bench_bound *self)
{
    if (self->plan->in_redis) {
        return (bench_subject){
            .run = run_server, .context = self, .names = {"SETRANGE", "GETRANGE", "PING"}};
    }
    if (self->plan->synced) {
        return (bench_subject){
            .run = run_disk, .context = self, .names = {"write+sync", "write+sync", "write+sync"}};
    }
    return (bench_subject){.run = run_copies, .context = self, .names = {"memcpy", "memcpy"}};
}
