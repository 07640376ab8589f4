/* test_loop.cpp: a worker in the caller's loop: it runs what there is, sleeps where nothing is, and
 * wakes when something comes. With a bridge thread, without, and by a server's wake-ups.
 */
#include "catch.hpp"

#include <csignal>
#include <thread>

#include "looping.hpp"
#include "server/redis_server.hpp"
#include "server/riding.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* Whether a queue has a thread that waits for it. */
bool any_bridge()
{
    return GENERATE(false, true);
}

} // namespace

TEST_CASE("loop: runs each message once, and acks it", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live queue(kind);
    Looping loop(no_bridge);
    int ran = 0;
    loop.handle("a:b", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    for (int i = 0; i < 50; i++) {
        push_task(queue, "a:b");
    }
    loop.add(queue);
    loop.start();
    CHECK(loop.drive([&] { return ran == 50; }));
    for (int i = 0; i < 50; i++) {
        push_task(queue, "a:b");
    }
    CHECK(loop.drive([&] { return ran == 100; }));
    loop.settle_down();
    CHECK(loop.stats().done == 100);
    CHECK(queue.stats().unfinished == 0);
    CHECK(queue.stats().acked == 100);
    CHECK(queue.stats().redelivered == 0);
}

TEST_CASE("loop: step runs as many handlers as it may", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Looping loop;
    uint32_t ran = 0;
    loop.handle("a:b", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    for (int i = 0; i < 20; i++) {
        push_task(queue, "a:b");
    }
    loop.add(queue);
    loop.start();
    CHECK(slotq_worker_step(loop.worker(), 0, nullptr) == SLOTQ_EMPTY);
    uint32_t told = 99;
    uint32_t before = 0;
    while (ran < 20) {
        REQUIRE(slotq_worker_due_ms(loop.worker()) == 0); /* there is more */
        REQUIRE(slotq_worker_step(loop.worker(), 3, &told) == SLOTQ_OK);
        CHECK(told == ran - before);
        CHECK(told <= 3);
        before = ran;
    }
    loop.settle_down();
    CHECK(queue.stats().unfinished == 0);
}

TEST_CASE("loop: an idle one sleeps", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live queue(kind);
    Looping loop(no_bridge);
    loop.handle_done("a:b");
    push_task(queue, "a:b");
    loop.add(queue);
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().done == 1; }));
    loop.settle_down();
    loop.polls = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(240);
    while (std::chrono::steady_clock::now() < until) {
        loop.poll_once(240);
        loop.step();
    }
    /* 20 ms a poll in memory and files without a bridge. */
    CHECK(loop.polls <= (no_bridge && kind != Kind::redis ? 13u : 4u));
}

TEST_CASE("loop: a message wakes it by its descriptor", "[loop]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind);
    Live other(queue);
    Looping loop;
    int ran = 0;
    loop.handle("a:b", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    loop.add(queue);
    loop.start();
    for (int i = 1; i <= 20; i++) {
        loop.settle_down();
        std::thread producer([&] { push_task(other, "a:b"); });
        while (ran < i) { /* not due_ms: only the descriptor */
            REQUIRE(loop.wakes_by_fd());
            loop.step();
        }
        producer.join();
    }
    CHECK(queue.stats().redelivered == 0);
}

TEST_CASE("loop: what comes by time alone is not slept beside", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live queue(kind);
    Looping loop(no_bridge);
    int ran = 0;
    loop.handle("a:retry", [&](slotq_task *task) {
        ran++;
        return slotq_task_info_of(task)->attempts < 3 ? slotq_result_retry_after(30, 1)
                                                      : slotq_result_done();
    });
    loop.handle("a:later", [&](slotq_task *task) {
        ran++;
        slotq_task_finish(task, slotq_task_info_of(task)->attempts < 2
                                    ? slotq_result_retry_after(30, 1)
                                    : slotq_result_done());
        return slotq_result_later();
    });
    loop.add(queue);
    loop.start();
    loop.settle_down();
    push_task(queue, "a:retry");
    push_task(queue, "a:later");
    const auto begun = std::chrono::steady_clock::now();
    CHECK(loop.drive([&] { return loop.stats().done == 2; }));
    CHECK(ran == 5);
    /* Without the look after a delay it is 5 s. */
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4));
}

TEST_CASE("loop: a limited rate lets messages go, and none is used up by waiting", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live queue(kind);
    slotq_limits limits = {};
    limits.rate_interval_us = 30000;
    limits.rate_burst = 1;
    REQUIRE(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE | SLOTQ_LIMIT_BURST, &limits) == SLOTQ_OK);
    Looping loop(no_bridge);
    loop.handle_done("a:b");
    loop.add(queue);
    for (int i = 0; i < 8; i++) {
        push_task(queue, "a:b");
    }
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().done == 8; }));
    CHECK(queue.stats().redelivered == 0);
    CHECK(loop.polls < 100);
}

TEST_CASE("loop: only a bridge is a thread", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live queue(kind);
    const size_t before = threads();
    {
        Looping loop(no_bridge);
        loop.handle_done("a:b");
        loop.add(queue);
        loop.start();
        push_task(queue, "a:b");
        CHECK(loop.drive([&] { return loop.stats().done == 1; }));
        CHECK(threads() == before + (no_bridge || kind == Kind::redis ? 0 : 1));
    }
    CHECK(threads() == before);
}

TEST_CASE("loop: a signal stops it", "[loop]")
{
    sigset_t before;
    REQUIRE(pthread_sigmask(SIG_BLOCK, nullptr, &before) == 0);
    {
        Live queue(Kind::memory);
        Looping loop;
        loop.handle_done("a:b");
        loop.add(queue);
        REQUIRE(slotq_worker_catch_signals(loop.worker()) == SLOTQ_OK);
        loop.start();
        loop.settle_down();
        REQUIRE(pthread_kill(pthread_self(), SIGTERM) == 0);
        CHECK(loop.wakes_by_fd());
        CHECK(loop.step() == SLOTQ_GONE);
    }
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

TEST_CASE("loop: a step within a handler is refused", "[loop]")
{
    Live queue(Kind::memory);
    Looping loop;
    slotq_outcome outcome = SLOTQ_OK;
    uint32_t ran = 99;
    loop.handle("a:b", [&](slotq_task *) {
        outcome = slotq_worker_step(loop.worker(), 1, &ran);
        return slotq_result_done();
    });
    push_task(queue, "a:b");
    loop.add(queue);
    CHECK(slotq_worker_step(loop.worker(), 1, nullptr) == SLOTQ_INVALID); /* not started */
    CHECK(slotq_worker_fd(loop.worker()) == -1);
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().done == 1; }));
    CHECK(outcome == SLOTQ_INVALID);
    CHECK(slotq_worker_step(nullptr, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_join(loop.worker(), 0, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("loop: two queues, and the second is not forgotten", "[loop]")
{
    const Kind kind = each_shared_kind();
    const bool no_bridge = any_bridge();
    CAPTURE(kind, no_bridge);
    Live first(kind);
    Live second(kind);
    Looping loop(no_bridge);
    int ran = 0;
    loop.handle("a:b", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    slotq_worker_queue how = {};
    how.threads_kept = 1; /* has no meaning here */
    loop.add(first, "one", how);
    loop.add(second, "two");
    loop.start();
    loop.settle_down();
    push_task(second, "a:b");
    CHECK(loop.drive([&] { return ran == 1; }));
    push_task(first, "a:b");
    push_task(second, "a:b");
    CHECK(loop.drive([&] { return ran == 3; }));
    loop.settle_down();
}

TEST_CASE("loop: one that takes nothing lets another one wake", "[loop]")
{
    slotq_options options = {};
    options.poll_ms = UINT32_MAX; /* a wake-up that goes astray stays so */
    slotq *queue = nullptr;
    REQUIRE(slotq_create_memory(real_geometry(), &options, &queue, nullptr) == SLOTQ_OK);
    const std::unique_ptr<slotq, decltype(&slotq_close)> closed(queue, slotq_close);
    Looping quiet;
    Looping loop;
    int ran = 0;
    quiet.handle_done("a:b");
    loop.handle("a:b", [&](slotq_task *) {
        ran++;
        return slotq_result_done();
    });
    quiet.add(queue);
    quiet.start();
    quiet.settle_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(30)); /* it waits, and longest */
    loop.add(queue);
    loop.start();
    loop.settle_down();
    slotq_worker_quiet(quiet.worker());
    while (quiet.poll_once(0)) {
        quiet.step();
    }
    loop.settle_down();
    push_task(queue, "a:b");
    while (ran < 1) {
        REQUIRE(loop.wakes_by_fd());
        loop.step();
    }
    slotq_worker_resume(quiet.worker());
    slotq_worker_quiet(loop.worker());
    loop.settle_down();
    quiet.settle_down();
    push_task(queue, "a:b");
    CHECK(quiet.drive([&] { return quiet.stats().done == 1; }));
}

TEST_CASE("loop: what a long run leaves behind is given back", "[loop]")
{
    Live queue(Kind::file);
    Looping loop;
    loop.options.lease_ms = 300;
    int ran = 0;
    loop.handle("a:b", [&](slotq_task *) {
        if (++ran == 8) { /* the first of a batch: 1, 2, 4, 8 */
            std::this_thread::sleep_for(std::chrono::milliseconds(150));
        }
        return slotq_result_done();
    });
    for (int i = 0; i < 15; i++) {
        push_task(queue, "a:b");
    }
    slotq_worker_queue how = {};
    how.prefetch_ms = 100000;
    loop.add(queue, "q", how);
    loop.start();
    CHECK(loop.drive([&] { return ran == 15; }));
    loop.settle_down();
    CHECK(loop.stats().given_back == 7);
    CHECK(loop.stats().lost == 0);
    CHECK(queue.stats().acked == 15);
}

TEST_CASE("loop: a lost connection is come back from", "[loop]")
{
    redis::Server server;
    Live queue(server.url());
    Live other(queue);
    Looping loop;
    loop.handle_done("a:b");
    loop.add(queue);
    loop.start();
    for (uint64_t i = 1; i <= 3; i++) {
        loop.settle_down();
        for (const char *type : {"normal", "pubsub"}) {
            server.command({"CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"});
        }
        loop.polls = 0;
        loop.drive([&] { return loop.polls >= 3; });
        push_task(other, "a:b");
        CHECK(loop.drive([&] { return loop.stats().done == i; }));
        CHECK(loop.polls < 100);
    }
    loop.settle_down();
    push_task(other, "a:b");
    CHECK(loop.wakes_by_fd(4000)); /* it listens again */
    CHECK(loop.drive([&] { return loop.stats().done == 4; }));
}

TEST_CASE("loop: an ack that is not answered makes it wait, not spin", "[loop]")
{
    redis::Server server;
    Live queue(server.url() + "?timeout_ms=100&connect_timeout_ms=100");
    Looping loop;
    loop.handle("a:b", [&](slotq_task *) {
        kill(server.pid(), SIGSTOP);
        return slotq_result_done();
    });
    push_task(queue, "a:b");
    loop.add(queue);
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().away; }));
    loop.polls = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < until) {
        loop.poll_once(300);
        loop.step();
    }
    CHECK(loop.polls < 20);
    kill(server.pid(), SIGCONT);
    CHECK(loop.drive([&] { return loop.stats().done == 1; }));
    CHECK(loop.drive([&] { return !loop.stats().away; }));
    CHECK(loop.stats().lost == 0);
}

/* The queue is tried again at one time, the ack at another: between them nothing can be done. */
TEST_CASE("loop: an ack that is owed to a dead server makes it wait, not spin", "[loop]")
{
    redis::Server server({"--appendonly", "yes", "--appendfsync", "always"});
    Live queue(server.url());
    const riding::Queue handle(server.url(), 1);
    Looping loop;
    loop.options.lease_ms = 300; /* the keeper's calls wait for a sixth of it */
    loop.handle("a:b", [&](slotq_task *) {
        server.kill();
        return slotq_result_done();
    });
    push_task(queue, "a:b");
    loop.add(handle.get());
    loop.start();
    CHECK(loop.drive([&] { return loop.stats().away; }));
    loop.polls = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1000);
    while (std::chrono::steady_clock::now() < until) {
        loop.poll_once(1000);
        loop.step();
    }
    CHECK(loop.polls < 50);
    server.start();
    CHECK(loop.drive([&] { return loop.stats().done == 1; }));
}
