/* test_cut.cpp: connections that break: at each byte of a reply, before the command, by a server
 * that is gone or silent. What may have happened is told as unknown, and nothing is done twice.
 */
#include "catch.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <sstream>
#include <string>

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "each_verb.hpp"
#include "server/proxy.hpp"
#include "own_handle.hpp"
#include "served.hpp"

namespace
{

constexpr uint32_t PATIENCE_MS = 120000; /* no test waits for its end */
constexpr uint32_t RECONNECT_MS = 1000;  /* waited for where the server is gone */

struct Handle : OwnHandle {
    slotq_redis_options redis = {};

    explicit Handle(const std::string &url, uint32_t timeout_ms = PATIENCE_MS,
                    uint32_t replicas = 0)
    {
        slotq_options options = {};
        redis.timeout_ms = timeout_ms;
        redis.reconnect_ms = std::min(timeout_ms, RECONNECT_MS);
        redis.wait_replicas = replicas;
        redis.wait_ms = 10;
        options.redis = &redis;
        /* a time-out that is short for a test's sake may pass on a busy machine: again then */
        slotq_outcome outcome = SLOTQ_CONNECT;
        for (int i = 0; i < 100 && outcome == SLOTQ_CONNECT; i++) {
            outcome = slotq_open(url.c_str(), "jobs", &options, &queue, &error);
        }
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
    }

    slotq_outcome reserve(uint64_t wait_ms = 0)
    {
        return slotq_reserve(queue, 0, 1, 600000, wait_ms, batch);
    }
    slotq_stats stats()
    {
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        return stats;
    }
};

/* How many scripts the server has run by their sums. */
long scripts_called(redis::Server &server)
{
    std::istringstream stats(server.command({"INFO", "commandstats"}).text);
    long calls = 0;
    for (std::string line; std::getline(stats, line);) { /* or as commands of the module */
        const bool is_verb = line.rfind("cmdstat_evalsha:", 0) == 0 ||
                             (line.rfind("cmdstat_slotq.", 0) == 0 &&
                              line.find(".about:") == std::string::npos);
        calls += is_verb ? std::stol(line.substr(line.find("calls=") + 6)) : 0;
    }
    return calls;
}

/* And a proxy in front of the server, which can cut and spoil what the server sends. */
struct Proxied : Served {
    Proxy proxy{server.socket_path()};
};

} // namespace

TEST_CASE_METHOD(Proxied, "a push whose reply is cut anywhere is unknown, done, and not repeated")
{
    Handle direct(server.url());
    Handle handle(proxy.url());
    REQUIRE(handle.push() == SLOTQ_OK); /* the script is loaded now */
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        const uint64_t before = handle.stats().last_id; /* connects again, too */
        proxy.cut_after(bytes);
        const slotq_outcome outcome = handle.push();
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(direct.stats().last_id == before + 1);
        REQUIRE(bytes < 100);
    }
    CHECK(direct.stats().last_id >= 5);
}

TEST_CASE_METHOD(Proxied, "a reserve and an ack that are cut are unknown; what was leased stays so")
{
    Handle direct(server.url());
    Handle handle(proxy.url());
    REQUIRE(direct.reserve() == SLOTQ_EMPTY); /* the script is loaded now */
    uint32_t unknown = 0;
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        REQUIRE(handle.push() == SLOTQ_OK);
        proxy.cut_after(bytes);
        const slotq_outcome outcome = handle.reserve();
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(slotq_batch_count(handle.batch) == (ended ? 1 : 0));
        unknown += outcome == SLOTQ_OUTCOME_UNKNOWN;
        REQUIRE(bytes < 400);
    }
    CHECK(direct.stats().leased == unknown + 1);
    REQUIRE(slotq_ack(direct.queue, 0, UINT32_MAX, 5) == SLOTQ_NOTFOUND);
    proxy.cut_after(2);
    CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(direct.stats().acked == 1);
    CHECK(std::string(slotq_error_of(handle.queue)->text).find("is unknown") != std::string::npos);
}

TEST_CASE_METHOD(Proxied,
                 "a push whose script was not there did not happen, whatever is cut behind it")
{
    Handle direct(server.url());
    Handle handle(proxy.url(), PATIENCE_MS, 1);
    REQUIRE(handle.push() == SLOTQ_UNCONFIRMED); /* there is no replica */
    REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
    const std::string unknown(40, '0');
    const std::string refusal = server.command({"EVALSHA", unknown, "0"}).text;
    REQUIRE(refusal.find("NOSCRIPT") == 0);
    proxy.cut_after(static_cast<long>(refusal.size()) + 3); /* before WAIT's answer */
    CHECK(handle.push() == SLOTQ_UNCONFIRMED);
    CHECK(proxy.disarm());
    CHECK(direct.stats().last_id == 2);
}

TEST_CASE_METHOD(Proxied, "what only reads is asked again, wherever it was cut")
{
    Handle handle(proxy.url());
    REQUIRE(handle.push() == SLOTQ_OK);
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        proxy.cut_after(bytes);
        slotq_status status = {};
        CHECK(slotq_get_status(handle.queue, 0, 1, &status) == SLOTQ_OK);
        CHECK(status.state == SLOTQ_STATE_READY);
        ended = !proxy.disarm();
        REQUIRE(bytes < 400);
    }
}

TEST_CASE_METHOD(Proxied,
                 "no verb that writes is sent again after a lost reply, and each that reads is")
{
    Handle handle(proxy.url());
    REQUIRE(handle.push() == SLOTQ_OK);
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const auto verb = static_cast<slotq_verb>(i);
        INFO(slotq_core_verb_name(verb));
        store_fault fault = {};
        each_verb::run(handle.queue, verb, &fault); /* its script is loaded now */
        const long before = scripts_called(server);
        proxy.cut_after(1);
        const slotq_outcome outcome = each_verb::run(handle.queue, verb, &fault);
        REQUIRE(proxy.disarm());
        const long done = scripts_called(server) - before;
        if (slotq_core_verb_only_reads(verb)) {
            CHECK(outcome < SLOTQ_FAILURES);
            CHECK(done == 2);
        } else {
            CHECK(outcome == SLOTQ_OUTCOME_UNKNOWN);
            CHECK(done == 1);
        }
    }
}

TEST_CASE_METHOD(Proxied, "what only reads has its script loaded, however late it is after a cut")
{
    slotq_options options = {};
    slotq_redis_options redis = {};
    slotq_status status = {};
    slotq *queue = nullptr;
    redis.timeout_ms = PATIENCE_MS;
    redis.reconnect_ms = 1; /* over when the cut connection is there again */
    options.redis = &redis;
    Handle direct(server.url());
    REQUIRE(direct.push() == SLOTQ_OK);
    REQUIRE(slotq_open(proxy.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    for (int i = 0; i < 10; i++) {
        REQUIRE(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
        proxy.cut_after(3);
        CHECK(slotq_get_status(queue, 0, 1, &status) == SLOTQ_OK);
        CHECK(proxy.disarm());
    }
    slotq_close(queue);
}

TEST_CASE_METHOD(Proxied, "opening is cut anywhere: CONNECT or the queue, never a crash")
{
    bool ended = false;
    for (long bytes = 0; !ended; bytes += bytes < 40 ? 1 : 97) {
        slotq *queue = nullptr;
        proxy.cut_after(bytes);
        const slotq_outcome outcome =
            slotq_open(proxy.url().c_str(), "jobs", nullptr, &queue, nullptr);
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_CONNECT));
        slotq_close(queue);
        REQUIRE(bytes < 20000);
    }
}

TEST_CASE_METHOD(Proxied, "a reply with a byte spoilt is an answer or a failure, never a crash")
{
    Handle direct(server.url());
    for (uint32_t i = 0; i < 200; i++) {
        REQUIRE(direct.push() == SLOTQ_OK);
    }
    REQUIRE(direct.reserve() == SLOTQ_OK);
    for (uint32_t i = 0; i < 100; i++) {
        Handle handle(proxy.url(), 50);
        proxy.spoil_after(i, static_cast<char>(1U << i % 7));
        const slotq_outcome outcome = handle.reserve();
        (void)proxy.disarm();
        CHECK((outcome < SLOTQ_FAILURES || outcome == SLOTQ_OUTCOME_UNKNOWN));
        slotq_message message;
        while (slotq_batch_next(handle.batch, &message)) {
            CHECK(message.payload_bytes <= 16);
        }
        slotq_stats stats = {};
        proxy.spoil_after(7 * i, '\x11');
        (void)slotq_get_stats(handle.queue, 0, &stats);
        (void)proxy.disarm();
    }
}

TEST_CASE_METHOD(Proxied,
                 "meeting a server whose words are spoilt is a queue or a refusal, never a crash")
{
    slotq_redis_options redis = {};
    slotq_options options = {};
    redis.timeout_ms = 50;
    options.redis = &redis;
    bool ended = false;
    for (long bytes = 0; !ended; bytes += 43) {
        slotq *queue = nullptr;
        proxy.spoil_after(bytes, '\x10');
        const slotq_outcome outcome =
            slotq_open(proxy.url().c_str(), "jobs", &options, &queue, nullptr);
        ended = !proxy.disarm() && outcome == SLOTQ_OK; /* else its time was over before */
        CHECK((outcome == SLOTQ_OK) == (queue != nullptr));
        slotq_close(queue);
        REQUIRE(bytes < 20000);
    }
}

TEST_CASE("a server that went and came back is found again, and missed while it is gone")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always"});
    make_queue(server);
    Handle handle(server.url());
    REQUIRE(handle.push() == SLOTQ_OK);
    server.kill();
    slotq_outcome outcome = handle.push(); /* the first may have been on its way */
    CHECK((outcome == SLOTQ_OUTCOME_UNKNOWN || outcome == SLOTQ_CONNECT));
    CHECK(handle.push() == SLOTQ_CONNECT);
    slotq_status status = {};
    CHECK(slotq_get_status(handle.queue, 0, 1, &status) == SLOTQ_CONNECT);
    server.start();
    Handle patient(server.url());
    CHECK(patient.stats().last_id == 1);
    while ((outcome = handle.push()) == SLOTQ_CONNECT) {
    }
    CHECK(outcome == SLOTQ_OK);
    CHECK(patient.stats().last_id == 2);
}

TEST_CASE_METHOD(Served, "a server that is silent after the command leaves it unknown")
{
    Handle direct(server.url());
    Handle handle(server.url(), 200);
    REQUIRE(direct.push() == SLOTQ_OK);
    server.stop();
    CHECK(handle.push() == SLOTQ_OUTCOME_UNKNOWN);
    slotq_status status = {};
    CHECK(slotq_get_status(handle.queue, 0, 1, &status) >= SLOTQ_FAILURES);
    server.go_on();
    CHECK(direct.reserve() == SLOTQ_OK);
    CHECK(direct.stats().last_id == 2); /* it did happen, once */
}

TEST_CASE_METHOD(Served, "signals do not keep a silent server's time-out from ending")
{
    static volatile sig_atomic_t heard;
    struct sigaction before = {};
    struct sigaction listen = {};
    const itimerval none = {};
    const itimerval often = {{0, 50000}, {0, 50000}};
    heard = 0;
    listen.sa_handler = [](int) {
        const itimerval stop = {};
        heard = heard + 1;
        if (heard == 400) { /* 20 s: it hangs, and the test shall end */
            setitimer(ITIMER_REAL, &stop, nullptr);
        }
    };
    Handle direct(server.url());
    REQUIRE(direct.push() == SLOTQ_OK); /* the script is loaded now */
    Handle handle(server.url(), 200);
    REQUIRE(sigaction(SIGALRM, &listen, &before) == 0);
    server.stop();
    setitimer(ITIMER_REAL, &often, nullptr);
    CHECK(handle.push() == SLOTQ_OUTCOME_UNKNOWN);
    setitimer(ITIMER_REAL, &none, nullptr);
    CHECK(heard < 400);
    server.go_on();
    sigaction(SIGALRM, &before, nullptr);
}

TEST_CASE_METHOD(Proxied, "without reconnecting a lost connection stays lost")
{
    slotq_options options = {};
    slotq_redis_options redis = {};
    redis.no_reconnect = true;
    options.redis = &redis;
    slotq *queue = nullptr;
    REQUIRE(slotq_open(proxy.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
    const slotq_data message = {"hello", 5};
    proxy.cut_after(0);
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(slotq_push(queue, &message, 1, nullptr) == SLOTQ_CONNECT);
    slotq_close(queue);
}

TEST_CASE_METHOD(Served, "a forked child connects anew, and the parent's connection stays whole")
{
    Handle handle(server.url());
    REQUIRE(handle.push() == SLOTQ_OK);
    REQUIRE(handle.reserve(1) == SLOTQ_OK);
    REQUIRE(handle.reserve(1) == SLOTQ_EMPTY); /* it is subscribed now */
    const pid_t child = fork();
    if (child == 0) {
        int good = 1;
        for (int i = 0; i < 50; i++) {
            good &= handle.push() == SLOTQ_OK && handle.reserve(1) == SLOTQ_OK;
        }
        _exit(good != 0 ? 0 : 1);
    }
    for (int i = 0; i < 50; i++) {
        CHECK(handle.push() == SLOTQ_OK);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(handle.stats().last_id == 101);
}

TEST_CASE_METHOD(Served, "SCRIPT FLUSH between any two calls is not seen")
{
    Handle handle(server.url());
    for (int i = 0; i < 3; i++) {
        server.command({"SCRIPT", "FLUSH"});
        CHECK(handle.push() == SLOTQ_OK);
        server.command({"SCRIPT", "FLUSH"});
        CHECK(handle.reserve() == SLOTQ_OK);
        server.command({"SCRIPT", "FLUSH"});
        CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    }
    CHECK(handle.stats().acked == 3);
}
