/* redenvelope.c: a red envelope with money for the fastest users. A user takes a share at most
 * once, and workers pay each share exactly once, although some of them are killed while they pay.
 *
 *     build/examples/redenvelope [--users N] [--shares N] [--killed N] …
 *
 * It shows four things: a script of the program's own that takes a share and pushes it onto the
 * queue in one step (grab.c); workers with leases, retries and acks; payments that are idempotent,
 * because a queue delivers at least once; and what a user asks all the time: is it my turn?
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <slotq_redis.h>

#include "../server/commands.h"
#include "../server/private_server.h"
#include "../terminal/arguments.h"
#include "../terminal/report.h"
#include "grab.h"
#include "payout.h"
#include "rate.h"
#include "split.h"
#include "split_table.h"

enum { USERS_MAX = 60000, WORKERS_MAX = 64, LOOK_MS = 20, PATIENCE_S = 300, GRABS_PER_USER = 3 };
#define ENVELOPE_CENTS UINT64_C(100000)

static struct {
    uint32_t users, shares, processes, workers, killed, grabs, rounds;
} wanted = {1000, 100, 50, 4, 6, 10000, 15};

/* ---- the envelope ---- */

static void make_envelope(const char *url, redisContext *context)
{
    const slotq_geometry geometry = grab_geometry(wanted.shares);
    char refusal[SPLIT_REFUSAL_BYTES];
    char cents[24];
    slotq_error error;
    commands_pipeline pipeline = {.context = context};
    uint64_t *split = calloc(wanted.shares, sizeof *split);
    if (split == NULL || !split_envelope(ENVELOPE_CENTS, wanted.shares, 70, split, refusal)) {
        report_failure("%s", split == NULL ? "no memory" : refusal);
    }
    split_shuffle(split, wanted.shares);
    for (uint32_t i = 0; i < wanted.shares; i++) {
        const char *words[] = {"LPUSH", GRAB_SHARES, cents};
        (void)snprintf(cents, sizeof cents, "%" PRIu64, split[i]);
        commands_put(&pipeline, 3, words, NULL);
    }
    commands_drain(&pipeline);
    free(split);
    if (slotq_create(url, GRAB_QUEUE, &geometry, NULL, &error) != SLOTQ_OK) {
        report_failure("%s: %s", GRAB_QUEUE, error.text);
    }
}

/* ---- grabbing ---- */

/* What a process reports of each grab, by one write to a pipe. */
typedef struct grab_report {
    uint32_t user;
    uint32_t outcome; /* grab_outcome */
    uint64_t cents;
    uint64_t id;
} grab_report;

static void grab_once(slotq_script *script, redisContext *context, uint32_t user, int reports)
{
    grab_report report = {.user = user};
    report.outcome = grab_share(script, context, user, &report.cents, &report.id);
    if (write(reports, &report, sizeof report) != sizeof report) {
        _exit(1);
    }
}

/* A grab that the queue refuses changes nothing: the share is still there. */
static bool prove_refusal(slotq *queue, redisContext *context)
{
    uint64_t cents;
    uint64_t id;
    char *text = grab_text();
    slotq_script *script = slotq_script_new(text, strlen(text));
    free(text);
    bool holds = slotq_pause(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK;
    holds = grab_share(script, context, 1, &cents, &id) == GRAB_REFUSED && holds;
    holds = slotq_resume(queue, SLOTQ_PAUSE_IN) == SLOTQ_OK && holds;
    holds = commands_ask_number(context, "LLEN %s", GRAB_SHARES) == wanted.shares && holds;
    holds = commands_ask_number(context, "EXISTS %s", GRAB_TAKERS) == 0 && holds;
    slotq_script_free(script);
    return report_proof(holds, "a grab that the queue refuses leaves the share there");
}

/* Each user of this process grabs twice at once, as an impatient finger does, and a user of the
 * next process a third time from here. */
static void grab_for_users(const char *url, uint32_t process, int start, int reports)
{
    char byte;
    slotq_redis_connection *connection = commands_connect(url);
    char *text = grab_text();
    slotq_script *script = slotq_script_new(text, strlen(text));
    free(text);
    while (read(start, &byte, 1) < 0 && errno == EINTR) { /* all begin when the pipe is closed */
    }
    for (uint32_t first = 0; first < wanted.users; first += wanted.processes) {
        const uint32_t mine = first + process;
        const uint32_t other = first + (process + 1) % wanted.processes;
        for (uint32_t i = 0; i < 2 && mine < wanted.users; i++) {
            grab_once(script, slotq_redis_context(connection), mine, reports);
        }
        if (other < wanted.users) {
            grab_once(script, slotq_redis_context(connection), other, reports);
        }
    }
    _exit(0);
}

/* Everything that is known of the users: which message each has, which share. */
typedef struct ledger {
    uint64_t ids[USERS_MAX]; /* 0: the user has no share */
    uint64_t cents[USERS_MAX];
    uint32_t winners;
    uint32_t grabs;
    uint64_t total;
    uint32_t last_winner; /* the user with the largest id: it waits longest */
    bool is_sound;        /* every winner won once */
} ledger;

static void note(ledger *book, const grab_report *report)
{
    book->grabs++;
    if (report->outcome == GRAB_TOOK) {
        book->is_sound = book->ids[report->user] == 0 && book->is_sound;
        book->ids[report->user] = report->id;
        book->cents[report->user] = report->cents;
        book->winners++;
        book->total += report->cents;
        book->last_winner = report->id == wanted.shares ? report->user : book->last_winner;
    }
}

static void wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        report_failure("a process ended badly (status %d)", status);
    }
}

static void grab_all(const char *url, ledger *book)
{
    int start[2];
    int reports[2];
    grab_report report;
    pid_t *children = calloc(wanted.processes, sizeof *children);
    if (children == NULL || pipe(start) != 0 || pipe(reports) != 0) {
        report_failure("no memory, or no pipe");
    }
    for (uint32_t i = 0; i < wanted.processes; i++) {
        children[i] = private_server_fork();
        if (children[i] == 0) {
            close(start[1]);
            grab_for_users(url, i, start[0], reports[1]);
        }
    }
    close(reports[1]);
    close(start[0]);
    close(start[1]);
    while (read(reports[0], &report, sizeof report) == sizeof report) {
        note(book, &report);
        report_progress("grab", book->grabs, GRABS_PER_USER * wanted.users);
    }
    report_progress("grab", 1, 1);
    close(reports[0]);
    for (uint32_t i = 0; i < wanted.processes; i++) {
        wait_for(children[i]);
    }
    free(children);
}

/* ---- is it my turn? ---- */

typedef enum standing { NO_SHARE, WAITING, IN_HAND, PAID_OUT } standing;

/* What a user is told, from the message id that the grab left. O(1). */
static standing standing_of(slotq *queue, redisContext *context, uint32_t user, uint32_t *before)
{
    slotq_status status;
    redisReply *reply = commands_ask(context, "HGET %s %u", GRAB_TAKERS, user);
    const uint64_t id = reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10) : 0;
    freeReplyObject(reply);
    *before = 0;
    if (id == 0) {
        return NO_SHARE;
    }
    const slotq_outcome outcome = slotq_get_status(queue, 0, id, &status);
    if (outcome == SLOTQ_FINISHED || (outcome == SLOTQ_OK && status.state == SLOTQ_STATE_DONE)) {
        return PAID_OUT;
    }
    if (outcome != SLOTQ_OK) {
        report_failure("status of %" PRIu64 ": %s", id, slotq_error_of(queue)->text);
    }
    *before = status.position;
    return status.state == SLOTQ_STATE_LEASED ? IN_HAND : WAITING;
}

static void print_standing(slotq *queue, redisContext *context, uint32_t user)
{
    uint32_t before;
    const standing now = standing_of(queue, context, user, &before);
    if (now == WAITING) {
        printf("user %" PRIu32 ": waiting, %" PRIu32 " before you\n", user, before);
    } else {
        printf("user %" PRIu32 ": %s\n", user,
               now == PAID_OUT  ? "paid"
               : now == IN_HAND ? "in hand"
                                : "no share");
    }
}

/* Before a worker runs, the order is that of the grabs; then one share is in hand. */
static bool show_standings(slotq *queue, redisContext *context, const ledger *book)
{
    slotq_batch *batch = slotq_batch_new();
    uint32_t before;
    bool holds = batch != NULL;
    for (uint32_t user = 0; user < wanted.users; user++) {
        const standing now = standing_of(queue, context, user, &before);
        holds = holds && (book->ids[user] == 0 ? now == NO_SHARE
                                               : now == WAITING && before == book->ids[user] - 1);
    }
    printf("  ");
    print_standing(queue, context, book->last_winner);
    holds = holds && slotq_reserve(queue, 0, 1, 60000, 0, batch) == SLOTQ_OK;
    for (uint32_t user = 0; user < wanted.users && holds; user++) {
        if (book->ids[user] == 1) {
            holds = standing_of(queue, context, user, &before) == IN_HAND;
            printf("  ");
            print_standing(queue, context, user);
        }
    }
    holds = holds && slotq_settle_batch(queue, SLOTQ_SETTLE_RELEASE, batch, 0, 0) == SLOTQ_OK;
    slotq_batch_free(batch);
    return holds;
}

/* ---- paying ---- */

static pid_t start_worker(const char *url, payout_stage *shared, int deaths)
{
    const pid_t child = private_server_fork();
    if (child == 0) {
        payout_run(url, shared, deaths);
    }
    return child;
}

/* Kill the worker that waits for it, and start another one in its place. */
static void kill_worker(const char *url, payout_stage *shared, int deaths,
                        const payout_death *dying, pid_t children[WORKERS_MAX])
{
    int status = 0;
    kill(dying->worker, SIGKILL);
    while (waitpid(dying->worker, &status, 0) < 0 && errno == EINTR) {
    }
    for (uint32_t i = 0; i < wanted.workers; i++) {
        if (children[i] == dying->worker) {
            children[i] = start_worker(url, shared, deaths);
        }
    }
    printf("  worker killed %s; ",
           dying->where == PAYOUT_BEFORE ? "before it paid" : "after it paid, before its ack");
}

/* Workers pay until the queue is empty. Returns how many were killed. */
static uint32_t pay_all(const char *url, slotq *queue, redisContext *context, payout_stage *shared,
                        uint32_t watched)
{
    int deaths[2];
    payout_death dying;
    slotq_stats stats;
    pid_t children[WORKERS_MAX] = {0};
    uint32_t count = 0;
    const time_t end = time(NULL) + PATIENCE_S;
    if (pipe(deaths) != 0) {
        report_failure("no pipe: %s", strerror(errno));
    }
    for (uint32_t i = 0; i < wanted.workers; i++) {
        children[i] = start_worker(url, shared, deaths[1]);
    }
    struct pollfd readable = {.fd = deaths[0], .events = POLLIN};
    do {
        if (poll(&readable, 1, LOOK_MS) == 1 &&
            read(deaths[0], &dying, sizeof dying) == sizeof dying) {
            kill_worker(url, shared, deaths[1], &dying, children);
            print_standing(queue, context, watched);
            count++;
        }
        if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK) {
            report_failure("stats: %s", slotq_error_of(queue)->text);
        }
        if (time(NULL) > end) {
            report_failure("%" PRIu32 " shares are not paid after %d s", stats.unfinished,
                           PATIENCE_S);
        }
    } while (stats.unfinished > 0);
    atomic_store(&shared->is_over, true);
    for (uint32_t i = 0; i < wanted.workers; i++) {
        wait_for(children[i]);
    }
    close(deaths[0]);
    close(deaths[1]);
    printf("  ");
    print_standing(queue, context, watched);
    return count;
}

/* ---- the proof ---- */

/* Each winner's balance is the share, and no other user has one. */
static bool are_balances_right(redisContext *context, const ledger *book)
{
    uint64_t sum = 0;
    redisReply *reply = commands_ask(context, "HGETALL %s", PAYOUT_BALANCES);
    bool holds = reply->elements == 2 * (size_t)book->winners;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const uint64_t user = strtoull(reply->element[i]->str, NULL, 10);
        const uint64_t cents = strtoull(reply->element[i + 1]->str, NULL, 10);
        holds = holds && user < wanted.users && book->ids[user] != 0 && book->cents[user] == cents;
        sum += cents;
    }
    freeReplyObject(reply);
    return holds && sum == ENVELOPE_CENTS;
}

static bool prove_grabs(redisContext *context, const ledger *book)
{
    const bool is_empty = commands_ask_number(context, "LLEN %s", GRAB_SHARES) == 0;
    const bool are_kept =
        commands_ask_number(context, "HLEN %s", GRAB_TAKERS) == (long long)book->winners;
    return report_proof(
        book->is_sound && is_empty && book->grabs == GRABS_PER_USER * wanted.users && are_kept &&
            book->winners == wanted.shares && book->total == ENVELOPE_CENTS,
        "%" PRIu32 " grabs: %" PRIu32 " users have a share, %" PRIu64 ".%02" PRIu64 " in all",
        book->grabs, book->winners, book->total / 100, book->total % 100);
}

static bool prove_payments(slotq *queue, redisContext *context, const ledger *book,
                           const payout_stage *shared, uint32_t count)
{
    slotq_stats stats;
    uint32_t before;
    bool are_paid = slotq_get_stats(queue, 0, &stats) == SLOTQ_OK && stats.acked == wanted.shares &&
                    slotq_check(queue) == SLOTQ_OK;
    for (uint32_t user = 0; user < wanted.users; user++) {
        are_paid = are_paid && standing_of(queue, context, user, &before) ==
                                   (book->ids[user] == 0 ? NO_SHARE : PAID_OUT);
    }
    const bool are_right =
        are_balances_right(context, book) &&
        commands_ask_number(context, "HLEN %s", PAYOUT_PAID) == (long long)wanted.shares;
    printf("  the bank refused %u at first; %u came again after they were paid\n",
           atomic_load(&shared->retries), atomic_load(&shared->repeats));
    const bool is_right = report_proof(
        count == wanted.killed && atomic_load(&shared->repeats) >= count / 2 && are_right,
        "each share was paid once, to the cent; %" PRIu32 " workers were killed", count);
    return report_proof(are_paid, "every user is told: paid, or no share") && is_right;
}

static bool play(const char *url)
{
    static ledger book = {.is_sound = true};
    slotq_redis_connection *connection = commands_connect(url);
    redisContext *context = slotq_redis_context(connection);
    payout_stage *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        report_failure("no shared memory: %s", strerror(errno));
    }
    atomic_store(&shared->deaths[PAYOUT_BEFORE], (wanted.killed + 1) / 2);
    atomic_store(&shared->deaths[PAYOUT_AFTER], wanted.killed / 2);
    make_envelope(url, context);
    slotq *queue = grab_open(url);

    printf("\n%" PRIu32 " processes grab for %" PRIu32 " users, %d times each\n", wanted.processes,
           wanted.users, GRABS_PER_USER);
    bool holds = prove_refusal(queue, context);
    grab_all(url, &book);
    holds = prove_grabs(context, &book) && holds;

    printf("\n%" PRIu32 " workers pay\n", wanted.workers);
    const bool was_told = show_standings(queue, context, &book);
    const uint32_t count = pay_all(url, queue, context, shared, book.last_winner);
    holds = prove_payments(queue, context, &book, shared, count) && holds;
    holds =
        report_proof(was_told, "before that: waiting in the order of the grabs, in hand") && holds;
    slotq_close(queue);
    slotq_redis_close(connection);
    munmap(shared, sizeof *shared);
    return holds;
}

int main(int count, char **words)
{
    const arguments_option options[] = {
        {"--users", "users that grab", &wanted.users, 2, USERS_MAX},
        {"--shares", "shares of 1000.00", &wanted.shares, 2, USERS_MAX},
        {"--processes", "processes that grab", &wanted.processes, 1, 500},
        {"--workers", "workers that pay", &wanted.workers, 1, WORKERS_MAX},
        {"--killed", "workers that are killed", &wanted.killed, 0, 1000},
        {"--grabs", "grabs of a measurement", &wanted.grabs, 1, USERS_MAX},
        {"--rounds", "rounds of it, 0: none", &wanted.rounds, 0, RATE_ROUNDS_MAX},
    };
    arguments_read(count, words, "users grab shares of an envelope, and are paid", options,
                   sizeof options / sizeof *options);
    if (wanted.users < wanted.shares) {
        report_failure("--users must be at least --shares, so that each share finds a user");
    }
    const bool splits = split_table_show();
    const char *url = private_server_start();
    bool holds = play(url);
    if (wanted.rounds > 0) {
        rate_measure(url, wanted.grabs, wanted.rounds);
    }
    holds =
        report_proof(splits, "the split is right to the cent, and refuses what it must") && holds;
    return report_exit(holds);
}
