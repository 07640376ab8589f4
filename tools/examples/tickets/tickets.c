/* tickets.c: 3,000 tickets in one queue with two groups: one consumer handles them all, then five
 * consumers handle them all again, in a fifth of the time and with even shares.
 *
 *     build/examples/tickets [--tickets N] [--work-ms N] [--file 1]
 *
 * It shows: a producer that makes batches of single tasks; what stands in a queue without taking
 * anything (slotq_get_stats, slotq_peek); groups, each of which gets every message; and consumers
 * that are processes with a worker of one thread (consumer.c). All of it is
 * the same in Redis and in a file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include <slotq_worker.h>

#include "../server/private_server.h"
#include "../terminal/arguments.h"
#include "../terminal/report.h"
#include "consumer.h"
#include "place.h"

enum { GROUP_ALONE, GROUP_TEAM, GROUPS };
enum { PAYLOAD_BYTES = 64, LOOK_MS = 5, WAIT_MS = 10000, RUNS_MOST = 5, BAR = 40 };
enum { SHARE_LEAST_PERCENT = 10, SHARE_MOST_PERCENT = 30 };

static struct {
    uint32_t tickets;
    uint32_t work_ms;
    uint32_t in_file;
} wanted = {.tickets = 3000, .work_ms = 10, .in_file = 0};

static const char about[] = "tickets for two groups, with one consumer and with five";

static const arguments_option options[] = {
    {"--tickets", "tickets to push", &wanted.tickets, 50, TICKETS_MOST},
    {"--work-ms", "work on a ticket, in milliseconds", &wanted.work_ms, 1, 1000},
    {"--file", "1: the queue in a file and not in Redis", &wanted.in_file, 0, 1},
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_ms(uint32_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* ---- publishing ---- */

static slotq *open_queue(const char *url)
{
    /* Each group gets every message: a slot is free when both have finished it. */
    const slotq_geometry geometry = {.ring_slots = (uint16_t)(wanted.tickets + 1),
                                     .payload_bytes = PAYLOAD_BYTES,
                                     .groups = GROUPS,
                                     .dead_slots = 10,
                                     .max_attempts = 25,
                                     .flags = SLOTQ_FLAG_STAMPS,
                                     .places = 32};
    slotq_error error;
    slotq *queue = NULL;
    if (slotq_create(url, TICKET_QUEUE, &geometry, NULL, &error) != SLOTQ_OK ||
        slotq_open(url, TICKET_QUEUE, NULL, &queue, &error) != SLOTQ_OK) {
        report_failure("%s", error.text);
    }
    return queue;
}

/* A ticket is a task: its type finds the handler. The producer puts many into one call. */
static void publish(slotq *queue)
{
    static const char data[] = "some ticket data";
    const slotq_producer_options batches = {.max_delay_ms = UINT64_MAX, .wait_ms = WAIT_MS};
    char number[16];
    char frame[PAYLOAD_BYTES];
    slotq_producer *producer = NULL;
    bool went = slotq_producer_new(queue, &batches, &producer) == SLOTQ_OK;
    for (uint32_t ticket = 0; went && ticket < wanted.tickets; ticket++) {
        const int length = snprintf(number, sizeof number, "%" PRIu32, ticket);
        const slotq_header header = {TICKET_HEADER, number, (uint32_t)length};
        const slotq_task_spec task = {.type = TICKET_TYPE,
                                      .body = data,
                                      .body_bytes = sizeof data - 1,
                                      .headers = &header,
                                      .header_count = 1};
        const uint32_t bytes = slotq_frame_write(&task, frame, sizeof frame);
        went = bytes > 0 && slotq_producer_push(producer, frame, bytes, ticket) == SLOTQ_OK;
    }
    /* Nothing is known to be in the queue before the flush returns OK. */
    if (!went || slotq_producer_close(producer) != SLOTQ_OK) {
        report_failure("push: %s", slotq_error_of(queue)->text);
    }
}

/* ---- looking, in place of XINFO ---- */

static slotq_stats stats_of(slotq *queue, uint8_t group)
{
    slotq_stats stats;
    if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
        report_failure("stats: %s", slotq_error_of(queue)->text);
    }
    return stats;
}

static void show_groups(slotq *queue)
{
    char numbers[4][REPORT_NUMBER_BYTES];
    printf("  group  unfinished    leased     acked  redelivered\n");
    for (uint32_t group = 0; group < GROUPS; group++) {
        const slotq_stats stats = stats_of(queue, (uint8_t)group);
        printf("  %5" PRIu32 "  %10s  %8s  %8s  %11s\n", group,
               report_number(stats.unfinished, numbers[0]), report_number(stats.leased, numbers[1]),
               report_number(stats.acked, numbers[2]),
               report_number(stats.redelivered, numbers[3]));
    }
}

/* The message with this id, without taking it. */
static bool show_entry(slotq *queue, slotq_batch *batch, const char *which, uint64_t id)
{
    slotq_message message;
    slotq_task_info task;
    const void *ticket;
    uint32_t bytes;
    if (slotq_peek(queue, GROUP_ALONE, id, 1, batch) != SLOTQ_OK ||
        !slotq_batch_next(batch, &message) ||
        slotq_frame_read(message.payload, message.payload_bytes, &task) != SLOTQ_OK ||
        !slotq_frame_header(message.payload, message.payload_bytes, TICKET_HEADER, &ticket,
                            &bytes)) {
        return false;
    }
    printf("  %s entry   id %" PRIu64 ", %s, %s %.*s, \"%.*s\"\n", which, message.id, task.type,
           TICKET_HEADER, (int)bytes, (const char *)ticket, (int)task.body_bytes,
           (const char *)task.body);
    return message.id == id;
}

static bool show_queue(slotq *queue)
{
    slotq_batch *batch = slotq_batch_new();
    const slotq_stats stats = stats_of(queue, GROUP_ALONE);
    char number[REPORT_NUMBER_BYTES];
    printf("  length        %s of ", report_number(stats.used, number));
    printf("%s, in %" PRIu64 " bytes\n", report_number(stats.capacity, number),
           slotq_image_bytes(queue));
    const bool holds = batch != NULL && show_entry(queue, batch, "first", 1) &&
                       show_entry(queue, batch, "last ", stats.last_id) &&
                       stats.used == wanted.tickets && stats.last_id == wanted.tickets &&
                       stats_of(queue, GROUP_TEAM).unfinished == wanted.tickets;
    show_groups(queue);
    slotq_batch_free(batch);
    return report_proof(holds, "both groups have all %" PRIu32 " tickets before them",
                        wanted.tickets);
}

/* ---- consuming ---- */

static consumer_stage *stage;

static void make_stage(void)
{
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED) {
        report_failure("no memory: %s", strerror(errno));
    }
}

static void end_of(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        report_failure("a consumer ended with status %d", status);
    }
}

/* A consumer that failed ends the wait too: end_of reports it. */
static bool have_ended(void)
{
    siginfo_t ended = {.si_pid = 0};
    return waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0 &&
           ended.si_status != 0;
}

/* Returns the milliseconds from the start of all consumers to the last ticket. They take half a
 * second more to end: no wake-up tells a consumer that others have finished the last one. */
static uint64_t consume(const char *url, uint8_t group, uint32_t consumers)
{
    pid_t children[CONSUMERS_MOST];
    memset(stage, 0, sizeof *stage);
    for (uint32_t i = 0; i < consumers; i++) {
        children[i] = private_server_fork();
        if (children[i] == 0) {
            consumer_run(url, group, i, wanted.work_ms, stage);
        }
    }
    while (atomic_load(&stage->ready) < consumers && !have_ended()) {
        pause_ms(1);
    }
    const uint64_t start_ms = now_ms();
    atomic_store(&stage->begin, true);
    while (atomic_load(&stage->handled) < wanted.tickets && !have_ended()) {
        report_progress("handled", atomic_load(&stage->handled), wanted.tickets);
        pause_ms(LOOK_MS);
    }
    const uint64_t took_ms = now_ms() - start_ms;
    report_progress("handled", 1, 1);
    for (uint32_t i = 0; i < consumers; i++) {
        end_of(children[i]);
    }
    return took_ms;
}

static void show_shares(uint32_t consumers, uint64_t took_ms)
{
    static const char full[BAR + 1] = "########################################";
    const unsigned handled = atomic_load(&stage->handled);
    char number[REPORT_NUMBER_BYTES];
    for (uint32_t i = 0; i < consumers; i++) {
        const unsigned share = atomic_load(&stage->share[i]);
        printf("  consumer %" PRIu32 "  %-*.*s %8s  %5.1f %%\n", i + 1, BAR,
               (int)((uint64_t)share * BAR / handled), full, report_number(share, number),
               100.0 * share / handled);
    }
    printf("  all in %" PRIu64 ".%" PRIu64 " s\n", took_ms / 1000, took_ms % 1000 / 100);
}

static bool are_shares_even(uint32_t consumers)
{
    const uint64_t handled = atomic_load(&stage->handled);
    bool are_even = true;
    for (uint32_t i = 0; i < consumers; i++) {
        const uint64_t percent = atomic_load(&stage->share[i]) * UINT64_C(100);
        are_even = are_even && percent >= handled * SHARE_LEAST_PERCENT &&
                   percent <= handled * SHARE_MOST_PERCENT;
    }
    return are_even;
}

/* At least once: what the queue redelivered may have been handled again. */
static bool prove_handled(slotq *queue, uint8_t group)
{
    const slotq_stats stats = stats_of(queue, group);
    uint32_t missing = 0;
    for (uint32_t ticket = 0; ticket < wanted.tickets; ticket++) {
        missing += atomic_load(&stage->times[ticket]) == 0;
    }
    const uint32_t again = atomic_load(&stage->handled) - (wanted.tickets - missing);
    return report_proof(missing == 0 && again <= stats.redelivered && stats.unfinished == 0 &&
                            stats.dead == 0,
                        "group %u handled all %" PRIu32 " tickets, %" PRIu32 " of them again",
                        group, wanted.tickets, again);
}

/* ---- the two groups ---- */

static bool consume_alone(const char *url, slotq *queue, uint64_t *took_ms)
{
    printf("\nGroup %d, one consumer, %" PRIu32 " ms of work on a ticket\n", GROUP_ALONE,
           wanted.work_ms);
    *took_ms = consume(url, GROUP_ALONE, 1);
    show_shares(1, *took_ms);
    return prove_handled(queue, GROUP_ALONE);
}

/* Shares are as even as the machine is to its processes. Where it stopped one of them, the team
 * gets new tickets. */
static bool consume_in_team(const char *url, slotq *queue, uint64_t *took_ms)
{
    printf("\nGroup %d, five consumers: it has not seen a ticket yet\n", GROUP_TEAM);
    *took_ms = consume(url, GROUP_TEAM, CONSUMERS_MOST);
    bool holds = true;
    for (int run = 1; run < RUNS_MOST && !are_shares_even(CONSUMERS_MOST); run++) {
        show_shares(CONSUMERS_MOST, *took_ms);
        printf("  uneven, as when the machine is busy: once more\n");
        holds = prove_handled(queue, GROUP_TEAM) && holds;
        if (slotq_purge(queue) != SLOTQ_OK) {
            report_failure("purge: %s", slotq_error_of(queue)->text);
        }
        publish(queue);
        *took_ms = consume(url, GROUP_TEAM, CONSUMERS_MOST);
    }
    show_shares(CONSUMERS_MOST, *took_ms);
    holds = prove_handled(queue, GROUP_TEAM) && holds;
    return report_proof(are_shares_even(CONSUMERS_MOST), "each of the five had %d to %d %%",
                        SHARE_LEAST_PERCENT, SHARE_MOST_PERCENT) &&
           holds;
}

int main(int count, char **words)
{
    char number[REPORT_NUMBER_BYTES];
    uint64_t alone_ms;
    uint64_t team_ms;
    arguments_read(count, words, about, options, sizeof options / sizeof *options);
    const char *url = place_make(wanted.in_file != 0);
    slotq *queue = open_queue(url);
    make_stage();
    printf("%s tickets in one queue %s\n", report_number(wanted.tickets, number),
           wanted.in_file != 0 ? "in a file" : "of a private Redis");
    publish(queue);
    bool holds = show_queue(queue);
    holds = consume_alone(url, queue, &alone_ms) && holds;
    holds = consume_in_team(url, queue, &team_ms) && holds;
    printf("\nAt the end: five consumers were %.1f times as fast as one\n",
           (double)alone_ms / (double)(team_ms > 0 ? team_ms : 1));
    show_groups(queue);
    holds = report_proof(slotq_check(queue) == SLOTQ_OK, "the queue is sound") && holds;
    slotq_close(queue);
    return report_exit(holds);
}
