/* live.cpp: see live.hpp.
 */
#include "live.hpp"

#include "catch.hpp"
#include "server/redis_server.hpp"

namespace working
{

using any_queue::Geometry;
using any_queue::Kind;

any_queue::Kind each_shared_kind()
{
    return GENERATE(Kind::memory, Kind::file, Kind::redis);
}

Live::Live(Kind kind, const Geometry &geometry, const slotq_options *options)
{
    static int made = 0;
    slotq_error error = {};
    if (kind == Kind::memory) {
        INFO(error.text);
        REQUIRE(slotq_create_memory(geometry, options, &queue_, &error) == SLOTQ_OK);
        return;
    }
    is_shared_server_ = kind == Kind::redis;
    if (is_shared_server_) {
        url_ = redis::shared_server().url();
        name_ = "live" + std::to_string(++made);
    } else {
        folder_ = std::make_shared<any_queue::Folder>();
        url_ = folder_->path();
    }
    open(geometry, options);
}

Live::Live(const std::string &url, const Geometry &geometry) : url_(url)
{
    open(geometry, nullptr);
}

void Live::open(const Geometry &geometry, const slotq_options *options)
{
    slotq_error error = {};
    slotq_outcome outcome = slotq_create(url_.c_str(), name_.c_str(), geometry, options, &error);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_open(url_.c_str(), name_.c_str(), options, &queue_, &error);
    }
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
}

Live::Live(const Live &other) : folder_(other.folder_)
{
    slotq_error error = {};
    const slotq_outcome outcome = slotq_clone(other.queue_, &queue_, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
}

Live::~Live()
{
    slotq_close(queue_);
    if (is_shared_server_) {
        slotq_remove_queue(url_.c_str(), name_.c_str(), nullptr);
    }
}

slotq_stats Live::stats()
{
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(queue_, 0, &stats) == SLOTQ_OK);
    return stats;
}

slotq_status Live::status(uint64_t id)
{
    slotq_status status = {};
    REQUIRE(slotq_get_status(queue_, 0, id, &status) == SLOTQ_OK);
    return status;
}

any_queue::Message Live::take(uint64_t lease_ms)
{
    const any_queue::Batch given = any_queue::batch();
    const slotq_outcome outcome = slotq_reserve(queue_, 0, 1, lease_ms, 0, given.get());
    REQUIRE((outcome == SLOTQ_OK || outcome == SLOTQ_EMPTY));
    const std::vector<any_queue::Message> found = any_queue::messages(given.get());
    return found.empty() ? any_queue::Message{} : found[0];
}

Handle Live::open_at(const std::string &url) const
{
    slotq_error error = {};
    slotq *queue = nullptr;
    const slotq_outcome outcome = slotq_open(url.c_str(), name_.c_str(), nullptr, &queue, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    return Handle(queue);
}

} // namespace working
