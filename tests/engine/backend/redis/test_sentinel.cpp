/* test_sentinel.cpp: a primary that is found by asking real Sentinels: planned failovers, a killed
 * and an isolated primary, Sentinels that are away, and URLs that are wrong.
 */
#include <atomic>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "server/sentinels.hpp"

extern "C" {
#include "slotq_redis_route.h"
}

using namespace riding;
using sentinels::Deployment;
using sentinels::Wishes;

namespace
{

/* A producer that pushes numbers until it is told to end, and what became of each. */
class Producer
{
public:
    Producer(const std::string &url, uint32_t wait_replicas)
        : thread_([this, url, wait_replicas] { run(url, wait_replicas); })
    {
    }
    ~Producer()
    {
        end();
    }
    Producer(const Producer &) = delete;
    Producer &operator=(const Producer &) = delete;

    void end()
    {
        ends_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /* So many more are confirmed. */
    bool goes_on(uint64_t more)
    {
        const uint64_t from = confirmed_count_;
        return comes_true([&] { return confirmed_count_ >= from + more; });
    }
    /* After the end: how many of those that were confirmed are not among those that are there. */
    size_t lost(const std::set<std::string> &there) const
    {
        size_t missing = 0;
        for (const std::string &text : confirmed_) {
            missing += there.count(text) == 0;
        }
        return missing;
    }
    std::string told() const
    {
        return std::to_string(confirmed_.size()) + " confirmed, " + std::to_string(unconfirmed_) +
               " unconfirmed, " + std::to_string(unknown_) + " unknown, " +
               std::to_string(failures_) + " failures " + last_failure_;
    }
    uint64_t failures() const
    {
        return failures_;
    }

private:
    void run(const std::string &url, uint32_t wait_replicas)
    {
        slotq_redis_options more = {};
        more.wait_replicas = wait_replicas;
        more.wait_ms = 100;
        Queue queue(url, 60000, more);
        for (uint64_t i = 0; !ends_; i++) {
            const std::string text = std::to_string(wait_replicas) + " " + std::to_string(i);
            const slotq_outcome outcome = queue.push(text);
            if (outcome == SLOTQ_OK) {
                confirmed_.push_back(text);
                confirmed_count_++;
            }
            unconfirmed_ += outcome == SLOTQ_UNCONFIRMED;
            unknown_ += outcome == SLOTQ_OUTCOME_UNKNOWN;
            if (outcome >= SLOTQ_FAILURES && outcome != SLOTQ_OUTCOME_UNKNOWN) {
                failures_++;
                last_failure_ = queue.error().text;
            }
            sleep_ms(1);
        }
    }

    std::atomic<bool> ends_{false};
    std::atomic<uint64_t> confirmed_count_{0};
    std::vector<std::string> confirmed_;
    uint64_t unconfirmed_ = 0;
    uint64_t unknown_ = 0;
    uint64_t failures_ = 0;
    std::string last_failure_;
    std::thread thread_;
};

void make_large(const std::string &url)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    geometry.ring_slots = 60000;
    slotq_error error = {};
    const slotq_outcome made = slotq_create(url.c_str(), "q", &geometry, nullptr, &error);
    INFO(error.text);
    REQUIRE(made == SLOTQ_OK);
}

/* Servers and Sentinels want passwords. */
Wishes locked()
{
    Wishes wishes;
    wishes.sentinel_password = "of-sentinels";
    wishes.primary_password = "of-the-primary";
    return wishes;
}

/* All that the queue gives. On a busy machine a Sentinel may take the new primary for down, and a
 * lease of before is void then: what it held comes again. */
std::set<std::string> all_of(const std::string &url)
{
    std::set<std::string> there;
    slotq_outcome outcome = SLOTQ_OK;
    const bool is_empty = comes_true([&] {
        Queue queue(url);
        slotq_message message;
        outcome = queue.opened();
        while (outcome < SLOTQ_FAILURES && outcome != SLOTQ_EMPTY) {
            outcome = slotq_reserve(queue.get(), 0, 100, 1000, 0, queue.batch());
            while (outcome == SLOTQ_OK && slotq_batch_next(queue.batch(), &message)) {
                there.emplace(static_cast<const char *>(message.payload), message.payload_bytes);
            }
            (void)slotq_ack_batch(queue.get(), queue.batch());
        }
        return outcome == SLOTQ_EMPTY && slotq_check(queue.get()) == SLOTQ_OK;
    });
    CHECK(is_empty);
    return there;
}

/* Of a producer that waits for all replicas nothing may be lost; of one that does not, it is
 * counted. */
void judge(const char *what, const Deployment &all, Producer &sure, Producer &fast)
{
    sure.end();
    fast.end();
    const std::set<std::string> there = all_of(all.url());
    std::cout << what << ": lost " << sure.lost(there) << " of those that WAIT confirmed ("
              << sure.told() << "), " << fast.lost(there) << " of the others (" << fast.told()
              << ")\n";
    CHECK(sure.lost(there) == 0);
    CHECK(sure.failures() == 0);
    CHECK(fast.failures() == 0);
}

/* Two producers push on while `begin` makes another server the primary. */
void fail_over(const char *what, const std::function<void(Deployment &all)> &begin)
{
    Deployment all(locked());
    make_large(all.url());
    REQUIRE(all.is_everywhere("q"));
    Producer sure(all.url(), 2);
    Producer fast(all.url(), 0);
    REQUIRE(sure.goes_on(20));
    begin(all);
    all.ends_failover(0);
    CHECK(fast.goes_on(20));
    judge(what, all, sure, fast);
}

void planned(Deployment &all)
{
    all.begin_failover();
}

void killed(Deployment &all)
{
    all.server(0).kill();
}

/* It goes on acknowledging, and only the Sentinels know that it should not. */
void isolated(Deployment &all)
{
    all.cut_off(0);
}

bool visit(void *context, const char *name)
{
    static_cast<std::vector<std::string> *>(context)->push_back(name);
    return true;
}

/* Every kind of call that opens a queue finds the primary. */
void opens_everywhere(const std::string &url, uint32_t port, slotq *queue)
{
    slotq *clone = nullptr;
    std::vector<std::string> names;
    slotq_redis_connection *plain = nullptr;
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_clone(queue, &clone, nullptr) == SLOTQ_OK);
    CHECK(slotq_push(clone, &data, 1, nullptr) == SLOTQ_OK);
    slotq_close(clone);
    CHECK(slotq_list(url.c_str(), visit, &names, nullptr) == SLOTQ_OK);
    CHECK(names == std::vector<std::string>{"q"});
    REQUIRE(slotq_redis_connect(url.c_str(), nullptr, &plain, nullptr) == SLOTQ_OK);
    slotq_redis_route route = {};
    CHECK(slotq_redis_route_of(plain, &route) == SLOTQ_OK);
    CHECK(std::string(route.primary) == "main");
    CHECK(route.port == port);
    CHECK(route.sentinels == 3);
    CHECK(route.reached >= 2);
    CHECK(route.quorum == 2);
    CHECK(slotq_redis_route_of(nullptr, &route) == SLOTQ_INVALID);
    slotq_redis_close(plain);
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    CHECK(slotq_create(url.c_str(), "other", &geometry, nullptr, nullptr) == SLOTQ_OK);
    CHECK(slotq_remove_queue(url.c_str(), "other", nullptr) == SLOTQ_OK);
}

} // namespace

TEST_CASE("sentinel: a planned failover loses nothing")
{
    fail_over("planned failover", planned);
}

/* About a minute: make prove ONLY=failover. */
TEST_CASE("sentinel: failovers lose nothing that WAIT confirmed", "[.][failover][long]")
{
    for (int round = 0; round < 5; round++) {
        fail_over("primary killed", killed);
        fail_over("primary isolated", isolated);
        fail_over("planned failover", planned);
    }
}

TEST_CASE("sentinel: an isolated primary is left by those that push, sleep and do nothing")
{
    Deployment all(locked());
    make(all.url());
    REQUIRE(all.is_everywhere("q"));
    Queue idle(all.url());
    std::atomic<bool> woken{false};
    const std::string url = all.url();
    std::thread sleeper([&woken, url] {
        Queue queue(url);
        slotq_outcome outcome = SLOTQ_EMPTY;
        while (outcome != SLOTQ_OK) {
            outcome = slotq_reserve(queue.get(), 0, 1, 60000, 60000, queue.batch());
            sleep_ms(1);
        }
        woken = true;
        slotq_ack_batch(queue.get(), queue.batch());
    });
    all.cut_off(0);
    const int now = all.ends_failover(0);
    CHECK(all.role(0) == "master"); /* still: it was told nothing */
    CHECK(idle.push("wake up") == SLOTQ_OK);
    CHECK(comes_true([&] { return woken.load(); }));
    sleeper.join();
    opens_everywhere(url, all.port(now), idle.get());
}

/* What must succeed has a minute; only what must fail may be hasty. */
TEST_CASE("sentinel: without a majority nothing is written, and reading goes on")
{
    Deployment all;
    const std::string patient = all.url("?connect_timeout_ms=60000");
    const std::string hasty = all.url("?connect_timeout_ms=300");
    make(patient);
    Queue queue(patient);
    REQUIRE(queue.push("one") == SLOTQ_OK);

    all.sentinel(0).kill(); /* the first of the list */
    CHECK(queue.push("two") == SLOTQ_OK);
    CHECK(Queue(patient).opened() == SLOTQ_OK);
    std::unique_ptr<Queue> refused;
    REQUIRE(comes_true([&] {
        refused.reset(new Queue(hasty, 300));
        return refused->opened() == SLOTQ_OK;
    }));

    all.sentinel(1).stop();
    CHECK(comes_true([&] {
        return refused->push("x") == SLOTQ_CONNECT &&
               std::string(refused->error().text).find("1 of 3 Sentinels") != std::string::npos;
    }));
    CHECK(refused->error().passes);
    CHECK(refused->error().cause == SLOTQ_CAUSE_AWAY);
    CHECK(Queue(hasty, 300).opened() == SLOTQ_CONNECT);
    slotq_options reading = {};
    reading.read_only = true;
    slotq *reader = nullptr;
    REQUIRE(comes_true(
        [&] { return slotq_open(hasty.c_str(), "q", &reading, &reader, nullptr) == SLOTQ_OK; }));
    CHECK(comes_true([&] { return slotq_check(reader) == SLOTQ_OK; }));
    slotq_close(reader);

    all.sentinel(1).go_on();
    CHECK(queue.push("three") == SLOTQ_OK);
}

TEST_CASE("sentinel: bad names and logins are told at once, and no password is shown")
{
    Deployment all(locked());
    make(all.url());
    CHECK(Queue(all.url()).push("one") == SLOTQ_OK);
    const std::string hosts = all.hosts();
    const std::string first = "127.0.0.1:" + all.sentinel_port(0);
    struct Wrong {
        std::string url;
        std::string said;
        slotq_cause cause;
    };
    const std::vector<Wrong> wrongs = {
        {"redis+sentinel://:of-the-primary@" + hosts + "/other?sentinel_password=of-sentinels",
         "no primary named other", SLOTQ_CAUSE_QUEUE},
        {"redis+sentinel://:of-the-primary@" + first + "/main", "sentinel_password",
         SLOTQ_CAUSE_RIGHTS},
        {"redis+sentinel://:of-the-primary@" + hosts + "/main?sentinel_password=of-others",
         "sentinel_password", SLOTQ_CAUSE_RIGHTS},
        {"redis+sentinel://:of-others@" + hosts + "/main?sentinel_password=of-sentinels",
         "WRONGPASS", SLOTQ_CAUSE_RIGHTS},
        {"redis+sentinel://" + hosts + "/main?sentinel_password=of-sentinels", "NOAUTH",
         SLOTQ_CAUSE_RIGHTS},
    };
    for (const Wrong &wrong : wrongs) {
        Queue queue(wrong.url, 60000);
        const std::string text = queue.error().text;
        INFO(wrong.url << ": " << text);
        CHECK(queue.opened() == SLOTQ_CONNECT);
        CHECK(text.find(wrong.said) != std::string::npos);
        CHECK(text.find("of-") == std::string::npos);
        CHECK(queue.error().cause == wrong.cause);
        CHECK(!queue.error().passes);
    }
    slotq_error error = {};
    CHECK(slotq_remove_queue(wrongs[0].url.c_str(), "q", &error) == SLOTQ_CONNECT);
    CHECK(Queue(all.url()).push("two") == SLOTQ_OK);
}
