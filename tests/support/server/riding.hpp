/* riding.hpp: a queue in a server that does not always take commands, for the tests of what a call
 * outlasts. Knows the public calls and a private server.
 */
#ifndef TESTS_SUPPORT_RIDING_HPP
#define TESTS_SUPPORT_RIDING_HPP

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "catch.hpp"
#include "redis_server.hpp"

extern "C" {
#include "slotq_redis.h"
}

namespace riding
{

using redis::Server;
using Clock = std::chrono::steady_clock;

inline long since_ms(Clock::time_point begun)
{
    return static_cast<long>(
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count());
}

inline void sleep_ms(long ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

inline bool comes_true(const std::function<bool()> &holds)
{
    for (int i = 0; i < 6000; i++) {
        if (holds()) {
            return true;
        }
        sleep_ms(10);
    }
    return false;
}

inline std::string info(Server &server, const std::string &field)
{
    const std::string text = server.command({"INFO"}).text;
    const size_t at = text.find("\n" + field + ":");
    return at == std::string::npos
               ? ""
               : text.substr(at + field.size() + 2, text.find('\r', at) - at - field.size() - 2);
}

/* Its folder is not there any more, and its newest save failed: it takes no writes.
 * It must have been started with --enable-protected-configs yes. */
inline void fail_to_save(Server &server)
{
    server.command({"CONFIG", "SET", "save", "3600 1000000"});
    const std::string folder = server.command({"CONFIG", "GET", "dir"}).items.at(1).text;
    const std::string gone = folder + "/gone";
    REQUIRE(mkdir(gone.c_str(), 0700) == 0);
    REQUIRE(server.command({"CONFIG", "SET", "dir", gone}).is_status("OK"));
    REQUIRE(rmdir(gone.c_str()) == 0);
    server.command({"BGSAVE"});
    REQUIRE(comes_true([&] { return server.command({"SET", "x", "y"}).word() == "MISCONF"; }));
}

/* A handle that waits a minute for what passes. */
class Queue
{
public:
    explicit Queue(const std::string &url, uint32_t reconnect_ms = 60000,
                   const slotq_redis_options &more = slotq_redis_options())
        : redis_(more)
    {
        redis_.reconnect_ms = reconnect_ms;
        options_.redis = &redis_;
        slotq_error error = {};
        opened_ = slotq_open(url.c_str(), "q", &options_, &queue_, &error);
        error_ = error;
    }
    ~Queue()
    {
        slotq_batch_free(batch_);
        slotq_close(queue_);
    }
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;

    slotq *get() const
    {
        return queue_;
    }
    slotq_outcome opened() const
    {
        return opened_;
    }
    const slotq_error &error()
    {
        return queue_ != nullptr ? *slotq_error_of(queue_) : error_;
    }
    slotq_batch *batch() const
    {
        return batch_;
    }
    slotq_outcome push(const std::string &text)
    {
        const slotq_data data = {text.data(), static_cast<uint32_t>(text.size())};
        return slotq_push(queue_, &data, 1, nullptr);
    }
    slotq_outcome reserve(std::string *text, slotq_message *message)
    {
        const slotq_outcome outcome = slotq_reserve(queue_, 0, 1, 30000, 0, batch_);
        if (outcome == SLOTQ_OK && slotq_batch_next(batch_, message)) {
            text->assign(static_cast<const char *>(message->payload), message->payload_bytes);
        }
        return outcome;
    }

private:
    slotq_options options_ = {};
    slotq_redis_options redis_;
    slotq *queue_ = nullptr;
    slotq_batch *batch_ = slotq_batch_new();
    slotq_outcome opened_;
    slotq_error error_ = {};
};

inline void make(const std::string &url)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq_error error = {};
    const slotq_outcome made = slotq_create(url.c_str(), "q", &geometry, nullptr, &error);
    INFO(error.text);
    REQUIRE(made == SLOTQ_OK);
}

inline std::string url_of(const Server &server)
{
    return "unix://" + server.socket_path();
}

/* The payloads that a queue gives, in order. */
inline std::vector<std::string> drained(slotq *queue)
{
    std::vector<std::string> texts;
    slotq_batch *batch = slotq_batch_new();
    slotq_message message;
    while (slotq_reserve(queue, 0, 100, 30000, 0, batch) == SLOTQ_OK) {
        while (slotq_batch_next(batch, &message)) {
            texts.emplace_back(static_cast<const char *>(message.payload), message.payload_bytes);
        }
        const slotq_outcome acked = slotq_ack_batch(queue, batch);
        INFO(slotq_error_of(queue)->text);
        REQUIRE(acked == SLOTQ_OK);
    }
    slotq_batch_free(batch);
    return texts;
}

} // namespace riding
#endif
