/* queue.c: a queue that is there while it is measured (queue.h).
 */
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../verbs/open.h"
#include "../say/report.h"
#include "../verbs/server.h"

enum { LEASE_MS = 60 * 60 * 1000, LETTERS = 26 };

/* ---- what lies in the store under our names ---- */

/* Asked of keys that are not there: what cannot be removed must not be made. */
static int judge_right_to_remove(const bench_plan *plan, slotq_redis_connection *server)
{
    redisReply *reply = server_ask(server, "UNLINK", plan->name, plan->bare);
    const bool may = reply != NULL && !reply_is_blocked(reply);
    if (!may) {
        complain("nothing was created, because this user could not remove it: UNLINK of %s: %s",
                 plan->name, reply != NULL ? reply->str : "the connection is lost");
    }
    freeReplyObject(reply);
    return may ? EXIT_CODE_OK : EXIT_CODE_FAILURE;
}

/* Keys of the server that have our names. */
static int count_keys(const bench_plan *plan, uint64_t *count)
{
    slotq_redis_connection *server;
    slotq_error error;
    if (open_server(plan->line, plan->name, &server, &error) != SLOTQ_OK) {
        return complain_error(shown_url(plan->line->url).text, &error);
    }
    redisReply *reply = server_ask(server, "EXISTS", plan->name, plan->bare);
    const bool told = reply != NULL && reply->type == REDIS_REPLY_INTEGER;
    if (told) {
        *count = (uint64_t)reply->integer;
    } else {
        complain("cannot look for the keys %s and %s: %s", plan->name, plan->bare,
                 reply != NULL && reply->str != NULL ? reply->str : "the connection is lost");
    }
    int code = told ? EXIT_CODE_OK : reply == NULL ? EXIT_CODE_CONNECT : EXIT_CODE_FAILURE;
    freeReplyObject(reply);
    if (told && *count == 0) {
        code = judge_right_to_remove(plan, server);
    }
    slotq_redis_close(server);
    return code;
}

/* Files of the folder whose names begin with ours. */
static int count_files(const bench_plan *plan, uint64_t *count)
{
    DIR *folder = opendir(plan->line->url);
    if (folder == NULL) {
        complain("cannot look into the folder %s: %s", shown_url(plan->line->url).text,
                 strerror(errno));
        return EXIT_CODE_FAILURE;
    }
    *count = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        *count += strncmp(entry->d_name, plan->name, strlen(plan->name)) == 0;
    }
    closedir(folder);
    return EXIT_CODE_OK;
}

static int count_ours(const bench_plan *plan, uint64_t *count)
{
    *count = 0;
    return plan->in_redis ? count_keys(plan, count) : count_files(plan, count);
}

static int choose_names(bench_plan *plan)
{
    uint64_t number;
    uint64_t there;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        complain("cannot choose a name: %s", strerror(errno));
        return EXIT_CODE_FAILURE;
    }
    snprintf(plan->name, sizeof plan->name, "slotq-bench-%016" PRIx64, number);
    /* a hash tag: both keys on one node of a cluster */
    snprintf(plan->bare, sizeof plan->bare, plan->in_redis ? "slotq-bench-bare-{%s}" : "%s.bare",
             plan->name);
    const int code = count_ours(plan, &there);
    if (code == EXIT_CODE_OK && there != 0) {
        complain("%s exists already; nothing was changed", plan->name);
        return EXIT_CODE_REFUSED;
    }
    return code;
}

/* ---- made and removed ---- */

static bool take_memory(bench_queue *self)
{
    const bench_plan *plan = self->plan;
    bool good = true;
    self->messages = calloc(plan->batch, sizeof *self->messages);
    self->runs = calloc(plan->capacity, sizeof *self->runs);
    self->first_run = calloc(plan->capacity + 1, sizeof *self->first_run);
    for (int i = 0; i < BENCH_FLIGHT_MOST; i++) {
        self->batches[i] = slotq_batch_new();
        good = good && self->batches[i] != NULL;
    }
    if (!good || self->messages == NULL || self->runs == NULL || self->first_run == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < plan->batch; i++) {
        uint8_t *payload = malloc(plan->payload_bytes);
        if (payload == NULL) {
            return false;
        }
        memset(payload, 'a' + (int)(i % LETTERS), plan->payload_bytes);
        self->messages[i] = (slotq_data){.bytes = payload, .size = plan->payload_bytes};
    }
    return true;
}

static int complain_made(const bench_plan *plan, const slotq_geometry *geometry,
                         const slotq_error *error)
{
    if (error->cause == SLOTQ_CAUSE_MEMORY) {
        complain("the server is at maxmemory and has no room for the queue of this bench (%s); "
                 "existing queues keep working",
                 bytes_text(slotq_geometry_bytes(geometry, NULL)).text);
        return slotq_outcome_exit(error->outcome);
    }
    return complain_error(plan->name, error);
}

static int create(bench_queue *self)
{
    const bench_plan *plan = self->plan;
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    open_settings settings;
    slotq_error error;
    geometry.ring_slots = (uint16_t)(plan->capacity + 1);
    geometry.payload_bytes = (uint16_t)plan->payload_bytes;
    geometry.dead_slots = 0;
    geometry.max_attempts = 0;
    if (open_options(plan->line, &settings, &error) != EXIT_CODE_OK) {
        return complain_error(NULL, &error);
    }
    const slotq_outcome outcome =
        slotq_create(plan->line->url, plan->name, &geometry, &settings.options, &error);
    self->created = outcome == SLOTQ_OK || outcome == SLOTQ_OUTCOME_UNKNOWN;
    if (outcome != SLOTQ_OK ||
        slotq_open(plan->line->url, plan->name, &settings.options, &self->queue, &error) !=
            SLOTQ_OK ||
        (plan->in_redis && slotq_pipeline_new(self->queue, &self->pipeline, &error) != SLOTQ_OK)) {
        return complain_made(plan, &geometry, &error);
    }
    return EXIT_CODE_OK;
}

int bench_queue_make(bench_queue *self, bench_plan *plan)
{
    memset(self, 0, sizeof *self);
    self->plan = plan;
    const int code = choose_names(plan);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!take_memory(self)) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    return create(self);
}

static void complain_left(const bench_plan *plan)
{
    if (plan->in_redis) {
        complain("keys of this bench may be left on the server; to remove them: redis-cli UNLINK "
                 "%s %s",
                 plan->name, plan->bare);
    } else {
        complain("files of this bench may be left in the folder; remove %s.*", plan->name);
    }
}

static int delete_queue(const bench_queue *self)
{
    const bench_plan *plan = self->plan;
    slotq_error error;
    uint64_t left;
    int code = EXIT_CODE_OK;
    const slotq_outcome outcome = slotq_remove_queue(plan->line->url, plan->name, &error);
    if (outcome != SLOTQ_OK && outcome != SLOTQ_NOQUEUE) {
        code = complain_error(plan->name, &error);
    } else {
        code = count_ours(plan, &left);
        code = code == EXIT_CODE_OK && left != 0 ? EXIT_CODE_FAILURE : code;
    }
    if (code != EXIT_CODE_OK) {
        complain_left(plan);
    }
    return code;
}

int bench_queue_remove(bench_queue *self)
{
    slotq_pipeline_free(self->pipeline);
    slotq_close(self->queue);
    for (uint32_t i = 0; self->messages != NULL && i < self->plan->batch; i++) {
        free((void *)(uintptr_t)self->messages[i].bytes);
    }
    for (int i = 0; i < BENCH_FLIGHT_MOST; i++) {
        slotq_batch_free(self->batches[i]);
    }
    free(self->messages);
    free(self->runs);
    free(self->first_run);
    return self->created ? delete_queue(self) : EXIT_CODE_OK;
}

/* ---- the verbs ---- */

/* Look at every message of a call and keep what acks it. */
static bool take(bench_queue *self, slotq_batch *batch, const bench_way *way, uint32_t call)
{
    slotq_message message;
    uint32_t seen = 0;
    uint32_t used = call == 0 ? 0 : self->first_run[call];
    self->first_run[call] = used;
    while (slotq_batch_next(batch, &message)) {
        const slotq_data *pushed = &self->messages[seen];
        if (seen == way->batch || message.payload_bytes != pushed->size ||
            *(const uint8_t *)message.payload != *(const uint8_t *)pushed->bytes) {
            return false;
        }
        slotq_run *run = &self->runs[used];
        if (seen != 0 && run[-1].token == message.token &&
            run[-1].id + run[-1].count == message.id) {
            run[-1].count++;
        } else {
            *run = (slotq_run){.id = message.id, .token = message.token, .count = 1};
            used++;
        }
        seen++;
    }
    self->first_run[call + 1] = used;
    return seen == way->batch;
}

static int complain_work(const bench_queue *self)
{
    complain("%s returned other messages than were pushed; no figures are printed",
             self->plan->name);
    return EXIT_CODE_FAILURE;
}

static int run_call(bench_queue *self, bench_verb verb, const bench_way *way, uint32_t call)
{
    slotq_outcome outcome = SLOTQ_OK;
    const slotq_run *runs = &self->runs[self->first_run[call]];
    if (verb == BENCH_PUSH) {
        outcome = slotq_push(self->queue, self->messages, way->batch, NULL);
    } else if (verb == BENCH_RESERVE) {
        outcome = slotq_reserve(self->queue, 0, way->batch, LEASE_MS, 0, self->batches[0]);
        if (outcome == SLOTQ_OK && !take(self, self->batches[0], way, call)) {
            return complain_work(self);
        }
    } else if (way->batch == 1) {
        outcome = slotq_ack(self->queue, 0, runs->id, runs->token);
    } else {
        outcome = slotq_settle(self->queue, SLOTQ_SETTLE_ACK, 0, runs,
                               self->first_run[call + 1] - self->first_run[call], 0, 0, NULL, NULL);
    }
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : complain_queue(self->queue, self->plan->name);
}

static slotq_outcome put_call(bench_queue *self, bench_verb verb, const bench_way *way,
                              uint32_t call, uint32_t place)
{
    switch (verb) {
    case BENCH_PUSH:
        return slotq_pipeline_push(self->pipeline, self->messages, way->batch, NULL);
    case BENCH_RESERVE:
        return slotq_pipeline_reserve(self->pipeline, 0, way->batch, LEASE_MS, self->batches[place],
                                      NULL);
    default:
        return slotq_pipeline_settle(
            self->pipeline, SLOTQ_SETTLE_ACK, 0, &self->runs[self->first_run[call]],
            self->first_run[call + 1] - self->first_run[call], 0, 0, NULL, NULL, NULL);
    }
}

static int judge_calls(bench_queue *self, bench_verb verb, const bench_way *way, uint32_t call)
{
    for (uint32_t i = 0; i < way->in_flight; i++) {
        slotq_pipeline_result result;
        if (slotq_pipeline_get(self->pipeline, i, &result) != SLOTQ_OK) {
            return complain_queue(self->queue, self->plan->name);
        }
        if (result.outcome != SLOTQ_OK) {
            complain("%s: %s", self->plan->name, result.text);
            return slotq_outcome_exit(result.outcome);
        }
        if (verb == BENCH_RESERVE && !take(self, self->batches[i], way, call + i)) {
            return complain_work(self);
        }
    }
    return EXIT_CODE_OK;
}

static int run_pipeline(bench_queue *self, bench_verb verb, const bench_way *way, uint32_t call)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t i = 0; i < way->in_flight && outcome == SLOTQ_OK; i++) {
        outcome = put_call(self, verb, way, call + i, i);
    }
    if (outcome == SLOTQ_OK) {
        outcome = slotq_pipeline_run(self->pipeline);
    }
    return outcome == SLOTQ_OK ? judge_calls(self, verb, way, call)
                               : complain_queue(self->queue, self->plan->name);
}

static int run_trips(void *context, bench_verb verb, const bench_way *way, uint32_t at,
                     uint32_t trips)
{
    bench_queue *self = context;
    int code = EXIT_CODE_OK;
    for (uint32_t i = 0; i < trips && code == EXIT_CODE_OK; i++) {
        code = way->in_flight == 1 ? run_call(self, verb, way, at + i)
                                   : run_pipeline(self, verb, way, (at + i) * way->in_flight);
    }
    return code;
}

bench_subject bench_queue_subject(bench_queue *self)
{
    return (bench_subject){.run = run_trips, .context = self, .names = {"push", "reserve", "ack"}};
}
