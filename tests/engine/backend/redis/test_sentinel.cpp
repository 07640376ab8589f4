/* test_sentinel.cpp: a primary that is found by asking real Sentinels: planned failovers, a killed
 * and an isolated primary, Sentinels that are away, and URLs that are wrong.
 */
#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "server/sentinels.hpp"

using namespace riding;
using sentinels::Deployment;

TEST_CASE("sentinel: the primary of a name is found, before and after a failover")
{
    Deployment all;
    make(all.url());
    Queue queue(all.url());
    REQUIRE(queue.push("one") == SLOTQ_OK);
    all.begin_failover();
    REQUIRE(all.ends_failover(0) > 0);
    REQUIRE(queue.push("two") == SLOTQ_OK);
    CHECK(drained(queue.get()) == std::vector<std::string>{"one", "two"});
}
