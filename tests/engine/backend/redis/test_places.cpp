/* test_places.cpp: the library at the places of a queue: one waiting handle is woken for a message,
 * and none sleeps over one, whatever happens to its subscription. No handle polls here: a wake-up
 * that is lost is a test that hangs until the end of its wait.
 */
#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "../../../../engine/slotq_redis.h"
#include "../../../support/catch.hpp"
#include "../../../support/server/proxy.hpp"
#include "../../../support/server/redis_server.hpp"

namespace
{

constexpr uint64_t long_ms = 120000;

slotq *opened(const redis::Server &server, uint32_t poll_ms = 100000000)
{
    slotq_options options = {};
    options.poll_ms = poll_ms;
    slotq *queue = nullptr;
    slotq_error error = {};
    if (slotq_open(server.url().c_str(), "jobs", &options, &queue, &error) != SLOTQ_OK) {
        throw std::runtime_error(error.text);
    }
    return queue;
}

/* A server with a queue of 8 places, looked at from outside. */
class Place
{
public:
    explicit Place(uint8_t places = 8, uint16_t ring_slots = 101, uint8_t aside_slots = 64)
    {
        slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
        slotq_error error = {};
        geometry.places = places;
        geometry.ring_slots = ring_slots;
        geometry.aside_slots = aside_slots;
        if (slotq_create(server.url().c_str(), "jobs", &geometry, nullptr, &error) != SLOTQ_OK) {
            throw std::runtime_error(error.text);
        }
        row_bytes_ = 2 + 2 * places;
    }
    /* The wants that are set, of group 0 or of room, as "PLACE=WANTS …". */
    std::string row(bool room = false)
    {
        const std::string from = std::to_string(-(room ? 1 : 2) * row_bytes_ + 2);
        const std::string to = std::to_string(-(room ? 0 : 1) * row_bytes_ - 1);
        const std::string bytes = server.command({"GETRANGE", "jobs", from, to}).text;
        std::string text;
        for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
            const int wants =
                static_cast<uint8_t>(bytes[at]) + 256 * static_cast<uint8_t>(bytes[at + 1]);
            if (wants != 0) {
                text += (text.empty() ? "" : " ") + std::to_string(at / 2) + "=" +
                        std::to_string(wants);
            }
        }
        return text;
    }
    /* Until so many wait. */
    void sleepers(size_t count, bool room = false)
    {
        for (;;) {
            const std::string set = row(room);
            size_t found = 0;
            for (const char letter : set) {
                found += letter == '=' ? 1 : 0;
            }
            if (found == count) {
                return;
            }
            std::this_thread::yield();
        }
    }
    std::vector<std::string> channels()
    {
        std::vector<std::string> names;
        for (const redis::Reply &name : server.command({"PUBSUB", "CHANNELS"}).items) {
            names.push_back(name.text);
        }
        return names;
    }
    uint64_t script_calls()
    {
        const std::string stats = server.command({"INFO", "commandstats"}).text;
        const size_t at = stats.find("cmdstat_evalsha:calls=");
        return at == std::string::npos ? 0 : std::stoull(stats.substr(at + 22));
    }

    redis::Server server;

private:
    int row_bytes_;
};

/* Waits in a separate thread for one message. */
class Waiter
{
public:
    explicit Waiter(const redis::Server &server, uint64_t wait_ms = long_ms)
        : queue_(opened(server)), batch_(slotq_batch_new()), thread_([this, wait_ms] {
              outcome_ = slotq_reserve(queue_, 0, 1, 60000, wait_ms, batch_);
              over_ = true;
          })
    {
    }
    ~Waiter()
    {
        join();
        slotq_batch_free(batch_);
        slotq_close(queue_);
    }
    bool over() const
    {
        return over_;
    }
    slotq_outcome join()
    {
        if (thread_.joinable()) {
            thread_.join();
        }
        return outcome_;
    }

private:
    slotq *queue_;
    slotq_batch *batch_;
    std::atomic<slotq_outcome> outcome_{SLOTQ_EMPTY};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

void push(slotq *queue, uint32_t count = 1)
{
    const std::vector<slotq_data> messages(count, slotq_data{"x", 1});
    REQUIRE(slotq_push(queue, messages.data(), count, nullptr) == SLOTQ_OK);
}

} // namespace

TEST_CASE("places: each message wakes one of the waiters", "[places]")
{
    Place place;
    std::vector<std::unique_ptr<Waiter>> waiters;
    slotq *producer = opened(place.server);
    push(producer); /* so that its script is known */
    for (uint32_t i = 0; i < 6; i++) {
        waiters.push_back(std::make_unique<Waiter>(place.server));
        place.sleepers(i); /* the first takes what is there */
    }
    place.sleepers(5);
    CHECK(place.channels().size() == 5); /* each chose another place; the first needed none */
    const uint64_t before = place.script_calls();
    push(producer);
    place.sleepers(4);
    CHECK(place.script_calls() <= before + 2); /* the push, and one reserve */
    push(producer, 4);
    for (auto &waiter : waiters) {
        CHECK(waiter->join() == SLOTQ_OK);
    }
    CHECK(place.row().empty());
    slotq_close(producer);
}

TEST_CASE("places: more clients than places share them, and none is left behind", "[places]")
{
    Place place(2);
    std::vector<std::unique_ptr<Waiter>> waiters;
    slotq *producer = opened(place.server);
    for (uint32_t i = 0; i < 5; i++) {
        waiters.push_back(std::make_unique<Waiter>(place.server));
    }
    for (uint32_t i = 0; i < 5; i++) {
        push(producer);
    }
    for (auto &waiter : waiters) {
        CHECK(waiter->join() == SLOTQ_OK);
    }
    slotq_close(producer);
}

TEST_CASE("places: a wait that ends leaves no mark", "[places]")
{
    Place place;
    {
        Waiter waiter(place.server, 50);
        CHECK(waiter.join() == SLOTQ_EMPTY);
        CHECK(place.row().empty());
    }
    slotq *queue = opened(place.server);
    slotq_batch *batch = slotq_batch_new();
    int fd = -1;
    REQUIRE(slotq_redis_listen(queue, &fd) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue, 0, 3, 60000, 0, batch) == SLOTQ_EMPTY);
    const bool closes = GENERATE(true, false);
    REQUIRE(slotq_reserve(queue, 0, 3, 60000, 1, batch) == SLOTQ_EMPTY);
    CHECK(place.row().substr(1) == "=3");
    if (closes) {
        slotq_close(queue);
    } else {
        CHECK(slotq_redis_unlisten(queue) == SLOTQ_OK);
    }
    CHECK(place.row().empty());
    if (!closes) {
        slotq_close(queue);
    }
    slotq_batch_free(batch);
}

TEST_CASE("places: a broken subscription comes back at its place", "[places]")
{
    Place place;
    Waiter waiter(place.server);
    place.sleepers(1);
    const std::vector<std::string> before = place.channels();
    place.server.command({"CLIENT", "KILL", "TYPE", "pubsub"});
    while (place.channels() != before) {
        std::this_thread::yield();
    }
    slotq *producer = opened(place.server);
    push(producer);
    CHECK(waiter.join() == SLOTQ_OK);
    slotq_close(producer);
}

TEST_CASE("places: a subscription may break anywhere, and is tried again", "[places]")
{
    Place place;
    Proxy proxy(place.server.socket_path());
    slotq_redis_options redis = {};
    slotq_options options = {};
    slotq_batch *batch = slotq_batch_new();
    const slotq_data message = {"hello", 5};
    bool was_cut = true;
    options.redis = &redis;
    /* From the first reserve's reply on, in steps that meet each reply of the subscription. */
    for (long bytes = 200; was_cut; bytes += 5) {
        slotq *queue = nullptr;
        REQUIRE(slotq_open(proxy.url().c_str(), "jobs", &options, &queue, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_reserve(queue, 0, 1, 60000, 0, batch) == SLOTQ_EMPTY);
        proxy.cut_after(bytes);
        const slotq_outcome waited = slotq_reserve(queue, 0, 1, 60000, 1, batch);
        was_cut = proxy.disarm();
        INFO(bytes);
        REQUIRE((waited == SLOTQ_EMPTY || waited == SLOTQ_OUTCOME_UNKNOWN));
        REQUIRE(slotq_push(queue, &message, 1, nullptr) == SLOTQ_OK);
        REQUIRE(slotq_reserve(queue, 0, 1, 60000, 0, batch) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(queue, batch) == SLOTQ_OK);
        slotq_close(queue);
    }
    slotq_batch_free(batch);
}

TEST_CASE("places: woken twice in vain, a client takes another place", "[places]")
{
    Place place;
    Waiter waiter(place.server);
    place.sleepers(1);
    const std::vector<std::string> before = place.channels();
    REQUIRE(before.size() == 1);
    while (place.channels() == before) {
        place.server.command({"PUBLISH", before[0], "wake"});
    }
    while (place.row().empty() || place.channels().size() != 1 ||
           place.channels()[0].substr(6, 1) != place.row().substr(0, 1) ||
           place.row().find(' ') != std::string::npos) {
        std::this_thread::yield(); /* the old one is given up, the new one is set */
    }
    slotq *producer = opened(place.server);
    push(producer);
    CHECK(waiter.join() == SLOTQ_OK);
    slotq_close(producer);
}

TEST_CASE("places: a poll that finds its place cleared subscribes anew", "[places]")
{
    Place place;
    slotq *queue = opened(place.server, 20);
    slotq_batch *batch = slotq_batch_new();
    std::thread thread([&] { slotq_reserve(queue, 0, 1, 60000, long_ms, batch); });
    place.sleepers(1);
    const std::string number = place.row().substr(0, 1);
    const auto clients = [&] {
        const std::string list = place.server.command({"CLIENT", "LIST", "TYPE", "pubsub"}).text;
        const size_t at = list.find("id=");
        return at == std::string::npos ? "" : list.substr(at, list.find(' ', at) - at);
    };
    const std::string first = clients();
    while (clients() == first || clients().empty()) { /* as if a ring had not arrived */
        const int at = -2 * 18 + 2 + 2 * std::stoi(number);
        const int size = static_cast<int>(place.server.command({"STRLEN", "jobs"}).integer);
        place.server.command({"SETRANGE", "jobs", std::to_string(size + at), std::string(2, '\0')});
    }
    place.sleepers(1);
    CHECK(place.row().substr(0, 1) == number);
    slotq *producer = opened(place.server);
    push(producer);
    thread.join();
    slotq_batch_free(batch);
    slotq_close(queue);
    slotq_close(producer);
}

TEST_CASE("places: polls of a producer keep its subscription", "[places]")
{
    Place place(8, 3);
    slotq *full = opened(place.server);
    push(full, 2);
    slotq *queue = opened(place.server, 1);
    const slotq_data message = {"y", 1};
    std::thread thread([&] { slotq_push_wait(queue, &message, 1, long_ms, nullptr); });
    place.sleepers(1, true);
    const auto subscriptions = [&] {
        const std::string stats = place.server.command({"INFO", "commandstats"}).text;
        const size_t at = stats.find("cmdstat_subscribe:calls=");
        return std::stoull(stats.substr(at + 24));
    };
    const uint64_t before = place.script_calls();
    while (place.script_calls() < before + 10) {
        std::this_thread::yield();
    }
    CHECK(subscriptions() == 1);
    CHECK(slotq_purge(full) == SLOTQ_OK);
    thread.join();
    slotq_close(queue);
    slotq_close(full);
}

TEST_CASE("places: a child of a fork waits at another place", "[places]")
{
    Place place;
    slotq *queue = opened(place.server);
    slotq_batch *batch = slotq_batch_new();
    CHECK(slotq_reserve(queue, 0, 1, 60000, 20, batch) == SLOTQ_EMPTY);
    CHECK(place.channels().size() == 1);
    const pid_t child = fork();
    if (child == 0) {
        slotq_batch *mine = slotq_batch_new();
        _exit(slotq_reserve(queue, 0, 1, 60000, long_ms, mine) == SLOTQ_OK ? 0 : 1);
    }
    place.sleepers(1);
    CHECK(place.channels().size() == 2);
    slotq *producer = opened(place.server);
    push(producer);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    slotq_batch_free(batch);
    slotq_close(queue);
    slotq_close(producer);
}

TEST_CASE("places: producers wait for room at places, and share them", "[places]")
{
    const uint8_t places = static_cast<uint8_t>(GENERATE(8, 2));
    const uint8_t aside = static_cast<uint8_t>(GENERATE(64, 0));
    Place place(places, 3, aside);
    slotq *queue = opened(place.server);
    slotq_batch *batch = slotq_batch_new();
    push(queue, 2);
    std::atomic<uint32_t> pushed{0};
    std::vector<std::thread> producers;
    for (uint32_t i = 0; i < 3; i++) {
        producers.emplace_back([&] {
            slotq *mine = opened(place.server);
            const slotq_data message = {"y", 1};
            pushed += slotq_push_wait(mine, &message, 1, long_ms, nullptr) == SLOTQ_OK ? 1 : 0;
            slotq_close(mine);
        });
        /* one after another: two that choose at once may choose the same place */
        place.sleepers(i < places ? i + 1 : places, true);
    }
    for (uint32_t i = 0; i < 5; i++) {
        REQUIRE(slotq_reserve(queue, 0, 1, 60000, long_ms, batch) == SLOTQ_OK);
        REQUIRE(slotq_ack_batch(queue, batch) == SLOTQ_OK);
    }
    for (std::thread &producer : producers) {
        producer.join();
    }
    CHECK(pushed == 3);
    CHECK(place.row(true).empty());
    slotq_batch_free(batch);
    slotq_close(queue);
}
