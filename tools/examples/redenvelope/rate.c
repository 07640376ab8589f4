/* rate.c: see rate.h. The commands go 256 in a round trip: one by one, both rates would be that of
 * the round trips.
 */
#include "rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <slotq_redis.h>

#include "../server/commands.h"
#include "../terminal/report.h"
#include "grab.h"

/* What a grab costs where the queue is a list: no lease, no retry, no place in line. */
static const char four_commands[] =
    "if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return {'ALREADY'} end\n"
    "local cents = redis.call('RPOP', KEYS[2])\n"
    "if not cents then return {'EMPTY'} end\n"
    "redis.call('SADD', KEYS[1], ARGV[1])\n"
    "redis.call('LPUSH', KEYS[3], ARGV[1] .. ' ' .. cents)\n"
    "return {'TOOK', cents}\n";

enum { SUM_BYTES = 40 };

static void load(redisContext *context, const char *text, char sum[SUM_BYTES + 1])
{
    redisReply *reply = commands_ask(context, "SCRIPT LOAD %s", text);
    (void)snprintf(sum, SUM_BYTES + 1, "%s", reply->str);
    freeReplyObject(reply);
}

/* An envelope with a share for each grab. */
static void prepare(commands_pipeline *pipeline, const char *url, uint32_t grabs, bool has_queue)
{
    slotq_error error;
    const slotq_geometry geometry = grab_geometry(grabs);
    freeReplyObject(
        commands_ask(pipeline->context, "DEL %s %s %s", GRAB_TAKERS, GRAB_SHARES, GRAB_QUEUE));
    if (has_queue && slotq_create(url, GRAB_QUEUE, &geometry, NULL, &error) != SLOTQ_OK) {
        report_failure("%s: %s", GRAB_QUEUE, error.text);
    }
    const char *words[] = {"RPUSH", GRAB_SHARES, "12345"};
    for (uint32_t i = 0; i < grabs; i++) {
        commands_put(pipeline, 3, words, NULL);
    }
    commands_drain(pipeline);
}

static void count_taken(void *user, const redisReply *reply)
{
    uint32_t *taken = user;
    *taken += reply->type == REDIS_REPLY_ARRAY && strcmp(reply->element[0]->str, "TOOK") == 0;
}

/* Grabs per second. */
static double run(redisContext *context, const char *sum, uint32_t grabs)
{
    struct timespec began;
    struct timespec ended;
    char user[16];
    uint32_t taken = 0;
    const char *words[] = {"EVALSHA", sum, "3", GRAB_TAKERS, GRAB_SHARES, GRAB_QUEUE, user};
    commands_pipeline pipeline = {.context = context, .take = count_taken, .user = &taken};
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (uint32_t i = 0; i < grabs; i++) {
        (void)snprintf(user, sizeof user, "%" PRIu32, i);
        commands_put(&pipeline, 7, words, NULL);
    }
    commands_drain(&pipeline);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (taken != grabs) {
        report_failure("only %" PRIu32 " of %" PRIu32 " grabs took a share", taken, grabs);
    }
    return grabs /
           ((double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one;
    const double b = *(const double *)other;
    return (a > b) - (a < b);
}

void rate_measure(const char *url, uint32_t grabs, uint32_t rounds)
{
    char sums[2][SUM_BYTES + 1];
    double rates[3][RATE_ROUNDS_MAX]; /* four commands, with the queue, their ratio */
    slotq_redis_connection *connection = commands_connect(url);
    commands_pipeline pipeline = {.context = slotq_redis_context(connection)};
    char *text = grab_text();
    load(pipeline.context, four_commands, sums[0]);
    load(pipeline.context, text, sums[1]);
    free(text);
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < 2; i++) {
            const uint32_t kind =
                (i + round) % 2; /* each kind is the first in half of the rounds */
            report_progress("measure", 2 * round + i, 2 * rounds);
            prepare(&pipeline, url, grabs, kind == 1);
            rates[kind][round] = run(pipeline.context, sums[kind], grabs);
        }
        rates[2][round] = rates[1][round] / rates[0][round];
    }
    report_progress("measure", 1, 1);
    for (uint32_t i = 0; i < 3; i++) {
        qsort(rates[i], rounds, sizeof rates[i][0], compare);
    }
    printf("\nGrabs per second, 256 per round trip, each takes a share; medians of %" PRIu32
           " rounds\n"
           "  SISMEMBER, RPOP, SADD, LPUSH  %9.0f  a list: no lease, no place in line\n"
           "  with the queue, 7 commands    %9.0f  ratio %.2f (%.2f to %.2f)\n",
           rounds, rates[0][rounds / 2], rates[1][rounds / 2], rates[2][rounds / 2], rates[2][0],
           rates[2][rounds - 1]);
    slotq_redis_close(connection);
}
