/* mailbox.c: a small mailbox for each of 100,000 users, each mailbox one queue that overwrites its
 * oldest message, and what that costs beside a LIST and a Stream per user.
 *
 *     build/examples/mailbox [--mailboxes N] [--compared N]
 *
 * It shows three things: the three operations of a mailbox (push, get all unfinished, finish); how
 * to create many queues quickly: a fresh queue is made in a buffer by slotq_open_memory, which
 * draws its generation, and goes to the server by SET NX, many in one round trip; and how to push
 * to many queues over one connection, by the text of the script `push`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <slotq_redis.h>

#include "../server/commands.h"
#include "../server/private_server.h"
#include "../terminal/arguments.h"
#include "../terminal/report.h"

enum { MESSAGES = 25, PAYLOAD_BYTES = 32, NAME_BYTES = 32, SUM_BYTES = 40 };

/* The smallest queue: no push times, no room for dead, scheduled or delayed messages beside the
 * ring. A lease still works; only one second is its resolution. */
static const slotq_geometry smallest = {
    .ring_slots = MESSAGES + 1,
    .payload_bytes = PAYLOAD_BYTES,
    .tick_ms = 1000,
    .groups = 1,
    .flags = SLOTQ_FLAG_OVERWRITE,
};

/* ---- one mailbox ---- */

static void push_one(slotq *mailbox, uint32_t number)
{
    char text[PAYLOAD_BYTES + 1];
    const int length = snprintf(text, sizeof text, "letter %" PRIu32, number);
    if (slotq_push(mailbox, &(slotq_data){text, (uint32_t)length}, 1, NULL) != SLOTQ_OK) {
        report_failure("push: %s", slotq_error_of(mailbox)->text);
    }
}

/* All messages that are not finished, also those that were got before: a device that was switched
 * off in between misses none. Returns how many. */
static uint32_t get_all(slotq *mailbox, slotq_batch *batch)
{
    slotq_message message;
    uint64_t first = 0;
    uint64_t last = 0;
    uint32_t count = 0;
    if (slotq_peek(mailbox, 0, 0, MESSAGES, batch) == SLOTQ_OK) {
        while (slotq_batch_next(batch, &message)) {
            if (message.state != SLOTQ_STATE_DONE) {
                first = count == 0 ? message.id : first;
                last = message.id;
                count++;
            }
        }
    }
    printf("  get all unfinished     %" PRIu32 " messages, ids %" PRIu64 " to %" PRIu64 "\n", count,
           first, last);
    return count;
}

/* Finish a message by its id, in any order. */
static slotq_outcome finish(slotq *mailbox, uint64_t id)
{
    const slotq_outcome outcome = slotq_remove(mailbox, 0, id);
    printf("  finish %-2" PRIu64 "              %s\n", id, slotq_outcome_name(outcome));
    return outcome;
}

static bool show_one(const char *url)
{
    slotq_error error;
    slotq_stats stats;
    slotq_message message = {.id = 0};
    slotq *mailbox = NULL;
    slotq_batch *batch = slotq_batch_new();
    if (batch == NULL || slotq_create(url, "mailbox:ann", &smallest, NULL, &error) != SLOTQ_OK ||
        slotq_open(url, "mailbox:ann", NULL, &mailbox, &error) != SLOTQ_OK) {
        report_failure("mailbox:ann: %s", batch == NULL ? "no memory" : error.text);
    }
    printf("One mailbox: %d messages of up to %d bytes, in %" PRIu64 " bytes\n", MESSAGES,
           PAYLOAD_BYTES, slotq_image_bytes(mailbox));
    for (uint32_t i = 1; i <= MESSAGES + 2; i++) {
        push_one(mailbox, i);
    }
    bool holds = slotq_get_stats(mailbox, 0, &stats) == SLOTQ_OK && stats.dropped == 2;
    printf("  push %d messages       %" PRIu64 " pushed, the oldest %" PRIu32 " overwritten\n",
           MESSAGES + 2, stats.last_id, stats.dropped);
    holds = get_all(mailbox, batch) == MESSAGES && holds;
    holds = finish(mailbox, 3) == SLOTQ_OK && holds;
    holds = finish(mailbox, 17) == SLOTQ_OK && holds; /* in any order */
    holds = finish(mailbox, 3) == SLOTQ_GONE && holds;
    holds = finish(mailbox, 99) == SLOTQ_NOTFOUND && holds;
    holds = get_all(mailbox, batch) == MESSAGES - 2 && holds;
    /* A message for one of several devices is leased: the others do not get it meanwhile. */
    holds = slotq_reserve(mailbox, 0, 1, 30000, 0, batch) == SLOTQ_OK &&
            slotq_batch_next(batch, &message) && message.id == 4 && holds;
    printf("  lease the oldest       id %" PRIu64 ", \"%.*s\"\n", message.id,
           (int)message.payload_bytes, (const char *)message.payload);
    holds = finish(mailbox, message.id) == SLOTQ_LEASED && holds;
    const slotq_outcome acked = slotq_ack(mailbox, 0, message.id, message.token);
    printf("  ack it by its token    %s\n", slotq_outcome_name(acked));
    holds = acked == SLOTQ_OK && get_all(mailbox, batch) == MESSAGES - 3 && holds;
    holds = slotq_check(mailbox) == SLOTQ_OK && holds;
    slotq_batch_free(batch);
    slotq_close(mailbox);
    return holds;
}

/* ---- many of them ---- */

/* What is put for each user, of one kind. */
typedef struct kind_filler {
    commands_pipeline pipeline;
    const char *what;
    void (*put)(struct kind_filler *filler, const char *name);
    char letters[MESSAGES][PAYLOAD_BYTES + 1];
    char push_sum[SUM_BYTES + 1];
    unsigned char image[SLOTQ_IMAGE_BYTES(MESSAGES + 1, PAYLOAD_BYTES, 0, 0, 0, 0, 0, 1, 0)]
        __attribute__((aligned(8)));
} kind_filler;

/* A letter is 32 bytes, and says whose it is. */
static void write_letter(char *letter, const char *name, uint32_t number)
{
    (void)snprintf(letter, PAYLOAD_BYTES + 1, "%-29.29s%3" PRIu32, name, number);
}

static void put_mailbox(kind_filler *filler, const char *name)
{
    slotq_error error;
    slotq *fresh = NULL;
    /* The generation of `smallest` is 0: the library draws a random one for each queue. */
    if (slotq_open_memory(filler->image, sizeof filler->image, &smallest, NULL, &fresh, &error) !=
        SLOTQ_OK) {
        report_failure("a fresh mailbox: %s", error.text);
    }
    slotq_close(fresh); /* the buffer keeps the queue */
    const char *set[] = {"SET", name, (const char *)filler->image, "NX"};
    const size_t set_bytes[] = {3, strlen(name), sizeof filler->image, 2};
    commands_put(&filler->pipeline, 4, set, set_bytes);

    const char *push[5 + MESSAGES] = {"EVALSHA", filler->push_sum, "1", name, ""};
    for (uint32_t i = 0; i < MESSAGES; i++) {
        push[5 + i] = filler->letters[i];
    }
    commands_put(&filler->pipeline, 5 + MESSAGES, push, NULL);
}

static void put_list(kind_filler *filler, const char *name)
{
    const char *words[2 + MESSAGES] = {"RPUSH", name};
    for (uint32_t i = 0; i < MESSAGES; i++) {
        words[2 + i] = filler->letters[i];
    }
    commands_put(&filler->pipeline, 2 + MESSAGES, words, NULL);
}

static void put_stream(kind_filler *filler, const char *name)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        const char *words[] = {"XADD", name, "MAXLEN", "25", "*", "m", filler->letters[i]};
        commands_put(&filler->pipeline, 7, words, NULL);
    }
}

static void put_pending(kind_filler *filler, const char *name)
{
    const char *group[] = {"XGROUP", "CREATE", name, "g", "0"};
    const char *read[] = {"XREADGROUP", "GROUP", "g", "phone", "COUNT", "25", "STREAMS", name, ">"};
    put_stream(filler, name);
    commands_put(&filler->pipeline, 5, group, NULL);
    commands_put(&filler->pipeline, 9, read, NULL);
}

static void name_of(char name[NAME_BYTES], uint32_t user)
{
    (void)snprintf(name, NAME_BYTES, "mailbox:%06" PRIu32, user);
}

static void fill(kind_filler *filler, uint32_t count)
{
    char name[NAME_BYTES];
    for (uint32_t user = 0; user < count; user++) {
        name_of(name, user);
        for (uint32_t i = 0; i < MESSAGES; i++) {
            write_letter(filler->letters[i], name, i + 1);
        }
        filler->put(filler, name);
        report_progress(filler->what, user, count);
    }
    commands_drain(&filler->pipeline);
    report_progress(filler->what, count, count);
}

/* The memory of the server without that of its clients' buffers. */
static uint64_t used_bytes(redisContext *context)
{
    return commands_info(context, "memory", "used_memory") -
           commands_info(context, "memory", "mem_clients_normal");
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Fill the empty server, and print a line of the table. Returns used_memory per user. */
static uint64_t measure(kind_filler *filler, uint32_t count)
{
    char number[3][REPORT_NUMBER_BYTES];
    redisContext *context = filler->pipeline.context;
    freeReplyObject(commands_ask(context, "FLUSHALL SYNC"));
    const uint64_t before = used_bytes(context);
    const uint64_t began_ms = now_ms();
    fill(filler, count);
    const uint64_t took_ms = now_ms() - began_ms;
    const uint64_t used = (used_bytes(context) - before + count / 2) / count;
    const uint64_t one =
        (uint64_t)commands_ask_number(context, "MEMORY USAGE mailbox:000000 SAMPLES 0");
    printf("  %-30s %9s %13s %12s %8.2f s\n", filler->what, report_number(count, number[0]),
           report_number(one, number[1]), report_number(used, number[2]), (double)took_ms / 1000);
    return used;
}

/* ---- the proof ---- */

typedef struct image_audit {
    slotq_batch *batch;
    uint32_t user;
    uint32_t sound;
} image_audit;

/* The image of one mailbox: every rule of the format holds, and it has its user's 25 letters. */
static bool is_sound(image_audit *audit, const redisReply *reply)
{
    char name[NAME_BYTES];
    char letter[PAYLOAD_BYTES + 1];
    slotq *mailbox = NULL;
    slotq_message message;
    uint32_t good = 0;
    if (reply->type != REDIS_REPLY_STRING ||
        slotq_open_memory(reply->str, reply->len, NULL, NULL, &mailbox, NULL) != SLOTQ_OK) {
        return false;
    }
    name_of(name, audit->user);
    if (slotq_check(mailbox) == SLOTQ_OK &&
        slotq_peek(mailbox, 0, 0, MESSAGES + 1, audit->batch) == SLOTQ_OK) {
        while (slotq_batch_next(audit->batch, &message)) {
            write_letter(letter, name, good + 1);
            good += message.id == good + 1 && message.payload_bytes == PAYLOAD_BYTES &&
                    memcmp(message.payload, letter, PAYLOAD_BYTES) == 0;
        }
    }
    good = slotq_batch_count(audit->batch) == MESSAGES ? good : 0;
    slotq_close(mailbox);
    return good == MESSAGES;
}

static void take_image(void *user, const redisReply *reply)
{
    image_audit *audit = user;
    audit->sound += is_sound(audit, reply);
    audit->user++;
}

static uint32_t count_sound(redisContext *context, uint32_t count)
{
    char name[NAME_BYTES];
    image_audit audit = {.batch = slotq_batch_new()};
    commands_pipeline pipeline = {.context = context, .take = take_image, .user = &audit};
    if (audit.batch == NULL) {
        report_failure("no memory");
    }
    for (uint32_t user = 0; user < count; user++) {
        const char *words[] = {"GET", name};
        name_of(name, user);
        commands_put(&pipeline, 2, words, NULL);
        report_progress("check every mailbox", user, count);
    }
    commands_drain(&pipeline);
    report_progress("check every mailbox", count, count);
    slotq_batch_free(audit.batch);
    return audit.sound;
}

static void load_push(kind_filler *filler)
{
    const char *text = slotq_redis_script_text("push", false);
    redisReply *reply = commands_ask(filler->pipeline.context, "SCRIPT LOAD %s", text);
    (void)snprintf(filler->push_sum, sizeof filler->push_sum, "%s", reply->str);
    freeReplyObject(reply);
}

static bool compare(redisContext *context, uint32_t mailboxes, uint32_t compared)
{
    static kind_filler filler;
    uint64_t bytes[4];
    static const struct {
        const char *what;
        void (*put)(struct kind_filler *filler, const char *name);
    } kinds[] = {{"LIST, no state", put_list},
                 {"Stream, nothing read", put_stream},
                 {"Stream, 25 pending", put_pending},
                 {"slotq, state of every message", put_mailbox}};
    filler.pipeline.context = context;
    load_push(&filler);
    printf("\n%d messages of %d bytes per user     users  MEMORY USAGE  used_memory  filled in\n",
           MESSAGES, PAYLOAD_BYTES);
    for (uint32_t i = 0; i < 4; i++) { /* slotq last: its mailboxes stay for the proof */
        filler.what = kinds[i].what;
        filler.put = kinds[i].put;
        bytes[i] = measure(&filler, i == 3 ? mailboxes : compared);
    }
    printf("\n"
           "  used_memory: what an empty server grew by, without the buffers of its clients,\n"
           "  divided by the users. MEMORY USAGE: of one key; an estimate for a Stream.\n\n");
    const uint32_t sound = count_sound(context, mailboxes);
    const bool are_sound = report_proof(sound == mailboxes,
                                        "%" PRIu32 " of %" PRIu32 " mailboxes are sound, and have"
                                        " their user's 25 letters",
                                        sound, mailboxes);
    const bool is_small =
        report_proof(bytes[3] * 2 < bytes[1] && bytes[3] * 3 < bytes[2],
                     "less than half the memory of a Stream, a third of one with state");
    return are_sound && is_small;
}

int main(int count, char **words)
{
    uint32_t mailboxes = 100000;
    uint32_t compared = 10000;
    const arguments_option options[] = {
        {"--mailboxes", "mailboxes that are created and filled", &mailboxes, 1000, 1000000},
        {"--compared", "users of each other kind", &compared, 100, 100000},
    };
    arguments_read(count, words, "a mailbox for each of many users", options, 2);
    const char *url = private_server_start();
    slotq_redis_connection *connection = commands_connect(url);
    const bool works = show_one(url);
    const bool compares = compare(slotq_redis_context(connection), mailboxes, compared);
    const bool holds = report_proof(works, "push, get and finish did what they should") && compares;
    slotq_redis_close(connection);
    return report_exit(holds);
}
