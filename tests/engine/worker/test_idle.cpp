/* test_idle.cpp: what idle threads cost: no herd at a wake-up, and no polling.
 */
#include "catch.hpp"

#include <chrono>
#include <thread>

#include "live.hpp"
#include "waits.hpp"
#include "server/redis_server.hpp"

using namespace any_queue;
using namespace working;

namespace
{

uint64_t calls_of(redis::Server &server, const std::string &command)
{
    const std::string text = server.command({"INFO", "commandstats"}).text;
    const std::string name = "cmdstat_" + command + ":calls=";
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
}

} // namespace

TEST_CASE("idle: a push wakes one thread of many, and no thread polls", "[worker][idle]")
{
    constexpr uint32_t threads = 32;
    redis::Server server;
    Live queue(server.url());
    Working work;
    work.options.threads = threads;
    work.options.lease_ms = 60000;
    work.handle_done("a:b");
    work.add(queue);
    work.start();
    push_task(queue, "a:b");
    CHECK(eventually([&] { return work.stats().done == 1; }));
    const uint64_t before = calls_of(server, "evalsha");
    for (uint64_t i = 0; i < 100; i++) {
        push_task(queue, "a:b");
        REQUIRE(eventually([&] { return work.stats().done == i + 2; }));
    }
    const uint64_t calls = calls_of(server, "evalsha") - before;
    INFO("calls for 100 pushes: " << calls);
    CHECK(calls <= 800); /* the push, and those that waited and wait; a herd takes 3,200 */
    const auto begun = std::chrono::steady_clock::now();
    const uint64_t waits_before = waits();
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const uint64_t waited = waits() - waits_before;
    const auto s =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun)
            .count();
    INFO("waits: " << waited << " in " << s << " s");
    CHECK(waited <= threads * static_cast<uint64_t>(s + 1) / 2);
    work.stop_and_join();
}
