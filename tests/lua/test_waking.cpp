/* test_waking.cpp: waiting and waking over a server: a PUBLISH on slotq:KEY wakes the waiting
 * callers, and a call costs nothing more while no caller waits. And the server's time for calls
 * that give no time.
 */
#include "../support/catch.hpp"
#include "../support/image/fields.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Reply;

/* Messages on the queue's channel since last asked. */
class Listener
{
public:
    explicit Listener(const Queue &queue)
        : connection_(redis::shared_server().connect()), channel_("slotq:" + queue.key())
    {
        connection_->command({"SUBSCRIBE", channel_});
    }
    uint32_t heard()
    {
        uint32_t count = 0;
        connection_->append({"PING"});
        for (;;) {
            const Reply reply = connection_->next();
            if (reply.items.empty() || reply.items[0].text == "pong") {
                return count;
            }
            CHECK(reply.items.at(1).text == channel_);
            CHECK(reply.items.at(2).text == "wake");
            count++;
        }
    }

private:
    std::unique_ptr<redis::Connection> connection_;
    std::string channel_;
};

uint64_t wake_of(Queue &queue)
{
    return on_server::value_of(queue.bytes(), support::field::shared_wake.offset, 4);
}

} // namespace

TEST_CASE("waking: a consumer that found nothing is told of a push, once")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string reserve = GENERATE(as<std::string>(), "reserve", "reserve_packed");
    const std::string push = GENERATE(as<std::string>(), "push", "push_packed");
    Queue queue(redis::shared_server(), variant);
    Listener listener(queue);
    const auto pushed = [&] { return queue.run(push, queue.sample(push)); };
    pushed();
    queue.run(reserve, {"0", "1", "30000"});
    CHECK(listener.heard() == 0);
    CHECK(wake_of(queue) == 0);
    /* a call that does not wait leaves no mark */
    const Reply empty = queue.run(reserve, {"0", "1", "30000"});
    CHECK((empty.text.empty() && empty.items.empty() && !empty.is_error()));
    CHECK(wake_of(queue) == 0);
    /* the lease that is out says when it is worth looking again */
    const Reply waits = queue.run(reserve, {"0", "1", "30000", "1"});
    CHECK(waits.is_integer(static_cast<int64_t>(on_server::now_ms + 30000)));
    CHECK(wake_of(queue) == 1);
    pushed();
    CHECK(wake_of(queue) == 8);
    CHECK(listener.heard() == 1);
    pushed();
    CHECK(wake_of(queue) == 8);
    CHECK(listener.heard() == 0);
}

TEST_CASE("waking: a producer that found no room is told of it")
{
    on_server::Shape shape;
    shape.ring_slots = 2;
    Queue queue(redis::shared_server(), "redis7", shape);
    Listener listener(queue);
    queue.run("push", {"a"});
    CHECK(queue.run("push_packed", {"1", queue.slot("b"), "1"}).word() == "SLOTQFULL");
    CHECK(wake_of(queue) == 2);
    const Reply reserved = queue.run("reserve", {"0", "1", "30000"});
    CHECK(listener.heard() == 0);
    queue.run("settle", {"ack", "0", "0", "0", std::to_string(reserved.items.at(0).integer),
                         std::to_string(reserved.items.at(1).integer)});
    CHECK(listener.heard() == 1);
    CHECK(wake_of(queue) == 8);
}

TEST_CASE("waking: consumers look again when the next due time falls, and when it is promoted")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    Listener listener(queue);
    const auto waits = [&] {
        const Reply reply = queue.run("reserve", {"0", "1", "30000", "1"});
        return reply.integer - static_cast<int64_t>(on_server::now_ms);
    };
    waits();
    queue.schedule("a", on_server::now_ms + 500);
    CHECK(listener.heard() == 1);
    CHECK(wake_of(queue) == 8);
    CHECK(waits() == 500);
    queue.schedule("b", on_server::now_ms + 500); /* no earlier than a */
    queue.run("cancel", {"1"});
    CHECK(listener.heard() == 0);
    queue.run("kick", {"9", "later"});
    CHECK(listener.heard() == 0);
    queue.run("kick", {"2", "later"});
    CHECK(listener.heard() == 1);
    waits(); /* takes b */
    CHECK(wake_of(queue) == 16);
    CHECK(waits() == 30000);
    queue.schedule("c", on_server::now_ms + 500);
    CHECK(waits() == 500);
    CHECK(listener.heard() == 1);
    queue.run_at(on_server::now_ms + 500, "push", {"x"});
    CHECK(listener.heard() == 1);
    CHECK(wake_of(queue) == 32);
}

TEST_CASE("waking: a reserve whose burials made room for what is due is told to look at once")
{
    on_server::Shape shape;
    shape.ring_slots = 3;
    shape.max_attempts = 1;
    on_server::SoundQueue queue(redis::shared_server(),
                                GENERATE(as<std::string>(), "plain", "redis7"), shape);
    queue.ask("push", {"a", "b"});
    CHECK(queue.ask("reserve", {"0", "2", "1000"}).items.size() == 8);
    queue.ask("schedule", {std::to_string(queue.at_ms + 500), "", "c"});
    queue.at_ms += 2000; /* a and b held the ring, and die */
    const Reply empty = queue.ask("reserve", {"0", "2", "1000", "1"});
    CHECK(empty.is_integer(static_cast<int64_t>(queue.at_ms)));
    CHECK(queue.ask("reserve", {"0", "2", "1000", "1"}).items.size() == 4);
}

TEST_CASE("waking: an ack does not wake consumers that wait for a message")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    Listener listener(queue);
    queue.run("push", {"a"});
    const Reply reserved = queue.run("reserve", {"0", "1", "30000"});
    queue.run("reserve", {"0", "1", "30000", "1"});
    REQUIRE(wake_of(queue) == 1);
    queue.run("settle", {"ack", "0", "0", "0", std::to_string(reserved.items.at(0).integer),
                         std::to_string(reserved.items.at(1).integer)});
    CHECK(listener.heard() == 0);
    CHECK(wake_of(queue) == 1);
}

TEST_CASE("waking: what makes a message ready again wakes: nack, release, reclaim, redrive, resume")
{
    const std::string what =
        GENERATE(as<std::string>(), "nack", "release", "reclaim", "redrive", "resume", "remove");
    Queue queue(redis::shared_server());
    Listener listener(queue);
    queue.prepare();
    queue.run("reserve_packed", {"0", "10", "30000"});
    queue.run("reserve_packed", {"0", "10", "30000", "1"});
    REQUIRE(wake_of(queue) == 1);
    const std::string run = on_server::number(queue.leased_id, 6) +
                            on_server::number(queue.token, 4) + on_server::number(1, 2);
    if (what == "nack" || what == "release") {
        queue.run("settle_packed", {what, "0", "0", "0", run});
    } else if (what == "reclaim") {
        queue.run_at(on_server::now_ms + 60000, what, {"0"});
    } else if (what == "redrive") {
        queue.run(what, {"1"});
    } else if (what == "resume") {
        queue.run("pause", {"2"});
        CHECK(listener.heard() == 0);
        queue.run(what, {"2"});
    } else { /* nothing becomes ready, nothing gets room: no client is woken */
        queue.run(what, {std::to_string(queue.leased_id), "0"});
        CHECK(listener.heard() == 0);
        CHECK(wake_of(queue) == 1);
        return;
    }
    CAPTURE(what);
    CHECK(listener.heard() == 1);
    CHECK(wake_of(queue) == 8);
}

TEST_CASE("time: the server's where the caller gives none, and stamps keep it")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    on_server::Shape shape;
    shape.flags = 16;
    shape.tick_ms = 1;
    Queue queue(redis::shared_server(), variant, shape);
    const auto server_ms = [&] {
        const Reply time = queue.command({"TIME"});
        return std::stoll(time.items.at(0).text) * 1000 + std::stoll(time.items.at(1).text) / 1000;
    };
    const int64_t before = server_ms();
    REQUIRE(queue.run_raw("push", {"", "x"}).is_integer(1));
    REQUIRE(queue.run_raw("reserve", {"", "0", "1", "60000"}).items.size() == 4);
    const Reply status = queue.run_raw("status", {"", "0", "1"});
    const int64_t after = server_ms();
    CAPTURE(before, after, status.told());
    REQUIRE(status.items.size() == 7);
    CHECK(status.items[0].text == "LEASED");
    CHECK(status.items[3].integer >= before + 60000);
    CHECK(status.items[3].integer <= after + 60001);
    CHECK(status.items[4].integer >= 0);
    CHECK(status.items[4].integer <= after - before);
    CHECK(status.items[6].integer >= before);
    CHECK(status.items[6].integer <= after);
}
