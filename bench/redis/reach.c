/* reach.c: see reach.h. All servers listen on loopback, each contender has a handle of the library,
 * and in each round all take turns. The queues have a backlog, so that no call finds a shard empty.
 */
#include "reach.h"

#include "../support/folder.h"
#include "../support/private_server.h"
#include "../support/report.h"
#include "../support/samples.h"
#include "../support/sure.h"
#include "../support/wire.h"
#include "slotq.h"
#include "slotq_redis.h"
#include "slotq_redis_tls.h"
#include "slotq_shards.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NODES = 3,
    SHARDS = 12,
    BATCH = 256,
    PAYLOAD_BYTES = 32,
    RING_SLOTS = 8193,
    BACKLOG = 12 * 2 * BATCH, /* two batches a shard */
    MESSAGES = 1 << 16,
    MESSAGES_SMALL = 1 << 10,
    SINGLES = 1 << 11,
    LEASE_MS = 60000,
    URL_BYTES = 128,
    WORDS_MOST = 24,
    CLUSTER_SLOTS = 16384
};

static const slotq_geometry shape = {.ring_slots = RING_SLOTS, .payload_bytes = PAYLOAD_BYTES};
static slotq_data messages[BATCH];
static bool is_small_run;

/* ---- servers ---- */

/* Free when the kernel gave it; nothing else on this machine should take it in between. */
static int free_port(void)
{
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    bench_need(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 &&
                   getsockname(listener, (struct sockaddr *)&address, &size) == 0,
               "a free port");
    close(listener);
    return ntohs(address.sin_port);
}

typedef struct node {
    private_server *server;
    int port;
    int bus_port; /* of a node of a cluster */
} node;

static node start(const char *const *more, bool is_node)
{
    node made = {.port = free_port()};
    char port[16];
    char bus[16];
    const char *words[WORDS_MOST] = {"--port", port, "--bind", "127.0.0.1"};
    int count = 4;
    made.bus_port = is_node ? free_port() : 0;
    (void)snprintf(port, sizeof port, "%d", made.port);
    (void)snprintf(bus, sizeof bus, "%d", made.bus_port);
    if (is_node) {
        const char *const node_words[] = {"--cluster-enabled", "yes", "--cluster-port", bus};
        memcpy((void *)(words + count), (const void *)node_words, sizeof node_words);
        count += 4;
    }
    for (int i = 0; more != NULL && more[i] != NULL; i++) {
        words[count++] = more[i];
    }
    made.server = private_redis_start(words);
    bench_need(made.server != NULL, "redis-server");
    return made;
}

static void say(const node *to, const char *line)
{
    connection wire;
    wire_open(&wire, private_server_socket(to->server));
    wire_do(&wire, line);
    wire_close(&wire);
}

static bool knows_all(const node *self, uint32_t nodes)
{
    char wanted[32];
    connection wire;
    (void)snprintf(wanted, sizeof wanted, "cluster_known_nodes:%u", (unsigned)nodes);
    wire_open(&wire, private_server_socket(self->server));
    redisReply *reply = wire_ask(&wire, "CLUSTER INFO");
    const bool all = reply->type == REDIS_REPLY_STRING &&
                     strstr(reply->str, "cluster_state:ok") != NULL &&
                     strstr(reply->str, wanted) != NULL;
    freeReplyObject(reply);
    wire_close(&wire);
    return all;
}

static void make_cluster(node *nodes, uint32_t count)
{
    enum { PATIENCE_S = 30, POLL_US = 20000 };
    const uint64_t end_ns = clock_ns() + UINT64_C(1000000000) * PATIENCE_S;
    for (uint32_t i = 0; i < count; i++) {
        char line[96];
        nodes[i] = start(NULL, true);
        (void)snprintf(line, sizeof line, "CLUSTER ADDSLOTSRANGE %u %u",
                       (unsigned)(CLUSTER_SLOTS * i / count),
                       (unsigned)(CLUSTER_SLOTS * (i + 1) / count - 1));
        say(&nodes[i], line);
        (void)snprintf(line, sizeof line, "CLUSTER MEET 127.0.0.1 %d %d", nodes[0].port,
                       nodes[0].bus_port);
        if (i > 0) {
            say(&nodes[i], line);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        while (!knows_all(&nodes[i], count)) {
            bench_need(clock_ns() < end_ns, "the cluster");
            usleep(POLL_US);
        }
    }
}

/* ---- contenders ---- */

typedef struct contender {
    const char *name;
    double target; /* of its rate over that of one server, at least; 0: of the CPU, at most */
    double cpu_target;
    node nodes[NODES];
    uint32_t node_count;
    slotq *queue;
    samples rate_ratio; /* one server's time a message over this one's */
    samples cpu_ratio;
    samples ns;
    samples cpu_ns;
    samples single_ratio;
} contender;

enum { PLAIN, TLS, NODE, SHARDED, CONTENDERS };
static contender all[CONTENDERS] = {
    [PLAIN] = {.name = "one server"},
    [TLS] = {.name = "TLS", .target = 0.7},
    [NODE] = {.name = "a cluster of one", .target = 0.97},
    [SHARDED] = {.name = "12 shards on 3 nodes", .cpu_target = 1.1},
};
static slotq_batch *batch;

static void open_queue(contender *self, const char *scheme, const slotq_redis_options *redis,
                       uint32_t shards)
{
    char url[URL_BYTES];
    const slotq_options options = {.redis = redis};
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, self->nodes[0].port);
    if (shards > 0) {
        bench_ok(slotq_shards_create(url, "bench", shards, &shape, &options, NULL),
                 "slotq_shards_create");
    } else {
        bench_ok(slotq_create(url, "bench", &shape, &options, NULL), "slotq_create");
    }
    bench_ok(slotq_open(url, "bench", &options, &self->queue, NULL), "slotq_open");
    for (uint32_t pushed = 0; pushed < BACKLOG / (shards > 0 ? 1u : 2u); pushed += BATCH) {
        bench_ok(slotq_push(self->queue, messages, BATCH, NULL), "slotq_push");
    }
}

/* A key and a certificate that signs itself, for this run. false: there is no openssl here. */
static bool make_certificate(const char *certificate, const char *key)
{
    const char *const words[] = {"openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:P-256",
                                 "-nodes",
                                 "-days",
                                 "2",
                                 "-subj",
                                 "/CN=bench",
                                 "-addext",
                                 "subjectAltName=IP:127.0.0.1",
                                 "-keyout",
                                 key,
                                 "-out",
                                 certificate,
                                 NULL};
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO); /* dots while it draws the key */
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* false: TLS is left out. */
static bool start_tls(const char *folder)
{
    static char certificate[256];
    static char key[256];
    (void)snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    (void)snprintf(key, sizeof key, "%s/key.pem", folder);
    if (slotq_redis_tls_library() == NULL || !make_certificate(certificate, key)) {
        return false;
    }
    contender *self = &all[TLS];
    self->nodes[0].port = free_port();
    char port[16];
    (void)snprintf(port, sizeof port, "%d", self->nodes[0].port);
    const char *const words[] = {"--tls-port",
                                 port,
                                 "--tls-cert-file",
                                 certificate,
                                 "--tls-key-file",
                                 key,
                                 "--tls-ca-cert-file",
                                 certificate,
                                 "--tls-auth-clients",
                                 "no",
                                 NULL};
    self->nodes[0].server = private_redis_start(words);
    self->node_count = 1;
    const slotq_redis_tls tls = {.ca_file = certificate};
    const slotq_redis_options redis = {.tls = &tls};
    open_queue(self, "rediss", &redis, 0);
    return true;
}

/* ---- measuring ---- */

static double server_seconds(const contender *self)
{
    double sum = 0;
    for (uint32_t i = 0; i < self->node_count; i++) {
        connection wire;
        wire_open(&wire, private_server_socket(self->nodes[i].server));
        sum += wire_server_seconds(&wire);
        wire_close(&wire);
    }
    return sum;
}

/* A shard may have less than a batch left; the next one has more. */
static void take(contender *self, uint32_t size)
{
    for (uint32_t taken = 0; taken < size;) {
        bench_ok(slotq_reserve(self->queue, 0, size - taken, LEASE_MS, 0, batch), "slotq_reserve");
        taken += slotq_batch_count(batch);
        bench_ok(slotq_ack_batch(self->queue, batch), "slotq_ack_batch");
    }
}

static void cycle(contender *self, uint32_t count, uint32_t size)
{
    for (uint32_t done = 0; done < count; done += size) {
        bench_ok(slotq_push(self->queue, messages, size, NULL), "slotq_push");
        take(self, size);
    }
}

typedef struct lap {
    double ns;     /* a message */
    double cpu_ns; /* of the servers, a message */
    double single_ns;
} lap;

static lap measure(contender *self)
{
    const uint32_t count = is_small_run ? MESSAGES_SMALL : MESSAGES;
    const uint32_t singles = is_small_run ? 1 : SINGLES;
    const double cpu = server_seconds(self);
    uint64_t begun_ns = clock_ns();
    cycle(self, count, BATCH);
    const uint64_t batches_ns = clock_ns() - begun_ns;
    const double used = server_seconds(self) - cpu;
    begun_ns = clock_ns();
    cycle(self, singles, 1);
    return (lap){(double)batches_ns / count, used * 1e9 / count,
                 (double)(clock_ns() - begun_ns) / singles};
}

static void play_round(bool counts)
{
    lap base = {0};
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        if (all[i].queue == NULL) {
            continue;
        }
        const lap it = measure(&all[i]);
        base = i == PLAIN ? it : base;
        if (counts) {
            samples_add(&all[i].ns, it.ns);
            samples_add(&all[i].cpu_ns, it.cpu_ns);
            samples_add(&all[i].rate_ratio, base.ns / it.ns);
            samples_add(&all[i].cpu_ratio, it.cpu_ns / base.cpu_ns);
            samples_add(&all[i].single_ratio, base.single_ns / it.single_ns);
        }
    }
}

/* ---- the table ---- */

static void put_spread(report_table *table, samples *ratio)
{
    report_cell(table, "%.2f", samples_median(ratio));
    report_cell(table, "%.2f-%.2f", samples_quantile(ratio, 0), samples_quantile(ratio, 1));
}

static void put_rows(report_table *table)
{
    static const char *const head[] = {"batches of 256", "ns",        "rate ratio", "min-max",
                                       "CPU ns",         "CPU ratio", "min-max",    "one by one",
                                       "target",         ""};
    report_row(table);
    for (uint32_t i = 0; i < sizeof head / sizeof *head; i++) {
        report_cell(table, "%s", head[i]);
    }
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        contender *it = &all[i];
        if (it->queue == NULL) {
            continue;
        }
        report_row(table);
        report_cell(table, "%s", it->name);
        report_cell(table, "%.0f", samples_median(&it->ns));
        put_spread(table, &it->rate_ratio);
        report_cell(table, "%.0f", samples_median(&it->cpu_ns));
        put_spread(table, &it->cpu_ratio);
        report_cell(table, "%.2f", samples_median(&it->single_ratio));
        if (it->target > 0) {
            report_cell(table, "rate >= %g", it->target);
            report_cell(table, "%s",
                        samples_median(&it->rate_ratio) >= it->target ? "met" : "MISSED");
        } else if (it->cpu_target > 0) {
            report_cell(table, "CPU <= %g", it->cpu_target);
            report_cell(table, "%s",
                        samples_median(&it->cpu_ratio) <= it->cpu_target ? "met" : "MISSED");
        }
    }
}

static void open_all(const char *folder)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        messages[i] = (slotq_data){"message_message_message_message", PAYLOAD_BYTES};
    }
    batch = slotq_batch_new();
    bench_need(batch != NULL, "slotq_batch_new");
    all[PLAIN].nodes[0] = start(NULL, false);
    all[PLAIN].node_count = 1;
    open_queue(&all[PLAIN], "redis", NULL, 0);
    make_cluster(all[NODE].nodes, 1);
    all[NODE].node_count = 1;
    open_queue(&all[NODE], "redis", NULL, 0);
    make_cluster(all[SHARDED].nodes, NODES);
    all[SHARDED].node_count = NODES;
    open_queue(&all[SHARDED], "redis", NULL, SHARDS);
    if (!start_tls(folder)) {
        report_text("TLS is left out: no openssl command here, or a build without TLS.\n\n");
    }
}

static void close_all(void)
{
    slotq_batch_free(batch);
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        slotq_close(all[i].queue);
        for (uint32_t k = 0; k < all[i].node_count; k++) {
            private_server_stop(all[i].nodes[k].server);
        }
    }
}

void reach_compare(uint32_t rounds, bool is_small)
{
    static report_table table;
    char folder[64];
    (void)snprintf(folder, sizeof folder, "/tmp/slotq-bench-reach-%d", (int)getpid());
    is_small_run = is_small;
    folder_make(folder);
    open_all(folder);
    for (uint32_t round = 0; round <= rounds; round++) { /* the first only warms up */
        play_round(round > 0);
        report_progress("reach", round + 1, rounds + 1);
    }
    put_rows(&table);
    close_all();
    folder_remove(folder);
    report_text("## TLS, a cluster, shards\n\nPush, reserve and ack through the library over "
                "loopback, one call at a time, 32-byte payloads, with a backlog; medians of %u "
                "rounds. A ratio is taken within a round, beside one server: of messages per "
                "second, of the servers' CPU time per message, and of messages per second in calls "
                "of one message.%s\n\n",
                (unsigned)rounds, is_small ? " Small run: few messages." : "");
    report_table_print(&table);
    report_table_csv(&table, "redis-reach");
}
