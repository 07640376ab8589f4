/* working.cpp: see working.hpp.
 */
#include "working.hpp"

#include <chrono>
#include <thread>

#include "catch.hpp"

namespace working
{

using namespace any_queue;

Geometry real_geometry(uint16_t ring_slots, uint16_t payload_bytes)
{
    Geometry made(ring_slots, payload_bytes);
    made.tick(10).attempts(25).dead(100);
    made.raw.flags |= SLOTQ_FLAG_STAMPS;
    made.raw.aside_slots = 64;
    return made;
}

namespace
{

slotq_result run_function(void *context, slotq_task *task)
{
    return (*static_cast<Handler *>(context))(task);
}

void run_many_function(void *context, slotq_task **tasks, uint32_t count, slotq_result *results)
{
    (*static_cast<ManyHandler *>(context))(tasks, count, results);
}

std::string text_of(const char *text)
{
    return text != nullptr ? text : "";
}

} // namespace

Working::Working()
{
    REQUIRE(slotq_mux_new(&mux_) == SLOTQ_OK);
    options.lease_ms = 2000;
    options.stop_ms = 5000;
}

Working::~Working()
{
    if (worker_ != nullptr) {
        slotq_worker_stop_now(worker_);
        while (options.loop && slotq_worker_step(worker_, 0, nullptr) == SLOTQ_EMPTY) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        while (slotq_worker_join(worker_, UINT64_MAX, nullptr) == SLOTQ_LEASED) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1)); /* handlers on their way */
        }
        slotq_worker_free(worker_);
    }
    slotq_mux_free(mux_);
}

void Working::on_event(void *context, const slotq_event *event)
{
    auto *self = static_cast<Working *>(context);
    Told told = {};
    told.kind = event->kind;
    if (event->task != nullptr) {
        told.id = event->task->id;
        told.type = text_of(event->task->type);
    }
    told.queue = text_of(event->queue);
    told.cron = text_of(event->cron);
    told.text = text_of(event->text);
    told.result = event->result;
    told.outcome = event->outcome;
    told.delay_ms = event->delay_ms;
    if (self->on_told) {
        self->on_told(event->kind);
    }
    const std::lock_guard<std::mutex> guard(self->lock_);
    self->told_.push_back(told);
}

void Working::handle(const std::string &type, Handler run, slotq_handler how)
{
    handlers_.push_back(std::move(run));
    how.run = run_function;
    how.context = &handlers_.back();
    REQUIRE(slotq_mux_exact(mux_, type.c_str(), &how) == SLOTQ_OK);
}

void Working::handle_done(const std::string &type)
{
    handle(type, [](slotq_task *) { return slotq_result_done(); });
}

void Working::handle_prefix(const std::string &prefix, Handler run, slotq_handler how)
{
    handlers_.push_back(std::move(run));
    how.run = run_function;
    how.context = &handlers_.back();
    REQUIRE(slotq_mux_prefix(mux_, prefix.c_str(), &how) == SLOTQ_OK);
}

void Working::handle_plain(Handler run, slotq_handler how)
{
    handlers_.push_back(std::move(run));
    how.run = run_function;
    how.context = &handlers_.back();
    REQUIRE(slotq_mux_plain(mux_, &how) == SLOTQ_OK);
}

void Working::handle_many(const std::string &type, ManyHandler run, slotq_handler how)
{
    many_.push_back(std::move(run));
    how.run_many = run_many_function;
    how.context = &many_.back();
    REQUIRE(slotq_mux_exact(mux_, type.c_str(), &how) == SLOTQ_OK);
}

slotq_worker *Working::worker()
{
    if (worker_ == nullptr) {
        slotq_error error;
        options.on_event = on_event;
        options.event_context = this;
        const slotq_outcome outcome = slotq_worker_new(mux_, &options, &worker_, &error);
        INFO((outcome == SLOTQ_OK ? "" : error.text));
        REQUIRE(outcome == SLOTQ_OK);
    }
    return worker_;
}

void Working::add(slotq *queue, const std::string &name, slotq_worker_queue how)
{
    REQUIRE(slotq_worker_add_queue(worker(), queue, name.c_str(), &how) == SLOTQ_OK);
}

void Working::start()
{
    slotq_error error;
    const slotq_outcome outcome = slotq_worker_start(worker());
    slotq_worker_error(worker_, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
}

void Working::stop_and_join()
{
    slotq_worker_stop(worker());
    REQUIRE(slotq_worker_join(worker_, UINT64_MAX, nullptr) == SLOTQ_OK);
}

slotq_worker_stats Working::stats()
{
    slotq_worker_stats stats;
    slotq_worker_get_stats(worker(), &stats);
    return stats;
}

std::vector<Told> Working::told()
{
    const std::lock_guard<std::mutex> guard(lock_);
    return told_;
}

size_t Working::count(slotq_event_kind kind)
{
    size_t count = 0;
    for (const Told &one : told()) {
        count += one.kind == kind ? 1 : 0;
    }
    return count;
}

bool eventually(const std::function<bool()> &is_so, int seconds)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

uint64_t push_task(slotq *queue, const std::string &type, const std::string &body)
{
    slotq_task_spec task = {};
    uint64_t id = 0;
    task.type = type.c_str();
    task.body = body.data();
    task.body_bytes = static_cast<uint32_t>(body.size());
    const slotq_outcome outcome = slotq_task_push(queue, &task, &id);
    INFO((outcome == SLOTQ_OK ? "" : slotq_error_of(queue)->text));
    REQUIRE(outcome == SLOTQ_OK);
    return id;
}

} // namespace working
