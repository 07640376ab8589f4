/* sqlite.c: a work queue as a table of SQLite with an index, one transaction per batch: in memory
 * and in a file with each of its promises. Knows SQL; the walks are embedded.h's.
 *
 * What is best here was found by trying: an index of the ready ones alone (what is leased leaves
 * it and costs no second entry); a lease is a random token and an end; a batch is a range of ids,
 * so that one UPDATE takes it and one DELETE finishes it; nothing goes into temporary files.
 */
#include "../contender.h"

#if __has_include(<sqlite3.h>)

#include "../../support/folder.h"
#include "../../support/sure.h"
#include "embedded.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 600, BUSY_MS = 60000, POLL_US = 1000 };

/* What a contender is made of. */
typedef struct store {
    embedded_own own;
    bool is_file;
    const char *promise; /* PRAGMA synchronous */
} store;

typedef enum word {
    BEGIN,
    COMMIT,
    INSERT,
    SELECT,
    LEASE_ONE,
    LEASE_RANGE,
    FINISH_ONE,
    FINISH_RANGE,
    SWEEP,
    WORDS
} word;

static const char *const texts[WORDS] = {
    "BEGIN IMMEDIATE",
    "COMMIT",
    "INSERT INTO jobs(payload) VALUES (?1)",
    "SELECT id, payload FROM jobs INDEXED BY ready WHERE lease = 0 ORDER BY id LIMIT ?1",
    "UPDATE jobs SET lease = ?1, deadline_ms = ?2, attempts = attempts + 1 WHERE id = ?3",
    ("UPDATE jobs SET lease = ?1, deadline_ms = ?2, attempts = attempts + 1"
     " WHERE lease = 0 AND id BETWEEN ?3 AND ?4"),
    "DELETE FROM jobs WHERE id = ?2 AND lease = ?1",
    "DELETE FROM jobs WHERE id BETWEEN ?2 AND ?3 AND lease = ?1",
    "UPDATE jobs SET lease = 0 WHERE lease <> 0 AND deadline_ms <= ?1",
};

typedef struct worker {
    const store *kind;
    sqlite3 *base;
    sqlite3_stmt *words[WORDS];
    uint32_t payload_bytes;
    int64_t swept_ms;
    double heap_before_bytes;
    int64_t token;
    uint32_t taken_count;
    int64_t taken[LOAD_BATCH_MOST];
} worker;

static const char *path_of(const store *kind)
{
    static char path[PATH_BYTES];
    if (!kind->is_file) {
        return ":memory:";
    }
    snprintf(path, sizeof path, "%s/sqlite", embedded_folder());
    return path;
}

static void need(const worker *self, bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(self->base));
    }
    bench_need(holds, what);
}

static void run(worker *self, word which)
{
    need(self, sqlite3_step(self->words[which]) == SQLITE_DONE, texts[which]);
    sqlite3_reset(self->words[which]);
}

static void execute(const worker *self, const char *text)
{
    need(self, sqlite3_exec(self->base, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- open, close ---- */

static void open_base(worker *self)
{
    char promise[64];
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int answer = sqlite3_open_v2(path_of(self->kind), &self->base, flags, NULL);
    need(self, answer == SQLITE_OK, "opening a database");
    sqlite3_busy_timeout(self->base, BUSY_MS);
    execute(self, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536");
    if (self->kind->is_file) {
        snprintf(promise, sizeof promise, "PRAGMA synchronous = %s", self->kind->promise);
        execute(self, "PRAGMA journal_mode = WAL");
        execute(self, promise);
    }
    execute(self, "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY,"
                  " lease INTEGER NOT NULL DEFAULT 0, deadline_ms INTEGER NOT NULL DEFAULT 0,"
                  " attempts INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL);"
                  "CREATE INDEX IF NOT EXISTS ready ON jobs (id) WHERE lease = 0");
    for (word which = BEGIN; which < WORDS; which++) {
        const int made = sqlite3_prepare_v3(self->base, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                            &self->words[which], NULL);
        need(self, made == SQLITE_OK, texts[which]);
    }
}

static void close_base(worker *self)
{
    for (word which = BEGIN; which < WORDS; which++) {
        sqlite3_finalize(self->words[which]);
    }
    need(self, sqlite3_close(self->base) == SQLITE_OK, "closing a database");
}

static void *start(const contender *self, uint32_t messages, uint32_t payload_bytes)
{
    worker *made = calloc(1, sizeof *made);
    (void)messages; /* it has no bound */
    bench_need(made != NULL, "calloc");
    made->kind = self->own;
    made->payload_bytes = payload_bytes;
    open_base(made);
    made->heap_before_bytes = embedded_heap_bytes();
    return made;
}

static void stop(void *queue)
{
    worker *self = queue;
    close_base(self); /* its WAL and shared memory go with the last connection */
    if (self->kind->is_file) {
        bench_need(unlink(path_of(self->kind)) == 0, "removing a database");
    }
    free(self);
}

/* ---- verbs ---- */

static void begin_if_many(worker *self, uint32_t count)
{
    if (count > 1) { /* a statement is a transaction */
        run(self, BEGIN);
    }
}

static void commit_if_many(worker *self, uint32_t count)
{
    if (count > 1) {
        run(self, COMMIT);
    }
}

static void push(void *queue, uint32_t count)
{
    worker *self = queue;
    begin_if_many(self, count);
    for (uint32_t i = 0; i < count; i++) {
        sqlite3_bind_blob(self->words[INSERT], 1, embedded_payload(i), (int)self->payload_bytes,
                          SQLITE_STATIC);
        run(self, INSERT);
    }
    commit_if_many(self, count);
}

/* Leases that ended are looked for as often as slotq's tick is long; it looks at every message. */
static void sweep(worker *self, int64_t at_ms)
{
    if (at_ms >= self->swept_ms + EMBEDDED_TICK_MS) {
        sqlite3_bind_int64(self->words[SWEEP], 1, at_ms);
        run(self, SWEEP);
        self->swept_ms = at_ms;
    }
}

static void select_ready(worker *self, uint32_t most)
{
    sqlite3_stmt *select = self->words[SELECT];
    uint32_t wrong = 0;
    int answer;
    self->taken_count = 0;
    sqlite3_bind_int(select, 1, (int)most);
    while ((answer = sqlite3_step(select)) == SQLITE_ROW) {
        self->taken[self->taken_count++] = sqlite3_column_int64(select, 0);
        wrong |= embedded_look(sqlite3_column_blob(select, 1),
                               (uint32_t)sqlite3_column_bytes(select, 1), self->payload_bytes);
    }
    need(self, answer == SQLITE_DONE, texts[SELECT]);
    sqlite3_reset(select);
    bench_need(wrong == 0, "looking at what SQLite gave");
}

/* All that are ready between the first and the last selected are those selected. */
static void lease_taken(worker *self, int64_t deadline_ms)
{
    const uint32_t count = self->taken_count;
    const word which = count == 1 ? LEASE_ONE : LEASE_RANGE;
    sqlite3_stmt *lease = self->words[which];
    sqlite3_randomness(sizeof self->token, &self->token);
    self->token = (self->token & INT64_MAX) | 1;
    sqlite3_bind_int64(lease, 1, self->token);
    sqlite3_bind_int64(lease, 2, deadline_ms);
    sqlite3_bind_int64(lease, 3, self->taken[0]);
    if (which == LEASE_RANGE) {
        sqlite3_bind_int64(lease, 4, self->taken[count - 1]);
    }
    run(self, which);
    need(self, sqlite3_changes(self->base) == (int)count, "leasing what was selected");
}

static uint32_t take(void *queue, uint32_t most, uint32_t lease_ms, uint32_t wait_ms)
{
    worker *self = queue;
    const int64_t last_ms = now_ms() + wait_ms;
    int64_t at_ms = now_ms();
    for (;;) {
        run(self, BEGIN);
        sweep(self, at_ms);
        select_ready(self, most);
        if (self->taken_count > 0) {
            lease_taken(self, at_ms + lease_ms);
        }
        run(self, COMMIT);
        at_ms = now_ms();
        if (self->taken_count > 0 || at_ms >= last_ms) {
            return self->taken_count;
        }
        usleep(POLL_US);
    }
}

static void tell(const void *queue, embedded_lease *leases)
{
    const worker *self = queue;
    for (uint32_t i = 0; i < self->taken_count; i++) {
        leases[i] = (embedded_lease){(uint64_t)self->taken[i], (uint64_t)self->token};
    }
}

static void finish(void *queue, embedded_lease lease)
{
    worker *self = queue;
    sqlite3_stmt *finish_one = self->words[FINISH_ONE];
    sqlite3_bind_int64(finish_one, 1, (int64_t)lease.token);
    sqlite3_bind_int64(finish_one, 2, (int64_t)lease.id);
    run(self, FINISH_ONE);
    need(self, sqlite3_changes(self->base) == 1, "finishing what was leased");
}

static void finish_taken(void *queue)
{
    worker *self = queue;
    sqlite3_stmt *finish_range = self->words[FINISH_RANGE];
    const uint32_t count = self->taken_count;
    if (count == 1) {
        finish(queue, (embedded_lease){(uint64_t)self->taken[0], (uint64_t)self->token});
        return;
    }
    sqlite3_bind_int64(finish_range, 1, self->token);
    sqlite3_bind_int64(finish_range, 2, self->taken[0]);
    sqlite3_bind_int64(finish_range, 3, self->taken[count - 1]);
    run(self, FINISH_RANGE);
    need(self, sqlite3_changes(self->base) == (int)count, "finishing what was leased");
}

/* A database in memory ends with its process, so here the worker leaves without dying. */
static void die(void *queue)
{
    worker *self = queue;
    if (self->kind->is_file) {
        close_base(self);
        open_base(self);
    }
}

static double weigh_bytes(void *queue)
{
    worker *self = queue;
    if (!self->kind->is_file) {
        return embedded_heap_bytes() - self->heap_before_bytes;
    }
    execute(self, "PRAGMA wal_checkpoint(TRUNCATE)");
    return (double)folder_disk_bytes(embedded_folder());
}

static const embedded_verbs verbs = {
    .start = start,
    .stop = stop,
    .push = push,
    .take = take,
    .tell = tell,
    .finish_taken = finish_taken,
    .finish = finish,
    .die = die,
    .weigh_bytes = weigh_bytes,
};

#define VERSION "SQLite " SQLITE_VERSION "; "
#define IN_PROCESS                                                                                 \
    .cycle = embedded_cycle, .weigh = embedded_weigh, .grow = embedded_grow,                       \
    .recover = embedded_recover
#define OWN(file, synchronous)                                                                     \
    &(const store)                                                                                 \
    {                                                                                              \
        {&verbs}, file, synchronous                                                                \
    }

#else

static const char *tell_absent(const contender *self)
{
    (void)self;
    return "sqlite3.h was not installed when the bench was built";
}

#define VERSION "SQLite; "
#define IN_PROCESS .open = tell_absent
#define OWN(file, synchronous) NULL

#endif

/* ---- the contenders ---- */

#define TABLE                                                                                      \
    "one table; a partial index of ready messages; prepared statements; one transaction per "      \
    "batch; temporary tables in memory; expired leases are searched every 100 ms"

const contender contender_sqlite_memory = {
    .settings = VERSION ":memory:; " TABLE,
    IN_PROCESS,
    .own = OWN(false, NULL),
};

const contender contender_sqlite_off = {
    .settings =
        VERSION "journal_mode=WAL; synchronous=OFF (survives SIGKILL, not power loss); " TABLE,
    IN_PROCESS,
    .own = OWN(true, "OFF"),
};

const contender contender_sqlite_normal = {
    .settings =
        VERSION "journal_mode=WAL; synchronous=NORMAL (survives SIGKILL; a power loss takes "
                "only the newest messages); " TABLE,
    IN_PROCESS,
    .own = OWN(true, "NORMAL"),
};

const contender contender_sqlite_full = {
    .settings = VERSION "journal_mode=WAL; synchronous=FULL (survives power loss); " TABLE,
    IN_PROCESS,
    .own = OWN(true, "FULL"),
};
