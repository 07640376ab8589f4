/* cluster_traffic.hpp: producers and a consumer of the queue "q" in a cluster whose nodes are
 * replaced under them; what came of each message is judged at the end. Knows the public calls.
 */
#ifndef TESTS_SUPPORT_CLUSTER_TRAFFIC_HPP
#define TESTS_SUPPORT_CLUSTER_TRAFFIC_HPP

#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "../counted.hpp"
#include "cluster.hpp"
#include "riding.hpp"

namespace riding
{

using redis::Cluster;
using redis::Node;

constexpr uint32_t outlasts_ms = 120000; /* each call */
constexpr uint64_t lease_ms = 1000;      /* what a lost reply leased comes back then */

/* Two producers, one of which has its pushes confirmed by a replica, and a consumer, each with a
 * handle by another node. */
class Traffic
{
public:
    explicit Traffic(Cluster &cluster) : cluster_(cluster)
    {
        threads_.emplace_back([this] { produce("plain", 0); });
        threads_.emplace_back([this] { produce("confirmed", 1); });
        consumer_ = std::thread([this] { consume(); });
    }
    ~Traffic()
    {
        end();
    }
    Traffic(const Traffic &) = delete;
    Traffic &operator=(const Traffic &) = delete;

    void flow(int messages) /* so many more are pushed and run */
    {
        const int pushed = pushed_ + messages;
        const int run = run_ + messages;
        REQUIRE(comes_true([&] { return broken_ || (pushed_ >= pushed && run_ >= run); }));
        const std::lock_guard<std::mutex> lock(mutex_);
        INFO(why_);
        REQUIRE_FALSE(broken_);
    }
    void end()
    {
        stop_ = true;
        for (std::thread &thread : threads_) {
            thread.join();
        }
        threads_.clear();
        is_all_pushed_ = true;
        if (consumer_.joinable()) {
            consumer_.join();
        }
    }
    void judge() /* after end */
    {
        INFO(why_);
        REQUIRE_FALSE(broken_);
        int lost_plain = 0;
        int lost_confirmed = 0;
        int twice = 0;
        for (const auto &one : runs_) {
            CHECK(tried_.count(one.first) == 1); /* none that was never pushed */
            twice += one.second > 1;
        }
        for (const std::string &text : acknowledged_) {
            lost_plain += runs_.count(text) == 0;
        }
        for (const std::string &text : confirmed_) {
            lost_confirmed += runs_.count(text) == 0;
        }
        std::printf("cluster: %zu pushed, %zu of them confirmed; lost: %d confirmed, %d others; %d "
                    "unknown, %d run again\n",
                    acknowledged_.size() + confirmed_.size(), confirmed_.size(), lost_confirmed,
                    lost_plain, unknown_, twice);
        support::counted(acknowledged_.size() + confirmed_.size(), "messages");
        CHECK(lost_confirmed == 0);
    }

private:
    void fail(const std::string &what, const slotq_error &error)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        why_ = what + ": " + error.text;
        broken_ = true;
    }
    void produce(const std::string &kind, uint32_t replicas)
    {
        slotq_redis_options options = {};
        options.wait_replicas = replicas;
        options.wait_ms = 1000;
        Queue queue(cluster_.node(replicas).url(), outlasts_ms, options);
        for (int i = 0; !stop_ && !broken_; i++) {
            const std::string text = kind + " " + std::to_string(i);
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                tried_.insert(text);
            }
            slotq_outcome outcome = queue.push(text);
            while (outcome == SLOTQ_FULL && !stop_) {
                sleep_ms(1);
                outcome = queue.push(text);
            }
            take(text, outcome, replicas > 0, queue);
            sleep_ms(1);
        }
    }
    void take(const std::string &text, slotq_outcome outcome, bool confirms, Queue &queue)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        pushed_ += outcome == SLOTQ_OK;
        if (outcome == SLOTQ_OK && confirms) {
            confirmed_.insert(text);
        } else if (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED) {
            acknowledged_.insert(text);
        } else if (outcome == SLOTQ_OUTCOME_UNKNOWN) {
            unknown_++;
        } else if (outcome != SLOTQ_FULL) {
            why_ = "push: " + std::string(queue.error().text);
            broken_ = true;
        }
    }
    void consume()
    {
        Queue queue(cluster_.node(2).url(), outlasts_ms);
        slotq_message message;
        bool over = false;
        while (!broken_ && !over) { /* a wait for longer than a lease finds all that comes back */
            const bool is_last = is_all_pushed_;
            const slotq_outcome outcome =
                slotq_reserve(queue.get(), 0, 20, lease_ms, lease_ms + 500, queue.batch());
            over = is_last && outcome == SLOTQ_EMPTY;
            if (outcome == SLOTQ_EMPTY || outcome == SLOTQ_OUTCOME_UNKNOWN) {
                continue;
            }
            if (outcome != SLOTQ_OK) {
                fail("reserve", queue.error());
                return;
            }
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                while (slotq_batch_next(queue.batch(), &message)) {
                    const char *text = static_cast<const char *>(message.payload);
                    runs_[std::string(text, message.payload_bytes)]++;
                    run_++;
                }
            }
            const slotq_outcome acked = slotq_ack_batch(queue.get(), queue.batch());
            if (acked >= SLOTQ_FAILURES && acked != SLOTQ_OUTCOME_UNKNOWN) {
                fail("ack", queue.error());
            }
        }
    }

    Cluster &cluster_;
    std::mutex mutex_;
    std::set<std::string> tried_;
    std::set<std::string> acknowledged_;
    std::set<std::string> confirmed_;
    std::map<std::string, int> runs_;
    std::string why_;
    int unknown_ = 0;
    std::atomic<int> pushed_{0};
    std::atomic<int> run_{0};
    std::atomic<bool> stop_{false};
    std::atomic<bool> broken_{false};
    std::atomic<bool> is_all_pushed_{false};
    std::vector<std::thread> threads_;
    std::thread consumer_;
};

inline void fail_over(Cluster &cluster, uint32_t slot)
{
    Node &from = cluster.owner(slot);
    Node &to = cluster.replica_of(from);
    REQUIRE(to.command({"CLUSTER", "FAILOVER"}).is_status("OK"));
    REQUIRE(comes_true([&] { return &cluster.owner(slot) == &to; }));
    REQUIRE(comes_true([&] { return info(from.server(), "role") == "slave"; }));
    REQUIRE(comes_true([&] { return info(from.server(), "master_link_status") == "up"; }));
}

/* The killed one comes back as a replica of the one that took over. */
inline void kill(Cluster &cluster, uint32_t slot)
{
    Node &killed = cluster.kill_owner(slot);
    killed.server().start();
    REQUIRE(comes_true([&] { return info(killed.server(), "master_link_status") == "up"; }));
}

} // namespace riding
#endif
