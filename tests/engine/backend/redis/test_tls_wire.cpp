/* test_tls_wire.cpp: a session of TLS under every call: cut and spoilt at each byte, with bytes
 * held inside, with new keys, across a fork, and after its server was killed.
 */
#include "catch.hpp"

#include <cstring>
#include <thread>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "each_verb.hpp"
#include "inside.hpp"
#include "server/proxy.hpp"
#include "server/tls_front.hpp"
#include "tls_served.hpp"

namespace
{

/* So many bytes are to be read, within a minute. */
bool has_arrived(int fd, int bytes)
{
    int arrived = 0;
    for (int ms = 0; ms < 60000 && arrived < bytes; ms++) {
        if (ioctl(fd, FIONREAD, &arrived) != 0) {
            return false;
        }
        usleep(arrived < bytes ? 1000 : 0);
    }
    return arrived >= bytes;
}

/* And a proxy before the port, which cuts and spoils what is encrypted. */
struct TlsProxied : TlsServed {
    Proxy proxy{tls.port()};

    std::string url(const std::string &more = "") const
    {
        return redis::TlsServer::url_at(proxy.port(), more);
    }
};

/* A plain server behind a front. */
struct TlsFronted : Served {
    TlsFront front{server.socket_path()};

    std::string url() const
    {
        return redis::TlsServer::url_at(front.port());
    }
};

/* SIGPIPE is a failure: the library must not raise it. */
struct PipeWatch {
    static inline volatile sig_atomic_t heard = 0;
    struct sigaction before = {};

    PipeWatch()
    {
        struct sigaction watch = {};
        heard = 0;
        watch.sa_handler = [](int) { heard = heard + 1; };
        sigaction(SIGPIPE, &watch, &before);
    }
    ~PipeWatch()
    {
        sigaction(SIGPIPE, &before, nullptr);
        CHECK(heard == 0);
    }
};

bool is_readable(int fd, int timeout_ms)
{
    pollfd waited = {fd, POLLIN, 0};
    return poll(&waited, 1, timeout_ms) == 1;
}

} // namespace

TEST_CASE_METHOD(TlsServed, "TLS wire: every verb, and the calls that take a URL")
{
    TlsHandle handle(tls.url());
    const slotq_data two[] = {{"one", 3}, {"two", 3}};
    REQUIRE(slotq_push(handle.queue, two, 2, nullptr) == SLOTQ_OK);
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const auto verb = static_cast<slotq_verb>(i);
        INFO(slotq_core_verb_name(verb));
        store_fault fault = {};
        CHECK(each_verb::run(handle.queue, verb, &fault) < SLOTQ_FAILURES);
    }
    slotq_error error = {};
    const slotq_geometry geometry = *slotq_geometry_of(handle.queue);
    CHECK(slotq_create(tls.url().c_str(), "other", &geometry, nullptr, &error) == SLOTQ_OK);
    int found = 0;
    const auto count = [](void *context, const char *) {
        ++*static_cast<int *>(context);
        return true;
    };
    CHECK(slotq_list(tls.url().c_str(), count, &found, &error) == SLOTQ_OK);
    CHECK(found == 2);
    CHECK(slotq_remove_queue(tls.url().c_str(), "other", &error) == SLOTQ_OK);
    slotq *clone = nullptr;
    REQUIRE(slotq_clone(handle.queue, &clone, &error) == SLOTQ_OK);
    slotq_stats stats = {};
    CHECK(slotq_get_stats(clone, 0, &stats) == SLOTQ_OK);
    slotq_close(clone);
}

TEST_CASE_METHOD(TlsServed, "TLS wire: pipelines whose replies fill many records")
{
    TlsHandle handle(tls.url());
    const std::string payload(16, 'x');
    const std::vector<slotq_data> messages(100, slotq_data{payload.data(), 16});
    slotq_pipeline *pipeline = nullptr;
    REQUIRE(slotq_pipeline_new(handle.queue, &pipeline, nullptr) == SLOTQ_OK);
    std::vector<slotq_batch *> batches;
    for (int i = 0; i < 8; i++) {
        batches.push_back(slotq_batch_new());
        REQUIRE(slotq_pipeline_push(pipeline, messages.data(), 100, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_pipeline_reserve(pipeline, 0, 100, 60000, batches.back(), nullptr) ==
                SLOTQ_OK);
    }
    CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    for (slotq_batch *batch : batches) {
        CHECK(slotq_batch_count(batch) == 100);
        slotq_message message;
        while (slotq_batch_next(batch, &message)) {
            CHECK(std::memcmp(message.payload, payload.data(), 16) == 0);
        }
        slotq_batch_free(batch);
    }
    slotq_pipeline_free(pipeline);
}

TEST_CASE_METHOD(TlsServed, "TLS wire: the caller's commands, scripts and a lent connection")
{
    slotq_redis_connection *connection = nullptr;
    slotq_error error = {};
    redisReply *reply = nullptr;
    REQUIRE(slotq_redis_connect(tls.url().c_str(), nullptr, &connection, &error) == SLOTQ_OK);
    const char *ping[] = {"PING"};
    REQUIRE(slotq_redis_command(connection, 1, ping, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(std::string(reply->str) == "PONG");
    freeReplyObject(reply);

    slotq_redis_tls_facts facts = {};
    REQUIRE(slotq_redis_tls_look(connection, &facts, &error) == SLOTQ_OK);
    CHECK(std::string(facts.protocol) == "TLSv1.3");
    CHECK(std::string(facts.issuer) == "CN=ca.of.slotq");
    CHECK(facts.verified);
    CHECK(facts.own_expires_s == 0);
    CHECK(facts.expires_s > time(nullptr) + 29 * 86400);

    redisContext *context = slotq_redis_context(connection);
    REQUIRE(context != nullptr);
    slotq_script *script = slotq_script_new("return 7", 8);
    REQUIRE(slotq_script_run(script, context, 0, nullptr, 0, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(reply->integer == 7);
    freeReplyObject(reply);
    slotq_script_free(script);
    slotq *queue = nullptr;
    REQUIRE(slotq_redis_attach(context, "jobs", nullptr, &queue, &error) == SLOTQ_OK);
    const slotq_data message = {"x", 1};
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
    slotq_close(queue);
    REQUIRE(slotq_redis_command(connection, 1, ping, nullptr, &reply, &error) == SLOTQ_OK);
    freeReplyObject(reply);

    /* hiredis itself would send in the clear: it fails, and nothing is sent */
    CHECK(redisCommand(context, "PING") == nullptr);
    CHECK(context->err != 0);
    slotq_redis_close(connection);
    CHECK(tls.server().log().find("Error") == std::string::npos);
}

TEST_CASE_METHOD(TlsProxied, "TLS wire: a push cut at any byte is unknown, done once, not repeated")
{
    TlsHandle direct(tls.url());
    TlsHandle handle(url());
    const PipeWatch watch;
    REQUIRE(handle.push() == SLOTQ_OK); /* the script is loaded now */
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        const uint64_t before = handle.stats().last_id; /* connects again, too */
        proxy.cut_after(bytes);
        const slotq_outcome outcome = handle.push();
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(direct.stats().last_id == before + 1);
        REQUIRE(bytes < 200);
    }
    CHECK(direct.stats().last_id > 20);
}

TEST_CASE_METHOD(TlsProxied, "TLS wire: a reply with any byte spoilt is never taken for an answer")
{
    TlsHandle direct(tls.url());
    TlsHandle handle(url());
    REQUIRE(handle.push() == SLOTQ_OK);
    bool ended = false;
    for (long bytes = 5; !ended; bytes++) { /* the 5 before are lengths: more would be waited for */
        const uint64_t before = handle.stats().last_id;
        proxy.spoil_after(bytes, '\x11');
        const slotq_outcome outcome = handle.push();
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(direct.stats().last_id == before + 1);
        REQUIRE(bytes < 200);
    }
}

TEST_CASE_METHOD(TlsProxied, "TLS wire: opening that is cut anywhere is CONNECT or the queue")
{
    bool ended = false;
    for (long bytes = 0; !ended; bytes += bytes < 1500 ? 11 : 211) {
        slotq *queue = nullptr;
        proxy.cut_after(bytes);
        const slotq_outcome outcome = slotq_open(url().c_str(), "jobs", nullptr, &queue, nullptr);
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_CONNECT));
        slotq_close(queue);
        REQUIRE(bytes < 30000);
    }
}

TEST_CASE_METHOD(TlsFronted, "TLS wire: records that were read with another one are not forgotten")
{
    redis_connection connection = {};
    store_fault fault = {};
    REQUIRE(redis_address_parse(url().c_str(), &connection.address, &fault) == SLOTQ_OK);
    connection.connect_timeout_ms = connection.timeout_ms = 120000;
    REQUIRE(redis_connection_open(&connection, &fault) == SLOTQ_OK);
    const char *words[] = {"SUBSCRIBE", "news"};
    const size_t lengths[] = {9, 4};
    redisReply *reply = nullptr;
    REQUIRE(redis_outbox_add(&connection.outbox, 2, words, lengths));
    REQUIRE(redis_connection_send(&connection, &fault));
    REQUIRE(redis_connection_next(&connection, 0, &reply, &fault));
    freeReplyObject(reply);
    for (int round = 0; round < 20; round++) {
        const int records = 5; /* of 40 bytes and what encrypts them, all in the socket at once */
        for (int i = 0; i < records; i++) { /* two at a time might be one record */
            server.command({"PUBLISH", "news", "0123456789"});
            REQUIRE(has_arrived(connection.transport.fd, (i + 1) * 57));
        }
        int heard = 0;
        do {
            REQUIRE(redis_connection_listen(&connection, 0, -1, &reply, &fault));
            heard += reply != nullptr;
            freeReplyObject(reply);
        } while (reply != nullptr);
        REQUIRE(heard == records);
        CHECK_FALSE(is_readable(connection.transport.fd, 0));
    }
    redis_connection_free(&connection);
}

TEST_CASE_METHOD(TlsFronted,
                 "TLS wire: a descriptor that is listened on wakes, whatever lies inside")
{
    TlsHandle handle(url());
    TlsHandle other(server.url());
    int fd = -1;
    for (int round = 0; round < 50; round++) {
        REQUIRE(slotq_redis_listen(handle.queue, &fd) == SLOTQ_OK);
        CHECK(handle.reserve(1) == SLOTQ_EMPTY);
        REQUIRE(other.push() == SLOTQ_OK);
        REQUIRE(is_readable(fd, 60000));
        REQUIRE(slotq_redis_listen(handle.queue, &fd) == SLOTQ_OK);
        CHECK(handle.reserve() == SLOTQ_OK);
    }
}

TEST_CASE_METHOD(TlsServed, "TLS wire: a waiting reserve is woken by a push")
{
    TlsHandle waits(tls.url());
    std::thread pusher([&] {
        TlsHandle pushes(tls.url());
        while (tls.server().command({"PUBSUB", "CHANNELS", "*"}).items.empty()) {
        }
        CHECK(pushes.push() == SLOTQ_OK);
    });
    CHECK(waits.reserve(120000) == SLOTQ_OK);
    pusher.join();
}

TEST_CASE_METHOD(TlsFronted, "TLS wire: new keys in the middle, asked for by the server")
{
    TlsHandle handle(url());
    front.renew_keys(true);
    for (int i = 0; i < 50; i++) {
        REQUIRE(handle.push() == SLOTQ_OK);
        REQUIRE(handle.reserve() == SLOTQ_OK);
    }
    CHECK(front.renewed() >= 100);
    CHECK(front.broken() == 0);
}

TEST_CASE_METHOD(TlsServed,
                 "TLS wire: a forked child connects anew, and the parent's session lives")
{
    TlsHandle handle(tls.url(), 1); /* it would have to connect again, and the count tells */
    REQUIRE(handle.push() == SLOTQ_OK);
    REQUIRE(handle.reserve(1) == SLOTQ_OK);
    REQUIRE(handle.reserve(1) == SLOTQ_EMPTY); /* it is subscribed now */
    const auto met = [&] {
        const std::string stats = tls.server().command({"INFO", "stats"}).text;
        const std::string name = "total_connections_received:";
        return std::stol(stats.substr(stats.find(name) + name.size()));
    };
    const pid_t child = fork();
    if (child == 0) {
        int good = 1;
        for (int i = 0; i < 20; i++) {
            good &= handle.push() == SLOTQ_OK && handle.reserve(1) == SLOTQ_OK;
        }
        slotq_close(handle.queue);
        _exit(good != 0 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    const long before = met();
    for (int i = 0; i < 20; i++) {
        CHECK(handle.push() == SLOTQ_OK);
    }
    CHECK(met() == before + 1); /* this one that asked */
    CHECK(handle.stats().last_id == 41);
}

TEST_CASE("TLS wire: a server that was killed is found again, without SIGPIPE")
{
    redis::TlsServer tls("server", {"--appendonly", "yes", "--appendfsync", "always"});
    make_queue(tls.server());
    const PipeWatch watch;
    TlsHandle handle(tls.url(), 60000);
    for (int i = 0; i < 3; i++) {
        const slotq_outcome pushed = handle.push();
        INFO(slotq_error_of(handle.queue)->text);
        REQUIRE(pushed == SLOTQ_OK);
        tls.server().kill();
        slotq_outcome outcome = SLOTQ_OK;
        std::thread pusher([&] { outcome = handle.push(); });
        tls.server().start(); /* it dies with the thread that starts it */
        pusher.join();
        CHECK((outcome == SLOTQ_OK || outcome == SLOTQ_OUTCOME_UNKNOWN));
    }
    CHECK(handle.push() == SLOTQ_OK);
}

TEST_CASE_METHOD(TlsServed, "TLS wire: a close is said to the server, so nothing looks cut off")
{
    tls.server().command({"CONFIG", "SET", "loglevel", "verbose"});
    for (int i = 0; i < 5; i++) {
        TlsHandle handle(tls.url());
        CHECK(handle.push() == SLOTQ_OK);
    }
    while (tls.server().log().find("Client closed connection") == std::string::npos) {
    }
    CHECK(tls.server().log().find("eof while reading") == std::string::npos);
}
