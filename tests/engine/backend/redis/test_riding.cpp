/* test_riding.cpp: what a server refuses for now is waited for inside the call, never done twice,
 * and kept in order. Real servers in real states; no failover.
 */
#include <memory>

#include "server/riding.hpp"

using namespace riding;

namespace
{

/* A script that keeps the server busy for so long, on a separate connection. */
class Busy
{
public:
    Busy(Server &server, long ms) : connection_(server.connect())
    {
        server.command({"CONFIG", "SET", "busy-reply-threshold", "20"});
        connection_->append({"EVAL",
                             "local t = redis.call('TIME') local e = t[1] * 1000 + t[2] / 1000 + "
                             "ARGV[1] repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / "
                             "1000 > e return 1",
                             "0", std::to_string(ms)});
        REQUIRE(connection_->send());
        REQUIRE(comes_true([&] { return server.command({"PING"}).word() == "BUSY"; }));
    }
    ~Busy()
    {
        (void)connection_->next();
    }

private:
    std::unique_ptr<redis::Connection> connection_;
};

} // namespace

TEST_CASE("riding: every call goes on through a busy server, and opens on one")
{
    Server server;
    make(url_of(server));
    Queue queue(url_of(server));
    REQUIRE(queue.opened() == SLOTQ_OK);
    std::string text;
    slotq_message message;
    {
        const Busy busy(server, 1500);
        REQUIRE(queue.push("one") == SLOTQ_OK);
    }
    {
        const Busy busy(server, 500);
        REQUIRE(queue.reserve(&text, &message) == SLOTQ_OK);
        CHECK(text == "one");
    }
    {
        const Busy busy(server, 500);
        CHECK(slotq_ack(queue.get(), 0, message.id, message.token) == SLOTQ_OK);
    }
    {
        const Busy busy(server, 500);
        CHECK(slotq_check(queue.get()) == SLOTQ_OK);
    }
    {
        const Busy busy(server, 500);
        const Queue late(url_of(server));
        CHECK(late.opened() == SLOTQ_OK);
    }
    {
        const Busy busy(server, 500);
        make(url_of(server));
    }
    slotq_stats stats;
    REQUIRE(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.last_id == 1);
    CHECK(stats.acked == 1);
}

TEST_CASE("riding: a call reports the refusal when its time is over, and that it passes")
{
    Server server;
    make(url_of(server));
    Queue queue(url_of(server), 100);
    REQUIRE(queue.opened() == SLOTQ_OK);
    const Busy busy(server, 1500);
    CHECK(queue.push("one") == SLOTQ_IO);
    CHECK(queue.error().passes);
    CHECK(queue.error().cause == SLOTQ_CAUSE_REFUSED);
}

TEST_CASE("riding: a producer keeps its order through a busy server")
{
    Server server;
    make(url_of(server));
    Queue queue(url_of(server));
    slotq_producer_options options = {};
    options.max_messages = 10;
    slotq_producer *producer = nullptr;
    REQUIRE(slotq_producer_new(queue.get(), &options, &producer) == SLOTQ_OK);
    {
        const Busy busy(server, 700);
        for (int i = 0; i < 35; i++) {
            const std::string text = std::to_string(i);
            CHECK(slotq_producer_push(producer, text.data(), static_cast<uint32_t>(text.size()),
                                      0) == SLOTQ_OK);
        }
        CHECK(slotq_producer_flush(producer) == SLOTQ_OK);
    }
    slotq_producer_close(producer);
    const std::vector<std::string> texts = drained(queue.get());
    REQUIRE(texts.size() == 35);
    for (size_t i = 0; i < texts.size(); i++) {
        CHECK(texts[i] == std::to_string(i));
    }
}

TEST_CASE("riding: a pipeline and slotq_next do each verb once, in order, through a busy server")
{
    Server server;
    make(url_of(server));
    Queue queue(url_of(server));
    slotq_pipeline *pipeline = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_pipeline_new(queue.get(), &pipeline, &error) == SLOTQ_OK);
    const slotq_data first = {"a", 1};
    const slotq_data second = {"b", 1};
    const slotq_data third = {"c", 1};
    for (const slotq_data *data : {&first, &second, &third}) {
        REQUIRE(slotq_pipeline_push(pipeline, data, 1, nullptr) == SLOTQ_OK);
    }
    {
        const Busy busy(server, 500);
        CHECK(slotq_pipeline_run(pipeline) == SLOTQ_OK);
    }
    slotq_pipeline_free(pipeline);
    slotq_message message;
    slotq_settled settled;
    std::string text;
    REQUIRE(queue.reserve(&text, &message) == SLOTQ_OK);
    CHECK(text == "a");
    {
        const Busy busy(server, 500);
        REQUIRE(slotq_next(queue.get(), 0, 1, 30000, 0, queue.batch(), &settled) == SLOTQ_OK);
    }
    CHECK(settled.outcome == SLOTQ_OK);
    CHECK(settled.ok_count == 1);
    REQUIRE(slotq_batch_next(queue.batch(), &message));
    CHECK(std::string(static_cast<const char *>(message.payload), message.payload_bytes) == "b");
    REQUIRE(slotq_ack_batch(queue.get(), queue.batch()) == SLOTQ_OK);
    CHECK(drained(queue.get()) == std::vector<std::string>{"c"});
}

TEST_CASE("riding: too few replicas and a disk that fails are waited for")
{
    Server server({"--enable-protected-configs", "yes"});
    make(url_of(server));
    Queue queue(url_of(server));
    REQUIRE(queue.push("before") == SLOTQ_OK);

    REQUIRE(server.command({"CONFIG", "SET", "min-replicas-to-write", "1"}).is_status("OK"));
    CHECK(server.command({"SET", "x", "y"}).word() == "NOREPLICAS");
    std::thread other([&] {
        sleep_ms(700);
        server.command({"CONFIG", "SET", "min-replicas-to-write", "0"});
    });
    CHECK(queue.push("replicas") == SLOTQ_OK);
    other.join();

    fail_to_save(server);
    std::thread mender([&] {
        sleep_ms(700);
        server.command({"CONFIG", "SET", "stop-writes-on-bgsave-error", "no"});
    });
    CHECK(queue.push("disk") == SLOTQ_OK);
    mender.join();
    CHECK(drained(queue.get()) == std::vector<std::string>{"before", "replicas", "disk"});
}

TEST_CASE("riding: a server that restarts and loads its data is waited for")
{
    Server server({"--key-load-delay", "4000", "--loading-process-events-interval-bytes", "1024"});
    make(url_of(server));
    Queue queue(url_of(server));
    REQUIRE(queue.push("before") == SLOTQ_OK);
    const auto filling = server.connect();
    for (int i = 0; i < 500; i++) {
        filling->command({"SET", "key " + std::to_string(i), std::string(1000, 'x')});
    }
    REQUIRE(server.command({"SAVE"}).is_status("OK"));
    server.kill();
    bool loads = false;
    slotq_outcome pushed = SLOTQ_IO;
    slotq_outcome opened = SLOTQ_IO;
    std::thread caller([&] { /* a server dies with the thread that started it: not this one */
                             loads = comes_true(
                                 [&] { return server.command({"PING"}).word() == "LOADING"; });
                             opened = Queue(url_of(server)).opened();
                             pushed = queue.push("after");
    });
    server.start();
    caller.join();
    CHECK(loads);
    CHECK(pushed == SLOTQ_OK);
    CHECK(opened == SLOTQ_OK);
    CHECK(drained(queue.get()) == std::vector<std::string>{"before", "after"});
}

TEST_CASE("riding: what stays is reported at once")
{
    Server server;
    make(url_of(server));
    REQUIRE(server.command({"ACL", "SETUSER", "worker", "on", ">w", "~*", "&*", "+@all"})
                .is_status("OK"));
    Queue queue(url_of(server) + "?user=worker&password=w");
    REQUIRE(queue.opened() == SLOTQ_OK);
    REQUIRE(server.command({"ACL", "SETUSER", "worker", "-evalsha", "-fcall"}).is_status("OK"));
    const auto begun = Clock::now();
    CHECK(queue.push("one") == SLOTQ_IO);
    CHECK_FALSE(queue.error().passes);
    CHECK(queue.error().cause == SLOTQ_CAUSE_RIGHTS);
    CHECK(since_ms(begun) < 30000); /* of the minute that what passes is given */
    const Queue locked(url_of(server) + "?user=worker&password=wrong");
    CHECK(locked.opened() == SLOTQ_CONNECT);
}

TEST_CASE("riding: should_stop ends the wait for a server")
{
    Server server;
    make(url_of(server));
    static int asked;
    asked = 0;
    slotq_options options = {};
    slotq_redis_options redis_options = {};
    redis_options.reconnect_ms = 600000;
    options.redis = &redis_options;
    options.should_stop = [](void *) { return ++asked >= 3; };
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url_of(server).c_str(), "q", &options, &queue, nullptr) == SLOTQ_OK);
    server.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
    const slotq_data data = {"x", 1};
    CHECK(slotq_push(queue, &data, 1, nullptr) == SLOTQ_IO);
    CHECK(asked >= 3);
    CHECK(slotq_error_of(queue)->passes);
    slotq_close(queue);
}
