/* test_refused.cpp: bad input of the public calls of a worker: an outcome for each, and a text that
 * names the field, the value and the range. (Those of a mux: test_mux.cpp.)
 */
#include "catch.hpp"

#include <cstring>

#include "live.hpp"

using namespace any_queue;
using namespace working;

namespace
{

/* A mux that is freed with the test. */
struct Mux {
    slotq_mux *raw = nullptr;
    Mux()
    {
        REQUIRE(slotq_mux_new(&raw) == SLOTQ_OK);
    }
    ~Mux()
    {
        slotq_mux_free(raw);
    }
};

/* A worker that is not started. */
struct Fresh {
    Mux mux;
    slotq_worker *worker = nullptr;
    explicit Fresh(const slotq_worker_options &options = {})
    {
        REQUIRE(slotq_worker_new(mux.raw, &options, &worker, nullptr) == SLOTQ_OK);
    }
    ~Fresh()
    {
        CHECK(slotq_worker_free(worker) == SLOTQ_OK);
    }
};

std::string refused_new(slotq_mux *mux, const slotq_worker_options &options)
{
    slotq_error error = {};
    auto *worker = reinterpret_cast<slotq_worker *>(&error); /* must be set to NULL */
    CHECK(slotq_worker_new(mux, &options, &worker, &error) == SLOTQ_INVALID);
    CHECK(slotq_worker_new(mux, &options, &worker, nullptr) == SLOTQ_INVALID);
    CHECK(worker == nullptr);
    CHECK(error.outcome == SLOTQ_INVALID);
    return error.text;
}

std::string text_of(slotq_worker *worker, slotq_outcome outcome)
{
    slotq_error error = {};
    CHECK(slotq_worker_error(worker, &error) == outcome);
    CHECK(error.outcome == outcome);
    return error.text;
}

std::string refused_queue(slotq_worker *worker, slotq *queue, const char *name,
                          const slotq_worker_queue *options, slotq_outcome outcome = SLOTQ_INVALID)
{
    CHECK(slotq_worker_add_queue(worker, queue, name, options) == outcome);
    return text_of(worker, outcome);
}

slotq_result done(void *, slotq_task *)
{
    return slotq_result_done();
}

} // namespace

TEST_CASE("refused: options of a worker", "[worker]")
{
    const Mux mux;
    slotq_worker_options options = {};
    CHECK(refused_new(nullptr, options) == "mux and worker must not be NULL");
    slotq_error error = {};
    CHECK(slotq_worker_new(mux.raw, &options, nullptr, &error) == SLOTQ_INVALID);
    CHECK(std::string(error.text) == "mux and worker must not be NULL");
    options.threads = 1025;
    CHECK(refused_new(mux.raw, options) == "threads is 1025; 1024 is the most");
    options.threads = 2;
    options.loop = true;
    CHECK(refused_new(mux.raw, options) ==
          "threads is 2; in loop mode the caller's thread is the only one");
    options = {};
    options.stuck_most = 1025;
    CHECK(refused_new(mux.raw, options) == "stuck_most is 1025; 1024 is the most");
    options = {};
    options.pending_most = SLOTQ_CALL_MESSAGES_MAX + 1;
    CHECK(refused_new(mux.raw, options) ==
          "pending_most is " + std::to_string(SLOTQ_CALL_MESSAGES_MAX + 1) + "; " +
              std::to_string(SLOTQ_CALL_MESSAGES_MAX) + " is the most");
    for (uint64_t &one : options.reserved) {
        options = {};
        one = 1;
        CHECK(refused_new(mux.raw, options) == "a reserved field of the options is not 0: "
                                               "initialise the struct with named fields");
    }
    /* The mux is not in use: it may still change. */
    slotq_handler handler = {};
    handler.run = done;
    CHECK(slotq_mux_exact(mux.raw, "a:b", &handler) == SLOTQ_OK);
}

TEST_CASE("refused: a queue of a worker", "[worker]")
{
    slotq_worker_options two = {};
    two.threads = 2;
    Fresh fresh(two);
    Live queue(Kind::memory);
    slotq_worker *worker = fresh.worker;
    CHECK(slotq_worker_error(worker, nullptr) == SLOTQ_OK);
    CHECK(slotq_worker_add_queue(nullptr, queue, "q", nullptr) == SLOTQ_INVALID);
    CHECK(refused_queue(worker, nullptr, "q", nullptr) == "queue and name must not be NULL");
    CHECK(refused_queue(worker, queue, nullptr, nullptr) == "queue and name must not be NULL");
    CHECK(refused_queue(worker, queue, "", nullptr) ==
          "the name of the queue has 0 bytes; 1 to 200 can be");
    CHECK(refused_queue(worker, queue, std::string(201, 'n').c_str(), nullptr) ==
          "the name of the queue has more bytes; 1 to 200 can be");
    slotq_worker_queue options = {};
    options.prefetch_most = SLOTQ_CALL_MESSAGES_MAX + 1;
    CHECK(refused_queue(worker, queue, "q", &options) ==
          "prefetch_most of q is " + std::to_string(SLOTQ_CALL_MESSAGES_MAX + 1) + "; " +
              std::to_string(SLOTQ_CALL_MESSAGES_MAX) + " is the most");
    options = {};
    options.threads_kept = 3;
    CHECK(refused_queue(worker, queue, "q", &options) == "threads_kept of q is 3; 2 is the most");
    options = {};
    options.threads_kept = 2;
    options.threads_most = 1;
    CHECK(refused_queue(worker, queue, "q", &options) ==
          "threads_kept of q is 2, more than its threads_most, 1");
    options = {};
    options.rate_burst = 65536;
    CHECK(refused_queue(worker, queue, "q", &options) ==
          "rate_burst of q is 65536; 65535 is the most");
    options = {};
    options.frame = static_cast<slotq_frame_rule>(3);
    CHECK(refused_queue(worker, queue, "q", &options) == "frame of q is 3; 2 is the most");
    for (uint64_t &one : options.reserved) {
        options = {};
        one = 1;
        CHECK(refused_queue(worker, queue, "q", &options) ==
              "a reserved field of the options of q is not 0: initialise the struct with named "
              "fields");
    }
    options = {};
    options.threads_kept = 2;
    CHECK(slotq_worker_add_queue(worker, queue, "q", &options) == SLOTQ_OK);
    CHECK(refused_queue(worker, queue, "q", nullptr, SLOTQ_EXISTS) ==
          "the worker has a queue with the name q");
    options.threads_kept = 1;
    CHECK(refused_queue(worker, queue, "r", &options) ==
          "threads_kept of r and the queues before it is 3 together; the worker has 2 threads");
    CHECK(slotq_worker_add_queue(worker, queue, std::string(200, 'n').c_str(), nullptr) ==
          SLOTQ_OK);
}

TEST_CASE("refused: a start leaves nothing that runs, and says why", "[worker]")
{
    slotq_worker_options options = {};
    options.threads = 1;
    options.lease_ms = 25; /* three ticks of 10 ms are the least */
    Fresh fresh(options);
    Live queue(Kind::memory);
    slotq_worker *worker = fresh.worker;
    CHECK(slotq_worker_start(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_run(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
    CHECK(text_of(worker, SLOTQ_INVALID) ==
          "the worker has no queue: call slotq_worker_add_queue first");
    slotq_worker_queue kept = {};
    SECTION("a lease")
    {
        REQUIRE(slotq_worker_add_queue(worker, queue, "q", nullptr) == SLOTQ_OK);
        CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
        CHECK(text_of(worker, SLOTQ_INVALID).find("lease_ms is 25 for q; it must be 30") == 0);
    }
    SECTION("a group, of the last queue of three")
    {
        kept.lease_ms = 1000;
        REQUIRE(slotq_worker_add_queue(worker, queue, "a", &kept) == SLOTQ_OK);
        REQUIRE(slotq_worker_add_queue(worker, queue, "b", &kept) == SLOTQ_OK);
        kept.group = 1;
        REQUIRE(slotq_worker_add_queue(worker, queue, "c", &kept) == SLOTQ_OK);
        CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
        CHECK(text_of(worker, SLOTQ_INVALID) == "c has no group 1: it has 1");
    }
    SECTION("no thread for a queue")
    {
        kept.lease_ms = 1000;
        kept.threads_kept = 1;
        REQUIRE(slotq_worker_add_queue(worker, queue, "a", &kept) == SLOTQ_OK);
        REQUIRE(slotq_worker_add_queue(worker, queue, "b", nullptr) == SLOTQ_OK);
        CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
        CHECK(text_of(worker, SLOTQ_INVALID) ==
              "threads_kept of all queues is 1 together, and the worker has 1 threads: none is "
              "left for b");
        return; /* no handle was opened: it may be started again */
    }
    CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
    CHECK(text_of(worker, SLOTQ_INVALID) == "the worker was started before: make a new one");
    CHECK(refused_queue(worker, queue, "d", nullptr) ==
          "the worker was started before: it takes no more queues");
    CHECK(slotq_worker_join(worker, 0, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("refused: what a worker in another state cannot do", "[worker]")
{
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 1;
    work.handle_done("a:b");
    slotq_worker *worker = work.worker();
    CHECK(slotq_worker_join(worker, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_join(nullptr, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_step(worker, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_step(nullptr, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_fd(worker) == -1);
    CHECK(slotq_worker_fd(nullptr) == -1);
    CHECK(slotq_worker_due_ms(nullptr) == SLOTQ_NO_LIMIT);
    CHECK(slotq_worker_metrics(
              worker, [](void *, const char *, size_t) { return true; }, nullptr) == false);
    CHECK(slotq_worker_metrics(nullptr, nullptr, nullptr) == false);
    work.add(queue);
    work.start();
    CHECK(slotq_worker_free(worker) == SLOTQ_INVALID);
    CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
    CHECK(text_of(worker, SLOTQ_INVALID) == "the worker was started before: make a new one");
    CHECK(refused_queue(worker, queue, "r", nullptr) ==
          "the worker was started before: it takes no more queues");
    CHECK(slotq_worker_catch_signals(worker) == SLOTQ_INVALID);
    slotq_error caught;
    CHECK(slotq_worker_error(worker, &caught) == SLOTQ_INVALID);
    CHECK(std::string(caught.text).find("before slotq_worker_start") != std::string::npos);
    CHECK(slotq_worker_catch_signals(nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_step(worker, 1, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_fd(worker) == -1);
    CHECK(slotq_worker_metrics(worker, nullptr, nullptr) == false);
    CHECK(slotq_worker_join(worker, 0, nullptr) == SLOTQ_AGAIN);
    work.stop_and_join();
    slotq_worker_quiet(worker); /* the end is the end */
    slotq_worker_resume(worker);
    slotq_worker_drain(worker);
    slotq_worker_stop(worker);
    slotq_worker_signalled(worker);
    CHECK(work.stats().state == SLOTQ_WORKER_ENDED);
    CHECK(slotq_worker_start(worker) == SLOTQ_INVALID);
    CHECK(slotq_worker_join(worker, 0, nullptr) == SLOTQ_OK);
}

TEST_CASE("refused: calls of loop mode without a loop, and the other way round", "[worker]")
{
    slotq_worker_options options = {};
    options.loop = true;
    options.no_bridge = true;
    Fresh fresh(options);
    Live queue(Kind::memory);
    REQUIRE(slotq_worker_add_queue(fresh.worker, queue, "q", nullptr) == SLOTQ_OK);
    CHECK(slotq_worker_run(fresh.worker) == SLOTQ_INVALID);
    CHECK(text_of(fresh.worker, SLOTQ_INVALID) ==
          "in loop mode the caller calls slotq_worker_step");
    CHECK(slotq_worker_join(fresh.worker, 0, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_worker_fd(fresh.worker) == -1);
    CHECK(slotq_worker_due_ms(fresh.worker) == SLOTQ_NO_LIMIT);
    CHECK(slotq_worker_step(fresh.worker, 1, nullptr) == SLOTQ_INVALID);
}

TEST_CASE("NULL for a worker or a task changes nothing", "[worker]")
{
    CHECK(slotq_worker_free(nullptr) == SLOTQ_OK);
    slotq_mux_free(nullptr);
    slotq_worker_quiet(nullptr);
    slotq_worker_resume(nullptr);
    slotq_worker_drain(nullptr);
    slotq_worker_stop(nullptr);
    slotq_worker_stop_now(nullptr);
    slotq_worker_signalled(nullptr);
    CHECK(slotq_worker_error(nullptr, nullptr) == SLOTQ_INVALID);
    slotq_worker_stats stats;
    memset(&stats, 0xff, sizeof stats);
    slotq_worker_get_stats(nullptr, &stats);
    CHECK(stats.done == 0);
    CHECK(stats.reserved[3] == 0);
    slotq_worker_get_stats(nullptr, nullptr);
    const void *value = nullptr;
    uint32_t bytes = 0;
    CHECK(slotq_task_info_of(nullptr) == nullptr);
    CHECK_FALSE(slotq_task_header(nullptr, "due", &value, &bytes));
    CHECK(slotq_task_told(nullptr) == 0);
    CHECK(slotq_task_left_ms(nullptr) == SLOTQ_NO_LIMIT);
    CHECK(slotq_task_confirm(nullptr) == SLOTQ_INVALID);
    slotq_task_alive(nullptr);
    slotq_task_set_limit(nullptr, 1);
    slotq_task_rest_queue(nullptr, 1);
    CHECK(slotq_task_finish(nullptr, slotq_result_done()) == SLOTQ_INVALID);
    CHECK(slotq_chain_run(nullptr, nullptr).how == SLOTQ_RESULT_RETRY);
}
