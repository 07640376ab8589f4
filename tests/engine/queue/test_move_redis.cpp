/* test_move_redis.cpp: slotq_move between queues of one server, in one call, and of two servers;
 * and where a reply is lost.
 */
#include "catch.hpp"

#include "moves.hpp"
#include "server/proxy.hpp"
#include "server/redis_server.hpp"

using namespace moves;

namespace
{

/* A queue of Redis by the server's clock: two of these move in one step. */
struct Plain {
    slotq *queue = nullptr;
    std::string url, name;

    Plain(const std::string &at, const std::string &called, const Geometry &geometry = Geometry())
        : url(at), name(called)
    {
        slotq_error error = {};
        const slotq_outcome made =
            slotq_create(url.c_str(), name.c_str(), geometry, nullptr, &error);
        INFO(error.text);
        REQUIRE(made == SLOTQ_OK);
        open(url);
    }
    ~Plain()
    {
        slotq_close(queue);
    }
    Plain(const Plain &) = delete;
    Plain &operator=(const Plain &) = delete;

    void open(const std::string &by)
    {
        slotq_close(queue);
        slotq_error error = {};
        const slotq_outcome opened = slotq_open(by.c_str(), name.c_str(), nullptr, &queue, &error);
        INFO(error.text);
        REQUIRE(opened == SLOTQ_OK);
    }
    Message leased(const std::string &payload)
    {
        const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
        REQUIRE(slotq_push(queue, &data, 1, nullptr) == SLOTQ_OK);
        const Batch one = batch();
        REQUIRE(slotq_reserve(queue, 0, 1, 600000, 0, one.get()) == SLOTQ_OK);
        return messages(one.get()).at(0);
    }
};

long calls_of(redis::Server &server, const std::string &command)
{
    const std::string stats = server.command({"INFO", "commandstats"}).text;
    const std::string name = "cmdstat_" + command + ":calls=";
    const size_t at = stats.find(name);
    return at == std::string::npos ? 0 : std::stol(stats.substr(at + name.size()));
}

} // namespace

TEST_CASE("move: in one call between two queues of one server", "[move]")
{
    redis::Server server;
    Plain from(server.url(), "from");
    Plain to(server.url(), "to", with_keys());
    uint64_t id = 0;
    REQUIRE(move(from.queue, from.leased("one"), to.queue, &id) == SLOTQ_OK);
    CHECK(id == 1);
    const Message held = from.leased("two");
    server.command({"CONFIG", "RESETSTAT"});
    REQUIRE(move(from.queue, held, to.queue, &id) == SLOTQ_OK);
    CHECK(calls_of(server, "evalsha") == 1);
    CHECK(id == 2);
    CHECK(payloads(to.queue) == "one two ");
    CHECK(payloads(from.queue) == "");
    server.command({"SCRIPT", "FLUSH"});
    const slotq_data data = {"three", 5};
    CHECK(move(from.queue, from.leased("x"), to.queue, &id, &data) == SLOTQ_OK);
    CHECK(payloads(to.queue) == "one two three ");
    CHECK(payloads(from.queue) == "");
}

TEST_CASE("move: damaged bytes stay where they are, also between queues with checks", "[move]")
{
    redis::Server server;
    Geometry checked = with_keys();
    checked.raw.flags |= SLOTQ_FLAG_CHECKS;
    Plain from(server.url(), "from", checked);
    Plain to(server.url(), "to", checked);
    const Message held = from.leased("sound");
    const std::string bytes = server.command({"GET", "from"}).text;
    const size_t at = bytes.find("sound");
    REQUIRE(at != std::string::npos);
    server.command({"SETRANGE", "from", std::to_string(at), "X"});
    CHECK(move(from.queue, held, to.queue) == SLOTQ_CORRUPT);
    CHECK(payloads(to.queue) == "");
    slotq_stats stats = {};
    CHECK(slotq_get_stats(from.queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.leased == 1);
    server.command({"SETRANGE", "from", std::to_string(at), "s"});
    CHECK(move(from.queue, held, to.queue) == SLOTQ_OK);
    CHECK(payloads(to.queue) == "sound ");
    CHECK(slotq_check(to.queue) == SLOTQ_OK);
}

TEST_CASE("move: a copy in another database is another queue", "[move]")
{
    redis::Server server;
    Plain from(server.url(), "q");
    server.command({"COPY", "q", "q", "DB", "1"});
    slotq *other = nullptr;
    REQUIRE(slotq_open((server.url() + "?db=1").c_str(), "q", nullptr, &other, nullptr) ==
            SLOTQ_OK);
    CHECK(move(from.queue, from.leased("one"), other) == SLOTQ_OK);
    CHECK(payloads(other) == "one ");
    CHECK(payloads(from.queue) == "");
    slotq_close(other);
}

TEST_CASE("move: in one call each refusal is that of two calls", "[move]")
{
    redis::Server server;
    Plain from(server.url(), "from");
    Plain to(server.url(), "to", Geometry(3, 4));
    const Message held = from.leased("large");
    const auto is = [&](slotq_outcome outcome, slotq_outcome wanted, const std::string &part) {
        CAPTURE(text_of(from.queue), part);
        CHECK(outcome == wanted);
        CHECK(slotq_error_of(from.queue)->outcome == wanted);
        CHECK(has(text_of(from.queue), part));
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(from.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.leased == 1);
    };
    const slotq_data fits = {"fits", 4};
    is(move(from.queue, held, to.queue), SLOTQ_TOOBIG, "the queue to move to: ");
    Message stale = held;
    stale.token += 256;
    is(move(from.queue, stale, to.queue), SLOTQ_STALE, "the queue that the message is in: ");
    slotq_pause(to.queue, SLOTQ_PAUSE_IN);
    is(move(from.queue, held, to.queue, nullptr, &fits), SLOTQ_PAUSED,
       "the queue to move to: the queue is paused for pushing");
    slotq_resume(to.queue, SLOTQ_PAUSE_IN);
    const slotq_data two[] = {fits, fits};
    REQUIRE(slotq_push(to.queue, two, 2, nullptr) == SLOTQ_OK);
    is(move(from.queue, held, to.queue, nullptr, &fits), SLOTQ_FULL,
       "the queue to move to: the queue is full: 2 messages are unfinished. The oldest is message "
       "1, ready in group 0.");
    REQUIRE(slotq_resize(server.url().c_str(), "to", Geometry(9, 16), nullptr) == SLOTQ_OK);
    uint64_t id = 0;
    CHECK(move(from.queue, held, to.queue, &id) == SLOTQ_OK); /* it has the new sizes */
    CHECK(id == 3);
    const Message next = from.leased("next");
    REQUIRE(slotq_remove_queue(server.url().c_str(), "to", nullptr) == SLOTQ_OK);
    is(move(from.queue, next, to.queue), SLOTQ_NOQUEUE, "the queue to move to: ");
    REQUIRE(slotq_create(server.url().c_str(), "to", Geometry(), nullptr, nullptr) == SLOTQ_OK);
    is(move(from.queue, next, to.queue), SLOTQ_REMADE, "the queue to move to: ");
    CHECK(move(from.queue, next, to.queue, &id) == SLOTQ_OK);
    CHECK(id == 1);
    const Message last = from.leased("last");
    REQUIRE(slotq_resize(server.url().c_str(), "from", Geometry(19, 20), nullptr) == SLOTQ_OK);
    CHECK(move(from.queue, last, to.queue, &id) == SLOTQ_OK);
    CHECK(id == 2);
    REQUIRE(slotq_remove_queue(server.url().c_str(), "from", nullptr) == SLOTQ_OK);
    CHECK(move(from.queue, last, to.queue) == SLOTQ_NOQUEUE);
    CHECK(has(text_of(from.queue), "the queue that the message is in: "));
    Plain again(server.url(), "from");
    CHECK(move(from.queue, last, to.queue) == SLOTQ_REMADE);
    CHECK(has(text_of(from.queue), "the queue that the message is in: "));
}

TEST_CASE("move: checks of one of two queues on a server are computed by the library", "[move]")
{
    redis::Server server;
    Geometry checked;
    checked.flags(SLOTQ_FLAG_CHECKS);
    Plain plain(server.url(), "plain");
    Plain first(server.url(), "first", checked);
    Plain second(server.url(), "second", checked);
    CHECK(move(plain.queue, plain.leased("a"), first.queue) == SLOTQ_OK);
    CHECK(move(first.queue, first.leased("b"), second.queue) == SLOTQ_OK);
    CHECK(payloads(first.queue) == "b ");
    CHECK(payloads(second.queue) == "a "); /* it was there before b */
    CHECK(move(second.queue, second.leased("c"), plain.queue) == SLOTQ_OK);
    CHECK(payloads(plain.queue) == "a ");
    CHECK(slotq_check(first.queue) == SLOTQ_OK);
    CHECK(slotq_check(second.queue) == SLOTQ_OK);
}

TEST_CASE("move: between two servers, and by two addresses of one", "[move]")
{
    redis::Server server;
    redis::Server other;
    Plain from(server.url(), "from");
    Plain to(other.url(), "to", with_keys());
    uint64_t id = 0;
    CHECK(move(from.queue, from.leased("far"), to.queue, &id) == SLOTQ_OK);
    CHECK(id == 1);
    CHECK(payloads(to.queue) == "far ");
    CHECK(payloads(from.queue) == "");
    Proxy proxy(server.socket_path());
    Plain near(server.url(), "near");
    near.open(proxy.url());
    CHECK(move(from.queue, from.leased("near"), near.queue, &id) == SLOTQ_OK);
    CHECK(payloads(near.queue) == "near ");
    const Message held = from.leased("self");
    slotq *self = nullptr;
    REQUIRE(slotq_open(proxy.url().c_str(), "from", nullptr, &self, nullptr) == SLOTQ_OK);
    CHECK(move(from.queue, held, self) == SLOTQ_INVALID);
    slotq_close(self);
    other.kill();
    CHECK(move(from.queue, held, to.queue, &id) == SLOTQ_CONNECT);
    CHECK(has(text_of(from.queue), "the queue to move to: "));
    slotq_stats stats = {};
    REQUIRE(slotq_get_stats(from.queue, 0, &stats) == SLOTQ_OK);
    CHECK(stats.leased == 1);
}

TEST_CASE("move: a reply that is cut anywhere is unknown, and the same move again tells", "[move]")
{
    redis::Server server;
    Proxy proxy(server.socket_path());
    Plain from(server.url(), "from", Geometry(500, 16));
    Plain to(server.url(), "to", Geometry(500, 16));
    from.open(proxy.url());
    to.open(proxy.url());
    REQUIRE(move(from.queue, from.leased("first"), to.queue) == SLOTQ_OK);
    bool ended = false;
    for (long bytes = 0; !ended; bytes++) {
        const Message held = from.leased("m");
        proxy.cut_after(bytes);
        const slotq_outcome outcome = move(from.queue, held, to.queue);
        ended = !proxy.disarm();
        CHECK(outcome == (ended ? SLOTQ_OK : SLOTQ_OUTCOME_UNKNOWN));
        CHECK(move(from.queue, held, to.queue) == SLOTQ_GONE);
        slotq_stats stats = {};
        REQUIRE(slotq_get_stats(to.queue, 0, &stats) == SLOTQ_OK);
        CHECK(stats.last_id == static_cast<uint64_t>(bytes) + 2);
        REQUIRE(bytes < 100);
    }
}

TEST_CASE("move: a push of unknown outcome leaves the message leased, and a key tells", "[move]")
{
    redis::Server server;
    Proxy proxy(server.socket_path());
    Queue from(Kind::memory);
    Plain to(server.url(), "to", with_keys());
    to.open(proxy.url());
    from.fill(2);
    const auto held = from.reserve(2);
    REQUIRE(move(from, held[0], to.queue) == SLOTQ_OK);
    proxy.cut_after(1);
    uint64_t id = 0;
    CHECK(move(from, held[1], to.queue, &id) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(has(text_of(from), "the queue to move to: "));
    CHECK(proxy.disarm());
    CHECK(from.stats().leased == 1);
    CHECK(move(from, held[1], to.queue, &id) == SLOTQ_OK);
    CHECK(id == 2);
    CHECK(payloads(to.queue) == "1 2 ");
}

TEST_CASE("move: in one call both ways at the same time, with nothing lost or twice", "[move]")
{
    redis::Server server;
    Geometry roomy(99, 16);
    Plain one(server.url(), "one", roomy);
    Plain other(server.url(), "other", roomy);
    const slotq_data three[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    REQUIRE(slotq_push(one.queue, three, 3, nullptr) == SLOTQ_OK);
    CHECK(to_and_fro(one.queue, other.queue, 4, 100) == "");
    CHECK(in_order(payloads(one.queue) + payloads(other.queue)) == "a b c ");
    CHECK(slotq_check(one.queue) == SLOTQ_OK);
    CHECK(slotq_check(other.queue) == SLOTQ_OK);
}
