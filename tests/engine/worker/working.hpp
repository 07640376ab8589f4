/* working.hpp: a worker for tests: a queue of any kind by the real clock, handlers as functions,
 * and what the worker told.
 */
#ifndef TESTS_ENGINE_WORKER_WORKING_HPP
#define TESTS_ENGINE_WORKER_WORKING_HPP

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../../../engine/slotq_worker.h"
#include "any_queue.hpp"

namespace working
{

/* What was told, copied. */
struct Told {
    slotq_event_kind kind;
    uint64_t id;
    std::string type, queue, cron, text;
    slotq_result result;
    slotq_outcome outcome;
    uint64_t delay_ms;
};

using Handler = std::function<slotq_result(slotq_task *)>;
using ManyHandler = std::function<void(slotq_task **, uint32_t, slotq_result *)>;

/* A queue by the clock of the machine: 100 messages of 64 bytes with stamps, tick 10 ms. */
any_queue::Geometry real_geometry(uint16_t ring_slots = 101, uint16_t payload_bytes = 64);

class Working
{
public:
    Working();
    ~Working(); /* stops now, joins and frees; handlers must return */
    Working(const Working &) = delete;
    Working &operator=(const Working &) = delete;

    slotq_worker_options options = {};
    std::function<void(slotq_event_kind)> on_told; /* in the thread where it happened */

    void handle(const std::string &type, Handler run, slotq_handler how = {});
    void handle_done(const std::string &type); /* by a handler that does nothing */
    void handle_prefix(const std::string &prefix, Handler run, slotq_handler how = {});
    void handle_plain(Handler run, slotq_handler how = {});
    void handle_many(const std::string &type, ManyHandler run, slotq_handler how = {});

    /* The worker, made of the options at the first call. */
    slotq_worker *worker();
    void add(slotq *queue, const std::string &name = "q", slotq_worker_queue how = {});
    void start();
    void stop_and_join();

    slotq_worker_stats stats();
    std::vector<Told> told();
    size_t count(slotq_event_kind kind);
    slotq_mux *mux()
    {
        return mux_;
    }

private:
    slotq_mux *mux_ = nullptr;
    slotq_worker *worker_ = nullptr;
    std::list<Handler> handlers_;
    std::list<ManyHandler> many_;
    std::mutex lock_;
    std::vector<Told> told_;
    static void on_event(void *context, const slotq_event *event);
};

/* Wait until it is so, at most so many seconds: false. For what must happen, whatever it takes. */
bool eventually(const std::function<bool()> &is_so, int seconds = 10);

/* Push a task of a type with a body; its id. */
uint64_t push_task(slotq *queue, const std::string &type, const std::string &body = "");

} // namespace working
#endif
