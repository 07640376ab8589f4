/* leaderboard.c: a board of coins that is read while it is written. Two reads after one another
 * show losers among the gainers; one script that reads ids and details in one step does not.
 *
 *     build/examples/leaderboard [--coins N] [--reads N]
 *
 * It shows the script runner of the library, slotq_script_run: loaded once, called by its SHA-1,
 * and loaded again where a server has forgotten it. It uses no queue.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <slotq_redis.h>

#include "../server/commands.h"
#include "../server/private_server.h"
#include "../terminal/arguments.h"
#include "../terminal/report.h"
#include "page.h"

enum { CHANGE_MAX = 3000, COINS_MAX = 10000, SUM_BYTES = 40, TRIES_MAX = 200 };

static struct {
    uint32_t coins, reads;
} wanted = {1000, 5000};

/* Shared by both processes. */
typedef struct writing {
    atomic_ullong count;
    atomic_bool is_over;
} writing;

/* ---- the writer ---- */

/* All that is known of a coin changes in one step. */
static const char write_text[] =
    "redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])\n"
    "redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])\n"
    "redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])\n";

/* Any generator will do: the same coins in each run, in another order of time. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Volumes stay, so that the coins of the largest ones are 0, 1, 2 …; changes are random. */
static void put_coin(commands_pipeline *pipeline, const char *sum, uint32_t coin, uint64_t *random)
{
    char name[PAGE_COIN_BYTES];
    char change[16];
    char price[16];
    char volume[16];
    const char *words[] = {"EVALSHA",    sum,  "3",    PAGE_BOARD, PAGE_DETAILS,
                           PAGE_VOLUMES, name, change, price,      volume};
    (void)snprintf(name, sizeof name, "coin-%04" PRIu32, coin);
    (void)snprintf(change, sizeof change, "%d",
                   (int)(next_random(random) % (2 * CHANGE_MAX + 1)) - CHANGE_MAX);
    (void)snprintf(price, sizeof price, "%" PRIu32, 1 + next_random(random) % 1000000);
    (void)snprintf(volume, sizeof volume, "%" PRIu32, 1000000 - coin);
    commands_put(pipeline, 10, words, NULL);
}

static void load_writer(redisContext *context, char sum[SUM_BYTES + 1])
{
    redisReply *reply = commands_ask(context, "SCRIPT LOAD %s", write_text);
    (void)snprintf(sum, SUM_BYTES + 1, "%s", reply->str);
    freeReplyObject(reply);
}

static void fill_board(redisContext *context)
{
    char sum[SUM_BYTES + 1];
    uint64_t random = 1;
    commands_pipeline pipeline = {.context = context};
    load_writer(context, sum);
    for (uint32_t coin = 0; coin < wanted.coins; coin++) {
        put_coin(&pipeline, sum, coin, &random);
    }
    commands_drain(&pipeline);
}

/* Change coins at full speed until it is over. */
static void write_on(const char *url, writing *shared)
{
    char sum[SUM_BYTES + 1];
    uint64_t random = (uint64_t)getpid();
    slotq_redis_connection *connection = commands_connect(url);
    commands_pipeline pipeline = {.context = slotq_redis_context(connection)};
    load_writer(pipeline.context, sum);
    while (!atomic_load(&shared->is_over)) {
        for (uint32_t i = 0; i < 100; i++) {
            put_coin(&pipeline, sum, next_random(&random) % wanted.coins, &random);
        }
        commands_drain(&pipeline);
        atomic_fetch_add(&shared->count, 100);
    }
    slotq_redis_close(connection);
    _exit(0);
}

/* ---- reads meanwhile ---- */

typedef struct tally {
    const char *what;
    uint32_t reads;
    uint64_t rows;
    uint64_t wrong_rows;
    uint32_t wrong_reads;
    page_row example; /* the first wrong row */
} tally;

static bool is_wrong(const page_query *query, const page *found, uint32_t index)
{
    const page_row *row = &found->rows[index];
    return row->change < query->min || row->change > query->max;
}

static void judge(const page_query *query, const page *found, tally *all)
{
    bool is_any = false;
    for (uint32_t i = 0; i < found->count; i++) {
        if (is_wrong(query, found, i)) {
            all->example = all->wrong_rows == 0 ? found->rows[i] : all->example;
            all->wrong_rows++;
            is_any = true;
        }
    }
    all->rows += found->count;
    all->wrong_reads += is_any;
    all->reads++;
}

/* Pages of gainers: those with a change above 0. */
static page_query gainers(uint32_t read)
{
    return (page_query){.min = 1, .max = CHANGE_MAX, .offset = read % 5 * 20, .size = 20};
}

/* Read by two commands `reads` times, and on until a wrong row is seen; then as often by script. */
static void read_meanwhile(redisContext *context, slotq_script *script, tally all[2])
{
    static page found;
    for (uint32_t i = 0;
         i < wanted.reads || (all[0].wrong_rows == 0 && i / TRIES_MAX < wanted.reads); i++) {
        const page_query query = gainers(i);
        page_by_commands(context, &query, &found);
        judge(&query, &found, &all[0]);
        report_progress(all[0].what, i, wanted.reads);
    }
    for (uint32_t i = 0; i < all[0].reads; i++) {
        const page_query query = gainers(i);
        page_by_script(script, context, &query, &found);
        judge(&query, &found, &all[1]);
        report_progress(all[1].what, i, all[0].reads);
    }
    report_progress("", 1, 1);
}

static void print_tally(const tally *all)
{
    char number[4][REPORT_NUMBER_BYTES];
    printf("  %-14s %10s %12s %14s %14s\n", all->what, report_number(all->reads, number[0]),
           report_number(all->rows, number[1]), report_number(all->wrong_rows, number[2]),
           report_number(all->wrong_reads, number[3]));
}

static bool show_reads(const char *url, redisContext *context, slotq_script *script)
{
    char number[REPORT_NUMBER_BYTES];
    tally all[2] = {{.what = "two commands"}, {.what = "one script"}};
    int status = 0;
    writing *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        report_failure("no shared memory: %s", strerror(errno));
    }
    const pid_t writer = private_server_fork();
    if (writer == 0) {
        write_on(url, shared);
    }
    while (atomic_load(&shared->count) == 0 && waitpid(writer, &status, WNOHANG) == 0) {
        usleep(1000);
    }
    const unsigned long long before = atomic_load(&shared->count);
    read_meanwhile(context, script, all);
    const unsigned long long writes = atomic_load(&shared->count) - before;
    atomic_store(&shared->is_over, true);
    while (waitpid(writer, &status, 0) < 0 && errno == EINTR) {
    }
    printf("Gainers, 20 a page, while a process changes %" PRIu32 " coins\n"
           "                      reads         rows     wrong rows    wrong pages\n",
           wanted.coins);
    print_tally(&all[0]);
    print_tally(&all[1]);
    printf("  among the gainers: %s, change %.2f %%; meanwhile %s changes\n\n", all[0].example.coin,
           all[0].example.change / 100.0, report_number(writes, number));
    munmap(shared, sizeof *shared);
    const bool is_caught = report_proof(all[0].wrong_rows > 0 && writes > 0 && status == 0,
                                        "two commands show coins that do not belong there");
    return report_proof(all[1].wrong_rows == 0 && all[1].rows > 0 && all[1].reads == all[0].reads,
                        "one script shows none, in as many reads") &&
           is_caught;
}

/* ---- all options, beside a model ---- */

/* As a sorted set orders its members: by change, then by name. */
static int compare_rows(const void *one, const void *other)
{
    const page_row *a = one;
    const page_row *b = other;
    return a->change != b->change ? (a->change > b->change) - (a->change < b->change)
                                  : strcmp(a->coin, b->coin);
}

/* All coins, sorted. The caller frees them. */
static page_row *read_all(redisContext *context)
{
    redisReply *reply = commands_ask(context, "HGETALL %s", PAGE_DETAILS);
    page_row *coins = calloc(wanted.coins, sizeof *coins);
    if (coins == NULL || reply->elements != 2 * (size_t)wanted.coins) {
        report_failure("not every coin is there");
    }
    for (uint32_t i = 0; i < wanted.coins; i++) {
        page_read_details(reply->element[2 * i]->str, reply->element[2 * i + 1]->str, &coins[i]);
    }
    freeReplyObject(reply);
    qsort(coins, wanted.coins, sizeof *coins, compare_rows);
    return coins;
}

static bool is_as_expected(const page_row *coins, const page_query *query, const page *found)
{
    int64_t total = 0;
    uint32_t count = 0;
    bool holds = true;
    for (uint32_t i = 0; i < wanted.coins; i++) {
        const page_row *coin = &coins[query->ascending ? i : wanted.coins - 1 - i];
        if (coin->change < query->min || coin->change > query->max ||
            (query->top != 0 && coin->volume <= 1000000 - (int64_t)query->top)) {
            continue;
        }
        if (total >= query->offset && count < query->size) {
            holds = holds && count < found->count &&
                    strcmp(found->rows[count].coin, coin->coin) == 0 &&
                    found->rows[count].change == coin->change &&
                    found->rows[count].price == coin->price;
            count++;
        }
        total++;
    }
    return holds && found->count == count && found->total == (query->offset == 0 ? total : -1);
}

/* Every combination of the options. Returns how many pages were as the model says, of *all. */
static uint32_t compare_pages(redisContext *context, slotq_script *script, const page_row *coins,
                              uint32_t *all)
{
    static const int32_t ranges[][2] = {
        {-CHANGE_MAX, CHANGE_MAX}, {1, CHANGE_MAX}, {-CHANGE_MAX, -1}, {-50, 50}, {5000, 6000}};
    static const uint32_t offsets[] = {0, 1, 20, 1000000};
    static const uint32_t sizes[] = {1, 20, PAGE_SIZE_MAX};
    static const uint32_t tops[] = {0, 1, 100, 1000000};
    static page found;
    uint32_t good = 0;
    *all = 0;
    for (uint32_t i = 0; i < 5 * 4 * 3 * 4 * 2; i++) {
        const page_query query = {.min = ranges[i % 5][0],
                                  .max = ranges[i % 5][1],
                                  .offset = offsets[i / 5 % 4],
                                  .size = sizes[i / 20 % 3],
                                  .top = tops[i / 60 % 4],
                                  .ascending = i / 240 == 1};
        page_by_script(script, context, &query, &found);
        good += is_as_expected(coins, &query, &found);
        (*all)++;
    }
    return good;
}

static void print_page(redisContext *context, slotq_script *script)
{
    static page found;
    const page_query query = {.min = 1, .max = CHANGE_MAX, .size = 5, .top = 100};
    page_by_script(script, context, &query, &found);
    printf("\nGainers among the 100 coins of the largest volume: %" PRId64 ", the first 5\n",
           found.total);
    for (uint32_t i = 0; i < found.count; i++) {
        const page_row *row = &found.rows[i];
        printf("  %-10s %+8.2f %%  price %9.2f  volume %9" PRId64 "\n", row->coin,
               row->change / 100.0, (double)row->price / 100.0, row->volume);
    }
    printf("\n");
}

int main(int count, char **words)
{
    const arguments_option options[] = {
        {"--coins", "coins on the board", &wanted.coins, 200, COINS_MAX},
        {"--reads", "pages read in each way", &wanted.reads, 1, 1000000},
    };
    uint32_t all = 0;
    arguments_read(count, words, "a board that is read while it is written", options, 2);
    const char *url = private_server_start();
    slotq_redis_connection *connection = commands_connect(url);
    redisContext *context = slotq_redis_context(connection);
    slotq_script *script = page_script();
    if (script == NULL) {
        report_failure("no memory");
    }
    fill_board(context);
    bool holds = show_reads(url, context, script);
    /* As after a restart of the server: the runner loads the script again. */
    freeReplyObject(commands_ask(context, "SCRIPT FLUSH"));
    print_page(context, script);
    page_row *coins = read_all(context);
    const uint32_t good = compare_pages(context, script, coins, &all);
    holds = report_proof(good == all,
                         "%" PRIu32 " of %" PRIu32
                         " pages are right: range, offset, size, order, top, total",
                         good, all) &&
            holds;
    free(coins);
    slotq_script_free(script);
    slotq_redis_close(connection);
    return report_exit(holds);
}
