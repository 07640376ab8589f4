/* test_lost_answers.cpp: slotq_producer and slotq_next where Redis does what it was asked and the
 * answer is lost on the way, or too few replicas confirm it: reported as such, and not repeated.
 */
#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "slotq_redis.h"
#include "any_queue.hpp"
#include "../../support/server/redis_server.hpp"

using namespace any_queue;

namespace
{

sockaddr_un address_of(const std::string &path)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

/* Between clients and a server: hands all bytes on, until it is told to swallow the next answer
 * and all behind it, and to hang up instead. What the client says still gets there, however many
 * pieces it comes in, and is done when the next client is let in. */
class Hangup
{
public:
    explicit Hangup(const std::string &server_path)
        : server_path_(server_path), path_(folder_.file("p")),
          listener_(socket(AF_UNIX, SOCK_STREAM, 0))
    {
        const sockaddr_un address = address_of(path_);
        REQUIRE(bind(listener_, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
        REQUIRE(listen(listener_, 8) == 0);
        REQUIRE(pipe(stop_) == 0);
        thread_ = std::thread([this] { hand_on(); });
    }
    ~Hangup()
    {
        close(stop_[1]);
        thread_.join();
        close(stop_[0]);
        close(listener_);
    }
    Hangup(const Hangup &) = delete;
    Hangup &operator=(const Hangup &) = delete;
    std::string url() const
    {
        return "unix://" + path_;
    }
    void at_next_answer()
    {
        swallow = true;
    }

private:
    struct Pair {
        int client;
        int server;
    };

    void accept_one()
    {
        const sockaddr_un address = address_of(server_path_);
        const Pair pair = {accept(listener_, nullptr, nullptr), socket(AF_UNIX, SOCK_STREAM, 0)};
        if (connect(pair.server, reinterpret_cast<const sockaddr *>(&address), sizeof address) !=
            0) {
            hang_up(pair);
            return;
        }
        pairs_.push_back(pair);
    }
    static void hang_up(const Pair &pair)
    {
        close(pair.client);
        close(pair.server);
    }
    /* The client hears that there will be no more, and ends; then the server does. */
    static void let_end(const Pair &pair)
    {
        char bytes[65536];
        shutdown(pair.client, SHUT_WR);
        while (copy(pair.client, pair.server)) {
            continue;
        }
        shutdown(pair.server, SHUT_WR);
        while (read(pair.server, bytes, sizeof bytes) > 0) {
            continue;
        }
    }
    /* false: this pair is done. */
    bool answer(const Pair &pair)
    {
        if (!swallow.exchange(false)) {
            return copy(pair.server, pair.client);
        }
        let_end(pair);
        return false;
    }
    static bool copy(int from, int to)
    {
        char bytes[65536];
        const ssize_t got = read(from, bytes, sizeof bytes);
        if (got <= 0) {
            return false;
        }
        for (ssize_t done = 0; done < got;) {
            const ssize_t put =
                send(to, bytes + done, static_cast<size_t>(got - done), MSG_NOSIGNAL);
            if (put <= 0) {
                return false;
            }
            done += put;
        }
        return true;
    }
    void hand_on()
    {
        for (;;) {
            std::vector<pollfd> watched = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
            for (const Pair &pair : pairs_) {
                watched.push_back({pair.client, POLLIN, 0});
                watched.push_back({pair.server, POLLIN, 0});
            }
            if (poll(watched.data(), watched.size(), -1) < 0 || watched[0].revents != 0) {
                break;
            }
            std::vector<Pair> left;
            for (size_t i = 0; i < pairs_.size(); i++) {
                const Pair pair = pairs_[i];
                const bool asks = watched[2 + 2 * i].revents != 0;
                const bool answers = watched[3 + 2 * i].revents != 0;
                if ((!asks || copy(pair.client, pair.server)) && (!answers || answer(pair))) {
                    left.push_back(pair);
                } else {
                    hang_up(pair);
                }
            }
            pairs_ = left;
            if (watched[1].revents != 0) {
                accept_one();
            }
        }
        for (const Pair &pair : pairs_) {
            hang_up(pair);
        }
    }

    std::atomic<bool> swallow{false};
    Folder folder_;
    std::string server_path_;
    std::string path_;
    int listener_;
    int stop_[2] = {-1, -1};
    std::vector<Pair> pairs_;
    std::thread thread_;
};

struct Close {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, Close>;

Handle make_and_open(const std::string &url, const char *name,
                     const slotq_redis_options *redis = nullptr)
{
    slotq_error error = {};
    slotq *queue = nullptr;
    slotq_options options = {};
    options.redis = redis;
    const Geometry geometry(9, 16);
    if (slotq_create(url.c_str(), name, geometry, &options, &error) != SLOTQ_OK ||
        slotq_open(url.c_str(), name, &options, &queue, &error) != SLOTQ_OK) {
        FAIL(error.text);
    }
    return Handle(queue);
}

struct Told {
    uint64_t tag;
    slotq_outcome outcome;
    uint64_t id;
};

void tell(void *context, uint64_t tag, slotq_outcome outcome, uint64_t id)
{
    static_cast<std::vector<Told> *>(context)->push_back({tag, outcome, id});
}

slotq_producer *producer_of(slotq *queue, std::vector<Told> *told)
{
    slotq_producer_options options = {};
    slotq_producer *producer = nullptr;
    options.max_messages = 2;
    options.max_delay_ms = UINT64_MAX;
    options.on_pushed = tell;
    options.context = told;
    REQUIRE(slotq_producer_new(queue, &options, &producer) == SLOTQ_OK);
    return producer;
}

slotq_stats stats_of(slotq *queue)
{
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
    return stats;
}

} // namespace

TEST_CASE("a producer never repeats a push whose answer was lost", "[producer][redis]")
{
    redis::Server server;
    Hangup hangup(server.socket_path());
    const Handle queue = make_and_open(hangup.url(), "q");
    std::vector<Told> told;
    slotq_producer *producer = producer_of(queue.get(), &told);
    REQUIRE(slotq_producer_push(producer, "1", 1, 1) == SLOTQ_OK);
    REQUIRE(slotq_producer_push(producer, "2", 1, 2) == SLOTQ_OK);
    hangup.at_next_answer();
    CHECK(slotq_producer_push(producer, "3", 1, 3) == SLOTQ_OK);
    CHECK(slotq_producer_push(producer, "4", 1, 4) == SLOTQ_OK); /* taken: told by on_pushed */
    CHECK(slotq_producer_push(producer, "5", 1, 5) == SLOTQ_OK);
    CHECK(slotq_producer_flush(producer) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(std::string(slotq_error_of(queue.get())->text).find("2 messages") != std::string::npos);
    CHECK(slotq_producer_count(producer) == 0);
    CHECK(slotq_producer_flush(producer) == SLOTQ_OK); /* once is enough */
    REQUIRE(told.size() == 5);
    for (uint64_t i = 0; i < 5; i++) {
        const bool lost = i == 2 || i == 3;
        CHECK(told[i].tag == i + 1);
        CHECK(told[i].outcome == (lost ? SLOTQ_OUTCOME_UNKNOWN : SLOTQ_OK));
        CHECK(told[i].id == (lost ? 0 : i + 1));
    }
    CHECK(stats_of(queue.get()).used == 5); /* they were pushed, once */
    CHECK(slotq_producer_close(producer) == SLOTQ_OK);
}

TEST_CASE("next keeps ids and tokens of acks whose answer was lost", "[next][redis]")
{
    const bool idle = GENERATE(false, true);
    redis::Server server;
    Hangup hangup(server.socket_path());
    const Handle queue = make_and_open(hangup.url(), "q");
    const Batch given = batch();
    slotq_settled settled;
    for (int i = 0; i < 6; i++) {
        const slotq_data data = {"x", 1};
        REQUIRE(slotq_push(queue.get(), &data, 1, nullptr) == SLOTQ_OK);
    }
    const auto next = [&] {
        return slotq_next(queue.get(), 0, 2, 600000, 0, given.get(), &settled);
    };
    REQUIRE(next() == SLOTQ_OK);
    REQUIRE(next() == SLOTQ_OK); /* both scripts are loaded */
    /* a producer that was idle for a second sends them again, so much that it goes in pieces */
    std::this_thread::sleep_for(std::chrono::milliseconds(idle ? 1200 : 0));
    hangup.at_next_answer();
    CHECK(next() == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(settled.outcome == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(settled.ok_count == 0);
    CHECK(slotq_batch_count(given.get()) == 2);
    CHECK(messages(given.get()).empty());
    CHECK(stats_of(queue.get()).acked == 4); /* both halves happened */
    CHECK(stats_of(queue.get()).leased == 2);
    CHECK(next() == SLOTQ_EMPTY);
    CHECK(settled.outcome == SLOTQ_GONE);
    CHECK(settled.refused_count == 2);
    CHECK(settled.refused_id == 3);
    CHECK(slotq_batch_count(given.get()) == 0);
}

TEST_CASE("a producer tells what too few replicas confirmed", "[producer][redis]")
{
    redis::Server server; /* it has no replica */
    slotq_redis_options options = {};
    options.wait_replicas = 1;
    options.wait_ms = 1;
    const Handle queue = make_and_open(server.url(), "q", &options);
    std::vector<Told> told;
    slotq_producer *producer = producer_of(queue.get(), &told);
    REQUIRE(slotq_producer_push(producer, "1", 1, 7) == SLOTQ_OK);
    CHECK(slotq_producer_flush(producer) == SLOTQ_UNCONFIRMED);
    CHECK(slotq_producer_flush(producer) == SLOTQ_OK);
    REQUIRE(told.size() == 1);
    CHECK(told[0].outcome == SLOTQ_UNCONFIRMED);
    CHECK(told[0].id == 1);
    REQUIRE(slotq_producer_push(producer, "2", 1, 8) == SLOTQ_OK);
    CHECK(slotq_producer_close(producer) == SLOTQ_UNCONFIRMED);
    CHECK(stats_of(queue.get()).used == 2);
}

TEST_CASE("a server that forgot its scripts is told them again by both", "[producer][next][redis]")
{
    redis::Server server;
    const Handle queue = make_and_open(server.url(), "q");
    const Batch given = batch();
    slotq_settled settled;
    std::vector<Told> told;
    slotq_producer *producer = producer_of(queue.get(), &told);
    const auto forget = [&] { CHECK(server.command({"SCRIPT", "FLUSH"}).is_status("OK")); };
    for (uint64_t round = 1; round <= 4; round++) {
        forget();
        REQUIRE(slotq_producer_push(producer, "a", 1, round) == SLOTQ_OK);
        CHECK(slotq_producer_flush(producer) == SLOTQ_OK);
        forget();
        CHECK(slotq_next(queue.get(), 0, 2, 600000, 0, given.get(), &settled) == SLOTQ_OK);
        CHECK(settled.outcome == SLOTQ_OK);
        CHECK(settled.ok_count == (round > 1 ? 1 : 0));
        CHECK(slotq_batch_count(given.get()) == 1);
        CHECK(told.back().id == round);
    }
    CHECK(slotq_producer_close(producer) == SLOTQ_OK);
    CHECK(stats_of(queue.get()).acked == 3);
}
