// test_work_failover.cpp: slotq work, while the server at its fixed address is replaced by a
// planned failover: it goes on, every job runs once, and every job is acked in the new primary.
// And while its node of a cluster is killed: no job that a replica had confirmed is lost.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/cluster.hpp"
#include "server/failover.hpp"

extern char **environ;

using namespace riding;

namespace
{

constexpr int messages_before = 100;
constexpr int messages_after = 40;

std::string text_of(const std::string &path)
{
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

/* A worker whose jobs write their payloads to a file. */
class Worker
{
public:
    explicit Worker(const std::string &url, const char *lease = "5m")
    {
        REQUIRE(mkdtemp(folder_) != nullptr);
        const char *named = std::getenv("SLOTQ");
        const std::string command = named != nullptr ? named : SLOTQ_SOURCE_DIR "/build/bin/slotq";
        const std::string path = ran_path();
        const std::string said = said_path();
        const char *words[] = {command.c_str(),
                               "-u",
                               url.c_str(),
                               "work",
                               "q",
                               "-j",
                               "2",
                               "--lease",
                               lease,
                               "--",
                               "sh",
                               "-c",
                               "m=$(cat); sleep 0.02; echo \"$m\" >>\"$0\"",
                               path.c_str(),
                               nullptr};
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 2, said.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
        REQUIRE(posix_spawn(&pid_, command.c_str(), &files, nullptr,
                            const_cast<char *const *>(words), environ) == 0);
        posix_spawn_file_actions_destroy(&files);
    }
    ~Worker()
    {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        unlink(ran_path().c_str());
        unlink(said_path().c_str());
        rmdir(folder_);
    }
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    /* How often each payload was run. */
    std::map<std::string, int> runs() const
    {
        std::map<std::string, int> counts;
        std::ifstream file(ran_path());
        for (std::string line; std::getline(file, line);) {
            counts[line]++;
        }
        return counts;
    }
    std::string said() const
    {
        return text_of(said_path());
    }
    int stop()
    {
        int status = 0;
        kill(pid_, SIGTERM);
        waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    std::string ran_path() const
    {
        return std::string(folder_) + "/ran";
    }
    std::string said_path() const
    {
        return std::string(folder_) + "/said";
    }

    char folder_[32] = "/tmp/slotq-failover-XXXXXX";
    pid_t pid_ = -1;
};

uint64_t acked(const std::string &url)
{
    const Queue queue(url);
    slotq_stats stats = {};
    const bool told = slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK;
    return told ? stats.acked : 0;
}

} // namespace

TEST_CASE("a worker goes on behind a planned failover, and runs every job once")
{
    failover::Pair pair;
    make(pair.address.url());
    Queue producer(pair.address.url());
    for (int i = 0; i < messages_before; i++) {
        REQUIRE(producer.push("message " + std::to_string(i)) == SLOTQ_OK);
    }
    Worker worker(pair.address.url());
    REQUIRE(comes_true([&] { return worker.runs().size() >= 10; }));
    pair.fail_over();
    sleep_ms(300); /* the address still leads to what is a replica now */
    const size_t ran = worker.runs().size();
    pair.address.lead_to(pair.second.socket_path());
    const auto right = Clock::now();
    for (int i = 0; i < messages_after; i++) {
        REQUIRE(producer.push("later " + std::to_string(i)) == SLOTQ_OK);
    }
    /* two jobs may have been under way: the next one was reserved from the new primary */
    CHECK(comes_true([&] { return worker.runs().size() >= ran + 3; }));
    std::cout << "failover: the address was right, then slotq work ran new jobs within "
              << since_ms(right) << " ms\n";
    const uint64_t all = messages_before + messages_after;
    CHECK(comes_true([&] { return acked(url_of(pair.second)) >= all; }));
    const int code = worker.stop();
    INFO(worker.said());
    CHECK(code == 0);
    CHECK(acked(url_of(pair.second)) == all);
    const std::map<std::string, int> runs = worker.runs();
    CHECK(runs.size() == all);
    for (const auto &[text, count] : runs) {
        INFO(text);
        CHECK(count == 1);
    }
    const std::string sum = std::to_string(all) + " acked, 0 failed, 0 died, 0 leases lost";
    CHECK(worker.said().find(sum) != std::string::npos);
}

TEST_CASE("a worker goes on when its node of a cluster is killed, and loses no confirmed message")
{
    redis::Cluster cluster(3, true);
    const uint32_t slot = redis::Cluster::slot_of(cluster.node(0), "q");
    const std::string url = cluster.other_than(cluster.owner(slot)).url();
    slotq_redis_options confirmed = {};
    confirmed.wait_replicas = 1;
    confirmed.wait_ms = 60000;
    make(url);
    Queue producer(url, 120000, confirmed);
    for (int i = 0; i < messages_before; i++) {
        REQUIRE(producer.push("message " + std::to_string(i)) == SLOTQ_OK);
    }
    Worker worker(url, "2s"); /* what was leased when the node died comes back after that */
    REQUIRE(comes_true([&] { return worker.runs().size() >= 10; }));
    cluster.kill_owner(slot);
    const size_t ran = worker.runs().size();
    Queue later(url, 120000); /* its new primary has no replica */
    for (int i = 0; i < messages_after; i++) {
        REQUIRE(later.push("later " + std::to_string(i)) == SLOTQ_OK);
    }
    const size_t all = messages_before + messages_after;
    CHECK(comes_true([&] { return worker.runs().size() == all; }));
    CHECK(comes_true([&] {
        slotq_stats stats = {};
        return slotq_get_stats(producer.get(), 0, &stats) == SLOTQ_OK && stats.unfinished == 0;
    }));
    CHECK(slotq_check(producer.get()) == SLOTQ_OK);
    const int code = worker.stop();
    INFO(worker.said());
    CHECK(code == 0);
    CHECK(worker.runs().size() == all);
    std::cout << "failover: " << ran << " jobs had run when a replica took over\n";
}
